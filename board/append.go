package board

import (
	"strconv"
	"time"
)

// The functions here write the shapes of rules E2, E6 and E7, canonical values as
// they are and members in a fixed order, without reflection.

// AppendChange appends a change as an object of settings, widgets and layouts; nil
// is {}.
func AppendChange(dst []byte, c *Change) []byte {
	dst = append(dst, '{')
	if c == nil {
		return append(dst, '}')
	}
	comma := false
	if c.Settings != nil {
		dst = appendKey(dst, &comma, "settings")
		dst = appendPatch(dst, c.Settings)
	}
	if len(c.Widgets) > 0 {
		dst = append(appendKey(dst, &comma, "widgets"), '{')
		first := false
		for i := range c.Widgets {
			dst = appendKey(dst, &first, c.Widgets[i].ID)
			dst = appendWidgetChange(dst, &c.Widgets[i])
		}
		dst = append(dst, '}')
	}
	if len(c.Layouts) > 0 {
		dst = append(appendKey(dst, &comma, "layouts"), '{')
		first := false
		for _, name := range sortedKeys(c.Layouts) {
			dst = appendKey(dst, &first, name)
			dst = appendLayoutChange(dst, c.Layouts[name])
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

func appendWidgetChange(dst []byte, w *WidgetChange) []byte {
	switch {
	case w.Deleted:
		return append(dst, "null"...)
	case w.Value != "":
		dst = append(dst, `{"value":`...)
		dst = append(dst, w.Value...)
		return append(dst, '}')
	}
	return appendPatch(dst, w.Patch)
}

func appendPatch(dst []byte, p *Patch) []byte {
	dst = append(dst, '{')
	if p == nil {
		return append(dst, '}')
	}
	comma := false
	if len(p.Set) > 0 {
		dst = append(appendKey(dst, &comma, "set"), '{')
		first := false
		for _, a := range p.Set {
			dst = appendKey(dst, &first, string(a.Path))
			dst = append(dst, a.Value...)
		}
		dst = append(dst, '}')
	}
	if len(p.Unset) > 0 {
		dst = append(appendKey(dst, &comma, "unset"), '[')
		for i, q := range p.Unset {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendQuoted(dst, string(q))
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

func appendLayoutChange(dst []byte, l *LayoutChange) []byte {
	if l == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, '{')
	comma := false
	if l.Columns != 0 {
		dst = strconv.AppendInt(appendKey(dst, &comma, "columns"), int64(l.Columns), 10)
	}
	if l.Compact != "" {
		dst = appendQuoted(appendKey(dst, &comma, "compact"), string(l.Compact))
	}
	if len(l.Items) > 0 {
		dst = append(appendKey(dst, &comma, "items"), '{')
		first := false
		for _, id := range sortedKeys(l.Items) {
			dst = appendKey(dst, &first, id)
			if r := l.Items[id]; r != nil {
				dst = AppendRect(dst, *r)
			} else {
				dst = append(dst, "null"...)
			}
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// AppendAuthor appends {userId, clientId}; what is unknown is null.
func AppendAuthor(dst []byte, a Author) []byte {
	dst = append(dst, `{"userId":`...)
	dst = appendNullable(dst, a.UserID)
	dst = append(dst, `,"clientId":`...)
	dst = appendNullable(dst, a.ClientID)
	return append(dst, '}')
}

func appendNullable(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return appendQuoted(dst, s)
}

// AppendOverwrote appends the list of what won clashes have replaced (M6): objects of
// widgetId (not of settings), path, author, version, and value or omitted.
func AppendOverwrote(dst []byte, list []Overwrote) []byte {
	dst = append(dst, '[')
	for i := range list {
		o := &list[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		comma := false
		if o.WidgetID != "" {
			dst = appendQuoted(appendKey(dst, &comma, "widgetId"), o.WidgetID)
		}
		dst = appendQuoted(appendKey(dst, &comma, "path"), string(o.Path))
		dst = AppendAuthor(appendKey(dst, &comma, "author"), o.Author)
		dst = strconv.AppendUint(appendKey(dst, &comma, "version"), o.Version, 10)
		if o.Value != "" {
			dst = append(appendKey(dst, &comma, "value"), o.Value...)
		}
		if o.Omitted {
			dst = append(appendKey(dst, &comma, "omitted"), "true"...)
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// AppendConflict appends the payload of CONFLICT_DETECTED (M6, M10). Settings have no
// widgetId; a value that is not there has no member.
func AppendConflict(dst []byte, c *Conflict) []byte {
	dst = append(dst, `{"conflictId":`...)
	dst = appendQuoted(dst, c.ID)
	dst = append(dst, `,"dashboardId":`...)
	dst = appendQuoted(dst, c.DashboardID)
	if c.WidgetID != "" {
		dst = append(dst, `,"widgetId":`...)
		dst = appendQuoted(dst, c.WidgetID)
	}
	dst = append(dst, `,"kind":"`...)
	dst = append(dst, c.Kind...)
	dst = append(dst, `","fields":[`...)
	for i := range c.Fields {
		f := &c.Fields[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		comma := false
		dst = appendQuoted(appendKey(dst, &comma, "path"), string(f.Path))
		for _, side := range [...]struct {
			name  string
			value Value
		}{{"base", f.Base}, {"mine", f.Mine}, {"theirs", f.Theirs}} {
			if side.value != "" {
				dst = append(appendKey(dst, &comma, side.name), side.value...)
			}
		}
		dst = AppendAuthor(appendKey(dst, &comma, "theirsBy"), f.TheirsBy)
		dst = strconv.AppendUint(appendKey(dst, &comma, "theirsVersion"), f.TheirsVersion, 10)
		dst = append(dst, '}')
	}
	dst = append(dst, `],"version":`...)
	dst = strconv.AppendUint(dst, c.Version, 10)
	return append(dst, '}')
}

// AppendResults appends the fates of a batch's operations (M11).
func AppendResults(dst []byte, list []Result) []byte {
	dst = append(dst, '[')
	for i := range list {
		r := &list[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"status":`...)
		dst = appendQuoted(dst, r.Status)
		comma := true
		if r.Code != "" {
			dst = appendQuoted(appendKey(dst, &comma, "code"), string(r.Code))
		}
		if r.Message != "" {
			dst = appendQuoted(appendKey(dst, &comma, "message"), r.Message)
		}
		if r.Path != "" {
			dst = appendQuoted(appendKey(dst, &comma, "path"), r.Path)
		}
		if r.Conflict != nil {
			dst = AppendConflict(appendKey(dst, &comma, "conflict"), r.Conflict)
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, s)
	}
	return append(dst, ']')
}

// AppendTime appends a time in UTC with milliseconds, as the messages of the protocol
// carry it.
func AppendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(dst, `"2006-01-02T15:04:05.000Z"`)
	}
	hour, minute, second := t.Clock()
	milli := t.Nanosecond() / 1e6
	digit := func(n int) byte { return byte('0' + n%10) }
	return append(dst, '"',
		digit(year/1000), digit(year/100), digit(year/10), digit(year), '-',
		digit(int(month)/10), digit(int(month)), '-', digit(day/10), digit(day), 'T',
		digit(hour/10), digit(hour), ':', digit(minute/10), digit(minute), ':', digit(second/10), digit(second), '.',
		digit(milli/100), digit(milli/10), digit(milli), 'Z', '"')
}

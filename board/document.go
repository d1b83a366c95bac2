package board

import "strconv"

// MainBreakpoint is the layout that every dashboard has (D1).
const MainBreakpoint = "main"

// Layout is one breakpoint of a dashboard. It is immutable.
type Layout struct {
	Columns int
	Compact Compact
	Items   map[string]Rect
}

// Document is a whole dashboard as people see it, without its past.
type Document struct {
	Settings Value // an object
	Widgets  map[string]Value
	Layouts  map[string]*Layout
}

// AppendDocument appends the document as a canonical JSON object of layouts,
// settings and widgets.
func (s *State) AppendDocument(dst []byte) []byte {
	dst = append(dst, `{"layouts":{`...)
	comma := false
	for name, l := range s.layouts.all() {
		dst = l.append(appendKey(dst, &comma, name))
	}
	dst = append(dst, `},"settings":`...)
	dst = append(dst, s.settings.value...)
	dst = append(dst, `,"widgets":{`...)
	comma = false
	for id, w := range s.widgets.all() {
		dst = appendKey(dst, &comma, id)
		dst = append(dst, w.value...)
	}
	return append(dst, "}}"...)
}

// AppendDocument appends a document as a canonical JSON object of layouts, settings
// and widgets.
func AppendDocument(dst []byte, d *Document) []byte {
	dst = append(dst, `{"layouts":{`...)
	comma := false
	for _, name := range sortedKeys(d.Layouts) {
		dst = appendKey(dst, &comma, name)
		dst = AppendLayout(dst, d.Layouts[name])
	}
	dst = append(dst, `},"settings":`...)
	dst = append(dst, d.Settings...)
	dst = append(dst, `,"widgets":{`...)
	comma = false
	for _, id := range sortedKeys(d.Widgets) {
		dst = appendKey(dst, &comma, id)
		dst = append(dst, d.Widgets[id]...)
	}
	return append(dst, "}}"...)
}

// ParseDocument reads a document from outside: settings, widgets and layouts, each of
// which may be missing; other members are ignored. Rectangles are taken as they
// stand: TypeReplace normalises them.
func ParseDocument(v Value) (*Document, *Error) {
	if !v.IsObject() {
		return nil, Errorf(CodeInvalidValue, "a document is an object of settings, widgets and layouts: send one")
	}
	d := &Document{Settings: "{}", Widgets: map[string]Value{}, Layouts: map[string]*Layout{}}
	for key, member := range v.Members() {
		switch key {
		case "settings", "widgets", "layouts":
			if !member.IsObject() {
				return nil, Errorf(CodeInvalidValue, "%s of a document is an object: send one", key).At("/" + key)
			}
		}
		switch key {
		case "settings":
			d.Settings = member
		case "widgets":
			for id, w := range member.Members() {
				d.Widgets[id] = w
			}
		case "layouts":
			for name, l := range member.Members() {
				layout, err := ParseLayout(l)
				if err != nil {
					return nil, err.At("/layouts" + string(JoinPointer("", name)) + err.Path)
				}
				d.Layouts[name] = layout
			}
		}
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	return d, nil
}

// check holds a document against D1, D2 and D4.
func (d *Document) check() *Error {
	if !d.Settings.IsObject() {
		return Errorf(CodeInvalidValue, "settings is an object: send one").At("/settings")
	}
	for _, id := range sortedKeys(d.Widgets) {
		if err := CheckID("widget", id); err != nil {
			return err
		}
		if w := d.Widgets[id]; !w.IsObject() {
			return Errorf(CodeInvalidValue, "a widget is an object: send one").At("/widgets/" + id)
		}
	}
	for _, name := range sortedKeys(d.Layouts) {
		if err := CheckID("breakpoint", name); err != nil {
			return err
		}
		l := d.Layouts[name]
		if l == nil {
			return Errorf(CodeInvalidLayout, "a layout is an object of columns, compact and items: send one").At("/layouts/" + name)
		}
		if err := checkGrid(l.Columns, l.Compact); err != nil {
			return err.At("/layouts/" + name)
		}
	}
	return nil
}

// MaxColumns is the widest grid.
const MaxColumns = 1_000

func checkGrid(columns int, compact Compact) *Error {
	if columns < 1 || columns > MaxColumns {
		return Errorf(CodeInvalidLayout, "columns is a whole number from 1 to %d: send one", MaxColumns)
	}
	if compact != CompactVertical && compact != CompactNone {
		return Errorf(CodeInvalidLayout, "compact is %q or %q: send one of them", CompactVertical, CompactNone)
	}
	return nil
}

// AppendLayout appends a layout as a canonical JSON object.
func AppendLayout(dst []byte, l *Layout) []byte {
	dst = appendGrid(dst, l.Columns, l.Compact)
	comma := false
	for _, id := range sortedKeys(l.Items) {
		dst = appendKey(dst, &comma, id)
		dst = AppendRect(dst, l.Items[id])
	}
	return append(dst, "}}"...)
}

// appendGrid appends a layout up to its items.
func appendGrid(dst []byte, columns int, compact Compact) []byte {
	dst = append(dst, `{"columns":`...)
	dst = strconv.AppendInt(dst, int64(columns), 10)
	dst = append(dst, `,"compact":"`...)
	dst = append(dst, compact...)
	return append(dst, `","items":{`...)
}

// digits is how many characters n ≥ 0 takes.
func digits(n int) int {
	d := 1
	for ; n >= 10; n /= 10 {
		d++
	}
	return d
}

// ParseLayout reads a layout; columns and compact may be missing.
func ParseLayout(v Value) (*Layout, *Error) {
	if !v.IsObject() {
		return nil, Errorf(CodeInvalidLayout, "a layout is an object of columns, compact and items: send one")
	}
	l := &Layout{Columns: DefaultColumns, Compact: CompactVertical, Items: map[string]Rect{}}
	for key, member := range v.Members() {
		switch key {
		case "columns":
			n, ok := parseInteger(string(member))
			if member.Kind() != '0' || !ok {
				n = 0
			}
			l.Columns = n
		case "compact":
			l.Compact = Compact(member.text())
		case "items":
			for id, r := range member.Members() {
				rect, err := ParsePlacedRect(r)
				if err != nil {
					return nil, err.At("/items" + string(JoinPointer("", id)) + err.Path)
				}
				l.Items[id] = rect
			}
		}
	}
	if err := checkGrid(l.Columns, l.Compact); err != nil {
		return nil, err
	}
	return l, nil
}

// text is the content of a string, "" of anything else.
func (v Value) text() string {
	if v.Kind() != '"' {
		return ""
	}
	return unquote(string(v))
}

// appendKey appends "key": with a comma before it, unless it is the first.
func appendKey(dst []byte, comma *bool, key string) []byte {
	if *comma {
		dst = append(dst, ',')
	}
	*comma = true
	return append(appendQuoted(dst, key), ':')
}

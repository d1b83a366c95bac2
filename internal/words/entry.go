package words

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// most is how many things a sentence lists; of more it tells the number.
const most = 3

// Entry says what an entry did, in the words of a person who reads over
// somebody's shoulder. Before is the document that it changed; what is not in it is
// called by its id.
func Entry(e *board.Entry, before *board.Document) string {
	var what string
	switch {
	case e.Type == board.TypeDashboardDelete:
		return "deleted the dashboard"
	case e.Version == 1:
		what = "created the dashboard"
		if e.Change != nil && len(e.Change.Widgets) > 0 {
			what += " with " + Count(len(e.Change.Widgets), "widget", "widgets")
		}
	default:
		what = strings.Join(Change(e.Change, before), "; ")
	}
	switch {
	case what == "":
		what = "changed nothing that shows"
	case e.Type == board.TypeLayoutRestore:
		what = "restored the layout: " + what
	case e.Type == board.TypeResolved:
		what = "settled a conflict: " + what
	}
	if n := len(e.Overwrote); n > 0 {
		o := e.Overwrote[0]
		what += fmt.Sprintf(" (over %s of %s", pathName(o.Path), Person(o.Author))
		if n > 1 {
			what += fmt.Sprintf(" and %d more", n-1)
		}
		what += ")"
	}
	return what
}

// Change says it of a change alone, one clause for each kind of thing changed.
func Change(c *board.Change, before *board.Document) []string {
	if c == nil {
		return nil
	}
	clauses := describeSettings(c.Settings)
	clauses = append(clauses, describeWidgets(c.Widgets, before)...)
	for _, name := range slices.Sorted(maps.Keys(c.Layouts)) {
		clauses = append(clauses, describeLayout(name, c, before)...)
	}
	return clauses
}

func describeSettings(p *board.Patch) []string {
	if p == nil {
		return nil
	}
	var clauses, others []string
	for _, a := range p.Set {
		if a.Path == "/title" {
			clauses = append(clauses, "renamed the dashboard to "+shown(a.Value))
			continue
		}
		others = append(others, pathName(a.Path))
	}
	for _, path := range p.Unset {
		others = append(others, pathName(path))
	}
	if len(others) > 0 {
		clauses = append(clauses, "changed the dashboard's "+List(others))
	}
	return clauses
}

func describeWidgets(widgets []board.WidgetChange, before *board.Document) []string {
	var added, deleted, edited []string
	for i := range widgets {
		w, id := &widgets[i], widgets[i].ID
		switch {
		case w.Deleted:
			deleted = append(deleted, widgetName(id, before))
		case w.Patch != nil:
			edited = append(edited, describePatch(id, w.Patch, before))
		case hasWidget(id, before):
			edited = append(edited, "replaced "+widgetName(id, before))
		default:
			kind := ""
			if t, ok := w.Value.Get("/type"); ok && t.Kind() == '"' {
				kind = text(t) + " "
			}
			added = append(added, kind+titleOf(id, w.Value))
		}
	}
	var clauses []string
	if len(added) > 0 {
		clauses = append(clauses, "added "+listedOr(added, "widget", "widgets"))
	}
	if len(deleted) > 0 {
		clauses = append(clauses, "deleted "+listedOr(deleted, "widget", "widgets"))
	}
	if len(edited) > most {
		return append(clauses, "changed "+Count(len(edited), "widget", "widgets"))
	}
	return append(clauses, edited...)
}

func describePatch(id string, p *board.Patch, before *board.Document) string {
	name := widgetName(id, before)
	if len(p.Set) == 1 && len(p.Unset) == 0 {
		a := p.Set[0]
		if a.Path == "/title" {
			return "renamed " + name + " to " + shown(a.Value)
		}
		return fmt.Sprintf("set %s of %s to %s", pathName(a.Path), name, shown(a.Value))
	}
	var paths []string
	for _, a := range p.Set {
		paths = append(paths, pathName(a.Path))
	}
	for _, path := range p.Unset {
		paths = append(paths, pathName(path))
	}
	if len(p.Set) == 0 {
		return fmt.Sprintf("removed %s of %s", List(paths), name)
	}
	return fmt.Sprintf("changed %s of %s", List(paths), name)
}

// cameOrWent tells whether a change adds or deletes widgets.
func cameOrWent(c *board.Change, before *board.Document) bool {
	for i := range c.Widgets {
		if w := &c.Widgets[i]; w.Deleted || w.Patch == nil && !hasWidget(w.ID, before) {
			return true
		}
	}
	return false
}

// describeLayout tells moves apart from sizes. A widget that came or went says so
// itself and is left out.
func describeLayout(name string, c *board.Change, before *board.Document) []string {
	where := ""
	if name != board.MainBreakpoint {
		where = " in " + name
	}
	l := c.Layouts[name]
	if l == nil {
		return []string{"removed the layout " + name}
	}
	var was *board.Layout
	if before != nil {
		was = before.Layouts[name]
	}
	var clauses, moved, resized, pinned []string
	if was == nil && before != nil {
		clauses = append(clauses, "added the layout "+name)
	}
	if l.Columns > 0 && was != nil {
		clauses = append(clauses, fmt.Sprintf("made the grid %d columns wide%s", l.Columns, where))
	}
	if l.Compact != "" && was != nil {
		clauses = append(clauses, fmt.Sprintf("set compaction to %s%s", l.Compact, where))
	}
	for _, id := range slices.Sorted(maps.Keys(l.Items)) {
		r := l.Items[id]
		if r == nil || was == nil {
			continue
		}
		from, there := was.Items[id]
		switch {
		case !there:
		case from.W != r.W || from.H != r.H:
			resized = append(resized, fmt.Sprintf("%s to %d×%d", widgetName(id, before), r.W, r.H))
		case from.X != r.X || from.Y != r.Y:
			moved = append(moved, fmt.Sprintf("%s to %d,%d", widgetName(id, before), r.X, r.Y))
		case from.Static != r.Static && r.Static:
			pinned = append(pinned, "pinned "+widgetName(id, before))
		case from.Static != r.Static:
			pinned = append(pinned, "unpinned "+widgetName(id, before))
		}
	}
	if len(resized) == 0 && cameOrWent(c, before) {
		moved = nil // others made room for what came, or closed up after what went
	}
	if len(resized) > 0 {
		clauses = append(clauses, "resized "+listedOr(resized, "widget", "widgets")+where)
	}
	if len(moved) > 0 {
		clauses = append(clauses, "moved "+listedOr(moved, "widget", "widgets")+where)
	}
	return append(clauses, pinned...)
}

// List lists the first few of names.
func List(names []string) string {
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// listedOr lists a few things, or tells how many there are.
func listedOr(things []string, one, many string) string {
	if len(things) > most {
		return Count(len(things), one, many)
	}
	return strings.Join(things, ", ")
}

func hasWidget(id string, d *board.Document) bool {
	if d == nil {
		return false
	}
	_, ok := d.Widgets[id]
	return ok
}

func widgetName(id string, d *board.Document) string {
	if d == nil {
		return id
	}
	return titleOf(id, d.Widgets[id])
}

// titleOf is a widget's title in quotes, or its id if it has none.
func titleOf(id string, w board.Value) string {
	title, ok := w.Get("/title")
	if !ok || title.Kind() != '"' || title == `""` {
		return id
	}
	return shown(title)
}

// Person is the user of an author.
func Person(a board.Author) string {
	if a.UserID == "" {
		return "somebody"
	}
	return Printable(a.UserID)
}

// pathName is a pointer as people say it: /config/unit is unit.
func pathName(p board.Pointer) string {
	name := strings.TrimPrefix(string(p), "/config/")
	return shortened(Printable(strings.TrimPrefix(name, "/")))
}

// longest is how many characters of a text from outside a sentence holds.
const longest = 40

// shortened cuts what is longer off.
func shortened(s string) string {
	if r := []rune(s); len(r) > longest {
		return string(r[:longest-1]) + "…"
	}
	return s
}

// shown is a value as it fits into a sentence.
func shown(v board.Value) string {
	if v.Kind() == '{' || v.Kind() == '[' {
		if len(v) > longest {
			if v.Kind() == '{' {
				return "{…}"
			}
			return "[…]"
		}
	}
	whole := Printable(string(v))
	s := shortened(whole)
	if s != whole && v.Kind() == '"' {
		s += `"`
	}
	return s
}

// text is the content of a JSON string.
func text(v board.Value) string {
	var s string
	if err := jsontext.Decode([]byte(v), &s); err != nil {
		return shown(v)
	}
	return shortened(Printable(s))
}

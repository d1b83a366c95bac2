package grafana

import (
	"maps"
	"slices"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// newDashboard is what a dashboard made in Dashwire starts from in Grafana.
const newDashboard board.Value = `{"editable":true,"panels":[],"schemaVersion":39,"time":{"from":"now-15m","to":"now"}}`

// Export writes a document as Grafana dashboard JSON. What was imported comes back
// as it was, with what changed since; the order of members may differ, and the
// order of panels only where they were moved to another row. The body is one
// canonical JSON object, without the wrapper of Grafana's HTTP API.
func Export(doc *board.Document) ([]byte, *board.Error) {
	if doc == nil || !doc.Settings.IsObject() {
		return nil, board.Errorf(board.CodeInvalidValue, "a document without settings cannot be exported: pass a whole document")
	}
	ex := &exporter{widgets: make(map[string]*exported, len(doc.Widgets)), used: map[string]bool{}}
	ex.gather(doc)
	ex.arrange()
	dashboard := ex.dashboard(doc)
	if rows, ok := ex.asRows(dashboard); ok {
		dashboard = dashboard.With("/rows", rows)
	} else {
		ex.join()
		if ex.legacy {
			dashboard = dashboard.Without("/rows")
		}
		panels, ok := dashboard.Get("/panels")
		if len(ex.top) > 0 || ok && panels.Kind() == '[' {
			dashboard = dashboard.With("/panels", ex.panels())
		}
	}
	return []byte(dashboard), nil
}

// exporter is one export while it goes on.
type exporter struct {
	widgets map[string]*exported
	tiles   []*tile     // as people read them
	top     []*exported // the panels at the top, in their order
	legacy  bool        // some came from an old dashboard
	moved   bool        // something does not stand where it came
	used    map[string]bool
}

// exported is one widget on its way to be a panel.
type exported struct {
	*tile
	widget board.Value
	// panel is the JSON that came in, absent if the widget was made in Dashwire.
	panel board.Value
	// from is the place that import gave it; known false = it has none of its own,
	// since it is new or a copy of another.
	from  origin
	known bool

	stays  bool      // in the section and row that it came in
	row    *exported // the row that it is to stand in, nil = at the top
	inside []*exported
	line   int  // its y in Grafana
	asWas  bool // the place is as it came

	json board.Value // without ours and nested panels
	ours ours
}

// gather reads the widgets and their places.
func (ex *exporter) gather(doc *board.Document) {
	main := doc.Layouts[board.MainBreakpoint]
	if main == nil {
		main = &board.Layout{Columns: gridColumns}
	}
	ids := slices.Sorted(maps.Keys(doc.Widgets))
	main = complete(main, ids)
	for _, id := range ids {
		x := &exported{widget: doc.Widgets[id]}
		x.tile = &tile{id: id, rect: rescale(main.Items[id], main.Columns, gridColumns)}
		if panel, _ := x.widget.Get("/config/grafana"); panel.IsObject() {
			x.panel = panel
			x.from, x.known = readOrigin(id, x.widget)
		}
		// A row in a row, or in one of an old dashboard, begins no section.
		inner := x.known && !x.from.Head && textAt(x.panel, "/type") == "row"
		x.head = textAt(x.widget, "/type") == "row" && !inner
		ex.legacy = ex.legacy || x.from.Legacy > 0
		ex.widgets[id] = x
		ex.tiles = append(ex.tiles, x.tile)
	}
	for _, x := range ex.widgets {
		x.translate()
	}
	ex.number(ids)
}

// folded reports whether a row is folded up now, and whether that is as it came.
func (x *exported) folded() (now, asCame bool) {
	v, _ := x.widget.Get("/config/collapsed")
	was, _ := derive(x.panel).Get("/config/collapsed")
	return v == "true", x.known && v == was
}

// translate writes the panel: what came in, with what people changed.
func (x *exported) translate() {
	if x.panel.Absent() {
		x.json = panelOf(x.widget)
	} else {
		x.json = write(x.panel, x.widget)
	}
	now := x.widget.Without("/config/grafana").Without("/config/imported")
	if _, ok := now.Get("/config"); !ok {
		now = now.With("/config", "{}") // importing makes one anyway
	}
	x.ours.Set, x.ours.Unset = rawPatch(board.Diff(derive(x.json), now))
	x.ours.Static = x.rect.Static
}

// panelOf is the panel nearest to a widget made in Dashwire, without id and place.
func panelOf(w board.Value) board.Value {
	name, _ := panelType(textAt(w, "/type"))
	p := board.Value("{}").With("/type", quote(name)).With("/title", `""`)
	switch name {
	case "row":
		p = p.With("/collapsed", "false").With("/panels", "[]")
	case "text":
		p = p.With("/options", `{"content":"","mode":"markdown"}`)
	}
	return write(p, w)
}

// number gives a panel id to what has none of its own, new panels and copies, in the
// order of the ids.
func (ex *exporter) number(ids []string) {
	last := 0
	for _, id := range ids {
		x := ex.widgets[id]
		v, _ := x.panel.Get("/id")
		if !x.known || !isInteger(v) {
			continue
		}
		ex.used[string(v)] = true
		// Ids beyond any that Grafana gives are not counted on from.
		if n, _ := cells(v); n < farthest/2 {
			last = max(last, n)
		}
	}
	for _, id := range ids {
		x := ex.widgets[id]
		if x.known {
			continue
		}
		for last++; ex.used[string(number(last))]; {
			last++
		}
		x.json = x.json.With("/id", number(last))
	}
}

// dashboard writes all but the panels.
func (ex *exporter) dashboard(doc *board.Document) board.Value {
	d, _ := doc.Settings.Get("/grafana")
	now := doc.Settings
	if d.IsObject() {
		now = now.Without("/grafana")
	} else {
		d = newDashboard
	}
	was := deriveSettings(d)
	for _, p := range []board.Pointer{"/title", "/description", "/tags"} {
		v, _ := now.Get(p)
		old, _ := was.Get(p)
		if v.Equal(old) {
			continue
		}
		next := d.Without(p)
		if !v.Absent() {
			next = d.With(p, v)
		}
		if said, _ := deriveSettings(next).Get(p); said.Equal(v) {
			d = next
		}
	}
	var mine oursOfDashboard
	mine.Set, mine.Unset = rawPatch(board.Diff(deriveSettings(d), now))
	for name, l := range doc.Layouts {
		switch {
		case name != board.MainBreakpoint:
			if mine.Layouts == nil {
				mine.Layouts = map[string]jsontext.RawValue{}
			}
			mine.Layouts[name] = board.AppendLayout(nil, l)
		default:
			if l.Columns != gridColumns {
				mine.Columns = l.Columns
			}
			if l.Compact == board.CompactNone {
				mine.Compact = l.Compact
			}
		}
	}
	if v := encode(mine); v != "{}" {
		d = d.With(memberPointer, v)
	}
	return d
}

// asRows writes the rows of an old dashboard, if nothing was moved, added or folded
// since; else it has to become one of today's.
func (ex *exporter) asRows(dashboard board.Value) (board.Value, bool) {
	if !ex.legacy {
		return "", false
	}
	v, _ := dashboard.Get("/rows")
	rows := elements(v)
	panels := make([][]*exported, len(rows))
	heads := 0
	for _, x := range ex.widgets {
		if !x.known || !x.asWas || x.from.Legacy < 1 || x.from.Legacy > len(rows) {
			return "", false
		}
		i := x.from.Legacy - 1
		if !x.head {
			panels[i] = append(panels[i], x)
			continue
		}
		heads++
		if !x.json.Without("/title").Equal(x.panel.Without("/title")) || len(x.ours.Set)+len(x.ours.Unset) > 0 || x.ours.Static {
			return "", false
		}
		if title, _ := x.json.Get("/title"); !title.Absent() {
			rows[i] = rows[i].With("/title", title)
		}
	}
	if showsRows(rows) && heads != len(rows) {
		return "", false
	}
	for i, list := range panels {
		if len(list) == 0 {
			continue
		}
		slices.SortFunc(list, byIndex)
		values := make([]board.Value, len(list))
		for j, x := range list {
			if x.from.Index != j {
				return "", false // one before it was deleted: spans would close the gap
			}
			values[j] = x.withOurs()
		}
		rows[i] = rows[i].With("/panels", array(values))
	}
	return array(rows), true
}

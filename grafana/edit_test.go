package grafana

import (
	"slices"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/board"
)

// edited exports a real dashboard after a change and lists what became different.
func edited(t *testing.T, file string, change func(*board.Document)) (body board.Value, paths []string) {
	t.Helper()
	original := load(t, file)
	doc := mustImport(t, original).Document
	change(doc)
	body = parse(t, mustExport(t, doc))
	differences(parse(t, original), body, "", func(path string, _, _ board.Value) { paths = append(paths, path) })
	return body, paths
}

func TestExport_MovingOneWidgetChangesItsPlaceOnly(t *testing.T) {
	// The last of 13 panels in the folded row "Memory Meminfo" has room on its right.
	doc := mustImport(t, load(t, "node-exporter-full.json")).Document
	main := doc.Layouts[board.MainBreakpoint]
	var id string
	for name, r := range main.Items {
		alone := r.X == 0 && r.W == 12
		for other, o := range main.Items {
			alone = alone && (other == name || !overlap(o, board.Rect{Y: r.Y, W: gridColumns, H: r.H}))
		}
		if row, _ := doc.Widgets[name].Get("/config/imported/row"); alone && row == `"panel-266"` {
			id = name
		}
	}
	if id == "" {
		t.Fatal("no panel with room on its right")
	}
	_, paths := edited(t, "node-exporter-full.json", func(d *board.Document) {
		r := d.Layouts[board.MainBreakpoint].Items[id]
		r.X = 12
		move(d, id, r)
	})
	if len(paths) != 1 || !strings.HasPrefix(paths[0], "/panels/18/panels/") || !strings.HasSuffix(paths[0], "/gridPos/x") {
		t.Errorf("changed %v, want one x in the row", paths)
	}
}

func TestExport_MovingInAFoldedRowLeavesTheOthersAlone(t *testing.T) {
	// One line higher, the first panel pushes those below it in its row, and all rows.
	body, paths := edited(t, "node-exporter-full.json", func(d *board.Document) {
		r := d.Layouts[board.MainBreakpoint].Items["panel-3"]
		r.H++
		move(d, "panel-3", r)
	})
	for _, p := range paths {
		if !strings.HasPrefix(p, "/panels/17/panels/") || !strings.Contains(p, "/gridPos/") {
			t.Errorf("%s changed, which is no place in the row", p)
		}
	}
	if !slices.Contains(paths, "/panels/17/panels/0/gridPos/h") {
		t.Errorf("changed %v, the height is not among it", paths)
	}
	requireApart(t, body)
}

func TestExport_MovingAboveRowsMovesThem(t *testing.T) {
	body, paths := edited(t, "node-exporter-full.json", func(d *board.Document) {
		r := d.Layouts[board.MainBreakpoint].Items["panel-152"] // the last one above the folded rows
		r.H += 5
		move(d, "panel-152", r)
	})
	// The panel's height, and the y of the 14 folded rows below; not what is in them.
	if len(paths) != 15 {
		t.Errorf("changed %v, want a height and 14 rows", paths)
	}
	if y, _ := at(t, body, "panels", 17).Get("/gridPos/y"); y != "25" {
		t.Errorf("the first folded row stands at %s, want 20 + 5", y)
	}
	requireApart(t, body)
}

func TestExport_DeletedWidgetsVanish(t *testing.T) {
	body, _ := edited(t, "node-exporter-full.json", func(d *board.Document) {
		remove(d, "panel-24") // in the folded row 265
		remove(d, "panel-14") // at the top
		remove(d, "panel-266")
	})
	left := map[string]bool{}
	n := 0
	everyPanel(body, func(p board.Value) {
		n++
		id, _ := p.Get("/id")
		left[string(id)] = true
	})
	if n != 138 || left["24"] || left["14"] || left["266"] {
		t.Errorf("%d panels are left, deleted ones among them: %v %v %v", n, left["24"], left["14"], left["266"])
	}
	// What was in the deleted row is now in the one above, which is folded up too.
	if got := len(elements(get(t, at(t, body, "panels", 16), "/panels"))); got != 9+13 {
		t.Errorf("the row above has %d panels, want its 9 and the 13 of the deleted one", got)
	}
	requireApart(t, body)
}

func TestExport_WordsAndOptions(t *testing.T) {
	_, paths := edited(t, "node-exporter-full.json", func(d *board.Document) {
		w := d.Widgets["panel-16"].With("/title", `"Memory"`).With("/config/unit", `"bytes/s"`).
			With("/config/max", "90.50").Without("/config/decimals").
			With("/config/thresholds", `[{"status":"attention","value":70}]`)
		d.Widgets["panel-16"] = w
		d.Settings = d.Settings.With("/title", `"Nodes"`).With("/tags", `["linux","own"]`)
	})
	want := []string{
		"/panels/4/fieldConfig/defaults/decimals", "/panels/4/fieldConfig/defaults/max",
		"/panels/4/fieldConfig/defaults/thresholds/steps", "/panels/4/fieldConfig/defaults/unit",
		"/panels/4/title", "/tags", "/title",
	}
	if !slices.Equal(paths, want) {
		t.Errorf("changed %v, want %v", paths, want)
	}
}

func TestExport_FoldingAndUnfolding(t *testing.T) {
	body, _ := edited(t, "node-exporter-full.json", func(d *board.Document) {
		d.Widgets["panel-265"] = d.Widgets["panel-265"].With("/config/collapsed", "false")
		d.Widgets["panel-263"] = d.Widgets["panel-263"].With("/config/collapsed", "true")
	})
	panels := map[string]int{}
	for _, p := range elements(get(t, body, "/panels")) {
		id, _ := p.Get("/id")
		inner, _ := p.Get("/panels")
		panels[string(id)] = len(elements(inner))
	}
	if panels["263"] != 4 || panels["265"] != 0 || len(panels) != 31-4+10 {
		t.Errorf("%d panels at the top, %d in the row folded, %d in the row unfolded; want 37, 4, 0", len(panels), panels["263"], panels["265"])
	}
	requireApart(t, body)
}

func TestExport_MadeInDashwire(t *testing.T) {
	made := map[string]board.Value{
		"mine":  `{"config":{"decimals":2,"series":[{"key":"a","label":"A"}],"unit":"percent","window":900},"title":"Mine","type":"timeseries"}`,
		"note":  `{"config":{"text":"# Hi"},"title":"Note","type":"text"}`,
		"clock": `{"config":{"zone":"UTC"},"extra":[1.0,null],"title":"Clock","type":"clock"}`,
		"odd":   `{"title":5}`,
		"low":   `{"config":{"thresholds":[{"status":"danger"},{"status":"ok","value":10}]},"title":"Low","type":"gauge"}`,
	}
	doc := mustImport(t, load(t, "haproxy.json")).Document
	for id, w := range made {
		doc.Widgets[id] = w
		below(doc, id, false)
	}
	out := mustExport(t, doc)
	again := mustImport(t, out)
	for id, w := range made {
		if got := bare(again.Document.Widgets[id]); !got.Equal(w) && !got.Equal(w.With("/config", "{}")) {
			t.Errorf("%s was %s, is %s", id, w, got)
		}
	}
	if second := mustExport(t, again.Document); string(second) != string(out) {
		t.Error("a second round trip changes the body")
	}
	types := map[string]string{}
	numbers := map[string]bool{}
	everyPanel(parse(t, out), func(p board.Value) {
		types[textAt(p, "/title")] = textAt(p, "/type")
		id, ok := p.Get("/id")
		if !ok || !isInteger(id) || numbers[string(id)] {
			t.Errorf("id %q of %s is missing or used twice", id, textAt(p, "/title"))
		}
		numbers[string(id)] = true
	})
	for title, want := range map[string]string{"Mine": "timeseries", "Note": "text", "Clock": "text", "Low": "gauge"} {
		if types[title] != want {
			t.Errorf("%s became a panel of type %q, want %q", title, types[title], want)
		}
	}
}

// TestImport_GrafanaEditedWhatDashwireMade: what is changed there counts, the rest of
// the widget stays.
func TestImport_GrafanaEditedWhatDashwireMade(t *testing.T) {
	doc := &board.Document{
		Settings: `{"conflictPolicy":"ask","title":"Ours"}`,
		Widgets:  map[string]board.Value{"cpu": `{"config":{"max":100,"unit":"percent","window":900},"title":"CPU","type":"gauge"}`},
		Layouts: map[string]*board.Layout{"main": {
			Columns: 24, Compact: board.CompactVertical, Items: map[string]board.Rect{"cpu": {W: 6, H: 4}},
		}},
	}
	body := parse(t, mustExport(t, doc))
	panel := at(t, body, "panels", 0).With("/title", `"Processor"`).With("/fieldConfig/defaults/max", "50").With("/options/new", "true")
	again := mustImport(t, []byte(body.With("/panels", array([]board.Value{panel})).With("/title", `"Theirs"`)))
	want := board.Value(`{"config":{"max":50,"unit":"percent","window":900},"title":"Processor","type":"gauge"}`)
	if got := bare(again.Document.Widgets["cpu"]); !got.Equal(want) {
		t.Errorf("the widget is %s, want %s", got, want)
	}
	settings := again.Document.Settings.Without("/grafana")
	if !settings.Equal(`{"conflictPolicy":"ask","title":"Theirs"}`) {
		t.Errorf("the settings are %s", settings)
	}
	if new, _ := at(t, parse(t, mustExport(t, again.Document)), "panels", 0).Get("/options/new"); new != "true" {
		t.Error("what Grafana added is gone")
	}
}

func TestExport_GridOfAnotherWidthAndOtherBreakpoints(t *testing.T) {
	widgets := map[string]board.Value{}
	items := map[string]board.Rect{}
	for i, id := range []string{"a", "b", "c", "d"} {
		widgets[id] = board.Value(`{"config":{},"title":"","type":"stat"}`)
		items[id] = board.Rect{X: i % 2 * 5, Y: i / 2 * 3, W: 5, H: 3, Static: id == "d"}
	}
	for _, columns := range []int{1, 4, 10, 12, 24} {
		main := &board.Layout{Columns: columns, Compact: board.CompactNone, Items: items}
		doc := &board.Document{
			Settings: `{"title":"T"}`, Widgets: widgets,
			Layouts: map[string]*board.Layout{
				"main":  main.Normalise(nil),
				"phone": (&board.Layout{Columns: 2, Compact: board.CompactVertical, Items: items}).Normalise(nil),
			},
		}
		out := mustExport(t, doc)
		again := mustImport(t, out).Document
		for name, l := range doc.Layouts {
			if a, b := board.AppendLayout(nil, l), board.AppendLayout(nil, again.Layouts[name]); string(a) != string(b) {
				t.Errorf("%d columns, %s was %s, is %s", columns, name, a, b)
			}
		}
		everyPanel(parse(t, out), func(p board.Value) {
			if pos := readPos(p, false); !pos.known || pos.x+pos.w > gridColumns {
				t.Errorf("%d columns: %s leaves Grafana's grid", columns, p)
			}
		})
	}
}

func TestExport_EmptyDocument(t *testing.T) {
	out := mustExport(t, &board.Document{Settings: "{}"})
	in := mustImport(t, out)
	if len(in.Document.Widgets) != 0 || string(mustExport(t, in.Document)) != string(out) {
		t.Errorf("an empty document became %s", out)
	}
	for _, doc := range []*board.Document{nil, {Settings: "[]"}} {
		if _, err := Export(doc); err == nil {
			t.Error("no error for what is no document")
		}
	}
}

// requireApart holds that no two panels at the top, or in one row, overlap.
func requireApart(t *testing.T, body board.Value) {
	t.Helper()
	check := func(panels []board.Value) {
		for i, a := range panels {
			p := readPos(a, textAt(a, "/type") == "row")
			for _, b := range panels[:i] {
				q := readPos(b, textAt(b, "/type") == "row")
				if overlap(board.Rect{X: p.x, Y: p.y, W: p.w, H: p.h}, board.Rect{X: q.x, Y: q.y, W: q.w, H: q.h}) {
					t.Errorf("%q and %q overlap", titleOf(a), titleOf(b))
				}
			}
		}
	}
	top := elements(get(t, body, "/panels"))
	check(top)
	for _, p := range top {
		inner, _ := p.Get("/panels")
		check(elements(inner))
	}
}

func get(t *testing.T, v board.Value, p board.Pointer) board.Value {
	t.Helper()
	at, ok := v.Get(p)
	if !ok {
		t.Fatalf("nothing at %s", p)
	}
	return at
}

// at gives an element of an array member.
func at(t *testing.T, v board.Value, member string, i int) board.Value {
	t.Helper()
	return elements(get(t, v, board.Pointer("/"+member)))[i]
}

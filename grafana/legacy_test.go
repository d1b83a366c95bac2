package grafana

import (
	"testing"

	"github.com/dashwire/dashwire/board"
)

func TestD3_OldDashboardComesBackInItsOwnForm(t *testing.T) {
	body := load(t, "rows.json")
	in := mustImport(t, body)
	out := mustExport(t, in.Document)
	requireEqual(t, parse(t, body), parse(t, out))
	requireSameDocument(t, in.Document, mustImport(t, out).Document)
}

func TestOldDashboard_RowsAndSpansBecomePlaces(t *testing.T) {
	in := mustImport(t, load(t, "rows.json"))
	main := in.Document.Layouts[board.MainBreakpoint]
	// 150 pixels are 4 cells, 300 are 8, 100 are 3, 250 are 7.
	for id, want := range map[string]board.Rect{
		"row-1":   {X: 0, Y: 0, W: 24, H: 1},
		"panel-1": {X: 0, Y: 1, W: 6, H: 4},
		"panel-2": {X: 6, Y: 1, W: 6, H: 4},
		"panel-3": {X: 12, Y: 1, W: 12, H: 8},
		"panel-4": {X: 0, Y: 9, W: 24, H: 3},
		"row-2":   {X: 0, Y: 12, W: 24, H: 1},
		"panel-5": {X: 0, Y: 13, W: 16, H: 7},
		"panel-6": {X: 16, Y: 13, W: 8, H: 7},
		"row-3":   {X: 0, Y: 20, W: 24, H: 1},
	} {
		if got := main.Items[id]; got != want {
			t.Errorf("%s stands at %v, want %v", id, got, want)
		}
	}
	if in.Drawn != 8 || in.Kept != 1 {
		t.Errorf("%d drawn and %d kept, want 8 and 1", in.Drawn, in.Kept)
	}
}

func TestOldDashboard_TitlesChangeInItsOwnForm(t *testing.T) {
	body := load(t, "rows.json")
	doc := mustImport(t, body).Document
	doc.Widgets["row-2"] = doc.Widgets["row-2"].With("/title", `"More"`)
	doc.Widgets["panel-6"] = doc.Widgets["panel-6"].With("/title", `"List"`)
	got := parse(t, mustExport(t, doc))
	var changed []string
	differences(parse(t, body), got, "", func(path string, _, _ board.Value) { changed = append(changed, path) })
	if len(changed) != 2 || changed[0] != "/rows/1/panels/1/title" || changed[1] != "/rows/1/title" {
		t.Errorf("changed %v, want the two titles", changed)
	}
}

func TestOldDashboard_MovedBecomesOneOfToday(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*board.Document)
		panels int // in the body
	}{
		{"a panel is moved", func(d *board.Document) { move(d, "panel-1", board.Rect{X: 6, Y: 1, W: 6, H: 4}) }, 9},
		{"a row is deleted", func(d *board.Document) { remove(d, "row-3") }, 8},
		{"a panel is deleted", func(d *board.Document) { remove(d, "panel-1") }, 8},
		{"a row is unfolded", func(d *board.Document) { d.Widgets["row-2"] = d.Widgets["row-2"].With("/config/collapsed", "false") }, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := mustImport(t, load(t, "rows.json")).Document
			c.change(doc)
			out := mustExport(t, doc)
			body := parse(t, out)
			if _, ok := body.Get("/rows"); ok {
				t.Error("the old rows are still there beside the panels")
			}
			n := 0
			everyPanel(body, func(p board.Value) {
				n++
				if pos, ok := p.Get("/gridPos"); !ok {
					t.Errorf("%s has no place", p)
				} else if _, err := board.ParseRect(pos); err != nil {
					t.Errorf("place %s: %v", pos, err)
				}
			})
			if n != c.panels {
				t.Errorf("%d panels, want %d", n, c.panels)
			}
			if again := mustExport(t, mustImport(t, out).Document); string(again) != string(out) {
				t.Errorf("a second round trip changes the body:\n%s\n%s", out, again)
			}
		})
	}
}

// move puts a widget somewhere as a gesture does.
func move(d *board.Document, id string, r board.Rect) {
	main := *d.Layouts[board.MainBreakpoint]
	items := make(map[string]board.Rect, len(main.Items))
	for k, v := range main.Items {
		items[k] = v
	}
	items[id] = r
	main.Items = items
	d.Layouts[board.MainBreakpoint] = main.Normalise(map[string]bool{id: true})
}

// remove deletes a widget as an op does (L5).
func remove(d *board.Document, id string) {
	main := *d.Layouts[board.MainBreakpoint]
	items := make(map[string]board.Rect, len(main.Items))
	for k, v := range main.Items {
		if k != id {
			items[k] = v
		}
	}
	main.Items = items
	d.Layouts[board.MainBreakpoint] = main.Normalise(nil)
	delete(d.Widgets, id)
}

// everyPanel yields panels at the top and in rows.
func everyPanel(body board.Value, yield func(board.Value)) {
	top, _ := body.Get("/panels")
	for _, p := range elements(top) {
		yield(p)
		inner, _ := p.Get("/panels")
		for _, n := range elements(inner) {
			yield(n)
		}
	}
}

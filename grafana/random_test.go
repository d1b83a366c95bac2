package grafana

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/dashwire/dashwire/board"
	"pgregory.net/rapid"
)

// randomPanel draws one panel; rows are made by randomDashboard.
func randomPanel(t *rapid.T, id int, base int) board.Value {
	kind := rapid.SampledFrom([]string{"timeseries", "stat", "gauge", "text", "heatmap", "graph"}).Draw(t, "kind")
	p := board.Value("{}").With("/type", quote(kind)).With("/title", quote(fmt.Sprint("P", id)))
	switch rapid.IntRange(0, 9).Draw(t, "id kind") {
	case 0: // none
	case 1:
		p = p.With("/id", "1") // in use
	case 2:
		p = p.With("/id", `"x y"`)
	default:
		p = p.With("/id", number(id))
	}
	if rapid.IntRange(0, 9).Draw(t, "has place") > 0 {
		pos := board.Value("{}").
			With("/x", number(rapid.IntRange(0, 20).Draw(t, "x"))).
			With("/y", number(base+rapid.IntRange(0, 12).Draw(t, "y"))).
			With("/w", number(rapid.IntRange(1, 26).Draw(t, "w"))).
			With("/h", number(rapid.IntRange(1, 9).Draw(t, "h")))
		p = p.With("/gridPos", pos)
	}
	if rapid.Bool().Draw(t, "unit") {
		p = p.With("/fieldConfig/defaults", `{"min":0.50,"thresholds":{"steps":[{"color":"green"},{"color":"red","value":80}]},"unit":"bytes"}`)
	}
	return p
}

// randomDashboard draws rows, folded and not, with panels. Tidy ones do not overlap,
// all say where they stand, and nothing stands below a folded row; both do occur.
func randomDashboard(t *rapid.T, tidy bool) board.Value {
	id, line := 1, 0
	var top []board.Value
	group := func(n, base int) []board.Value {
		var all []board.Value
		for range n {
			id++
			all = append(all, randomPanel(t, id, base))
		}
		if tidy {
			setApart(all, base)
		}
		return all
	}
	top = append(top, group(rapid.IntRange(0, 3).Draw(t, "first"), line)...)
	for range rapid.IntRange(0, 4).Draw(t, "rows") {
		for _, p := range top {
			line = max(line, readPos(p, false).y+readPos(p, false).h)
		}
		if !tidy {
			line = max(line-rapid.IntRange(0, 5).Draw(t, "overlap"), 0)
		}
		line += rapid.IntRange(0, 5).Draw(t, "gap")
		id++
		folded := rapid.Bool().Draw(t, "folded")
		row := board.Value(`{"type":"row"}`).With("/id", number(id)).With("/title", quote(fmt.Sprint("Row", id))).
			With("/gridPos", board.Value(`{"h":1,"w":24,"x":0}`).With("/y", number(line))).
			With("/collapsed", board.Value(fmt.Sprint(folded)))
		inside := rapid.IntRange(0, 4).Draw(t, "inside")
		below := !folded || !tidy && rapid.IntRange(0, 3).Draw(t, "below") == 0
		if folded {
			row = row.With("/panels", array(group(inside, line*rapid.IntRange(0, 3).Draw(t, "far"))))
		} else {
			row = row.With("/panels", "[]")
		}
		top = append(top, row)
		if below {
			top = append(top, group(inside, line+1)...)
		}
		line++
	}
	return board.Value(`{"schemaVersion":39,"tags":["a"],"title":"Random"}`).With("/panels", array(top))
}

// setApart gives panels places that do not overlap, with the gaps that they have.
func setApart(panels []board.Value, base int) {
	l := &board.Layout{Columns: gridColumns, Compact: board.CompactNone, Items: map[string]board.Rect{}}
	for i, p := range panels {
		pos := readPos(p, false)
		l.Items[fmt.Sprint(i)] = board.Rect{X: pos.x, Y: max(pos.y, base), W: pos.w, H: pos.h}
	}
	l = l.Normalise(nil)
	for i, p := range panels {
		r := l.Items[fmt.Sprint(i)]
		panels[i] = p.With("/gridPos", board.Value("{}").With("/h", number(r.H)).With("/w", number(r.W)).With("/x", number(r.X)).With("/y", number(r.Y)))
	}
}

func TestD3_AnyDashboardComesBackAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := randomDashboard(t, false)
		in, err := Import([]byte(body), Options{})
		if err != nil {
			t.Fatalf("import %s: %v", body, err)
		}
		main := in.Document.Layouts[board.MainBreakpoint]
		if main.Normalise(nil) != main {
			t.Fatalf("the layout of %s is not normalised", body)
		}
		out, err := Export(in.Document)
		if err != nil {
			t.Fatal(err)
		}
		if !body.Equal(board.Value(out)) {
			t.Fatalf("was %s\nis  %s", body, out)
		}
	})
}

func TestD3_EditsSurviveTheWayThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tidy := rapid.Bool().Draw(t, "tidy")
		in, err := Import([]byte(randomDashboard(t, tidy)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		doc := in.Document
		edit(t, doc)
		out, err := Export(doc)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Import(out, Options{})
		if err != nil {
			t.Fatalf("import %s: %v", out, err)
		}
		if a, b := slices.Sorted(maps.Keys(doc.Widgets)), slices.Sorted(maps.Keys(again.Document.Widgets)); !slices.Equal(a, b) {
			t.Fatalf("widgets were %v, are %v", a, b)
		}
		for id, w := range doc.Widgets {
			was, is := bare(w), bare(again.Document.Widgets[id])
			if !was.Equal(is) {
				t.Fatalf("widget %s was %s\nis %s\nby %s", id, was, is, out)
			}
		}
		second, err := Export(again.Document)
		if err != nil {
			t.Fatal(err)
		}
		if string(second) != string(out) {
			t.Fatalf("a second round trip changes the body:\n%s\n%s", out, second)
		}
		if !tidy {
			return // what stood on another may be settled otherwise when that one is gone
		}
		was, is := doc.Layouts[board.MainBreakpoint], again.Document.Layouts[board.MainBreakpoint]
		if a, b := board.AppendLayout(nil, was), board.AppendLayout(nil, is); string(a) != string(b) {
			t.Fatalf("layout was %s\nis %s\nby %s", a, b, out)
		}
	})
}

// bare is a widget without what import keeps for the way back.
func bare(w board.Value) board.Value {
	return w.Without("/config/grafana").Without("/config/imported")
}

// edit changes a document as people do.
func edit(t *rapid.T, doc *board.Document) {
	for n := range rapid.IntRange(1, 6).Draw(t, "edits") {
		ids := slices.Sorted(maps.Keys(doc.Widgets))
		what := rapid.IntRange(0, 7).Draw(t, "edit")
		if len(ids) == 0 {
			what = 7
		}
		var id string
		if what < 7 {
			id = rapid.SampledFrom(ids).Draw(t, "widget")
		}
		isRow := textAt(doc.Widgets[id], "/type") == "row"
		switch what {
		case 0:
			r := doc.Layouts[board.MainBreakpoint].Items[id]
			r.Y = rapid.IntRange(0, 60).Draw(t, "to y")
			if !isRow {
				r.X = rapid.IntRange(0, 20).Draw(t, "to x")
			}
			move(doc, id, r)
		case 1:
			r := doc.Layouts[board.MainBreakpoint].Items[id]
			if !isRow {
				r.W, r.H = rapid.IntRange(1, 24).Draw(t, "to w"), rapid.IntRange(1, 12).Draw(t, "to h")
			}
			move(doc, id, r)
		case 2:
			doc.Widgets[id] = doc.Widgets[id].With("/title", quote(fmt.Sprint("new ", n)))
		case 3:
			doc.Widgets[id] = doc.Widgets[id].With("/config/unit", `"percent"`).With("/config/window", "900").Without("/config/min")
		case 4:
			if isRow {
				doc.Widgets[id] = doc.Widgets[id].With("/config/collapsed", board.Value(fmt.Sprint(rapid.Bool().Draw(t, "fold"))))
			}
		case 5:
			remove(doc, id)
		case 6: // a copy, as a page makes one
			name := fmt.Sprint("copy-", n)
			doc.Widgets[name] = doc.Widgets[id]
			below(doc, name, isRow)
		case 7:
			kind := rapid.SampledFrom([]string{"stat", "text", "clock", "row"}).Draw(t, "made")
			name := fmt.Sprint("made-", n)
			doc.Widgets[name] = board.Value(`{"config":{"text":"hi","unit":"bytes/s","x":[1.50,null]},"note":1}`).
				With("/type", quote(kind)).With("/title", quote(name))
			below(doc, name, kind == "row")
		}
	}
}

// below places a new widget as the grid does (L5), a row over the whole width.
func below(doc *board.Document, id string, row bool) {
	l := doc.Layouts[board.MainBreakpoint].WithNew(id)
	if row {
		l.Items[id] = board.Rect{Y: l.Items[id].Y, W: l.Columns, H: 1}
	}
	doc.Layouts[board.MainBreakpoint] = l.Normalise(nil)
}

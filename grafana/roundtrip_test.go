package grafana

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dashwire/dashwire/board"
)

// realDashboards are the dashboards of testdata and their panels.
var realDashboards = map[string]int{"node-exporter-full.json": 141, "haproxy.json": 113}

func TestD3_RealDashboardsComeBackAsTheyWere(t *testing.T) {
	for file, panels := range realDashboards {
		t.Run(file, func(t *testing.T) {
			body := load(t, file)
			in := mustImport(t, body)
			if len(in.Document.Widgets) != panels || in.Drawn+in.Kept != panels {
				t.Errorf("%d widgets, %d drawn and %d kept of %d panels", len(in.Document.Widgets), in.Drawn, in.Kept, panels)
			}
			if in.Kept != 0 {
				t.Errorf("%d panels are not drawn", in.Kept)
			}
			out := mustExport(t, in.Document)
			requireEqual(t, parse(t, body), parse(t, out))
			again := mustImport(t, out)
			requireSameDocument(t, in.Document, again.Document)
		})
	}
}

func TestL4_ImportedLayoutIsNormalised(t *testing.T) {
	for file := range realDashboards {
		main := mustImport(t, load(t, file)).Document.Layouts[board.MainBreakpoint]
		if main.Normalise(nil) != main {
			t.Errorf("%s: normalising changes the imported layout", file)
		}
	}
}

// TestImport_PlacesOfPanelsOutsideFoldedRows holds that what Grafana shows without
// unfolding anything stands as it did, up to where the first folded row pushes.
func TestImport_PlacesOfPanelsOutsideFoldedRows(t *testing.T) {
	in := mustImport(t, load(t, "node-exporter-full.json"))
	main := in.Document.Layouts[board.MainBreakpoint]
	body := parse(t, load(t, "node-exporter-full.json"))
	panels, _ := body.Get("/panels")
	same := 0
	for _, p := range elements(panels) {
		id, _ := p.Get("/id")
		pos := readPos(p, false)
		if pos.y > 20 {
			continue
		}
		same++
		want := board.Rect{X: pos.x, Y: pos.y, W: pos.w, H: pos.h}
		if got := main.Items["panel-"+string(id)]; got != want {
			t.Errorf("panel %s stands at %v, want %v", id, got, want)
		}
	}
	if same != 18 {
		t.Errorf("%d panels stand above the first folded row, want 18", same)
	}
}

func load(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// parse reads JSON with a checked, exact decimal for every number.
func parse(t testing.TB, data []byte) board.Value {
	t.Helper()
	v, err := board.ParseValue(data)
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	return v
}

func mustImport(t testing.TB, data []byte) *Imported {
	t.Helper()
	in, err := Import(data, Options{})
	if err != nil {
		t.Fatalf("import: %v", err)
	}
	return in
}

func mustExport(t testing.TB, doc *board.Document) []byte {
	t.Helper()
	out, err := Export(doc)
	if err != nil {
		t.Fatalf("export: %v", err)
	}
	return out
}

// requireEqual holds two values against one another and shows the first differences.
func requireEqual(t testing.TB, want, got board.Value) {
	t.Helper()
	if want.Equal(got) {
		return
	}
	shown := 0
	differences(want, got, "", func(path string, a, b board.Value) {
		if shown++; shown <= 10 {
			t.Errorf("%s was %.200s, is %.200s", path, a, b)
		}
	})
	t.Fatalf("%d differences", max(shown, 1))
}

// differences walks into arrays too.
func differences(a, b board.Value, path string, yield func(string, board.Value, board.Value)) {
	switch {
	case a.Equal(b):
	case a.IsObject() && b.IsObject():
		keys := map[string]bool{}
		for k := range a.Members() {
			keys[k] = true
		}
		for k := range b.Members() {
			keys[k] = true
		}
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			x, _ := a.Get(board.JoinPointer("", k))
			y, _ := b.Get(board.JoinPointer("", k))
			differences(x, y, path+"/"+k, yield)
		}
	case a.Kind() == '[' && b.Kind() == '[' && len(elements(a)) == len(elements(b)):
		x, y := elements(a), elements(b)
		for i := range x {
			differences(x[i], y[i], path+"/"+string(number(i)), yield)
		}
	default:
		yield(path, a, b)
	}
}

func requireSameDocument(t testing.TB, want, got *board.Document) {
	t.Helper()
	requireEqual(t, board.Value(board.AppendDocument(nil, want)), board.Value(board.AppendDocument(nil, got)))
}

// TestE7_ImportIsCommittedAsItStands: replacing a dashboard by an imported document
// changes nothing in it.
func TestE7_ImportIsCommittedAsItStands(t *testing.T) {
	for _, file := range []string{"node-exporter-full.json", "haproxy.json", "rows.json"} {
		doc := mustImport(t, load(t, file)).Document
		op := &board.Op{Type: board.TypeReplace, ID: "op-1", DashboardID: "d", Author: board.Author{UserID: "ana"}, Document: doc}
		d := board.NewState("d").Decide(op, board.Env{NewEpoch: "e1"})
		if d.Entry == nil {
			t.Fatalf("%s: not committed: %+v", file, d)
		}
		requireSameDocument(t, doc, d.Next.Document())
	}
}

package grafana

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/board"
)

func TestImport_Forms(t *testing.T) {
	const dashboard = `{"uid":"abc","title":"My Board","schemaVersion":39,"panels":[{"id":1,"type":"stat","title":"A","gridPos":{"x":0,"y":0,"w":6,"h":4}}]}`
	for _, c := range []struct {
		name, body string
		panels     int
		title, id  string
		note       string
	}{
		{"plain", dashboard, 1, "My Board", "abc", ""},
		{"wrapped by the HTTP API", `{"meta":{"folderId":3},"dashboard":` + dashboard + `}`, 1, "My Board", "abc", "wrapped"},
		{"as a resource", `{"apiVersion":"dashboard.grafana.app/v1beta1","kind":"Dashboard","metadata":{},"spec":` + dashboard + `}`, 1, "My Board", "abc", "resource"},
		{"shared externally", `{"__inputs":[{"name":"DS"}],"__elements":{},"__requires":[],` + dashboard[1:], 1, "My Board", "abc", ""},
		{"panels null", `{"title":"Nothing Here!","panels":null}`, 0, "Nothing Here!", "nothing-here", ""},
		{"no panels", `{"schemaVersion":39}`, 0, "Untitled dashboard", "dashboard", ""},
		{"a uid that is no id", `{"uid":"a/b","title":"Ünïcode","panels":[]}`, 0, "Ünïcode", "n-code", ""},
		{"a panel of the library", `{"panels":[{"id":4,"gridPos":{"x":0,"y":0,"w":6,"h":4},"libraryPanel":{"uid":"u","name":"Lib"}}]}`, 1, "Untitled dashboard", "dashboard", `"grafana"`},
		{"kept only", `{"panels":[{"id":4,"type":"heatmap"},{"id":5,"type":"heatmap"}]}`, 2, "Untitled dashboard", "dashboard", `2 panels of type "heatmap"`},
		{"overlapping", `{"panels":[{"id":4,"type":"stat","title":"Q","gridPos":{"x":0,"y":0,"w":6,"h":4}},{"id":5,"type":"stat","title":"R","gridPos":{"x":3,"y":2,"w":6,"h":4}}]}`, 2, "Untitled dashboard", "dashboard", `Panel "R" (/panels/1) stood on another`},
		{"an id twice", `{"panels":[{"id":4,"type":"stat"},{"id":4,"type":"stat"}]}`, 2, "Untitled dashboard", "dashboard", "panel-4-2"},
		{"strange places", `{"panels":[{"id":1,"gridPos":{"x":1e99,"y":-1e99,"w":2.5,"h":"8"}},{"id":2,"gridPos":null},{"id":3,"gridPos":{"y":1e30}}]}`, 3, "Untitled dashboard", "dashboard", "do not say"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := mustImport(t, []byte(c.body))
			if len(in.Document.Widgets) != c.panels || in.Title != c.title || in.SuggestedID != c.id {
				t.Errorf("%d panels, title %q, id %q; want %d, %q, %q", len(in.Document.Widgets), in.Title, in.SuggestedID, c.panels, c.title, c.id)
			}
			if notes := strings.Join(in.Notes, "\n"); !strings.Contains(notes, c.note) {
				t.Errorf("notes %q, want one with %q", notes, c.note)
			}
			if err := board.CheckID("dashboard", in.SuggestedID); err != nil {
				t.Error(err)
			}
			body := parse(t, []byte(c.body))
			for _, wrapper := range []board.Pointer{"/dashboard", "/spec"} {
				if inner, ok := body.Get(wrapper); ok {
					body = inner
				}
			}
			requireEqual(t, body, parse(t, mustExport(t, in.Document)))
		})
	}
}

func TestD4_RefusedWithTheNameOfThePanel(t *testing.T) {
	panel := func(inside string) string {
		return `{"dashboard":{"panels":[{"id":1},{"id":2,"type":"row","collapsed":true,"panels":[{"id":3,"title":"Broken",` + inside + `}]}]}}`
	}
	for _, c := range []struct {
		name, body string
		code       board.Code
		path, says string
	}{
		{"forbidden key", panel(`"options":{"constructor":1}`), board.CodeInvalidValue, "/dashboard/panels/1/panels/0/options", `panel "Broken"`},
		{"long key", panel(`"` + strings.Repeat("k", 257) + `":1`), board.CodeInvalidValue, "/dashboard/panels/1/panels/0", `panel "Broken"`},
		{"long number", panel(`"n":` + strings.Repeat("1", 65)), board.CodeInvalidValue, "/dashboard/panels/1/panels/0/n", `panel "Broken"`},
		{"too deep for a widget", panel(`"n":` + strings.Repeat("[", 30) + strings.Repeat("]", 30)), board.CodeInvalidValue, "/dashboard/panels/1/panels/0/n", "deep"},
		{"too deep for anything", strings.Repeat("[", 1000), board.CodeInvalidValue, "", "deeper"},
		{"duplicate key", panel(`"a":1,"a":2`), board.CodeInvalidValue, "/dashboard/panels/1/panels/0", "twice"},
		{"lone surrogate", panel(`"a":"\ud800"`), board.CodeInvalidValue, "", "surrogate"},
		{"forbidden key in the dashboard", `{"panels":[],"templating":{"__proto__":1}}`, board.CodeInvalidValue, "/templating", "not allowed"},
		{"no JSON", `apiVersion: 1`, board.CodeInvalidValue, "", "valid JSON"},
		{"empty", ``, board.CodeInvalidValue, "", ""},
		{"an array", `[{"panels":[]}]`, board.CodeInvalidValue, "", "object"},
		{"another JSON", `{"hello":"world"}`, board.CodeInvalidValue, "", "no Grafana dashboard"},
		{"our own format", `{"settings":{},"widgets":{},"layouts":{}}`, board.CodeInvalidValue, "", "Dashwire"},
		{"schema v2", `{"apiVersion":"dashboard.grafana.app/v2alpha1","kind":"Dashboard","spec":{"elements":{},"layout":{}}}`, board.CodeInvalidValue, "", "Classic"},
		{"panels are no array", `{"dashboard":{"panels":{}}}`, board.CodeInvalidValue, "/dashboard/panels", "array"},
		{"a panel is no object", `{"panels":[{"id":1},null]}`, board.CodeInvalidValue, "/panels/1", "object"},
		{"a row is no object", `{"rows":[7]}`, board.CodeInvalidValue, "/rows/0", "object"},
		{"a bad path in our member", panel(`"dashwire":{"set":{"config":1}}`), board.CodePath, "/dashboard/panels/1/panels/0/dashwire/set", "Broken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Import([]byte(c.body), Options{})
			if err == nil {
				t.Fatal("it was taken")
			}
			if err.Code != c.code || !strings.HasPrefix(err.Path, c.path) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v at %q, want %s at %q saying %q", err, err.Path, c.code, c.path, c.says)
			}
			if len(err.Message) > 500 {
				t.Errorf("the message has %d characters", len(err.Message))
			}
		})
	}
}

func TestD5_Limits(t *testing.T) {
	var panels []string
	for i := range 30 {
		panels = append(panels, fmt.Sprintf(`{"id":%d,"type":"stat"}`, i))
	}
	body := []byte(`{"panels":[` + strings.Join(panels, ",") + `]}`)
	for _, c := range []struct {
		name   string
		limits board.Limits
		code   board.Code
	}{
		{"panels", board.Limits{Widgets: 29}, board.CodeLimitExceeded},
		{"body", board.Limits{DocumentBytes: len(body)/2 - 1}, board.CodeTooLarge},
		{"document", board.Limits{DocumentBytes: len(body)}, board.CodeTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Import(body, Options{Limits: c.limits}); err == nil || err.Code != c.code {
				t.Errorf("error %v, want %s", err, c.code)
			}
		})
	}
	if _, err := Import(body, Options{Limits: board.Limits{Widgets: 30}}); err != nil {
		t.Error(err)
	}
	layouts := `"a0":{}`
	for i := range 32 {
		layouts += fmt.Sprintf(`,"b%d":{}`, i)
	}
	if _, err := Import([]byte(`{"panels":[],"dashwire":{"layouts":{`+layouts+`}}}`), Options{}); err == nil || err.Code != board.CodeLimitExceeded {
		t.Errorf("33 more layouts: error %v, want %s", err, board.CodeLimitExceeded)
	}
}

func TestD2_WidgetIDs(t *testing.T) {
	for _, c := range []struct {
		name, panels string
		want         []string
	}{
		{"numbers", `{"id":1},{"id":12}`, []string{"panel-1", "panel-12"}},
		{"twice", `{"id":1},{"id":1},{"id":1}`, []string{"panel-1", "panel-1-2", "panel-1-3"}},
		{"none", `{"id":1},{},{"id":null}`, []string{"panel-1", "panel-at-1", "panel-at-2"}},
		{"text", `{"id":"a.b"},{"id":"a b"}`, []string{"panel-a.b", "panel-at-1"}},
		{"other numbers", `{"id":-3},{"id":1.5},{"id":1e3}`, []string{"panel--3", "panel-at-1", "panel-at-2"}},
		{"one that looks like another's count", `{"id":1},{"id":1},{"id":"1-2"}`, []string{"panel-1", "panel-1-3", "panel-1-2"}},
		{"in a row", `{"type":"row","panels":[{},{"id":1}]}`, []string{"panel-at-0", "panel-at-0-0", "panel-1"}},
		{"asked for", `{"id":1},{"id":2,"dashwire":{"id":"panel-1"}}`, []string{"panel-1-2", "panel-1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := mustImport(t, []byte(`{"panels":[`+c.panels+`]}`))
			for _, id := range c.want {
				if _, ok := in.Document.Widgets[id]; !ok {
					t.Errorf("there is no widget %s", id)
				}
			}
			if len(in.Document.Widgets) != len(c.want) {
				t.Errorf("%d widgets, want %v", len(in.Document.Widgets), c.want)
			}
		})
	}
}

func FuzzImport(f *testing.F) {
	f.Add(load(f, "rows.json"))
	f.Add([]byte(`{"dashboard":{"panels":[{"id":2,"type":"row","collapsed":true,"gridPos":{"x":0,"y":3,"w":24,"h":1},"panels":[{"id":3,"title":"T","gridPos":{"x":0,"y":400,"w":6,"h":4}}]},{"id":2,"gridPos":{"x":0.5,"y":-1}}]}}`))
	f.Add([]byte(`{"schemaVersion":39,"dashwire":{"columns":12,"compact":"none","layouts":{"phone":{"columns":2}},"set":{"/x":1}},"panels":[{"dashwire":{"id":"a","set":{"/config/x":null},"unset":["/title"],"static":true},"type":"text","options":{"content":"hi"}}]}`))
	f.Add([]byte(`{"panels":[{"type":"stat","fieldConfig":{"defaults":{"unit":"Bps","thresholds":{"steps":[{"color":"#e02f44"},{"color":"rgb(1,2,3)","value":1e-400}]}}}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := Import(data, Options{})
		if err != nil {
			return
		}
		main := in.Document.Layouts[board.MainBreakpoint]
		if main.Normalise(nil) != main {
			t.Fatal("the layout is not normalised")
		}
		out, err := Export(in.Document)
		if err != nil {
			t.Fatalf("export: %v", err)
		}
		again, err := Import(out, Options{Limits: board.Limits{DocumentBytes: 16 << 20}})
		if err != nil {
			t.Fatalf("import of the export: %v\n%s", err, out)
		}
		if second, err := Export(again.Document); err != nil || string(second) != string(out) {
			t.Fatalf("a second round trip changes the body (%v):\n%s\n%s", err, out, second)
		}
	})
}

func BenchmarkImport(b *testing.B) {
	body := load(b, "node-exporter-full.json")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Import(body, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExport(b *testing.B) {
	in := mustImport(b, load(b, "node-exporter-full.json"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Export(in.Document); err != nil {
			b.Fatal(err)
		}
	}
}

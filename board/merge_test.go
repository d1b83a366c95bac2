package board

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// act is one op and the answer to it.
type act struct{ op, answer string }

type script struct {
	name  string
	steps []act
	path  string // into the document at the end
	want  string
}

// run runs each script on a dashboard whose version 1 is the widget cpu by ana.
func run(t *testing.T, scripts []script) {
	t.Helper()
	for _, s := range scripts {
		t.Run(s.name, func(t *testing.T) {
			w := newWorld(t)
			w.widget("cpu", `{"type":"line","title":"CPU","config":{"unit":"%","max":100,"axes":[1,2]}}`)
			for _, a := range s.steps {
				w.want(a.answer, a.op)
			}
			if s.path != "" {
				w.wantDoc(s.path, s.want)
			}
		})
	}
}

// set is an update of cpu.
func set(by string, base int, more string) string {
	return fmt.Sprintf(`{"type":"WIDGET_UPDATE","by":%q,"widgetId":"cpu","baseVersion":%d,%s}`, by, base, more)
}

const (
	title   = "/widgets/cpu/title"
	config  = "/widgets/cpu/config"
	unitPct = `"set":{"/config/unit":"pct"}`
)

func TestM1_EntriesAreNumberedInTheOrderOfDeciding(t *testing.T) {
	w := newWorld(t)
	w.widget("a", `{}`)
	w.widget("b", `{}`)
	w.widget("c", `{}`)
	for i, e := range w.log {
		if e.Version != uint64(i+1) || e.Epoch != w.log[0].Epoch {
			t.Errorf("entry %d is version %d of epoch %q", i, e.Version, e.Epoch)
		}
	}
}

func TestM2_BaseVersion(t *testing.T) {
	run(t, []script{
		{
			name: "M2 a base above the head is refused",
			steps: []act{
				{set("bob", 2, `"set":{"/title":"x"}`), "refused BAD_VERSION baseVersion"},
			},
		},
		{
			name: "M2 a write without base overwrites and is marked blind",
			steps: []act{
				{set("bob", 1, `"set":{"/title":"b"}`), "applied 2"},
				{`{"type":"WIDGET_UPDATE","by":"eve","widgetId":"cpu","policy":"ask","set":{"/title":"e"}}`, "applied 3"},
			},
			path: title, want: `"e"`,
		},
		{
			name: "M2 version 0 of every epoch is the empty document",
			steps: []act{
				{`{"type":"WIDGET_UPDATE","by":"bob","widgetId":"m","create":true,"baseVersion":0,"epoch":""}`, "merged 2"},
				{`{"type":"DASHBOARD_UPDATE","by":"bob","baseVersion":0,"epoch":"","set":{"/title":"one"}}`, "merged 3"},
				{`{"type":"DASHBOARD_UPDATE","by":"bob","baseVersion":0,"epoch":"","policy":"ask","set":{"/title":"two"}}`, "merged 4"},
			},
			path: "/settings/title", want: `"two"`,
		},
	})
	w := newWorld(t)
	w.widget("cpu", `{}`)
	w.do(set("bob", 1, `"set":{"/title":"b"}`))
	w.do(`{"type":"WIDGET_UPDATE","by":"eve","widgetId":"cpu","set":{"/title":"e"}}`)
	if w.log[1].Blind || !w.log[2].Blind {
		t.Errorf("blind = %v with a base and %v without", w.log[1].Blind, w.log[2].Blind)
	}
}

func TestM3_Clashes(t *testing.T) {
	ask := func(by string, base int, more string) string { return set(by, base, `"policy":"ask",`+more) }
	run(t, []script{
		{
			name: "M3 different paths merge",
			steps: []act{
				{ask("bob", 1, `"set":{"/title":"b"}`), "applied 2"},
				{ask("eve", 1, unitPct), "merged 3"},
			},
			path: "/widgets/cpu", want: `{"type":"line","title":"b","config":{"unit":"pct","max":100,"axes":[1,2]}}`,
		},
		{
			name: "M3 the same path clashes",
			steps: []act{
				{ask("bob", 1, `"set":{"/title":"b"}`), "applied 2"},
				{ask("eve", 1, `"set":{"/title":"e"}`), `conflict field cpu@2 [/title mine="e" theirs="b"(bob 2)]`},
			},
			path: title, want: `"b"`,
		},
		{
			name: "M3 an enclosing path clashes",
			steps: []act{
				{ask("bob", 1, `"set":{"/config":{"unit":"ms"}}`), "applied 2"},
				{ask("eve", 1, unitPct), `conflict field cpu@2 [/config/unit mine="pct" theirs="ms"(bob 2)]`},
			},
		},
		{
			name: "M3 an enclosed path clashes",
			steps: []act{
				{ask("bob", 1, unitPct), "applied 2"},
				{ask("eve", 1, `"set":{"/config":1}`), `conflict field cpu@2 [/config mine=1 theirs={"axes":[1,2],"max":100,"unit":"pct"}(bob 2)]`},
			},
		},
		{
			name: "M3 a path that only begins alike does not clash",
			steps: []act{
				{ask("bob", 1, `"set":{"/config-x":1,"/config0":1}`), "applied 2"},
				{ask("eve", 1, `"set":{"/config":1}`), "merged 3"},
			},
		},
		{
			name: "M3 equal values never clash, numbers by decimal value",
			steps: []act{
				{ask("bob", 1, `"set":{"/config/max":1.5e2,"/title":"t"}`), "applied 2"},
				{ask("eve", 1, `"set":{"/config/max":150.0,"/title":"t"}`), "unchanged 2"},
				{ask("eve", 1, `"set":{"/config/max":150.0,"/note":1}`), "merged 3"},
			},
			path: config + "/max", want: `1.5e2`,
		},
		{
			name: "M3 one's own changes never clash",
			steps: []act{
				{ask("bob", 1, `"set":{"/title":"b"}`), "applied 2"},
				{ask("bob", 1, `"set":{"/title":"c"}`), "merged 3"},
			},
			path: title, want: `"c"`,
		},
		{
			name: "M3 another client of the same user clashes",
			steps: []act{
				{ask("bob/one", 1, `"set":{"/title":"b"}`), "applied 2"},
				{ask("bob/two", 1, `"set":{"/title":"c"}`), `conflict field cpu@2 [/title mine="c" theirs="b"(bob 2)]`},
			},
		},
		{
			name: "M3 nobody in particular is another, always",
			steps: []act{
				{`{"type":"WIDGET_UPDATE","widgetId":"cpu","set":{"/title":"b"}}`, "applied 2"},
				{`{"type":"WIDGET_UPDATE","widgetId":"cpu","baseVersion":1,"policy":"ask","set":{"/title":"c"}}`, `conflict field cpu@2 [/title mine="c" theirs="b"( 2)]`},
			},
		},
		{
			name: "M3 a current value equal to prev does not clash",
			steps: []act{
				{ask("bob", 1, `"set":{"/title":"b"}`), "applied 2"},
				{ask("eve", 1, `"prev":{"/title":"b"},"set":{"/title":"e"}`), "merged 3"},
			},
			path: title, want: `"e"`,
		},
		{
			name: "M3 a prev that is not the current value clashes, and is shown as base",
			steps: []act{
				{ask("bob", 1, `"set":{"/title":"b"}`), "applied 2"},
				{ask("eve", 1, `"prev":{"/title":"CPU"},"set":{"/title":"e"}`), `conflict field cpu@2 [/title mine="e" theirs="b"(bob 2)]`},
			},
		},
		{
			name: "M3 setting a path drops the clocks below it",
			steps: []act{
				{ask("bob", 1, unitPct), "applied 2"},
				{ask("ana", 2, `"set":{"/config":{"unit":"s"}}`), "applied 3"},
				{ask("ana", 1, `"set":{"/config/unit":"h"}`), "merged 4"},
			},
			path: config, want: `{"unit":"h"}`,
		},
		{
			name: "M3 unsetting keeps the clock",
			steps: []act{
				{ask("bob", 1, `"unset":["/config/unit"]`), "applied 2"},
				{ask("eve", 1, unitPct), `conflict field cpu@2 [/config/unit mine="pct" theirs=(bob 2)]`},
			},
		},
		{
			name: "M3 unsetting what is gone never clashes",
			steps: []act{
				{ask("bob", 1, `"unset":["/config/unit"]`), "applied 2"},
				{ask("eve", 1, `"unset":["/config/unit"]`), "unchanged 2"},
			},
		},
		{
			name: "M3 a widget made by another after the base clashes in every path",
			steps: []act{
				{`{"type":"WIDGET_UPDATE","by":"bob","widgetId":"m","create":true,"set":{"/a":1}}`, "applied 2"},
				{`{"type":"WIDGET_UPDATE","by":"eve","widgetId":"m","baseVersion":1,"policy":"ask","set":{"/b":1}}`, `conflict field m@2 [/b mine=1 theirs=(bob 2)]`},
			},
		},
		{
			name: "M3 settings merge by path too",
			steps: []act{
				{`{"type":"DASHBOARD_UPDATE","by":"bob","baseVersion":1,"set":{"/title":"Ops","/tags":["a"]}}`, "applied 2"},
				{`{"type":"DASHBOARD_UPDATE","by":"eve","baseVersion":1,"set":{"/refresh":5}}`, "merged 3"},
				{`{"type":"DASHBOARD_UPDATE","by":"eve","baseVersion":1,"policy":"ask","set":{"/title":"E"}}`, `conflict field @3 [/title mine="E" theirs="Ops"(bob 2)]`},
			},
			path: "/settings", want: `{"title":"Ops","tags":["a"],"refresh":5}`,
		},
	})
}

func TestM3_ClocksAreBounded(t *testing.T) {
	w := newWorld(t)
	w.widget("cpu", `{}`)
	paths := func(prefix string, n int) string {
		var parts []string
		for i := range n {
			parts = append(parts, fmt.Sprintf(`"%s%04d/v":1`, prefix, i))
		}
		return `"set":{` + strings.Join(parts, ",") + `}`
	}
	w.want("applied 2", set("bob", 1, paths("/old/", 400)))
	w.want("applied 3", set("eve", 2, paths("/new/", 590)))
	w.want("applied 4", set("dan", 3, `"set":{"/a":1}`))
	count := func() int {
		p, _ := w.state.widgets.get("cpu")
		return len(p.clocks)
	}
	if count() != 992 {
		t.Fatalf("the widget has %d clocks, want 992", count())
	}
	w.want("applied 5", set("dan", 4, paths("/more/", 30)))
	if count() > maxClocks {
		t.Errorf("the widget has %d clocks, want at most %d", count(), maxClocks)
	}
	p, _ := w.state.widgets.get("cpu")
	if s := p.clocks.at("/old/0000/v"); s.version < 2 || s.author != (Author{}) {
		t.Errorf("a folded path has the stamp %+v, want version 2 or later of nobody", s)
	}
	if s := p.clocks.at("/more/0029/v"); s.version != 5 || s.author.UserID != "dan" {
		t.Errorf("the newest path has the stamp %+v", s)
	}
	for i, k := range p.clocks {
		if up := p.clocks.at(k.path.Parent()); k.path != "" && up.version > k.version {
			t.Errorf("%s is of version %d, above it is %d", k.path, k.version, up.version)
		}
		if i > 0 && p.clocks[i-1].path >= k.path {
			t.Errorf("clocks %d and %d are not in order", i-1, i)
		}
	}
	w.want(`conflict field cpu@5 [/old/0000/v mine=2 theirs=1( 2)]`,
		set("bob", 1, `"policy":"ask","set":{"/old/0000/v":2}`))
}

// A clock is kept for long, the message that a path came with is not.
func TestM3_ClocksKeepNoMessage(t *testing.T) {
	for _, n := range []int{1, splicedFew, 2 * finderFew} {
		s := stateOf(t, 1, 0)
		op := wide("w0000", n)
		op.ID, op.DashboardID = "op", "ops"
		message := string(op.Set[0].Path)
		w, _ := s.Decide(op, Env{Now: time.UnixMilli(1)}).Next.widgets.get("w0000")
		i, ok := w.clocks.find(op.Set[0].Path)
		if !ok || unsafe.StringData(string(w.clocks[i].path)) == unsafe.StringData(message) {
			t.Errorf("%d paths: a clock holds on to the message, or there is none: %v", n, ok)
		}
	}
}

func TestM4_AnOpIsAppliedWholeOrNotAtAll(t *testing.T) {
	run(t, []script{
		{
			name: "M4 one clashing path holds back the others",
			steps: []act{
				{set("bob", 1, `"set":{"/title":"b"}`), "applied 2"},
				{set("eve", 1, `"policy":"ask","set":{"/title":"e","/note":1}`), `conflict field cpu@2 [/title mine="e" theirs="b"(bob 2)]`},
			},
			path: "/widgets/cpu/note", want: ``,
		},
		{
			name: "M4 without a clash it is merged, whatever else happened",
			steps: []act{
				{set("bob", 1, `"set":{"/a":1}`), "applied 2"},
				{set("bob", 2, `"set":{"/b":1}`), "applied 3"},
				{set("eve", 1, `"policy":"reject","set":{"/c":1}`), "merged 4"},
			},
		},
	})
}

func TestE6_PathsAndChanges(t *testing.T) {
	run(t, []script{
		{
			name:  "E6 missing parents are made",
			steps: []act{{set("bob", 1, `"set":{"/a/b/c":1}`), "applied 2"}},
			path:  "/widgets/cpu/a", want: `{"b":{"c":1}}`,
		},
		{
			name: "E6 through an array or a plain value",
			steps: []act{
				{set("bob", 1, `"set":{"/config/axes/0":1}`), "refused PATH /config/axes/0"},
				{set("bob", 1, `"set":{"/title/x":1}`), "refused PATH /title/x"},
				{set("bob", 1, `"unset":["/title/x/y"]`), "refused PATH /title/x/y"},
			},
		},
		{
			name: "E6 what has become a plain value is a conflict before it is a bad path",
			steps: []act{
				{set("eve", 1, `"set":{"/config":1}`), "applied 2"},
				{set("bob", 1, `"policy":"ask",`+unitPct), `conflict field cpu@2 [/config/unit mine="pct" theirs=(eve 2)]`},
				{set("bob", 1, `"policy":"overwrite",`+unitPct), "refused PATH /config/unit"},
			},
		},
		{
			name: "E6 changes are compiled against the newest document",
			steps: []act{
				{set("eve", 1, unitPct), "applied 2"},
				{set("bob", 1, `"changes":{"config":{"max":null,"min":0},"title":null,"list":[null]}`), "merged 3"},
			},
			path: "/widgets/cpu", want: `{"type":"line","list":[null],"config":{"unit":"pct","min":0,"axes":[1,2]}}`,
		},
		{
			name:  "E6 changes that are no object",
			steps: []act{{set("bob", 1, `"changes":[1]`), "refused INVALID_VALUE /changes"}},
		},
		{
			name: "D4 too deep at its place",
			steps: []act{
				{set("bob", 1, `"set":{"/a/b":`+strings.Repeat("[", 30)+strings.Repeat("]", 30)+`}`), "applied 2"},
				{set("bob", 1, `"set":{"/a/c":`+strings.Repeat("[", 31)+strings.Repeat("]", 31)+`}`), "refused INVALID_VALUE /a/c"},
			},
		},
		{
			name:  "D3 null is a value",
			steps: []act{{set("bob", 1, `"set":{"/title":null}`), "applied 2"}},
			path:  title, want: `null`,
		},
	})
}

func TestH3_IfMatchIsStrict(t *testing.T) {
	run(t, []script{{
		name: "H3",
		steps: []act{
			{set("bob", 1, `"ifMatch":true,"set":{"/title":"b"}`), "refused CONFLICT"},
			{set("bob", 1, `"ifMatch":true,"epoch":"epoch0","set":{"/title":"b"}`), "applied 2"},
			{set("bob", 1, `"ifMatch":true,"epoch":"epoch0","set":{"/other":"b"}`), "refused CONFLICT"},
		},
	}})
}

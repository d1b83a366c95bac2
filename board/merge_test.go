package board

import (
	"fmt"
	"strings"
	"testing"
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

func TestM5_TypeAndConfig(t *testing.T) {
	run(t, []script{
		{
			name: "M5 a change under config clashes with an earlier change of type",
			steps: []act{
				{set("bob", 1, `"set":{"/type":"bar"}`), "applied 2"},
				{set("eve", 1, `"policy":"ask",`+unitPct), `conflict field cpu@2 [/config/unit mine="pct" theirs="%"(bob 2)]`},
			},
		},
		{
			name: "M5 a change of type clashes with an earlier change under config",
			steps: []act{
				{set("eve", 1, unitPct), "applied 2"},
				{set("bob", 1, `"policy":"ask","set":{"/type":"bar"}`), `conflict field cpu@2 [/type mine="bar" theirs="line"(eve 2)]`},
				{set("bob", 1, `"policy":"overwrite","set":{"/type":"bar"}`), `merged 3 overwrote cpu/config={"axes":[1,2],"max":100,"unit":"pct"}(eve 2)`},
			},
		},
		{
			name: "M5 the same type is no change of type",
			steps: []act{
				{set("eve", 1, unitPct), "applied 2"},
				{set("bob", 1, `"policy":"ask","set":{"/type":"line","/title":"x"}`), `merged 3`},
			},
		},
		{
			name: "M5 an array is one value",
			steps: []act{
				{set("eve", 1, `"set":{"/config/axes":[1,2,3]}`), "applied 2"},
				{set("bob", 1, `"policy":"ask","set":{"/config/axes":[0,1,2]}`), `conflict field cpu@2 [/config/axes mine=[0,1,2] theirs=[1,2,3](eve 2)]`},
			},
		},
	})
}

func TestM6_Policies(t *testing.T) {
	bob := act{set("bob", 1, `"set":{"/title":"b","/note":"n"}`), "applied 2"}
	eve := func(more string) string { return set("eve", 1, more+`"set":{"/title":"e","/mine":1}`) }
	run(t, []script{
		{
			name:  "M6 overwrite wins and tells what was lost",
			steps: []act{bob, {eve(`"policy":"overwrite",`), `merged 3 overwrote cpu/title="b"(bob 2)`}},
			path:  title, want: `"e"`,
		},
		{
			name:  "M6 reject",
			steps: []act{bob, {eve(`"policy":"reject",`), `refused CONFLICT /title current "b"`}},
			path:  title, want: `"b"`,
		},
		{
			name:  "M6 ask",
			steps: []act{bob, {eve(`"policy":"ask",`), `conflict field cpu@2 [/title mine="e" theirs="b"(bob 2)]`}},
			path:  title, want: `"b"`,
		},
		{
			name:  "M6 skip leaves the clashing paths out",
			steps: []act{bob, {eve(`"policy":"skip",`), `merged 3 skipped /title`}},
			path:  "/widgets/cpu/mine", want: `1`,
		},
		{
			name:  "M6 skip of everything is unchanged",
			steps: []act{bob, {set("eve", 1, `"policy":"skip","set":{"/title":"e"}`), `unchanged 2 skipped /title`}},
		},
		{
			name:  "M6 auto within the window overwrites",
			steps: []act{bob, {eve(`"wait":4999,"age":4999,`), `merged 3 overwrote cpu/title="b"(bob 2)`}},
		},
		{
			name:  "M6 auto asks about a change that is as old as the window",
			steps: []act{bob, {eve(`"wait":5000,`), `conflict field cpu@2 [/title mine="e" theirs="b"(bob 2)]`}},
		},
		{
			name:  "M6 auto asks if the op is as old as the window",
			steps: []act{bob, {eve(`"age":5000,`), `conflict field cpu@2 [/title mine="e" theirs="b"(bob 2)]`}},
		},
		{
			name:  "M6 auto asks about a change far in the future of this clock",
			steps: []act{bob, {eve(`"wait":-5000,`), `conflict field cpu@2 [/title mine="e" theirs="b"(bob 2)]`}},
		},
		{
			name: "M6 auto asks if one of the changes is older",
			steps: []act{
				{set("bob", 1, `"set":{"/config/unit":"a"}`), "applied 2"},
				{set("dan", 2, `"wait":4000,"set":{"/config/max":1}`), "applied 3"},
				{set("eve", 1, `"wait":1000,"set":{"/config":0}`), `conflict field cpu@3 [/config mine=0 theirs={"axes":[1,2],"max":1,"unit":"a"}(dan 3)]`},
			},
		},
		{
			name: "M6 the dashboard's own policy holds for ops without one",
			steps: []act{
				{`{"type":"DASHBOARD_UPDATE","by":"ana","baseVersion":1,"set":{"/conflictPolicy":"reject"}}`, "applied 2"},
				{set("bob", 2, `"set":{"/title":"b"}`), "applied 3"},
				{set("eve", 2, `"set":{"/title":"e"}`), `refused CONFLICT /title current "b"`},
				{set("eve", 2, `"policy":"overwrite","set":{"/title":"e"}`), `merged 4 overwrote cpu/title="b"(bob 3)`},
			},
		},
		{
			name: "M6 a policy that does not exist is refused, and what a document brought along counts as none",
			steps: []act{
				{`{"type":"DASHBOARD_UPDATE","by":"ana","baseVersion":1,"set":{"/conflictPolicy":"anything"}}`, "refused INVALID_VALUE /conflictPolicy"},
				{`{"type":"DASHBOARD_UPDATE","by":"ana","baseVersion":1,"set":{"/conflictPolicy":null}}`, "refused INVALID_VALUE /conflictPolicy"},
				{`{"type":"REPLACE","by":"ana","document":{"settings":{"conflictPolicy":"anything"},"widgets":{"cpu":{"title":"a"}}}}`, "applied 2"},
				{set("bob", 2, `"set":{"/title":"b"}`), "applied 3"},
				{set("eve", 2, `"set":{"/title":"e"}`), `merged 4 overwrote cpu/title="b"(bob 3)`},
			},
		},
		{
			name: "M6 an op that overwrites what was not there tells that too",
			steps: []act{
				{set("bob", 1, `"unset":["/title"]`), "applied 2"},
				{set("eve", 1, `"policy":"overwrite","set":{"/title":"e"}`), `merged 3 overwrote cpu/title=(bob 2)`},
			},
		},
		{
			name: "M6 a lost value over 4 KiB stands in history only",
			steps: []act{
				{set("bob", 1, `"set":{"/title":"`+strings.Repeat("x", 4<<10)+`"}`), "applied 2"},
				{set("eve", 1, `"policy":"overwrite","set":{"/title":"e"}`), `merged 3 overwrote cpu/title=(bob 2) omitted`},
			},
		},
	})
}

func TestM7_UnchangedIsNotLogged(t *testing.T) {
	run(t, []script{
		{
			name:  "M7 fields that are so already",
			steps: []act{{set("bob", 1, `"set":{"/title":"CPU"},"unset":["/none"]`), "unchanged 1"}},
		},
		{
			name:  "M7 an update without content",
			steps: []act{{set("bob", 1, `"set":{}`), "unchanged 1"}},
		},
		{
			name:  "M7 a move that normalising takes back",
			steps: []act{{`{"type":"LAYOUT_UPDATE","by":"bob","moved":{"cpu":{"y":9}}}`, "unchanged 1"}},
		},
		{
			name: "M7 a batch whose parts undo each other",
			steps: []act{{`{"type":"WIDGET_BATCH","by":"bob","operations":[
				{"type":"WIDGET_UPDATE","widgetId":"cpu","set":{"/title":"x","/new":1}},
				{"type":"WIDGET_UPDATE","widgetId":"cpu","set":{"/title":"CPU"},"unset":["/new"]}]}`, "unchanged 1 results unchanged,unchanged"}},
		},
	})
}

func TestM8_OpIds(t *testing.T) {
	first := `{"type":"WIDGET_UPDATE","by":"bob","id":"x1","hash":1,"widgetId":"cpu","set":{"/title":"b"}}`
	run(t, []script{
		{
			name: "M8 a committed op gets its version again, whatever happened since",
			steps: []act{
				{first, "applied 2"},
				{set("eve", 2, `"set":{"/title":"e"}`), "applied 3"},
				{first, "replay 2"},
				{`{"type":"WIDGET_DELETE","by":"eve","widgetId":"cpu"}`, "applied 4"},
				{first, "replay 2"},
			},
		},
		{
			name: "M8 another client of the same user sends it again",
			steps: []act{
				{first, "applied 2"},
				{strings.Replace(first, `"bob"`, `"bob/other"`, 1), "replay 2"},
			},
		},
		{
			name: "M8 the same id with other content",
			steps: []act{
				{first, "applied 2"},
				{strings.Replace(first, `"hash":1`, `"hash":2`, 1), "refused ID_REUSED"},
			},
		},
		{
			name: "M8 ids are unique per user",
			steps: []act{
				{first, "applied 2"},
				{strings.Replace(first, `"bob"`, `"eve"`, 1), "unchanged 2"},
			},
		},
		{
			name: "M8 what was not committed is decided anew",
			steps: []act{
				{set("eve", 1, `"set":{"/title":"e"}`), "applied 2"},
				{set("bob", 1, `"id":"x2","policy":"ask","set":{"/title":"b"}`), `conflict field cpu@2 [/title mine="b" theirs="e"(eve 2)]`},
				{set("eve", 2, `"set":{"/title":"b"}`), "applied 3"},
				{set("bob", 1, `"id":"x2","policy":"ask","set":{"/title":"b"}`), "unchanged 3"},
			},
		},
		{
			name: "M8 a conflict that is settled goes out again under its id, with other content, and a late copy of the first does nothing",
			steps: []act{
				{set("eve", 1, `"set":{"/title":"e"}`), "applied 2"},
				{set("bob", 1, `"id":"x2","hash":1,"policy":"ask","set":{"/title":"b"}`), `conflict field cpu@2 [/title mine="b" theirs="e"(eve 2)]`},
				{set("bob", 2, `"id":"x2","hash":2,"policy":"ask","set":{"/title":"both"}`), "applied 3"},
				{set("bob", 2, `"id":"x2","hash":2,"policy":"ask","set":{"/title":"both"}`), "replay 3"},
				{set("bob", 1, `"id":"x2","hash":1,"policy":"overwrite","set":{"/title":"b"}`), "refused ID_REUSED"},
			},
		},
	})
}

func TestM9_WidgetsComeAndGo(t *testing.T) {
	del := func(by string, base int, more string) string {
		return fmt.Sprintf(`{"type":"WIDGET_DELETE","by":%q,"widgetId":"cpu","baseVersion":%d%s}`, by, base, more)
	}
	run(t, []script{
		{
			name: "M9 an id in use",
			steps: []act{{
				`{"type":"WIDGET_UPDATE","by":"bob","widgetId":"cpu","create":true}`,
				`refused EXISTS widgetId current {"config":{"axes":[1,2],"max":100,"unit":"%"},"title":"CPU","type":"line"}`,
			}},
		},
		{
			name: "M9 an id whose tombstone is kept",
			steps: []act{
				{del("bob", 1, ""), "applied 2"},
				{`{"type":"WIDGET_UPDATE","by":"bob","widgetId":"cpu","create":true}`, "refused EXISTS widgetId"},
			},
		},
		{
			name: "M9 an update of what is not there, whatever the policy",
			steps: []act{
				{`{"type":"WIDGET_UPDATE","by":"bob","widgetId":"none","policy":"overwrite","set":{"/a":1}}`, "conflict deleted none@1 [/a mine=1 theirs=( 0)]"},
				{del("eve", 1, ""), "applied 2"},
				{set("bob", 1, `"policy":"skip","set":{"/title":"b"}`), `conflict deleted cpu@2 [/title mine="b" theirs=(eve 2)]`},
				{set("bob", 2, `"changes":{"title":"b"}`), `conflict deleted cpu@2 [/title mine="b" theirs=(eve 2)]`},
			},
		},
		{
			name: "M9 restore brings it back with the update on top",
			steps: []act{
				{set("eve", 1, `"set":{"/note":1}`), "applied 2"},
				{del("eve", 2, ""), "applied 3"},
				{set("bob", 3, `"restore":true,"set":{"/title":"b"}`), "applied 4"},
				{set("bob", 3, `"restore":true,"set":{"/title":"c"}`), "merged 5"},
			},
			path: "/widgets/cpu", want: `{"type":"line","title":"c","note":1,"config":{"unit":"%","max":100,"axes":[1,2]}}`,
		},
		{
			name:  "M9 restoring what was never there",
			steps: []act{{`{"type":"WIDGET_UPDATE","by":"bob","widgetId":"none","restore":true}`, "refused GONE widgetId"}},
		},
		{
			name: "M9 deleting what another has changed",
			steps: []act{
				{set("eve", 1, `"set":{"/title":"e","/config/unit":"s"}`), "applied 2"},
				{del("bob", 1, `,"policy":"ask"`), `conflict changed cpu@2 [/config/unit mine= theirs="s"(eve 2)] [/title mine= theirs="e"(eve 2)]`},
				{del("bob", 1, `,"policy":"reject"`), `refused CONFLICT current {"config":{"axes":[1,2],"max":100,"unit":"s"},"title":"e","type":"line"}`},
				{del("bob", 1, `,"policy":"skip"`), `unchanged 2 skipped `},
				{del("bob", 1, ""), `merged 3 overwrote cpu={"config":{"axes":[1,2],"max":100,"unit":"s"},"title":"e","type":"line"}(eve 2)`},
			},
			path: "/widgets", want: `{}`,
		},
		{
			name: "M9 the clash is answered by the delete again",
			steps: []act{
				{set("eve", 1, `"set":{"/title":"e"}`), "applied 2"},
				{del("bob", 2, `,"policy":"ask"`), "applied 3"},
			},
		},
		{
			name: "M9 a widget that was only moved is deleted without asking",
			steps: []act{
				{`{"type":"LAYOUT_UPDATE","by":"eve","moved":{"cpu":{"x":3}}}`, "applied 2"},
				{del("bob", 1, `,"policy":"ask"`), "merged 3"},
			},
		},
		{
			name: "M9 one's own changes do not keep it",
			steps: []act{
				{set("bob", 1, `"set":{"/title":"b"}`), "applied 2"},
				{del("bob", 1, `,"policy":"ask"`), "merged 3"},
			},
		},
		{
			name:  "M9 deleting what is not there",
			steps: []act{{`{"type":"WIDGET_DELETE","by":"bob","widgetId":"none","baseVersion":1}`, "unchanged 1"}},
		},
		{
			name: "M9 PUT makes or replaces",
			steps: []act{
				{`{"type":"WIDGET_UPDATE","by":"bob","widgetId":"m","value":{"a":1,"b":{"c":2}}}`, "applied 2"},
				{`{"type":"WIDGET_UPDATE","by":"bob","widgetId":"m","value":{"a":1.0,"b":{"d":3}}}`, "applied 3"},
				{`{"type":"WIDGET_UPDATE","by":"bob","widgetId":"m","value":{"a":1,"b":{"d":3}}}`, "unchanged 3"},
			},
			path: "/widgets/m", want: `{"a":1,"b":{"d":3}}`,
		},
		{
			name: "M9 PUT of what another has deleted since",
			steps: []act{
				{del("eve", 1, ""), "applied 2"},
				{set("bob", 1, `"value":{"a":1}`), "conflict deleted cpu@2 [/a mine=1 theirs=(eve 2)]"},
				{set("bob", 2, `"value":{"a":1}`), "applied 3"},
			},
			path: "/widgets/cpu", want: `{"a":1}`,
		},
		{
			name: "M9 PUT clashes by path",
			steps: []act{
				{set("eve", 1, `"set":{"/title":"e"}`), "applied 2"},
				{set("bob", 1, `"policy":"reject","value":{"type":"line","title":"CPU","config":{}}`), `refused CONFLICT /title current "e"`},
				{set("bob", 1, `"policy":"reject","value":{"type":"line","title":"e","config":{"unit":"%"}}`), `merged 3`},
			},
		},
	})
}

func TestM9_RestoreNeedsHistory(t *testing.T) {
	w := newWorld(t)
	w.widget("cpu", `{"a":1}`)
	w.do(`{"type":"WIDGET_DELETE","by":"bob","widgetId":"cpu"}`)
	op, _ := parseOp(t, `{"type":"WIDGET_UPDATE","by":"bob","id":"r","widgetId":"cpu","restore":true}`)
	env := Env{Now: w.now}
	d := w.state.Decide(op, env)
	if d.Need == nil || d.Need.Deleted["cpu"] != 2 || d.Need.Layouts != 0 {
		t.Fatalf("need = %+v, want the widget deleted by version 2", d.Need)
	}
	for _, c := range []struct {
		name    string
		history History
		want    string
	}{
		{"M9 of another deletion", History{Epoch: w.state.Epoch(), Deleted: map[string]DeletedWidget{"cpu": {Version: 1, Value: "{}"}}}, "need"},
		{"M9 of another epoch", History{Epoch: "old", Deleted: map[string]DeletedWidget{"cpu": {Version: 2, Value: "{}"}}}, "need"},
		{"M9 no longer in the log", History{Epoch: w.state.Epoch(), Deleted: map[string]DeletedWidget{"cpu": {Version: 2, Gone: true}}}, "refused GONE widgetId"},
		{"M9 read", History{Epoch: w.state.Epoch(), Deleted: map[string]DeletedWidget{"cpu": {Version: 2, Value: `{"a":2}`}}}, "applied 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			with := *op
			with.History = &c.history
			if got := w.answer(w.state.Decide(&with, env)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestM10_Resolutions(t *testing.T) {
	resolve := func(base int, more string) string {
		return fmt.Sprintf(`{"type":"CONFLICT_RESOLVED","by":"bob","conflictId":"c","choice":"mine","policy":"overwrite","widgetId":"cpu","baseVersion":%d,%s}`, base, more)
	}
	eve := act{set("eve", 1, `"set":{"/title":"e"}`), "applied 2"}
	asked := act{set("bob", 1, `"policy":"ask","set":{"/title":"b"}`), `conflict field cpu@2 [/title mine="b" theirs="e"(eve 2)]`}
	run(t, []script{
		{
			name:  "M10 mine",
			steps: []act{eve, asked, {resolve(2, `"set":{"/title":"b"}`), "applied 3"}},
			path:  title, want: `"b"`,
		},
		{
			name:  "M10 all theirs is unchanged",
			steps: []act{eve, asked, {resolve(2, `"set":{}`), "unchanged 2"}},
		},
		{
			name: "M10 a path that moved on asks again, whatever its policy",
			steps: []act{
				eve, asked,
				{set("dan", 2, `"set":{"/title":"d"}`), "applied 3"},
				{resolve(2, `"set":{"/title":"b"}`), `conflict field cpu@3 [/title mine="b" theirs="d"(dan 3)]`},
			},
		},
		{
			name: "M10 of settings",
			steps: []act{
				{`{"type":"DASHBOARD_UPDATE","by":"eve","baseVersion":1,"set":{"/title":"e"}}`, "applied 2"},
				{`{"type":"CONFLICT_RESOLVED","by":"bob","conflictId":"c","choice":"mine","baseVersion":2,"set":{"/title":"b"}}`, "applied 3"},
			},
			path: "/settings/title", want: `"b"`,
		},
		{
			name: "M10 a deleted widget is answered with restore",
			steps: []act{
				{`{"type":"WIDGET_DELETE","by":"eve","widgetId":"cpu"}`, "applied 2"},
				{resolve(2, `"restore":true,"set":{"/title":"b"}`), "applied 3"},
			},
			path: title, want: `"b"`,
		},
	})
}

func TestM12_BeforeTheHorizonByValue(t *testing.T) {
	w := newWorld(t)
	w.env.Window = 1000
	w.widget("cpu", `{"title":"CPU"}`)
	w.want("applied 2", set("bob", 1, `"id":"early","set":{"/title":"b"}`))
	w.want("applied 3", `{"type":"WIDGET_UPDATE","by":"bob","widgetId":"gone","create":true}`)
	w.want("applied 4", `{"type":"WIDGET_DELETE","by":"bob","widgetId":"gone"}`)
	for w.state.Version() < 1999 {
		d := w.state.Decide(&Op{
			Type: TypeSettings, ID: fmt.Sprint("n", w.state.Version()), DashboardID: "ops", Author: Author{"ana", "ana-tab"},
			Set: []Assignment{{"/n", Value(fmt.Sprint(w.state.Version()))}},
		}, Env{Now: w.now})
		w.state = d.Next
	}
	if h := w.state.Horizon(); h != 0 {
		t.Fatalf("the horizon at 1999 is %d, want 0", h)
	}
	w.want(`replay 2`, set("bob", 1, `"id":"early","set":{"/title":"b"}`))
	w.want(`conflict field cpu@1999 [/title mine="e" theirs="b"(bob 2)]`, set("eve", 1, `"policy":"ask","set":{"/title":"e"}`))
	w.want("applied 2000", `{"type":"DASHBOARD_UPDATE","by":"ana","set":{"/n":0}}`)
	if h := w.state.Horizon(); h != 1000 {
		t.Fatalf("the horizon at 2000 is %d, want 1000", h)
	}
	if n := len(commitsOf(w.state.committed)); n != 1000 {
		t.Errorf("%d op ids are kept, want 1000", n)
	}
	if _, ok := w.state.Tombstone("gone"); ok {
		t.Error("the tombstone of version 4 is still kept")
	}
	if p, _ := w.state.widgets.get("cpu"); len(p.clocks) != 1 {
		t.Errorf("the widget has the clocks %v, want the creation's alone", p.clocks)
	}
	for _, s := range []act{
		{set("bob", 1, `"id":"early","set":{"/title":"b"}`), "unchanged 2000"},
		{set("eve", 1, `"policy":"ask","set":{"/title":"e"}`), `conflict field cpu@2000 [/title mine="e" theirs="b"( 0)]`},
		{set("eve", 999, `"set":{"/title":"e"}`), `conflict field cpu@2000 [/title mine="e" theirs="b"( 0)]`},
		{set("eve", 999, `"prev":{"/title":"CPU"},"set":{"/title":"e"}`), `conflict field cpu@2000 [/title mine="e" theirs="b"( 0)]`},
		{set("eve", 999, `"policy":"reject","set":{"/title":"e"}`), `refused CONFLICT /title current "b"`},
		{`{"type":"WIDGET_DELETE","by":"eve","widgetId":"cpu","baseVersion":999}`, `conflict changed cpu@2000 [ mine= theirs={"title":"b"}( 0)]`},
		{set("eve", 1000, `"policy":"ask","set":{"/other":"e"}`), "merged 2001"},
		{set("eve", 999, `"prev":{"/title":"b"},"set":{"/title":"e"}`), "merged 2002"},
		{set("eve", 999, `"policy":"overwrite","set":{"/title":"f"}`), `merged 2003 overwrote cpu/title="e"(eve 2002)`},
		{`{"type":"WIDGET_UPDATE","by":"bob","widgetId":"gone","create":true}`, "applied 2004"},
	} {
		w.want(s.answer, s.op)
	}
}

func TestM12_AnotherEpochByValue(t *testing.T) {
	run(t, []script{{
		name: "M12 another epoch is decided by value, at any base, layouts excepted",
		steps: []act{
			{set("ana", 1, `"epoch":"old","set":{"/title":"x"}`), `conflict field cpu@1 [/title mine="x" theirs="CPU"(ana 1)]`},
			{set("bob", 99, `"epoch":"old","set":{"/title":"x"}`), `conflict field cpu@1 [/title mine="x" theirs="CPU"(ana 1)]`},
			{set("bob", 99, `"epoch":"old","set":{"/title":"CPU"}`), `unchanged 1`},
			{set("bob", 99, `"epoch":"old","prev":{"/title":"CPU"},"set":{"/title":"x"}`), `merged 2`},
			{`{"type":"LAYOUT_UPDATE","by":"bob","baseVersion":99,"epoch":"old","policy":"ask","moved":{"cpu":{"x":2}}}`, "merged 3"},
		},
	}})
}

func TestM13_Undo(t *testing.T) {
	undo := func(more string) string { return set("bob", 2, `"policy":"skip",`+more) }
	bob := act{set("bob", 1, `"set":{"/title":"b","/note":1}`), "applied 2"}
	run(t, []script{
		{
			name:  "M13 takes back what is still so",
			steps: []act{bob, {undo(`"prev":{"/title":"b","/note":1},"set":{"/title":"CPU"},"unset":["/note"]`), "applied 3"}},
			path:  title, want: `"CPU"`,
		},
		{
			name: "M13 leaves alone what another has changed",
			steps: []act{
				bob,
				{set("eve", 2, `"set":{"/title":"e"}`), "applied 3"},
				{undo(`"prev":{"/title":"b","/note":1},"set":{"/title":"CPU"},"unset":["/note"]`), "merged 4 skipped /title"},
			},
			path: "/widgets/cpu", want: `{"type":"line","title":"e","config":{"unit":"%","max":100,"axes":[1,2]}}`,
		},
		{
			name: "M13 leaves alone what the user has changed again",
			steps: []act{
				bob,
				{set("bob", 2, `"set":{"/title":"c"}`), "applied 3"},
				{undo(`"prev":{"/title":"b"},"set":{"/title":"CPU"}`), "unchanged 3 skipped /title"},
			},
		},
		{
			name: "M13 the base does not matter then",
			steps: []act{
				bob,
				{set("eve", 2, `"set":{"/title":"e"}`), "applied 3"},
				{set("bob", 3, `"policy":"skip","prev":{"/title":"b"},"set":{"/title":"CPU"}`), "unchanged 3 skipped /title"},
			},
		},
		{
			name: "M13 a move by its rectangle",
			steps: []act{
				{`{"type":"LAYOUT_UPDATE","by":"bob","moved":{"cpu":{"x":4}}}`, "applied 2"},
				{`{"type":"LAYOUT_UPDATE","by":"bob","policy":"skip","baseVersion":2,"prev":{"/cpu":{"x":5,"y":0,"w":6,"h":4,"static":false}},"moved":{"cpu":{"x":0}}}`, "unchanged 2 skipped /cpu"},
				{`{"type":"LAYOUT_UPDATE","by":"bob","policy":"skip","baseVersion":2,"prev":{"/cpu":{"x":4,"y":0,"w":6,"h":4}},"moved":{"cpu":{"x":0}}}`, "applied 3"},
			},
		},
	})
}

func TestM14_OneOpsFateIsItsOwn(t *testing.T) {
	run(t, []script{{
		name: "M14 after a refusal and a conflict the next op is decided on its own",
		steps: []act{
			{set("eve", 1, `"set":{"/title":"e"}`), "applied 2"},
			{set("bob", 9, `"set":{"/title":"b"}`), "refused BAD_VERSION baseVersion"},
			{set("bob", 1, `"policy":"ask","set":{"/title":"b"}`), `conflict field cpu@2 [/title mine="b" theirs="e"(eve 2)]`},
			{set("bob", 1, `"policy":"ask","set":{"/note":"b"}`), "merged 3"},
		},
	}})
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

package board

import (
	"fmt"
	"testing"
)

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

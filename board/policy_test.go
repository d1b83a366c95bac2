package board

import (
	"strings"
	"testing"
)

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

package board

import (
	"fmt"
	"strings"
	"testing"
)

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
	if n := kept(w.state); n != 1000 {
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

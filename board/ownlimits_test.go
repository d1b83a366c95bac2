package board

import (
	"strings"
	"testing"
	"time"
)

// limitedBoard is a dashboard with two widgets and limits of its own ("" = none).
func limitedBoard(t *testing.T, limits Value, env Env) *State {
	t.Helper()
	s := NewState("ops")
	take := func(op *Op) {
		t.Helper()
		op.DashboardID = "ops"
		d := s.Decide(op, env)
		if d.Entry == nil {
			t.Fatalf("%s: %+v", op.ID, d)
		}
		s = d.Next
	}
	for _, id := range []string{"a", "b"} {
		take(&Op{Type: TypeUpdate, ID: "make-" + id, WidgetID: id, Create: true})
	}
	if limits != "" {
		take(&Op{Type: TypeSettings, ID: "limit", Set: []Assignment{{Path: LimitsPath, Value: limits}}})
	}
	return s
}

func TestP1_LimitsOfADashboard(t *testing.T) {
	env := Env{Now: time.Unix(1, 0), NewEpoch: "e"}
	add := func(id string) *Op {
		return &Op{Type: TypeUpdate, ID: "op-" + id, DashboardID: "ops", WidgetID: id, Create: true}
	}
	text := `"` + Value(strings.Repeat("x", 300)) + `"`
	long := &Op{Type: TypeUpdate, ID: "title", DashboardID: "ops", WidgetID: "a", Set: []Assignment{{Path: "/title", Value: text}}}
	for _, c := range []struct {
		name   string
		limits Value
		op     *Op
		want   Limit // "" = it is taken
	}{
		{"none", "", add("c"), ""},
		{"room for one more", `{"widgets":3}`, add("c"), ""},
		{"as many as there may be", `{"widgets":2}`, add("c"), LimitWidgets},
		{"over it already, and one more", `{"widgets":1}`, add("c"), LimitWidgets},
		{"over it already, and one less", `{"widgets":1}`, &Op{Type: TypeDelete, ID: "d", DashboardID: "ops", WidgetID: "a"}, ""},
		{"few bytes", `{"documentBytes":400}`, long, LimitDocumentBytes},
		{"enough bytes", `{"documentBytes":4000}`, long, ""},
		{"few bytes, of which fewer are taken", `{"documentBytes":1}`, &Op{Type: TypeDelete, ID: "d", DashboardID: "ops", WidgetID: "a"}, ""},
		{"lowered below what is there", `{"documentBytes":4000}`, &Op{Type: TypeSettings, ID: "s", DashboardID: "ops", Set: []Assignment{{Path: "/limits/documentBytes", Value: "10"}, {Path: "/limits/widgets", Value: "1"}}}, ""},
		{"lifted", `{"documentBytes":1}`, &Op{Type: TypeSettings, ID: "s", DashboardID: "ops", Unset: []Pointer{LimitsPath}, Set: []Assignment{{Path: "/title", Value: text}}}, ""},
		{"in a batch, one by one", `{"widgets":3}`, &Op{Type: TypeBatch, ID: "b", DashboardID: "ops", Atomic: true, Operations: []*Op{
			{Type: TypeUpdate, WidgetID: "c", Create: true}, {Type: TypeUpdate, WidgetID: "d", Create: true},
		}}, LimitWidgets},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := limitedBoard(t, c.limits, env)
			// The limits are part of the fold: a snapshot has them too.
			again, err := ParseSnapshot(s.AppendSnapshot(nil))
			if err != nil {
				t.Fatal(err)
			}
			for name, s := range map[string]*State{"folded": s, "from a snapshot": again} {
				d := s.Decide(c.op, env)
				got := Limit("")
				if d.Refusal != nil {
					got = d.Refusal.Limit
				}
				if got != c.want || d.Refusal == nil && d.Entry == nil {
					t.Errorf("%s: %+v", name, d)
				}
			}
		})
	}
}

func TestP1_WhatALimitMayBe(t *testing.T) {
	env := Env{Now: time.Unix(1, 0), NewEpoch: "e", Limits: Limits{Widgets: 100, DocumentBytes: 10_000}}
	for _, c := range []struct {
		limits Value
		path   string // of the refusal, "" = taken
	}{
		{`{}`, ""},
		{`{"widgets":1}`, ""},
		{`{"documentBytes":10000,"widgets":100}`, ""},
		{`{"widgets":1e2}`, ""},
		{`{"widgets":101}`, "/limits/widgets"},
		{`{"documentBytes":10001}`, "/limits/documentBytes"},
		{`{"widgets":0}`, "/limits/widgets"},
		{`{"widgets":-1}`, "/limits/widgets"},
		{`{"widgets":1.5}`, "/limits/widgets"},
		{`{"widgets":"1"}`, "/limits/widgets"},
		{`{"widgets":null}`, "/limits/widgets"},
		{`{"widgets":1e400}`, "/limits/widgets"},
		{`{"operations":1}`, "/limits/operations"},
		{`5`, "/limits"},
		{`null`, "/limits"},
	} {
		t.Run(string(c.limits), func(t *testing.T) {
			s := limitedBoard(t, "", env)
			d := s.Decide(&Op{Type: TypeSettings, ID: "s", DashboardID: "ops", Set: []Assignment{{Path: LimitsPath, Value: c.limits}}}, env)
			switch {
			case c.path == "" && d.Entry == nil:
				t.Errorf("got %+v", d.Refusal)
			case c.path != "" && (d.Refusal == nil || d.Refusal.Code != CodeInvalidValue || d.Refusal.Path != c.path):
				t.Errorf("got %+v", d.Refusal)
			}
			// With a document anything may come; what is no limit counts as none.
			doc := s.Document()
			doc.Settings = doc.Settings.With(LimitsPath, c.limits)
			if d := s.Decide(&Op{Type: TypeReplace, ID: "r", DashboardID: "ops", Document: doc}, env); d.Entry == nil {
				t.Errorf("a document: %+v", d.Refusal)
			}
		})
	}
}

func TestP1_WhichOpsSetLimits(t *testing.T) {
	set := func(path Pointer) *Op { return &Op{Type: TypeSettings, Set: []Assignment{{Path: path, Value: "1"}}} }
	for _, c := range []struct {
		name string
		op   *Op
		want bool
	}{
		{"the limits", set("/limits"), true},
		{"one of them", set("/limits/widgets"), true},
		{"a title", set("/title"), false},
		{"something that begins alike", set("/limitsOfMine"), false},
		{"one taken away", &Op{Type: TypeSettings, Unset: []Pointer{"/limits/widgets"}}, true},
		{"a merge patch", &Op{Type: TypeSettings, Changes: `{"limits":{"widgets":1}}`}, true},
		{"a merge patch that takes them away", &Op{Type: TypeSettings, Changes: `{"limits":null}`}, true},
		{"a merge patch of something else", &Op{Type: TypeSettings, Changes: `{"title":"a"}`}, false},
		{"a widget's own", &Op{Type: TypeUpdate, WidgetID: "a", Set: []Assignment{{Path: "/limits", Value: "1"}}}, false},
		{"a conflict about settings", &Op{Type: TypeResolved, Set: []Assignment{{Path: "/limits", Value: "1"}}}, true},
		{"a conflict about a widget", &Op{Type: TypeResolved, WidgetID: "a", Set: []Assignment{{Path: "/limits", Value: "1"}}}, false},
		{"a part of a batch", &Op{Type: TypeBatch, Operations: []*Op{set("/title"), set("/limits/widgets")}}, true},
		{"a batch without", &Op{Type: TypeBatch, Operations: []*Op{set("/title")}}, false},
		{"a document with limits", &Op{Type: TypeReplace, Create: true, Document: &Document{Settings: `{"limits":{"widgets":1}}`}}, true},
		{"a document without", &Op{Type: TypeReplace, Create: true, Document: &Document{Settings: `{}`}}, false},
	} {
		if got := c.op.SetsLimits(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

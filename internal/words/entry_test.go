package words

import (
	"strings"
	"testing"

	"github.com/dashwire/dashwire/board"
)

func TestEntry(t *testing.T) {
	before := &board.Document{
		Settings: `{"title":"Ops"}`,
		Widgets: map[string]board.Value{
			"cpu": `{"title":"CPU","type":"gauge"}`, "disk": `{"title":"Disk"}`, "net": `{}`, "mem": `{"title":"Memory"}`,
		},
		Layouts: map[string]*board.Layout{"main": {Columns: 24, Compact: board.CompactVertical, Items: map[string]board.Rect{
			"cpu": {X: 0, Y: 0, W: 6, H: 4}, "disk": {X: 6, Y: 0, W: 6, H: 4}, "net": {X: 12, Y: 0, W: 6, H: 4}, "mem": {X: 18, Y: 0, W: 6, H: 4},
		}}},
	}
	for _, c := range []struct {
		name   string
		kind   board.Type
		change string
		want   string
	}{
		{"title of the dashboard", board.TypeSettings, `{"settings":{"set":{"/title":"Production"}}}`, `renamed the dashboard to "Production"`},
		{"settings", board.TypeSettings, `{"settings":{"set":{"/tags":["a"]},"unset":["/x"]}}`, `changed the dashboard's tags, x`},
		{"a widget added", board.TypeUpdate, `{"widgets":{"new":{"value":{"type":"stat","title":"New"}}},"layouts":{"main":{"items":{"new":{"x":0,"y":4,"w":6,"h":4}}}}}`, `added stat "New"`},
		{"a widget without title or type", board.TypeUpdate, `{"widgets":{"new":{"value":{}}}}`, `added new`},
		{"a widget replaced", board.TypeUpdate, `{"widgets":{"cpu":{"value":{}}}}`, `replaced "CPU"`},
		{"a widget renamed", board.TypeUpdate, `{"widgets":{"cpu":{"set":{"/title":"Load"}}}}`, `renamed "CPU" to "Load"`},
		{"one option", board.TypeUpdate, `{"widgets":{"net":{"set":{"/config/unit":"bytes"}}}}`, `set unit of net to "bytes"`},
		{"several options", board.TypeUpdate, `{"widgets":{"cpu":{"set":{"/config/max":1,"/config/min":0},"unset":["/config/unit"]}}}`, `changed max, min, unit of "CPU"`},
		{"an option removed", board.TypeUpdate, `{"widgets":{"cpu":{"unset":["/config/unit"]}}}`, `removed unit of "CPU"`},
		{"a widget deleted", board.TypeDelete, `{"widgets":{"cpu":null}}`, `deleted "CPU"`},
		{"others close the gap", board.TypeDelete, `{"widgets":{"cpu":null},"layouts":{"main":{"items":{"cpu":null,"disk":{"x":0,"y":1,"w":6,"h":4}}}}}`, `deleted "CPU"`},
		{"edited and moved", board.TypeBatch, `{"widgets":{"cpu":{"set":{"/title":"Load"}}},"layouts":{"main":{"items":{"disk":{"x":6,"y":9,"w":6,"h":4}}}}}`, `renamed "CPU" to "Load"; moved "Disk" to 6,9`},
		{"replaced and moved", board.TypeBatch, `{"widgets":{"cpu":{"value":{}}},"layouts":{"main":{"items":{"disk":{"x":6,"y":9,"w":6,"h":4}}}}}`, `replaced "CPU"; moved "Disk" to 6,9`},
		{"others make room", board.TypeUpdate, `{"widgets":{"new":{"value":{}}},"layouts":{"main":{"items":{"new":{"x":0,"y":0,"w":6,"h":4},"cpu":{"x":0,"y":4,"w":6,"h":4}}}}}`, `added new`},
		{"moved", board.TypeLayout, `{"layouts":{"main":{"items":{"cpu":{"x":3,"y":5,"w":6,"h":4}}}}}`, `moved "CPU" to 3,5`},
		{"resized", board.TypeLayout, `{"layouts":{"main":{"items":{"cpu":{"x":0,"y":0,"w":8,"h":2}}}}}`, `resized "CPU" to 8×2`},
		{"pinned", board.TypeLayout, `{"layouts":{"main":{"items":{"cpu":{"x":0,"y":0,"w":6,"h":4,"static":true}}}}}`, `pinned "CPU"`},
		{"many moved", board.TypeLayout, `{"layouts":{"main":{"items":{"cpu":{"x":0,"y":9,"w":6,"h":4},"disk":{"x":6,"y":9,"w":6,"h":4},"net":{"x":12,"y":9,"w":6,"h":4},"mem":{"x":18,"y":9,"w":6,"h":4}}}}}`, `moved 4 widgets`},
		{"columns", board.TypeLayout, `{"layouts":{"main":{"columns":12}}}`, `made the grid 12 columns wide`},
		{"a breakpoint removed", board.TypeLayout, `{"layouts":{"phone":null}}`, `removed the layout phone`},
		{"a breakpoint added", board.TypeLayout, `{"layouts":{"phone":{"columns":4,"items":{"cpu":{"x":0,"y":0,"w":4,"h":4}}}}}`, `added the layout phone`},
		{"layout restored", board.TypeLayoutRestore, `{"layouts":{"main":{"items":{"cpu":{"x":3,"y":5,"w":6,"h":4}}}}}`, `restored the layout: moved "CPU" to 3,5`},
		{"conflict settled", board.TypeResolved, `{"widgets":{"cpu":{"set":{"/title":"Load"}}}}`, `settled a conflict: renamed "CPU" to "Load"`},
		{"dashboard deleted", board.TypeDashboardDelete, `{}`, `deleted the dashboard`},
		{"nothing", board.TypeUpdate, `{}`, `changed nothing that shows`},
		{"terminal codes are no codes", board.TypeUpdate, `{"widgets":{"cpu":{"set":{"/title":"` + "a\u009b31m\u202e\u061cb" + `"}}}}`, "renamed \"CPU\" to \"a\uFFFD31m\uFFFD\uFFFDb\""},
		{"a long type", board.TypeUpdate, `{"widgets":{"new":{"value":{"type":"` + strings.Repeat("é", 100) + `"}}}}`, "added " + strings.Repeat("é", 39) + "… new"},
		{"a long path", board.TypeUpdate, `{"widgets":{"cpu":{"unset":["/config/` + strings.Repeat("é", 100) + `"]}}}`, "removed " + strings.Repeat("é", 39) + `… of "CPU"`},
		{"a long value", board.TypeUpdate, `{"widgets":{"cpu":{"set":{"/text":"` + strings.Repeat("é", 100) + `"}}}}`, `set text of "CPU" to "` + strings.Repeat("é", 38) + `…"`},
		{"a large value", board.TypeUpdate, `{"widgets":{"cpu":{"set":{"/rows":[` + strings.Repeat("1,", 99) + `1]}}}}`, `set rows of "CPU" to […]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, bad := board.ParseValue([]byte(c.change))
			if bad != nil {
				t.Fatal(bad)
			}
			change, bad := board.ParseChange(v)
			if bad != nil {
				t.Fatal(bad)
			}
			e := &board.Entry{Type: c.kind, Version: 7, Change: change}
			if got := Entry(e, before); got != c.want {
				t.Errorf("says %q, want %q", got, c.want)
			}
			if got := Entry(e, nil); got == "" {
				t.Error("says nothing without the document")
			}
		})
	}
}

func TestEntry_Overwrote(t *testing.T) {
	e := &board.Entry{
		Type: board.TypeUpdate, Version: 7,
		Change: &board.Change{Widgets: []board.WidgetChange{{ID: "cpu", Patch: &board.Patch{Set: []board.Assignment{{Path: "/title", Value: `"B"`}}}}}},
		Overwrote: []board.Overwrote{
			{WidgetID: "cpu", Path: "/title", Author: board.Author{UserID: "ana"}, Version: 6, Value: `"A"`},
			{WidgetID: "cpu", Path: "/unit", Version: 5},
		},
	}
	if got, want := Entry(e, nil), `renamed cpu to "B" (over title of ana and 1 more)`; got != want {
		t.Errorf("says %q, want %q", got, want)
	}
}

func TestEntry_First(t *testing.T) {
	e := &board.Entry{Type: board.TypeBatch, Version: 1, Change: &board.Change{Widgets: []board.WidgetChange{{ID: "a", Value: "{}"}, {ID: "b", Value: "{}"}}}}
	if got, want := Entry(e, nil), "created the dashboard with 2 widgets"; got != want {
		t.Errorf("says %q, want %q", got, want)
	}
}

package client

import (
	"testing"

	"github.com/dashwire/dashwire/board"
)

func TestE7_AnAckWithoutChangeMeansWhatWasAsked(t *testing.T) {
	doc := &board.Document{
		Settings: "{}", Widgets: map[string]board.Value{"cpu": `{"limit":1.0,"title":"CPU"}`},
		Layouts: map[string]*board.Layout{"main": {Columns: 24, Compact: board.CompactVertical}},
	}
	for _, c := range []struct {
		name string
		op   Op
		want board.Value
	}{
		{"set", Op{Set: map[string]any{"/title": "Load"}}, `{"limit":1.0,"title":"Load"}`},
		{"an equal number keeps its digits", Op{Set: map[string]any{"/limit": 1}}, `{"limit":1.0,"title":"CPU"}`},
		{"unset", Op{Unset: []string{"/limit"}}, `{"title":"CPU"}`},
		{"unset of what is not there makes no parents", Op{Unset: []string{"/config/legend"}}, `{"limit":1.0,"title":"CPU"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.op.Type, c.op.DashboardID, c.op.WidgetID = WidgetUpdate, "ops", "cpu"
			_, op, err := c.op.encode()
			if err != nil {
				t.Fatal(err)
			}
			out, ok := effect(op, doc)
			if !ok || out.Widgets["cpu"] != c.want {
				t.Errorf("got %v, %s; want %s", ok, out.Widgets["cpu"], c.want)
			}
		})
	}
}

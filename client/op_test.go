package client

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/board"
)

func TestE1_OpsAsTheyAreSent(t *testing.T) {
	base, epoch := uint64(42), "k3J9"
	for _, c := range []struct {
		name string
		op   Op
		want string
	}{
		{
			"update",
			Op{
				Type: WidgetUpdate, WidgetID: "cpu", Base: &base, Epoch: &epoch, Policy: board.PolicyAsk,
				Set: map[string]any{"/title": "C\"PU", "/n": board.Value("1.10"), "/a": []int{1}}, Unset: []string{"/b"}, Prev: map[string]any{"/title": nil},
			},
			`{"dashboardId":"ops","baseVersion":42,"epoch":"k3J9","policy":"ask","prev":{"/title":null},"widgetId":"cpu","set":{"/a":[1],"/n":1.10,"/title":"C\"PU"},"unset":["/b"]}`,
		},
		{"create", Op{Type: WidgetUpdate, WidgetID: "cpu", Create: true, Layout: &board.RectPatch{X: At(0), Static: At(true)}}, `{"dashboardId":"ops","widgetId":"cpu","create":true,"layout":{"x":0,"static":true}}`},
		{"restore", Op{Type: WidgetUpdate, WidgetID: "cpu", Restore: true}, `{"dashboardId":"ops","widgetId":"cpu","restore":true}`},
		{"changes", Op{Type: WidgetUpdate, WidgetID: "cpu", Changes: map[string]any{"a": nil}}, `{"dashboardId":"ops","widgetId":"cpu","changes":{"a":null}}`},
		{"delete", Op{Type: WidgetDelete, WidgetID: "cpu"}, `{"dashboardId":"ops","widgetId":"cpu"}`},
		{"settings", Op{Type: DashboardUpdate, Set: map[string]any{"/title": "x"}}, `{"dashboardId":"ops","set":{"/title":"x"}}`},
		{"move", Op{Type: LayoutUpdate, Breakpoint: "phone", Moved: map[string]board.RectPatch{"b": {Y: At(2)}, "a": {W: At(1)}}}, `{"dashboardId":"ops","breakpoint":"phone","moved":{"a":{"w":1},"b":{"y":2}}}`},
		{"grid", Op{Type: LayoutUpdate, Columns: 12, Compact: board.CompactNone, Create: true}, `{"dashboardId":"ops","create":true,"columns":12,"compact":"none"}`},
		{"layout of old", Op{Type: LayoutRestore, ToVersion: 0}, `{"dashboardId":"ops","toVersion":0}`},
		{"resolved", Op{Type: ConflictResolved, ConflictID: "op-1", Choice: "theirs", WidgetID: "cpu", Base: &base}, `{"dashboardId":"ops","baseVersion":42,"widgetId":"cpu","conflictId":"op-1","choice":"theirs"}`},
		{
			"batch",
			Op{Type: WidgetBatch, Partial: true, Operations: []Op{{Type: WidgetDelete, WidgetID: "a"}, {Type: LayoutUpdate, Moved: map[string]board.RectPatch{"b": {}}}}},
			`{"dashboardId":"ops","atomic":false,"operations":[{"type":"WIDGET_DELETE","widgetId":"a"},{"type":"LAYOUT_UPDATE","moved":{"b":{}}}]}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.op.DashboardID, c.op.ID = "ops", "op-9"
			payload, op, err := c.op.encode()
			if err != nil {
				t.Fatal(err)
			}
			if string(payload) != c.want {
				t.Errorf("got  %s\nwant %s", payload, c.want)
			}
			if op.Type != c.op.Type || op.ID != "op-9" {
				t.Errorf("decoded as %s %s", op.Type, op.ID)
			}
		})
	}
}

func TestOpsThatAreNotSent(t *testing.T) {
	for _, c := range []struct {
		name string
		op   Op
		want string
	}{
		{"no type", Op{}, "UNKNOWN_TYPE"},
		{"no op", Op{Type: "PING"}, "UNKNOWN_TYPE"},
		{"no dashboard", Op{Type: WidgetDelete, WidgetID: "cpu"}, "INVALID_ID"},
		{"a path that is none", Op{Type: DashboardUpdate, DashboardID: "ops", Set: map[string]any{"title": 1}}, "PATH"},
		{"a value that is none", Op{Type: DashboardUpdate, DashboardID: "ops", Set: map[string]any{"/n": math.NaN()}}, "/n"},
		{"text that is no JSON", Op{Type: DashboardUpdate, DashboardID: "ops", Set: map[string]any{"/n": board.Value("{")}}, "BAD_MESSAGE"},
		{"an id with a quote", Op{Type: WidgetDelete, ID: `a"b`, DashboardID: "ops", WidgetID: "cpu"}, "INVALID_ID"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := c.op.encode(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestBackoffIsFullJitter(t *testing.T) {
	c := &Client{opts: Options{ReconnectMin: 500 * time.Millisecond, ReconnectMax: 20 * time.Second}}
	for failures, most := range []time.Duration{500, 1000, 2000, 4000, 8000, 16000, 20000, 20000} {
		most *= time.Millisecond
		low, high := most, time.Duration(0)
		for range 200 {
			d := c.backoff(failures)
			if d < 0 || d >= most {
				t.Fatalf("%s after %d failures", d, failures)
			}
			low, high = min(low, d), max(high, d)
		}
		if low > most/4 || high < most/2 {
			t.Errorf("after %d failures from %s to %s", failures, low, high)
		}
	}
	if d := c.backoff(1000); d < 0 || d > 20*time.Second {
		t.Errorf("%s after 1000 failures", d)
	}
}

func TestW1_WindowOfPoints(t *testing.T) {
	v := Value{Data: "[1,2,3]", Append: true}
	for _, c := range []struct {
		more Value
		want board.Value
	}{
		{Value{Data: "[4]", Append: true}, "[1,2,3,4]"},
		{Value{Data: "[[5,1],6]", Append: true, Window: 3}, "[4,[5,1],6]"},
		{Value{Data: "[]", Append: true, Window: 2}, "[[5,1],6]"},
	} {
		if v = appended(v, c.more); v.Data != c.want {
			t.Errorf("got %s, want %s", v.Data, c.want)
		}
	}
	if got := appended(Value{Data: "12"}, Value{Data: "[1]", Append: true}); got.Data != "[1]" {
		t.Errorf("after a plain value: %s", got.Data)
	}
}

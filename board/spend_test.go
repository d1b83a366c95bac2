package board

import (
	"fmt"
	"testing"
	"time"
)

// wide is an edit that names paths 0 to n-1 of a widget.
func wide(widgetID string, n int) *Op {
	op := &Op{Type: TypeUpdate, WidgetID: widgetID}
	for i := range n {
		op.Set = append(op.Set, Assignment{Path: Pointer(fmt.Sprintf("/p%07d", i)), Value: "1"})
	}
	return op
}

func togetherOf(parts ...*Op) *Op {
	return &Op{Type: TypeBatch, ID: "batch", DashboardID: "ops", Operations: parts}
}

func TestD5_PathsOfAnOp(t *testing.T) {
	env := Env{Now: time.Unix(1, 0), NewEpoch: "e", Limits: Limits{Paths: 100}}
	s := NewState("ops")
	for _, id := range []string{"a", "b"} {
		d := s.Decide(&Op{Type: TypeUpdate, ID: "make-" + id, DashboardID: "ops", WidgetID: id, Create: true}, env)
		if d.Refusal != nil {
			t.Fatal(d.Refusal)
		}
		s = d.Next
	}
	alone := func(op *Op) *Op {
		op.ID, op.DashboardID = "op", "ops"
		return op
	}
	moved := make(map[string]RectPatch)
	for i := range 51 {
		moved[fmt.Sprint("w", i)] = RectPatch{}
	}
	patch := "{"
	for i := range 101 {
		patch += fmt.Sprintf(`"p%07d":1,`, i)
	}
	patch = patch[:len(patch)-1] + "}"
	for _, c := range []struct {
		name string
		op   *Op
		over bool
	}{
		{"as many as there may be", alone(wide("a", 100)), false},
		{"one more", alone(wide("a", 101)), true},
		{"of a merge patch", alone(&Op{Type: TypeUpdate, WidgetID: "a", Changes: Value(patch)}), true},
		{"a whole widget, which names none", alone(&Op{Type: TypeUpdate, WidgetID: "a", Value: Value(patch)}), false},
		{"all that a batch may", togetherOf(wide("a", 60), wide("b", 40)), false},
		{"one more in a batch", togetherOf(wide("a", 60), wide("b", 41)), true},
		{"one more in a batch that is not atomic", func() *Op {
			op := togetherOf(wide("a", 60), wide("b", 41))
			op.Atomic = false
			return op
		}(), true},
		{"places count", togetherOf(wide("a", 50), &Op{Type: TypeLayout, Breakpoint: "main", Moved: moved}), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := s.Decide(c.op, env)
			switch {
			case !c.over && d.Refusal != nil:
				t.Errorf("refused: %v", d.Refusal)
			case c.over && (d.Refusal == nil || d.Refusal.Code != CodeLimitExceeded || d.Refusal.Limit != LimitPaths):
				t.Errorf("got %+v", d.Refusal)
			}
		})
	}
}

// TestD5_BytesThatABatchEdits: a part costs as much as what it edits is long, so that is
// what bounds the work of a batch, not how little each part changes.
func TestD5_BytesThatABatchEdits(t *testing.T) {
	env := Env{Now: time.Unix(1, 0), NewEpoch: "e", Limits: Limits{DocumentBytes: 10_000}}
	long := &Op{Type: TypeUpdate, ID: "make", DashboardID: "ops", WidgetID: "long", Create: true}
	for i := range 500 {
		long.Set = append(long.Set, Assignment{Path: Pointer(fmt.Sprintf("/p%07d", i)), Value: "1"})
	}
	d := NewState("ops").Decide(long, env)
	if d.Refusal != nil {
		t.Fatal(d.Refusal)
	}
	s := d.Next
	size := widgetSize(t, s, "long")
	fits := batchDocuments * 10_000 / size
	for _, c := range []struct {
		parts int
		over  bool
	}{{fits, false}, {fits + 1, true}, {500, true}} {
		t.Run(fmt.Sprint(c.parts, " parts"), func(t *testing.T) {
			op := togetherOf()
			for i := range c.parts {
				edit := wide("long", 1)
				edit.Set[0].Value = Value(fmt.Sprint(i % 10))
				op.Operations = append(op.Operations, edit)
			}
			d := s.Decide(op, env)
			if over := d.Refusal != nil; over != c.over || over && d.Refusal.Limit != LimitBatchBytes {
				t.Errorf("got %+v", d.Refusal)
			}
		})
	}
}

func widgetSize(t *testing.T, s *State, id string) int {
	t.Helper()
	v, ok := s.Widget(id)
	if !ok {
		t.Fatalf("no widget %q", id)
	}
	return len(v)
}

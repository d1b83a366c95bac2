package board

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// stateOf makes a dashboard of n widgets in the way the log would.
func stateOf(b testing.TB, n, padding int) *State {
	b.Helper()
	doc := &Document{Settings: `{"title":"bench"}`, Widgets: map[string]Value{}}
	pad := strings.Repeat("x", padding)
	for i := range n {
		doc.Widgets[fmt.Sprintf("w%04d", i)] = Value(fmt.Sprintf(`{"config":{"max":100,"unit":"%%"},"note":%q,"title":"widget %d","type":"line"}`, pad, i))
	}
	d := NewState("ops").Decide(&Op{Type: TypeReplace, ID: "start", DashboardID: "ops", Author: Author{"ana", "c"}, Document: doc},
		Env{Now: time.UnixMilli(1_800_000_000_000), NewEpoch: "e", Limits: Limits{DocumentBytes: 8 << 20}})
	if d.Entry == nil {
		b.Fatal(d.Refusal)
	}
	return d.Next
}

func titleOp(i int) *Op {
	base := uint64(1)
	return &Op{
		Type: TypeUpdate, ID: "op" + strconv.Itoa(i), DashboardID: "ops", Author: Author{"bob", "d"}, Base: &base,
		WidgetID: "w0007", Set: []Assignment{{"/title", Value(strconv.Itoa(i))}},
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{10, 2000} {
		b.Run(fmt.Sprintf("widgets=%d", n), func(b *testing.B) {
			s := stateOf(b, n, 200)
			env := Env{Now: time.UnixMilli(1_800_000_000_000)}
			ops := make([]*Op, 1024)
			for i := range ops {
				ops[i] = titleOp(i)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if d := s.Decide(ops[i%len(ops)], env); d.Entry == nil {
					b.Fatal(d)
				}
			}
		})
	}
}

// Edits as a server sees them that is at full rate: its dashboards in turns, so that
// nothing of one is near when the next is edited, and each with a log, whose op ids are
// looked through and merged.
func BenchmarkDecideInTurns(b *testing.B) {
	const dashboards = 500
	env := Env{Now: time.UnixMilli(1_800_000_000_000)}
	states := make([]*State, dashboards)
	for i := range states {
		states[i] = stateOf(b, 3, 40)
	}
	edits := 0
	edit := func(i int) {
		n := edits / dashboards
		op := &Op{
			Type: TypeUpdate, ID: fmt.Sprintf("%08x-%d", uint32(n)*0x9E3779B1, n), DashboardID: "ops",
			Author: Author{"bob", "d"}, Base: new(states[i].version), WidgetID: "w0001",
			Set: []Assignment{{"/config/max", Value(strconv.Itoa(n))}, {"/title", Value(strconv.Quote("edit " + strconv.Itoa(n)))}},
		}
		d := states[i].Decide(op, env)
		if d.Entry == nil {
			b.Fatal(d)
		}
		states[i] = d.Next
		EncodeRecord(d.Entry)
		edits++
	}
	for i := range dashboards * 250 {
		edit(i % dashboards)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		edit(i % dashboards)
	}
}

func BenchmarkDecideMove(b *testing.B) {
	for _, c := range []struct {
		name        string
		n, moved, y int
	}{{"widgets=10", 10, 7, 2}, {"widgets=2000", 2000, 7, 2}, {"widgets=2000,last", 2000, 1999, 1999*newHeight - 2}} {
		b.Run(c.name, func(b *testing.B) {
			s := stateOf(b, c.n, 200)
			env := Env{Now: time.UnixMilli(1_800_000_000_000)}
			env.Scratch = new(Scratch)
			op := &Op{
				Type: TypeLayout, ID: "op", DashboardID: "ops", Author: Author{"bob", "d"},
				Moved: map[string]RectPatch{fmt.Sprintf("w%04d", c.moved): {Y: &c.y}},
			}
			b.ReportAllocs()
			for b.Loop() {
				if d := s.Decide(op, env); d.Entry == nil {
					b.Fatal(d)
				}
			}
		})
	}
}

// One op may name as many paths as fit in a message; the time grows with their
// number, not with its square.
func BenchmarkDecideManyPaths(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprintf("paths=%d", n), func(b *testing.B) {
			s := stateOf(b, 10, 200)
			env := Env{Now: time.UnixMilli(1_800_000_000_000)}
			many := func(id string, value Value) *Op {
				op := titleOp(0)
				op.ID, op.Set = id, nil
				for i := range n {
					op.Set = append(op.Set, Assignment{Pointer(fmt.Sprintf("/config/k%06d", i)), value})
				}
				return op
			}
			s = s.Decide(many("first", "1"), env).Next
			op := many("second", "2")
			op.Author.ClientID, op.Policy = "other", PolicyOverwrite
			b.ReportAllocs()
			for b.Loop() {
				if d := s.Decide(op, env); d.Entry == nil || len(d.Ack.Overwrote) != n {
					b.Fatal(d)
				}
			}
		})
	}
}

func BenchmarkFold(b *testing.B) {
	for _, n := range []int{10, 2000} {
		b.Run(fmt.Sprintf("widgets=%d", n), func(b *testing.B) {
			s := stateOf(b, n, 200)
			e := s.Decide(titleOp(1), Env{Now: time.UnixMilli(1_800_000_000_000)}).Entry
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Fold(e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncodeRecord(b *testing.B) {
	e := stateOf(b, 10, 200).Decide(titleOp(1), Env{Now: time.UnixMilli(1_800_000_000_000)}).Entry
	b.ReportAllocs()
	for b.Loop() {
		EncodeRecord(e)
	}
}

func BenchmarkParseRecord(b *testing.B) {
	e := stateOf(b, 10, 200).Decide(titleOp(1), Env{Now: time.UnixMilli(1_800_000_000_000)}).Entry
	data := EncodeRecord(e).Data
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseRecord(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSnapshot(b *testing.B) {
	s := stateOf(b, 2000, 1900)
	data := s.AppendSnapshot(nil)
	b.Run("append", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			s.AppendSnapshot(nil)
		}
	})
	b.Run("parse", func(b *testing.B) { parsing(b, data) })
}

func parsing(b *testing.B, snapshot []byte) {
	b.SetBytes(int64(len(snapshot)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseSnapshot(snapshot); err != nil {
			b.Fatal(err)
		}
	}
}

package room

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/wire"
)

// data is one live value of the dashboard ops.
func data(widget, value string, add bool) *wire.Data {
	return &wire.Data{DashboardID: "ops", Values: []wire.DataValue{{WidgetID: widget, Data: board.Value(value), Append: add}}}
}

// viewer takes live values in as a client does.
type viewer struct {
	number uint64
	data   map[string]string // arrays without brackets
	frames int
	most   int // bytes of the largest frame
}

// catchUp takes in what there is, at most max frames.
func (v *viewer) catchUp(t *testing.T, values *values, frames int) {
	t.Helper()
	for ; frames > 0; frames-- {
		frame, next := values.since(v.number, clock.Real{})
		if frame == nil {
			v.number = next
			return
		}
		if next <= v.number {
			t.Fatalf("went from %d to %d", v.number, next)
		}
		v.number = next
		v.frames++
		v.most = max(v.most, len(frame))
		payload, _ := wire.NextFrame(frame)
		m, err := wire.DecodeServer(payload)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range m.Data.Values {
			text := strings.Trim(string(d.Data), "[]")
			if d.Append && text == "" {
				t.Errorf("%s got no points", d.WidgetID)
			}
			if d.Append && v.data[d.WidgetID] != "" {
				text = v.data[d.WidgetID] + "," + text
			}
			v.data[d.WidgetID] = text
		}
	}
}

func newValues() *values { return newValueCache(1 << 30).open("ops") }

// Readers at any distance get every point once and in order, or the window anew; what
// comes between two sweeps is left for the next.
func TestW1_NoPointTwiceNoneLost(t *testing.T) {
	v := newValues()
	fast, slow, slowest := &viewer{data: map[string]string{}}, &viewer{data: map[string]string{}}, &viewer{data: map[string]string{}}
	point := 0
	put := func(n int) {
		for range n {
			point++
			v.set([]wire.DataValue{{WidgetID: fmt.Sprint("w", point%3), Append: true, Window: 1000, Data: board.Value(fmt.Sprintf("[%d]", point))}}, "", time.Now())
		}
	}
	for round := range 60 {
		put(round % 4)
		v.publish()
		put(round % 3) // after the sweep has begun
		fast.catchUp(t, v, 100)
		if round%5 == 0 {
			slow.catchUp(t, v, 1)
		}
		if round == 30 {
			slowest.catchUp(t, v, 100)
		}
	}
	v.publish()
	for name, reader := range map[string]*viewer{"fast": fast, "slow": slow, "slowest": slowest} {
		reader.catchUp(t, v, 100)
		for w := range 3 {
			var want []string
			for p := 1; p <= point; p++ {
				if p%3 == w {
					want = append(want, fmt.Sprint(p))
				}
			}
			if got := reader.data[fmt.Sprint("w", w)]; got != strings.Join(want, ",") {
				t.Errorf("%s has of w%d\n%s\nwant\n%s", name, w, got, strings.Join(want, ","))
			}
		}
	}
}

// A value that changes faster than sweeps come round is heard all the same.
func TestW1_BusyValuesAreHeard(t *testing.T) {
	v := newValues()
	r := &viewer{data: map[string]string{}}
	for i := range 10 {
		for _, in := range []wire.DataValue{{WidgetID: "value"}, {WidgetID: "window", Window: 5}} {
			in.Data = board.Value(fmt.Sprintf("[%d]", i))
			v.set([]wire.DataValue{in}, "", time.Now())
			v.publish()
			v.set([]wire.DataValue{in}, "", time.Now()) // before anybody was written to
		}
		r.catchUp(t, v, 10)
		if got := r.data["value"] + " " + r.data["window"]; got != fmt.Sprint(i, " ", i) {
			t.Fatalf("heard %s, want %d twice", got, i)
		}
	}
}

// What a slow reader has missed comes in frames of a bounded size, and ends with the
// newest of everything.
func TestW1_FramesOfValuesAreBounded(t *testing.T) {
	v := newValues()
	value := func(w, n int) string { return fmt.Sprintf(`"%d.%d%s"`, w, n, strings.Repeat("x", 9000)) }
	for n := range 4 {
		for w := range 20 {
			v.set([]wire.DataValue{{WidgetID: fmt.Sprint("w", w), Data: board.Value(value(w, n))}}, "", time.Now())
			v.set([]wire.DataValue{{WidgetID: fmt.Sprint("s", w), Append: true, Window: 3, Data: board.Value("[" + value(w, n) + "]")}}, "", time.Now())
		}
	}
	v.publish()
	r := &viewer{data: map[string]string{}}
	r.catchUp(t, v, 3)
	for w := range 20 { // more comes while it reads
		v.set([]wire.DataValue{{WidgetID: fmt.Sprint("s", w), Append: true, Window: 3, Data: board.Value("[" + value(w, 4) + "]")}}, "", time.Now())
	}
	v.publish()
	r.catchUp(t, v, 1000)
	if r.most > 2*valueFrame || r.frames < 10 {
		t.Errorf("%d frames, the largest of %d bytes", r.frames, r.most)
	}
	for w := range 20 {
		if got := r.data[fmt.Sprint("w", w)]; got != value(w, 3) {
			t.Errorf("w%d is %.20s", w, got)
		}
		if got, want := r.data[fmt.Sprint("s", w)], value(w, 2)+","+value(w, 3)+","+value(w, 4); !strings.HasSuffix(got, want) {
			t.Errorf("s%d is %.40s… of %d bytes", w, got, len(got))
		}
	}
}

func TestW2_Windows(t *testing.T) {
	tests := []struct {
		name string
		in   []wire.DataValue
		want string
	}{
		{"a value", []wire.DataValue{{Data: "1"}, {Data: `{"a":2}`}}, `{"a":2}`},
		{"points", []wire.DataValue{{Data: "[1]", Append: true}, {Data: "[2,3]", Append: true}}, "[1,2,3]"},
		{"a window", []wire.DataValue{{Data: "[1,2,3]", Append: true, Window: 2}}, "[2,3]"},
		{"a smaller window", []wire.DataValue{{Data: "[1,2,3]", Append: true, Window: 3}, {Data: "[4]", Append: true, Window: 2}}, "[3,4]"},
		{"points after a value", []wire.DataValue{{Data: "7"}, {Data: "[1]", Append: true}}, "[1]"},
		{"a value after points", []wire.DataValue{{Data: "[1]", Append: true}, {Data: "7"}}, "7"},
		{"a window replaced", []wire.DataValue{{Data: "[1,2]", Append: true}, {Data: "[3]", Window: 5}, {Data: "[4]", Append: true, Window: 5}}, "[3,4]"},
		{"a window of what is no array", []wire.DataValue{{Data: `"x"`, Window: 5}}, `"x"`},
		{"no points", []wire.DataValue{{Data: "[]", Append: true}}, "[]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := newValues()
			for _, in := range test.in {
				in.WidgetID = "w"
				v.set([]wire.DataValue{in}, "", time.Now())
			}
			if all, _ := v.all(); len(all) != 1 || string(all[0].Data) != test.want || all[0].Append {
				t.Errorf("got %+v", all)
			}
		})
	}
	t.Run("at most 1,000 points and 64 KiB", func(t *testing.T) {
		v := newValues()
		for i := range 1500 {
			v.set([]wire.DataValue{{WidgetID: "w", Append: true, Data: board.Value(fmt.Sprintf("[%d]", i))}}, "", time.Now())
			v.set([]wire.DataValue{{WidgetID: "big", Append: true, Data: board.Value(fmt.Sprintf("[%d%0200d]", i+1, 0))}}, "", time.Now())
		}
		all, _ := v.all()
		points := strings.Count(string(all[1].Data), ",") + 1
		if points != 1000 || len(all[0].Data) > 64<<10 || len(all[0].Data) < 60<<10 {
			t.Errorf("%d points, %d bytes", points, len(all[0].Data))
		}
	})
}

func TestW2_TheCacheIsBounded(t *testing.T) {
	c := newValueCache(50_000)
	open := c.open("board-0") // a room has it open
	for i := range 10 {
		v := open
		if i > 0 {
			v = c.open(fmt.Sprint("board-", i))
		}
		v.set([]wire.DataValue{{WidgetID: "w", Data: board.Value(strings.Repeat("1", 10_000))}}, "", time.Now())
	}
	if c.bytes > 50_000 || len(c.boards) != 4 || c.order.Len() != 4 {
		t.Errorf("%d bytes of %d dashboards", c.bytes, len(c.boards))
	}
	if all, _ := c.open("board-9").all(); len(all) != 1 {
		t.Error("the last fed is gone")
	}
	if all, _ := open.all(); len(all) != 0 {
		t.Error("the longest unfed is still there")
	}
	open.set([]wire.DataValue{{WidgetID: "w", Data: "1"}}, "", time.Now())
	if c.open("board-0") != open {
		t.Error("fed again, it is not in the cache")
	}
	// Small values count by what they really take.
	for i := range 1000 {
		c.open(fmt.Sprint("small-", i)).set([]wire.DataValue{{WidgetID: "w", Data: "1"}}, "", time.Now())
	}
	if len(c.boards) > 250 {
		t.Errorf("%d dashboards are kept", len(c.boards))
	}
	for id, v := range c.boards {
		v.drop("w")
		if c.boards[id] != nil {
			t.Fatal("a dashboard without values is kept")
		}
	}
	if c.bytes != 0 || c.order.Len() != 0 {
		t.Errorf("%d bytes, %d dashboards are left", c.bytes, c.order.Len())
	}
}

// Everybody at the same place shares one frame.
func TestW1_OneFrameForAll(t *testing.T) {
	bubble(t, nil, nil, func(t *testing.T, n *node) {
		n.create("cpu")
		readers := []*reader{n.follow("ops"), n.follow("ops"), n.follow("ops")}
		after(aWhile)
		for _, r := range readers {
			r.take()
		}
		if err := n.Feed(t.Context(), data("cpu", "1", false)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		first := readers[0].take()
		for _, r := range readers[1:] {
			if got := r.take(); len(got) != 1 || &got[0][0] != &first[0][0] {
				t.Errorf("got %q", got)
			}
		}
		after(time.Second)
	})
}

// One widget that is gone costs the others nothing.
func TestW1_OneRefusedValueKeepsNoOtherOut(t *testing.T) {
	bubble(t, nil, nil, func(t *testing.T, n *node) {
		n.create("cpu")
		n.create("disk")
		r := n.follow("ops")
		after(aWhile)
		r.take()
		large := board.Value(`"` + strings.Repeat("x", maxValueBytes) + `"`)
		err := n.Feed(t.Context(), &wire.Data{DashboardID: "ops", Values: []wire.DataValue{
			{WidgetID: "gone", Data: "1"}, {WidgetID: "cpu", Data: "2"}, {WidgetID: "disk", Data: large}, {WidgetID: "lost", Data: "3"},
		}})
		if err == nil || err.Code != board.CodeNotFound || err.Path != "values" {
			t.Fatalf("got %v", err)
		}
		for _, want := range []string{"3 of 4", `"gone"`, `"disk"`, `"lost"`} {
			if !strings.Contains(err.Message, want) {
				t.Errorf("the message does not name %s: %s", want, err.Message)
			}
		}
		var refused Refused
		if !errors.As(err.Cause, &refused) || len(refused) != 3 || refused[1].Code != board.CodeTooLarge {
			t.Errorf("the cause is %v", err.Cause)
		}
		synctest.Wait()
		got := r.take()
		if len(got) != 1 || !strings.Contains(string(got[0]), `"cpu":{"data":2`) || strings.Contains(string(got[0]), "disk") {
			t.Errorf("heard %q", got)
		}
		if v := n.Stats().Values; v != 1 {
			t.Errorf("%d values counted, want 1", v)
		}
		many := &wire.Data{DashboardID: "ops"}
		for range 1000 {
			many.Values = append(many.Values, wire.DataValue{WidgetID: strings.Repeat("w", 128), Data: "1"})
		}
		if err := n.Feed(t.Context(), many); err == nil || len(err.Message) > 8<<10 || !strings.HasSuffix(err.Message, "980 more") {
			t.Errorf("got %.300v", err)
		}
		after(time.Second)
	})
}

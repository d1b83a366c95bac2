package board

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// rectVector is [x, y, w, h] or [x, y, w, h, true].
type rectVector Rect

func (r *rectVector) UnmarshalJSON(data []byte) error {
	parts := []any{&r.X, &r.Y, &r.W, &r.H, &r.Static}
	return json.Unmarshal(data, &parts)
}

type layoutVectors struct {
	Normalise []struct {
		Description string
		Columns     int
		Compact     Compact
		Items       map[string]rectVector
		Steps       []struct {
			Moved map[string]json.RawMessage
			Items map[string]rectVector
		}
	}
	Added []struct {
		Description string
		Columns     int
		Compact     Compact
		Items       map[string]rectVector
		ID          string
		After       map[string]rectVector
	}
	Rectangles []struct {
		Description, Text string
		Rect              *rectVector
		Path              string
	}
}

func layoutOf(columns int, compact Compact, items map[string]rectVector) *Layout {
	l := &Layout{Columns: columns, Compact: compact, Items: map[string]Rect{}}
	if compact == "" {
		l.Compact = CompactVertical
	}
	for id, r := range items {
		l.Items[id] = Rect(r)
	}
	return l
}

func TestL2_NormaliseVectors(t *testing.T) {
	var vectors layoutVectors
	readVectors(t, "layout.json", &vectors)
	for _, v := range vectors.Normalise {
		t.Run(v.Description, func(t *testing.T) {
			l := layoutOf(v.Columns, v.Compact, v.Items)
			for i, step := range v.Steps {
				asked := *l
				asked.Items = maps.Clone(l.Items)
				moved := map[string]bool{}
				for id, raw := range step.Moved {
					p, err := ParseRectPatch(mustValue(t, string(raw)))
					if err != nil {
						t.Fatal(err)
					}
					moved[id] = true
					if r, ok := asked.Items[id]; ok {
						asked.Items[id] = p.On(r)
					}
				}
				before := maps.Clone(asked.Items)
				l = asked.Normalise(moved)
				if !maps.Equal(asked.Items, before) {
					t.Error("the layout asked for was changed")
				}
				if want := layoutOf(v.Columns, v.Compact, step.Items).Items; !maps.Equal(l.Items, want) {
					t.Fatalf("step %d: got %v, want %v", i+1, l.Items, want)
				}
				checkNormal(t, l)
			}
		})
	}
}

func TestL5_AddedVectors(t *testing.T) {
	var vectors layoutVectors
	readVectors(t, "layout.json", &vectors)
	for _, v := range vectors.Added {
		t.Run(v.Description, func(t *testing.T) {
			l := layoutOf(v.Columns, v.Compact, v.Items)
			added := l.WithNew(v.ID)
			if r := added.Items[v.ID]; r.Y != l.Bottom() || r.X != 0 {
				t.Errorf("put at %+v, want it below row %d", r, l.Bottom())
			}
			if _, ok := l.Items[v.ID]; ok {
				t.Error("the old layout was changed")
			}
			if got, want := added.Normalise(nil), layoutOf(v.Columns, v.Compact, v.After); !maps.Equal(got.Items, want.Items) {
				t.Errorf("got %v, want %v", got.Items, want.Items)
			}
		})
	}
}

func TestL5_RemovalCompacts(t *testing.T) {
	l := layoutOf(12, CompactVertical, map[string]rectVector{"A": {W: 6, H: 4}, "B": {Y: 4, W: 6, H: 4}, "C": {Y: 8, W: 12, H: 1}})
	delete(l.Items, "A")
	want := map[string]Rect{"B": {W: 6, H: 4}, "C": {Y: 4, W: 12, H: 1}}
	if got := l.Normalise(nil); !maps.Equal(got.Items, want) {
		t.Errorf("got %v, want %v", got.Items, want)
	}
}

func TestL4_ANormalLayoutComesBackItself(t *testing.T) {
	l := layoutOf(12, CompactVertical, map[string]rectVector{"A": {W: 6, H: 4}, "B": {X: 6, W: 6, H: 4}})
	if got := l.Normalise(map[string]bool{"A": true}); got != l {
		t.Errorf("got another layout: %v", got.Items)
	}
	var none Layout
	if got := none.Normalise(nil); got != &none {
		t.Errorf("the zero layout became %v", got)
	}
	if got := none.WithNew("A").Normalise(nil).Items["A"]; got != (Rect{W: 1, H: newHeight}) {
		t.Errorf("in the zero layout a new item is %v", got)
	}
}

// checkNormal holds a layout against L4.
func checkNormal(t fatal, l *Layout) {
	t.Helper()
	for id, r := range l.Items {
		if r.X < 0 || r.Y < 0 || r.W < 1 || r.H < 1 || r.X+r.W > max(l.Columns, 1) {
			t.Fatalf("%s leaves the grid: %+v", id, r)
		}
		for other, s := range l.Items {
			if id < other && r.X < s.X+s.W && s.X < r.X+r.W && r.Y < s.Y+s.H && s.Y < r.Y+r.H {
				t.Fatalf("%s %+v and %s %+v overlap", id, r, other, s)
			}
		}
	}
	if again := l.Normalise(nil); !maps.Equal(again.Items, l.Items) {
		t.Fatalf("a second time %v became %v", l.Items, again.Items)
	}
}

// layouts draws layouts as they may be asked for: crowded, and off the grid.
func layouts() *rapid.Generator[*Layout] {
	return rapid.Custom(func(t *rapid.T) *Layout {
		l := &Layout{
			Columns: rapid.OneOf(rapid.IntRange(1, 12), rapid.IntRange(narrow, narrow+2)).Draw(t, "columns"),
			Compact: rapid.SampledFrom([]Compact{CompactVertical, CompactNone}).Draw(t, "compact"),
			Items:   map[string]Rect{},
		}
		for i := range rapid.IntRange(0, 14).Draw(t, "items") {
			l.Items[fmt.Sprint("w", i)] = rects().Draw(t, "rect")
		}
		return l
	})
}

func rects() *rapid.Generator[Rect] {
	return rapid.Custom(func(t *rapid.T) Rect {
		return Rect{
			X: rapid.IntRange(-2, 14).Draw(t, "x"), Y: rapid.IntRange(-2, 16).Draw(t, "y"),
			W: rapid.IntRange(0, 8).Draw(t, "w"), H: rapid.IntRange(0, 6).Draw(t, "h"),
			Static: rapid.IntRange(0, 4).Draw(t, "static") == 0,
		}
	})
}

func TestL4_AfterAnySequenceOfMoves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := layouts().Draw(t, "layout").Normalise(nil)
		checkNormal(t, l)
		for range rapid.IntRange(1, 4).Draw(t, "steps") {
			asked := *l
			asked.Items = maps.Clone(l.Items)
			moved := map[string]bool{}
			for _, i := range rapid.SliceOfN(rapid.IntRange(0, 14), 0, 4).Draw(t, "moved") {
				id := fmt.Sprint("w", i)
				moved[id] = true
				if _, ok := asked.Items[id]; ok {
					asked.Items[id] = rects().Draw(t, "asked")
				}
			}
			switch rapid.IntRange(0, 5).Draw(t, "also") {
			case 0:
				asked.Columns = rapid.IntRange(1, 12).Draw(t, "columns")
			case 1:
				delete(asked.Items, "w1")
			case 2:
				asked = *asked.WithNew("w20")
			}
			l = asked.Normalise(moved)
			checkNormal(t, l)
			for id, r := range asked.Items {
				if got := l.Items[id]; got.Static != r.Static {
					t.Fatalf("%s changed its static from %+v to %+v", id, r, got)
				}
			}
		}
	})
}

// block is an item of normaliseByTheBook.
type block struct {
	Rect
	id string
}

func (b block) before(c block) bool {
	if b.Y != c.Y {
		return b.Y < c.Y
	}
	if b.X != c.X {
		return b.X < c.X
	}
	return b.id < c.id
}

// normaliseByTheBook is L2 word for word, row by row, for small layouts.
func normaliseByTheBook(l *Layout, moved map[string]bool) map[string]Rect {
	var all []block
	for id, r := range l.Items {
		all = append(all, block{Rect: r.clamp(l.Columns), id: id})
	}
	pick := func(from []block, want func(block) bool) (picked []block) {
		for _, t := range from {
			if want(t) {
				picked = append(picked, t)
			}
		}
		for i := range picked { // a selection sort by (y, x, id)
			for j := i + 1; j < len(picked); j++ {
				if picked[j].before(picked[i]) {
					picked[i], picked[j] = picked[j], picked[i]
				}
			}
		}
		return picked
	}
	meets := func(t block, placed []block) bool {
		for _, u := range placed {
			if t.X < u.X+u.W && u.X < t.X+t.W && t.Y < u.Y+u.H && u.Y < t.Y+t.H {
				return true
			}
		}
		return false
	}
	place := func(placed, blocks []block) []block {
		placed = append([]block(nil), placed...)
		for _, t := range blocks {
			for meets(t, placed) {
				t.Y++
			}
			placed = append(placed, t)
		}
		return placed
	}
	rise := func(blocks []block) []block {
		isStatic := func(t block) bool { return t.Static }
		done := pick(blocks, isStatic)
		for _, t := range pick(blocks, func(t block) bool { return !t.Static }) {
			for t.Y > 0 {
				next := t
				next.Y--
				if meets(next, done) {
					break
				}
				t = next
			}
			done = append(done, t)
		}
		return done
	}
	statics := place(nil, pick(all, func(t block) bool { return t.Static && !moved[t.id] }))
	statics = place(statics, pick(all, func(t block) bool { return t.Static && moved[t.id] }))
	closed := place(statics, pick(all, func(t block) bool { return !t.Static && !moved[t.id] }))
	if l.Compact == CompactVertical {
		closed = rise(closed)
	}
	placed := place(statics, pick(all, func(t block) bool { return !t.Static && moved[t.id] }))
	placed = place(placed, pick(closed, func(t block) bool { return !t.Static }))
	if l.Compact == CompactVertical {
		placed = rise(placed)
	}
	items := map[string]Rect{}
	for _, t := range placed {
		items[t.id] = t.Rect
	}
	return items
}

func TestL2_NormaliseIsWhatTheRuleSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := layouts().Draw(t, "layout")
		moved := map[string]bool{}
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, 14), 0, 6).Draw(t, "moved") {
			moved[fmt.Sprint("w", i)] = true
		}
		if got, want := l.Normalise(moved).Items, normaliseByTheBook(l, moved); !maps.Equal(got, want) {
			t.Fatalf("%v moved %v: got %v, want %v", l, moved, got, want)
		}
	})
}

// Many items take other ways through sorting and placing than few: ones that are spread
// and ones that are normalised already, of which some are moved.
// What an op leaves alone and ends above all that it touches need not be placed again.
func TestL2_WhatStaysIsWhatTheRuleLeaves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var g grid
		from := placementOf(layouts().Draw(t, "layout").Normalise(nil))
		for range rapid.IntRange(1, 3).Draw(t, "ops") {
			p := &pending{from: from, asked: *from, moved: map[string]bool{}, touched: map[string]bool{}}
			for range rapid.IntRange(1, 4).Draw(t, "parts") {
				id := fmt.Sprint("w", rapid.IntRange(0, 16).Draw(t, "item"))
				_, there := p.asked.items.get(id)
				switch rapid.IntRange(0, 6).Draw(t, "part") {
				case 0:
					p.remove(id)
				case 1:
					p.set(id, rects().Draw(t, "set"))
				case 2:
					p.asked.columns = rapid.IntRange(1, 12).Draw(t, "columns")
				default:
					by := RectPatch{} // put where it is, and so ahead of others
					if rapid.Bool().Draw(t, "elsewhere") {
						by = anyRect(t)
					}
					if there {
						p.move(id, by)
					}
				}
			}
			whole := *p
			whole.all = true
			c, elsewhere := p.normalised(&g)
			want, wantElsewhere := whole.normalised(&g)
			if !reflect.DeepEqual(c, want) || !maps.Equal(elsewhere, wantElsewhere) {
				t.Fatalf("%v with %v touched and %v moved: got %v, %v, want %v, %v",
					from.layout(), p.touched, p.moved, c, elsewhere, want, wantElsewhere)
			}
			if c != nil {
				from = from.after(c)
			}
		}
	})
}

func TestL2_NormaliseOfManyIsWhatTheRuleSays(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 4))
	for try := range 12 {
		l := &Layout{Columns: 24, Compact: []Compact{CompactVertical, CompactNone}[try%2], Items: map[string]Rect{}}
		if try%4 == 3 {
			l.Columns = narrow + 16
		}
		for i := range 250 {
			l.Items[fmt.Sprint("w", i)] = Rect{X: r.IntN(l.Columns), Y: r.IntN(90), W: 1 + r.IntN(8), H: 1 + r.IntN(6), Static: r.IntN(25) == 0}
		}
		for step := range 4 {
			moved := map[string]bool{}
			for range step {
				id := fmt.Sprint("w", r.IntN(250))
				moved[id] = true
				l.Items[id] = Rect{X: r.IntN(l.Columns), Y: r.IntN(90), W: 1 + r.IntN(8), H: 1 + r.IntN(6)}
			}
			want := normaliseByTheBook(l, moved)
			got := l.Normalise(moved)
			if !maps.Equal(got.Items, want) {
				t.Fatalf("layout %d, step %d: moved %v", try, step, moved)
			}
			l = &Layout{Columns: l.Columns, Compact: l.Compact, Items: maps.Clone(got.Items)}
		}
	}
}

// crowds are layouts of 2,000 items that are as much work as can be asked for.
func crowds() []struct {
	name   string
	layout *Layout
	moved  map[string]bool
} {
	const n = 2000
	crowd := func(columns int, compact Compact, at func(i int) Rect) *Layout {
		l := &Layout{Columns: columns, Compact: compact, Items: map[string]Rect{}}
		for i := range n {
			l.Items[fmt.Sprintf("w%04d", i)] = at(i)
		}
		return l
	}
	everyOther := map[string]bool{}
	for i := range n / 2 {
		everyOther[fmt.Sprintf("w%04d", 2*i)] = true
	}
	usual := func(i int) Rect { return Rect{X: i % 4 * 6, Y: i / 4 * 4, W: 6, H: 4} }
	topped := crowd(24, CompactVertical, usual)
	topped.Items["w1999"] = Rect{W: 24, H: MaxHeight}
	stair := crowd(1_000_000, CompactVertical, func(i int) Rect { return Rect{X: i * 400, Y: n - i, W: 1_000_000 - i*400, H: 1} })
	return []struct {
		name   string
		layout *Layout
		moved  map[string]bool
	}{
		{"usual", crowd(24, CompactVertical, usual), map[string]bool{"w0007": true}},
		{"one high item on top", topped, map[string]bool{"w1999": true}},
		{"all in one place", crowd(24, CompactVertical, func(int) Rect { return Rect{W: 24, H: MaxHeight} }), everyOther},
		{"all in one place, loose", crowd(24, CompactNone, func(int) Rect { return Rect{W: 1, H: 1} }), everyOther},
		{"all static in one place", crowd(24, CompactVertical, func(int) Rect { return Rect{W: 24, H: 1, Static: true} }), everyOther},
		{"two sides, one slot each", crowd(24, CompactNone, func(i int) Rect { return Rect{X: i % 2 * 12, Y: 0, W: 12, H: 1 + i%7} }), everyOther},
		{"gaps one row too small", crowd(24, CompactNone, func(i int) Rect {
			if i < n/2 {
				return Rect{Y: i * 3, W: 24, H: 1, Static: true}
			}
			return Rect{W: 24, H: 3}
		}), everyOther},
		{"a stair of a million columns", stair, everyOther},
		{"many columns, all wide", crowd(1_000_000, CompactVertical, func(i int) Rect {
			return Rect{X: i, Y: i, W: 900_000 + i, H: 1}
		}), everyOther},
	}
}

func TestL4_CrowdsAreNormalised(t *testing.T) {
	for _, c := range crowds() {
		t.Run(c.name, func(t *testing.T) {
			checkNormal(t, c.layout.Normalise(c.moved))
		})
	}
}

func BenchmarkNormalise2000(b *testing.B) {
	for _, c := range crowds() {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.layout.Normalise(c.moved)
			}
		})
	}
}

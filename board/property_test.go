package board

import (
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	somePaths  = []Pointer{"/a", "/a/b", "/a/b/c", "/a/d", "/t", "/type", "/config", "/config/x", "/config/x/y"}
	someValues = []Value{`1`, `1.0`, `2`, `"s"`, `null`, `{}`, `{"b":1}`, `{"b":{"c":2}}`, `{"x":{"y":1}}`, `[1]`}
	someIDs    = []string{"w1", "w2", "w3", "w4"}
	someOnes   = []Author{{"ana", "1"}, {"ana", "2"}, {"bob", "1"}, {}}
)

// anyEdits draws disjoint edits.
func anyEdits(t *rapid.T) (set []Assignment, unset []Pointer) {
	for range rapid.IntRange(0, 4).Draw(t, "edits") {
		p := rapid.SampledFrom(somePaths).Draw(t, "path")
		more := Assignment{Path: p, Value: rapid.SampledFrom(someValues).Draw(t, "value")}
		if rapid.IntRange(0, 3).Draw(t, "unset") == 0 {
			if CheckDisjoint(set, append(slices.Clone(unset), p)) == nil {
				unset = append(unset, p)
			}
		} else if CheckDisjoint(append(slices.Clone(set), more), unset) == nil {
			set = append(set, more)
		}
	}
	sortAssignments(set)
	slices.Sort(unset)
	return set, unset
}

func anyRect(t *rapid.T) RectPatch {
	var p RectPatch
	for _, field := range []**int{&p.X, &p.Y, &p.W, &p.H} {
		if rapid.Bool().Draw(t, "there") {
			n := rapid.IntRange(-2, 30).Draw(t, "cells")
			*field = &n
		}
	}
	if rapid.IntRange(0, 9).Draw(t, "static") == 0 {
		static := rapid.Bool().Draw(t, "on")
		p.Static = &static
	}
	return p
}

// anyOp draws an op of any kind, batches too if deep is false.
func anyOp(t *rapid.T, s *State, deep bool) *Op {
	op := &Op{
		WidgetID: rapid.SampledFrom(someIDs).Draw(t, "widget"),
		Policy:   rapid.SampledFrom([]Policy{"", "", PolicyAuto, PolicyAsk, PolicyReject, PolicyOverwrite, PolicySkip}).Draw(t, "policy"),
	}
	if _, head := s.Head(); rapid.IntRange(0, 4).Draw(t, "blind") > 0 {
		back := min(uint64(rapid.IntRange(0, 5).Draw(t, "back")), head)
		base := head - back
		op.Base = &base
	}
	if rapid.IntRange(0, 9).Draw(t, "epoch") == 0 {
		epoch := rapid.SampledFrom([]string{"", "other", s.Epoch()}).Draw(t, "epoch name")
		op.Epoch = &epoch
	}
	op.Set, op.Unset = anyEdits(t)
	if rapid.IntRange(0, 3).Draw(t, "with prev") == 0 {
		op.Prev = map[Pointer]Value{rapid.SampledFrom(somePaths).Draw(t, "prev path"): rapid.SampledFrom(someValues).Draw(t, "prev")}
	}
	kinds := 11
	if deep {
		kinds = 9
	}
	switch rapid.IntRange(0, kinds).Draw(t, "kind") {
	case 0, 1, 2:
		op.Type = TypeUpdate
		op.Restore = rapid.IntRange(0, 3).Draw(t, "restore") == 0
	case 3, 4:
		op.Type, op.Create = TypeUpdate, true
		if rapid.Bool().Draw(t, "placed") {
			r := anyRect(t)
			op.Layout = &r
		}
	case 5:
		op.Type = TypeDelete
	case 6:
		op.Type = TypeSettings
	case 7:
		op.Type = TypeLayout
		op.Breakpoint = rapid.SampledFrom([]string{"", "main", "phone"}).Draw(t, "breakpoint")
		op.Create = rapid.Bool().Draw(t, "make")
		op.Moved = make(map[string]RectPatch)
		for range rapid.IntRange(0, 3).Draw(t, "moves") {
			op.Moved[rapid.SampledFrom(someIDs).Draw(t, "moved")] = anyRect(t)
		}
		if rapid.IntRange(0, 3).Draw(t, "wide") == 0 {
			n := rapid.IntRange(1, 24).Draw(t, "columns")
			op.Columns = &n
			op.Compact = rapid.SampledFrom([]Compact{"", CompactVertical, CompactNone}).Draw(t, "compact")
		}
	case 8:
		op.Type, op.Breakpoint = TypeLayoutRestore, rapid.SampledFrom([]string{"", "main", "phone"}).Draw(t, "breakpoint")
		op.ToVersion = uint64(rapid.IntRange(0, int(s.Version())+1).Draw(t, "to"))
	case 9:
		op.Type = TypeUpdate
		if rapid.Bool().Draw(t, "put") {
			op.Value = rapid.SampledFrom([]Value{`{}`, `{"a":{"b":1}}`, `{"config":{"x":1},"type":"t"}`}).Draw(t, "whole")
		} else {
			op.Changes = rapid.SampledFrom([]Value{`{}`, `{"a":null}`, `{"a":{"b":null,"d":[]}}`, `{"type":"u"}`}).Draw(t, "changes")
		}
		op.Set, op.Unset = nil, nil
	case 10:
		op.Type, op.Atomic = TypeBatch, rapid.Bool().Draw(t, "atomic")
		for range rapid.IntRange(1, 5).Draw(t, "parts") {
			op.Operations = append(op.Operations, anyOp(t, s, true))
		}
	default:
		if rapid.IntRange(0, 3).Draw(t, "whole") == 0 {
			op.Type = TypeDashboardDelete
			return op
		}
		op.Type, op.Undelete = TypeReplace, rapid.Bool().Draw(t, "undelete")
		doc := &Document{Settings: "{}", Widgets: map[string]Value{}, Layouts: map[string]*Layout{}}
		for _, id := range someIDs[:rapid.IntRange(0, 3).Draw(t, "widgets")] {
			doc.Widgets[id] = rapid.SampledFrom([]Value{`{}`, `{"a":1}`, `{"a":{"b":2}}`}).Draw(t, "new value")
		}
		if rapid.Bool().Draw(t, "with phone") {
			doc.Layouts["phone"] = &Layout{Columns: 4, Compact: CompactVertical, Items: map[string]Rect{"w1": {Y: 3, W: 9, H: 1}}}
		}
		op.Document = doc
	}
	return op
}

// live draws a world that has lived for some ops.
func live(t *rapid.T, most int, each func(w *world, op *Op, d Decision, before *State)) *world {
	w := newWorld(t)
	for i := range rapid.IntRange(1, most).Draw(t, "ops") {
		op := anyOp(t, w.state, false)
		op.ID, op.DashboardID = "op"+strconv.Itoa(i), "ops"
		op.Hash[0] = byte(i)
		op.Author = rapid.SampledFrom(someOnes).Draw(t, "by")
		w.now = w.now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "wait")) * time.Millisecond)
		before := w.state
		d := w.decide(op)
		each(w, op, d, before)
	}
	return w
}

func TestD6_AnyLogFoldsToTheLiveDocument(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := live(t, 25, func(w *world, op *Op, d Decision, before *State) {
			wantSound(t, w.state)
			if d.Entry == nil {
				if string(before.AppendSnapshot(nil)) != string(w.state.AppendSnapshot(nil)) {
					t.Fatal("an op that is no entry has changed the state")
				}
				return
			}
			again := w.consider(op, Env{Now: w.now, NewEpoch: "again"}) // M8
			if again.Replay != d.Entry.Version {
				t.Fatalf("M8: the op sent again: %s", w.answer(again))
			}
			if undo, ok := before.Undo(d.Entry); ok {
				undo.ID, undo.Author = "undo", op.Author
				if u := w.state.Decide(undo, Env{Now: w.now}); u.Need == nil {
					w.check(u)
				}
			}
		})
		s := NewState("ops")
		for _, e := range w.log {
			var err error
			if s, err = s.Fold(e); err != nil {
				t.Fatal(err)
			}
		}
		if string(s.AppendSnapshot(nil)) != string(w.state.AppendSnapshot(nil)) {
			t.Fatal("the log folds to another state")
		}
	})
}

// wantSound holds a state against D1, L4 and its own books.
func wantSound(t tester, s *State) {
	for name, l := range s.Layouts() {
		if len(l.Items) != s.WidgetCount() {
			t.Fatalf("%s has %d items for %d widgets", name, len(l.Items), s.WidgetCount())
		}
		ids := slices.Sorted(maps.Keys(l.Items))
		for i, id := range ids {
			a := l.Items[id]
			if _, ok := s.Widget(id); !ok {
				t.Fatalf("%s has an item for %s, which is not there", name, id)
			}
			if a.X < 0 || a.Y < 0 || a.W < 1 || a.H < 1 || a.X+a.W > l.Columns {
				t.Fatalf("L4: %s of %s leaves the grid: %+v", id, name, a)
			}
			for _, other := range ids[i+1:] {
				b := l.Items[other]
				if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
					t.Fatalf("L4: %s and %s of %s overlap: %+v %+v", id, other, name, a, b)
				}
			}
		}
		if l.Normalise(nil) != l {
			t.Fatalf("L4: normalising %s again changes it", name)
		}
	}
	if _, ok := s.Layout(MainBreakpoint); !ok {
		t.Fatal("D1: there is no main layout")
	}
}

func TestE7_ComposingIsAssociative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := live(t, 25, func(*world, *Op, Decision, *State) {})
		// a run of entries of one epoch in which the dashboard was not deleted
		var changes []*Change
		start := NewState("ops").Document()
		for i, e := range w.log {
			if e.Version == 1 || e.Type == TypeDashboardDelete || w.states[i].Deleted() {
				changes, start = nil, w.states[i+1].Document()
				continue
			}
			changes = append(changes, e.Change)
		}
		if len(changes) < 2 {
			return
		}
		i := rapid.IntRange(0, len(changes)).Draw(t, "first cut")
		j := rapid.IntRange(i, len(changes)).Draw(t, "second cut")
		a, b, c := ComposeAll(changes[:i]), ComposeAll(changes[i:j]), ComposeAll(changes[j:])
		left := AppendChange(nil, Compose(Compose(a, b), c))
		right := AppendChange(nil, Compose(a, Compose(b, c)))
		if string(left) != string(right) {
			t.Fatalf("(a b) c\n%s\na (b c)\n%s", left, right)
		}
		parsed, err := ParseChange(valueOf(t, string(left)))
		if err != nil {
			t.Fatal(err)
		}
		if again := AppendChange(nil, parsed); string(again) != string(left) {
			t.Fatalf("change\n%s\nparsed and written again\n%s", left, again)
		}
		one := start
		for _, change := range changes {
			one = change.ApplyTo(one)
		}
		want := AppendDocument(nil, one)
		if got := AppendDocument(nil, parsed.ApplyTo(start)); string(got) != string(want) {
			t.Fatalf("composed\n%s\napplied gives\n%s\none after another\n%s", left, got, want)
		}
		if !w.state.Deleted() && string(w.state.AppendDocument(nil)) != string(want) {
			t.Fatalf("the changes give\n%s\nthe document is\n%s", want, w.state.AppendDocument(nil))
		}
	})
}

func TestM3_DisjointOpsCommute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := live(t, 10, func(*world, *Op, Decision, *State) {})
		_, head := w.state.Head()
		if head == 0 {
			return
		}
		make := func(id string, by Author) *Op {
			op := &Op{Type: TypeUpdate, ID: id, DashboardID: "ops", Author: by, Base: &head, Policy: PolicyReject, WidgetID: "w1"}
			op.Set, op.Unset = anyEdits(t)
			return op
		}
		a, b := make("a", Author{"ana", "x"}), make("b", Author{"bob", "y"})
		if CheckDisjoint(append(slices.Clone(a.Set), b.Set...), append(slices.Clone(a.Unset), b.Unset...)) != nil {
			return
		}
		touches := func(op *Op, p Pointer) bool {
			under := func(q Pointer) bool { return p.Contains(q) }
			return slices.ContainsFunc(op.Set, func(s Assignment) bool { return under(s.Path) }) || slices.ContainsFunc(op.Unset, under)
		}
		if touches(a, "/type") && touches(b, "/config") || touches(b, "/type") && touches(a, "/config") {
			return // M5
		}
		env := Env{Now: w.now}
		in := func(first, second *Op) (*State, bool) {
			s := w.state
			for _, op := range []*Op{first, second} {
				d := s.Decide(op, env)
				if d.Conflict != nil || d.Refusal != nil && d.Refusal.Code != CodePath {
					t.Fatalf("M4: it is not applied: %s", w.answer(d))
				}
				if d.Refusal != nil {
					return nil, false
				}
				if d.Next != nil {
					s = d.Next
				}
			}
			return s, true
		}
		if _, there := w.state.Widget("w1"); !there {
			return
		}
		ab, ok := in(a, b)
		ba, ok2 := in(b, a)
		if ok != ok2 {
			t.Fatal("only one of the orders is possible")
		}
		if ok && string(ab.AppendDocument(nil)) != string(ba.AppendDocument(nil)) {
			t.Fatalf("a, b\n%s\nb, a\n%s", ab.AppendDocument(nil), ba.AppendDocument(nil))
		}
	})
}

func TestM6_NothingIsLostSilently(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		live(t, 25, func(w *world, op *Op, d Decision, before *State) {
			if d.Entry == nil || op.Type != TypeUpdate && op.Type != TypeSettings || op.Base == nil || d.Entry.Version == 1 {
				return
			}
			patch := d.Entry.Change.Settings
			current := before.Settings()
			if op.Type == TypeUpdate {
				w := d.Entry.Change.Widget(op.WidgetID)
				if w == nil || w.Patch == nil {
					return
				}
				patch = w.Patch
				current, _ = before.Widget(op.WidgetID)
			}
			check := func(p Pointer) {
				by, touched := lastTouch(w, op, p)
				now, _ := current.Get(p)
				if prev, ok := op.Prev[p]; !touched || by == op.Author && by != (Author{}) || ok && prev.Equal(now) {
					return
				}
				if !slices.ContainsFunc(d.Entry.Overwrote, func(o Overwrote) bool {
					return o.Path == p && o.WidgetID == widgetOf(op) && o.Value == now
				}) {
					t.Fatalf("%s of %q was changed by %v after version %d and is lost without a word: %s", p, widgetOf(op), by, *op.Base, w.answer(d))
				}
			}
			for _, a := range patch.Set {
				check(a.Path)
			}
			for _, p := range patch.Unset {
				check(p)
			}
		})
	})
}

// What a dashboard's deletion has taken away is not there to be overwritten once the dashboard is back.
func TestR9_AnEditOverADeletionMeetsWhatCameAfter(t *testing.T) {
	for _, c := range []struct {
		settings Value
		lost     int
	}{{`{}`, 0}, {`{"a":{"b":2}}`, 1}} {
		w := newWorld(t)
		base := uint64(1)
		by := func(n int) Author { return Author{"ana", strconv.Itoa(n)} }
		for i, op := range []*Op{
			{Type: TypeUpdate, Create: true, WidgetID: "w1", Author: by(1)},
			{Type: TypeSettings, Set: []Assignment{{"/a", `1`}}, Author: by(1)},
			{Type: TypeDashboardDelete, Author: by(1)},
			{Type: TypeReplace, Undelete: true, Document: &Document{Settings: c.settings}, Author: by(1)},
			{Type: TypeSettings, Set: []Assignment{{"/a/b", `1`}}, Base: &base, Author: by(2)},
		} {
			op.ID, op.DashboardID, op.Hash = strconv.Itoa(i), "ops", [16]byte{byte(i)}
			d := w.decide(op)
			if d.Entry == nil {
				t.Fatalf("op %d is no entry: %s", i, w.answer(d))
			}
			if i == 4 && (len(d.Ack.Overwrote) != c.lost || w.state.Settings() != `{"a":{"b":1}}`) {
				t.Errorf("brought back with %s: %d overwritten, %s", c.settings, len(d.Ack.Overwrote), w.state.Settings())
			}
		}
	}
}

func widgetOf(op *Op) string {
	if op.Type == TypeSettings {
		return ""
	}
	return op.WidgetID
}

// lastTouch finds in the log who has last changed something at, above or below a path
// after an op's base, before the newest entry.
func lastTouch(w *world, op *Op, p Pointer) (by Author, touched bool) {
	newest := w.log[len(w.log)-1]
	for _, e := range w.log[:len(w.log)-1] {
		if e.Epoch != newest.Epoch || e.Version <= *op.Base {
			continue
		}
		if e.Type == TypeDashboardDelete { // and with it what was changed before (R9)
			by, touched = Author{}, false
			continue
		}
		patch := e.Change.Settings
		if id := widgetOf(op); id != "" {
			c := e.Change.Widget(id)
			switch {
			case c == nil:
				continue
			case c.Patch == nil:
				by, touched = e.Author, true
				continue
			}
			patch = c.Patch
		}
		if patch == nil {
			continue
		}
		at := func(q Pointer) {
			if p.Contains(q) || q.Contains(p) || q == "/type" && Pointer("/config").Contains(p) {
				by, touched = e.Author, true
			}
		}
		for _, a := range patch.Set {
			at(a.Path)
		}
		for _, q := range patch.Unset {
			at(q)
		}
	}
	return by, touched
}

func TestPmap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m, kept pmap[int]
		model, keptModel := map[string]int{}, map[string]int{}
		keys := rapid.SliceOfN(rapid.StringMatching(`[a-f]{1,3}`), 1, 60).Draw(t, "keys")
		for i, key := range keys {
			if rapid.IntRange(0, 2).Draw(t, "remove") == 0 {
				m = m.remove(key)
				delete(model, key)
			} else if _, there := model[key]; there && rapid.Bool().Draw(t, "replace") {
				m = m.replace(key, i)
				model[key] = i
			} else {
				m = m.set(key, i)
				model[key] = i
			}
			if i == len(keys)/2 {
				kept, keptModel = m, maps.Clone(model)
			}
		}
		for _, c := range []struct {
			m     pmap[int]
			model map[string]int
		}{{m, model}, {kept, keptModel}, {m.filter(func(int) bool { return true }), model}} {
			if c.m.len() != len(c.model) {
				t.Fatalf("len = %d, want %d", c.m.len(), len(c.model))
			}
			var order []string
			for key, v := range c.m.all() {
				order = append(order, key)
				if got, ok := c.m.get(key); !ok || got != v || c.model[key] != v {
					t.Fatalf("%s = %d, %v, want %d", key, got, ok, c.model[key])
				}
			}
			if !slices.IsSorted(order) {
				t.Fatalf("order %q", order)
			}
			wantBalanced(t, c.m.root)
		}
		even := m.filter(func(v int) bool { return v%2 == 0 })
		wantBalanced(t, even.root)
		for key, v := range model {
			if _, ok := even.get(key); ok != (v%2 == 0) {
				t.Fatalf("filter keeps %d: %v", v, ok)
			}
		}
	})
}

// Few paths are stamped one by one and many in one pass, with the same clocks.
func TestM3_FewAndManyPathsAreStampedAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newClocks(stamp{version: 1})
		paths := append([]Pointer{"/a-b", "/a/b-c", "/a/b/c/d", "/aa"}, somePaths...)
		for version := range uint64(rapid.IntRange(1, 8).Draw(t, "changes")) {
			var changed []Pointer
			for _, p := range rapid.SliceOfNDistinct(rapid.SampledFrom(paths), 1, 4, rapid.ID[Pointer]).Draw(t, "paths") {
				if CheckDisjoint(nil, append(slices.Clone(changed), p)) == nil {
					changed = append(changed, p)
				}
			}
			before, s := slices.Clone(c), stamp{version: version + 2}
			few, many := c.stamped(changed, s), c.stampedAll(changed, s)
			if !slices.Equal(few, many) {
				t.Fatalf("%q on %v: few gives %v, many %v", changed, c, few, many)
			}
			if !slices.Equal(c, before) {
				t.Fatalf("%q has changed what was there: %v, before %v", changed, c, before)
			}
			c = few
		}
	})
}

func wantBalanced(t tester, n *pnode[int]) int8 {
	if n == nil {
		return 0
	}
	left, right := wantBalanced(t, n.left), wantBalanced(t, n.right)
	if d := left - right; d < -1 || d > 1 || n.height != max(left, right)+1 {
		t.Fatalf("node %s has subtrees of heights %d and %d and says %d", n.key, left, right, n.height)
	}
	return n.height
}

func TestFinderIsGet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set, _ := anyEdits(t)
		v := Value("{}").Apply(&Patch{Set: set})
		f := newFinder(v, 100)
		for _, p := range append([]Pointer{"", "/config/x/y/z", "/t/u/v"}, somePaths...) {
			got, ok := f.get(p)
			want, there := v.Get(p)
			if got != want || ok != there || f.reaches(p) != v.Reaches(p) {
				t.Fatalf("%s of %s: get %s %v, want %s %v; reaches %v, want %v", p, v, got, ok, want, there, f.reaches(p), v.Reaches(p))
			}
		}
	})
}

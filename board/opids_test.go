package board

import (
	"fmt"
	"iter"
	"maps"
	"testing"

	"pgregory.net/rapid"
)

// Whatever is added, to whichever of two branches, and whatever leaves, the ids are
// those of a plain map, in order.
func TestM8_OpIDsAreAMap(t *testing.T) {
	type branch struct {
		ids   opIDs
		model map[string]commit
	}
	rapid.Check(t, func(t *rapid.T) {
		branches := []branch{{model: map[string]commit{}}}
		version := uint64(0)
		steps := rapid.IntRange(1, 12*maxFresh).Draw(t, "steps")
		reused := rapid.IntRange(2, 1000).Draw(t, "names")
		for range steps {
			version++
			b := &branches[rapid.IntRange(0, len(branches)-1).Draw(t, "branch")]
			switch rapid.IntRange(0, 99).Draw(t, "step") {
			case 0:
				branches = append(branches, branch{b.ids, maps.Clone(b.model)})
				continue
			case 1:
				horizon := uint64(rapid.IntRange(0, int(version)).Draw(t, "horizon"))
				b.ids = b.ids.after(horizon)
				maps.DeleteFunc(b.model, func(_ string, c commit) bool { return c.version <= horizon })
				continue
			}
			user := rapid.SampledFrom([]string{"", "ana", "ana\x00x", "bob"}).Draw(t, "user")
			id := fmt.Sprint("op", rapid.IntRange(0, reused).Draw(t, "id"))
			c := commit{version: version, hash: [16]byte{byte(version)}}
			b.ids = b.ids.with(user, id, c)
			b.model[opKey(user, id)] = c
		}
		for _, b := range branches {
			known := make(map[string]commit)
			for key, c := range every(b.ids) {
				if c.version > known[key].version {
					known[key] = c
				}
			}
			maps.DeleteFunc(known, func(_ string, c commit) bool { return c.version <= b.ids.horizon })
			if !maps.Equal(known, b.model) {
				t.Fatalf("got %v, want %v", known, b.model)
			}
			for _, user := range []string{"", "ana", "ana\x00x", "bob"} {
				for n := range reused + 2 {
					id := fmt.Sprint("op", n)
					want, there := b.model[opKey(user, id)]
					if got, ok := b.ids.get(user, id); got != want || ok != there {
						t.Fatalf("%q of %q: got %v, %v, want %v, %v", id, user, got, ok, want, there)
					}
				}
			}
		}
	})
}

// Ids whose hashes meet are told apart by their keys, in whatever run they are.
func TestM8_OpIDsWhoseHashesMeet(t *testing.T) {
	of := make(map[uint32]string)
	var alike []string
	for i := 0; len(alike) < 8; i++ {
		id := fmt.Sprint("op", i)
		hash := hashOp("ana", id)
		if first, ok := of[hash]; ok {
			alike = append(alike, first, id)
			delete(of, hash)
		} else {
			of[hash] = id
		}
	}
	never, alike := alike[0], alike[1:]
	var m opIDs
	want := make(map[string]uint64)
	version := uint64(0)
	add := func(id string) {
		version++
		want[id] = version
		m = m.with("ana", id, commit{version: version})
	}
	for _, id := range alike {
		add(id)
		for i := range maxFresh {
			add(fmt.Sprint(id, "-", i))
		}
	}
	for id, version := range want {
		if c, ok := m.get("ana", id); !ok || c.version != version {
			t.Errorf("%q, committed as %d: got %d, %v", id, version, c.version, ok)
		}
	}
	if c, ok := m.get("ana", never); ok {
		t.Errorf("%q, never committed: got %d", never, c.version)
	}
}

// every yields what is in memory, in no order.
func every(m opIDs) iter.Seq2[string, commit] {
	return func(yield func(string, commit) bool) {
		for n := m.newest; n != nil; n = n.next {
			if !yield(opKey(n.userID, n.opID), n.commit) {
				return
			}
		}
		for _, r := range m.runs {
			for _, b := range r.blocks {
				for i := range b.items {
					if !yield(b.key(i), b.commit(i)) {
						return
					}
				}
			}
		}
	}
}

// kept counts the versions whose op ids a state knows.
func kept(s *State) (n int) {
	m := s.committed
	if last := m.marks.last(); last > s.horizon {
		n = int(last - max(m.marks.before, s.horizon))
	}
	for _, c := range every(m) {
		if c.version > s.horizon {
			n++
		}
	}
	return n
}

// However many ids there have been, few runs have to be looked through, and what lies
// before the horizon leaves memory.
func TestM8_OpIDsStayFew(t *testing.T) {
	const window = 10_000
	var m opIDs
	for i := range uint64(6 * window) {
		m = m.with("ana", fmt.Sprint("op", i), commit{version: i})
		m = m.after(max(i, window) - window)
		n := m.fresh
		for _, r := range m.runs {
			n += len(r.index)
		}
		if n > 3*window || len(m.runs) > 11 {
			t.Fatalf("after %d ids, of which %d count: %d in %d runs", i+1, window, n, len(m.runs))
		}
	}
}

// BenchmarkOpIDs measures what M8 costs an op once as many are kept as may be.
func BenchmarkOpIDs(b *testing.B) {
	var m opIDs
	names := make([]string, 3*DefaultWindow)
	for i := range names {
		names[i] = fmt.Sprintf("%016x-%d", uint64(i)*0x9E3779B97F4A7C15, i)
	}
	version := uint64(0)
	add := func() {
		name := names[version%uint64(len(names))]
		if _, ok := m.get("ana", name); ok {
			b.Fatal("it is there already")
		}
		version++
		m = m.with("ana", name, commit{version: version})
		if version%horizonStep == 0 && version > DefaultWindow {
			m = m.after(version - DefaultWindow)
		}
	}
	for range DefaultWindow {
		add()
	}
	b.ReportAllocs()
	for b.Loop() {
		add()
	}
}

package board

import (
	"fmt"
	"maps"
	"slices"
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
			if b.ids.len() < len(b.model) {
				t.Fatalf("len = %d, with %d ids", b.ids.len(), len(b.model))
			}
			var order []string
			for key, c := range b.ids.all() {
				order = append(order, key)
				if c != b.model[key] {
					t.Fatalf("%q yields %v, want %v", key, c, b.model[key])
				}
			}
			if want := slices.Sorted(maps.Keys(b.model)); !slices.Equal(order, want) {
				t.Fatalf("keys %q, want %q", order, want)
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
			text := string(b.ids.append(nil))
			var r snapshotReader
			again, end := r.committedAt("committed", text, 0)
			if r.err != nil || end != len(text) || string(again.append(nil)) != text {
				t.Fatalf("%v: other ids when read from %s", r.err, text)
			}
		}
	})
}

func commitsOf(m opIDs) (list []commit) {
	for _, c := range m.all() {
		list = append(list, c)
	}
	return list
}

// However many ids there have been, few runs have to be looked through, and what lies
// before the horizon leaves memory.
func TestM8_OpIDsStayFew(t *testing.T) {
	const window = 10_000
	var m opIDs
	for i := range uint64(6 * window) {
		m = m.with("ana", fmt.Sprint("op", i), commit{version: i})
		m = m.after(max(i, window) - window)
		if m.len() > 3*window || len(m.runs) > 11 {
			t.Fatalf("after %d ids, of which %d count: %d in %d runs", i+1, window, m.len(), len(m.runs))
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

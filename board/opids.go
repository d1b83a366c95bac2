package board

import (
	"iter"
	"slices"
	"strings"
)

// opIDs are the committed op ids of a log (M8), by opKey: a map that never changes, as
// pmap is, but made for keys that come one by one, are looked for once and leave
// together. The newest are a list; each full list becomes a run, sorted and packed
// without pointers, and runs of like size become one. So an id costs a node of the
// list and a share of a few copies, instead of a path of nodes. The zero value is
// empty.
type opIDs struct {
	newest *opNode
	fresh  int      // in newest
	runs   []*opRun // the oldest first; each at least twice as long as the next
	// horizon is the version up to which ids count as gone.
	horizon uint64
}

type opNode struct {
	userID, opID string
	commit
	next *opNode
}

// maxFresh is how long the list may get.
const maxFresh = 32

// len is an upper bound: it counts what is in memory.
func (m opIDs) len() int {
	n := m.fresh
	for _, r := range m.runs {
		n += len(r.items)
	}
	return n
}

func (m opIDs) get(userID, opID string) (commit, bool) {
	for n := m.newest; n != nil; n = n.next {
		if n.opID == opID && n.userID == userID {
			return m.still(n.commit)
		}
	}
	if len(m.runs) == 0 {
		return commit{}, false
	}
	var buf [64]byte
	key := appendOpKey(buf[:0], userID, opID)
	hash := hashOpKey(key)
	for _, r := range slices.Backward(m.runs) {
		if r.mayHold(hash) {
			if c, ok := r.get(key); ok {
				return m.still(c)
			}
		}
	}
	return commit{}, false
}

// still gives a commit unless it counts as gone.
func (m opIDs) still(c commit) (commit, bool) {
	if c.version <= m.horizon {
		return commit{}, false
	}
	return c, true
}

// with gives the ids and one more, which takes the place of an older one of its name.
func (m opIDs) with(userID, opID string, c commit) opIDs {
	m.newest = &opNode{userID: userID, opID: opID, commit: c, next: m.newest}
	if m.fresh++; m.fresh < maxFresh {
		return m
	}
	run := runOf(m.newest, m.fresh)
	older := len(m.runs)
	for older > 0 && len(m.runs[older-1].items) < 2*len(run.items) {
		older--
		run = merge(m.runs[older], run, m.horizon)
	}
	return opIDs{runs: append(slices.Clip(m.runs[:older]), run), horizon: m.horizon}
}

// after gives the ids that were committed after a version. The others are gone at once,
// and from memory when their run is merged.
func (m opIDs) after(version uint64) opIDs {
	m.horizon = max(m.horizon, version)
	return m
}

// all yields the ids in order of their opKeys.
func (m opIDs) all() iter.Seq2[string, commit] {
	return func(yield func(string, commit) bool) {
		runs := slices.Clone(m.runs)
		if m.fresh > 0 {
			runs = append(runs, runOf(m.newest, m.fresh))
		}
		if len(runs) == 0 {
			return
		}
		whole := runs[len(runs)-1]
		for _, r := range slices.Backward(runs[:len(runs)-1]) { // the short ones first
			whole = merge(r, whole, m.horizon)
		}
		for i := range whole.items {
			if whole.items[i].version > m.horizon && !yield(whole.key(i), whole.items[i].commit) {
				return
			}
		}
	}
}

// opIDsOf builds the ids from keys in order.
func opIDsOf(keys []string, commits []commit) opIDs {
	if len(keys) == 0 {
		return opIDs{}
	}
	text := 0
	for _, key := range keys {
		text += len(key)
	}
	r := newRun(len(keys), text)
	for i, key := range keys {
		r.add(key, commits[i], hashOpKey(key))
	}
	return opIDs{runs: []*opRun{r.finished()}}
}

// opRun are ids in order of their keys. It is not changed any more once finished.
type opRun struct {
	text   strings.Builder // the keys, one behind the other
	items  []opItem
	filter []uint64 // a Bloom filter of the keys
}

type opItem struct {
	end  uint32 // of the key in text
	hash uint32
	commit
}

func newRun(items, text int) *opRun {
	r := &opRun{items: make([]opItem, 0, items)}
	r.text.Grow(text)
	return r
}

func (r *opRun) add(key string, c commit, hash uint32) {
	r.text.WriteString(key)
	r.items = append(r.items, opItem{end: uint32(r.text.Len()), hash: hash, commit: c})
}

// finished makes the filter, of 16 bits for each key.
func (r *opRun) finished() *opRun {
	r.filter = make([]uint64, len(r.items)/4+1)
	for i := range r.items {
		word, bits := r.place(r.items[i].hash)
		*word |= bits
	}
	return r
}

// place tells which bits of the filter stand for a hash: three of one word.
func (r *opRun) place(hash uint32) (word *uint64, bits uint64) {
	i := uint64(hash) * uint64(len(r.filter)) >> 32
	mixed := hash * 0x9E3779B1
	return &r.filter[i], 1<<(mixed>>26) | 1<<(mixed>>20&63) | 1<<(mixed>>14&63)
}

func (r *opRun) mayHold(hash uint32) bool {
	word, bits := r.place(hash)
	return *word&bits == bits
}

func (r *opRun) key(i int) string {
	begin := uint32(0)
	if i > 0 {
		begin = r.items[i-1].end
	}
	return r.text.String()[begin:r.items[i].end]
}

func (r *opRun) get(key []byte) (commit, bool) {
	low, high := 0, len(r.items)
	for low < high {
		mid := int(uint(low+high) / 2)
		switch at := r.key(mid); {
		case at == string(key):
			return r.items[mid].commit, true
		case at < string(key):
			low = mid + 1
		default:
			high = mid
		}
	}
	return commit{}, false
}

// runOf sorts a list of n nodes. Of two with one name the first, the newer, stays.
func runOf(newest *opNode, n int) *opRun {
	size := 0
	for x := newest; x != nil; x = x.next {
		size += len(x.userID) + 1 + len(x.opID)
	}
	var text strings.Builder
	text.Grow(size)
	type named struct {
		key string
		commit
	}
	list := make([]named, 0, n)
	for x := newest; x != nil; x = x.next {
		begin := text.Len()
		text.WriteString(x.userID)
		text.WriteByte(0)
		text.WriteString(x.opID)
		list = append(list, named{text.String()[begin:], x.commit})
	}
	slices.SortStableFunc(list, func(a, b named) int { return strings.Compare(a.key, b.key) })
	r := newRun(n, size)
	for i, x := range list {
		if i == 0 || x.key != list[i-1].key {
			r.add(x.key, x.commit, hashOpKey(x.key))
		}
	}
	return r.finished()
}

// merge makes one run of two, without what was committed up to the horizon; of two keys
// alike the newer one stays.
func merge(older, newer *opRun, horizon uint64) *opRun {
	r := newRun(len(older.items)+len(newer.items), older.text.Len()+newer.text.Len())
	add := func(from *opRun, i int) {
		if x := &from.items[i]; x.version > horizon {
			r.add(from.key(i), x.commit, x.hash)
		}
	}
	i, j := 0, 0
	for i < len(older.items) && j < len(newer.items) {
		switch order := strings.Compare(older.key(i), newer.key(j)); {
		case order < 0:
			add(older, i)
			i++
			continue
		case order == 0:
			i++
		}
		add(newer, j)
		j++
	}
	for ; i < len(older.items); i++ {
		add(older, i)
	}
	for ; j < len(newer.items); j++ {
		add(newer, j)
	}
	return r.finished()
}

// hashOpKey is FNV-1a. Who makes keys whose hashes meet gains nothing but look-ups
// that have to compare keys.
func hashOpKey[text string | []byte](key text) uint32 {
	h := uint32(2166136261)
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * 16777619
	}
	return h
}

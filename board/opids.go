package board

import (
	"cmp"
	"slices"
	"strings"
)

// opIDs are the committed op ids of a log (M8), by opKey: a map that never changes, as
// pmap is, but made for keys that come one by one, are looked for once and leave
// together. The newest are a list; each full list becomes a run, sorted and packed
// without pointers, and runs of like size become one. So an id costs a node of the
// list and a share of a few copies, instead of a path of nodes. A key that is not there,
// as of each new op, is looked for in Bloom filters alone. The zero value is empty.
type opIDs struct {
	newest *opNode
	fresh  int       // in newest
	filter [4]uint64 // of newest
	runs   []opRun   // the oldest first; each at least twice as long as the next
	// marks are of the versions before all of these, which a snapshot told; nil = of none.
	marks *opMarks
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

// perhaps lists the versions as which an op that get does not know may have been
// committed: only their entries tell.
func (m *opIDs) perhaps(userID, opID string) []uint64 {
	return m.marks.versions(userID, opID, m.horizon)
}

// get finds an op that was committed after the marks.
func (m *opIDs) get(userID, opID string) (commit, bool) {
	hash := hashOp(userID, opID)
	if word, bits := place(m.filter[:], hash); *word&bits == bits {
		for n := m.newest; n != nil; n = n.next {
			if n.opID == opID && n.userID == userID {
				return m.still(n.commit)
			}
		}
	}
	for i := len(m.runs) - 1; i >= 0; i-- {
		r := &m.runs[i]
		if word, bits := place(r.filter, hash); *word&bits != bits {
			continue
		}
		var buf [64]byte
		if c, ok := r.get(appendOpKey(buf[:0], userID, opID)); ok {
			return m.still(c)
		}
	}
	return commit{}, false
}

// still gives a commit unless it counts as gone.
func (m *opIDs) still(c commit) (commit, bool) {
	if c.version <= m.horizon {
		return commit{}, false
	}
	return c, true
}

// with gives the ids and one more, which takes the place of an older one of its name.
func (m opIDs) with(userID, opID string, c commit) opIDs {
	m.newest = &opNode{userID: userID, opID: opID, commit: c, next: m.newest}
	if m.fresh++; m.fresh < maxFresh {
		word, bits := place(m.filter[:], hashOp(userID, opID))
		*word |= bits
		return m
	}
	run := runOf(m.newest, m.fresh)
	older, items := len(m.runs), len(run.items)
	for older > 0 && len(m.runs[older-1].items) < 2*items {
		older--
		items += len(m.runs[older].items)
	}
	if older < len(m.runs) {
		run = merge(append(slices.Clip(m.runs[older:]), run), m.horizon)
	}
	return opIDs{runs: append(slices.Clip(m.runs[:older]), run), marks: m.marks, horizon: m.horizon}
}

// after gives the ids that were committed after a version. The others are gone at once,
// and from memory when their run is merged.
func (m opIDs) after(version uint64) opIDs {
	m.horizon = max(m.horizon, version)
	if m.marks.last() <= m.horizon {
		m.marks = nil
	}
	return m
}

// opRun are ids in order of their keys. It is not changed any more once made.
type opRun struct {
	text   string // the keys, one behind the other
	items  []opItem
	filter []uint64 // a Bloom filter of the keys
}

type opItem struct {
	end  uint32 // of the key in text
	hash uint32
	commit
}

// newOpRun is a run that is being made.
type newOpRun struct {
	text  strings.Builder
	items []opItem
}

func newRun(items, text int) *newOpRun {
	r := &newOpRun{items: make([]opItem, 0, items)}
	r.text.Grow(text)
	return r
}

func (r *newOpRun) add(key string, c commit, hash uint32) {
	r.text.WriteString(key)
	r.items = append(r.items, opItem{end: uint32(r.text.Len()), hash: hash, commit: c})
}

// finished makes the filter, of 16 bits for each key.
func (r *newOpRun) finished() opRun {
	filter := make([]uint64, len(r.items)/4+1)
	for i := range r.items {
		word, bits := place(filter, r.items[i].hash)
		*word |= bits
	}
	return opRun{text: r.text.String(), items: r.items, filter: filter}
}

// place tells which bits of a filter stand for a hash: three of one word.
func place(filter []uint64, hash uint32) (word *uint64, bits uint64) {
	i := uint64(hash) * uint64(len(filter)) >> 32
	mixed := hash * 0x9E3779B1
	return &filter[i], 1<<(mixed>>26) | 1<<(mixed>>20&63) | 1<<(mixed>>14&63)
}

func (r *opRun) key(i int) string {
	begin := uint32(0)
	if i > 0 {
		begin = r.items[i-1].end
	}
	return r.text[begin:r.items[i].end]
}

// get finds the newest commit of a key.
func (r *opRun) get(key []byte) (commit, bool) {
	low, high := 0, len(r.items)
	for low < high {
		if mid := int(uint(low+high) / 2); r.key(mid) < string(key) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == len(r.items) || r.key(low) != string(key) {
		return commit{}, false
	}
	return r.items[low].commit, true
}

// runOf sorts a list of n nodes, maxFresh at most; of two with one name the newer comes first.
func runOf(newest *opNode, n int) opRun {
	var buf [maxFresh]*opNode
	list, text := buf[:n], 0
	for x, i := newest, n-1; i >= 0; x, i = x.next, i-1 { // ids often come in order
		list[i] = x
		text += len(x.userID) + 1 + len(x.opID)
	}
	slices.SortFunc(list, func(a, b *opNode) int {
		return cmp.Or(compareOps(a, b), cmp.Compare(b.version, a.version))
	})
	r := newRun(n, text)
	for _, x := range list {
		r.text.WriteString(x.userID)
		r.text.WriteByte(0)
		r.add(x.opID, x.commit, hashOp(x.userID, x.opID))
	}
	return r.finished()
}

// compareOps orders nodes by their opKeys.
func compareOps(a, b *opNode) int {
	if a.userID == b.userID {
		return strings.Compare(a.opID, b.opID)
	}
	if n := min(len(a.userID), len(b.userID)); a.userID[:n] != b.userID[:n] {
		return strings.Compare(a.userID[:n], b.userID[:n])
	}
	return strings.Compare(opKey(a.userID, a.opID), opKey(b.userID, b.opID))
}

// merge makes one run of several, the oldest first, without what was committed up to the
// horizon; of keys alike the newest comes first. It puts numbers in order first, one run
// after another, and copies each key once.
func merge(runs []opRun, horizon uint64) opRun {
	all, left, text := 0, 0, 0
	for k := range runs {
		all += len(runs[k].items)
		begin := uint32(0)
		for _, x := range runs[k].items {
			if x.version > horizon {
				left++
				text += int(x.end - begin)
			}
			begin = x.end
		}
	}
	type id struct{ run, i uint32 }
	key := func(x id) string { return runs[x.run].key(int(x.i)) }
	// The newer runs are at the end of order, merged; an older one is merged to the front
	// of them, which never overtakes what is still to be read.
	order := make([]id, all)
	newer := all
	for k := len(runs) - 1; k >= 0; k-- {
		items := len(runs[k].items)
		from, to := newer, newer-items
		newer = to
		for i := range items {
			x := id{run: uint32(k), i: uint32(i)}
			for at := key(x); from < all && key(order[from]) <= at; from, to = from+1, to+1 {
				order[to] = order[from]
			}
			order[to] = x
			to++
		}
	}
	r := newRun(left, text)
	for _, x := range order {
		if item := &runs[x.run].items[x.i]; item.version > horizon {
			r.add(key(x), item.commit, item.hash)
		}
	}
	return r.finished()
}

// hashOp hashes an opKey, eight bytes at a time. Who makes keys whose hashes meet gains
// nothing but look-ups that have to compare keys.
func hashOp(userID, opID string) uint32 {
	return uint32(hashOn(hashOn(0, userID), opID) >> 32)
}

func hashOn(h uint64, s string) uint64 {
	const odd = 0x9E3779B97F4A7C15
	h += uint64(len(s))
	for ; len(s) >= 8; s = s[8:] {
		h = (h ^ word(s, 0)) * odd
		h ^= h >> 32
	}
	rest := uint64(0)
	for i := range len(s) {
		rest = rest<<8 | uint64(s[i])
	}
	h = (h ^ rest) * odd
	return h ^ h>>32
}

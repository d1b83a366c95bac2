package board

import (
	"cmp"
	"slices"
	"strings"
)

// opIDs are the committed op ids of a log (M8): a map that never changes, as pmap is, but
// made for ids that come one by one, are looked for once and leave together. The newest
// are a list; each full list becomes a block and a run of one block. Runs of like size
// become one: its index is made anew, the blocks stay what they are. So an id costs a node
// of the list, a place in a block and a share of a few indexes, instead of a path of nodes.
// One that is not there, as of each new op, is looked for in Bloom filters alone. The zero
// value is empty.
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
		if c, ok := r.get(hash, appendOpKey(buf[:0], userID, opID)); ok {
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
	var list [maxFresh]*opNode
	for i, n := len(list)-1, m.newest; n != nil; i, n = i-1, n.next {
		list[i] = n
	}
	run := runOf(list[:])
	older, items := len(m.runs), len(run.index)
	for older > 0 && len(m.runs[older-1].index) < 2*items {
		older--
		items += len(m.runs[older].index)
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

// opRun are ids that were committed one after another. It is not changed any more once made.
type opRun struct {
	// index is in order of the hashes, among these of the keys, and of keys alike the
	// newest comes first: so keys are hardly ever looked at.
	index  []opAt
	filter []uint64  // a Bloom filter of the keys
	blocks []opBlock // the oldest first
}

// opAt is an id's hash, in the upper half, and its place: the number of its block and that in
// the block.
type opAt uint64

func newAt(hash uint32, block, i int) opAt {
	return opAt(hash)<<32 | opAt(block*maxFresh+i)
}

func (x opAt) hash() uint32 { return uint32(x >> 32) }
func (x opAt) block() int   { return int(uint32(x) / maxFresh) }

// opBlock are ids in the order in which they were committed, packed without pointers.
type opBlock struct {
	text  string // the keys, one behind the other
	first uint64 // the version of the first
	items []opItem
}

type opItem struct {
	end   uint32 // of the key in text
	later uint32 // than first
	hash  [16]byte
}

func (b *opBlock) key(i int) string {
	begin := uint32(0)
	if i > 0 {
		begin = b.items[i-1].end
	}
	return b.text[begin:b.items[i].end]
}

func (b *opBlock) commit(i int) commit {
	return commit{version: b.first + uint64(b.items[i].later), hash: b.items[i].hash}
}

// gone reports whether all were committed up to a horizon.
func (b *opBlock) gone(horizon uint64) bool { return b.commit(len(b.items)-1).version <= horizon }

// newBlock packs ids in order of their versions.
func newBlock(ids []*opNode) opBlock {
	size := 0
	for _, x := range ids {
		size += len(x.userID) + 1 + len(x.opID)
	}
	b := opBlock{first: ids[0].version, items: make([]opItem, len(ids))}
	var text strings.Builder
	text.Grow(size)
	for i, x := range ids {
		text.WriteString(x.userID)
		text.WriteByte(0)
		text.WriteString(x.opID)
		b.items[i] = opItem{end: uint32(text.Len()), later: uint32(x.version - b.first), hash: x.hash}
	}
	b.text = text.String()
	return b
}

// runOf makes a run of ids in order of their versions.
func runOf(ids []*opNode) opRun {
	r := opRun{index: make([]opAt, len(ids)), blocks: make([]opBlock, 0, (len(ids)+maxFresh-1)/maxFresh)}
	for block := range slices.Chunk(ids, maxFresh) {
		for i, x := range block {
			r.index[len(r.blocks)*maxFresh+i] = newAt(hashOp(x.userID, x.opID), len(r.blocks), i)
		}
		r.blocks = append(r.blocks, newBlock(block))
	}
	slices.SortFunc(r.index, r.compare)
	r.sift()
	return r
}

// sift makes the filter, of 16 bits for each key.
func (r *opRun) sift() {
	r.filter = make([]uint64, len(r.index)/4+1)
	for _, x := range r.index {
		word, bits := place(r.filter, x.hash())
		*word |= bits
	}
}

// place tells which bits of a filter stand for a hash: three of one word.
func place(filter []uint64, hash uint32) (word *uint64, bits uint64) {
	i := uint64(hash) * uint64(len(filter)) >> 32
	mixed := hash * 0x9E3779B1
	return &filter[i], 1<<(mixed>>26) | 1<<(mixed>>20&63) | 1<<(mixed>>14&63)
}

func (r *opRun) key(x opAt) string { return r.blocks[x.block()].key(int(x % maxFresh)) }

// compare orders two ids of the run.
func (r *opRun) compare(x, y opAt) int {
	if x.hash() != y.hash() {
		return cmp.Compare(x, y)
	}
	return cmp.Or(strings.Compare(r.key(x), r.key(y)), cmp.Compare(y, x))
}

// get finds the newest commit of a key.
func (r *opRun) get(hash uint32, key []byte) (commit, bool) {
	low, high := 0, len(r.index)
	for low < high {
		mid := int(uint(low+high) / 2)
		if x := r.index[mid]; x.hash() < hash || x.hash() == hash && r.key(x) < string(key) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == len(r.index) || r.index[low].hash() != hash || r.key(r.index[low]) != string(key) {
		return commit{}, false
	}
	x := r.index[low]
	return r.blocks[x.block()].commit(int(x % maxFresh)), true
}

// merge makes one run of several, the oldest first, without the blocks that are gone.
func merge(runs []opRun, horizon uint64) opRun {
	blocks, all := 0, 0
	for k := range runs {
		gone, left := runs[k].leaving(horizon)
		blocks += len(runs[k].blocks) - gone
		all += left
	}
	m := opRun{index: make([]opAt, all), blocks: make([]opBlock, blocks)}
	// The newer runs are at the end of the index, merged; an older one is merged to the
	// front of them, which never overtakes what is still to be read.
	newer, after := all, blocks
	for k := len(runs) - 1; k >= 0; k-- {
		gone, left := runs[k].leaving(horizon)
		after -= len(runs[k].blocks) - gone
		copy(m.blocks[after:], runs[k].blocks[gone:])
		from, to := newer, newer-left
		newer = to
		for _, x := range runs[k].index {
			if x.block() < gone {
				continue
			}
			x = newAt(x.hash(), x.block()-gone+after, int(x%maxFresh))
			for ; from < all && m.compare(m.index[from], x) < 0; from, to = from+1, to+1 {
				m.index[to] = m.index[from]
			}
			m.index[to] = x
			to++
		}
	}
	m.sift()
	return m
}

// leaving counts the blocks that are gone, which are the first, and the ids of the others.
func (r *opRun) leaving(horizon uint64) (gone, left int) {
	for _, b := range r.blocks {
		if b.gone(horizon) {
			gone++
		} else {
			left += len(b.items)
		}
	}
	return gone, left
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

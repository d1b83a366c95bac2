package room

import (
	"sort"
	"sync"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

const (
	slabMin = 2 << 10
	slabMax = 64 << 10
)

// tail keeps the newest entries of a log framed and ready to write. Frames of
// consecutive versions lie side by side in slabs, so that what a session has missed
// is one slice of memory that everybody shares. Slabs are only ever appended to;
// dropped ones are left to the garbage collector, so a slice handed out stays valid.
type tail struct {
	maxEntries int
	maxBytes   int

	mu sync.RWMutex
	// kept[i] is the entry of version first+i.
	first uint64
	kept  []kept
	bytes int
	slab  []byte // the newest one
	// head is the last version that readers may go to on their own. It trails the
	// last kept version between add and publish, while answers are being handed out.
	head uint64
}

type kept struct {
	slab  []byte // up to and including this entry's frame
	start int
	entry *board.Entry
}

func (k kept) frame() []byte { return k.slab[k.start:] }

func newTail(head uint64, maxEntries, maxBytes int) *tail {
	return &tail{maxEntries: maxEntries, maxBytes: maxBytes, first: head + 1, head: head}
}

// add frames the envelope of an entry, which must be of the next version, and drops
// what is beyond the limits.
func (t *tail) add(e *board.Entry, envelope []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	need := len(envelope) + wire.FrameHeaderMax
	if cap(t.slab)-len(t.slab) < need {
		t.slab = make([]byte, 0, max(need, min(slabMax, max(slabMin, 2*cap(t.slab)))))
	}
	start := len(t.slab)
	t.slab = wire.AppendFrame(t.slab, envelope)
	t.kept = append(t.kept, kept{slab: t.slab, start: start, entry: e})
	t.bytes += len(t.slab) - start

	drop := 0
	for drop < len(t.kept)-1 && (len(t.kept)-drop > t.maxEntries || t.bytes > t.maxBytes) {
		t.bytes -= len(t.kept[drop].frame())
		t.kept[drop] = kept{}
		drop++
	}
	t.first += uint64(drop)
	t.kept = t.kept[drop:]
}

// publish lets readers go up to a version.
func (t *tail) publish(head uint64) {
	t.mu.Lock()
	t.head = head
	t.mu.Unlock()
}

// reset forgets everything: the next entry to be added is head+1.
func (t *tail) reset(head uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.first, t.head = head+1, head
	t.kept, t.bytes, t.slab = nil, 0, nil
}

// published returns the version that readers may go to.
func (t *tail) published() uint64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.head
}

// span returns frames of versions after from up to at most to, side by side in one
// slice of at most max bytes but at least one frame, and the version it ends with.
// to = 0 means the published head. It reports false if an entry after from is no
// longer kept; next == from and an empty slice mean that there is nothing.
func (t *tail) span(from, to uint64, maxBytes int) (frames []byte, next uint64, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if to == 0 {
		to = t.head
	}
	if from >= to {
		return nil, from, true
	}
	if from+1 < t.first {
		return nil, from, false
	}
	i := int(from + 1 - t.first)
	last := int(to - t.first)
	if last >= len(t.kept) {
		last = len(t.kept) - 1
	}
	if i > last {
		return nil, from, true
	}
	begin := t.kept[i]
	// Entries that share a slab share its first byte; a later entry sees it longer.
	end := i + sort.Search(last-i, func(n int) bool {
		k := t.kept[i+n+1]
		return !sameSlab(begin.slab, k.slab) || len(k.slab)-begin.start > maxBytes
	})
	slab := t.kept[end].slab
	return slab[begin.start:len(slab):len(slab)], t.first + uint64(end), true
}

func sameSlab(a, b []byte) bool { return &a[0] == &b[0] }

// entries returns the entries after from up to the published head, or false if they
// are no longer all kept. The frames are whole, as span gives them.
func (t *tail) entries(from uint64) (list []*board.Entry, frames [][]byte, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if from+1 < t.first {
		return nil, nil, false
	}
	if from >= t.head {
		return nil, nil, true
	}
	part := t.kept[from+1-t.first : t.head+1-t.first]
	list = make([]*board.Entry, len(part))
	frames = make([][]byte, len(part))
	for i, k := range part {
		list[i], frames[i] = k.entry, k.frame()
	}
	return list, frames, true
}

// entry returns one entry if it is still kept.
func (t *tail) entry(version uint64) *board.Entry {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if version < t.first || version >= t.first+uint64(len(t.kept)) {
		return nil
	}
	return t.kept[version-t.first].entry
}

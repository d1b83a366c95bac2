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
// Beside each frame stands the record, as text: entries are wanted rarely, and a
// thousand of them in pieces are what the garbage collector of a busy server would walk.
type tail struct {
	maxEntries int
	maxBytes   int

	mu sync.RWMutex
	// epoch is the one that versions count in; "" while nothing can be seen.
	epoch string
	// kept()[i] is the entry of version first+i.
	first   uint64
	all     []kept // the first dropped of them are zero
	dropped int
	bytes   int
	slab    []byte // the newest one
	// following is the newest slab of what kept.following are parts of.
	following []byte
	// head is the last version that readers may go to on their own. It trails the
	// last kept version between add and publish, while answers are being handed out.
	head uint64
}

type kept struct {
	slab  []byte // up to and including this entry's frame
	start int
	// following is the entry as it goes together with the one before it (R10); empty if
	// it goes alone.
	following []byte
	// record is the entry as board.ParseRecord reads it.
	record []byte
}

func (k kept) frame() []byte { return k.slab[k.start:] }

// size is what it takes of the bytes that a tail may keep.
func (k kept) size() int { return len(k.slab) - k.start + len(k.following) }

func (t *tail) kept() []kept { return t.all[t.dropped:] }

// lastLocked is the newest version kept, or the one before the first to come.
func (t *tail) lastLocked() uint64 { return t.first + uint64(len(t.kept())) - 1 }

func newTail(epoch string, head uint64, maxEntries, maxBytes int) *tail {
	return &tail{maxEntries: maxEntries, maxBytes: maxBytes, epoch: epoch, first: head + 1, head: head}
}

// add frames the envelope of a record, which e is, and drops what is beyond the limits. An entry
// that does not follow on what is kept (a dashboard brought back, a new epoch) leaves
// the tail empty behind it: every cursor finds that it has to catch up.
func (t *tail) add(e *board.Entry, record board.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.epoch == "" && t.head == 0 && e.Version == 1 {
		t.epoch = e.Epoch
	}
	if t.epoch != e.Epoch || t.lastLocked()+1 != e.Version {
		t.resetLocked(e.Epoch, e.Version)
		return
	}
	need := len(record.Envelope) + wire.FrameHeaderMax
	t.slab = withRoom(t.slab, need)
	start := len(t.slab)
	t.slab = wire.AppendFrame(t.slab, record.Envelope)
	newest := kept{slab: t.slab, start: start, following: t.followingLocked(record.Envelope), record: record.Data}
	if len(t.all) == cap(t.all) && t.dropped > len(t.all)/2 {
		n := copy(t.all, t.kept())
		clear(t.all[n:])
		t.all, t.dropped = t.all[:n], 0
	}
	t.all = append(t.all, newest)
	t.bytes += newest.size()
	for n := len(t.kept()); n > 1 && (n > t.maxEntries || t.bytes > t.maxBytes); n-- {
		t.bytes -= t.all[t.dropped].size()
		t.all[t.dropped] = kept{}
		t.dropped++
		t.first++
	}
}

// withRoom returns the slab to append so many bytes to.
func withRoom(slab []byte, need int) []byte {
	if cap(slab)-len(slab) < need {
		return make([]byte, 0, max(need, min(slabMax, max(slabMin, 2*cap(slab)))))
	}
	return slab
}

// publish lets readers go up to the newest entry.
func (t *tail) publish() {
	t.mu.Lock()
	t.head = t.lastLocked()
	t.mu.Unlock()
}

// reset forgets everything: the next entry to be added is head+1 of an epoch.
func (t *tail) reset(epoch string, head uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.resetLocked(epoch, head)
}

func (t *tail) resetLocked(epoch string, head uint64) {
	t.epoch, t.first, t.head = epoch, head+1, head
	t.all, t.dropped, t.bytes, t.slab, t.following = nil, 0, 0, nil, nil
}

// keepsLocked reports whether a cursor stands on the log that is kept, at or after
// the version before the first one kept. A cursor on an empty dashboard stands
// before version 1 of any epoch (R6).
func (t *tail) keepsLocked(epoch string, from uint64) bool {
	return (epoch == t.epoch || epoch == "" && from == 0) && from+1 >= t.first
}

// on reports whether what is kept, or comes next, counts in an epoch.
func (t *tail) on(epoch string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.epoch == epoch
}

// span returns frames of versions after at.Sent up to at most to, side by side in one
// slice of at most maxBytes but at least one frame, and the version it ends with.
// A to beyond all that is kept means the published head. It reports false if what follows is no longer
// kept; next == at.Sent and an empty slice mean that there is nothing. It tells a
// cursor on an empty dashboard the epoch that the first entry has brought.
func (t *tail) span(at *Cursors, to uint64, maxBytes int) (frames []byte, next uint64, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if !t.keepsLocked(at.Epoch, at.Sent) {
		return nil, at.Sent, false
	}
	list := t.nextLocked(at, to)
	if len(list) == 0 {
		return nil, at.Sent, true
	}
	at.Epoch = t.epoch
	begin := list[0]
	// Entries that share a slab share its first byte; a later entry sees it longer.
	last := sort.Search(len(list)-1, func(n int) bool {
		k := list[n+1]
		return !sameSlab(begin.slab, k.slab) || len(k.slab)-begin.start > maxBytes
	})
	slab := list[last].slab
	return slab[begin.start:len(slab):len(slab)], at.Sent + uint64(last) + 1, true
}

// nextLocked are the entries after a cursor up to at most to; a to beyond all that is kept
// means the published head. It is empty if what follows is no longer kept.
func (t *tail) nextLocked(at *Cursors, to uint64) []kept {
	if to > t.lastLocked() {
		to = t.head
	}
	if at.Sent >= to || !t.keepsLocked(at.Epoch, at.Sent) {
		return nil
	}
	return t.kept()[at.Sent+1-t.first : to+1-t.first]
}

func sameSlab(a, b []byte) bool { return &a[0] == &b[0] }

// records returns the records after a version up to the published head, or false if
// they are no longer all kept. The frames are whole, as span gives them.
func (t *tail) records(epoch string, from uint64) (records, frames [][]byte, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if !t.keepsLocked(epoch, from) {
		return nil, nil, false
	}
	if from >= t.head {
		return nil, nil, true
	}
	part := t.kept()[from+1-t.first : t.head+1-t.first]
	records, frames = make([][]byte, len(part)), make([][]byte, len(part))
	for i, k := range part {
		records[i], frames[i] = k.record, k.frame()
	}
	return records, frames, true
}

// record returns the record of one entry if it is still kept, else nil.
func (t *tail) record(epoch string, version uint64) []byte {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if epoch != t.epoch || version < t.first || version > t.lastLocked() {
		return nil
	}
	return t.kept()[version-t.first].record
}

package room

import (
	"sort"
	"sync"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

// Entries that are older than keepFor are kept no longer than there are keepAlways of them: a dashboard
// that is edited hundreds of times a second has no use for more, and takes memory by what a few
// seconds bring.
const (
	keepAlways = 256
	keepFor    = 3 * time.Second
)

// tail keeps the newest entries of a log framed and ready to write. Frames of
// consecutive versions lie side by side in slabs, so that what a session has missed
// is one slice of memory that everybody shares.
// Beside each frame stands what its record has beyond it, as text: entries are wanted rarely, and a
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
	// Where the pieces of what is kept lie.
	frames, following, heads slabs
	// head is the last version that readers may go to on their own. It trails the
	// last kept version between add and publish, while answers are being handed out.
	head uint64
}

// kept is what is kept of one entry. It has no pointers.
type kept struct {
	frame piece
	// following is the entry as it goes together with the one before it (R10); none if nobody
	// has wanted that yet, or if it goes alone.
	following piece
	// head is what the record has beside the frame (board.Record.Head).
	head  piece
	alone bool
	at    moment
}

// moment is a time in milliseconds, of which the highest bits are left out.
type moment uint32

func momentOf(t time.Time) moment { return moment(t.UnixMilli()) }

// after is how long a moment was after another.
func (m moment) after(other moment) time.Duration {
	return time.Duration(int32(m-other)) * time.Millisecond
}

// size is what it takes of the bytes that a tail may keep.
func (k kept) size() int { return k.frame.len() + k.following.len() }

// recordOf is an entry as board.ParseRecord reads it.
func (t *tail) recordOf(k kept) []byte {
	envelope, _ := wire.NextFrame(t.frames.text(k.frame))
	return board.RecordOf(t.heads.text(k.head), envelope)
}

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
	newest := keep(&t.frames, &t.heads, record.Head(), record.Envelope)
	newest.at = momentOf(e.Time)
	if len(t.all) == cap(t.all) && t.dropped > len(t.all)/2 {
		n := copy(t.all, t.kept())
		clear(t.all[n:])
		t.all, t.dropped = t.all[:n], 0
	}
	t.all = append(t.all, newest)
	t.bytes += newest.size()
	t.trimLocked()
}

// keep takes in an entry by the two parts of its record.
func keep(frames, heads *slabs, head, envelope []byte) kept {
	return kept{
		frame: frames.keep(wire.AppendFrame(frames.room(len(envelope)+wire.FrameHeaderMax), envelope)),
		head:  heads.keep(append(heads.room(len(head)), head...)),
	}
}

// trimLocked drops what is beyond the limits.
func (t *tail) trimLocked() {
	for n := len(t.kept()); n > 1; n-- {
		old := n > keepAlways && t.all[len(t.all)-1].at.after(t.all[t.dropped].at) > keepFor
		if n <= t.maxEntries && t.bytes <= t.maxBytes && !old {
			break
		}
		k := &t.all[t.dropped]
		t.bytes -= k.size()
		t.frames.drop(k.frame)
		t.following.drop(k.following)
		t.heads.drop(k.head)
		t.dropped++
		t.first++
	}
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
	t.all, t.dropped, t.bytes = nil, 0, 0
	t.frames, t.following, t.heads = slabs{}, slabs{}, slabs{}
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
	begin := list[0].frame
	last := sort.Search(len(list)-1, func(n int) bool {
		p := list[n+1].frame
		return p.slab != begin.slab || int(p.end-begin.start) > maxBytes
	})
	return t.frames.span(begin, list[last].frame), at.Sent + uint64(last) + 1, true
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

// parts returns the parts of the records after a version up to the published head, or false if
// they are no longer all kept. The frames are whole, as span gives them.
func (t *tail) parts(epoch string, from uint64) (heads, frames [][]byte, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if !t.keepsLocked(epoch, from) {
		return nil, nil, false
	}
	if from >= t.head {
		return nil, nil, true
	}
	part := t.kept()[from+1-t.first : t.head+1-t.first]
	heads, frames = make([][]byte, len(part)), make([][]byte, len(part))
	for i, k := range part {
		heads[i], frames[i] = t.heads.text(k.head), t.frames.text(k.frame)
	}
	return heads, frames, true
}

// record returns the record of one entry if it is still kept, else nil.
func (t *tail) record(epoch string, version uint64) []byte {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if epoch != t.epoch || version < t.first || version > t.lastLocked() {
		return nil
	}
	return t.recordOf(t.kept()[version-t.first])
}

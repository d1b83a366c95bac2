package room

import (
	"time"

	"github.com/dashwire/dashwire/internal/wire"
)

// togetherMax is the longest envelope that goes together with others (R10). What a longer
// one shares with the one before it is not worth being kept in two forms.
const togetherMax = 1 << 10

// followLocked makes entries as they go together with the one before each, as far as that has
// not been done and maxBytes go: there must be somebody who takes them so.
func (t *tail) followLocked(list []kept, maxBytes int) {
	for i := 1; i < len(list) && list[i].short() && maxBytes > 0; i++ {
		k := &list[i]
		if !k.alone && k.following == (piece{}) {
			before, _ := wire.NextFrame(t.frames.text(list[i-1].frame))
			envelope, _ := wire.NextFrame(t.frames.text(k.frame))
			k.following = t.following.keep(wire.AppendFollowing(t.following.room(len(envelope)), before, envelope))
			k.alone = k.following == (piece{})
			t.bytes += k.following.len()
		}
		maxBytes -= k.following.len()
	}
}

// short reports whether an entry may go together with the one before it.
func (k kept) short() bool { return k.frame.len() <= togetherMax+wire.FrameHeaderMax }

// Joiner makes frames of entries that go together (R10). Sessions that are written to one
// after another mostly stand at the same place: for these it makes the frame once. It is
// used by one goroutine at a time.
type Joiner struct {
	made  Reach
	next  uint64 // the version that the frame reaches
	frame []byte // nil = none was made
}

// Reach is what a frame is made for: the entries of a log after from up to to, as far as
// maxBytes go.
type Reach struct {
	tail     *tail
	epoch    string
	from, to uint64
	maxBytes int
}

// NextTogether is NextEntries for a client that takes entries together (R10): one frame
// with two of them at least, or nil, and the version Sent, if no two go together or fit; and
// whether more was wanted than it holds. want is what Several has just told. The frame must not
// be modified, and is valid until j is used again.
func (s *Subscription) NextTogether(j *Joiner, want Reach, now time.Time) (frame []byte, next uint64, more bool) {
	if j.frame == nil || j.made != want {
		t := want.tail
		t.mu.Lock()
		list := t.nextLocked(&s.Cursors, want.to)
		t.followLocked(list, want.maxBytes)
		j.made, j.next = t.reachLocked(&s.Cursors, list, want.maxBytes), s.Sent
		if several(list) {
			j.next += uint64(j.join(t, list, want.maxBytes, s.room.id, now))
		} else {
			j.frame = j.frame[:0]
		}
		t.trimLocked() // both forms count
		t.mu.Unlock()
	}
	if len(j.frame) > 0 {
		s.Epoch = j.made.epoch
	}
	return j.frame, j.next, j.next < j.made.to
}

// Several tells what NextTogether is to make a frame for, up to at most version to and maxBytes as in
// NextEntries; false if no two entries may go together.
func (s *Subscription) Several(to uint64, maxBytes int) (want Reach, ok bool) {
	t := s.room.tail
	t.mu.RLock()
	defer t.mu.RUnlock()
	list := t.nextLocked(&s.Cursors, to)
	return t.reachLocked(&s.Cursors, list, maxBytes), several(list)
}

func (t *tail) reachLocked(at *Cursors, list []kept, maxBytes int) Reach {
	return Reach{tail: t, epoch: t.epoch, from: at.Sent, to: at.Sent + uint64(len(list)), maxBytes: maxBytes}
}

func several(list []kept) bool {
	return len(list) > 1 && list[1].short() && !list[1].alone
}

// join makes a frame of the first of some entries of a tail, which is locked, and returns of how many.
func (j *Joiner) join(t *tail, list []kept, maxBytes int, id string, now time.Time) (n int) {
	first, _ := wire.NextFrame(t.frames.text(list[0].frame))
	frame, ok := wire.BeginEntries(j.frame[:0], id, t.epoch, first, now)
	for n = 1; ok && n < len(list); n++ {
		next := t.following.text(list[n].following)
		if len(next) == 0 || !wire.EntriesFit(frame, len(next), maxBytes) {
			break
		}
		frame = append(frame, next...)
	}
	if n < 2 {
		j.frame = frame[:0]
		return 0
	}
	j.frame = wire.EndEntries(frame)
	return n
}

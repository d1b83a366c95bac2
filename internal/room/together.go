package room

import (
	"time"

	"github.com/dashwire/dashwire/internal/wire"
)

// togetherMax is the longest envelope that goes together with others (R10). What a longer
// one shares with the one before it is not worth being kept in two forms.
const togetherMax = 1 << 10

// followingLocked returns the next entry as it goes together with the newest one that is
// kept, if it does.
func (t *tail) followingLocked(envelope []byte) []byte {
	list := t.kept()
	if len(list) == 0 || len(envelope) > togetherMax {
		return nil
	}
	before, _ := wire.NextFrame(list[len(list)-1].frame())
	t.following = withRoom(t.following, len(envelope))
	start := len(t.following)
	t.following = wire.AppendFollowing(t.following, before, envelope)
	end := len(t.following)
	return t.following[start:end:end]
}

// Joiner makes frames of entries that go together (R10). Sessions that are written to one
// after another mostly stand at the same place: for these it makes the frame once. It is
// used by one goroutine at a time.
type Joiner struct {
	made  reach
	next  uint64 // the version that the frame reaches
	frame []byte // nil = none was made
}

// reach is what a frame was made for: the entries of a log after from up to to, as far as
// maxBytes go.
type reach struct {
	tail     *tail
	epoch    string
	from, to uint64
	maxBytes int
}

// NextTogether is NextEntries for a client that takes entries together (R10): one frame
// with two of them at least, or nil, and the version Sent, if no two go together or fit.
// The frame must not be modified, and is valid until j is used again.
func (s *Subscription) NextTogether(j *Joiner, to uint64, maxBytes int) (frame []byte, next uint64) {
	t := s.room.tail
	t.mu.RLock()
	defer t.mu.RUnlock()
	list := t.nextLocked(&s.Cursors, to)
	if !several(list) {
		return nil, s.Sent
	}
	want := reach{tail: t, epoch: t.epoch, from: s.Sent, to: s.Sent + uint64(len(list)), maxBytes: maxBytes}
	if j.frame == nil || j.made != want {
		n := j.join(list, maxBytes, s.room.id, t.epoch, s.room.hub.cfg.Clock.Now())
		j.made, j.next = want, s.Sent+uint64(n)
	}
	if len(j.frame) > 0 {
		s.Epoch = t.epoch
	}
	return j.frame, j.next
}

// Several tells whether NextTogether may have something to give.
func (s *Subscription) Several(to uint64) bool {
	t := s.room.tail
	t.mu.RLock()
	defer t.mu.RUnlock()
	return several(t.nextLocked(&s.Cursors, to))
}

func several(list []kept) bool { return len(list) > 1 && len(list[1].following) > 0 }

// join makes a frame of the first of some entries and returns of how many.
func (j *Joiner) join(list []kept, maxBytes int, id, epoch string, now time.Time) (n int) {
	first, _ := wire.NextFrame(list[0].frame())
	frame, ok := wire.BeginEntries(j.frame[:0], id, epoch, first, now)
	for n = 1; ok && n < len(list); n++ {
		next := list[n].following
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

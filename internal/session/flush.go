package session

import (
	"sync"
	"time"

	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/wire"
)

// maxWrite is the most that one write gathers, in bytes; a longer frame goes alone.
const maxWrite = 64 << 10

// writeBuffers hold what is gathered from several places for one write.
var writeBuffers = sync.Pool{New: func() any {
	b := make([]byte, 0, maxWrite)
	return &b
}}

// Flush implements room.Subscriber.
func (s *Session) Flush(now time.Time, paced bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pace := s.server.cfg.Hub.Pace()
	if paced {
		// Sweeps visit sessions at slightly different moments: a quarter is close enough.
		if now.Add(pace / 4).Before(s.nextPaced) {
			if !s.late {
				s.late = true
				s.server.cfg.Hub.FlushAt(s, s.nextPaced)
			}
			return
		}
		s.nextPaced = now.Add(pace)
	} else {
		s.urgent = false
		if s.late && !now.Before(s.nextPaced) {
			s.late = false
			s.nextPaced = now.Add(pace)
		}
	}
	s.flushLocked(now)
}

// Writable tells that a write that did not fit has gone out.
func (s *Session) Writable() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocked = false
	s.flushLocked(s.server.cfg.Clock.Now())
}

// flushLocked writes what is due until nothing is or the transport is full.
func (s *Session) flushLocked(now time.Time) {
	if s.gone {
		return
	}
	for !s.blocked {
		if len(s.rest) == 0 {
			s.gatherLocked(now)
		}
		if len(s.rest) == 0 {
			break
		}
		n, ready := s.transport.Write(s.rest)
		s.lastOut = now
		s.rest = s.rest[n:]
		if len(s.rest) == 0 {
			s.doneWritingLocked()
		}
		if !ready {
			s.blocked, s.blockedSince = true, now
			s.server.hold(int64(len(s.rest)) - s.heldBytes)
			s.heldBytes = int64(len(s.rest))
		}
	}
	if s.closing != nil && len(s.rest) == 0 && len(s.answers) == 0 {
		s.transport.Close(s.closing.code, s.closing.reason)
	}
}

// doneWritingLocked gives back what the last write held.
func (s *Session) doneWritingLocked() {
	s.rest = nil
	if s.restBuffer != nil {
		*s.restBuffer = (*s.restBuffer)[:0]
		writeBuffers.Put(s.restBuffer)
		s.restBuffer = nil
	}
	if s.heldBytes > 0 {
		s.server.hold(-s.heldBytes)
		s.heldBytes = 0
	}
}

// gather collects frames for one write. The first piece is borrowed from where it
// lies; only if a second follows are both copied together.
type gather struct {
	borrowed []byte
	buffer   *[]byte
}

func (g *gather) len() int {
	if g.buffer != nil {
		return len(*g.buffer)
	}
	return len(g.borrowed)
}

// room returns how many bytes may still be added.
func (g *gather) room() int { return maxWrite - g.len() }

// add takes a frame, or several, that will never be modified.
func (g *gather) add(frames []byte) {
	switch {
	case len(frames) == 0:
	case g.buffer == nil && g.borrowed == nil:
		g.borrowed = frames
	default:
		b := g.own()
		*b = append(*b, frames...)
	}
}

// own returns the buffer to append to.
func (g *gather) own() *[]byte {
	if g.buffer == nil {
		g.buffer = writeBuffers.Get().(*[]byte)
		*g.buffer = append((*g.buffer)[:0], g.borrowed...)
		g.borrowed = nil
	}
	return g.buffer
}

// gatherLocked fills s.rest with whole frames: answers in order, each after all that
// it must not overtake (R2), then everything up to the heads.
func (s *Session) gatherLocked(now time.Time) {
	var g gather
	entries := 0
	defer func() {
		s.rest, s.restBuffer = g.borrowed, g.buffer
		if g.buffer != nil {
			s.rest = *g.buffer
		}
		if entries > 0 {
			s.server.stats.delivered.Add(uint64(entries))
			if f := s.server.cfg.Hooks.Deliver; f != nil {
				f(entries, len(s.rest))
			}
		}
	}()

	written := 0
	for written < len(s.answers) && g.room() > 0 {
		a := &s.answers[written]
		if a.frame == nil && !s.answerLocked(a, &g, &entries, now) {
			break
		}
		if a.frame != nil {
			if g.len() > 0 && len(a.frame) > g.room() {
				break
			}
			g.add(a.frame)
		}
		written++
	}
	if written > 0 {
		clear(s.answers[:written])
		s.answers = s.answers[written:]
		if len(s.answers) == 0 {
			s.answers = nil
		}
		s.room.Broadcast()
	}
	if s.ended {
		return
	}
	for _, sub := range s.subs {
		if g.room() <= 0 {
			return
		}
		if s.advanceLocked(sub, 0, &g, &entries) {
			s.liveLocked(sub, &g)
		}
	}
}

// answerLocked gathers an answer that names a version, after everything before it.
// It reports false if that does not fit yet or must be caught up with first.
func (s *Session) answerLocked(a *answer, g *gather, entries *int, now time.Time) bool {
	sub := a.sub
	if sub != nil && (sub.dead || sub.Subscription == nil) {
		sub = nil
	}
	inStream := false
	if sub != nil {
		version := answeredVersion(&a.room)
		upTo := version
		committed := a.room.Committed && (sub.Epoch == a.room.Epoch || sub.Epoch == "")
		if committed {
			upTo--
		}
		if (len(sub.backlog) > 0 || sub.catching || sub.Sent < upTo) && !s.advanceLocked(sub, upTo, g, entries) {
			return false
		}
		if inStream = committed && sub.Sent == upTo; inStream {
			sub.Sent = version
		}
	}
	if g.room() < 512 && g.len() > 0 {
		return false
	}
	b := g.own()
	*b = s.appendAnswer(*b, a, inStream, now)
	return true
}

// answeredVersion is the version that an answer names.
func answeredVersion(a *room.Answer) uint64 {
	if a.Conflict != nil {
		return a.Conflict.Version
	}
	return a.Ack.Version
}

// appendAnswer frames an ACK or a CONFLICT_DETECTED.
func (s *Session) appendAnswer(dst []byte, a *answer, inStream bool, now time.Time) []byte {
	buf := writeBuffers.Get().(*[]byte)
	defer writeBuffers.Put(buf)
	if a.room.Conflict != nil {
		*buf = wire.AppendConflict((*buf)[:0], a.correlationID, a.room.Conflict, now)
	} else {
		*buf = wire.AppendAck((*buf)[:0], a.correlationID, wire.Ack{
			DashboardID: a.dashboardID, InStream: inStream,
			Durability: string(a.room.Durability), Of: a.room.Ack,
		}, now)
	}
	return wire.AppendFrame(dst, *buf)
}

// advanceLocked gathers what comes next on a dashboard up to a version (0 = the
// head). It reports whether it got there: not if the write is full, or if the
// session has to catch up first, which it then starts.
func (s *Session) advanceLocked(sub *subscription, to uint64, g *gather, entries *int) bool {
	if sub.catching {
		return false
	}
	for len(sub.backlog) > 0 {
		if g.len() > 0 && len(sub.backlog[0]) > g.room() {
			return false
		}
		g.add(sub.backlog[0])
		sub.backlog[0] = nil
		sub.backlog = sub.backlog[1:]
	}
	for {
		if g.room() <= 0 {
			return false
		}
		frames, next, ok := sub.NextEntries(to, g.room())
		if !ok {
			s.catchUpLocked(sub)
			return false
		}
		if next == sub.Sent {
			return true
		}
		if g.len() > 0 && len(frames) > g.room() {
			return false
		}
		g.add(frames)
		*entries += int(next - sub.Sent)
		sub.Sent = next
	}
}

// liveLocked gathers changed live values and presence.
func (s *Session) liveLocked(sub *subscription, g *gather) {
	frame, next := sub.NextValues()
	if g.len() > 0 && len(frame) > g.room() {
		return
	}
	g.add(frame)
	sub.Values = next
	frame, next, ok := sub.NextPresence()
	if !ok {
		s.catchUpLocked(sub)
		return
	}
	if g.len() > 0 && len(frame) > g.room() {
		return
	}
	g.add(frame)
	sub.Presence = next
}

// catchUpLocked has a subscription that fell behind brought to the head (R5), in a
// goroutine, since that may read the journal.
func (s *Session) catchUpLocked(sub *subscription) {
	sub.catching = true
	from := sub.Cursors
	s.server.stats.caughtUp.Add(1)
	s.server.wg.Go(func() {
		frames, after := sub.CatchUp(s.server.ctx, from)
		s.mu.Lock()
		defer s.mu.Unlock()
		if sub.dead || s.gone {
			return
		}
		sub.backlog, sub.Cursors, sub.catching = frames, after, false
		s.flushLocked(s.server.cfg.Clock.Now())
	})
}

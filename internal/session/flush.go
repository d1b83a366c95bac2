package session

import (
	"bytes"
	"math"
	"sync"
	"time"

	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/wire"
)

// Flush implements room.Subscriber.
func (s *Session) Flush(now time.Time, paced bool) {
	at := s.server.moment(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !paced {
		s.urgent = false
		// The write that a paced one was put off to has come. It is known by its own time:
		// a sweep may have been paced anew just before it.
		if s.late && at >= s.lateAt {
			s.late = false
			s.nextPaced = at + moment(s.server.cfg.Hub.Pace())
		}
		s.flushLocked(now)
		return
	}
	if at < s.nextPaced {
		if !s.late {
			s.late, s.lateAt = true, s.nextPaced
			s.server.cfg.Hub.FlushAt(s, s.server.time(s.lateAt))
		}
		return
	}
	if s.flushLocked(now) {
		s.nextPaced = at + moment(s.server.cfg.Hub.Pace())
	}
}

// Writable tells that a write that did not fit has gone out.
func (s *Session) Writable() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocked = false
	s.heldLocked()
	s.flushLocked(s.server.cfg.Clock.Now())
}

// flushLocked writes what is due at this moment, as far as the transport takes it, and
// reports whether it wrote anything. What becomes due meanwhile has its own turn.
func (s *Session) flushLocked(now time.Time) (wrote bool) {
	if s.gone {
		return false
	}
	for more := true; !s.blocked; {
		var joiner *room.Joiner
		if len(s.rest) == 0 && more {
			more, joiner = s.gatherLocked(now)
		}
		if len(s.rest) == 0 {
			break
		}
		n, ready := s.transport.Write(s.rest)
		wrote = true
		s.lastOut = s.server.moment(now)
		s.rest = s.rest[n:]
		if joiner != nil {
			if len(s.rest) > 0 && s.restBuffer == nil {
				s.rest = bytes.Clone(s.rest)
			}
			s.server.joiners.put(joiner)
		}
		if len(s.rest) == 0 {
			s.doneWritingLocked()
		}
		if !ready {
			s.blocked, s.blockedSince = true, s.server.moment(now)
			s.heldLocked()
		}
	}
	if s.closing != nil && len(s.rest)+len(s.answers) == 0 {
		s.transport.Close(s.closing.code, s.closing.reason)
	}
	return wrote
}

// doneWritingLocked gives back what the last write held.
func (s *Session) doneWritingLocked() {
	s.rest = nil
	if s.restBuffer != nil {
		s.server.buffers.put(s.restBuffer)
		s.restBuffer = nil
	}
	s.heldLocked()
}

// heldLocked counts what the session holds while its connection takes nothing (R5).
func (s *Session) heldLocked() {
	var held int64
	if s.blocked && !s.gone {
		held = int64(len(s.rest) + s.backlog)
	}
	if held != s.heldBytes {
		s.server.hold(held - s.heldBytes)
		s.heldBytes = held
	}
}

// gatherLocked fills s.rest with whole frames: answers in order, each after all that
// it must not overtake (R2), then everything up to the heads. It reports whether there
// is more than one write holds. If there is a joiner, s.rest may be its own, and it is to be given
// back after the write.
func (s *Session) gatherLocked(now time.Time) (more bool, joiner *room.Joiner) {
	g := gather{now: now, buffers: &s.server.buffers, joiners: &s.server.joiners}
	entries := 0
	s.answersLocked(&g, &entries)
	// A subscription that follows on another is not heard before the other's end.
	if !s.ended && s.ends == 0 {
		s.holdBackLocked()
		for _, sub := range s.subs {
			if g.room() <= 0 {
				break
			}
			switch {
			case !s.backlogLocked(sub, &g):
			case sub.held:
				s.advanceLocked(sub, sub.upTo, &g, &entries)
			case s.advanceLocked(sub, toHead, &g, &entries):
				s.liveLocked(sub, &g)
			}
		}
	}
	s.rest, s.restBuffer = g.done()
	if entries > 0 {
		s.server.stats.delivered.Add(uint64(entries))
		if f := s.server.cfg.Hooks.Deliver; f != nil {
			f(entries, len(s.rest))
		}
	}
	return g.full || g.room() <= 0, g.joiner
}

// toHead is the version to advance to that is the newest there is.
const toHead = math.MaxUint64

// answersLocked gathers answers in order.
func (s *Session) answersLocked(g *gather, entries *int) {
	written := 0
	for written < len(s.answers) && g.room() > 0 {
		a := &s.answers[written]
		if a.frame == nil && !s.answerLocked(a, g, entries) {
			break
		}
		if a.frame != nil && !g.add(a.frame) {
			break
		}
		written++
	}
	if written > 0 {
		s.ends = max(0, s.ends-int32(written))
		left := copy(s.answers, s.answers[written:])
		clear(s.answers[left:])
		s.answers = s.answers[:left]
		if left == 0 {
			s.server.lists.put(s.answers)
			s.answers = nil
		}
		s.changedLocked()
	}
}

// answersAtOnce is the number of answers that a session gets place for at once.
const answersAtOnce = 8

// answerLists are places for answers: a session without answers has none.
type answerLists struct{ pool sync.Pool }

func (p *answerLists) get() []answer {
	if l, ok := p.pool.Get().(*[answersAtOnce]answer); ok {
		return l[:0]
	}
	return make([]answer, 0, answersAtOnce)
}

// put takes a list back that holds nothing any more.
func (p *answerLists) put(l []answer) {
	if cap(l) == answersAtOnce {
		p.pool.Put((*[answersAtOnce]answer)(l[:answersAtOnce]))
	}
}

// answerLocked gathers an answer that names a version, after everything before it.
// It reports false if that does not fit yet or must be caught up with first.
func (s *Session) answerLocked(a *answer, g *gather, entries *int) bool {
	inStream := false
	version := answeredVersion(&a.room)
	if sub := s.findLocked(a.room.Op.DashboardID); sub != nil {
		if !s.backlogLocked(sub, g) {
			return false
		}
		// Of another epoch than the client's, a version stands for nothing here.
		if sub.On(a.room.Epoch) {
			upTo := version
			if a.room.Committed {
				upTo--
			}
			if sub.Sent < upTo && !s.advanceLocked(sub, upTo, g, entries) {
				return false
			}
			inStream = a.room.Committed && sub.Sent == upTo
		}
		if g.room() < answerRoom && g.len() > 0 {
			g.full = true
			return false
		}
		if inStream {
			sub.Sent, sub.Epoch = version, a.room.Epoch
		}
	}
	s.appendAnswer(g, a, inStream)
	return true
}

// answerRoom is what there should be left of a write for an answer.
const answerRoom = 512

// answeredVersion is the version that an answer names.
func answeredVersion(a *room.Answer) uint64 {
	if a.Conflict != nil {
		return a.Conflict.Version
	}
	return a.Ack.Version
}

// appendAnswer gathers an ACK or a CONFLICT_DETECTED.
func (s *Session) appendAnswer(g *gather, a *answer, inStream bool) {
	b := g.own()
	from := len(*b)
	*b = wire.BeginFrame(*b)
	if a.room.Conflict != nil {
		*b = wire.AppendConflict(*b, a.correlationID, a.room.Conflict, g.now)
	} else {
		*b = wire.AppendAck(*b, a.correlationID, wire.Ack{
			DashboardID: a.room.Op.DashboardID, Epoch: a.room.Epoch, InStream: inStream,
			Durability: string(a.room.Durability), Of: a.room.Ack,
		}, g.now)
	}
	*b = wire.EndFrame(*b, from)
}

// holdBackLocked keeps the cursors before the versions that the session is to hear
// as answers which could not be gathered yet (R2).
func (s *Session) holdBackLocked() {
	if s.holding {
		for _, sub := range s.subs {
			sub.held = false
		}
		s.holding = false
	}
	for i := range s.answers {
		a := &s.answers[i].room
		if !a.Committed {
			continue
		}
		sub := s.findLocked(a.Op.DashboardID)
		if sub != nil && !sub.held && sub.On(a.Epoch) && sub.Sent < a.Ack.Version {
			sub.held, sub.upTo = true, a.Ack.Version-1
			s.holding = true
		}
	}
}

// backlogLocked gathers what must go out first on a dashboard. It reports whether
// that is all gathered.
func (s *Session) backlogLocked(sub *subscription, g *gather) bool {
	if sub.catching {
		return false
	}
	for len(sub.backlog) > 0 {
		if !g.add(sub.backlog[0]) {
			return false
		}
		s.backlog -= len(sub.backlog[0])
		sub.backlog[0] = nil
		if sub.backlog = sub.backlog[1:]; s.backlog < maxBacklog {
			s.changedLocked()
		}
	}
	sub.backlog, sub.asked = nil, ""
	return true
}

// advanceLocked gathers the entries that come next on a dashboard up to a version. It
// reports whether it got there: not if the write is full, or if the session has to
// catch up first, which it then starts.
func (s *Session) advanceLocked(sub *subscription, to uint64, g *gather, entries *int) bool {
	for more := true; more; {
		if g.room() <= 0 {
			return false
		}
		var frames []byte
		var next uint64
		if s.together {
			if want, ok := sub.Several(to, g.room()); ok {
				frames, next, more = sub.NextTogether(g.joining(), want, g.now)
			}
		}
		if len(frames) == 0 {
			var ok bool
			if frames, next, ok = sub.NextEntries(to, g.room()); !ok {
				s.catchUpLocked(sub)
				return false
			}
			more = next > sub.Sent
		}
		if !g.add(frames) {
			return false
		}
		*entries += int(next - sub.Sent)
		sub.Sent = next
	}
	return true
}

// liveLocked gathers changed live values and presence.
func (s *Session) liveLocked(sub *subscription, g *gather) {
	for {
		frame, next := sub.NextValues()
		if !g.add(frame) {
			return
		}
		sub.Values = next
		if frame == nil {
			break
		}
	}
	frame, next, ok := sub.NextPresence()
	if !ok {
		s.catchUpLocked(sub)
		return
	}
	if g.add(frame) {
		sub.Presence = next
	}
}

// catchUpLocked has a subscription that fell behind brought to the head (R5), in a
// goroutine, since that may read the journal.
func (s *Session) catchUpLocked(sub *subscription) {
	sub.catching = true
	from, role := sub.Cursors, sub.Role
	s.server.stats.caughtUp.Add(1)
	done := sub.Behind()
	if s.server.tasks.Go(func() {
		defer done()
		frames, after := sub.CatchUp(s.server.ctx, from, role)
		s.mu.Lock()
		defer s.mu.Unlock()
		if sub.dead || s.gone {
			return
		}
		sub.Cursors = after
		s.caughtUpLocked(sub, frames)
	}) {
		return
	}
	done()
}

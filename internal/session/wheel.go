package session

import (
	"sync"
	"time"

	"github.com/dashwire/dashwire/internal/clock"
)

// wheelTick is the grain of the wheel.
const wheelTick = time.Second

// wheel calls sessions back, rounded up to wheelTick, with one timer for all.
type wheel struct {
	clock clock.Clock
	// do runs a turn of the wheel, or does not at the server's end.
	do func(func()) bool

	mu    sync.Mutex
	start time.Time
	// slots[n] is the first of the sessions due at the tick n after start.
	slots   map[int64]*Session
	waiting int   // sessions that are due at some tick
	done    int64 // the last tick that was handled
	timer   clock.Timer
	armed   bool
	ended   bool
}

// due is a session's place in its wheel: a link in the list of a slot.
type due struct {
	tick         int64 // 0 = nowhere
	before, next *Session
}

func newWheel(c clock.Clock, do func(func()) bool) *wheel {
	return &wheel{clock: c, do: do, start: c.Now(), slots: make(map[int64]*Session)}
}

// at has a session called at an instant, instead of when it said before.
func (w *wheel) at(s *Session, t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	if w.waiting == 0 {
		// Ticks that passed while nobody waited hold nothing.
		w.done = max(w.done, int64(w.clock.Now().Sub(w.start)/wheelTick))
	}
	n := max(w.done+1, int64((t.Sub(w.start)+wheelTick-1)/wheelTick))
	if s.due.tick == n {
		return
	}
	w.takeOutLocked(s)
	first := w.slots[n]
	s.due = due{tick: n, next: first}
	if first != nil {
		first.due.before = s
	}
	w.slots[n] = s
	w.waiting++
	if !w.armed {
		w.armLocked()
	}
}

// takeOutLocked takes a session out of its slot, if it is in one.
func (w *wheel) takeOutLocked(s *Session) {
	d := s.due
	if d.tick == 0 {
		return
	}
	switch {
	case d.before != nil:
		d.before.due.next = d.next
	case d.next != nil:
		w.slots[d.tick] = d.next
	default:
		delete(w.slots, d.tick)
	}
	if d.next != nil {
		d.next.due.before = d.before
	}
	s.due = due{}
	w.waiting--
}

func (w *wheel) armLocked() {
	w.armed = true
	d := w.start.Add(time.Duration(w.done+1) * wheelTick).Sub(w.clock.Now())
	if w.timer == nil {
		w.timer = w.clock.AfterFunc(d, func() { w.do(w.turn) })
		return
	}
	w.timer.Reset(d)
}

// cancel forgets a session.
func (w *wheel) cancel(s *Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.takeOutLocked(s)
}

// turn handles the ticks that have passed.
func (w *wheel) turn() {
	now := w.clock.Now()
	var ready []*Session
	w.mu.Lock()
	for reached := int64(now.Sub(w.start) / wheelTick); w.done < reached; {
		w.done++
		for s := w.slots[w.done]; s != nil; {
			next := s.due.next
			ready = append(ready, s)
			s.due = due{}
			w.waiting--
			s = next
		}
		delete(w.slots, w.done)
	}
	w.armed = false
	if w.waiting > 0 && !w.ended {
		w.armLocked()
	}
	w.mu.Unlock()
	for _, s := range ready {
		s.tick(now)
	}
}

// stop calls nobody any more.
func (w *wheel) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	if w.timer != nil {
		w.timer.Stop()
	}
}

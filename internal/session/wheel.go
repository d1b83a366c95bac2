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
	// slots[n] are the sessions due at the tick n after start, by session the tick.
	slots map[int64]map[*Session]struct{}
	due   map[*Session]int64
	done  int64 // the last tick that was handled
	timer clock.Timer
	armed bool
	ended bool
}

func newWheel(c clock.Clock, do func(func()) bool) *wheel {
	return &wheel{
		clock: c, do: do, start: c.Now(),
		slots: make(map[int64]map[*Session]struct{}), due: make(map[*Session]int64),
	}
}

// at has a session called at an instant, instead of when it said before.
func (w *wheel) at(s *Session, t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	if len(w.due) == 0 {
		// Ticks that passed while nobody waited hold nothing.
		w.done = max(w.done, int64(w.clock.Now().Sub(w.start)/wheelTick))
	}
	n := max(w.done+1, int64((t.Sub(w.start)+wheelTick-1)/wheelTick))
	old, waiting := w.due[s]
	if waiting && old == n {
		return
	}
	if waiting {
		w.takeOutLocked(s, old)
	}
	w.due[s] = n
	if w.slots[n] == nil {
		w.slots[n] = make(map[*Session]struct{})
	}
	w.slots[n][s] = struct{}{}
	if !w.armed {
		w.armLocked()
	}
}

func (w *wheel) takeOutLocked(s *Session, n int64) {
	delete(w.due, s)
	delete(w.slots[n], s)
	if len(w.slots[n]) == 0 {
		delete(w.slots, n)
	}
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
	if n, ok := w.due[s]; ok {
		w.takeOutLocked(s, n)
	}
}

// turn handles the ticks that have passed.
func (w *wheel) turn() {
	now := w.clock.Now()
	var ready []*Session
	w.mu.Lock()
	for reached := int64(now.Sub(w.start) / wheelTick); w.done < reached; {
		w.done++
		for s := range w.slots[w.done] {
			ready = append(ready, s)
			delete(w.due, s)
		}
		delete(w.slots, w.done)
	}
	w.armed = false
	if len(w.due) > 0 && !w.ended {
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

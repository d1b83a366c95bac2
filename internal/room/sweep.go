package room

import (
	"container/heap"
	"sync"
	"time"

	"github.com/dashwire/dashwire/internal/clock"
)

// slice is the number of sessions that a sweep visits before others get a turn.
const slice = 256

// sweeper decides when sessions are written to. The first change after a quiet
// moment is swept at once; under load each room is swept once per pace, and what
// gathers meanwhile goes out together. Sessions with an answer due come first and
// are not paced.
type sweeper struct {
	clock clock.Clock
	pace  time.Duration

	mu     sync.Mutex
	cond   sync.Cond
	closed bool
	urgent []Subscriber
	jobs   []job
	later  laterHeap
	timer  clock.Timer
	// armed is when the timer fires; zero = it does not.
	armed time.Time
}

// sweepState is a room's place in the sweeper.
type sweepState struct {
	queued  bool // in jobs or later, not begun
	chunks  int  // slices of the running sweep not done yet
	again   bool // changed during the running sweep
	next    time.Time
	scratch []Subscriber // reused from sweep to sweep
}

// job is a slice of a room's sweep, or the beginning of one (subs == nil).
type job struct {
	room *Room
	subs []Subscriber
}

func newSweeper(c clock.Clock, pace time.Duration) *sweeper {
	s := &sweeper{clock: c, pace: pace}
	s.cond.L = &s.mu
	return s
}

// run sweeps until stop.
func (s *sweeper) run() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case len(s.urgent) > 0:
			sub := s.urgent[0]
			s.urgent[0] = nil
			s.urgent = s.urgent[1:]
			s.mu.Unlock()
			sub.Flush(s.clock.Now(), false)
			s.mu.Lock()
		case s.closed:
			return
		case len(s.jobs) > 0:
			j := s.jobs[0]
			s.jobs[0] = job{}
			s.jobs = s.jobs[1:]
			if j.subs == nil {
				s.beginLocked(j.room)
				continue
			}
			s.mu.Unlock()
			now := s.clock.Now()
			for _, sub := range j.subs {
				sub.Flush(now, true)
			}
			s.mu.Lock()
			s.endLocked(j.room)
		default:
			s.cond.Wait()
		}
	}
}

// stop ends run once the urgent writes are done.
func (s *sweeper) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.cond.Broadcast()
}

// FlushSoon has a subscriber flushed at once, before all that is paced.
func (h *Hub) FlushSoon(sub Subscriber) {
	s := h.sweeps
	s.mu.Lock()
	defer s.mu.Unlock()
	s.urgent = append(s.urgent, sub)
	s.cond.Signal()
}

// FlushAt has a subscriber flushed at a later moment.
func (h *Hub) FlushAt(sub Subscriber, at time.Time) {
	s := h.sweeps
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	heap.Push(&s.later, laterSweep{at: at, sub: sub})
	s.armLocked(s.clock.Now())
}

// Pace returns the least time between two paced writes to a session.
func (h *Hub) Pace() time.Duration { return h.cfg.Pace }

// dirty has a room swept: now if its pace allows, else as soon as it does.
func (s *sweeper) dirty(r *Room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirtyLocked(r)
}

func (s *sweeper) dirtyLocked(r *Room) {
	w := &r.sweep
	switch {
	case w.queued || s.closed:
	case w.chunks > 0:
		w.again = true
	default:
		w.queued = true
		if now := s.clock.Now(); now.Before(w.next) {
			heap.Push(&s.later, laterSweep{at: w.next, room: r})
			s.armLocked(now)
			return
		}
		s.jobs = append(s.jobs, job{room: r})
		s.cond.Signal()
	}
}

// armLocked sets the timer for the first sweep that has to wait.
func (s *sweeper) armLocked(now time.Time) {
	if len(s.later) == 0 {
		return
	}
	at := s.later[0].at
	if !s.armed.IsZero() && !at.Before(s.armed) {
		return
	}
	s.armed = at
	if s.timer == nil {
		s.timer = s.clock.AfterFunc(at.Sub(now), s.due)
		return
	}
	s.timer.Reset(at.Sub(now))
}

// due moves the sweeps whose time has come.
func (s *sweeper) due() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = time.Time{}
	now := s.clock.Now()
	for len(s.later) > 0 && !s.later[0].at.After(now) {
		next := heap.Pop(&s.later).(laterSweep)
		if next.sub != nil {
			s.urgent = append(s.urgent, next.sub)
		} else {
			s.jobs = append(s.jobs, job{room: next.room})
		}
		s.cond.Signal()
	}
	if !s.closed {
		s.armLocked(now)
	}
}

// beginLocked cuts a room's sessions into slices. The lock is released meanwhile.
func (s *sweeper) beginLocked(r *Room) {
	w := &r.sweep
	w.queued = false
	w.chunks = 1 // keeps others from beginning the same sweep
	w.next = s.clock.Now().Add(s.pace)
	scratch := w.scratch[:0]
	s.mu.Unlock()
	r.values.publish()
	scratch = r.subscribers(scratch)
	s.mu.Lock()
	w.scratch = scratch
	for begin := 0; begin < len(scratch); begin += slice {
		s.jobs = append(s.jobs, job{room: r, subs: scratch[begin:min(begin+slice, len(scratch))]})
		w.chunks++
	}
	s.endLocked(r)
	if len(s.jobs) > 1 {
		s.cond.Signal()
	}
}

// endLocked counts a slice as done.
func (s *sweeper) endLocked(r *Room) {
	w := &r.sweep
	if w.chunks--; w.chunks > 0 {
		return
	}
	clear(w.scratch)
	if w.again {
		w.again = false
		s.dirtyLocked(r)
	}
}

// laterSweep is a room or one subscriber that waits for its pace.
type laterSweep struct {
	at   time.Time
	room *Room
	sub  Subscriber
}

type laterHeap []laterSweep

func (h laterHeap) Len() int           { return len(h) }
func (h laterHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h laterHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *laterHeap) Push(x any)        { *h = append(*h, x.(laterSweep)) }

func (h *laterHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = laterSweep{}
	*h = old[:len(old)-1]
	return last
}

package room

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/fifo"
)

const (
	// slice is the number of sessions that a sweep visits before others get a turn.
	slice = 64
	// urgentRun is the number of urgent writes after which a slice gets a turn.
	urgentRun = 32
	// longRun is for how long slices are worked on before what comes in from outside goes first.
	longRun = time.Millisecond
)

// The time between two sweeps of a busy room is the pace up to crowd sessions and grows
// with their number, to nearly twice that at packed sessions: a write costs the same
// however many entries it holds, so where writes are many each one holds more.
const (
	crowd  = 100
	packed = 400
)

// underLoad is how many times as long that is while the processors are busy: whoever has no time for
// all writes makes fewer.
const underLoad = 2

// paceOf is the time between two sweeps of a busy room with a number of sessions.
func (s *sweeper) paceOf(sessions int, now time.Time) time.Duration {
	over := min(max(sessions-crowd, 0), packed-crowd)
	pace := s.pace + s.pace*7/8*time.Duration(over)/(packed-crowd)
	if s.busy != nil && s.busy(now) {
		pace *= underLoad
	}
	return pace
}

// sweeper settles appends and decides when sessions are written to. The first change after a quiet
// moment is swept at once; under load each room is swept once per pace (see paceOf),
// and what gathers meanwhile goes out together. Sessions with an answer due come first and
// are not paced.
type sweeper struct {
	clock clock.Clock
	pace  time.Duration
	// giveWay lets what comes in from outside go first; nil = that needs nobody's help.
	giveWay func()
	// busy reports whether the processors are; nil = they never are.
	busy  func(now time.Time) bool
	begun atomic.Bool // somebody sweeps, or is about to

	mu       sync.Mutex
	cond     sync.Cond
	idle     int  // sweepers that wait
	coming   bool // one of them was called and has not woken yet
	settling int  // sweepers that settle: they look at what is urgent right afterwards
	closed   bool
	landed   fifo.Queue[landing]
	urgent   fifo.Queue[Subscriber]
	inRow    int // urgent writes since the last slice
	jobs     fifo.Queue[job]
	later    later
	timer    clock.Timer
	// armed is when the timer fires; zero = it does not.
	armed time.Time
}

// sweepState is a room's place in the sweeper.
type sweepState struct {
	queued bool // in jobs or later, not begun
	chunks int  // slices of the running sweep not done yet
	again  bool // changed during the running sweep
	next   time.Time
	// since is when the first change came that no sweep has begun to bring, and
	// bringing the same of the running sweep; zero = there is none.
	since, bringing time.Time
	scratch         []Subscriber // reused from sweep to sweep
}

// job is a slice of a room's sweep, or the beginning of one (subs == nil).
type job struct {
	room *Room
	subs []Subscriber
}

func newSweeper(cfg *Config) *sweeper {
	s := &sweeper{clock: cfg.Clock, pace: cfg.Pace, giveWay: cfg.GiveWay, busy: cfg.Busy}
	s.cond.L = &s.mu
	return s
}

// run sweeps until stop.
func (s *sweeper) run() {
	s.mu.Lock()
	defer s.mu.Unlock()
	alone := s.clock.Now() // since when nobody else may have had a turn
	for {
		switch {
		case s.landed.Len() > 0:
			l := s.landed.Pop()
			s.shareLocked()
			s.settling++
			s.mu.Unlock()
			l.room.settle(l)
			s.mu.Lock()
			s.settling--
		case s.urgent.Len() > 0 && (s.inRow < urgentRun || s.jobs.Len() == 0 || s.closed):
			sub := s.urgent.Pop()
			s.inRow++
			s.shareLocked()
			s.mu.Unlock()
			sub.Flush(s.clock.Now(), false)
			s.mu.Lock()
		case s.closed:
			return
		case s.jobs.Len() > 0:
			s.inRow = 0
			j := s.jobs.Pop()
			s.shareLocked()
			if j.subs == nil {
				s.beginLocked(j.room)
				continue
			}
			s.mu.Unlock()
			now := s.clock.Now()
			for _, sub := range j.subs {
				sub.Flush(now, true)
			}
			if s.giveWay != nil {
				if now = s.clock.Now(); now.Sub(alone) >= longRun {
					s.giveWay()
					alone = s.clock.Now()
				}
			}
			s.mu.Lock()
			s.endLocked(j.room)
		default:
			s.idle++
			s.cond.Wait()
			s.idle--
			s.coming = false
			alone = s.clock.Now()
		}
	}
}

// callLocked has a sweeper come that waits, unless one is on its way.
func (s *sweeper) callLocked() {
	if s.idle > 0 && !s.coming {
		s.coming = true
		s.cond.Signal()
	}
}

// shareLocked calls another one if there is more than one does in a moment. To wake it costs
// more than a short write.
func (s *sweeper) shareLocked() {
	const much = 8
	if s.landed.Len()+s.urgent.Len() >= much || s.jobs.Len() > 0 {
		s.callLocked()
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

// land has an append settled that has ended. It does not block.
func (s *sweeper) land(l landing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.landed.Push(l)
	s.callLocked()
}

// FlushSoon has a subscriber flushed at once, before all that is paced.
func (h *Hub) FlushSoon(sub Subscriber) {
	s := h.sweeps
	s.mu.Lock()
	defer s.mu.Unlock()
	s.urgent.Push(sub)
	if s.settling == 0 {
		s.callLocked()
	}
}

// FlushAt has a subscriber flushed at a later moment, as an unpaced write.
func (h *Hub) FlushAt(sub Subscriber, at time.Time) {
	s := h.sweeps
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.later.push(laterSweep{at: at, sub: sub})
	s.armLocked(s.clock.Now())
}

// Pace returns the least time between two paced writes to a session.
func (h *Hub) Pace() time.Duration { return h.cfg.Pace }

// dirty has a room swept: now if its pace allows, else as soon as it does.
func (s *sweeper) dirty(r *Room, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirtyLocked(r, now)
}

func (s *sweeper) dirtyLocked(r *Room, now time.Time) {
	w := &r.sweep
	if w.queued || w.again || s.closed {
		return
	}
	if w.since.IsZero() {
		w.since = now
	}
	switch {
	case w.chunks > 0:
		w.again = true
	default:
		w.queued = true
		if now.Before(w.next) {
			s.later.push(laterSweep{at: w.next, room: r})
			s.armLocked(now)
			return
		}
		s.jobs.Push(job{room: r})
		if s.settling == 0 {
			s.callLocked()
		}
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
	if s.closed {
		return
	}
	s.armed = time.Time{}
	now := s.clock.Now()
	for len(s.later) > 0 && !s.later[0].at.After(now) {
		next := s.later.pop()
		if next.sub != nil {
			s.urgent.Push(next.sub)
		} else {
			s.jobs.Push(job{room: next.room})
		}
	}
	s.callLocked()
	s.armLocked(now)
}

// beginLocked cuts a room's sessions into slices. The lock is released meanwhile.
func (s *sweeper) beginLocked(r *Room) {
	w := &r.sweep
	w.queued = false
	w.chunks = 1 // keeps others from beginning the same sweep
	began := s.clock.Now()
	w.bringing, w.since = w.since, time.Time{}
	scratch := w.scratch[:0]
	s.mu.Unlock()
	r.values.publish()
	r.tellNodes()
	scratch = r.subscribers(scratch)
	s.mu.Lock()
	w.scratch = scratch
	w.next = began.Add(s.paceOf(len(scratch), began))
	for begin := 0; begin < len(scratch); begin += slice {
		s.jobs.Push(job{room: r, subs: scratch[begin:min(begin+slice, len(scratch))]})
		w.chunks++
	}
	s.endLocked(r)
}

// endLocked counts a slice as done.
func (s *sweeper) endLocked(r *Room) {
	w := &r.sweep
	if w.chunks--; w.chunks > 0 {
		return
	}
	visited := len(w.scratch) > 0
	clear(w.scratch)
	if f := r.hub.cfg.Hooks.Fanout; f != nil && visited {
		f(s.clock.Now().Sub(w.bringing))
	}
	if w.again {
		w.again = false
		s.dirtyLocked(r, s.clock.Now())
	}
}

package session

import (
	"sync"
	"time"

	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/wire"
)

// The C3 times around a token's end.
const (
	askTokenBefore = 60 * time.Second
	closeAfterEnd  = 25 * time.Second
)

// tick looks after everything that happens by the passing of time: sign-in, token,
// heartbeat. The wheel calls it when scheduleLocked said so.
func (s *Session) tick(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		if !s.gone {
			s.transport.Close(wire.CloseGoingAway, "") // it has had its time to take the goodbye
		}
		return
	}
	cfg := &s.server.cfg
	if !s.signedIn && !now.Before(s.opened.Add(cfg.SignInWithin)) {
		s.endLocked(wire.CloseSignIn, "no token came in time", false)
	} else if e := s.principal.Expires; s.signedIn && !e.IsZero() {
		if !now.Before(e.Add(closeAfterEnd)) {
			s.endLocked(wire.CloseSignIn, "the token has ended", false)
		} else if !s.tokenAsked && !now.Before(e.Add(-askTokenBefore)) {
			s.tokenAsked = true
			s.welcomeLocked("", true)
		}
	}
	if !s.ended && !s.meta.OneWay {
		s.heartbeatLocked(now)
	}
	if !s.ended && s.meta.OneWay && now.Sub(s.lastOut) >= cfg.HeartbeatEvery {
		s.transport.Ping()
		s.lastOut = now
	}
	s.flushLocked(now)
	s.scheduleLocked(now)
}

// heartbeatLocked pings a client that has been silent, or that the server has been
// silent to, and gives one up that does not answer (C4).
func (s *Session) heartbeatLocked(now time.Time) {
	cfg := &s.server.cfg
	silent := now.Sub(time.Unix(0, s.lastIn.Load()))
	if silent < cfg.HeartbeatEvery {
		s.pinged = false
	}
	switch {
	case silent >= cfg.HeartbeatEvery+cfg.HeartbeatTimeout:
		s.endLocked(wire.CloseHeartbeat, "no sign of life", true)
		s.transport.Close(wire.CloseHeartbeat, "no sign of life")
	case silent >= cfg.HeartbeatEvery && !s.pinged:
		s.pinged = true
		s.pingLocked(now)
	case s.appHeartbeat && now.Sub(s.lastOut) >= cfg.HeartbeatEvery:
		s.pingLocked(now)
	}
}

func (s *Session) pingLocked(now time.Time) {
	if !s.appHeartbeat {
		s.transport.Ping()
		return
	}
	s.pushLocked(wire.AppendPing(nil, s.server.cfg.NewID(), now))
}

// scheduleLocked asks for the next tick.
func (s *Session) scheduleLocked(now time.Time) {
	cfg := &s.server.cfg
	if s.ended {
		s.server.wheel.at(s, now.Add(2*time.Second))
		return
	}
	lastIn := time.Unix(0, s.lastIn.Load())
	next := lastIn.Add(cfg.HeartbeatEvery)
	if s.pinged {
		next = lastIn.Add(cfg.HeartbeatEvery + cfg.HeartbeatTimeout)
	}
	if s.meta.OneWay {
		next = s.lastOut.Add(cfg.HeartbeatEvery)
	}
	sooner := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	if s.appHeartbeat {
		sooner(s.lastOut.Add(cfg.HeartbeatEvery))
	}
	if !s.signedIn {
		sooner(s.opened.Add(cfg.SignInWithin))
	} else if e := s.principal.Expires; !e.IsZero() {
		if s.tokenAsked {
			sooner(e.Add(closeAfterEnd))
		} else {
			sooner(e.Add(-askTokenBefore))
		}
	}
	s.server.wheel.at(s, next)
}

// wheelTick is the grain of the wheel.
const wheelTick = time.Second

// wheel calls sessions back, rounded up to wheelTick, with one timer for all.
type wheel struct {
	clock clock.Clock

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

func newWheel(c clock.Clock) *wheel {
	return &wheel{
		clock: c, start: c.Now(),
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
	n := max(w.done+1, int64((t.Sub(w.start)+wheelTick-1)/wheelTick))
	if old, ok := w.due[s]; ok {
		if old == n {
			return
		}
		delete(w.slots[old], s)
	}
	w.due[s] = n
	if w.slots[n] == nil {
		w.slots[n] = make(map[*Session]struct{})
	}
	w.slots[n][s] = struct{}{}
	if !w.armed {
		// Ticks that passed while nobody waited hold nothing.
		w.done = max(w.done, min(n-1, int64(w.clock.Now().Sub(w.start)/wheelTick)))
		w.armLocked()
	}
}

func (w *wheel) armLocked() {
	w.armed = true
	d := w.start.Add(time.Duration(w.done+1) * wheelTick).Sub(w.clock.Now())
	if w.timer == nil {
		w.timer = w.clock.AfterFunc(d, w.turn)
		return
	}
	w.timer.Reset(d)
}

// cancel forgets a session.
func (w *wheel) cancel(s *Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n, ok := w.due[s]; ok {
		delete(w.slots[n], s)
		delete(w.due, s)
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

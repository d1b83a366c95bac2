package session

import (
	"time"

	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// tick looks after everything that happens by the passing of time: sign-in, token,
// heartbeat. The wheel calls it when scheduleLocked said so.
func (s *Session) tick(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		if !s.gone && s.closing != nil {
			s.transport.Close(s.closing.code, s.closing.reason) // it has had its time to take the goodbye
		}
		return
	}
	cfg, at := &s.server.cfg, s.server.moment(now)
	e := s.principal.Expires
	switch {
	case !s.signedIn && at-s.opened >= moment(cfg.SignInWithin):
		s.limitedLocked(observe.LimitSignInTime)
		s.endLocked(wire.CloseSignIn, "no token came in time", false)
	case s.signedIn && !e.IsZero() && !now.Before(e.Add(closeAfterEnd)):
		s.endLocked(wire.CloseSignIn, "the token has ended", false)
	case s.oneWay:
		s.askTokenLocked(now)
		if at-s.lastOut >= moment(cfg.HeartbeatEvery) {
			s.transport.Ping()
			s.lastOut = at
		}
	default:
		s.askTokenLocked(now)
		s.heartbeatLocked(now)
	}
	s.flushLocked(now)
	s.scheduleLocked(now)
}

// heartbeatLocked pings a client that has been silent, or that the server has been
// silent to, and gives one up that does not answer (C4). Nobody is silent whose
// message is still being worked on, since nothing is read meanwhile, or whose
// connection is full: the transport watches over that (R5).
func (s *Session) heartbeatLocked(now time.Time) {
	cfg, at := &s.server.cfg, s.server.moment(now)
	if s.handling.Load() {
		s.Alive(now)
	}
	last := moment(s.lastIn.Load())
	if last >= s.pingedAt || s.blocked {
		s.pingedAt = 0 // it has answered
	}
	switch {
	case s.blocked:
	case s.pingedAt != 0:
		if at-s.pingedAt >= moment(cfg.HeartbeatTimeout) {
			s.endLocked(wire.CloseHeartbeat, "no sign of life", true)
		}
	case at-last >= moment(cfg.HeartbeatEvery):
		s.pingedAt = at
		s.pingLocked(now)
	case s.appHeartbeat && at-s.lastOut >= moment(cfg.HeartbeatEvery):
		s.pingLocked(now)
	}
}

// pingLocked asks for a sign of life.
func (s *Session) pingLocked(now time.Time) {
	if s.appHeartbeat {
		s.pushLocked(wire.AppendPing(nil, s.server.cfg.NewID(), now))
		return
	}
	s.transport.Ping()
}

// scheduleLocked asks for the next tick.
func (s *Session) scheduleLocked(now time.Time) {
	cfg := &s.server.cfg
	if s.ended {
		return // endLocked has asked for the last one
	}
	after := func(m moment, d time.Duration) time.Time { return s.server.time(m).Add(d) }
	var next time.Time
	switch {
	case s.oneWay:
		next = after(s.lastOut, cfg.HeartbeatEvery)
	case s.blocked:
		next = now.Add(cfg.HeartbeatTimeout)
	case s.pingedAt != 0:
		next = after(s.pingedAt, cfg.HeartbeatTimeout)
	default:
		next = after(moment(s.lastIn.Load()), cfg.HeartbeatEvery)
	}
	sooner := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	if s.appHeartbeat && !s.blocked {
		sooner(after(s.lastOut, cfg.HeartbeatEvery))
	}
	if !s.signedIn {
		sooner(after(s.opened, cfg.SignInWithin))
	} else if e := s.principal.Expires; !e.IsZero() {
		if s.tokenAsked {
			e = e.Add(closeAfterEnd)
		} else {
			e = time.UnixMilli(s.askTokenAt)
		}
		// A token ends by the time of day; the wheel goes by what passes until then.
		sooner(now.Add(e.Sub(now)))
	}
	s.server.wheel.at(s, next)
}

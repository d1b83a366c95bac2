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
	cfg := &s.server.cfg
	e := s.principal.Expires
	switch {
	case !s.signedIn && !now.Before(s.opened.Add(cfg.SignInWithin)):
		s.limitedLocked(observe.LimitSignInTime)
		s.endLocked(wire.CloseSignIn, "no token came in time", false)
	case s.signedIn && !e.IsZero() && !now.Before(e.Add(closeAfterEnd)):
		s.endLocked(wire.CloseSignIn, "the token has ended", false)
	case s.meta.OneWay:
		s.askTokenLocked(now)
		if now.Sub(s.lastOut) >= cfg.HeartbeatEvery {
			s.transport.Ping()
			s.lastOut = now
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
	cfg := &s.server.cfg
	if s.handling.Load() {
		s.Alive()
	}
	last := time.Unix(0, s.lastIn.Load())
	silent := now.Sub(last)
	if !last.Before(s.pingedAt) || s.blocked {
		s.pingedAt = time.Time{} // it has answered
	}
	switch {
	case s.blocked:
	case !s.pingedAt.IsZero():
		if now.Sub(s.pingedAt) >= cfg.HeartbeatTimeout {
			s.endLocked(wire.CloseHeartbeat, "no sign of life", true)
		}
	case silent >= cfg.HeartbeatEvery:
		s.pingedAt = now
		s.pingLocked(now)
	case s.appHeartbeat && now.Sub(s.lastOut) >= cfg.HeartbeatEvery:
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
	var next time.Time
	switch {
	case s.meta.OneWay:
		next = s.lastOut.Add(cfg.HeartbeatEvery)
	case s.blocked:
		next = now.Add(cfg.HeartbeatTimeout)
	case !s.pingedAt.IsZero():
		next = s.pingedAt.Add(cfg.HeartbeatTimeout)
	default:
		next = time.Unix(0, s.lastIn.Load()).Add(cfg.HeartbeatEvery)
	}
	sooner := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	if s.appHeartbeat && !s.blocked {
		sooner(s.lastOut.Add(cfg.HeartbeatEvery))
	}
	if !s.signedIn {
		sooner(s.opened.Add(cfg.SignInWithin))
	} else if e := s.principal.Expires; !e.IsZero() {
		if s.tokenAsked {
			sooner(e.Add(closeAfterEnd))
		} else {
			sooner(s.askTokenAt)
		}
	}
	s.server.wheel.at(s, next)
}

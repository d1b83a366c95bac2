package session

import (
	"context"
	"time"

	"github.com/dashwire/dashwire/internal/wire"
)

// Drain ends every session: each is served in full until its own random moment
// within the given time, then what it has handed in is answered and it is told to
// reconnect (C7). New sessions are refused from the start. Drain returns once all
// are gone, or soon when ctx ends: then the rest are ended at once. It is called once.
func (s *Server) Drain(ctx context.Context, within time.Duration) {
	s.mu.Lock()
	s.draining = true
	if len(s.sessions) == 0 {
		s.closeEmptyLocked()
	}
	s.mu.Unlock()

	for _, c := range s.all() {
		s.randMu.Lock()
		at := time.Duration(s.cfg.Rand.Int64N(int64(within) + 1))
		s.randMu.Unlock()
		timer := s.cfg.Clock.AfterFunc(at, func() { s.tasks.Do(c.drain) })
		defer timer.Stop()
	}
	select {
	case <-s.empty:
	case <-ctx.Done():
	}
	for _, c := range s.all() {
		c.restart()
	}
	s.leaveNodes()
	s.stop()
	s.wheel.stop()
	<-s.tasks.Close()
}

// Draining reports whether the server takes no new sessions.
func (s *Server) Draining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// answerWithin bounds the wait for answers when draining.
const answerWithin = 6 * time.Second

// drain ends the session once what it has handed in is answered.
func (s *Session) drain() {
	s.mu.Lock()
	s.draining = true
	s.waitLocked(answerWithin, func() bool { return s.ended || s.waiting == 0 && !s.handling.Load() })
	s.mu.Unlock()
	s.restart()
}

func (s *Session) restart() {
	s.End(wire.CloseRestart, "the server is shutting down", true)
}

// Disconnect ends a session for an administrator. It reports whether it was there, and
// whether instead the other nodes were told, one of which may have it.
func (s *Server) Disconnect(id string, code wire.CloseCode, reason string) (here, told bool) {
	if s.disconnectHere(id, code, reason) {
		return true, false
	}
	err := s.tellNodes("", &wire.NodeMessage{End: &wire.NodeEnd{SessionID: id, Code: int(code), Reason: reason}})
	return false, err == nil && s.nodes.relay != nil
}

func (s *Server) disconnectHere(id string, code wire.CloseCode, reason string) bool {
	c := s.Find(id)
	if c == nil {
		return false
	}
	c.End(code, reason, code != wire.CloseForbidden && code != wire.CloseSignIn)
	return true
}

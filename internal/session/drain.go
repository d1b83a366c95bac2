package session

import (
	"context"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

// Drain ends every session: each is served in full until its own random moment
// within the given time, then what it has handed in is answered and it is told to
// reconnect (C7). New sessions are refused from the start. Drain returns once all
// are gone, or at once when ctx ends.
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
		c.drainAfter(ctx, at)
	}
	select {
	case <-s.empty:
	case <-ctx.Done():
	}
	for _, c := range s.all() {
		c.End(wire.CloseRestart, "the server is shutting down", true)
	}
	s.stop()
	s.wheel.stop()
	s.wg.Wait()
}

// Draining reports whether the server takes no new sessions.
func (s *Server) Draining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// drainAfter ends the session after d, once its ops are answered.
func (s *Session) drainAfter(ctx context.Context, d time.Duration) {
	s.server.cfg.Clock.AfterFunc(d, func() {
		if ctx.Err() != nil {
			return
		}
		wake := s.wake(answerWithin)
		defer wake.Stop()
		until := s.server.cfg.Clock.Now().Add(answerWithin)
		s.mu.Lock()
		defer s.mu.Unlock()
		for !s.ended && s.waiting > 0 && s.server.cfg.Clock.Now().Before(until) {
			s.room.Wait()
		}
		s.endLocked(wire.CloseRestart, "the server is shutting down", true)
		s.flushLocked(s.server.cfg.Clock.Now())
	})
}

// answerWithin bounds the wait for answers when draining.
const answerWithin = 6 * time.Second

// Disconnect ends a session for an administrator. It reports whether it was there.
func (s *Server) Disconnect(id string, code wire.CloseCode, reason string) bool {
	c := s.Find(id)
	if c == nil {
		return false
	}
	c.End(code, reason, code != wire.CloseForbidden && code != wire.CloseSignIn)
	return true
}

// Target says who gets an APP_MESSAGE (W4): everybody, unless UserID or DashboardID
// names some.
type Target struct {
	UserID      string
	DashboardID string
	// Except is a session that gets nothing.
	Except string
}

// Send sends an APP_MESSAGE to the sessions of this node that t names, and returns
// how many these are. A session that cannot keep up misses it.
func (s *Server) Send(t Target, name string, data board.Value) int {
	var list []*Session
	if t.UserID != "" {
		list = s.ofUser(t.UserID)
	} else {
		list = s.all()
	}
	message := frame(wire.AppendApp(nil, name, data, s.cfg.Clock.Now()))
	sent := 0
	for _, c := range list {
		if c.id != t.Except && c.tell(message, t.DashboardID) {
			sent++
		}
	}
	return sent
}

// tell queues a frame of the app if the session is one that it is for.
func (s *Session) tell(frame []byte, dashboardID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.signedIn || s.ended || len(s.answers) >= 2*maxAnswers {
		return false
	}
	if dashboardID != "" && s.findLocked(dashboardID) == nil {
		return false
	}
	s.answers = append(s.answers, answer{frame: frame})
	s.flushLocked(s.server.cfg.Clock.Now())
	return true
}

package session

import (
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

// Target says who gets an APP_MESSAGE (W4): everybody, unless UserID or DashboardID
// names some.
type Target struct {
	UserID      string
	DashboardID string
	// Except is a session that gets nothing.
	Except string
}

// Send sends an APP_MESSAGE to the sessions that t names, on all nodes, and returns how
// many of this node these are. A session that cannot keep up misses it. The only error is
// TOO_LARGE: then nobody got it.
func (s *Server) Send(t Target, name string, data board.Value) (int, *board.Error) {
	s.sending.Lock() // all nodes hear what is sent here in one order (W4)
	defer s.sending.Unlock()
	if err := s.sendNodes(t, name, data); err != nil {
		return 0, err
	}
	return s.sendHere(t, name, data), nil
}

func (s *Server) sendHere(t Target, name string, data board.Value) int {
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
	s.dueLocked(answer{frame: frame})
	s.soonLocked()
	return true
}

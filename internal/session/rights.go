package session

import (
	"fmt"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/wire"
)

// RereadRights has the rights of a user's sessions on this node read anew, of all
// sessions if userID is "" (P4). A session that may not see a dashboard any more
// hears so as the last word on it; one whose role has changed hears the new one. It
// returns how many sessions were looked at.
func (s *Server) RereadRights(userID string) int {
	s.rights.Add(1)
	list := s.all()
	if userID != "" {
		list = s.ofUser(userID)
	}
	for _, c := range list {
		c.reread()
	}
	return len(list)
}

// reread holds the subscriptions against the rights of this moment. What cannot be
// found out stays as it is.
func (s *Session) reread() {
	s.mu.Lock()
	p := s.principal
	subs := append([]*subscription(nil), s.subs...)
	s.mu.Unlock()
	for _, sub := range subs {
		role, err := s.server.cfg.Authorizer.Role(s.server.ctx, p, sub.id)
		if err != nil {
			s.server.cfg.Log.Error("reading rights", "err", fmt.Errorf("dashboard %s: %w", sub.id, err), "session", s.id)
			continue
		}
		s.changeRole(sub, role)
	}
}

func (s *Session) changeRole(sub *subscription, role auth.Role) {
	s.mu.Lock()
	lost := false
	switch now := s.server.cfg.Clock.Now(); {
	case sub.dead || sub.Role == role:
	case role < auth.Viewer:
		lost = true
		s.closedLocked(sub, wire.ClosedForbidden)
	default:
		sub.Role = role
		s.dueLocked(answer{frame: frame(wire.AppendSyncRole(nil, sub.id, role.String(), now)), to: sub.id})
		s.soonLocked()
	}
	s.mu.Unlock()
	if lost {
		s.endSubscription(sub, true)
	}
}

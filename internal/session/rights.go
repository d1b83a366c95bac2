package session

import (
	"context"
	"fmt"
	"slices"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

// RereadRights has the rights of a user's sessions read anew on all nodes, of all
// sessions if userID is "" (P4). A session that may not see a dashboard any more
// hears so as the last word on it; one whose role has changed hears the new one. It
// returns how many sessions of this node were looked at.
func (s *Server) RereadRights(userID string) int {
	_ = s.tellNodes("", &wire.NodeMessage{Rights: &wire.NodeRights{UserID: userID}})
	return s.rereadHere(userID)
}

func (s *Server) rereadHere(userID string) int {
	s.rights.Add(1)
	list := s.all()
	if userID != "" {
		list = s.ofUser(userID)
	}
	if s.watcher != nil {
		s.watcher.Forget(userID) // and those whose role is another then are told
		return len(list)
	}
	for _, c := range list {
		c.reread(s.ctx)
	}
	return len(list)
}

// reread holds the subscriptions against the rights of this moment. ctx is for who is asked.
func (s *Session) reread(ctx context.Context) {
	s.checking.Lock()
	defer s.checking.Unlock()
	s.mu.Lock()
	p := s.principal
	subs := append([]*subscription(nil), s.subs...)
	for _, sub := range subs {
		if sub.watch != nil && sub.watch.of != (credentials{p.UserID, p.TokenID}) {
			sub.watch.end()
			sub.watch = s.watch(sub, p)
		}
	}
	s.mu.Unlock()
	for _, sub := range subs {
		s.check(ctx, sub, p)
	}
}

// credentials are what an Authorizer that is watched knows somebody by.
type credentials struct{ user, token string }

// rightWatch is a watch over the right of somebody.
type rightWatch struct {
	of  credentials
	end func()
}

// watch has the session told when the role of p on a subscription's dashboard changes, nil
// where nobody tells. The session may be locked.
func (s *Session) watch(sub *subscription, p *auth.Principal) *rightWatch {
	w := s.server.watcher
	if w == nil {
		return nil
	}
	return &rightWatch{
		of:  credentials{p.UserID, p.TokenID},
		end: w.Watch(*p, sub.id, func() { s.server.tasks.Go(func() { s.moved(sub) }) }),
	}
}

// moved holds a subscription against its right, which may have changed. One that is just
// being made looks at that itself.
func (s *Session) moved(sub *subscription) {
	s.checking.Lock()
	defer s.checking.Unlock()
	s.mu.Lock()
	sub.stale = true
	attached, p := slices.Contains(s.subs, sub), s.principal
	s.mu.Unlock()
	if attached {
		s.check(s.server.ctx, sub, p)
	}
}

// check gives a subscription the role of this moment; s.checking is held, so that what was
// asked first does not count last. Where the answers end by themselves, one that cannot be
// had is the end of the session: it comes back, and hears more then. Elsewhere what cannot
// be found out stays as it is.
func (s *Session) check(ctx context.Context, sub *subscription, p *auth.Principal) {
	role, err := s.server.cfg.Authorizer.Role(ctx, *p, sub.id)
	switch {
	case err == nil:
		s.changeRole(sub, role)
	case s.server.watcher == nil || s.server.ctx.Err() != nil:
		s.server.cfg.Log.Error("reading rights", "err", fmt.Errorf("dashboard %s: %w", sub.id, err), "session", s.id)
	default:
		s.mu.Lock()
		dropped := s.dropLocked(sub)
		if dropped != nil {
			s.endLocked(wire.CloseFor(board.CodeUnavailable), "your rights cannot be checked at the moment", true)
			s.flushLocked(s.server.cfg.Clock.Now())
		}
		s.mu.Unlock()
		s.endSubscription(dropped, false)
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

package session

import (
	"context"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/wire"
)

// presence shows the client's state to the others on a dashboard (W3). ctx is for who is
// asked about the rights.
func (s *Session) presence(ctx context.Context, m *wire.Presence, p *auth.Principal) *board.Error {
	if err := room.CheckPresence(m.State); err != nil {
		return err
	}
	if _, err := auth.Require(ctx, s.server.cfg.Authorizer, p, m.DashboardID, auth.Viewer); err != nil {
		return err.At("payload.dashboardId")
	}
	s.mu.Lock()
	sub := s.findLocked(m.DashboardID)
	if sub != nil {
		sub.present = true
	}
	state := wire.PresenceState{SessionID: s.id, ClientID: s.clientID, UserID: p.UserID, State: m.State}
	s.mu.Unlock()
	if sub == nil {
		return board.Errorf(board.CodeNotFound, "subscribe to %q before you show yourself on it", m.DashboardID).At("payload.dashboardId")
	}
	sub.Present(state)
	s.mu.Lock()
	left := sub.dead && s.findLocked(m.DashboardID) == nil
	s.mu.Unlock()
	if left { // it ended meanwhile, and may have left before it came
		sub.Absent(s.id, true)
	}
	return nil
}

// Present shows the state of the one-way session id of p's, on a dashboard that it follows
// (H2). What came in here for a session of another node is passed on to the nodes, at most
// once, and nobody hears whether one of them has it.
func (s *Server) Present(ctx context.Context, p *auth.Principal, id string, m *wire.Presence) *board.Error {
	c := s.Find(id)
	if c == nil && s.nodes.relay != nil && board.CheckID("session", id) == nil {
		return s.passPresence(ctx, p, id, m)
	}
	if c != nil {
		if of, signedIn := c.Principal(); !signedIn || of.UserID != p.UserID {
			c = nil
		}
	}
	if c == nil {
		return board.Errorf(board.CodeNotFound, "there is no such session of yours on this server: open the event stream anew")
	}
	// The stream is of the same user and may be of another token.
	if _, err := auth.Require(ctx, s.cfg.Authorizer, p, m.DashboardID, auth.Viewer); err != nil {
		return err.At("payload.dashboardId")
	}
	of, err := c.requireSignedIn(s.cfg.Clock.Now())
	if err != nil {
		return err
	}
	return c.presence(ctx, m, of)
}

// passPresence tells the other nodes of a state that one of them is to show.
func (s *Server) passPresence(ctx context.Context, p *auth.Principal, id string, m *wire.Presence) *board.Error {
	if err := room.CheckPresence(m.State); err != nil {
		return err
	}
	if _, err := auth.Require(ctx, s.cfg.Authorizer, p, m.DashboardID, auth.Viewer); err != nil {
		return err.At("payload.dashboardId")
	}
	err := s.tellNodes("", &wire.NodeMessage{Show: &wire.NodeShow{
		SessionID: id, UserID: p.UserID, DashboardID: m.DashboardID, State: wire.Text(m.State),
	}})
	if err != nil {
		return &board.Error{Code: board.CodeUnavailable, Message: "the session is on another server, which cannot be reached at the moment: send this again", Cause: err}
	}
	return nil
}

// heardPresence shows a state that another node took in for a session of this one. Of
// those that come while one is being shown the newest is shown next.
func (s *Server) heardPresence(m *wire.NodeShow) {
	c := s.Find(m.SessionID)
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	sub := c.findLocked(m.DashboardID)
	if sub == nil || !c.signedIn || c.principal.UserID != m.UserID {
		return
	}
	sub.passed = board.Value(m.State)
	if !sub.passing {
		sub.passing = s.tasks.Go(func() { c.showPassed(sub) })
	}
}

// showPassed shows what other nodes have taken in until there is no more.
func (s *Session) showPassed(sub *subscription) {
	for {
		s.mu.Lock()
		state := sub.passed
		sub.passed = ""
		sub.passing = state != ""
		s.mu.Unlock()
		if state == "" {
			return
		}
		p, err := s.requireSignedIn(s.server.cfg.Clock.Now())
		if err == nil {
			err = s.presence(s.server.ctx, &wire.Presence{DashboardID: sub.id, State: state}, p)
		}
		if err != nil {
			s.server.cfg.Log.Debug("a state that came by another node is not shown", "session", s.id, "err", err)
		}
	}
}

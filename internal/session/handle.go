package session

import (
	"context"
	"fmt"
	"slices"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/wire"
)

// maxBadMessages in a row end a session (E4).
const maxBadMessages = 20

// Handle works on one message. It is called one at a time, in the order in which
// messages came, and returns when the next may be taken: it waits while the session
// is over its rate (C8) or has too many answers due. data is not kept.
func (s *Session) Handle(data []byte) {
	if !s.limit.wait(s, len(data)) || !s.awaitRoom() {
		return
	}
	m, bad := wire.Decode(data, s.server.cfg.Limits)
	if f := s.server.cfg.Hooks.Message; f != nil {
		s.mu.Lock()
		who := s.observedLocked()
		s.mu.Unlock()
		f(who, m.Type, len(data))
	}
	s.server.stats.messages.Add(1)
	if bad != nil {
		s.bad(m.ID, bad)
		return
	}
	s.badMessages = 0
	s.dispatch(m)
}

// Oversized answers a message that was too long to be taken in (E5); id is what
// could be read of it.
func (s *Session) Oversized(id string) {
	limit := s.server.cfg.Limits.MessageBytes
	s.refuse(id, board.Errorf(board.CodeTooLarge, "a message has at most %d bytes (limits.messageBytes)", limit))
}

// bad answers what could not be read.
func (s *Session) bad(id string, err *board.Error) {
	s.refuse(id, err)
	if err.Code != board.CodeBadMessage && err.Code != board.CodeUnknownType {
		s.badMessages = 0
		return
	}
	if s.badMessages++; s.badMessages >= maxBadMessages {
		s.End(wire.CloseBadMessages, fmt.Sprintf("%d messages in a row could not be read", maxBadMessages), false)
	}
}

// awaitRoom waits until another answer may become due. It reports false if the
// session has ended.
func (s *Session) awaitRoom() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.ended && s.waiting+len(s.answers) >= maxAnswers {
		s.room.Wait()
	}
	return !s.ended
}

func (s *Session) dispatch(m wire.Message) {
	switch m.Type {
	case wire.TypePing:
		s.push(wire.AppendPong(nil, m.ID, s.server.cfg.Clock.Now()))
		return
	case wire.TypePong:
		return // any bytes are a sign of life
	case wire.TypeDisconnect:
		s.mu.Lock()
		s.leaving = true
		s.mu.Unlock()
		s.End(wire.CloseNormal, "as you asked", false)
		return
	case wire.TypeConnect:
		s.connect(m.ID, m.Connect)
		return
	}
	p, err := s.requireSignedIn()
	if err != nil {
		s.refuse(m.ID, err)
		return
	}
	switch {
	case m.Op != nil:
		s.operate(m, p)
	case m.Sync != nil:
		s.sync(m.ID, m.Sync, p)
	case m.Presence != nil:
		if err := s.presence(m.Presence, p); err != nil {
			s.refuse(m.ID, err)
		}
	case m.Data != nil:
		if err := s.server.Feed(s.server.ctx, p, m.Data); err != nil {
			s.refuse(m.ID, err)
		}
	}
}

// requireSignedIn returns the principal, or why nothing may be done.
func (s *Session) requireSignedIn() (auth.Principal, *board.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.signedIn {
		return s.principal, board.Errorf(board.CodeUnauthenticated, "sign in first: send CONNECT with a token")
	}
	if e := s.principal.Expires; !e.IsZero() && !s.server.cfg.Clock.Now().Before(e) {
		return s.principal, board.Errorf(board.CodeUnauthenticated, "the token has ended: send CONNECT with a new one, then this again")
	}
	return s.principal, nil
}

// connect takes a client's name and token (C2, C3, C6).
func (s *Session) connect(id string, c *wire.Connect) {
	cfg := &s.server.cfg
	var signedIn *auth.Principal
	if c.Token != "" && cfg.Authenticator != nil {
		p, err := cfg.Authenticator.Authenticate(s.server.ctx, auth.Credentials{
			Token: c.Token, Source: auth.FromConnect, RemoteAddr: s.meta.RemoteAddr,
		})
		if err != nil {
			s.mu.Lock()
			s.refuseSignInLocked(err)
			s.flushLocked(cfg.Clock.Now())
			s.mu.Unlock()
			return
		}
		signedIn = &p
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	now := cfg.Clock.Now()
	defer s.flushLocked(now)
	if signedIn != nil {
		if s.signedIn && s.principal.UserID != signedIn.UserID {
			s.endLocked(wire.CloseSignIn, "the new token is of another user; open a new connection for that", false)
			return
		}
		s.signInLocked(*signedIn)
		s.scheduleLocked(now)
	}
	if !s.signedIn {
		s.refuseLocked(id, board.Errorf(board.CodeUnauthenticated, "sign in first: send CONNECT with a token"))
		return
	}
	s.appHeartbeat = s.appHeartbeat || c.AppHeartbeat
	if c.ClientID != "" && s.clientID != "" && c.ClientID != s.clientID {
		s.refuseLocked(id, board.Errorf(board.CodeBadMessage, "this session already is client %q; open a new connection for another", s.clientID).At("payload.clientId"))
		return
	}
	if c.ClientID != "" {
		s.clientID = c.ClientID
	}
	s.nameLocked()
	s.welcomeLocked(id, false)
	s.scheduleLocked(now)
}

// nameLocked makes sure that the session is some client's, and takes over from an
// older session of the same client (C6).
func (s *Session) nameLocked() {
	if s.clientID == "" {
		s.clientID = s.server.cfg.NewID()
	}
	old, ok := s.server.claim(s, clientKey{s.principal.UserID, s.clientID})
	if !ok {
		s.endLocked(wire.CloseSlowDown, "this user has too many sessions open; close some", false)
		return
	}
	if f := s.server.cfg.Hooks.Connect; f != nil {
		f(s.observedLocked())
	}
	if old != nil {
		// Not under this session's lock: two might replace each other.
		s.server.wg.Go(func() {
			old.End(wire.CloseReplaced, "this client has connected anew", false)
		})
	}
}

// client returns the session's client id, making one if it has none yet.
func (s *Session) client() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clientID == "" {
		s.nameLocked()
	}
	return s.clientID
}

// operate hands an op to its room. Its answer comes through answered.
func (s *Session) operate(m wire.Message, p auth.Principal) {
	op := m.Op
	op.Author = board.Author{UserID: p.UserID, ClientID: m.OpClient}
	if op.Author.ClientID == "" {
		op.Author.ClientID = s.client()
	}
	authorized, err := auth.Authorize(s.server.ctx, s.server.cfg.Authorizer, p, op)
	if err != nil {
		s.refuse(m.ID, err)
		return
	}
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	s.waiting++
	s.mu.Unlock()
	s.server.cfg.Hub.Submit(s.server.ctx, authorized, func(a room.Answer) { s.answered(m.ID, a) })
}

// answered queues the terminal answer to an op (E3). The room may be locked.
func (s *Session) answered(correlationID string, a room.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting--
	if s.gone {
		return
	}
	if a.Refusal != nil {
		s.refuseLocked(correlationID, a.Refusal)
	} else {
		s.answers = append(s.answers, answer{
			correlationID: correlationID, dashboardID: a.Op.DashboardID, room: a,
			sub: s.findLocked(a.Op.DashboardID), at: s.server.cfg.Clock.Now(),
		})
	}
	s.soonLocked()
}

func (s *Session) findLocked(dashboardID string) *subscription {
	for _, sub := range s.subs {
		if sub.id == dashboardID {
			return sub
		}
	}
	return nil
}

// sync subscribes, anew if need be, or ends a subscription (R1).
func (s *Session) sync(id string, req *wire.SyncRequest, p auth.Principal) {
	if req.Unsubscribe {
		s.mu.Lock()
		old := s.findLocked(req.DashboardID)
		s.dropLocked(old)
		s.mu.Unlock()
		s.endSubscription(old, true)
		s.push(wire.AppendSyncNone(nil, id, req.DashboardID, s.server.cfg.Clock.Now()))
		return
	}
	if err := s.subscribe(id, req, p); err != nil {
		s.refuse(id, err)
	}
}

// Subscribe makes a one-way session follow a dashboard (H2).
func (s *Session) Subscribe(req *wire.SyncRequest) *board.Error {
	p, err := s.requireSignedIn()
	if err != nil {
		return err
	}
	return s.subscribe("", req, p)
}

func (s *Session) subscribe(id string, req *wire.SyncRequest, p auth.Principal) *board.Error {
	s.client()
	s.mu.Lock()
	old := s.findLocked(req.DashboardID)
	s.dropLocked(old)
	count := len(s.subs)
	s.mu.Unlock()
	s.endSubscription(old, false)

	if limit := s.server.cfg.Limits.Dashboards; count >= limit {
		return board.Errorf(board.CodeLimitExceeded, "a session follows at most %d dashboards (limits.dashboards)", limit)
	}
	role, err := auth.Require(s.server.ctx, s.server.cfg.Authorizer, p, req.DashboardID, auth.Viewer)
	if err != nil {
		return err
	}
	sub := &subscription{id: req.DashboardID, catching: true}
	attach := func(rs *room.Subscription) {
		s.mu.Lock()
		defer s.mu.Unlock()
		sub.Subscription = rs
		s.subs = append(s.subs, sub)
	}
	frames, at, err := s.server.cfg.Hub.Subscribe(s.server.ctx, room.SubscribeRequest{
		DashboardID: req.DashboardID, Since: req.Since, Role: role, CorrelationID: id,
	}, s, attach)

	s.mu.Lock()
	if err != nil || s.ended || sub.dead {
		over := sub.dead
		s.dropLocked(sub)
		s.mu.Unlock()
		if sub.Subscription != nil {
			sub.Cancel()
		}
		if err == nil && over {
			err = board.Errorf(board.CodeNotFound, "the dashboard %q has just been deleted", req.DashboardID)
		}
		return err
	}
	sub.backlog, sub.Cursors, sub.catching = frames, at, false
	s.flushLocked(s.server.cfg.Clock.Now())
	s.mu.Unlock()
	return nil
}

// dropLocked takes a subscription, which may be nil, out of s.subs.
func (s *Session) dropLocked(sub *subscription) {
	if i := slices.Index(s.subs, sub); i >= 0 {
		s.subs = slices.Delete(s.subs, i, i+1)
		sub.dead = true
	}
}

// presence shows the client's state to the others on a dashboard (W3).
func (s *Session) presence(m *wire.Presence, p auth.Principal) *board.Error {
	if err := room.CheckPresence(m.State); err != nil {
		return err
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
	dead := sub.dead || s.gone
	s.mu.Unlock()
	if dead { // it ended meanwhile, and may have left before it came
		sub.Absent(s.id, true)
	}
	return nil
}

// Present shows the state of a one-way session on a dashboard that it follows (H2).
func (s *Session) Present(m *wire.Presence) *board.Error {
	p, err := s.requireSignedIn()
	if err != nil {
		return err
	}
	return s.presence(m, p)
}

// Feed takes live values in for a principal (W1). ctx bounds opening the dashboard.
func (s *Server) Feed(ctx context.Context, p auth.Principal, d *wire.Data) *board.Error {
	role, err := auth.Require(ctx, s.cfg.Authorizer, p, d.DashboardID, auth.Feeder)
	if err != nil {
		return err
	}
	return s.cfg.Hub.Feed(ctx, d, role)
}

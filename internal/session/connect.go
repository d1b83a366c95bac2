package session

import (
	"errors"
	"fmt"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// welcomeLocked queues a CONNECT.
func (s *Session) welcomeLocked(correlationID string, authRequired bool) {
	cfg := &s.server.cfg
	w := wire.Welcome{
		SessionID: s.id, ClientID: s.clientID, UserID: s.principal.UserID,
		ServerTime:     cfg.Clock.Now(),
		HeartbeatEvery: cfg.HeartbeatEvery, HeartbeatTimeout: cfg.HeartbeatTimeout,
		ReconnectMin: cfg.ReconnectMin, ReconnectMax: cfg.ReconnectMax,
		Limits:       cfg.Limits,
		AuthRequired: authRequired || !s.signedIn,
	}
	b := s.server.buffers.get()
	*b = wire.AppendWelcome(*b, w, correlationID)
	s.pushLocked(*b) // a copy of its size
	s.server.buffers.put(b)
}

// connect takes a client's name and token (C2, C3, C6).
func (s *Session) connect(id string, c *wire.Connect) {
	cfg := &s.server.cfg
	renewed := false
	if c.Token != "" && cfg.Authenticator != nil {
		s.limit.charge(cfg, tokenCost)
		p, err := s.authenticate(c.Token)
		if renewed = s.signIn(auth.SignedIn(p), err); !renewed {
			return
		}
	}
	s.mu.Lock()
	s.introduceLocked(id, c)
	if !renewed {
		s.soonLocked() // often a SYNC_REQUEST stands right behind: one write then carries both answers
		s.mu.Unlock()
		return
	}
	s.flushLocked(cfg.Clock.Now())
	s.mu.Unlock()
	s.reread(s.asking()) // rights are taken anew from each token (C3)
}

// tokenCost is how many messages a token counts as (C8): checking a signature, and rights
// anew, costs as much.
const tokenCost = 100

// authenticate finds out whose a token is.
func (s *Session) authenticate(token string) (auth.Principal, error) {
	if len(token) > auth.MaxToken {
		s.Limited(observe.LimitTokenBytes)
		return auth.Principal{}, fmt.Errorf("%w: a token has at most %d bytes", auth.ErrUnauthenticated, auth.MaxToken)
	}
	return s.server.cfg.Authenticator.Authenticate(s.telling(), auth.Credentials{
		Token: token, Source: auth.FromConnect, RemoteAddr: s.remoteAddr,
	})
}

// signIn takes the outcome of checking a token and reports whether the session goes
// on as that of the principal.
func (s *Session) signIn(p *auth.Principal, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.server.cfg.Clock.Now()
	defer s.flushLocked(now)
	switch {
	case err != nil:
		s.refuseSignInLocked(err)
	case s.signedIn && s.principal.UserID != p.UserID:
		s.endLocked(wire.CloseSignIn, "the new token is of another user; open a new connection for that", false)
	default:
		s.signInLocked(p)
		s.scheduleLocked(now)
	}
	return !s.ended
}

// signInLocked makes the session that of a principal.
func (s *Session) signInLocked(p *auth.Principal) {
	if e := p.Expires; !e.IsZero() {
		s.askTokenAt = e.Add(-askTokenBefore).UnixMilli()
		if left := e.Sub(s.server.cfg.Clock.Now()); s.tokenAsked && left < askTokenBefore {
			// Asking at once for what has just come would go on for ever.
			s.askTokenAt = e.Add(-left / 2).UnixMilli()
		}
	}
	s.principal, s.signedIn, s.tokenAsked = p, true, false
	s.server.signedIn(s)
	if s.server.cfg.Authenticator != nil && s.server.Revoked(p) {
		s.refuseSignInLocked(errRevoked)
		return
	}
	if !s.server.count(s, p.UserID) {
		s.limitedLocked(observe.LimitSessionsPerUser)
		s.endLocked(wire.CloseSlowDown, tooManyOfUser, false)
	}
}

const tooManyOfUser = "this user has too many sessions open; close some"

// refuseSignInLocked ends a session whose credentials are no good.
func (s *Session) refuseSignInLocked(err error) {
	if errors.Is(err, auth.ErrUnauthenticated) {
		s.noteRefusedLocked(err)
		s.endLocked(wire.CloseSignIn, "sign in again: the token is missing, wrong or too old", false)
		return
	}
	s.server.cfg.Log.Error("signing in", "err", err, "session", s.id)
	s.endLocked(wire.CloseOverloaded, "sign-in cannot be checked at the moment", true)
}

// noteRefusedLocked tells of a bad token, unless it came with the request that opened the
// session: that was told of there. Why is not what the authenticator says, which might
// hold more than should be kept.
func (s *Session) noteRefusedLocked(err error) {
	f := s.server.cfg.SignInRefused
	if f == nil || s.refused {
		return
	}
	why := "the token is wrong or too old"
	if errors.Is(err, errRevoked) {
		why = "the token was revoked"
	}
	f(observe.Action{
		Name: "sign-in.refused", RemoteAddr: s.remoteAddr,
		Details: map[string]string{"by": string(auth.FromConnect), "why": why},
	})
}

// introduceLocked answers a client's CONNECT once its token has been taken.
func (s *Session) introduceLocked(id string, c *wire.Connect) {
	switch {
	case s.ended:
		return
	case !s.signedIn:
		s.refuseLocked(id, board.Errorf(board.CodeUnauthenticated, "sign in first: send CONNECT with a token"))
		return
	case c.ClientID != "" && s.clientID != "" && c.ClientID != s.clientID:
		s.refuseLocked(id, board.Errorf(board.CodeBadMessage,
			"this session already is client %q; open a new connection for another", s.clientID).At("payload.clientId"))
		return
	case c.ClientID != "":
		s.clientID = c.ClientID
	}
	s.appHeartbeat = s.appHeartbeat || c.AppHeartbeat
	s.together = s.together || c.Together
	s.nameLocked()
	s.welcomeLocked(id, false)
	now := s.server.cfg.Clock.Now()
	s.askTokenLocked(now)
	s.scheduleLocked(now)
}

// nameLocked makes sure that the session is some client's. The first time it takes
// over from an older session of the same client (C6).
func (s *Session) nameLocked() {
	if s.named || s.ended {
		return
	}
	s.named = true
	if s.clientID == "" {
		s.clientID = s.server.cfg.NewID()
	}
	old := s.server.claim(s, clientKey{s.principal.UserID, s.clientID})
	if s.server.nodes.relay != nil {
		_ = s.server.tellNodes("", &wire.NodeMessage{Clients: &wire.NodeClients{Count: true, List: []wire.NodeClient{
			{UserID: s.principal.UserID, ClientID: s.clientID, SessionID: s.id, Clock: s.since},
		}}})
	}
	if f := s.server.cfg.Hooks.Connect; f != nil {
		f(s.observedLocked())
	}
	if old != nil {
		// Not under this session's lock: two might replace each other.
		s.server.tasks.Go(func() {
			old.End(wire.CloseReplaced, "this client has connected anew", false)
		})
	}
}

// client returns the session's client id, making one if it has none yet.
func (s *Session) client() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nameLocked()
	return s.clientID
}

// author returns the principal and the session's client id, made if it had none yet, or why nothing may
// be done.
func (s *Session) author(now time.Time) (p *auth.Principal, client string, err *board.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, err = s.signedInLocked(now); err != nil {
		return p, "", err
	}
	s.nameLocked()
	return p, s.clientID, nil
}

// requireSignedIn returns the principal, or why nothing may be done.
func (s *Session) requireSignedIn(now time.Time) (*auth.Principal, *board.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signedInLocked(now)
}

func (s *Session) signedInLocked(now time.Time) (*auth.Principal, *board.Error) {
	if !s.signedIn {
		return s.principal, board.Errorf(board.CodeUnauthenticated, "sign in first: send CONNECT with a token")
	}
	if e := s.principal.Expires; !e.IsZero() && !now.Before(e) {
		return s.principal, board.Errorf(board.CodeUnauthenticated, "the token has ended: send CONNECT with a new one, then this again")
	}
	return s.principal, nil
}

// The C3 times around a token's end.
const (
	askTokenBefore = 60 * time.Second
	closeAfterEnd  = 25 * time.Second
)

// askTokenLocked asks for a new token once the present one is about to end (C3).
func (s *Session) askTokenLocked(now time.Time) {
	if s.signedIn && !s.principal.Expires.IsZero() && !s.tokenAsked && now.UnixMilli() >= s.askTokenAt {
		s.tokenAsked = true
		s.welcomeLocked("", true)
	}
}

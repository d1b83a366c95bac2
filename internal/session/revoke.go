package session

import (
	"fmt"
	"sync"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// maxRevoked bounds what is remembered as revoked, users and tokens together.
const maxRevoked = 100_000

// revocations are the tokens that count no more. They live as long as the server.
type revocations struct {
	mu sync.Mutex
	// users have no good token from before an instant.
	users map[string]time.Time
	// tokens are single ones by their id, with their end as far as it is known: from then
	// on they need not be remembered.
	tokens map[string]time.Time
}

// RevokeUser refuses every token of a user that was issued up to now, and closes the
// sessions of these with 4401. It returns how many sessions of this node these are. An
// error means that nothing was done, since too much is revoked already.
func (s *Server) RevokeUser(userID string) (int, *board.Error) {
	now := s.cfg.Clock.Now()
	_ = s.tellNodes("", &wire.NodeMessage{Revoked: []wire.NodeRevoked{{UserID: userID, At: now.UnixMilli()}}})
	return s.revoke(func(r *revocations, _ time.Time) { r.users[userID] = now })
}

// RevokeToken does the same for the one token with an id.
func (s *Server) RevokeToken(id string) (int, *board.Error) {
	_ = s.tellNodes("", &wire.NodeMessage{Revoked: []wire.NodeRevoked{{TokenID: id, At: s.cfg.Clock.Now().UnixMilli()}}})
	return s.revoke(func(r *revocations, _ time.Time) {
		if _, known := r.tokens[id]; !known {
			r.tokens[id] = time.Time{}
		}
	})
}

// revokeHere revokes what was revoked elsewhere.
func (s *Server) revokeHere(userID, tokenID string, at, ends time.Time) *board.Error {
	_, err := s.revoke(func(r *revocations, _ time.Time) {
		if userID != "" && r.users[userID].Before(at) {
			r.users[userID] = at
		}
		if _, known := r.tokens[tokenID]; tokenID != "" && !known {
			r.tokens[tokenID] = ends
		}
	})
	return err
}

// list gives all that is revoked, as other nodes are told.
func (r *revocations) list() []wire.NodeRevoked {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]wire.NodeRevoked, 0, len(r.users)+len(r.tokens))
	for id, at := range r.users {
		all = append(all, wire.NodeRevoked{UserID: id, At: at.UnixMilli()})
	}
	for id, ends := range r.tokens {
		t := wire.NodeRevoked{TokenID: id}
		if !ends.IsZero() {
			t.Ends = ends.UnixMilli()
		}
		all = append(all, t)
	}
	return all
}

func (s *Server) revoke(add func(*revocations, time.Time)) (int, *board.Error) {
	if !s.revoked.add(s.cfg.Clock.Now(), add) {
		return 0, board.Errorf(board.CodeLimitExceeded,
			"%d users and tokens are revoked, which is all that is remembered: change the key that tokens are signed with, or restart", maxRevoked).Over(observe.LimitRevocations)
	}
	// Who signs in from here on finds the revocation; who has is found here.
	closed := 0
	for _, c := range s.all() {
		if c.endRevoked() {
			closed++
		}
	}
	return closed, nil
}

// Revoked reports whether the token that somebody has signed in with was revoked.
func (s *Server) Revoked(p *auth.Principal) bool { return s.revoked.has(p) }

func (r *revocations) add(now time.Time, add func(*revocations, time.Time)) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.users)+len(r.tokens) >= maxRevoked {
		for id, ends := range r.tokens {
			if !ends.IsZero() && ends.Add(forgetAfter).Before(now) {
				delete(r.tokens, id)
			}
		}
		if len(r.users)+len(r.tokens) >= maxRevoked {
			return false
		}
	}
	if r.users == nil {
		r.users, r.tokens = make(map[string]time.Time), make(map[string]time.Time)
	}
	add(r, now)
	return true
}

// forgetAfter is how long after its end a token might still be taken for a good one:
// more than any leeway between clocks.
const forgetAfter = time.Hour

func (r *revocations) has(p *auth.Principal) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.users[p.UserID]; ok && !p.IssuedAt.After(at) {
		return true
	}
	if p.TokenID == "" {
		return false
	}
	_, ok := r.tokens[p.TokenID]
	if ok && !p.Expires.IsZero() {
		r.tokens[p.TokenID] = p.Expires
	}
	return ok
}

// errRevoked is what a revoked token is answered with.
var errRevoked = fmt.Errorf("%w: the token was revoked", auth.ErrUnauthenticated)

// endRevoked ends the session if its token was revoked.
func (s *Session) endRevoked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || !s.signedIn || !s.server.revoked.has(s.principal) {
		return false
	}
	s.endLocked(wire.CloseSignIn, "the token was revoked: sign in again", false)
	s.flushLocked(s.server.cfg.Clock.Now())
	return true
}

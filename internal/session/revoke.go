package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

const (
	// maxRevoked bounds what is remembered as revoked, users and tokens together.
	maxRevoked = 100_000
	// forgetAfter is how long after its end a token might still be taken for a good one:
	// more than any leeway between clocks.
	forgetAfter = time.Hour
)

// revocations are the credentials that count no more.
type revocations struct {
	mu    sync.Mutex
	known map[revoked]mark
	// unstored are those of which the store does not know all.
	unstored map[revoked]struct{}
}

// revoked is whom or what a revocation is about: one of both is set.
type revoked struct{ user, token string }

// mark is when that was, and when the credentials end as far as it is known.
type mark struct{ at, ends time.Time }

func (m mark) ended(now time.Time) bool {
	return !m.ends.IsZero() && m.ends.Add(forgetAfter).Before(now)
}

func (r revoked) revocation(m mark) auth.Revocation {
	return auth.Revocation{UserID: r.user, TokenID: r.token, At: m.at, Ends: m.ends}
}

// LoadRevocations takes in what the store remembers. It is called before the first
// session is opened.
func (s *Server) LoadRevocations(ctx context.Context) error {
	if s.cfg.Revocations == nil {
		return nil
	}
	list, err := s.cfg.Revocations.Revocations(ctx)
	if err != nil {
		return err
	}
	now := s.cfg.Clock.Now()
	for _, r := range list {
		if of, ok := s.revoked.add(r, now); ok {
			s.revoked.stored(of, s.revoked.markOf(of))
		}
	}
	return nil
}

// RevokeUser refuses every token of a user that was issued up to now, and closes the
// sessions of these with 4401. See Revoke.
func (s *Server) RevokeUser(ctx context.Context, userID string) (int, *board.Error) {
	return s.Revoke(ctx, auth.Revocation{UserID: userID, At: s.cfg.Clock.Now()})
}

// RevokeToken does the same for the one token with an id.
func (s *Server) RevokeToken(ctx context.Context, id string) (int, *board.Error) {
	return s.Revoke(ctx, auth.Revocation{TokenID: id, At: s.cfg.Clock.Now()})
}

// Revoke refuses credentials from now on, closes the sessions of these with 4401, and
// returns how many of this node these are once the store remembers it, if there is one. Of
// the errors, LIMIT_EXCEEDED means that nothing was done, since too much is revoked already;
// UNAVAILABLE that all was done, but that a restart might forget it. The other nodes are
// told.
func (s *Server) Revoke(ctx context.Context, r auth.Revocation) (int, *board.Error) {
	if (r.UserID == "") == (r.TokenID == "") {
		return 0, board.Errorf(board.CodeInvalidID, "a revocation is of one user or of one token: name one of both")
	}
	_ = s.tellNodes("", &wire.NodeMessage{Revoked: []wire.NodeRevoked{nodeRevoked(r)}})
	return s.revokeHere(ctx, r)
}

// revokeHere revokes on this node. If there is no room for all, what follows is not revoked.
func (s *Server) revokeHere(ctx context.Context, list ...auth.Revocation) (closed int, refusal *board.Error) {
	now := s.cfg.Clock.Now()
	about := make([]revoked, 0, len(list))
	for _, r := range list {
		of, ok := s.revoked.add(r, now)
		if !ok {
			refusal = board.Errorf(board.CodeLimitExceeded,
				"%d users and tokens are revoked, which is all that is remembered: change the key that tokens are signed with, and start without what is remembered",
				maxRevoked).Over(observe.LimitRevocations)
			break
		}
		about = append(about, of)
	}
	if about = s.revoked.news(about); len(about) == 0 {
		return 0, refusal
	}
	// Who signs in from here on finds the revocation; who has is found here.
	for _, c := range s.all() {
		if c.endRevoked() {
			closed++
		}
	}
	if err := s.storeRevocations(ctx, about); err != nil {
		s.cfg.Log.Error("a revocation could not be stored", "err", err)
		return closed, &board.Error{
			Code: board.CodeUnavailable, Cause: err,
			Message: "it is revoked and its sessions are closed, but it could not be stored, so that a restart would forget it: make room on the disk, and try again",
		}
	}
	return closed, refusal
}

// storeRevocations has the store remember what is known of revocations.
func (s *Server) storeRevocations(ctx context.Context, about []revoked) error {
	list, marks := make([]auth.Revocation, 0, len(about)), make([]mark, 0, len(about))
	for _, of := range about {
		m := s.revoked.markOf(of)
		list, marks = append(list, of.revocation(m)), append(marks, m)
	}
	if s.cfg.Revocations != nil {
		if err := s.cfg.Revocations.Revoke(ctx, list...); err != nil {
			return err
		}
	}
	for i, of := range about {
		s.revoked.stored(of, marks[i])
	}
	return nil
}

// TidyRevocations forgets the revocations of credentials that have ended by themselves, and
// stores what could not be stored before or was learned since. It is called now and then.
func (s *Server) TidyRevocations(ctx context.Context) error {
	now := s.cfg.Clock.Now()
	err := s.storeRevocations(ctx, s.revoked.tidy(now))
	if s.cfg.Revocations != nil {
		_, failed := s.cfg.Revocations.Expire(ctx, now.Add(-forgetAfter))
		err = errors.Join(err, failed)
	}
	return err
}

// Revoked reports whether the credentials that somebody has signed in with were revoked.
func (s *Server) Revoked(p *auth.Principal) bool {
	return s.revoked.has(p)
}

// nodeRevoked is a revocation as other nodes are told.
func nodeRevoked(r auth.Revocation) wire.NodeRevoked {
	out := wire.NodeRevoked{UserID: r.UserID, TokenID: r.TokenID, At: wholeMillis(r.At).UnixMilli()}
	if !r.Ends.IsZero() {
		out.Ends = wholeMillis(r.Ends).UnixMilli()
	}
	return out
}

// wholeMillis is an instant as nodes and stores tell it: rounded up, so that no token
// slips through.
func wholeMillis(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return time.UnixMilli(t.Add(time.Millisecond - 1).UnixMilli())
}

// list gives all that is revoked, as other nodes are told.
func (r *revocations) list() []wire.NodeRevoked {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]wire.NodeRevoked, 0, len(r.known))
	for of, m := range r.known {
		all = append(all, nodeRevoked(of.revocation(m)))
	}
	return all
}

// add takes a revocation in, to be stored if it is news. It reports false if there is no
// room.
func (r *revocations) add(what auth.Revocation, now time.Time) (of revoked, ok bool) {
	of = revoked{what.UserID, what.TokenID}
	r.mu.Lock()
	defer r.mu.Unlock()
	m, known := r.known[of]
	if !known && len(r.known) >= maxRevoked {
		if r.forgetLocked(now); len(r.known) >= maxRevoked {
			return of, false
		}
	}
	if r.known == nil {
		r.known, r.unstored = make(map[revoked]mark), make(map[revoked]struct{})
	}
	if next := (mark{latest(m.at, wholeMillis(what.At)), latest(m.ends, wholeMillis(what.Ends))}); !known || next != m {
		r.known[of] = next
		r.unstored[of] = struct{}{}
	}
	return of, true
}

// latest is the later of two instants; zero is one that is not known.
func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (r *revocations) forgetLocked(now time.Time) {
	for of, m := range r.known {
		if m.ended(now) {
			delete(r.known, of)
			delete(r.unstored, of)
		}
	}
}

// tidy forgets what has ended and returns what is to be stored.
func (r *revocations) tidy(now time.Time) []revoked {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forgetLocked(now)
	list := make([]revoked, 0, len(r.unstored))
	for of := range r.unstored {
		list = append(list, of)
	}
	return list
}

// news are those of a list that the store does not know yet.
func (r *revocations) news(list []revoked) []revoked {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(list, func(of revoked) bool {
		_, is := r.unstored[of]
		return !is
	})
}

func (r *revocations) markOf(of revoked) mark {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known[of]
}

// stored says that the store knows a mark, which may have changed since.
func (r *revocations) stored(of revoked, m mark) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known[of] == m {
		delete(r.unstored, of)
	}
}

// has reports whether credentials were revoked, and learns their end if they were.
func (r *revocations) has(p *auth.Principal) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m, ok := r.known[revoked{user: p.UserID}]; ok && !p.IssuedAt.After(m.at) {
		return true
	}
	if p.TokenID == "" {
		return false
	}
	of := revoked{token: p.TokenID}
	m, ok := r.known[of]
	if ok && p.Expires.After(m.ends) {
		m.ends = wholeMillis(p.Expires)
		r.known[of] = m
		r.unstored[of] = struct{}{}
	}
	return ok
}

// errRevoked is what a revoked token is answered with.
var errRevoked = fmt.Errorf("%w: the token was revoked", auth.ErrUnauthenticated)

// endRevoked ends the session if its token was revoked.
func (s *Session) endRevoked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || !s.signedIn || !s.server.Revoked(s.principal) {
		return false
	}
	s.endLocked(wire.CloseSignIn, "the token was revoked: sign in again", false)
	s.flushLocked(s.server.cfg.Clock.Now())
	return true
}

package dashwire

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/observe"
)

const (
	// revokeWithin bounds how long the disk may take over what is revoked.
	revokeWithin = 10 * time.Second
	// tidyEvery is the time between two looks for revocations that have ended.
	tidyEvery = time.Hour
)

// RevokeUser refuses every token of a user that was issued up to now, and closes the
// sessions of these with 4401 (C3). It returns how many sessions of this node these are,
// once Config.Revocations remembers it. At most 100,000 users and tokens can be revoked.
// After an error with LIMIT_EXCEEDED, a *board.Error, nothing is; after any other it is
// revoked, and either Config.Revocations or Config.Audit could not write that down.
func (s *Server) RevokeUser(userID string) (sessions int, err error) {
	return s.revokeForApp(auth.Revocation{UserID: userID, At: time.Now()})
}

// RevokeToken does the same for one token: the one with this [auth.Principal.TokenID].
func (s *Server) RevokeToken(tokenID string) (sessions int, err error) {
	return s.revokeForApp(auth.Revocation{TokenID: tokenID, At: time.Now()})
}

func (s *Server) revokeForApp(r auth.Revocation) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), revokeWithin)
	defer cancel()
	n, refusal := s.sessions.Revoke(ctx, r)
	if refusal != nil && refusal.Code != board.CodeUnavailable {
		return 0, refusal
	}
	details := map[string]string{"sessions": strconv.Itoa(n), "by": "the app"}
	if r.UserID != "" {
		details["user"] = r.UserID
	} else {
		details["jti"] = r.TokenID
	}
	var errs []error
	if refusal != nil {
		errs = append(errs, refusal)
	}
	if err := s.act(ctx, observe.Action{Name: "tokens.revoked", Details: details}); err != nil {
		errs = append(errs, fmt.Errorf("dashwire: it is revoked, but the audit log cannot be written: %w", err))
	}
	return n, errors.Join(errs...)
}

// Revoke takes in what was revoked elsewhere, by another node or by the app, as often as it
// comes: it does what RevokeUser and RevokeToken do, as of r.At, and is no act of an
// administrator here.
func (s *Server) Revoke(ctx context.Context, r auth.Revocation) (sessions int, err error) {
	n, refusal := s.sessions.Revoke(ctx, r)
	if refusal != nil {
		return n, refusal
	}
	return n, nil
}

// loadRevocations takes in what Config.Revocations remembers. A server that cannot know what
// was revoked does not start.
func (s *Server) loadRevocations() error {
	ctx, cancel := context.WithTimeout(context.Background(), revokeWithin)
	defer cancel()
	if err := s.sessions.LoadRevocations(ctx); err != nil {
		return fmt.Errorf("reading what was revoked: %w", err)
	}
	return nil
}

// tidyRevocations forgets what has ended, now and then, until ctx ends.
func (s *Server) tidyRevocations(ctx context.Context) {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		if err := s.sessions.TidyRevocations(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Log.Error("revocations cannot be stored", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

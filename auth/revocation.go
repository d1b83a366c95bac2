package auth

import (
	"context"
	"time"
)

// Revocation takes credentials back before their end (C3): all of a user that were made up
// to At, or the one token with an id. One of UserID and TokenID is set.
type Revocation struct {
	UserID  string
	TokenID string // Principal.TokenID
	// At is when they were taken back.
	At time.Time
	// Ends is when the last of these credentials ends by itself, so that it need not be
	// remembered any longer; zero = not known, which is never.
	Ends time.Time
}

// RevocationStore remembers revocations over a restart. Its methods may be called by any
// number of goroutines at once.
type RevocationStore interface {
	// Revocations gives all that are remembered, in no order.
	Revocations(ctx context.Context) ([]Revocation, error)
	// Revoke remembers all of a list, or none, and returns once they survive a power cut. Of
	// one user, or one token, there is one: the later At and the later Ends count, and a
	// known Ends before an unknown one. Instants are kept to the millisecond at least.
	Revoke(ctx context.Context, list ...Revocation) error
	// Expire forgets those with an Ends before an instant, and returns how many.
	Expire(ctx context.Context, before time.Time) (int, error)
}

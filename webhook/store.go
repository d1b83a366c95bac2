package webhook

import (
	"context"
	"errors"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// Store remembers how far each target has been told, and what it could not be told. Its
// methods may be called by any number of goroutines at once. A write may be lost by a
// power cut as long as what is left is how the store was at some moment: then messages
// are sent again. Times are kept to the millisecond.
type Store interface {
	// Registrations returns all targets that are remembered.
	Registrations(ctx context.Context) ([]Registration, error)
	// Register stores a registration in the place of one with the same name.
	Register(ctx context.Context, r Registration) error
	// Forget removes a target with its cursors and dead letters.
	Forget(ctx context.Context, target string) error

	// Cursor returns how far a target has been told of a dashboard: one at position 0 if
	// nothing is remembered.
	Cursor(ctx context.Context, target, dashboardID string) (Cursor, error)
	// Cursors returns up to limit cursors of dashboards after an id, ordered by id as bytes.
	Cursors(ctx context.Context, target, afterID string, limit int) ([]Cursor, error)
	// Retries returns up to limit cursors that wait for an attempt, the earliest first.
	Retries(ctx context.Context, target string, limit int) ([]Cursor, error)
	// Waiting counts the cursors that wait for an attempt and tells the oldest Since of them.
	Waiting(ctx context.Context, target string) (n int, oldest time.Time, err error)
	// Hasten moves attempts that are later than a time to it.
	Hasten(ctx context.Context, target string, to time.Time) error
	// Save stores cursors in the place of those there are, and adds dead letters in the
	// place of those with the same target and id: all or nothing.
	Save(ctx context.Context, cursors []Cursor, dead []DeadLetter) error

	// Dead returns up to limit dead letters after a number, in the order of Number,
	// without their bodies.
	Dead(ctx context.Context, target string, after int64, limit int) ([]DeadLetter, error)
	// DeadLetter returns one with its body; false if there is none.
	DeadLetter(ctx context.Context, target, id string) (DeadLetter, bool, error)
	// CountDead counts them.
	CountDead(ctx context.Context, target string) (int, error)
	// RequestRetry marks a dead letter for another attempt, "" = all, and tells how many.
	RequestRetry(ctx context.Context, target, id string) (int, error)
	// NextRequested returns the first dead letter that is marked, with its body.
	NextRequested(ctx context.Context, target string) (DeadLetter, bool, error)
	// DeleteDead removes a dead letter; false if there is none.
	DeleteDead(ctx context.Context, target, id string) (bool, error)
	// TrimDead removes the oldest dead letters until there are at most count with at most
	// so many bytes of bodies, and those whose last attempt was before a time.
	TrimDead(ctx context.Context, target string, count int, bytes int64, before time.Time) (int, error)
}

// Registration is what is remembered of a target as a whole.
type Registration struct {
	Name string
	// Dashboards are the patterns that the cursors are for.
	Dashboards []string
	// Address is a hash of the URL: another URL enables a disabled target.
	Address string
	// Since is when the target was first seen.
	Since time.Time
	// Unused is when the target was first missing from the settings; zero = it is there.
	Unused time.Time
	// Disabled is when the target said that it is gone (410); zero = it gets messages.
	Disabled time.Time
}

// Cursor is how far one target has been told of one dashboard, and the message that
// waits, if an attempt has failed.
type Cursor struct {
	Target, DashboardID string
	// Position is that of the last record that was told, Epoch and Version are of its
	// entry, and Sum is a hash of its bytes: by these a log that was restored is known.
	// Epoch is "" and Sum 0 where the record is not known.
	Position journal.Position
	Epoch    string
	Version  uint64
	Sum      int64

	// Of what waits; all zero if nothing does.

	// Through is the position of the last record in the message that was attempted.
	Through journal.Position
	// Attempts have failed, from FirstAttempt on; NextAttempt is when another is made.
	Attempts                  int
	FirstAttempt, NextAttempt time.Time
	// Since is when the first entry of the message was committed.
	Since time.Time
	// Status is the last answer's, 0 if there was none; Error says what was wrong.
	Status int
	Error  string
}

// DeadLetter is a message that was given up.
type DeadLetter struct {
	Number      int64 // given by the store, growing
	Target      string
	ID          string // the message's
	Type        EventType
	DashboardID string
	Epoch       string
	After       uint64 // the version before the message's first entry
	Version     uint64 // that of its last
	Attempts    int
	// FirstAttempt and LastAttempt are times.
	FirstAttempt, LastAttempt time.Time
	Status                    int
	Error                     string
	// Requested is true while another attempt is to be made.
	Requested bool
	Size      int    // of the body, in bytes
	Body      []byte // nil in lists
}

// ErrNoTarget: there is no target of that name.
var ErrNoTarget = errors.New("webhook: there is no such target")

// State is how a target does on this node.
type State struct {
	Name string
	// Host is the URL without what may be secret in it.
	Host       string
	Events     []EventType
	Dashboards []string
	// Status is active, failing or disabled.
	Status string
	// Behind is how many dashboards are known to have something that the target was not
	// told; Oldest is since when, zero = nothing is.
	Behind int
	Oldest time.Time
	// LastSuccess and LastFailure are since the start of the server; zero = none.
	LastSuccess, LastFailure time.Time
	LastStatus               int
	LastError                string
	// Sent, Failed, GivenUp and Dropped count since the start: attempts that were taken,
	// attempts that failed, messages that became dead letters, and events that were dropped
	// (best effort ones, and dead letters beyond the bounds).
	Sent, Failed, GivenUp, Dropped uint64
	// Dead is how many dead letters there are.
	Dead int
}

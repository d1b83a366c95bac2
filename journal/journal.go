// Package journal says what a store of dashboard logs must do. A log is an
// ordered list of records that only grows; the store knows nothing of what a
// record means. Drivers live in folders of their own (memjournal,
// sqlitejournal) and pass the suite in journaltest.
//
// The caller's loop, which one driver must be able to serve for several nodes:
//
//	err := j.Append(ctx, id, at, records)   // compare and append
//	for errors.Is(err, journal.ErrUnknown) {
//		err = j.Append(ctx, id, at, records) // the very same bytes, until it is known (A1)
//	}
//	if errors.Is(err, journal.ErrMoved) {    // another node was first (A3)
//		for c, err := range j.Read(ctx, id, at) { … } // read what won, decide again
//	}
//
// It is not a place for values that need not survive, and no message bus.
package journal

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Position counts the records of one dashboard's log up to a point: 0 is before
// the first, n is after the nth. It never resets, not even when a dashboard is
// deleted and made anew (a new epoch has new versions, in the same log).
type Position uint64

// The errors of the contract. Drivers wrap them with what happened and what the
// operator can do; anything else a driver returns is treated as ErrUnavailable.
var (
	// ErrMoved from Append proves that the log is not at the given position and
	// that these records are not what stands after it.
	ErrMoved = errors.New("journal: the log has moved on")
	// ErrUnknown from Append: the records may or may not be stored. The caller
	// repeats the identical append.
	ErrUnknown = errors.New("journal: not known whether the append happened")
	// ErrUnavailable: nothing was stored, or nothing can be read, at the moment
	// (disk full, cluster away). Trying again later may work.
	ErrUnavailable = errors.New("journal: unavailable")
	// ErrCorrupt: what is stored of this dashboard fails its checksum or is not
	// contiguous. Other dashboards are not affected.
	ErrCorrupt = errors.New("journal: damaged log")
	// ErrTrimmed from Read: records after the given position are no longer kept.
	ErrTrimmed = errors.New("journal: no longer kept")
	// ErrInvalid: the arguments break this contract (Append.Validate); nothing was
	// stored and the same call can never succeed.
	ErrInvalid = errors.New("journal: invalid arguments")
)

// Durability is what has the records once Append returned nil (A1).
type Durability string

// The durabilities, from one process to a quorum of machines.
const (
	Memory Durability = "memory"
	Disk   Durability = "disk"
	Quorum Durability = "quorum"
)

// MaxSummary is the largest Append.Summary, in bytes.
const MaxSummary = 4 << 10

// Journal is a store of dashboard logs. All methods may be called by any number
// of goroutines at once, for the same dashboard too. Slices passed in are not
// kept after the call returns unless the driver copies them, but for those of an
// append that returned ErrUnknown: it may still be under way, and must not be changed.
// Slices handed out belong to the caller, but for those of a Delivery.
type Journal interface {
	// Append stores the records of a after the position a.After, all or none, and
	// returns when they are as durable as this journal makes them.
	//
	// If the log already holds exactly these bytes at exactly these positions, it
	// returns nil: that is how an append whose answer was lost is confirmed. In any
	// other case where the log is not at a.After it returns ErrMoved, or ErrTrimmed if
	// what stands there is no longer kept. A cancelled context gives ErrUnknown unless the driver can prove that nothing was or will
	// be stored.
	Append(ctx context.Context, a Append) (Durability, error)

	// Head returns the position of the last durable record, 0 for a log that does
	// not exist, and what has the records up to there, as Append would say it. It is
	// linearizable: it sees every append that had returned nil, on any node, before
	// Head was called.
	Head(ctx context.Context, dashboardID string) (Position, Durability, error)

	// Read yields the records after a position, in order and without gaps, up to at
	// least the head at the time of the call. A yielded error ends it.
	Read(ctx context.Context, dashboardID string, after Position) iter.Seq2[Record, error]

	// Snapshot returns the newest snapshot at or before a position; a zero Snapshot
	// if there is none.
	Snapshot(ctx context.Context, dashboardID string, atMost Position) (Snapshot, error)

	// SaveSnapshot stores a snapshot beside the log; its position is at most the
	// head. Saving another at the same position replaces it, and a driver may drop
	// those that are spare then (SpareSnapshots). A lost snapshot loses no
	// data, only time. s.Data, which may be long, must not be changed afterwards if ctx
	// ended the call: it may still be being written.
	SaveSnapshot(ctx context.Context, dashboardID string, s Snapshot) error

	// List returns up to limit dashboards whose id is after the given one, ordered
	// by id as bytes, deleted ones too. It may lag behind Append by a moment on a
	// cluster, never on one machine.
	List(ctx context.Context, afterID string, limit int) ([]Info, error)

	// Follow calls deliver for appends of any node, this one's too, in order for
	// each dashboard, until ctx ends; it returns ctx.Err() or why it cannot go on.
	// It may miss appends: a gap in positions tells the caller to Read. A delivery
	// without records says only that the log has reached After. deliver must not
	// block for long and must not call the journal.
	Follow(ctx context.Context, deliver func(Delivery)) error
}

// Append is one compare-and-append.
type Append struct {
	DashboardID string
	// After is the position that the log must be at.
	After Position
	// Begins lets a log that does not exist begin after After, as one does whose older
	// records were trimmed: reading what is before gives ErrTrimmed. It is for taking a log
	// over from another store. The caller saves the snapshot at After next, and those that
	// follow: without it the records have nothing to build on.
	Begins bool
	// Records are at least one record, each not empty.
	Records [][]byte
	// Summary is what List gives back for the dashboard from now on: at most 4 KiB
	// of JSON made by the caller.
	Summary []byte
}

// Record is one stored record.
type Record struct {
	Position Position
	// Time is when this record was stored, by the storing node's clock.
	Time time.Time
	Data []byte
}

// Snapshot is the folded state up to and including Position.
type Snapshot struct {
	Position Position
	Data     []byte
}

// Info is what List knows of a dashboard.
type Info struct {
	DashboardID string
	Head        Position
	// Time is when the last record was stored.
	Time    time.Time
	Summary []byte
}

// Delivery is one append as seen by Follow.
type Delivery struct {
	DashboardID string
	// After is the position before the first record.
	After Position
	// Records may be empty: see Follow. They are as durable as what Read yields, and
	// nobody changes them. They are shared, and must not be changed.
	Records [][]byte
}

package room

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/observe"
)

// Room is one open dashboard.
type Room struct {
	hub    *Hub
	id     string
	loaded chan struct{} // closed once load has run
	open   atomic.Bool   // it has, without an error
	// loadErr says why the room cannot be used; static once loaded is closed.
	loadErr *board.Error

	users    atomic.Int64 // callers, subscriptions and the append loop; those from outside come under Hub.mu
	lastUsed atomic.Int64 // by Hub.elapsed

	tail     *tail // static once loaded is closed
	values   *values
	outgoing outgoing // live values for other nodes
	presence *presence
	sweep    sweepState // guarded by the sweeper's lock

	differences differences
	recalling   sync.Mutex // held by who reads for the tail, before mu
	tooLong     reached    // was found to be no delta; guarded by recalling

	mu sync.Mutex
	// committed is what the journal has, nil until loaded; pending is committed with
	// the ops in line on top. Without ops in line they are the same.
	committed *board.State
	pending   *board.State
	// decided is when the newest op was decided.
	decided   time.Time
	inflight  []*item // what the append loop works on
	queue     []*item // decided, waiting for the append in flight to end
	undecided []*item // in line behind queue, to be decided by redecideLocked
	lineBytes int     // of the records in queue
	running   bool    // an append is in flight, or the append loop runs
	flight    flight
	// behind is the position that the log is known to have reached; recheck tells
	// that it may have gone further.
	behind  journal.Position
	recheck bool
	// ahead are records after the committed state that were delivered and not folded yet.
	ahead      []journal.Record
	aheadBytes int
	turn       turn
	// holdOff keeps the log from being read until retry fires: reading it has failed.
	holdOff   bool
	retry     clock.Timer
	retryWait time.Duration
	waiters   []waiter
	failed    *board.Error // the log turned out unreadable: nothing works any more
	closed    bool         // the hub has let go of it
	expiry    clock.Timer  // answers ops that have waited too long
	expiring  bool         // it is set
	subs      []*Subscription
	snapshots snapshotState
	documents documentCache
	// deaf ends the hearing of other nodes; nil = it has not begun. early are live values
	// of theirs that came before their widgets.
	deaf  func()
	early []early
}

func newRoom(h *Hub, id string) *Room {
	r := &Room{hub: h, id: id, loaded: make(chan struct{})}
	r.values = h.values.open(id)
	r.presence = newPresence(r)
	return r
}

// load folds the newest snapshot and what came after it.
func (r *Room) load() {
	defer close(r.loaded)
	h := r.hub
	start := h.cfg.Clock.Now()
	state, saved, err := h.replay(h.ctx, r.id, newest)
	if err != nil {
		r.loadErr = unavailable(fmt.Errorf("opening dashboard %s: %w", r.id, err))
		if r.loadErr.Limit == "" {
			h.reportTrouble(r.loadErr)
		}
		h.forget(r)
		return
	}
	if f := h.cfg.Hooks.RoomOpen; f != nil {
		f(r.id, h.cfg.Clock.Now().Sub(start))
	}
	epoch, version := state.Head()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tail = newTail(epoch, version, h.cfg.TailEntries, h.cfg.TailBytes)
	r.committed, r.pending = state, state
	r.snapshots.loaded(saved)
	r.open.Store(true)
	r.kickLocked() // what was appended since the log was read
}

// newest stands for the position at the end of a log, wherever that is.
const newest journal.Position = 1<<63 - 1

// replay folds a dashboard's log up to and including a position, and returns the
// position of the snapshot that it began with. It waits for its turn, and is refused when
// memory is short (C8).
func (h *Hub) replay(ctx context.Context, id string, upTo journal.Position) (*board.State, journal.Position, error) {
	select {
	case h.replays <- struct{}{}:
		defer func() { <-h.replays }()
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	if f := h.cfg.ShortOfMemory; f != nil && f() {
		return nil, 0, board.Errorf(board.CodeUnavailable,
			"this server is short of memory and opens no more dashboards; try again later").Over(observe.LimitMemory)
	}
	snap, err := h.cfg.Journal.Snapshot(ctx, id, upTo)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the snapshot: %w", err)
	}
	state := board.NewState(id)
	if len(snap.Data) > 0 {
		if state, err = board.ParseSnapshot(snap.Data); err != nil {
			return nil, 0, fmt.Errorf("reading the snapshot at position %d: %w", snap.Position, err)
		}
	}
	state, err = h.foldOn(ctx, state, upTo)
	return state, snap.Position, err
}

// foldOn folds the log that follows a state, up to and including a position.
func (h *Hub) foldOn(ctx context.Context, state *board.State, upTo journal.Position) (*board.State, error) {
	if journal.Position(state.Position()) >= upTo {
		return state, nil
	}
	read := journal.ReadRange(ctx, h.cfg.Journal, state.ID(), journal.Position(state.Position()), upTo)
	if upTo == newest {
		read = h.cfg.Journal.Read(ctx, state.ID(), journal.Position(state.Position()))
	}
	for rec, err := range read {
		if err != nil {
			return nil, fmt.Errorf("reading after position %d: %w", state.Position(), err)
		}
		if _, state, err = fold(state, rec); err != nil {
			return nil, err
		}
	}
	return state, nil
}

// head returns the newest durable state, which never changes.
func (r *Room) head() *board.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.committed
}

// exists reports whether there is a dashboard to be seen.
func exists(s *board.State) bool {
	_, version := s.Head()
	return version > 0
}

// close lets go of a room that nobody uses, and reports whether it could. Hub.mu is
// held.
func (r *Room) close(before time.Duration) bool {
	select {
	case <-r.loaded:
	default:
		return false
	}
	if r.users.Load() > 0 || r.lastUsed.Load() > int64(before) || r.loadErr == nil && r.presence.lingering() {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running || len(r.subs) > 0 || r.users.Load() > 0 {
		return false
	}
	r.closed = true
	return true
}

// stopTimers ends what would call back into a room that is let go of.
func (r *Room) stopTimers() {
	r.presence.stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range [...]clock.Timer{r.retry, r.expiry} {
		if t != nil {
			t.Stop()
		}
	}
	r.deafLocked()
}

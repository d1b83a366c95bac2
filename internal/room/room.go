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
)

// Room is one open dashboard.
type Room struct {
	hub    *Hub
	id     string
	loaded chan struct{} // closed once load has run
	// loadErr says why the room cannot be used; static once loaded is closed.
	loadErr *board.Error

	users    atomic.Int64 // callers, sessions and the append loop; changes from 0 under Hub.mu
	lastUsed atomic.Int64 // Unix nanoseconds

	tail     *tail
	values   *values
	presence *presence
	sweep    sweepState // guarded by the sweeper's lock

	mu sync.Mutex
	// committed is what the journal has; pending is committed with the ops in
	// inflight and queue on top. Without ops in line they are the same.
	committed *board.State
	pending   *board.State
	queue     []*item // decided, waiting for the append in flight to end
	inflight  []*item // what the append loop works on
	running   bool    // the append loop runs
	// behind is the position that the log is known to have reached.
	behind    journal.Position
	failed    *board.Error // the log turned out unreadable: nothing works any more
	expiry    clock.Timer  // answers ops that have waited too long
	subs      []*Subscription
	snapshots snapshotState
	documents documentCache
}

func newRoom(h *Hub, id string) *Room {
	r := &Room{hub: h, id: id, loaded: make(chan struct{})}
	r.values = h.values.open(id)
	r.presence = newPresence(r)
	return r
}

// load folds the newest snapshot and what came after it.
func (r *Room) load(ctx context.Context) {
	start := r.hub.cfg.Clock.Now()
	state, err := r.hub.replay(ctx, r.id, 1<<63-1, nil)
	if err != nil {
		r.loadErr = unavailable(fmt.Errorf("opening dashboard %s: %w", r.id, err))
		r.hub.report(r.loadErr, "")
		return
	}
	r.committed, r.pending = state, state
	r.tail = newTail(state.Version(), r.hub.cfg.TailEntries, r.hub.cfg.TailBytes)
	r.snapshots.saved = journal.Position(state.Position())
	if f := r.hub.cfg.Hooks.RoomOpen; f != nil {
		f(r.id, r.hub.cfg.Clock.Now().Sub(start))
	}
}

// replay folds a dashboard's log up to and including a position, and calls each
// (if not nil) with every entry after the snapshot that it began with.
func (h *Hub) replay(ctx context.Context, id string, upTo journal.Position, each func(*board.State, *board.Entry)) (*board.State, error) {
	snap, err := h.cfg.Journal.Snapshot(ctx, id, upTo)
	if err != nil {
		return nil, fmt.Errorf("reading the snapshot: %w", err)
	}
	state := board.NewState(id)
	if len(snap.Data) > 0 {
		if state, err = board.ParseSnapshot(snap.Data); err != nil {
			return nil, fmt.Errorf("reading the snapshot at position %d: %w", snap.Position, err)
		}
	}
	for rec, err := range h.cfg.Journal.Read(ctx, id, snap.Position) {
		if err != nil {
			return nil, fmt.Errorf("reading after position %d: %w", state.Position(), err)
		}
		if rec.Position > upTo {
			break
		}
		e, err := board.ParseRecord(rec.Data)
		if err != nil {
			return nil, fmt.Errorf("reading the record at position %d: %w", rec.Position, err)
		}
		next, err := state.Fold(e)
		if err != nil {
			return nil, fmt.Errorf("folding the record at position %d: %w", rec.Position, err)
		}
		if each != nil {
			each(state, e)
		}
		state = next
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

// fail closes the room for good after its log turned out unreadable.
func (r *Room) fail(err error) {
	r.hub.report(fmt.Errorf("dashboard %s is closed on this node: %w", r.id, err), "")
	r.hub.forget(r)
	r.mu.Lock()
	r.failed = unavailable(err)
	waiting := append(r.inflight, r.queue...)
	r.inflight, r.queue = nil, nil
	r.pending = r.committed
	for _, it := range waiting {
		it.refuse(r.failed)
	}
	subs := append([]*Subscription(nil), r.subs...)
	r.mu.Unlock()
	for _, s := range subs {
		s.subscriber.Lost(s, r.failed)
	}
}

// keepOpen reports whether a room without users still has something to do.
func (r *Room) keepOpen() bool {
	select {
	case <-r.loaded:
	default:
		return true
	}
	if r.loadErr != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running || len(r.subs) > 0 || r.presence.lingering()
}

// drain waits for nothing: it answers what is still in line when the hub ends.
func (r *Room) drain() {
	<-r.loaded
	if r.loadErr != nil {
		return
	}
	r.presence.stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.running {
		return
	}
	// The append in flight goes on until the journal answers; only if that takes
	// longer than the grace is its sender told that nothing is known.
	r.armExpiryLocked(time.Second)
}

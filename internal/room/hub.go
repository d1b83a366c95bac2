package room

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/observe"
)

// Config is what a Hub works with. Journal, Clock, Rand, NewID and Log must be set;
// zero numbers mean the defaults.
type Config struct {
	Journal journal.Journal
	Clock   clock.Clock
	// Rand spreads retries. It is used under a lock of the hub's own.
	Rand *rand.Rand
	// NewID makes a unique string (epochs, ids of the server's own ops).
	NewID func() string
	Log   *slog.Logger
	Hooks observe.Hooks

	Limits     board.Limits
	Window     uint64        // M12, for new dashboards; 0 = 10,000
	AutoWindow time.Duration // M6; 0 = 5 s
	// Validate may refuse a decided op (P5). It is called while the room waits, in
	// the order of the log, so it must be quick; nil = everything passes.
	Validate func(op auth.AuthorizedOp, before *board.State, e *board.Entry) *board.Error

	// Pace is the least time between two paced writes to a session; 0 = 16 ms.
	Pace time.Duration
	// Sweepers is the number of goroutines that write to sessions; 0 = 2.
	Sweepers int
	// TailEntries and TailBytes bound what a room keeps ready; 0 = 1,024 and 1 MiB.
	TailEntries, TailBytes int
	// CacheBytes bounds the live values of all dashboards (W2); 0 = 64 MiB.
	CacheBytes int
	// Linger is how long a room without sessions stays open; 0 = 10 s.
	Linger time.Duration
	// AppendWait is how long an op waits for the journal before its sender is told
	// (A1); 0 = 5 s. RaceWait is how long lost races are retried (A3); 0 = 2 s.
	AppendWait, RaceWait time.Duration
}

func (c *Config) defaults() {
	set(&c.Pace, 16*time.Millisecond)
	set(&c.Sweepers, 2)
	set(&c.TailEntries, 1024)
	set(&c.TailBytes, 1<<20)
	set(&c.CacheBytes, 64<<20)
	set(&c.Linger, 10*time.Second)
	set(&c.AppendWait, 5*time.Second)
	set(&c.RaceWait, 2*time.Second)
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// snapshotEvery is the number of entries between two snapshots (A5).
const snapshotEvery = 1000

// Hub is all open dashboards of one node. Its methods may be called by any number
// of goroutines at once, before, during and after Run.
type Hub struct {
	cfg    Config
	sweeps *sweeper
	values *valueCache

	// ctx ends with Run; work that outlives a caller runs under it.
	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup // every goroutine of the hub and its rooms

	mu     sync.Mutex
	rooms  map[string]*Room
	closed bool

	randMu sync.Mutex
	stats  counters
}

// NewHub makes a hub without open rooms.
func NewHub(cfg Config) *Hub {
	cfg.defaults()
	h := &Hub{cfg: cfg, rooms: make(map[string]*Room)}
	h.ctx, h.stop = context.WithCancel(context.Background())
	h.values = newValueCache(cfg.CacheBytes)
	h.sweeps = newSweeper(cfg.Clock, cfg.Pace)
	return h
}

// Run follows the journal, sweeps and closes rooms that nobody needs, until ctx
// ends. It returns once every goroutine of the hub has ended; ops that the journal
// has not answered by then are answered UNAVAILABLE.
func (h *Hub) Run(ctx context.Context) error {
	for range h.cfg.Sweepers {
		h.wg.Go(h.sweeps.run)
	}
	h.wg.Go(func() { h.follow(ctx) })
	stopJanitor := h.every(h.cfg.Linger/2, h.closeIdle)

	<-ctx.Done()
	stopJanitor()
	h.mu.Lock()
	h.closed = true
	open := make([]*Room, 0, len(h.rooms))
	for _, r := range h.rooms {
		open = append(open, r)
	}
	h.mu.Unlock()
	for _, r := range open {
		r.drain()
	}
	h.stop()
	h.sweeps.stop()
	h.wg.Wait()
	for _, r := range open {
		r.saveLast()
	}
	return nil
}

// every calls f in its own goroutine each d until the returned function is called.
func (h *Hub) every(d time.Duration, f func()) (stop func()) {
	var mu sync.Mutex
	var timer clock.Timer
	stopped := false
	tick := func() {
		f()
		mu.Lock()
		defer mu.Unlock()
		if !stopped {
			timer.Reset(d)
		}
	}
	mu.Lock()
	timer = h.cfg.Clock.AfterFunc(d, tick)
	mu.Unlock()
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		timer.Stop()
	}
}

// follow keeps Follow running while ctx lasts.
func (h *Hub) follow(ctx context.Context) {
	wait := 100 * time.Millisecond
	for ctx.Err() == nil {
		err := h.cfg.Journal.Follow(ctx, h.delivered)
		if ctx.Err() != nil {
			return
		}
		h.report(fmt.Errorf("following the journal: %w", err), "")
		h.markAllBehind()
		h.sleep(ctx, wait)
		wait = min(2*wait, 5*time.Second)
	}
}

// delivered hears of an append by any node.
func (h *Hub) delivered(d journal.Delivery) {
	h.mu.Lock()
	r := h.rooms[d.DashboardID]
	h.mu.Unlock()
	if r != nil {
		r.heard(d.After + journal.Position(len(d.Records)))
	}
}

// markAllBehind makes every room read its log: deliveries may have been missed.
func (h *Hub) markAllBehind() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.rooms {
		r.heard(1<<63 - 1)
	}
}

// acquire returns the open room of a dashboard, loading it if need be. The caller
// must release it.
func (h *Hub) acquire(ctx context.Context, id string) (*Room, *board.Error) {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil, board.Errorf(board.CodeUnavailable, "the server is shutting down; reconnect and send it again")
	}
	r := h.rooms[id]
	loader := r == nil
	if loader {
		r = newRoom(h, id)
		h.rooms[id] = r
	}
	r.users.Add(1)
	h.mu.Unlock()

	if loader {
		// Under the hub's context: others may wait for the same room.
		r.load(h.ctx)
		close(r.loaded)
	}
	select {
	case <-r.loaded:
	case <-ctx.Done():
		r.release()
		return nil, &board.Error{Code: board.CodeUnavailable, Message: "cancelled while the dashboard was being opened", Cause: ctx.Err()}
	}
	if err := r.loadErr; err != nil {
		h.forget(r)
		return nil, err
	}
	return r, nil
}

// release gives back what acquire gave.
func (r *Room) release() {
	r.lastUsed.Store(r.hub.cfg.Clock.Now().UnixNano())
	r.users.Add(-1)
}

// forget removes a room that could not be loaded or must not be used any more, so
// that the next caller tries again.
func (h *Hub) forget(r *Room) {
	h.mu.Lock()
	if h.rooms[r.id] == r {
		delete(h.rooms, r.id)
	}
	h.mu.Unlock()
}

// closeIdle closes rooms that nobody has used for Linger (A6).
func (h *Hub) closeIdle() {
	before := h.cfg.Clock.Now().Add(-h.cfg.Linger).UnixNano()
	var closing []*Room
	h.mu.Lock()
	for id, r := range h.rooms {
		if r.users.Load() == 0 && r.lastUsed.Load() <= before && !r.keepOpen() {
			delete(h.rooms, id)
			closing = append(closing, r)
		}
	}
	h.mu.Unlock()
	for _, r := range closing {
		r.saveLast()
		if f := h.cfg.Hooks.RoomClose; f != nil {
			f(r.id)
		}
	}
}

// report tells the operator of an error.
func (h *Hub) report(err error, id string) {
	h.cfg.Log.Error("room", "err", err, "id", id)
	if f := h.cfg.Hooks.Error; f != nil {
		f(err, id)
	}
}

// sleep waits for d or until ctx ends.
func (h *Hub) sleep(ctx context.Context, d time.Duration) {
	done := make(chan struct{})
	t := h.cfg.Clock.AfterFunc(d, func() { close(done) })
	select {
	case <-done:
	case <-ctx.Done():
		t.Stop()
	}
}

// jitter returns a random time up to d.
func (h *Hub) jitter(d time.Duration) time.Duration {
	h.randMu.Lock()
	defer h.randMu.Unlock()
	return time.Duration(h.cfg.Rand.Int64N(int64(d) + 1))
}

// env is what a decision needs at this moment.
func (h *Hub) env() board.Env {
	return board.Env{
		Now:        h.cfg.Clock.Now(),
		NewEpoch:   h.cfg.NewID(),
		Window:     h.cfg.Window,
		AutoWindow: h.cfg.AutoWindow,
		Limits:     h.cfg.Limits,
	}
}

// unavailable is the answer when the journal cannot do its part (R7, A1).
func unavailable(err error) *board.Error {
	msg := "the store cannot be reached at the moment; nothing was lost, send it again"
	if errors.Is(err, journal.ErrCorrupt) || errors.Is(err, board.ErrFormat) {
		msg = "this dashboard's log cannot be read by this server; tell its operator"
	}
	return &board.Error{Code: board.CodeUnavailable, Message: msg, Cause: err}
}

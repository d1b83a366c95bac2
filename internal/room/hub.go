package room

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/observe"
	"github.com/dashwire/dashwire/relay"
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
	// Heard is told where a log has come to, by whatever node; with "", that any log may
	// have moved. It must not block. Nil = nobody asks.
	Heard func(dashboardID string, head journal.Position)

	// Relay reaches the rooms of other nodes; nil = there are none.
	Relay relay.Relay

	Limits     board.Limits
	Window     uint64        // M12, for new dashboards; 0 = 10,000
	AutoWindow time.Duration // M6; 0 = 5 s
	// Validate may refuse a decided op (P5). It is called while the room waits, in
	// the order of the log, so it must be quick; nil = everything passes.
	Validate func(op auth.AuthorizedOp, before *board.State, e *board.Entry) *board.Error

	// Pace is the least time between two paced writes to a session, longer where many
	// follow one dashboard (paceOf); 0 = 16 ms.
	Pace time.Duration
	// Busy reports whether the processors are: busy dashboards are swept half as often then. It
	// must not block. Nil = they never are.
	Busy func(now time.Time) bool
	// Sweepers is the number of goroutines that write to sessions; 0 = 2, or 1 where Go uses one processor.
	Sweepers int
	// GiveWay lets what comes in from outside go before a goroutine that has worked for a while; nil =
	// that needs no help.
	GiveWay func()
	// TailEntries and TailBytes bound what a room keeps ready, of which the newest 256 entries may be older than
	// three seconds; 0 = 4,096 and 1 MiB.
	TailEntries, TailBytes int
	// CacheBytes bounds the live values of all dashboards (W2); 0 = 64 MiB.
	CacheBytes int
	// Replays is how many dashboards are read from the journal at a time: each may take some
	// times the memory of its document meanwhile. 0 = 16.
	Replays int
	// ShortOfMemory reports that there is no memory for more open rooms; nil = there is.
	ShortOfMemory func() bool
	// Linger is how long a room without sessions stays open; 0 = 10 s.
	Linger time.Duration
	// AppendWait is how long an op waits for the journal before its sender is told
	// (A1); 0 = 5 s. RaceWait is how long lost races are retried (A3); 0 = 2 s.
	AppendWait, RaceWait time.Duration
}

func (c *Config) defaults() {
	set(&c.Pace, 16*time.Millisecond)
	set(&c.Sweepers, min(2, runtime.GOMAXPROCS(0)))
	set(&c.TailEntries, 4096)
	set(&c.TailBytes, 1<<20)
	set(&c.CacheBytes, 64<<20)
	set(&c.Linger, 10*time.Second)
	set(&c.Replays, 16)
	set(&c.AppendWait, 5*time.Second)
	set(&c.RaceWait, 2*time.Second)
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Hub is all open dashboards of one node. Its methods may be called by any number
// of goroutines at once, before, during and after Run.
type Hub struct {
	cfg     Config
	starter journal.Starter // cfg.Journal, nil if it is none
	began   time.Time
	sweeps  *sweeper
	values  *valueCache
	nodes   nodes

	// ctx ends when what the journal has not answered is given up; work that outlives
	// a caller runs under it.
	ctx  context.Context
	stop context.CancelFunc
	// tasks are the goroutines of the rooms; those of Run itself are waited for by it.
	tasks Tasks

	mu     sync.Mutex
	rooms  map[string]*Room
	closed bool

	replays chan struct{} // holds one for each replay under way
	paused  atomic.Int64  // hosts that were told of a wait, and not of its end

	troubles, rewinds clock.Seldom // what is reported now and then only

	randMu  sync.Mutex // of cfg.Rand
	stats   counters
	scratch sync.Pool // of *board.Scratch
	records sync.Pool // of *[]byte, memory of records
}

// NewHub makes a hub without open rooms.
func NewHub(cfg Config) *Hub {
	cfg.defaults()
	h := &Hub{
		troubles: clock.Seldom{Every: seldom}, rewinds: clock.Seldom{Every: seldom},
		cfg: cfg, began: cfg.Clock.Now(), rooms: make(map[string]*Room), replays: make(chan struct{}, cfg.Replays),
		scratch: sync.Pool{New: func() any { return new(board.Scratch) }},
		records: sync.Pool{New: func() any { return new([]byte) }},
	}
	h.starter, _ = cfg.Journal.(journal.Starter)
	h.ctx, h.stop = context.WithCancel(context.Background())
	h.values = newValueCache(cfg.CacheBytes)
	h.nodes = nodes{relay: cfg.Relay, seed: maphash.MakeSeed()}
	h.sweeps = newSweeper(&cfg)
	return h
}

const (
	// giveUp is how long Run waits for the journal once its context has ended.
	giveUp = time.Second
	// saveWithin bounds the saving of snapshots at the end of Run.
	saveWithin = 3 * time.Second
)

// Run follows the journal, sweeps and closes rooms that nobody needs, until ctx
// ends. It returns once every goroutine of the hub has ended; ops that the journal
// has not answered within a second from then are answered UNAVAILABLE. Sessions are
// to be drained before.
func (h *Hub) Run(ctx context.Context) error {
	leave, err := h.joinNodes(ctx)
	if err != nil {
		return err
	}
	var sweeps, others sync.WaitGroup
	h.sweeps.begun.Store(true)
	for range h.cfg.Sweepers {
		sweeps.Go(h.sweeps.run)
	}
	others.Go(func() { h.follow(ctx) })
	others.Go(func() {
		for h.sleep(ctx, h.cfg.Linger/2); ctx.Err() == nil; h.sleep(ctx, h.cfg.Linger/2) {
			h.closeIdle(h.cfg.Linger)
		}
	})

	<-ctx.Done()
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	idle := h.tasks.Close()
	impatience := h.cfg.Clock.AfterFunc(giveUp, h.giveUp)
	<-idle
	impatience.Stop()
	h.stop()
	others.Wait()
	leave()
	h.saveAll()
	h.sweeps.stop()
	sweeps.Wait()
	return nil
}

// giveUp ends the waiting for the journal.
func (h *Hub) giveUp() {
	h.stop()
	for _, r := range h.all() {
		r.giveUp()
	}
}

// saveAll stops the timers of the open rooms and saves their snapshots.
func (h *Hub) saveAll() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer h.cfg.Clock.AfterFunc(saveWithin, cancel).Stop()
	for _, r := range h.all() {
		select {
		case <-r.loaded:
		default:
			continue // the hub was closed before it could begin
		}
		r.stopTimers()
		r.saveLast(ctx)
	}
}

// acquire returns the open room of a dashboard, loading it if need be, which it
// waits for AppendWait at most. The caller must release it.
func (h *Hub) acquire(ctx context.Context, id string) (*Room, *board.Error) {
	return h.acquireFor(ctx, id, nil)
}

// acquireFor is acquire for somebody whose host, which may be nil, is told of the waiting.
func (h *Hub) acquireFor(ctx context.Context, id string, host Host) (*Room, *board.Error) {
	r, err := h.enter(id)
	if err == nil && !r.open.Load() {
		err = r.await(ctx, host)
	}
	return r, err
}

// enter is acquire without the waiting: a room that is not open is to be awaited.
func (h *Hub) enter(id string) (*Room, *board.Error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, shuttingDown()
	}
	r := h.rooms[id]
	if r == nil {
		r = newRoom(h, id)
		if !h.tasks.Go(r.load) {
			return nil, shuttingDown()
		}
		h.rooms[id] = r
	}
	r.users.Add(1)
	return r, nil
}

// await waits until a room that was entered is open, for AppendWait at most. If it cannot be used it
// is released.
func (r *Room) await(ctx context.Context, host Host) *board.Error {
	select {
	case <-r.loaded:
	default:
		defer r.hub.Pause(host)()
		ctx, cancel := r.hub.bounded(ctx)
		defer cancel()
		select {
		case <-r.loaded:
		case <-ctx.Done():
			r.release()
			return &board.Error{
				Code: board.CodeUnavailable, Message: "the dashboard takes long to open; send it again", Cause: ctx.Err(),
			}
		}
	}
	if r.loadErr != nil {
		r.release()
	}
	return r.loadErr
}

// release gives back what acquire gave.
func (r *Room) release() { r.releaseAt(r.hub.cfg.Clock.Now()) }

func (r *Room) releaseAt(now time.Time) {
	r.lastUsed.Store(int64(now.Sub(r.hub.began)))
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

// elapsed is the hub's age. Unlike the time of day it is not set by anybody.
func (h *Hub) elapsed() time.Duration { return h.cfg.Clock.Now().Sub(h.began) }

// CloseUnused closes the rooms that nobody uses at the moment, when memory is short.
func (h *Hub) CloseUnused() { h.closeIdle(0) }

// closeIdle closes rooms that nobody has used for so long (A6).
func (h *Hub) closeIdle(linger time.Duration) {
	if h.Stale() {
		return // what is closed now could not be opened again (A7)
	}
	before := h.elapsed() - linger
	var closing []*Room
	h.mu.Lock()
	for id, r := range h.rooms {
		if r.close(before) {
			delete(h.rooms, id)
			closing = append(closing, r)
		}
	}
	h.mu.Unlock()
	for _, r := range closing {
		r.stopTimers()
		r.saveLast(h.ctx)
		if f := h.cfg.Hooks.RoomClose; f != nil {
			f(r.id)
		}
	}
}

// Stale tells that the journal is away, so that what is read from memory may not be
// the newest (A7).
func (h *Hub) Stale() bool { return journal.TroubleOf(h.cfg.Journal) != nil }

// report tells the operator of an error.
func (h *Hub) report(err error, attrs ...any) {
	h.cfg.Log.Error("room", append([]any{"err", err}, attrs...)...)
	if f := h.cfg.Hooks.Error; f != nil {
		f(err, "")
	}
}

// seldom is the least time between two lines of what may come with every op or request.
const seldom = 10 * time.Second

// reportTrouble tells the operator of an error that may come with every op.
func (h *Hub) reportTrouble(err error) {
	if h.ctx.Err() != nil {
		return // what was given up at the end
	}
	h.reportSeldom(&h.troubles, err)
}

// reportSeldom tells the operator of an error now and then, and how often it was not told.
func (h *Hub) reportSeldom(s *clock.Seldom, err error) {
	switch more, ok := s.Now(h.cfg.Clock.Now()); {
	case !ok:
	case more == 0:
		h.report(err)
	default:
		h.report(err, "more", more)
	}
}

// bounded gives a context that ends after AppendWait.
func (h *Hub) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	timer := h.cfg.Clock.AfterFunc(h.cfg.AppendWait, cancel)
	return ctx, func() {
		timer.Stop()
		cancel()
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

// env is what a decision on a state needs at a moment.
func (h *Hub) env(state *board.State, now time.Time) board.Env {
	env := board.Env{
		Now:        now,
		Window:     h.cfg.Window,
		AutoWindow: h.cfg.AutoWindow,
		Limits:     h.cfg.Limits,
	}
	if !exists(state) {
		env.NewEpoch = h.cfg.NewID()
	}
	return env
}

func shuttingDown() *board.Error {
	return board.Errorf(board.CodeUnavailable, "the server is shutting down; reconnect and send it again")
}

// unavailable is the answer when the journal cannot do its part (R7, A1).
func unavailable(err error) *board.Error {
	var known *board.Error
	if errors.As(err, &known) {
		return known
	}
	msg := "the store cannot be reached at the moment; nothing was lost, send it again"
	if errors.Is(err, journal.ErrCorrupt) || errors.Is(err, board.ErrFormat) {
		msg = "this dashboard's log cannot be read by this server; tell its operator"
	}
	return &board.Error{Code: board.CodeUnavailable, Message: msg, Cause: err}
}

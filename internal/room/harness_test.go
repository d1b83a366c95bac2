package room

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/memjournal"
)

// aWhile is longer than any pace, and shorter than any timeout.
const aWhile = time.Second

// after lets the bubble's time pass and everybody come to rest.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// node is a hub that runs inside a bubble.
type node struct {
	*Hub
	t    *testing.T
	log  *strings.Builder
	stop func() // ends Run and waits for it
	ops  int
}

// bubble runs a test on a hub of its own and ends it afterwards.
func bubble(t *testing.T, j journal.Journal, change func(*Config), f func(t *testing.T, n *node)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, j, change)
		defer n.stop()
		f(t, n)
	})
}

func start(t *testing.T, j journal.Journal, change func(*Config)) *node {
	t.Helper()
	if j == nil {
		j = memjournal.New(memjournal.Options{})
	}
	n := &node{t: t, log: &strings.Builder{}}
	ids := 0
	var mu sync.Mutex
	cfg := Config{
		Journal: j, Clock: clock.Real{}, Rand: rand.New(rand.NewPCG(1, 2)),
		Log: slog.New(slog.NewTextHandler(n.log, nil)),
		NewID: func() string {
			mu.Lock()
			defer mu.Unlock()
			ids++
			return fmt.Sprint("epoch-", ids)
		},
	}
	if change != nil {
		change(&cfg)
	}
	ended, end := context.WithCancel(context.Background())
	if !waitedFor {
		cfg.Journal = starting{Journal: cfg.Journal, ended: ended}
	}
	n.Hub = NewHub(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = n.Run(ctx)
	}()
	n.stop = func() {
		cancel()
		<-done
		end()
	}
	return n
}

// waitedFor has the hubs wait for their journals, as for one that is no journal.Starter.
var waitedFor bool

// starting makes a journal.Starter of a journal. What is under way there ends after the hub.
type starting struct {
	journal.Journal

	ended context.Context
}

func (s starting) Start(a journal.Append, done func(journal.Durability, error)) {
	go func() { done(s.Append(s.ended, a)) }()
}

func (s starting) Trouble() *journal.Trouble { return journal.TroubleOf(s.Journal) }

var owner = auth.Principal{UserID: "ana", Grants: []auth.Grant{{Pattern: "*", Role: auth.Owner}}}

// op decodes and authorizes an op of ana's.
func op(t testing.TB, id, typ, payload string) auth.AuthorizedOp {
	t.Helper()
	m, bad := wire.Decode(fmt.Appendf(nil, `{"type":%q,"id":%q,"payload":%s}`, typ, id, payload), wire.Limits{})
	if bad != nil {
		t.Fatal(bad)
	}
	m.Op.Author = board.Author{UserID: "ana", ClientID: "tab"}
	authorized, bad := auth.Authorize(context.Background(), auth.Grants{}, &owner, m.Op)
	if bad != nil {
		t.Fatal(bad)
	}
	return authorized
}

// submit hands an op in and returns where its answer comes. A second answer would
// block the room, which a test would not survive.
func (n *node) submit(typ, payload string) chan Answer {
	n.t.Helper()
	n.ops++
	return n.submitAs(fmt.Sprint("op-", n.ops), typ, payload)
}

func (n *node) submitAs(id, typ, payload string) chan Answer {
	n.t.Helper()
	answers := make(chan Answer, 1)
	n.Submit(n.t.Context(), op(n.t, id, typ, payload), func(a Answer) { answers <- a })
	return answers
}

// create makes a widget.
func (n *node) create(widget string) {
	n.t.Helper()
	a := <-n.submit("WIDGET_UPDATE", fmt.Sprintf(`{"dashboardId":"ops","widgetId":%q,"create":true}`, widget))
	if a.Ack == nil {
		n.t.Fatal(a.Refusal)
	}
}

func (n *node) title(widget, title string) chan Answer {
	n.t.Helper()
	return n.submit("WIDGET_UPDATE", fmt.Sprintf(`{"dashboardId":"ops","widgetId":%q,"set":{"/title":%q}}`, widget, title))
}

// answered returns the answer that has come, nil if none has.
func answered(answers chan Answer) *Answer {
	synctest.Wait()
	select {
	case a := <-answers:
		return &a
	default:
		return nil
	}
}

// ids gives the op ids of a log, folding it.
func ids(t *testing.T, j journal.Journal, id string) []string {
	t.Helper()
	var list []string
	state := board.NewState(id)
	for rec, err := range j.Read(context.Background(), id, 0) {
		if err != nil {
			t.Fatal(err)
		}
		e, next, err := fold(state, rec)
		if err != nil {
			t.Fatal(err)
		}
		state = next
		list = append(list, e.ID)
	}
	return list
}

// reader is a subscriber that follows one dashboard.
type reader struct {
	mu   sync.Mutex
	sub  *Subscription
	got  [][]byte // messages
	gone string
	lost *board.Error
	hold bool // takes nothing
}

// follow subscribes a reader.
func (n *node) follow(id string) *reader {
	n.t.Helper()
	r := &reader{}
	frames, at, err := n.Subscribe(n.t.Context(), SubscribeRequest{DashboardID: id, Role: auth.Owner}, r,
		func(s *Subscription) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.sub, r.hold = s, true
		})
	if err != nil {
		n.t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sub.Cursors, r.hold = at, false
	for _, f := range frames {
		r.takeLocked(f)
	}
	return r
}

func (r *reader) takeLocked(frames []byte) {
	for len(frames) > 0 {
		payload, rest := wire.NextFrame(frames)
		r.got = append(r.got, payload)
		frames = rest
	}
}

func (r *reader) Flush(time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hold || r.gone != "" || r.lost != nil {
		return
	}
	for {
		frames, next, ok := r.sub.NextEntries(1<<62, 64<<10)
		if !ok {
			frames, after := r.sub.CatchUp(context.Background(), r.sub.Cursors, auth.Owner)
			r.sub.Cursors = after
			for _, f := range frames {
				r.takeLocked(f)
			}
			continue
		}
		if next == r.sub.Sent {
			break
		}
		r.takeLocked(frames)
		r.sub.Sent = next
	}
	for {
		frame, next := r.sub.NextValues()
		r.sub.Values = next
		if frame == nil {
			break
		}
		r.takeLocked(frame)
	}
}

func (r *reader) Gone(_ *Subscription, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = why
}

func (r *reader) Lost(s *Subscription, err *board.Error) {
	r.mu.Lock()
	r.lost = err
	r.mu.Unlock()
	s.Cancel()
}

// take returns what has come since the last call.
func (r *reader) take() [][]byte {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

// gate is a journal of which single calls can be held up, changed or refused.
type gate struct {
	journal.Journal

	mu       sync.Mutex
	onAppend func(ctx context.Context) error
	onRead   func(ctx context.Context, n int) error // before the nth record of a read, from 0
	onFollow func(ctx context.Context) error
	onSave   func() error
	saved    []journal.Position
	says     journal.Durability
	bare     bool // deliveries say only how far a log has come, so that it is read
}

func newGate() *gate { return &gate{Journal: memjournal.New(memjournal.Options{})} }

// countReads counts the reads that find something from now on.
func (g *gate) countReads(reads *atomic.Int64) {
	g.set(func() {
		g.onRead = func(_ context.Context, n int) error {
			if n == 0 {
				reads.Add(1)
			}
			return nil
		}
	})
}

func (g *gate) set(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
}

func (g *gate) Append(ctx context.Context, a journal.Append) (journal.Durability, error) {
	g.mu.Lock()
	hook, says := g.onAppend, g.says
	g.mu.Unlock()
	if hook != nil {
		if err := hook(ctx); err != nil {
			return says, err
		}
	}
	_, err := g.Journal.Append(ctx, a)
	return says, err
}

func (g *gate) Head(ctx context.Context, id string) (journal.Position, journal.Durability, error) {
	p, _, err := g.Journal.Head(ctx, id)
	return p, g.says, err
}

func (g *gate) Read(ctx context.Context, id string, after journal.Position) iter.Seq2[journal.Record, error] {
	g.mu.Lock()
	hook := g.onRead
	g.mu.Unlock()
	if hook == nil {
		return g.Journal.Read(ctx, id, after)
	}
	return func(yield func(journal.Record, error) bool) {
		n := 0
		for rec, err := range g.Journal.Read(ctx, id, after) {
			if bad := hook(ctx, n); bad != nil {
				yield(journal.Record{}, bad)
				return
			}
			if !yield(rec, err) {
				return
			}
			n++
		}
		if bad := hook(ctx, n); bad != nil {
			yield(journal.Record{}, bad)
		}
	}
}

func (g *gate) Follow(ctx context.Context, deliver func(journal.Delivery)) error {
	g.mu.Lock()
	hook, bare := g.onFollow, g.bare
	g.mu.Unlock()
	if hook != nil {
		if err := hook(ctx); err != nil {
			return err
		}
	}
	return g.Journal.Follow(ctx, func(d journal.Delivery) {
		if bare {
			d = journal.Delivery{DashboardID: d.DashboardID, After: d.After + journal.Position(len(d.Records))}
		}
		deliver(d)
	})
}

func (g *gate) SaveSnapshot(ctx context.Context, id string, s journal.Snapshot) error {
	g.mu.Lock()
	hook := g.onSave
	g.mu.Unlock()
	if hook != nil {
		if err := hook(); err != nil {
			return err
		}
	}
	err := g.Journal.SaveSnapshot(ctx, id, s)
	if err == nil {
		g.set(func() { g.saved = append(g.saved, s.Position) })
	}
	return err
}

// wait gives a hook that waits until way is closed or the context ends.
func wait(ctx context.Context, way chan struct{}) error {
	select {
	case <-way:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", journal.ErrUnknown, ctx.Err())
	}
}

// synctestBubble runs a test in a bubble without a hub.
func synctestBubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

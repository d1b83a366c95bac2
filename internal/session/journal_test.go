package session

import (
	"context"
	"iter"
	"sync"

	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/memjournal"
)

// gate is a journal whose appends and heads can be held up: what comes while it is
// shut waits until it is open.
type gate struct {
	journal.Journal

	mu      sync.Mutex
	way     chan struct{} // closed = open
	appends int
	heads   int
	waiting int
}

func newGate() *gate {
	g := &gate{Journal: memjournal.New(memjournal.Options{}), way: make(chan struct{})}
	close(g.way)
	return g
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.way = make(chan struct{})
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.way)
}

// pass waits for the gate. It reports false if ctx ends before.
func (g *gate) pass(ctx context.Context, count *int) bool {
	g.mu.Lock()
	*count++
	g.waiting++
	way := g.way
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		g.waiting--
		g.mu.Unlock()
	}()
	select {
	case <-way:
		return true
	case <-ctx.Done():
		return false
	}
}

func (g *gate) Append(ctx context.Context, a journal.Append) (journal.Durability, error) {
	if !g.pass(ctx, &g.appends) {
		return journal.Memory, journal.ErrUnknown
	}
	return g.Journal.Append(ctx, a)
}

func (g *gate) Head(ctx context.Context, id string) (journal.Position, journal.Durability, error) {
	if !g.pass(ctx, &g.heads) {
		return 0, journal.Memory, ctx.Err()
	}
	return g.Journal.Head(ctx, id)
}

// deaf is a journal that never tells anybody of an append.
type deaf struct{ journal.Journal }

func (deaf) Follow(ctx context.Context, _ func(journal.Delivery)) error {
	<-ctx.Done()
	return ctx.Err()
}

// torn is a journal in which some things fail.
type torn struct {
	journal.Journal

	mu       sync.Mutex
	read     error
	save     error
	head     error
	snapshot error
	saved    []journal.Position
	reads    int // records read
}

func (j *torn) set(f func(*torn)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f(j)
}

func (j *torn) Read(ctx context.Context, id string, after journal.Position) iter.Seq2[journal.Record, error] {
	j.mu.Lock()
	err := j.read
	j.mu.Unlock()
	return func(yield func(journal.Record, error) bool) {
		if err != nil {
			yield(journal.Record{}, err)
			return
		}
		for rec, err := range j.Journal.Read(ctx, id, after) {
			j.set(func(j *torn) { j.reads++ })
			if !yield(rec, err) {
				return
			}
		}
	}
}

func (j *torn) Head(ctx context.Context, id string) (journal.Position, journal.Durability, error) {
	j.mu.Lock()
	err := j.head
	j.mu.Unlock()
	if err != nil {
		return 0, journal.Memory, err
	}
	return j.Journal.Head(ctx, id)
}

func (j *torn) Snapshot(ctx context.Context, id string, atMost journal.Position) (journal.Snapshot, error) {
	j.mu.Lock()
	err := j.snapshot
	j.mu.Unlock()
	if err != nil {
		return journal.Snapshot{}, err
	}
	return j.Journal.Snapshot(ctx, id, atMost)
}

func (j *torn) SaveSnapshot(ctx context.Context, id string, s journal.Snapshot) error {
	j.mu.Lock()
	err := j.save
	if err == nil {
		j.saved = append(j.saved, s.Position)
	}
	j.mu.Unlock()
	if err != nil {
		return err
	}
	return j.Journal.SaveSnapshot(ctx, id, s)
}

package session

import (
	"context"
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

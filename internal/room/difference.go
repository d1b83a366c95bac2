package room

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/dashwire/dashwire/board"
)

// differences composes what subscribers that fell behind have missed (R5). Many of them
// fall behind together and come back together, when a network does: they wait in line
// here, and one that stands not far from where another stood is given what that one has
// missed, and the rest. To hear again what it has is no harm: a change says what a path
// is, not what became of it (E6).
type differences struct {
	waiting atomic.Int64 // those in line, or about to be, and the one that is served

	mu sync.Mutex
	// last is what was composed last, while there are others in line; its change is nil
	// if nothing was.
	last difference
}

// difference is the change between two versions of an epoch.
type difference struct {
	epoch    string
	from, to uint64
	change   *board.Change
}

// mostAgain bounds the versions that somebody hears again, and sharedPart the part of
// those missed that they may be.
const (
	mostAgain  = 64
	sharedPart = 16
)

// difference composes the change from a version, or one a little before it, to the head
// of r, and returns the state of that head. It reports false if the entries cannot be had.
func (d *differences) difference(ctx context.Context, r *Room, epoch string, from uint64) (*board.Change, *board.State, bool) {
	defer d.expect()()
	d.mu.Lock()
	defer d.mu.Unlock()
	state := r.head() // of this moment: what was composed meanwhile is not newer
	now, to := state.Head()
	if now != epoch || to <= from {
		return nil, state, false
	}
	again := min(mostAgain, (to-from)/sharedPart)
	last := &d.last
	if last.change == nil || last.epoch != epoch || last.from > from || from-last.from > again {
		begin := from
		if grain := again / 2; grain > 0 && from > grain {
			begin -= from % grain // so that it is soon enough for most who come after
		}
		change, ok := r.changes(ctx, state, begin)
		if !ok && begin < from {
			begin = from
			change, ok = r.changes(ctx, state, begin)
		}
		if !ok {
			return nil, state, false
		}
		*last = difference{epoch, begin, to, change}
		return change, state, true
	}
	if last.to < to {
		more, ok := r.changes(ctx, state, last.to)
		if !ok {
			return nil, state, false
		}
		last.to, last.change = to, board.Compose(last.change, more)
	}
	return last.change, state, true
}

// expect keeps what is composed for somebody who comes, until done.
func (d *differences) expect() (done func()) {
	d.waiting.Add(1)
	return func() {
		if d.waiting.Add(-1) == 0 {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.last = difference{}
		}
	}
}

// changes composes the entries after a version up to a state's.
func (r *Room) changes(ctx context.Context, state *board.State, from uint64) (*board.Change, bool) {
	_, to := state.Head()
	var list []*board.Change
	for rec, err := range r.hub.entriesAfter(ctx, r, state, from) {
		if err != nil || rec.deletes {
			return nil, false
		}
		if rec.version > to {
			break
		}
		e, err := rec.entry()
		if err != nil {
			return nil, false
		}
		list = append(list, e.Change)
	}
	if uint64(len(list)) != to-from || len(list) == 0 {
		return nil, false
	}
	return board.ComposeAll(list), true
}

package room

import (
	"context"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/journal"
)

// Answer is the one terminal answer to an op (E3): exactly one of Ack, Conflict and
// Refusal is set.
type Answer struct {
	Op       *board.Op
	Ack      *board.Ack
	Conflict *board.Conflict
	Refusal  *board.Error
	// Durability of an Ack.
	Durability journal.Durability
	// Committed is true if this very submission became the entry of Ack.Version.
	Committed bool
	// Epoch that Ack.Version, or the conflict's, counts in.
	Epoch string
}

// item is one submitted op in line.
type item struct {
	op    auth.AuthorizedOp
	done  func(Answer)
	since time.Time // taken in
	raced time.Time // first race lost, zero = none
	lost  int       // races

	decision board.Decision
	record   board.Record
	memory   *[]byte // of record, from hub.records; nil if there is no record
	// answered is true once done was called. The op stays in line: it had waited too
	// long (A1).
	answered bool
}

func (it *item) answer(a Answer) {
	if it.answered {
		return
	}
	it.answered = true
	a.Op = it.op.Op()
	it.done(a)
}

func (it *item) refuse(err *board.Error) { it.answer(Answer{Refusal: err}) }

// What one room has in line at most, in ops and in bytes of records: reached only
// while the journal does not answer.
const (
	maxLine      = 16_384
	maxLineBytes = 64 << 20
)

// Submit decides an op and has it appended. done is called exactly once, from this
// or another goroutine, while the room is locked: it must not block and must not
// call the hub. For a committed op it is called before any reader can see the
// entry. Submit returns once the op is in line; it may read history or open the
// dashboard before that, under ctx and for at most AppendWait each.
func (h *Hub) Submit(ctx context.Context, op auth.AuthorizedOp, done func(Answer)) {
	h.SubmitAt(ctx, h.cfg.Clock.Now(), op, done)
}

// SubmitAt is Submit of an op that came at this moment.
func (h *Hub) SubmitAt(ctx context.Context, now time.Time, op auth.AuthorizedOp, done func(Answer)) {
	it := &item{op: op, done: done, since: now}
	h.stats.ops.Add(1)
	r, err := h.enter(op.Op().DashboardID)
	if err == nil && !r.open.Load() {
		err = r.await(ctx, nil)
		now = h.cfg.Clock.Now()
	}
	if err != nil {
		it.refuse(err)
		return
	}
	now, err = r.submit(ctx, it, now)
	if err != nil {
		it.refuse(err)
	}
	r.releaseAt(now)
}

// submit puts an item in line, and tells when it was decided.
func (r *Room) submit(ctx context.Context, it *item, now time.Time) (time.Time, *board.Error) {
	const attempts = 8
	r.mu.Lock()
	defer r.mu.Unlock()
	for range attempts {
		switch {
		case r.failed != nil:
			return now, r.failed
		case len(r.inflight)+len(r.queue)+len(r.undecided) >= maxLine || r.lineBytes >= maxLineBytes:
			return now, board.Errorf(board.CodeUnavailable, "too many changes of this dashboard wait for the store; send it again")
		case len(r.undecided) > 0:
			r.undecided = append(r.undecided, it) // behind those before it
			return now, nil
		}
		it.decide(r, now)
		if it.decision.Need == nil {
			r.enqueueLocked(it)
			if r.restsLocked() {
				r.beginLocked(now)
			}
			return now, nil
		}
		err := r.lookBackLocked(ctx, it)
		now = r.hub.cfg.Clock.Now()
		if err != nil {
			return now, err
		}
	}
	return now, board.Errorf(board.CodeUnavailable, "the dashboard changes too fast to look back; send it again")
}

func (r *Room) enqueueLocked(it *item) {
	r.queue = append(r.queue, it)
	r.lineBytes += len(it.record.Data)
}

// decide decides the item on the pending state. The room is locked. Who came earlier may be decided
// later, but not at an earlier time.
func (it *item) decide(r *Room, now time.Time) {
	if now.After(r.decided) {
		r.decided = now
	}
	it.record, it.memory = board.Record{}, nil // not to be used again: an append in doubt may hold them
	env := r.hub.env(r.pending, r.decided)
	env.Scratch = r.hub.scratch.Get().(*board.Scratch)
	it.decision = r.pending.Decide(it.op.Op(), env)
	r.hub.scratch.Put(env.Scratch)
	d := &it.decision
	if d.Entry == nil {
		return
	}
	if validate := r.hub.cfg.Validate; validate != nil {
		if err := validate(it.op, r.pending, d.Entry); err != nil {
			it.decision = board.Decision{Refusal: err}
			return
		}
	}
	it.memory = r.hub.records.Get().(*[]byte)
	it.record = board.EncodeRecordInto(*it.memory, d.Entry)
	r.hub.stats.encoded.Add(1)
	r.pending = d.Next
}

// lookBackLocked gives an item the past that its decision needs. The lock is
// released while the journal is read.
func (r *Room) lookBackLocked(ctx context.Context, it *item) *board.Error {
	p := past{now: r.pending, recent: []*board.State{r.committed}}
	for _, line := range [...][]*item{r.inflight, r.queue} {
		for _, other := range line {
			if next := other.decision.Next; next != nil {
				p.recent = append(p.recent, next)
			}
		}
	}
	need := it.decision.Need
	r.mu.Unlock()
	defer r.mu.Lock()
	ctx, cancel := r.hub.bounded(ctx)
	defer cancel()
	history, err := r.hub.history(ctx, p, need)
	if err != nil {
		return err
	}
	it.op = it.op.WithHistory(history)
	return nil
}

// redecideLocked decides everything in line again on the committed state, in order.
// The lock is released while an op has to look back; what comes meanwhile is decided
// after those before it.
func (r *Room) redecideLocked() {
	r.undecided = append(append(r.undecided, r.inflight...), r.queue...)
	r.emptyLineLocked()
	r.pending = r.committed
	const attempts = 8
	for len(r.undecided) > 0 {
		it := r.undecided[0]
		for try := 0; !it.answered; try++ { // an answered one would come as a surprise
			it.decide(r, r.hub.cfg.Clock.Now())
			if it.decision.Need == nil {
				break
			}
			err := r.lookBackLocked(r.hub.ctx, it)
			if err == nil && try == attempts {
				err = board.Errorf(board.CodeUnavailable, "the dashboard changes too fast to look back; send it again")
			}
			if err != nil {
				it.decision = board.Decision{Refusal: err}
				break
			}
		}
		r.undecided[0] = nil
		r.undecided = r.undecided[1:]
		if !it.answered {
			r.enqueueLocked(it)
		}
	}
	r.undecided = nil
}

// emptyLineLocked forgets what is in flight and in the queue.
func (r *Room) emptyLineLocked() {
	clear(r.inflight)
	clear(r.queue)
	r.inflight, r.queue = r.inflight[:0], r.queue[:0]
	r.lineBytes = 0
}

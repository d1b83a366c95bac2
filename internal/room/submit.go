package room

import (
	"context"
	"errors"
	"fmt"
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
	// Epoch that Ack.Version counts in.
	Epoch string
}

// item is one submitted op in line.
type item struct {
	op    auth.AuthorizedOp
	done  func(Answer)
	since time.Time // taken in
	raced time.Time // first race lost, zero = none

	decision board.Decision
	record   board.Record
	// answered is true once done was called: the op had waited too long (A1).
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

// maxAppend bounds one append to the journal, in records and bytes.
const (
	maxAppendRecords = 1000
	maxAppendBytes   = 4 << 20
)

// Submit decides an op and has it appended. done is called exactly once, from this
// or another goroutine, while the room is locked: it must not block and must not
// call the hub. For a committed op it is called before any reader can see the
// entry. Submit returns once the op is in line; it may read history or open the
// dashboard before that, under ctx.
func (h *Hub) Submit(ctx context.Context, op auth.AuthorizedOp, done func(Answer)) {
	it := &item{op: op, done: done, since: h.cfg.Clock.Now()}
	h.stats.ops.Add(1)
	r, err := h.acquire(ctx, op.Op().DashboardID)
	if err != nil {
		it.refuse(err)
		return
	}
	defer r.release()
	if err := r.submit(ctx, it); err != nil {
		it.refuse(err)
	}
}

// submit puts an item in line.
func (r *Room) submit(ctx context.Context, it *item) *board.Error {
	const attempts = 8
	for range attempts {
		r.mu.Lock()
		if r.failed != nil {
			r.mu.Unlock()
			return r.failed
		}
		it.decide(r)
		need := it.decision.Need
		if need == nil {
			r.queue = append(r.queue, it)
			r.kickLocked()
			r.mu.Unlock()
			return nil
		}
		state := r.committed
		r.mu.Unlock()
		history, err := r.hub.history(ctx, state, need)
		if err != nil {
			return err
		}
		it.withHistory(history)
	}
	return board.Errorf(board.CodeUnavailable, "the dashboard changes too fast to look back; send it again")
}

// decide decides the item on the pending state. The room is locked.
func (it *item) decide(r *Room) {
	it.record = board.Record{}
	it.decision = r.pending.Decide(it.op.Op(), r.hub.env())
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
	it.record = board.EncodeRecord(d.Entry)
	r.hub.stats.encoded.Add(1)
	r.pending = d.Next
}

// withHistory gives the op the past that it asked for.
func (it *item) withHistory(h *board.History) {
	it.op = it.op.WithHistory(h)
}

// kickLocked starts the append loop if it does not run.
func (r *Room) kickLocked() {
	if r.running {
		return
	}
	r.running = true
	r.users.Add(1)
	r.hub.wg.Go(r.appendLoop)
}

// heard notes that the log has reached a position.
func (r *Room) heard(p journal.Position) {
	select {
	case <-r.loaded:
	default:
		return // load reads up to the head anyway, and a gap shows at the next append
	}
	if r.loadErr != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behind = max(r.behind, p)
	if r.failed == nil && r.behind > journal.Position(r.committed.Position()) {
		r.kickLocked()
	}
}

// appendLoop appends what is in line until nothing is. One append is in flight at
// a time; what arrives meanwhile is the next one.
func (r *Room) appendLoop() {
	defer r.release()
	for {
		r.mu.Lock()
		if r.failed == nil && len(r.queue) == 0 && r.behind > journal.Position(r.committed.Position()) {
			r.mu.Unlock()
			r.catchUp()
			continue
		}
		if r.failed != nil || len(r.queue) == 0 {
			r.running = false
			if r.expiry != nil {
				r.expiry.Stop()
			}
			r.mu.Unlock()
			return
		}
		r.takeLocked()
		batch := r.inflight
		after := journal.Position(r.committed.Position())
		r.armExpiryLocked(r.hub.cfg.AppendWait)
		r.mu.Unlock()
		r.append(batch, after)
	}
}

// takeLocked moves the front of the queue in flight.
func (r *Room) takeLocked() {
	n, records, bytes := 0, 0, 0
	for _, it := range r.queue {
		size := len(it.record.Data)
		if n > 0 && size > 0 && (records == maxAppendRecords || bytes+size > maxAppendBytes) {
			break
		}
		n++
		if size > 0 {
			records++
			bytes += size
		}
	}
	r.inflight = append([]*item(nil), r.queue[:n]...)
	r.queue = append(r.queue[:0:0], r.queue[n:]...)
}

// append stores what a batch decided, or has the head confirmed if it decided
// nothing new (A3), and settles the batch.
func (r *Room) append(batch []*item, after journal.Position) {
	var records [][]byte
	var last *board.State
	for _, it := range batch {
		if it.record.Data != nil {
			records = append(records, it.record.Data)
			last = it.decision.Next
		}
	}
	ctx := r.hub.ctx
	if records == nil {
		head, durability, err := r.hub.cfg.Journal.Head(ctx, r.id)
		switch {
		case err != nil:
			r.refuseAll(err)
		case head != after:
			r.lost(batch)
		default:
			r.commit(batch, durability)
		}
		return
	}

	a := journal.Append{DashboardID: r.id, After: after, Records: records, Summary: summary(last)}
	wait := 10 * time.Millisecond
	for {
		start := r.hub.cfg.Clock.Now()
		durability, err := r.hub.cfg.Journal.Append(ctx, a)
		if f := r.hub.cfg.Hooks.Append; f != nil {
			f(r.id, len(records), r.hub.cfg.Clock.Now().Sub(start), err)
		}
		switch {
		case err == nil:
			r.commit(batch, durability)
		case errors.Is(err, journal.ErrMoved):
			r.lost(batch)
		case errors.Is(err, journal.ErrUnknown) && ctx.Err() == nil:
			// A1: the identical append, until it is confirmed or refused with proof.
			r.hub.report(fmt.Errorf("appending to %s: %w", r.id, err), "")
			r.hub.sleep(ctx, wait/2+r.hub.jitter(wait/2))
			wait = min(2*wait, time.Second)
			continue
		default:
			r.refuseAll(err)
		}
		return
	}
}

// commit makes a batch's entries visible and answers it.
func (r *Room) commit(batch []*item, durability journal.Durability) {
	var replays []*item
	now := r.hub.cfg.Clock.Now()
	entries := make([]*board.Entry, 0, len(batch))

	r.mu.Lock()
	r.inflight = nil
	for _, it := range batch {
		d := &it.decision
		if d.Entry != nil {
			r.advanceLocked(d.Next, d.Entry, it.record.Envelope)
			entries = append(entries, d.Entry)
		}
		epoch, version := r.committed.Head()
		switch {
		case d.Replay != 0:
			if e := r.tail.entry(d.Replay); e != nil {
				it.answer(replayed(e, durability))
			} else {
				replays = append(replays, it)
			}
		case d.Conflict != nil:
			r.hub.conflict(d.Conflict)
			it.answer(Answer{Conflict: d.Conflict, Epoch: epoch})
		case d.Refusal != nil:
			it.answer(Answer{Refusal: d.Refusal})
		default:
			if d.Ack.Version > version && d.Entry == nil {
				r.hub.report(fmt.Errorf("dashboard %s: answer names version %d above the head %d", r.id, d.Ack.Version, version), "")
			}
			it.answer(Answer{Ack: d.Ack, Durability: durability, Committed: d.Entry != nil, Epoch: epoch})
			if d.Entry != nil {
				if f := r.hub.cfg.Hooks.Acknowledged; f != nil {
					f(now.Sub(it.since))
				}
			}
		}
	}
	r.publishLocked(entries)
	r.mu.Unlock()

	r.announce(entries)
	for _, it := range replays {
		r.answerReplay(it, durability)
	}
}

// advanceLocked makes an entry part of the committed state and of the tail. Readers
// see it once publishLocked was called.
func (r *Room) advanceLocked(next *board.State, e *board.Entry, envelope []byte) {
	switch {
	case next.Deleted():
		// Gone: those who were on it hear so (R9), later ones see an empty dashboard.
		r.tail.reset(0)
		r.closeSubsLocked("deleted")
	case r.committed.Deleted() && e.Version > 1:
		// Brought back: a cursor on the empty dashboard finds nothing kept and catches up.
		r.tail.reset(next.Version())
	default:
		r.tail.add(e, envelope)
	}
	for id, w := range e.Change.Widgets {
		if w.Deleted {
			r.values.drop(id)
		}
	}
	r.committed = next
}

// publishLocked lets readers see what advanceLocked added.
func (r *Room) publishLocked(entries []*board.Entry) {
	if len(entries) == 0 {
		return
	}
	r.hub.stats.entries.Add(uint64(len(entries)))
	_, version := r.committed.Head()
	r.tail.publish(version)
	r.hub.sweeps.dirty(r)
	r.snapshotIfDueLocked()
}

// announce tells the hooks of entries that are durable and visible.
func (r *Room) announce(entries []*board.Entry) {
	if f := r.hub.cfg.Hooks.Commit; f != nil {
		for _, e := range entries {
			f(e)
		}
	}
}

func (h *Hub) conflict(c *board.Conflict) {
	h.stats.conflicts.Add(1)
	if f := h.cfg.Hooks.Conflict; f != nil {
		f(c)
	}
}

// replayed is the answer to an op that was committed before, as entry e (M8).
func replayed(e *board.Entry, d journal.Durability) Answer {
	return Answer{Epoch: e.Epoch, Durability: d, Ack: &board.Ack{
		Version: e.Version, Status: e.Status, Change: e.Change, Overwrote: e.Overwrote,
		Skipped: e.Skipped, Ignored: e.Ignored, Results: e.Results,
	}}
}

// answerReplay reads from the log what a repeated op was answered.
func (r *Room) answerReplay(it *item, durability journal.Durability) {
	e, err := r.hub.entryAt(r.hub.ctx, r.head(), it.decision.Replay)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		it.refuse(unavailable(err))
		return
	}
	it.answer(replayed(e, durability))
}

// refuseAll answers everything in line UNAVAILABLE after the journal has proved
// that it stored nothing.
func (r *Room) refuseAll(err error) {
	if errors.Is(err, journal.ErrCorrupt) {
		r.fail(err)
		return
	}
	r.hub.report(fmt.Errorf("appending to %s: %w", r.id, err), "")
	refusal := unavailable(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, it := range append(r.inflight, r.queue...) {
		it.refuse(refusal)
	}
	r.inflight, r.queue = nil, nil
	r.pending = r.committed
}

// lost reads what others appended first and decides everything in line again (A3).
func (r *Room) lost(batch []*item) {
	now := r.hub.cfg.Clock.Now()
	attempt := 0
	for _, it := range batch {
		if it.raced.IsZero() {
			it.raced = now
		} else {
			attempt++
		}
	}
	r.hub.stats.races.Add(1)
	if attempt > 0 {
		r.hub.sleep(r.hub.ctx, r.hub.jitter(20*time.Millisecond))
	}
	if !r.catchUp() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, it := range r.inflight {
		if now.Sub(it.raced) > r.hub.cfg.RaceWait {
			it.refuse(board.Errorf(board.CodeUnavailable, "others write this dashboard too fast; send it again"))
		}
	}
	r.redecideLocked()
}

// catchUp folds what the log holds after the committed state. It reports false if
// it could not, after having answered everything in line.
func (r *Room) catchUp() bool {
	ctx := r.hub.ctx
	state := r.head()
	for rec, err := range r.hub.cfg.Journal.Read(ctx, r.id, journal.Position(state.Position())) {
		var e *board.Entry
		if err == nil {
			e, err = board.ParseRecord(rec.Data)
		}
		var next *board.State
		if err == nil {
			next, err = state.Fold(e)
		}
		if err != nil {
			r.mu.Lock()
			r.behind = 0
			r.mu.Unlock()
			if errors.Is(err, board.ErrFormat) || errors.Is(err, journal.ErrCorrupt) {
				r.fail(err)
			} else {
				r.refuseAll(err)
			}
			return false
		}
		r.mu.Lock()
		r.advanceLocked(next, e, board.EncodeRecord(e).Envelope)
		r.hub.stats.encoded.Add(1)
		r.publishLocked([]*board.Entry{e})
		if len(r.inflight)+len(r.queue) == 0 {
			r.pending = r.committed
		}
		r.mu.Unlock()
		r.announce([]*board.Entry{e})
		state = next
	}
	r.mu.Lock()
	r.behind = min(r.behind, journal.Position(r.committed.Position()))
	r.mu.Unlock()
	return true
}

// redecideLocked decides everything in line again on the committed state, in order.
func (r *Room) redecideLocked() {
	line := append(r.inflight, r.queue...)
	r.inflight, r.queue = nil, nil
	r.pending = r.committed
	for _, it := range line {
		if it.answered {
			continue // its sender was told to send it again
		}
		it.decide(r)
		for it.decision.Need != nil {
			need, state := it.decision.Need, r.committed
			r.mu.Unlock()
			history, err := r.hub.history(r.hub.ctx, state, need)
			r.mu.Lock()
			if err != nil {
				it.decision = board.Decision{Refusal: err}
				break
			}
			it.withHistory(history)
			it.decide(r)
		}
		r.queue = append(r.queue, it)
	}
}

// armExpiryLocked has ops answered that have waited for the journal too long.
func (r *Room) armExpiryLocked(d time.Duration) {
	if r.expiry == nil {
		r.expiry = r.hub.cfg.Clock.AfterFunc(d, r.expire)
		return
	}
	r.expiry.Reset(d)
}

// expire answers ops that have waited longer than AppendWait. They stay in line:
// one that commits after all comes to its sender as an entry (A1).
func (r *Room) expire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	limit := r.hub.cfg.AppendWait
	if r.hub.ctx.Err() != nil {
		limit = 0
	}
	now := r.hub.cfg.Clock.Now()
	waiting := false
	for _, it := range append(r.inflight[:len(r.inflight):len(r.inflight)], r.queue...) {
		if now.Sub(it.since) >= limit {
			it.refuse(board.Errorf(board.CodeUnavailable, "the store has not answered for %s; send it again", limit))
		}
		waiting = waiting || !it.answered
	}
	if waiting && r.running {
		r.armExpiryLocked(limit / 4)
	}
}

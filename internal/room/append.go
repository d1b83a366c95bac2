package room

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/journal"
)

// What one append to the journal holds at most, in records and bytes.
const (
	maxAppendRecords = 1000
	maxAppendBytes   = 4 << 20
)

// kickLocked begins the next append if there is work and none is in flight.
func (r *Room) kickLocked() {
	if r.restsLocked() {
		r.beginLocked(r.hub.cfg.Clock.Now())
	}
}

// restsLocked reports whether there is work that nothing has begun.
func (r *Room) restsLocked() bool {
	return !r.running && r.committed != nil && !r.closed && !r.idleLocked()
}

func (r *Room) beginLocked(now time.Time) {
	if !r.hub.tasks.enter() {
		r.refuseLineLocked(shuttingDown())
		return
	}
	r.users.Add(1)
	r.running = true
	r.goOnLocked(now)
}

// idleLocked reports whether the append loop has nothing to do.
func (r *Room) idleLocked() bool {
	return r.failed != nil || len(r.inflight)+len(r.queue) == 0 && (!r.isBehindLocked() || r.holdOff)
}

// appendLoop appends what is in line until nothing is, and reads what others have
// appended. One append is in flight at a time; what arrives meanwhile is the next.
func (r *Room) appendLoop() {
	defer r.release()
	r.mu.Lock()
	defer r.mu.Unlock()
	for !r.idleLocked() {
		switch {
		case len(r.inflight) > 0:
			r.appendLocked()
		case len(r.queue) > 0 && !r.turn.until.IsZero():
			r.afterOthersLocked()
			if r.isBehindLocked() && !r.holdOff && r.catchUpLocked() {
				r.redecideLocked()
			}
		case len(r.queue) > 0:
			r.takeLocked(r.hub.cfg.Clock.Now())
		default:
			if r.catchUpLocked() && len(r.queue) > 0 {
				r.redecideLocked() // what came meanwhile was decided on an older state
			}
		}
	}
	r.running = false
}

// takeLocked moves the front of the queue in flight.
func (r *Room) takeLocked(now time.Time) {
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
	r.lineBytes -= bytes
	if n == len(r.queue) {
		r.inflight, r.queue = r.queue, r.inflight[:0]
	} else {
		r.inflight = append(r.inflight[:0], r.queue[:n]...)
		rest := copy(r.queue, r.queue[n:])
		clear(r.queue[rest:])
		r.queue = r.queue[:rest]
	}
	r.armExpiryLocked(r.hub.cfg.AppendWait - now.Sub(r.inflight[0].since))
}

// assembleLocked makes the append of what is in flight, without records if that decided
// nothing new. It reports false, and everything is decided again, if it does not fit.
func (r *Room) assembleLocked() (a journal.Append, ok bool) {
	after := journal.Position(r.committed.Position())
	var last *board.State
	before := r.committed
	records := make([][]byte, 0, len(r.inflight))
	for _, it := range r.inflight {
		if it.record.Data == nil {
			continue
		}
		if last == nil && journal.Position(it.decision.Next.Position()) != after+1 {
			// Never append what was decided on another state than the one it follows.
			r.hub.report(fmt.Errorf("dashboard %s: an op decided at position %d is in line at %d", r.id, it.decision.Next.Position(), after))
			r.redecideLocked()
			return a, false
		}
		records = append(records, it.record.Data)
		if last != nil {
			before = last
		}
		last = it.decision.Next
	}
	a = journal.Append{DashboardID: r.id, After: after, Records: records}
	if last != nil {
		a.Summary = summary(last, before)
	}
	return a, true
}

// appendLocked stores what is in flight, or has the head confirmed if that decided
// nothing new (A3), and settles it. The lock is released while the journal works.
func (r *Room) appendLocked() {
	a, ok := r.assembleLocked()
	if !ok {
		return
	}
	ctx := r.hub.ctx
	r.mu.Unlock()
	if len(a.Records) > 0 {
		durability, err := r.hub.append(ctx, a)
		sure := err == nil
		durability, err = r.hub.known(ctx, a, durability, err)
		r.mu.Lock()
		r.storedLocked(durability, err, sure)
		return
	}
	head, durability, err := r.hub.cfg.Journal.Head(ctx, r.id)
	r.mu.Lock()
	switch {
	case err != nil:
		r.troubleLocked(err)
	case head != a.After:
		r.behind = max(r.behind, head)
		r.lostLocked()
	default:
		r.answerReplaysLocked(r.commitLocked(durability, r.hub.cfg.Clock.Now(), false))
	}
}

// storedLocked settles what is in flight by what became of its append.
func (r *Room) storedLocked(durability journal.Durability, err error, sure bool) {
	switch {
	case err == nil:
		r.answerReplaysLocked(r.commitLocked(durability, r.hub.cfg.Clock.Now(), sure))
	case errors.Is(err, journal.ErrMoved):
		r.lostLocked()
	default:
		r.troubleLocked(err)
	}
}

func (h *Hub) append(ctx context.Context, a journal.Append) (journal.Durability, error) {
	start := h.cfg.Clock.Now()
	durability, err := h.cfg.Journal.Append(ctx, a)
	if f := h.cfg.Hooks.Append; f != nil {
		f(a.DashboardID, len(a.Records), h.cfg.Clock.Now().Sub(start), err)
	}
	return durability, err
}

// known returns what became of an append (A1): if the journal could not say, the identical
// append is repeated until it is confirmed or refused with proof.
func (h *Hub) known(ctx context.Context, a journal.Append, durability journal.Durability, err error) (journal.Durability, error) {
	const first, longest = 10 * time.Millisecond, time.Second
	told := func() bool {
		return err == nil || errors.Is(err, journal.ErrMoved) || errors.Is(err, journal.ErrCorrupt) || ctx.Err() != nil
	}
	if told() || !errors.Is(err, journal.ErrUnknown) {
		return durability, err
	}
	h.report(fmt.Errorf("appending to %s, repeated until it is known: %w", a.DashboardID, err))
	for wait := first; !told(); wait = min(2*wait, longest) {
		h.sleep(ctx, wait/2+h.jitter(wait/2))
		durability, err = h.append(ctx, a)
	}
	return durability, err
}

// commitLocked makes the entries in flight visible and answers them. The lock is
// released for the hooks. What it returns is answered before anything that comes later, so that
// answers come in the order of the ops. Of an append that was sure at once nobody holds the records afterwards.
func (r *Room) commitLocked(durability journal.Durability, now time.Time, sure bool) (replays []replay) {
	var entries []*board.Entry
	committed := false
	for _, it := range r.inflight {
		d := &it.decision
		if d.Entry != nil {
			r.advanceLocked(d.Next, d.Entry, it.record)
			committed = true
			if sure {
				r.hub.giveBack(it)
			}
			if r.hub.cfg.Hooks.Commit != nil {
				entries = append(entries, d.Entry)
			}
		}
		if it.answered {
			continue
		}
		if f := r.hub.cfg.Hooks.Raced; f != nil && it.lost > 0 {
			f(it.lost)
		}
		if d.Replay != 0 {
			// What comes behind it in line may begin another epoch.
			if e, err := board.ParseRecord(r.tail.record(r.committed.Epoch(), d.Replay)); err == nil {
				it.answer(replayed(e, durability))
			} else {
				replays = append(replays, replay{it, r.committed, durability})
			}
			continue
		}
		it.answer(r.answerLocked(d, durability))
		if f := r.hub.cfg.Hooks.Acknowledged; f != nil && d.Ack != nil {
			f(now.Sub(it.since))
		}
	}
	clear(r.inflight)
	r.inflight = r.inflight[:0]
	if committed {
		r.publishLocked(now)
	}
	if entries != nil {
		r.mu.Unlock()
		r.announce(entries)
		r.mu.Lock()
	}
	return replays
}

// maxMemory is the largest memory of a record that is used again, in bytes.
const maxMemory = 4 << 10

// giveBack lets other records use the memory of an item's.
func (h *Hub) giveBack(it *item) {
	if cap(it.record.Data) <= maxMemory {
		*it.memory = it.record.Data
		h.records.Put(it.memory)
	}
	it.record, it.memory = board.Record{}, nil
}

// answerLocked is the answer to an op that has just been settled.
func (r *Room) answerLocked(d *board.Decision, durability journal.Durability) Answer {
	epoch, _ := r.committed.Head()
	switch {
	case d.Conflict != nil:
		r.hub.stats.conflicts.Add(1)
		if f := r.hub.cfg.Hooks.Conflict; f != nil {
			f(d.Conflict)
		}
		return Answer{Conflict: d.Conflict, Epoch: epoch}
	case d.Refusal != nil:
		return Answer{Refusal: d.Refusal}
	case d.Entry != nil:
		epoch = d.Entry.Epoch
	}
	return Answer{Ack: d.Ack, Durability: durability, Committed: d.Entry != nil, Epoch: epoch}
}

// replay is a repeated op (M8) whose entry is not kept any more, with the state that
// it was decided on.
type replay struct {
	item       *item
	state      *board.State
	durability journal.Durability
}

// replayed is the answer to an op that was committed before, as entry e (M8).
func replayed(e *board.Entry, d journal.Durability) Answer {
	return Answer{Epoch: e.Epoch, Durability: d, Ack: &board.Ack{
		Version: e.Version, Status: e.Status, Change: e.Change, Overwrote: e.Overwrote, Report: e.Report,
	}}
}

// answerReplaysLocked reads old answers from the log. The lock is released meanwhile.
func (r *Room) answerReplaysLocked(list []replay) {
	if len(list) == 0 {
		return
	}
	r.mu.Unlock()
	defer r.mu.Lock()
	for _, p := range list {
		r.answerReplay(p)
	}
}

// answerReplay reads from the log what a repeated op was answered.
func (r *Room) answerReplay(p replay) {
	ctx, cancel := r.hub.bounded(r.hub.ctx)
	defer cancel()
	e, err := r.hub.entryAt(ctx, p.state, p.item.decision.Replay)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		p.item.refuse(unavailable(err))
		return
	}
	p.item.answer(replayed(e, p.durability))
}

// advanceLocked makes an entry part of the committed state and of the tail. Readers
// see it once publishLocked was called.
func (r *Room) advanceLocked(next *board.State, e *board.Entry, record board.Record) {
	if next.Deleted() {
		// Those who were on it hear so (R9), later ones see an empty dashboard.
		r.closeSubsLocked(wire.ClosedDeleted)
		r.tail.reset("", 0)
	} else {
		r.tail.add(e, record)
	}
	for i := range e.Change.Widgets {
		if w := &e.Change.Widgets[i]; w.Deleted {
			r.values.drop(w.ID)
		}
	}
	r.committed = next
	r.claimEarlyLocked()
	r.hub.stats.entries.Add(1)
}

// publishLocked lets readers see what advanceLocked added.
func (r *Room) publishLocked(now time.Time) {
	r.tail.publish()
	r.hub.sweeps.dirty(r, now)
	r.wakeLocked(nil)
	r.snapshotIfDueLocked()
}

// announce tells the hook of entries that are durable and visible.
func (r *Room) announce(entries []*board.Entry) {
	if f := r.hub.cfg.Hooks.Commit; f != nil {
		for _, e := range entries {
			f(e)
		}
	}
}

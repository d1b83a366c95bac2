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

// kickLocked starts the append loop if there is work and it does not run.
func (r *Room) kickLocked() {
	if r.running || r.failed != nil || r.committed == nil || r.closed ||
		len(r.queue) == 0 && (!r.isBehindLocked() || r.holdOff) {
		return
	}
	r.users.Add(1)
	r.running = r.hub.tasks.Go(r.appendLoop)
	if !r.running {
		r.users.Add(-1)
		r.refuseLineLocked(shuttingDown())
	}
}

// appendLoop appends what is in line until nothing is, and reads what others have
// appended. One append is in flight at a time; what arrives meanwhile is the next.
func (r *Room) appendLoop() {
	defer r.release()
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.failed == nil {
		switch {
		case len(r.queue) > 0 && !r.turn.until.IsZero():
			r.afterOthersLocked()
			if r.isBehindLocked() && !r.holdOff && r.catchUpLocked() {
				r.redecideLocked()
			}
		case len(r.queue) > 0:
			r.takeLocked()
			r.appendLocked()
		case r.isBehindLocked() && !r.holdOff:
			if r.catchUpLocked() && len(r.queue) > 0 {
				r.redecideLocked() // what came meanwhile was decided on an older state
			}
		default:
			r.running = false
			if r.expiry != nil {
				r.expiry.Stop()
			}
			return
		}
	}
	r.running = false
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
	r.lineBytes -= bytes
	if n == len(r.queue) {
		r.inflight, r.queue = r.queue, r.inflight[:0]
	} else {
		r.inflight = append(r.inflight[:0], r.queue[:n]...)
		rest := copy(r.queue, r.queue[n:])
		clear(r.queue[rest:])
		r.queue = r.queue[:rest]
	}
	r.armExpiryLocked(r.hub.cfg.AppendWait - r.hub.cfg.Clock.Now().Sub(r.inflight[0].since))
}

// appendLocked stores what is in flight, or has the head confirmed if that decided
// nothing new (A3), and settles it. The lock is released while the journal works.
func (r *Room) appendLocked() {
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
			r.hub.report(fmt.Errorf("dashboard %s: an op decided at position %d is in line at %d", r.id, it.decision.Next.Position(), after), "")
			r.redecideLocked()
			return
		}
		records = append(records, it.record.Data)
		if last != nil {
			before = last
		}
		last = it.decision.Next
	}
	ctx := r.hub.ctx
	if last == nil {
		r.mu.Unlock()
		head, durability, err := r.hub.cfg.Journal.Head(ctx, r.id)
		r.mu.Lock()
		switch {
		case err != nil:
			r.troubleLocked(err)
		case head != after:
			r.behind = max(r.behind, head)
			r.lostLocked()
		default:
			r.commitLocked(durability)
		}
		return
	}
	a := journal.Append{DashboardID: r.id, After: after, Records: records, Summary: summary(last, before)}
	r.mu.Unlock()
	durability, err := r.hub.store(ctx, a)
	r.mu.Lock()
	switch {
	case err == nil:
		r.commitLocked(durability)
	case errors.Is(err, journal.ErrMoved):
		r.lostLocked()
	default:
		r.troubleLocked(err)
	}
}

// store appends until it is known what became of it (A1): once the journal could not
// say, the identical append is repeated until it is confirmed or refused with proof.
func (h *Hub) store(ctx context.Context, a journal.Append) (journal.Durability, error) {
	const first, longest = 10 * time.Millisecond, time.Second
	unknown := false
	for wait := first; ; wait = min(2*wait, longest) {
		start := h.cfg.Clock.Now()
		durability, err := h.cfg.Journal.Append(ctx, a)
		if f := h.cfg.Hooks.Append; f != nil {
			f(a.DashboardID, len(a.Records), h.cfg.Clock.Now().Sub(start), err)
		}
		switch {
		case err == nil, errors.Is(err, journal.ErrMoved), errors.Is(err, journal.ErrCorrupt), ctx.Err() != nil:
			return durability, err
		case !unknown && !errors.Is(err, journal.ErrUnknown):
			return durability, err
		}
		if !unknown {
			unknown = true
			h.report(fmt.Errorf("appending to %s, repeated until it is known: %w", a.DashboardID, err), "")
		}
		h.sleep(ctx, wait/2+h.jitter(wait/2))
	}
}

// commitLocked makes the entries in flight visible and answers them. The lock is
// released for the hooks and for reading old answers.
func (r *Room) commitLocked(durability journal.Durability) {
	var replays []replay
	var entries []*board.Entry
	now := r.hub.cfg.Clock.Now()
	committed := false
	for _, it := range r.inflight {
		d := &it.decision
		if d.Entry != nil {
			r.advanceLocked(d.Next, d.Entry, it.record)
			committed = true
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
				replays = append(replays, replay{it, r.committed})
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
		r.publishLocked()
	}
	if entries == nil && replays == nil {
		return
	}
	r.mu.Unlock()
	defer r.mu.Lock()
	r.announce(entries)
	for _, p := range replays {
		r.answerReplay(p, durability)
	}
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
	item  *item
	state *board.State
}

// replayed is the answer to an op that was committed before, as entry e (M8).
func replayed(e *board.Entry, d journal.Durability) Answer {
	return Answer{Epoch: e.Epoch, Durability: d, Ack: &board.Ack{
		Version: e.Version, Status: e.Status, Change: e.Change, Overwrote: e.Overwrote,
		Skipped: e.Skipped, Ignored: e.Ignored, Results: e.Results,
	}}
}

// answerReplay reads from the log what a repeated op was answered.
func (r *Room) answerReplay(p replay, durability journal.Durability) {
	ctx, cancel := r.hub.bounded(r.hub.ctx)
	defer cancel()
	e, err := r.hub.entryAt(ctx, p.state, p.item.decision.Replay)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		p.item.refuse(unavailable(err))
		return
	}
	p.item.answer(replayed(e, durability))
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
	for id, w := range e.Change.Widgets {
		if w.Deleted {
			r.values.drop(id)
		}
	}
	r.committed = next
	r.claimEarlyLocked()
	r.hub.stats.entries.Add(1)
}

// publishLocked lets readers see what advanceLocked added.
func (r *Room) publishLocked() {
	r.tail.publish()
	r.hub.sweeps.dirty(r)
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

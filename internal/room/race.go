package room

import (
	"errors"
	"fmt"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/journal"
)

// lostLocked reads what others appended first and decides everything in line again
// (A3). The lock is released while the journal is read.
func (r *Room) lostLocked() {
	now := r.hub.cfg.Clock.Now()
	again := false
	for _, it := range r.inflight {
		it.lost++
		if it.raced.IsZero() {
			it.raced = now
		} else {
			again = true
			if now.Sub(it.raced) > r.hub.cfg.RaceWait {
				it.refuse(board.Errorf(board.CodeUnavailable, "others write this dashboard too fast; send it again"))
			}
		}
	}
	r.hub.stats.races.Add(1)
	if again {
		r.tellWaitingLocked(now)
		const longest = 20 * time.Millisecond
		r.mu.Unlock()
		r.hub.sleep(r.hub.ctx, r.hub.jitter(longest))
		r.mu.Lock()
	}
	if r.catchUpLocked() {
		r.redecideLocked()
	}
}

// catchUpLocked folds what the log holds after the committed state. It reports false
// if it could not, after having answered everything in line. The lock is released
// while the journal is read: what is in line then is decided on an older state.
func (r *Room) catchUpLocked() bool {
	if r.foldAheadLocked() {
		return true
	}
	heard := r.behind
	r.recheck = false
	state := r.committed
	r.mu.Unlock()
	var damage, trouble error
	for rec, err := range r.hub.cfg.Journal.Read(r.hub.ctx, r.id, journal.Position(state.Position())) {
		if err != nil {
			trouble = err
			break
		}
		e, next, err := fold(state, rec)
		if err != nil {
			damage = err
			break
		}
		state = next
		r.mu.Lock()
		r.advanceLocked(next, e, board.Record{Data: rec.Data, Envelope: board.EnvelopeOf(rec.Data)})
		r.publishLocked(r.hub.cfg.Clock.Now())
		if len(r.inflight)+len(r.queue)+len(r.undecided) == 0 {
			r.pending = r.committed
		}
		r.mu.Unlock()
		r.announce([]*board.Entry{e})
	}
	r.mu.Lock()
	switch {
	case damage != nil:
		r.failLocked(damage)
		return false
	case trouble != nil:
		r.recheck = true
		r.troubleLocked(trouble)
		return false
	}
	if r.behind == heard {
		r.behind = min(heard, journal.Position(r.committed.Position()))
	}
	r.retryWait = 0
	return true
}

// fold adds the next record of a log to a state.
func fold(state *board.State, rec journal.Record) (*board.Entry, *board.State, error) {
	if uint64(rec.Position) != state.Position()+1 {
		return nil, nil, fmt.Errorf("%w: position %d follows on %d", journal.ErrCorrupt, rec.Position, state.Position())
	}
	e, err := board.ParseRecord(rec.Data)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the record at position %d: %w", rec.Position, err)
	}
	next, err := state.Fold(e)
	if err != nil {
		return nil, nil, fmt.Errorf("folding the record at position %d: %w", rec.Position, err)
	}
	return e, next, nil
}

// troubleLocked answers everything in line UNAVAILABLE: the journal has stored
// nothing of it, or cannot be read. It has the log read again later, if there is
// something to be read.
func (r *Room) troubleLocked(err error) {
	if errors.Is(err, journal.ErrCorrupt) {
		r.failLocked(err)
		return
	}
	r.hub.reportTrouble(fmt.Errorf("dashboard %s: %w", r.id, err))
	refusal := unavailable(err)
	r.refuseLineLocked(refusal)
	r.wakeLocked(refusal)
	if !r.isBehindLocked() || r.holdOff {
		return
	}
	const first, longest = 100 * time.Millisecond, 5 * time.Second
	r.retryWait = min(max(first, 2*r.retryWait), longest)
	r.holdOff = true
	if r.retry == nil {
		r.retry = r.hub.cfg.Clock.AfterFunc(r.retryWait, r.readAgain)
	} else {
		r.retry.Reset(r.retryWait)
	}
}

// readAgain ends the pause that troubleLocked began.
func (r *Room) readAgain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.holdOff = false
	r.kickLocked()
}

// refuseLineLocked answers everything in line with a refusal and forgets it.
func (r *Room) refuseLineLocked(err *board.Error) {
	for _, line := range [...][]*item{r.inflight, r.queue, r.undecided} {
		for _, it := range line {
			it.refuse(err)
		}
	}
	r.emptyLineLocked()
	r.undecided = nil
	r.pending = r.committed
}

// failLocked closes the room for good after its log turned out unreadable (R7). The
// lock is released for a moment.
func (r *Room) failLocked(err error) {
	r.failed = unavailable(err)
	r.refuseLineLocked(r.failed)
	r.wakeLocked(r.failed)
	subs := append([]*Subscription(nil), r.subs...)
	r.mu.Unlock()
	defer r.mu.Lock()
	r.hub.report(fmt.Errorf("dashboard %s is closed on this node: %w", r.id, err))
	r.hub.forget(r)
	r.stopTimers()
	for _, s := range subs {
		s.subscriber.Lost(s, r.failed)
	}
}

// armExpiryLocked has ops answered that have waited for the journal too long. A timer that
// is set fires soon enough for all that come later, and then looks for the next: one for
// each append would cost as much as a good part of it.
func (r *Room) armExpiryLocked(d time.Duration) {
	if r.expiring {
		return
	}
	r.expiring = true
	d = max(d, time.Millisecond)
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
	r.expiring = false
	limit := r.hub.cfg.AppendWait
	now := r.hub.cfg.Clock.Now()
	next := limit
	waiting := false
	for _, line := range [...][]*item{r.inflight, r.undecided, r.queue} {
		for _, it := range line {
			if it.answered {
				continue
			}
			if left := limit - now.Sub(it.since); left > 0 {
				next, waiting = min(next, left), true
				continue
			}
			it.refuse(board.Errorf(board.CodeUnavailable, "the store has not answered for %s; send it again", limit))
		}
	}
	if waiting && r.running {
		r.armExpiryLocked(max(next, limit/50)) // not one timer for each op
	}
}

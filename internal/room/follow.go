package room

import (
	"context"
	"fmt"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/journal"
)

// follow keeps Follow running while ctx lasts.
func (h *Hub) follow(ctx context.Context) {
	const first, longest = 100 * time.Millisecond, 5 * time.Second
	wait := first
	for ctx.Err() == nil {
		// What was appended before Follow listens is found by reading, once it does.
		listening := h.cfg.Clock.AfterFunc(time.Second, h.mayHaveMissed)
		began := h.cfg.Clock.Now()
		err := h.cfg.Journal.Follow(ctx, h.delivered)
		listening.Stop()
		if ctx.Err() != nil {
			return
		}
		h.report(fmt.Errorf("following the journal: %w", err))
		h.mayHaveMissed()
		if h.cfg.Clock.Now().Sub(began) > longest {
			wait = first
		}
		h.sleep(ctx, wait)
		wait = min(2*wait, longest)
	}
}

// delivered hears of an append by any node.
func (h *Hub) delivered(d journal.Delivery) {
	if f := h.cfg.Heard; f != nil {
		f(d.DashboardID, d.After+journal.Position(len(d.Records)))
	}
	if r := h.open(d.DashboardID); r != nil {
		r.heard(d)
	}
}

// open returns the open room of a dashboard, nil if there is none.
func (h *Hub) open(id string) *Room {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rooms[id]
}

// all returns the open rooms.
func (h *Hub) all() []*Room {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]*Room, 0, len(h.rooms))
	for _, r := range h.rooms {
		list = append(list, r)
	}
	return list
}

// mayHaveMissed has everybody look at the logs themselves.
func (h *Hub) mayHaveMissed() {
	h.markAllBehind()
	if f := h.cfg.Heard; f != nil {
		f("", 0)
	}
}

// markAllBehind makes every room read its log: deliveries may have been missed.
func (h *Hub) markAllBehind() {
	for _, r := range h.all() {
		r.mu.Lock()
		r.recheck = true
		r.kickLocked()
		r.mu.Unlock()
	}
}

// heard notes that the log has reached a position, and keeps what it holds up to there
// if it was another node's append.
func (r *Room) heard(d journal.Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := d.After + journal.Position(len(d.Records)); p > r.behind {
		r.keepAheadLocked(d)
		r.behind = p
		r.othersMovedLocked()
		r.kickLocked()
	}
}

// maxAhead and maxAheadBytes bound what a room keeps of appends that it has heard of
// and not folded yet.
const (
	maxAhead      = 256
	maxAheadBytes = 1 << 20
)

// keepAheadLocked keeps a delivery for foldAheadLocked. While an append is in flight
// it is most likely that one.
func (r *Room) keepAheadLocked(d journal.Delivery) {
	if len(r.ahead) == 0 {
		r.aheadBytes = 0
	}
	for _, data := range d.Records {
		r.aheadBytes += len(data)
	}
	if len(r.inflight) > 0 || len(d.Records) == 0 || r.committed == nil || d.After < journal.Position(r.committed.Position()) ||
		len(r.ahead)+len(d.Records) > maxAhead || r.aheadBytes > maxAheadBytes {
		r.ahead = nil
		return
	}
	for i, data := range d.Records {
		r.ahead = append(r.ahead, journal.Record{Position: d.After + journal.Position(i) + 1, Data: data})
	}
}

// foldAheadLocked folds what deliveries brought, and reports whether that was all that
// the log is known to hold; else it has to be read. What is delivered is as durable as
// what is read (R4). The lock is released for the hooks, and more may come meanwhile.
func (r *Room) foldAheadLocked() bool {
	for r.foldDeliveredLocked() {
		if !r.isBehindLocked() {
			return true
		}
	}
	return false
}

// foldDeliveredLocked folds what has been delivered by now, and reports whether anything was of use.
func (r *Room) foldDeliveredLocked() bool {
	ahead := r.ahead
	r.ahead = nil
	if r.recheck {
		return false
	}
	var entries []*board.Entry
	for _, rec := range ahead {
		if rec.Position <= journal.Position(r.committed.Position()) {
			continue
		}
		e, next, err := fold(r.committed, rec)
		if err != nil {
			break // a gap, or worse: reading tells
		}
		r.advanceLocked(next, e, board.Record{Data: rec.Data, Envelope: board.EnvelopeOf(rec.Data)})
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return false
	}
	if len(r.inflight)+len(r.queue)+len(r.undecided) == 0 {
		r.pending = r.committed
	}
	r.publishLocked(r.hub.cfg.Clock.Now())
	r.mu.Unlock()
	r.announce(entries)
	r.mu.Lock()
	return true
}

// isBehindLocked reports whether the log is known to hold, or may hold, more than
// the room has read.
func (r *Room) isBehindLocked() bool {
	return r.recheck || r.behind > journal.Position(r.committed.Position())
}

// waiter waits for the room to reach a position.
type waiter struct {
	position journal.Position
	done     chan error // has room for one
}

// waitFor returns once the committed state has reached a position that the log has,
// or with the error that keeps the room from getting there.
func (r *Room) waitFor(ctx context.Context, position journal.Position) error {
	r.mu.Lock()
	if r.failed != nil {
		r.mu.Unlock()
		return r.failed
	}
	if journal.Position(r.committed.Position()) >= position {
		r.mu.Unlock()
		return nil
	}
	w := waiter{position, make(chan error, 1)}
	r.waiters = append(r.waiters, w)
	r.behind = max(r.behind, position)
	r.kickLocked()
	r.mu.Unlock()
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return ctx.Err() // what is sent to done later stays in its slot
	}
}

// wakeLocked tells the waiters who have what they wait for, or all of them why they
// will not get it.
func (r *Room) wakeLocked(err error) {
	kept := r.waiters[:0]
	for _, w := range r.waiters {
		if err == nil && w.position > journal.Position(r.committed.Position()) {
			kept = append(kept, w)
			continue
		}
		w.done <- err
	}
	clear(r.waiters[len(kept):])
	r.waiters = kept
}

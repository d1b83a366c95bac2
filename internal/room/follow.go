package room

import (
	"context"
	"fmt"
	"time"

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
		h.report(fmt.Errorf("following the journal: %w", err), "")
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
		r.heard(d.After + journal.Position(len(d.Records)))
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

// heard notes that the log has reached a position.
func (r *Room) heard(p journal.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p > r.behind {
		r.behind = p
		r.kickLocked()
	}
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

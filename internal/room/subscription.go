package room

import (
	"context"
	"slices"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

// Subscriber is a session as a room sees it.
type Subscriber interface {
	// Flush writes what the subscriber's cursors have not passed yet, as far as its
	// connection takes it without blocking. paced is false for a write that an
	// answer made due. Called by sweepers, several at once.
	Flush(now time.Time, paced bool)
	// Gone tells that the dashboard is no longer there for this subscriber, whose
	// subscription has ended: why is "deleted" or "forbidden". The room is locked.
	Gone(s *Subscription, why string)
	// Lost tells that the room has failed; err is UNAVAILABLE.
	Lost(s *Subscription, err *board.Error)
}

// Subscription is one session's cursor on one dashboard: numbers, never pointers
// into the log. The exported fields belong to the subscriber and are guarded by its
// lock; the room does not read them after Subscribe, except in the Next methods,
// which are called under that lock.
type Subscription struct {
	room       *Room
	subscriber Subscriber
	// index in room.subs, guarded by room.mu; -1 = not subscribed.
	index int

	// Cursors are where the client stands.
	Cursors
	Role auth.Role
}

// Cursors are the place of one client on one dashboard.
type Cursors struct {
	// Sent is the last version that went to the client, in Epoch; "" is that of an
	// empty dashboard, which its first entry brings.
	Sent  uint64
	Epoch string
	// Values and Presence are the numbers of the last changes that went out.
	Values, Presence uint64
}

// DashboardID names the dashboard.
func (s *Subscription) DashboardID() string { return s.room.id }

// On reports whether the cursor counts in an epoch. One on an empty dashboard counts in
// that of the first entry, once this has come.
func (s *Subscription) On(epoch string) bool {
	return s.Epoch == epoch || s.Epoch == "" && s.Sent == 0 && s.room.tail.on(epoch)
}

// NextEntries returns the frames that follow Sent, up to at most version to (the head,
// if there is no such version yet) and maxBytes, and the version they reach. It reports false if they are no
// longer kept ready: the subscriber has to CatchUp. The frames must not be modified.
// A cursor on an empty dashboard learns the Epoch of the first entry.
func (s *Subscription) NextEntries(to uint64, maxBytes int) (frames []byte, next uint64, ok bool) {
	return s.room.tail.span(&s.Cursors, to, maxBytes)
}

// NextValues returns one frame with live values that changed after the cursor
// Values, nil if none did, and where the cursor is then. There may be more.
func (s *Subscription) NextValues() (frame []byte, next uint64) {
	return s.room.values.since(s.Values, s.room.hub.cfg.Clock)
}

// NextPresence returns one frame with what changed in presence after the cursor
// Presence, nil if nothing did, and where the cursor is then. It reports false if
// that is no longer known: the subscriber has to CatchUp.
func (s *Subscription) NextPresence() (frame []byte, next uint64, ok bool) {
	return s.room.presence.since(s.Presence)
}

// Cancel ends the subscription. It must not be called with the subscriber's lock
// held, and may be called more than once.
func (s *Subscription) Cancel() {
	r := s.room
	r.mu.Lock()
	gone := s.index < 0
	r.removeSubLocked(s)
	r.mu.Unlock()
	if !gone {
		r.release()
	}
}

func (r *Room) addSubLocked(s *Subscription) {
	s.index = len(r.subs)
	r.subs = append(r.subs, s)
	r.hearNodesLocked()
}

func (r *Room) removeSubLocked(s *Subscription) {
	if s.index < 0 {
		return
	}
	last := len(r.subs) - 1
	moved := r.subs[last]
	r.subs[s.index] = moved
	moved.index = s.index
	r.subs[last] = nil
	r.subs = r.subs[:last]
	s.index = -1
}

// closeSubsLocked ends every subscription, and the presence of all.
func (r *Room) closeSubsLocked(why string) {
	r.presence.clear()
	for _, s := range r.subs {
		s.index = -1
		s.subscriber.Gone(s, why)
		r.release()
	}
	clear(r.subs)
	r.subs = r.subs[:0]
}

// subscribers appends the room's subscribers to dst.
func (r *Room) subscribers(dst []Subscriber) []Subscriber {
	r.mu.Lock()
	defer r.mu.Unlock()
	dst = slices.Grow(dst, len(r.subs))
	for _, s := range r.subs {
		dst = append(dst, s.subscriber)
	}
	return dst
}

// SubscribeRequest is a SYNC_REQUEST after its rights were checked.
type SubscribeRequest struct {
	DashboardID   string
	Since         *wire.Since
	Role          auth.Role
	CorrelationID string
	Host          Host // nil = nobody asks
}

// Subscribe opens a subscription. In one atomic step with the answer's version (R1)
// it becomes part of the room: attach is called while the room is locked. The returned
// frames are the SYNC_RESPONSE, to be written before anything else of that dashboard;
// at is where the cursors stand then, and the subscriber sets them so.
func (h *Hub) Subscribe(ctx context.Context, req SubscribeRequest, sub Subscriber, attach func(*Subscription)) (frames [][]byte, at Cursors, err *board.Error) {
	r, err := h.acquireFor(ctx, req.DashboardID, req.Host)
	if err != nil {
		return nil, at, err
	}
	view, err := r.view(ctx, req.Since, req.Role)
	if err != nil {
		r.release()
		return nil, at, err
	}
	s := &Subscription{room: r, subscriber: sub, index: -1, Role: req.Role}
	r.mu.Lock()
	err = r.failed
	if err == nil {
		view.state = r.committed // what was read meanwhile is in it
		err = r.visible(view.state, req.Role)
	}
	if err != nil {
		r.mu.Unlock()
		r.release()
		return nil, at, err
	}
	s.Epoch, s.Sent = view.state.Head()
	at = s.Cursors
	r.addSubLocked(s)
	attach(s)
	r.mu.Unlock()

	h.stats.syncs.Add(1)
	return r.respond(ctx, view, &at, req), at, nil
}

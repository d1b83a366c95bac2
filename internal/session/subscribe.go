package session

import (
	"context"
	"slices"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/wire"
)

// subscription is a session's cursor on one dashboard with what must go out before
// it moves on. Its fields are guarded by the session's lock.
type subscription struct {
	*room.Subscription
	id string
	// backlog are frames that come before anything else of this dashboard: a
	// SYNC_RESPONSE, or the SYNC_UPDATE that catches up.
	backlog  [][]byte
	asked    string // id of the SYNC_REQUEST that backlog answers, "" once that is written
	catching bool   // backlog is being made
	dead     bool   // no longer in Session.subs
	present  bool   // has sent PRESENCE
	// passed is the newest PRESENCE of this session that another node took in, "" = none;
	// passing is set while one is being shown.
	passed  board.Value
	passing bool
	// held keeps the cursor from going beyond upTo: the next version is to be heard as
	// an ACK. It holds for one gathering.
	held  bool
	stale bool // the right to see the dashboard may have changed
	upTo  uint64

	watch *rightWatch // over that right; nil where nobody watches
}

// sync subscribes, anew if need be, or ends a subscription (R1).
func (s *Session) sync(id string, req *wire.SyncRequest, p *auth.Principal) {
	if req.Unsubscribe {
		s.mu.Lock()
		old := s.dropLocked(s.findLocked(req.DashboardID))
		s.noneLocked(id, req.DashboardID)
		s.flushLocked(s.server.cfg.Clock.Now())
		s.mu.Unlock()
		s.endSubscription(old, true)
		return
	}
	if err := s.subscribe(id, req, p); err != nil {
		s.refuse(id, err)
	}
}

// Subscribe makes a one-way session follow a dashboard (H2).
func (s *Session) Subscribe(req *wire.SyncRequest) *board.Error {
	p, err := s.requireSignedIn(s.server.cfg.Clock.Now())
	if err != nil {
		return err
	}
	return s.subscribe("", req, p)
}

// subscribe opens a subscription. If that is refused, one that the session has already
// goes on.
func (s *Session) subscribe(id string, req *wire.SyncRequest, p *auth.Principal) *board.Error {
	s.client()
	s.mu.Lock()
	count := len(s.subs)
	again := s.findLocked(req.DashboardID) != nil
	s.mu.Unlock()
	if limit := s.server.cfg.Limits.Dashboards; count >= limit && !again {
		return board.Errorf(board.CodeLimitExceeded, "a session follows at most %d dashboards (limits.dashboards)", limit).Over(board.LimitDashboards)
	}
	rights := s.server.rights.Load()
	sub := &subscription{id: req.DashboardID, catching: true}
	sub.watch = s.watch(sub, p)
	role, err := auth.Require(s.asking(), s.server.cfg.Authorizer, p, req.DashboardID, auth.Viewer)
	if err != nil {
		s.unwatch(sub)
		if again && (s.server.watcher == nil || err.Code != board.CodeUnavailable) {
			s.reread(s.asking()) // the one that it has may have to end
		}
		return err
	}
	var old *subscription
	attach := func(rs *room.Subscription) {
		s.mu.Lock()
		defer s.mu.Unlock()
		sub.Subscription, sub.id = rs, rs.DashboardID() // one string for all
		old = s.replaceLocked(sub)
	}
	host, _ := s.transport.(Host)
	frames, at, err := s.server.cfg.Hub.Subscribe(s.server.ctx, room.SubscribeRequest{
		DashboardID: req.DashboardID, Since: req.Since, Role: role, CorrelationID: id, Host: host,
	}, s, attach)
	if err != nil {
		s.unwatch(sub)
		return err
	}
	if old != nil {
		old.Cancel() // who is present stays so
	}

	s.mu.Lock()
	switch {
	case s.ended:
		s.dropLocked(sub)
		s.mu.Unlock()
		s.endSubscription(sub, false)
		return nil
	case sub.dead:
		s.mu.Unlock()
		sub.Cancel()
		return board.Errorf(board.CodeNotFound, "the dashboard %q has just been deleted", req.DashboardID)
	}
	sub.Cursors, sub.asked = at, id
	s.caughtUpLocked(sub, frames)
	stale := sub.stale
	s.mu.Unlock()
	if stale || rights != s.server.rights.Load() {
		s.reread(s.asking()) // they have changed since they were read here
	}
	return nil
}

// caughtUpLocked gives a subscription what it waited for and has it written.
func (s *Session) caughtUpLocked(sub *subscription, frames [][]byte) {
	sub.catching = false
	s.setBacklogLocked(sub, frames)
	s.flushLocked(s.server.cfg.Clock.Now())
}

// setBacklogLocked sets what must go out on a dashboard first.
func (s *Session) setBacklogLocked(sub *subscription, frames [][]byte) {
	for _, f := range sub.backlog {
		s.backlog -= len(f)
	}
	sub.backlog = frames
	for _, f := range frames {
		s.backlog += len(f)
	}
	s.heldLocked()
}

// noneLocked tells that a subscription has ended, or that there was none (R1).
func (s *Session) noneLocked(correlationID, dashboardID string) {
	s.lastWordLocked(wire.AppendSyncNone(nil, correlationID, dashboardID, s.server.cfg.Clock.Now()))
}

func (s *Session) findLocked(dashboardID string) *subscription {
	for _, sub := range s.subs {
		if sub.id == dashboardID {
			return sub
		}
	}
	return nil
}

// dropLocked takes a subscription, which may be nil, out of s.subs and returns it if
// it was there.
func (s *Session) dropLocked(sub *subscription) *subscription {
	i := slices.Index(s.subs, sub)
	if i < 0 {
		return nil
	}
	s.subs = slices.Delete(s.subs, i, i+1)
	s.letGoLocked(sub)
	return sub
}

// replaceLocked puts a subscription in the place of the one that the session has of
// that dashboard, which it returns, if there is one. Up to this moment that one goes
// on, so that no answer is heard outside of both.
func (s *Session) replaceLocked(sub *subscription) (old *subscription) {
	if old = s.dropLocked(s.findLocked(sub.id)); old != nil {
		sub.present = old.present
	}
	// Versions that were committed before stand for nothing in what begins here.
	for i := range s.answers {
		if a := &s.answers[i]; a.frame == nil && a.room.Op.DashboardID == sub.id {
			a.room.Committed = false
		}
	}
	s.subs = append(s.subs, sub)
	return old
}

func (s *Session) letGoLocked(sub *subscription) {
	sub.dead = true
	s.unwatchLocked(sub)
	if sub.asked != "" { // a request that was overtaken is answered too (E3)
		s.noneLocked(sub.asked, sub.id)
		sub.asked = ""
	}
	s.answers = slices.DeleteFunc(s.answers, func(a answer) bool { return a.to == sub.id })
	s.setBacklogLocked(sub, nil)
	s.changedLocked()
}

// unwatch ends the watch over a subscription's right, if there is one.
func (s *Session) unwatch(sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unwatchLocked(sub)
}

func (s *Session) unwatchLocked(sub *subscription) {
	if sub.watch != nil {
		sub.watch.end()
		sub.watch = nil
	}
}

// endSubscription cancels a subscription, which may be nil, that is no longer in
// s.subs.
func (s *Session) endSubscription(sub *subscription, onPurpose bool) {
	if sub == nil {
		return
	}
	s.mu.Lock()
	present := sub.present
	s.mu.Unlock()
	if present {
		sub.Absent(s.id, onPurpose)
	}
	sub.Cancel()
}

// Gone implements room.Subscriber: the dashboard is no longer there for this session.
func (s *Session) Gone(rs *room.Subscription, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closedLocked(s.wrapping(rs), why)
}

// closedLocked drops a subscription, which may be nil, and tells the client why.
func (s *Session) closedLocked(sub *subscription, why string) {
	if s.dropLocked(sub) != nil {
		s.lastWordLocked(wire.AppendSyncClosed(nil, sub.id, why, s.server.cfg.Clock.Now()))
		s.soonLocked()
	}
}

// Lost implements room.Subscriber: the dashboard cannot be read by this node any
// more (R7). The client comes back, here or to another node, and is told so there.
func (s *Session) Lost(rs *room.Subscription, err *board.Error) {
	s.mu.Lock()
	sub := s.dropLocked(s.wrapping(rs))
	if sub != nil {
		s.endLocked(wire.CloseFor(err.Code), "a dashboard that you follow cannot be read by this server at the moment", true)
		s.flushLocked(s.server.cfg.Clock.Now())
	}
	s.mu.Unlock()
	rs.Cancel()
}

// wrapping finds the subscription that wraps rs; the session is locked.
func (s *Session) wrapping(rs *room.Subscription) *subscription {
	for _, sub := range s.subs {
		if sub.Subscription == rs {
			return sub
		}
	}
	return nil
}

// Feed takes live values in for a principal (W1). ctx bounds opening the dashboard.
func (s *Server) Feed(ctx context.Context, p *auth.Principal, d *wire.Data) *board.Error {
	if _, err := auth.Require(ctx, s.cfg.Authorizer, p, d.DashboardID, auth.Feeder); err != nil {
		return err
	}
	return s.cfg.Hub.Feed(ctx, d)
}

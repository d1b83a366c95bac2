package session

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// maxAnswers bounds the answers due to one session and the ops that have none yet:
// when it is reached, the session's messages wait.
const maxAnswers = 64

// Session is one connection of a client.
type Session struct {
	server    *Server
	id        string
	transport Transport
	meta      Meta
	opened    time.Time

	lastIn atomic.Int64 // Unix nanoseconds of the last bytes that came

	// Used by Handle only, which is called one at a time.
	limit       limiter
	badMessages int // in a row (E4)

	// mu may be taken while a room is locked, never the other way round.
	mu   sync.Mutex
	room sync.Cond // signalled when an answer has been written

	principal    auth.Principal
	signedIn     bool
	clientID     string
	tokenAsked   bool // CONNECT {authRequired} was sent before the token's end (C3)
	appHeartbeat bool
	pinged       bool // nothing has come since the last ping
	leaving      bool // the client said goodbye
	ended        bool // DISCONNECT is queued or the transport is gone
	gone         bool // Closed was called

	subs    []*subscription
	answers []answer
	waiting int // ops without an answer yet

	// What is being written: whole frames of which the transport has taken a part.
	rest         []byte
	restBuffer   *[]byte // goes back to the pool with rest
	heldBytes    int64   // of rest, as counted in Server.held
	blocked      bool
	blockedSince time.Time
	lastOut      time.Time
	nextPaced    time.Time
	urgent       bool // FlushSoon was called and has not come
	late         bool // FlushAt was called and has not come
	closing      *ending
}

// ending is the close that follows once all bytes are out.
type ending struct {
	code   wire.CloseCode
	reason string
}

// subscription is a session's cursor on one dashboard with what must go out before
// it moves on.
type subscription struct {
	*room.Subscription
	id string
	// backlog are frames that come before anything else of this dashboard: a
	// SYNC_RESPONSE, or the SYNC_UPDATE that catches up.
	backlog  [][]byte
	catching bool // CatchUp is under way
	dead     bool // no longer in Session.subs
	present  bool // has sent PRESENCE
}

// answer is one message due to the client, in order. It is encoded when it is
// written, since only then it is known whether it stands in the stream (R2).
type answer struct {
	// frame is ready to write; the fields below are then not set.
	frame []byte

	correlationID string
	dashboardID   string
	room          room.Answer
	// sub is the subscription that the answer's version belongs to, nil if the
	// session has none on that dashboard.
	sub *subscription
	at  time.Time
}

// ID returns the session's id.
func (s *Session) ID() string { return s.id }

// Alive notes a sign of life: any bytes (C4).
func (s *Session) Alive() { s.lastIn.Store(s.server.cfg.Clock.Now().UnixNano()) }

// Principal returns who has signed in.
func (s *Session) Principal() (p auth.Principal, signedIn bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.principal, s.signedIn
}

// Closed tells that the transport has gone, with the code that the client sent or
// saw. Nothing is called on the transport afterwards.
func (s *Session) Closed(code wire.CloseCode, reason string) {
	s.mu.Lock()
	if s.gone {
		s.mu.Unlock()
		return
	}
	s.gone, s.ended = true, true
	onPurpose := s.leaving || code == wire.CloseNormal || code == wire.CloseGoingAway && s.closing == nil
	subs := s.subs
	s.subs = nil
	s.answers = nil
	s.doneWritingLocked()
	s.room.Broadcast()
	who := s.observedLocked()
	key := clientKey{s.principal.UserID, s.clientID}
	s.mu.Unlock()

	s.server.wheel.cancel(s)
	for _, sub := range subs {
		s.endSubscription(sub, onPurpose)
	}
	s.server.remove(s, key)
	s.server.stats.closed(code)
	if f := s.server.cfg.Hooks.Disconnect; f != nil {
		f(who, int(code), reason)
	}
}

// endSubscription cancels a subscription, which may be nil, that is no longer in
// s.subs.
func (s *Session) endSubscription(sub *subscription, onPurpose bool) {
	if sub == nil {
		return
	}
	s.mu.Lock()
	sub.dead = true
	present := sub.present
	s.mu.Unlock()
	if present {
		sub.Absent(s.id, onPurpose)
	}
	sub.Cancel()
}

// End writes DISCONNECT with the reason and closes the connection with the code
// once all bytes are out. reconnect tells the client to come back within the
// server's window.
func (s *Session) End(code wire.CloseCode, reason string, reconnect bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(code, reason, reconnect)
	s.flushLocked(s.server.cfg.Clock.Now())
}

func (s *Session) endLocked(code wire.CloseCode, reason string, reconnect bool) {
	if s.ended {
		return
	}
	s.ended = true
	g := wire.Goodbye{Code: int(code), Reason: reason, Reconnect: reconnect}
	if reconnect {
		g.AfterMin, g.AfterMax = s.server.cfg.ReconnectMin, s.server.cfg.ReconnectMax
	}
	s.pushLocked(wire.AppendGoodbye(nil, g, s.server.cfg.Clock.Now()))
	s.closing = &ending{code, reason}
	s.room.Broadcast()
	if s.blocked {
		// It does not take bytes: the transport gives up on what is left by itself.
		s.transport.Close(code, reason)
	}
}

// pushLocked queues one message as an answer of its own.
func (s *Session) pushLocked(message []byte) {
	s.answers = append(s.answers, answer{frame: frame(message)})
}

// push queues a message and has it written at once.
func (s *Session) push(message []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.pushLocked(message)
	s.flushLocked(s.server.cfg.Clock.Now())
}

func frame(message []byte) []byte {
	return wire.AppendFrame(make([]byte, 0, len(message)+wire.FrameHeaderMax), message)
}

// soonLocked has the session flushed by a sweeper, at once.
func (s *Session) soonLocked() {
	if s.urgent || s.blocked || s.gone {
		return
	}
	s.urgent = true
	s.server.cfg.Hub.FlushSoon(s)
}

// welcomeLocked queues a CONNECT.
func (s *Session) welcomeLocked(correlationID string, authRequired bool) {
	cfg := &s.server.cfg
	w := wire.Welcome{
		SessionID: s.id, ClientID: s.clientID, UserID: s.principal.UserID,
		ServerTime:     cfg.Clock.Now(),
		HeartbeatEvery: cfg.HeartbeatEvery, HeartbeatTimeout: cfg.HeartbeatTimeout,
		ReconnectMin: cfg.ReconnectMin, ReconnectMax: cfg.ReconnectMax,
		Limits:       cfg.Limits,
		AuthRequired: authRequired || !s.signedIn,
	}
	s.pushLocked(wire.AppendWelcome(nil, w, correlationID))
}

// signInLocked makes the session that of a principal. It may replace an earlier one
// of the same user.
func (s *Session) signInLocked(p auth.Principal) {
	s.principal, s.signedIn, s.tokenAsked = p, true, false
	if s.meta.ClientID != "" {
		s.clientID = s.meta.ClientID
	}
	if _, ok := s.server.claim(s, clientKey{p.UserID, ""}); !ok {
		s.endLocked(wire.CloseSlowDown, "this user has too many sessions open; close some", false)
	}
}

func (s *Session) observedLocked() observe.Session {
	return observe.Session{
		ID: s.id, UserID: s.principal.UserID, ClientID: s.clientID,
		RemoteAddr: s.meta.RemoteAddr, Transport: s.meta.Transport,
	}
}

// Gone implements room.Subscriber: the dashboard is no longer there for this session.
func (s *Session) Gone(rs *room.Subscription, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forgetLocked(rs) {
		s.pushLocked(wire.AppendSyncClosed(nil, rs.DashboardID(), why, s.server.cfg.Clock.Now()))
		s.soonLocked()
	}
}

// Lost implements room.Subscriber: the dashboard cannot be read by this node.
func (s *Session) Lost(rs *room.Subscription, err *board.Error) {
	s.mu.Lock()
	gone := s.forgetLocked(rs)
	if gone {
		s.refuseLocked("", err.At("dashboardId:"+rs.DashboardID()))
		s.soonLocked()
	}
	s.mu.Unlock()
	rs.Cancel()
}

// forgetLocked drops the subscription that wraps rs and reports whether there was one.
func (s *Session) forgetLocked(rs *room.Subscription) bool {
	for _, sub := range s.subs {
		if sub.Subscription == rs {
			s.dropLocked(sub)
			return !s.ended
		}
	}
	return false
}

// refuseLocked queues a NACK.
func (s *Session) refuseLocked(correlationID string, err *board.Error) {
	s.pushLocked(wire.AppendNack(nil, correlationID, err, 0, s.server.cfg.Clock.Now()))
	s.server.stats.refused.Add(1)
	if f := s.server.cfg.Hooks.Refused; f != nil {
		f(s.observedLocked(), err)
	}
}

// refuse queues a NACK and has it written.
func (s *Session) refuse(correlationID string, err *board.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.refuseLocked(correlationID, err)
	s.flushLocked(s.server.cfg.Clock.Now())
}

package session

import (
	"container/list"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

const (
	// maxAnswers bounds the answers due to one session and the ops that have none yet:
	// when it is reached, the session's messages wait.
	maxAnswers = 64
	// maxBacklog is the number of bytes of SYNC_RESPONSE and SYNC_UPDATE not written
	// yet at which the session's messages wait.
	maxBacklog = 1 << 20
)

// Session is one connection of a client. There are very many that do nothing: what they
// have no use for is nil, and instants are moments.
type Session struct {
	server     *Server
	id         string
	transport  Transport
	remoteAddr string
	kind       string // of transport, as Meta names it
	opened     moment
	stranger   *list.Element // in Server.strangers; under the server's mu
	place      place         // under the server's mu
	due        due           // under the wheel's mu

	lastIn   atomic.Int64 // the moment of the last bytes that came
	handling atomic.Bool  // a message is being worked on: nothing more is read meanwhile
	sentAway bool         // for Server.incoming; under its mu
	oneWay   bool         // hears and cannot speak
	refused  bool         // the credentials that came with the request were no good

	// Used by Handle only, which is called one at a time.
	badMessages int32 // in a row (E4)
	large       int32 // bytes of the message that is worked on, as counted in Server.incoming
	arriving    bool  // bytes were counted in Server.incoming
	limit       limiter
	onAnswer    func(room.Answer) // answered; nil before the first op
	asks        context.Context   // see asking; nil where nobody waits for rights

	// checking is held while subscriptions are held against rights, which may wait for an
	// answer; mu may be taken meanwhile.
	checking sync.Mutex

	// mu may be taken while a room is locked, never the other way round.
	mu sync.Mutex
	// changed wakes those who wait for the session: an answer was written or given up, the
	// session has ended, a message has been handled. Nil until somebody waits.
	changed *sync.Cond

	principal *auth.Principal // nobody until signed in
	clientID  string
	// since is its place among the sessions of all nodes: the time when it signed in, then that
	// when it claimed its client; 0 = there are no others. Under the server's mu.
	since uint64
	// askTokenAt is when to ask for a new token, if the present one ends, in Unix milliseconds
	// (C3).
	askTokenAt   int64
	pingedAt     moment // of the ping that nothing has answered yet
	elsewhere    int32  // sessions of the user on other nodes, as they told
	signedIn     bool
	named        bool // has claimed its client
	tokenAsked   bool // CONNECT {authRequired} was sent for the present token
	appHeartbeat bool
	together     bool // takes entries together (R10)
	leaving      bool // the client said goodbye
	draining     bool // no more messages are taken in (C7)
	ended        bool // DISCONNECT is queued or the transport is gone
	gone         bool // Closed was called
	holding      bool // some subs are held
	blocked      bool
	urgent       bool // FlushSoon was called and has not come
	late         bool // FlushAt was called and has not come

	subs    []*subscription
	answers []answer
	ends    int32 // how many of answers, in front, are the last word to a subscription
	waiting int32 // ops without an answer yet

	// What is being written: whole frames of which the transport has taken a part.
	rest         []byte
	restBuffer   *[]byte // goes back to the pool with rest
	backlog      int     // bytes in the backlogs of subs
	heldBytes    int64   // of rest and backlog while blocked, as counted in Server.held
	blockedSince moment
	lastOut      moment
	nextPaced    moment
	lateAt       moment // what FlushAt was called for
	closing      *ending
}

// moment is an instant on the monotonic clock of a server, in nanoseconds since shortly
// before it began; 0 = none. It takes a third of what a time.Time does.
type moment int64

// moment is the moment of t.
func (s *Server) moment(t time.Time) moment { return moment(t.Sub(s.began)) }

// time is the instant of m.
func (s *Server) time(m moment) time.Time { return s.began.Add(time.Duration(m)) }

// awaitLocked waits until something that others wait for has changed.
func (s *Session) awaitLocked() {
	if s.changed == nil {
		s.changed = sync.NewCond(&s.mu)
	}
	s.changed.Wait()
}

// changedLocked wakes those who wait.
func (s *Session) changedLocked() {
	if s.changed != nil {
		s.changed.Broadcast()
	}
}

// ending is the close that follows once all bytes are out.
type ending struct {
	code   wire.CloseCode
	reason string
}

// answer is one message due to the client, in order. It is encoded when it is
// written, since only then it is known whether it stands in the stream (R2).
type answer struct {
	// frame is ready to write; the fields below are then not set.
	frame []byte
	// to is the dashboard whose subscription must be there for frame to mean anything,
	// "" if none need be.
	to string

	correlationID string
	room          room.Answer
}

// ID returns the session's id.
func (s *Session) ID() string { return s.id }

// Alive notes a sign of life at this moment: any bytes (C4).
func (s *Session) Alive(now time.Time) { s.lastIn.Store(int64(s.server.moment(now))) }

// nobody is who has not signed in.
var nobody = &auth.Principal{}

// Principal returns who has signed in, which the caller must not change.
func (s *Session) Principal() (p *auth.Principal, signedIn bool) {
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
	for _, sub := range subs {
		s.letGoLocked(sub)
	}
	s.dropOutputLocked()
	s.changedLocked()
	who := s.observedLocked()
	key := clientKey{s.principal.UserID, s.clientID}
	s.mu.Unlock()

	s.server.wheel.cancel(s)
	s.server.incoming.leave(s)
	for _, sub := range subs {
		s.endSubscription(sub, onPurpose)
	}
	s.server.remove(s, key)
	s.server.stats.closed(code)
	if f := s.server.cfg.Hooks.Disconnect; f != nil {
		f(who, int(code), reason)
	}
}

// dropOutputLocked forgets what is not written yet.
func (s *Session) dropOutputLocked() {
	s.answers, s.ends = nil, 0
	for _, sub := range s.subs {
		s.setBacklogLocked(sub, nil)
	}
	s.doneWritingLocked()
}

// Broken tells that the connection is gone. What waits for it to take something waits no
// longer, so that the transport gets its goroutine back from Handle; Closed follows.
func (s *Session) Broken() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.changedLocked()
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

// goodbyeWithin is how long a session has to take its DISCONNECT.
const goodbyeWithin = 2 * time.Second

func (s *Session) endLocked(code wire.CloseCode, reason string, reconnect bool) {
	if s.ended {
		return
	}
	now := s.server.cfg.Clock.Now()
	g := wire.Goodbye{Code: int(code), Reason: reason, Reconnect: reconnect}
	if reconnect {
		g.AfterMin, g.AfterMax = s.server.cfg.ReconnectMin, s.server.cfg.ReconnectMax
	}
	s.pushLocked(wire.AppendGoodbye(nil, g, now))
	s.ended = true
	s.closing = &ending{code, reason}
	s.changedLocked()
	s.server.wheel.at(s, now.Add(goodbyeWithin))
	if s.blocked && (code == wire.CloseStalled || s.server.moment(now)-s.blockedSince >= moment(goodbyeWithin)) {
		// It takes no bytes: the transport gives up on what is left by itself. One that
		// was given some a moment ago takes its DISCONNECT behind them, or time ends it.
		s.dropOutputLocked()
		s.transport.Close(code, reason)
	}
}

// pushLocked queues one message as an answer of its own; none after DISCONNECT.
func (s *Session) pushLocked(message []byte) {
	s.dueLocked(answer{frame: frame(message)})
}

// dueLocked queues an answer; none after DISCONNECT.
func (s *Session) dueLocked(a answer) {
	if s.ended {
		return
	}
	if len(s.answers) == cap(s.answers) && cap(s.answers) < answersAtOnce {
		s.answers = append(s.server.lists.get(), s.answers...)
	}
	s.answers = append(s.answers, a)
}

// lastWordLocked queues what tells the client that a subscription has ended. It goes
// before all else that is due: answers may name versions that the subscription will
// not bring any more, and must not be read as part of it (R2).
func (s *Session) lastWordLocked(message []byte) {
	if !s.ended {
		s.answers = slices.Insert(s.answers, int(s.ends), answer{frame: frame(message)})
		s.ends++
	}
}

// push queues a message and has it written at once.
func (s *Session) push(message []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
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

func (s *Session) observedLocked() observe.Session {
	return observe.Session{
		ID: s.id, UserID: s.principal.UserID, ClientID: s.clientID,
		RemoteAddr: s.remoteAddr, Transport: s.kind,
	}
}

// refuseLocked queues a NACK.
func (s *Session) refuseLocked(correlationID string, err *board.Error) {
	if s.ended {
		return
	}
	s.pushLocked(wire.AppendNack(nil, correlationID, err, 0, s.server.cfg.Clock.Now()))
	s.server.stats.refused.Add(1)
	s.server.cfg.Hooks.Refuse(s.observedLocked(), err)
}

// limitedLocked tells that the session has hit a limit.
func (s *Session) limitedLocked(l observe.Limit) {
	s.server.cfg.Hooks.Limit(l, s.observedLocked())
}

// Limited tells that the transport has found the session over a limit of its own.
func (s *Session) Limited(l observe.Limit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limitedLocked(l)
}

// refuse queues a NACK and has it written.
func (s *Session) refuse(correlationID string, err *board.Error) {
	if h, ok := s.transport.(Host); ok {
		h.Refused()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuseLocked(correlationID, err)
	s.flushLocked(s.server.cfg.Clock.Now())
}

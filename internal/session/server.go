package session

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/ratelimit"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
	"github.com/dashwire/dashwire/relay"
)

// Config is what a Server works with. Hub, Authorizer, Clock, Rand, NewID and Log
// must be set; zero numbers mean the defaults.
type Config struct {
	Hub *room.Hub
	// Authenticator takes the token of a client's CONNECT; nil = sign-in is off.
	Authenticator auth.Authenticator
	Authorizer    auth.Authorizer
	Clock         clock.Clock
	// Rand spreads drains. It is used under a lock of the server's own.
	Rand  *rand.Rand
	NewID func() string
	Log   *slog.Logger
	Hooks observe.Hooks
	// SignInRefused hears of bad tokens that a CONNECT brought. It is called under locks
	// and must not block. Nil = nobody does.
	SignInRefused func(a observe.Action)
	// Revocations remembers what was revoked over a restart; nil = nothing does.
	Revocations auth.RevocationStore

	// Relay reaches the sessions of other nodes; nil = there are none.
	Relay relay.Relay

	Limits wire.Limits
	// HeartbeatEvery and HeartbeatTimeout are the interval and timeout of C4; 0 =
	// 25 s and 10 s.
	HeartbeatEvery, HeartbeatTimeout time.Duration
	// ReconnectMin and ReconnectMax are the window told to clients; 0 = 0.5 s and 5 s.
	ReconnectMin, ReconnectMax time.Duration
	// SignInWithin bounds the time until CONNECT brings a token (C2); 0 = 10 s.
	SignInWithin time.Duration
	// SessionsPerUser (C8); 0 = 50. The user "anonymous" is not counted.
	SessionsPerUser int
	// MaxSessions bounds the sessions of this server (C8); 0 = no bound here.
	MaxSessions int
	// SessionsPerAddress bounds those of one client address (C8); 0 = 1,000.
	SessionsPerAddress int
	// UnsignedSessions and UnsignedPerAddress bound the sessions that have not signed in
	// yet (C8); 0 = 2,000 and 200.
	UnsignedSessions, UnsignedPerAddress int
	// ShortOfMemory reports that there is no memory for new sessions and large messages;
	// nil = there is.
	ShortOfMemory func() bool
	// MessagesPerSecond with MessageBurst and BytesPerSecond bound one session (C8);
	// 0 = 1,000, 2,000 and 4 MiB.
	MessagesPerSecond, MessageBurst, BytesPerSecond int
	// HeldBytes bounds the bytes held by blocked writes of all sessions; 0 = 64 MiB.
	HeldBytes int64
	// IncomingBytes bounds the bytes of messages that have not been taken in yet, of all
	// sessions (C8); 0 = 256 MiB.
	IncomingBytes int64
}

func (c *Config) defaults() {
	c.Limits = c.Limits.WithDefaults()
	set(&c.HeartbeatEvery, 25*time.Second)
	set(&c.HeartbeatTimeout, 10*time.Second)
	set(&c.ReconnectMin, 500*time.Millisecond)
	set(&c.ReconnectMax, 5*time.Second)
	set(&c.SignInWithin, 10*time.Second)
	set(&c.SessionsPerUser, 50)
	set(&c.SessionsPerAddress, 1000)
	set(&c.UnsignedSessions, 2000)
	set(&c.UnsignedPerAddress, 200)
	set(&c.MessagesPerSecond, 1000)
	set(&c.MessageBurst, 2000)
	set(&c.BytesPerSecond, 4<<20)
	set(&c.HeldBytes, 64<<20)
	set(&c.IncomingBytes, 256<<20)
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// clientKey is a client: the same clientId under another user is another one (C6).
type clientKey struct{ userID, clientID string }

// Server is all sessions of one node. Its methods may be called by any number of
// goroutines at once.
type Server struct {
	cfg      Config
	began    time.Time    // shortly before the server was made: what moments count from
	watcher  auth.Watcher // cfg.Authorizer, nil if it is none
	wheel    *wheel
	joiners  joiners
	buffers  buffers
	lists    answerLists
	tasks    room.Tasks   // catch-ups, takeovers, drains, turns of the wheel
	held     atomic.Int64 // bytes held by blocked writes
	incoming *incoming
	easing   atomic.Bool   // closeLongestBlocked runs
	rights   atomic.Uint64 // counts the calls of RereadRights
	randMu   sync.Mutex    // of cfg.Rand

	// ctx ends when every session has to be gone.
	ctx  context.Context
	stop context.CancelFunc

	mu        sync.Mutex
	sessions  map[string]*Session
	clients   map[clientKey]*Session
	users     map[string]map[*Session]struct{}
	places    places
	strangers strangers
	draining  bool
	empty     chan struct{} // closed when draining and no session is left

	stats   counters
	revoked revocations
	nodes   nodes
	sending sync.Mutex // messages of the app, one after the other
}

// NewServer makes a server without sessions.
func NewServer(cfg Config) *Server {
	cfg.defaults()
	s := &Server{
		cfg:      cfg,
		began:    cfg.Clock.Now().Add(-time.Second),
		sessions: make(map[string]*Session),
		clients:  make(map[clientKey]*Session),
		users:    make(map[string]map[*Session]struct{}),
		places:   newPlaces(),
		incoming: newIncoming(cfg.IncomingBytes),
		empty:    make(chan struct{}),
	}
	s.nodes.relay = cfg.Relay
	s.watcher, _ = cfg.Authorizer.(auth.Watcher)
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.wheel = newWheel(cfg.Clock, s.tasks.Do)
	return s
}

// Meta is what is known of a connection when it opens.
type Meta struct {
	RemoteAddr string
	// Address is what the client's address counts as (C8); 0 = it is not counted.
	Address ratelimit.Address
	// Transport names the kind: "websocket" or "sse".
	Transport string
	// OneWay is a connection that hears and cannot speak (SSE): it is not asked for
	// signs of life.
	OneWay bool
	// Principal is who signed in with the request (auth.SignedIn); nil = nobody yet.
	Principal *auth.Principal
	// SignInError says why the credentials of the request were refused. The session
	// hears it in DISCONNECT and is closed (C2).
	SignInError error
	// ClientID names the client of a one-way connection.
	ClientID string

	// place is what Admit has taken; the session gives it back.
	place place
}

// Open begins a session: CONNECT is written before anything else (C1). A session
// that may not be (shutting down, sign-in refused) is closed at once, with its
// reason, through the transport.
func (s *Server) Open(t Transport, m Meta) *Session {
	now := s.cfg.Clock.Now()
	c := &Session{
		server: s, id: s.cfg.NewID(), transport: t, remoteAddr: m.RemoteAddr, kind: m.Transport,
		oneWay: m.OneWay, refused: m.SignInError != nil, place: m.place, opened: s.moment(now), principal: nobody,
	}
	c.lastIn.Store(int64(c.opened))

	c.mu.Lock() // before anybody can find it
	defer c.mu.Unlock()
	s.mu.Lock()
	refused := s.draining
	s.sessions[c.id] = c
	s.strangers.enter(c)
	s.mu.Unlock()
	s.stats.opened.Add(1)

	if m.Principal != nil {
		c.principal, c.clientID = m.Principal, m.ClientID
		c.signedIn = true
	}
	c.welcomeLocked("", false)
	switch {
	case refused:
		c.endLocked(wire.CloseRestart, "the server is shutting down", true)
	case m.SignInError != nil:
		c.refuseSignInLocked(m.SignInError)
	case c.signedIn:
		c.signInLocked(c.principal)
		c.askTokenLocked(now)
	}
	c.flushLocked(now)
	c.scheduleLocked(now)
	if f := s.cfg.Hooks.Connect; f != nil {
		f(c.observedLocked())
	}
	return c
}

// count counts a session as one of a user's. It reports false if there are too many
// of them (C8).
func (s *Server) count(c *Session, userID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := s.users[userID]
	if _, counted := mine[c]; counted {
		return true
	}
	if userID != auth.Anonymous && len(mine) >= s.cfg.SessionsPerUser {
		return false
	}
	if mine == nil {
		mine = make(map[*Session]struct{})
		s.users[userID] = mine
	}
	mine[c] = struct{}{}
	if s.nodes.relay != nil {
		c.since = s.takeoverTime()
	}
	return true
}

// signedIn counts a session as one that has signed in.
func (s *Server) signedIn(c *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strangers.leave(c)
	s.places.signedIn(&c.place)
}

// claim makes c the session of its client and returns the one that it replaces, nil
// if there is none.
func (s *Server) claim(c *Session, key clientKey) (old *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old = s.clients[key]
	s.clients[key] = c
	if s.nodes.relay != nil {
		c.since = s.takeoverTime()
	}
	return old
}

// remove forgets a session that has ended.
func (s *Server) remove(c *Session, key clientKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, c.id)
	s.strangers.leave(c)
	s.places.leave(&c.place)
	if s.clients[key] == c {
		delete(s.clients, key)
	}
	if mine := s.users[key.userID]; mine != nil {
		delete(mine, c)
		if len(mine) == 0 {
			delete(s.users, key.userID)
		}
	}
	if s.draining && len(s.sessions) == 0 {
		s.closeEmptyLocked()
	}
}

func (s *Server) closeEmptyLocked() {
	select {
	case <-s.empty:
	default:
		close(s.empty)
	}
}

// Find returns a session by its id, nil if there is none.
func (s *Server) Find(id string) *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[id]
}

// all returns the sessions of this moment.
func (s *Server) all() []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Session, 0, len(s.sessions))
	for _, c := range s.sessions {
		out = append(out, c)
	}
	return out
}

// ofUser returns the sessions of one user.
func (s *Server) ofUser(userID string) []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Session, 0, len(s.users[userID]))
	for c := range s.users[userID] {
		out = append(out, c)
	}
	return out
}

// hold counts bytes that a blocked write holds; beyond the budget the session that
// has been blocked longest is closed (R5).
func (s *Server) hold(n int64) {
	if s.held.Add(n) > s.cfg.HeldBytes && n > 0 && s.easing.CompareAndSwap(false, true) {
		s.tasks.Go(s.closeLongestBlocked)
	}
}

func (s *Server) closeLongestBlocked() {
	for {
		for s.held.Load() > s.cfg.HeldBytes {
			longest := s.longestBlocked()
			if longest == nil {
				break
			}
			longest.Limited(observe.LimitHeldBytes)
			longest.End(wire.CloseStalled, "the connection takes no bytes", true)
		}
		s.easing.Store(false)
		// What was held meanwhile found this running.
		if s.held.Load() <= s.cfg.HeldBytes || s.longestBlocked() == nil || !s.easing.CompareAndSwap(false, true) {
			return
		}
	}
}

func (s *Server) longestBlocked() (longest *Session) {
	var since moment
	for _, c := range s.all() {
		c.mu.Lock()
		if c.blocked && !c.ended && (longest == nil || c.blockedSince < since) {
			longest, since = c, c.blockedSince
		}
		c.mu.Unlock()
	}
	return longest
}

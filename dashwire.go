package dashwire

import (
	"cmp"
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/grafana"
	"github.com/dashwire/dashwire/internal/busy"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/dispatch"
	"github.com/dashwire/dashwire/internal/giveway"
	"github.com/dashwire/dashwire/internal/httpapi"
	"github.com/dashwire/dashwire/internal/lane"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/session"
	"github.com/dashwire/dashwire/internal/wsconn"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/observe"
)

// Server is one node: an http.Handler, and a Run that does the work behind it. Its
// methods may be called by any number of goroutines at once, before, during and
// after Run.
type Server struct {
	cfg      Config
	hub      *room.Hub
	sessions *session.Server
	sockets  *wsconn.Group
	turns    *lane.Lane // of requests and of sessions that ask for much
	api      *httpapi.API
	webhooks *dispatch.Dispatcher // nil = there are no targets
	started  time.Time
	memory   *memory
	state    atomic.Int32  // one of the states below
	begun    chan struct{} // closed once it runs
}

const (
	idle int32 = iota
	running
	stopping
)

// New makes a server. The error lists everything that is wrong with cfg.
func New(cfg Config) (*Server, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("dashwire.New: %w", err)
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Authorizer == nil {
		cfg.Authorizer = auth.Grants{}
	}
	if cfg.Authenticator == nil && cfg.RequestAuthenticator != nil {
		cfg.Authenticator = auth.NoTokens{}
	}
	if cfg.Drain == 0 {
		cfg.Drain = 10 * time.Second
	}
	limits := cfg.Limits.wire()
	s := &Server{cfg: cfg, started: time.Now(), memory: newMemory(cfg.MemoryLimit), begun: make(chan struct{})}

	if len(cfg.Webhooks.Targets) > 0 {
		if err := s.openWebhooks(&cfg); err != nil {
			return nil, fmt.Errorf("dashwire.New: %w", err)
		}
	}
	var giveWay func()
	if giveway.Needed() {
		giveWay = giveway.ToPoller
	}
	s.hub = room.NewHub(room.Config{
		Journal: cfg.Journal, Relay: cfg.Relay, Clock: clock.Real{}, Rand: newRand(), NewID: newID, Log: cfg.Log, Hooks: cfg.Hooks,
		Heard: s.heard(), Limits: cfg.Limits.board(),
		Window: cfg.Window, AutoWindow: cfg.AutoWindow, Validate: cfg.validator(),
		Pace: cfg.Pace, Busy: busy.NewGauge().Busy, Sweepers: runtime.GOMAXPROCS(0), ShortOfMemory: s.memory.isShort, Replays: s.memory.replays(), GiveWay: giveWay,
	})
	s.sessions = session.NewServer(session.Config{
		Hub: s.hub, Relay: cfg.Relay, Authenticator: cfg.Authenticator, Authorizer: cfg.Authorizer,
		Clock: clock.Real{}, Rand: newRand(), NewID: newID, Log: cfg.Log, Hooks: cfg.Hooks, Limits: limits,
		SignInRefused:  s.signInRefused,
		Revocations:    cfg.Revocations,
		HeartbeatEvery: cfg.HeartbeatEvery, HeartbeatTimeout: cfg.HeartbeatTimeout,
		ReconnectMin: cfg.ReconnectMin, ReconnectMax: cfg.ReconnectMax,
		SessionsPerUser: cfg.SessionsPerUser, MaxSessions: cfg.MaxSessions, SessionsPerAddress: cfg.SessionsPerAddress,
		ShortOfMemory: s.memory.isShort, UnsignedSessions: cfg.UnsignedSessions, UnsignedPerAddress: cfg.UnsignedPerAddress,
		MessagesPerSecond: cfg.MessagesPerSecond,
		MessageBurst:      cfg.MessageBurst, BytesPerSecond: cfg.BytesPerSecond,
		HeldBytes:     cfg.HeldBytes,
		IncomingBytes: cmp.Or(cfg.IncomingBytes, s.memory.incoming(limits.MessageBytes)),
	})
	if err := s.loadRevocations(); err != nil {
		return nil, fmt.Errorf("dashwire.New: %w", err)
	}
	s.turns = lane.Shared()
	s.sockets = wsconn.NewGroup(wsconn.Config{MessageBytes: limits.MessageBytes, Lane: s.turns})
	s.api = httpapi.New(httpapi.Config{
		Hub: s.hub, Sessions: s.sessions, Journal: cfg.Journal,
		Authenticator: cfg.Authenticator, RequestAuthenticator: cfg.RequestAuthenticator, Authorizer: cfg.Authorizer,
		Clock: clock.Real{}, NewID: newID, Log: cfg.Log, Hooks: cfg.Hooks, Limits: limits,
		Upgrade: s.upgrade, AllowedOrigins: cfg.AllowedOrigins, TrustedProxies: cfg.TrustedProxies,
		AuthCookie: cfg.AuthCookie, TokenInURL: cfg.TokenInURL, Insecure: cfg.Insecure,
		RequestsPerAddress: cfg.RequestsPerAddress, ConnectsPerAddress: cfg.ConnectsPerAddress, CountLocal: cfg.CountLocal, Lane: s.turns,
		HeartbeatEvery: cfg.HeartbeatEvery, HeartbeatTimeout: cfg.HeartbeatTimeout,
		Act: s.act, SignInRefused: s.signInRefused, ReadActs: cfg.readActs(),
		Webhooks: s.operatedWebhooks(), ShortOfMemory: s.memory.isShort, Ready: s.ready, Stats: func() any { return s.Stats() }, Metrics: cfg.Metrics,
		Import: cfg.importGrafana, Export: grafana.Export, Pages: cfg.Pages,
	})
	return s, nil
}

// ServeHTTP answers the paths of docs/PROTOCOL.md below /api, /healthz, /readyz and
// /metrics, and everything else by Config.Pages.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.api.ServeHTTP(w, r) }

// Front returns a listener for an HTTP server that has this one as its handler, or leads to
// it. It takes the requests for a WebSocket out of what comes and hands them to that
// handler without net/http, which is quicker when thousands of clients reconnect at once;
// all else the HTTP server gets as before, but reading a request waits for its turn, as
// answering it here does, so that a crowd of them delays no session (C8). It is for
// listeners in the clear, and does nothing on systems other than Unix. On Linux it accepts in
// place of a *net.TCPListener. It is called before by serves, adds to its Handler,
// ConnContext and ConnState, and closing it closes ln.
func (s *Server) Front(ln net.Listener, by *http.Server) net.Listener {
	return wsconn.NewFront(ln, by, s.turns, s.api.TurnKey)
}

// Admin returns a handler for a listener that only operators reach: statistics,
// metrics and the admin interface, without asking for a claim (H4).
func (s *Server) Admin() http.Handler { return s.api.Admin() }

// Run does the server's work until ctx ends. Then readiness turns false, each session
// is sent away at its own random moment within Config.Drain with its ops answered
// (C7), and Run returns once every goroutine of the server has ended: nil, or why it
// could not go on. It may be called once.
func (s *Server) Run(ctx context.Context) error { return s.RunUntil(ctx, context.Background()) }

// RunUntil is Run with a second signal: when now ends, draining is cut short.
func (s *Server) RunUntil(ctx, now context.Context) error {
	if !s.state.CompareAndSwap(idle, running) {
		return errors.New("dashwire: Run may be called once")
	}
	close(s.begun)
	if err := s.sessions.Join(); err != nil {
		return fmt.Errorf("dashwire: %w", err)
	}
	told := s.runWebhooks(now)
	hubCtx, stopHub := context.WithCancel(context.Background())
	defer stopHub()
	ended := make(chan error, 1)
	go func() { ended <- s.hub.Run(hubCtx) }()
	var watches sync.WaitGroup
	watches.Go(func() { s.memory.watch(hubCtx, s.hub.CloseUnused, s.shed) })
	watches.Go(func() { s.tidyRevocations(hubCtx) })

	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	s.state.Store(stopping)
	s.sessions.Drain(now, max(0, s.cfg.Drain))
	lingering, cut := context.WithTimeout(now, 2*time.Second)
	defer cut()
	if e := s.sockets.Shutdown(lingering); e != nil && now.Err() == nil {
		s.cfg.Log.Warn("some connections did not end by themselves", "err", e)
	}
	stopHub()
	watches.Wait()
	told()
	if err == nil {
		err = <-ended
	}
	return err
}

// shed sends a part of the sessions away, one at least.
func (s *Server) shed(part float64) {
	n := s.sessions.Shed(1 + int(part*float64(s.sessions.Stats().Sessions)))
	s.cfg.Log.Warn("short of memory: sessions were sent away", "sessions", n, "limit", s.memory.limit)
}

// ready says why the server should get no traffic (H4). It waits for a second at most, also
// for a server that is about to run.
func (s *Server) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	select {
	case <-s.begun:
	case <-ctx.Done():
		return errors.New("not running yet")
	}
	if s.state.Load() == stopping {
		return errors.New("shutting down")
	}
	if t := journal.TroubleOf(s.cfg.Journal); t != nil {
		return t
	}
	if _, err := s.cfg.Journal.List(ctx, "", 1); err != nil {
		return fmt.Errorf("the journal does not answer: %w", err)
	}
	return nil
}

// upgrade makes a request the WebSocket of a session.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request, m session.Meta) {
	err := s.sockets.Upgrade(w, r, uint64(m.Address), func(t session.Transport) wsconn.Session { return s.sessions.Open(t, m) })
	if err == nil {
		return
	}
	s.sessions.Forget(&m)
	s.cfg.Log.Debug("upgrade", "err", err, "remote", m.RemoteAddr)
	if f := s.cfg.Hooks.Refused; f != nil {
		refusal := &board.Error{Code: board.CodeBadMessage, Message: "the request is no good WebSocket handshake", Cause: err}
		if errors.Is(err, wsconn.ErrShutdown) {
			refusal.Code = board.CodeUnavailable
		}
		f(observe.Session{RemoteAddr: m.RemoteAddr, Transport: m.Transport}, refusal)
	}
}

// validator adapts Config.Validate to what a room asks.
func (c *Config) validator() func(auth.AuthorizedOp, *board.State, *board.Entry) *board.Error {
	if c.Validate == nil {
		return nil
	}
	return func(op auth.AuthorizedOp, before *board.State, e *board.Entry) *board.Error {
		err := c.Validate(Validation{
			Principal: op.Principal(), Role: op.Role(), Op: op.Op(), Before: before, Change: e.Change,
		})
		if err == nil {
			return nil
		}
		refusal := &board.Error{Message: err.Error(), Cause: err}
		var known *board.Error
		if errors.As(err, &known) {
			refusal = known.At(known.Path)
		}
		refusal.Code = board.CodeInvalid
		return refusal
	}
}

// importGrafana reads a Grafana dashboard within the server's limits.
func (c *Config) importGrafana(data []byte) (*httpapi.Imported, *board.Error) {
	in, err := grafana.Import(data, grafana.Options{Limits: c.Limits.board()})
	if err != nil {
		return nil, err
	}
	return &httpapi.Imported{
		Document: in.Document, Title: in.Title, SuggestedID: in.SuggestedID,
		Notes: in.Notes, Drawn: in.Drawn, Kept: in.Kept,
	}, nil
}

func newID() string {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.NewString()
	}
	return id.String()
}

func newRand() *rand.Rand {
	var seed [16]byte
	_, _ = crand.Read(seed[:]) // never fails, see its documentation
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(seed[:8]), binary.LittleEndian.Uint64(seed[8:])))
}

// Stats is what a server has done since it was made, and what it holds now.
type Stats struct {
	Sessions SessionStats `json:"sessions"`
	Rooms    RoomStats    `json:"rooms"`
	Process  Process      `json:"process"`
	// Cluster tells of the other nodes; nil without Config.Relay.
	Cluster *Cluster `json:"cluster,omitzero"`
}

// Process tells of the process that the server runs in.
type Process struct {
	UptimeSeconds float64 `json:"uptimeSeconds"`
	Goroutines    int     `json:"goroutines"`
	// HeapBytes are in use by live and not yet collected objects.
	HeapBytes uint64 `json:"heapBytes"`
	// MemoryBytes were taken from the system and not given back.
	MemoryBytes uint64 `json:"memoryBytes"`
	GoVersion   string `json:"goVersion"`
}

// Stats returns the counts of this moment.
func (s *Server) Stats() Stats {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Stats{
		Sessions: s.sessions.Stats(), Rooms: s.hub.Stats(), Cluster: s.sessions.Cluster(),
		Process: Process{
			UptimeSeconds: time.Since(s.started).Seconds(), Goroutines: runtime.NumGoroutine(),
			HeapBytes: m.HeapInuse, MemoryBytes: m.Sys - m.HeapReleased, GoVersion: runtime.Version(),
		},
	}
}

// SessionStats, RoomStats and SessionInfo describe what a server holds and has done.
type (
	SessionStats = session.Stats
	RoomStats    = room.Stats
	SessionInfo  = session.Info
	Cluster      = session.Cluster
	NodeInfo     = session.NodeInfo
)

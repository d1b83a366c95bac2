package dashwire

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/dashwire/dashwire/audit"
	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/observe"
	"github.com/dashwire/dashwire/relay"
	"github.com/dashwire/dashwire/webhook"
)

// Config is what a Server works with. Journal must be set; every other field may be
// zero. Nothing can be changed after New.
type Config struct {
	// Journal keeps the dashboards' logs. The server does not close it.
	Journal journal.Journal

	// Relay is how the nodes that share Journal tell each other what is in no log: presence,
	// live values, messages of the app, clients that have connected anew, revocations. The
	// server does not close it. Nil = this is the only node.
	Relay relay.Relay

	// Authenticator signs people in (C2). Nil switches sign-in off, unless
	// RequestAuthenticator is set: everybody is owner and administrator, and requests
	// must come from this machine (C1).
	Authenticator auth.Authenticator
	// RequestAuthenticator signs in programs that sign their requests (C2); see package
	// auth/httpsig. Nil = signatures are passed over.
	RequestAuthenticator auth.RequestAuthenticator
	// Authorizer tells roles; nil = the principal's own grants (P1).
	Authorizer auth.Authorizer
	// Insecure drops the checks that keep a server without sign-in to this machine.
	Insecure bool
	// Revocations remembers what was revoked over a restart (C3); see auth/sqlitestore. The
	// server does not close it. Nil = a restart forgets it.
	Revocations auth.RevocationStore
	// AuthCookie names the cookie that holds a token; "" = none does. With it, pages can
	// sign in by POST /api/sign-in (H7).
	AuthCookie string
	// TokenInURL allows ?token= on requests that cannot carry a header (C2).
	TokenInURL bool
	// AllowedOrigins are the origins, such as https://app.example.com, from which
	// browsers may connect and change things (H6), beside the server's own host.
	AllowedOrigins []string
	// TrustedProxies are the networks whose X-Forwarded-For and X-Forwarded-Proto
	// headers are believed.
	TrustedProxies []netip.Prefix

	// Limits are the D5 limits; zero fields mean the defaults.
	Limits Limits
	// Window is how many versions back a retry or an old edit is decided exactly
	// (M12); it is stored with each new dashboard. 0 = 10,000.
	Window uint64
	// AutoWindow is the time in which the policy "auto" lets the later of two
	// clashing edits win (M6). 0 = 5 s.
	AutoWindow time.Duration
	// Validate may refuse an op that would otherwise be committed (P5): return nil,
	// or what is wrong. It is called in the order of the log while that dashboard
	// waits, so it must decide from memory. A *board.Error goes to the client as it
	// is with code INVALID; of any other error, the text does.
	Validate func(v Validation) error

	// MaxSessions bounds the sessions of this node (C8). 0 = no bound of its own.
	MaxSessions int
	// SessionsPerUser (C8). 0 = 50.
	SessionsPerUser int
	// SessionsPerAddress bounds the sessions of one client address, ConnectsPerAddress the
	// upgrades and event streams that it may begin in a second (with a burst of five times
	// as many) and RequestsPerAddress its requests in a second (a burst of twice as many)
	// (C8). 0 = 1,000, 200 and 2,000. The address is the one behind TrustedProxies; an
	// IPv6 address counts by its /64 network.
	SessionsPerAddress, ConnectsPerAddress, RequestsPerAddress int
	// UnsignedSessions and UnsignedPerAddress bound the sessions that have not signed in
	// yet, of this node and of one client address (C8). 0 = 2,000 and 200.
	UnsignedSessions, UnsignedPerAddress int
	// MemoryLimit is how many bytes the process may use; when four fifths of it are in use
	// new sessions are refused, and at 95 in 100 the newest are sent away (C8). 0 = the
	// runtime's own limit (GOMEMLIMIT), if it has one. The server does not change that.
	MemoryLimit int64
	// IncomingBytes bounds the bytes of messages that have come in part, or wait to be taken
	// in, of all sessions together, and those of messages over 64 KiB that are being worked
	// on (C8). 0 = an eighth of MemoryLimit, but room for four of
	// the longest messages; 256 MiB without a limit.
	IncomingBytes int64
	// HeldBytes bounds the bytes that wait for sockets which take none, of all sessions
	// together; beyond it those that have waited longest are closed (R5). 0 = 64 MiB.
	HeldBytes int64
	// CountLocal has the limits per address hold for loopback and for TrustedProxies
	// themselves too, which are not counted else.
	CountLocal bool
	// MessagesPerSecond, MessageBurst and BytesPerSecond bound each session (C8).
	// 0 = 1,000, 2,000 and 4 MiB.
	MessagesPerSecond, MessageBurst, BytesPerSecond int

	// HeartbeatEvery and HeartbeatTimeout are the times of C4. 0 = 25 s and 10 s.
	HeartbeatEvery, HeartbeatTimeout time.Duration
	// ReconnectMin and ReconnectMax are the window in which clients come back after
	// the server has sent them away. 0 = 0.5 s and 5 s.
	ReconnectMin, ReconnectMax time.Duration
	// Drain is the time over which sessions are sent away when Run ends (C7). 0 = 10 s;
	// negative = at once.
	Drain time.Duration
	// Pace is the least time between two paced writes to a session, and so about the most
	// that an entry waits on a busy dashboard beside the time to store and write it. With
	// more than 100 sessions on a dashboard it grows, to 15/8 of this at 400 (30 ms), and it is
	// twice as long while the process uses most of its processors: a write costs the same however
	// much it holds. What comes after quiet, and answers, go out at once. 0 = 16 ms.
	Pace time.Duration

	// Webhooks are who is told of events by HTTP, and the store that remembers how far
	// (docs/webhooks.md). New reads and writes that store: a target that is new begins
	// there. The zero value tells nobody.
	Webhooks webhook.Config

	// Audit keeps what administrators did and which sign-ins were refused, for GET
	// /api/admin/audit (H4). The server does not close it. Nil = nothing is kept but what
	// dashboards' logs hold; Hooks.Action hears of it all the same.
	Audit *audit.Log

	// Hooks follow events; see package observe.
	Hooks observe.Hooks
	// Log gets what the operator should know. Nil = slog.Default().
	Log *slog.Logger
	// Pages serves every path that is not the API's. Nil = 404.
	Pages http.Handler
	// Metrics serves /metrics (H4). Nil = 404.
	Metrics http.Handler
}

// Limits are the D5 limits, each told to clients in CONNECT.
type Limits struct {
	MessageBytes  int // 0 = 1 MiB
	DocumentBytes int // 0 = 4 MiB, of a whole dashboard as canonical JSON
	Widgets       int // 0 = 2,000 a dashboard
	Operations    int // 0 = 500 a batch
	Dashboards    int // 0 = 100 a session
	Paths         int // 0 = 10,000 that an op names, or all operations of a batch together
}

func (l Limits) wire() wire.Limits { return wire.Limits(l).WithDefaults() }

func (l Limits) board() board.Limits {
	w := l.wire()
	return board.Limits{DocumentBytes: w.DocumentBytes, Widgets: w.Widgets, Operations: w.Operations, Paths: w.Paths}
}

// Validation is what a Validate hook decides on.
type Validation struct {
	Principal auth.Principal
	Role      auth.Role
	Op        *board.Op
	// Before is the dashboard that the op was decided on.
	Before *board.State
	// Change is what the op would do.
	Change *board.Change
}

// validate checks all of the configuration at once.
func (c *Config) validate() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Journal == nil {
		wrong("Config.Journal is not set: open one with sqlitejournal.Open or memjournal.New")
	}
	for _, o := range c.AllowedOrigins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			wrong("Config.AllowedOrigins: %q is no origin; write it like https://app.example.com", o)
		}
	}
	if c.AuthCookie != "" && (&http.Cookie{Name: c.AuthCookie}).Valid() != nil {
		wrong("Config.AuthCookie: %q is no name for a cookie; use letters, digits, - and _", c.AuthCookie)
	}
	for name, n := range map[string]int{
		"Limits.MessageBytes": c.Limits.MessageBytes, "Limits.DocumentBytes": c.Limits.DocumentBytes,
		"Limits.Widgets": c.Limits.Widgets, "Limits.Operations": c.Limits.Operations,
		"Limits.Dashboards": c.Limits.Dashboards, "Limits.Paths": c.Limits.Paths, "MaxSessions": c.MaxSessions, "SessionsPerUser": c.SessionsPerUser,
		"SessionsPerAddress": c.SessionsPerAddress, "ConnectsPerAddress": c.ConnectsPerAddress,
		"RequestsPerAddress": c.RequestsPerAddress, "UnsignedSessions": c.UnsignedSessions, "UnsignedPerAddress": c.UnsignedPerAddress,
		"MessagesPerSecond": c.MessagesPerSecond, "MessageBurst": c.MessageBurst, "BytesPerSecond": c.BytesPerSecond,
	} {
		if n < 0 {
			wrong("Config.%s is %d; it must not be negative", name, n)
		}
	}
	if c.MemoryLimit < 0 {
		wrong("Config.MemoryLimit is %d; it must not be negative", c.MemoryLimit)
	}
	if c.HeldBytes < 0 {
		wrong("Config.HeldBytes is %d; it must not be negative", c.HeldBytes)
	}
	if most := int64(c.Limits.wire().MessageBytes); c.IncomingBytes != 0 && c.IncomingBytes < 2*most {
		wrong("Config.IncomingBytes is %d; it must hold two of the longest messages (%d bytes each)", c.IncomingBytes, most)
	}
	for name, d := range map[string]time.Duration{
		"AutoWindow": c.AutoWindow, "HeartbeatEvery": c.HeartbeatEvery, "HeartbeatTimeout": c.HeartbeatTimeout,
		"ReconnectMin": c.ReconnectMin, "ReconnectMax": c.ReconnectMax, "Pace": c.Pace,
	} {
		if d < 0 {
			wrong("Config.%s is %s; it must not be negative", name, d)
		}
	}
	if c.ReconnectMax > 0 && c.ReconnectMin > c.ReconnectMax {
		wrong("Config.ReconnectMin (%s) is above ReconnectMax (%s)", c.ReconnectMin, c.ReconnectMax)
	}
	if err := c.Webhooks.Validate(); err != nil {
		wrong("Config.Webhooks: %w", err)
	}
	return errors.Join(errs...)
}

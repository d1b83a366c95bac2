package httpapi

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/dashwire/dashwire/audit"
	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/lane"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/session"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/observe"
)

// Config is what the interface works with. Hub, Sessions, Journal, Authorizer, Clock,
// NewID and Log must be set; nothing is changed after New.
type Config struct {
	Hub      *room.Hub
	Sessions *session.Server
	Journal  journal.Journal // for the list of dashboards
	// Authenticator takes the credentials of requests; nil = sign-in is off (C1).
	Authenticator auth.Authenticator
	// RequestAuthenticator takes signed requests, where sign-in is on; nil = none are
	// (C2).
	RequestAuthenticator auth.RequestAuthenticator
	Authorizer           auth.Authorizer
	Clock                clock.Clock
	// NewID makes unique strings: ids of ops and of failed requests.
	NewID func() string
	// NewDashboardID makes ids that cannot be guessed; nil = 128 random bits.
	NewDashboardID func() string
	Log            *slog.Logger
	Hooks          observe.Hooks
	Limits         wire.Limits

	// Upgrade makes a request the WebSocket of a session that is opened with m, which
	// Sessions has admitted; if none is, it has Sessions forget m. It answers a handshake
	// that is wrong by itself (400, 426). Nil = 501.
	Upgrade func(w http.ResponseWriter, r *http.Request, m session.Meta)
	// AllowedOrigins are the origins beside the server's own that may change
	// something (H6), as browsers write them: "https://app.example.com".
	AllowedOrigins []string
	// TrustedProxies are the addresses whose X-Forwarded-For, -Proto and -Host are
	// believed.
	TrustedProxies []netip.Prefix
	// AuthCookie is the name of the cookie that holds a token; "" = none does.
	AuthCookie string
	// TokenInURL allows ?token= (C2).
	TokenInURL bool
	// Insecure lifts the C1 restriction to loopback where sign-in is off.
	Insecure bool
	// RequestsPerSecond with RequestBurst bound the requests and ops of one user, or
	// of one address where nobody is signed in (C8); 0 = 1,000 and 2,000.
	// BytesPerSecond bounds their bodies; 0 = 4 MiB.
	RequestsPerSecond, RequestBurst, BytesPerSecond int
	// RequestsPerAddress and ConnectsPerAddress bound the requests, and the upgrades and
	// event streams, that come from one client address in a second, with bursts of twice
	// and five times as many (C8); 0 = 2,000 and 200.
	RequestsPerAddress, ConnectsPerAddress int
	// Lane is where requests wait for their turn, those for probes and operators apart;
	// nil = one of the interface's own.
	Lane *lane.Lane
	// CountLocal has the limits per address hold for loopback and for trusted proxies too.
	CountLocal bool
	// HeartbeatEvery and HeartbeatTimeout are told by GET /api/realtime; 0 = 25 s
	// and 10 s.
	HeartbeatEvery, HeartbeatTimeout time.Duration

	// ShortOfMemory reports that there is no memory for large requests; nil = there is.
	ShortOfMemory func() bool
	// Ready says why the server should get no traffic, nil = it should.
	Ready func() error
	// Stats is what /api/stats answers, as JSON.
	Stats func() any
	// Metrics answers /metrics; nil = 404.
	Metrics http.Handler
	// Send delivers an APP_MESSAGE (W4) and returns how many sessions of this node got it;
	// nil = as Sessions does.
	Send func(t session.Target, name string, data board.Value) (int, *board.Error)
	// Reread has the rights of a user's sessions read anew, "" = of all (P4), and tells
	// how many these are; nil = of this node's.
	Reread func(userID string) int
	// Revoke takes credentials back (C3); nil = on this node, as session.Server.Revoke.
	Revoke func(ctx context.Context, r auth.Revocation) (sessions int, err *board.Error)
	// Act writes down what an administrator did, and returns once that is safe; nil = it
	// is written nowhere.
	Act func(ctx context.Context, a observe.Action) error
	// SignInRefused hears of bad credentials. It must not block. Nil = nobody does.
	SignInRefused func(a observe.Action)
	// ReadActs reads what Act and SignInRefused have written; nil = nothing is kept.
	ReadActs func(context.Context, audit.Query) (audit.Page, error)
	// Webhooks are the webhook targets; nil = there are none.
	Webhooks Webhooks
	// Import reads a file of another program, Export writes one; nil = 400.
	Import func(data []byte) (*Imported, *board.Error)
	Export func(d *board.Document) ([]byte, *board.Error)
	// Pages answers every path that is none of the interface; nil = 404.
	Pages http.Handler
}

// Imported is a foreign file as a document.
type Imported struct {
	Document *board.Document
	Title    string
	// SuggestedID is used if the request names no id.
	SuggestedID string
	// Notes say what is not as it was.
	Notes []string
	// Drawn and Kept count the widgets that pages draw and that are only kept.
	Drawn, Kept int
	// loose: another id beside SuggestedID is as good, if that is taken.
	loose bool
}

func (c *Config) defaults() {
	c.Limits = c.Limits.WithDefaults()
	c.defaultRates()
	if c.Lane == nil {
		c.Lane = lane.Shared()
	}
	set(&c.HeartbeatEvery, 25*time.Second)
	set(&c.HeartbeatTimeout, 10*time.Second)
	if c.NewDashboardID == nil {
		c.NewDashboardID = func() string { return strings.ToLower(rand.Text()) }
	}
	if c.Act == nil {
		c.Act = func(context.Context, observe.Action) error { return nil }
	}
	if c.SignInRefused == nil {
		c.SignInRefused = func(observe.Action) {}
	}
	if c.Send == nil {
		c.Send = c.Sessions.Send
	}
	if c.Reread == nil {
		c.Reread = c.Sessions.RereadRights
	}
	if c.Revoke == nil {
		c.Revoke = c.Sessions.Revoke
	}
}

func (c *Config) defaultRates() {
	set(&c.RequestsPerSecond, 1000)
	set(&c.RequestBurst, 2000)
	set(&c.BytesPerSecond, 4<<20)
	set(&c.RequestsPerAddress, 2000)
	set(&c.ConnectsPerAddress, 200)
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dashwire/dashwire/board"
)

// Options are how a client connects. URL must be set; every other field may be zero.
type Options struct {
	// URL is the server's address, http, https, ws or wss. Without a path it is
	// /api/realtime.
	URL string
	// Token signs in, if the server asks. TokenFunc is asked for a fresh one at each
	// attempt to connect and whenever the server wants a newer one; it goes before Token.
	Token     string
	TokenFunc func(context.Context) (string, error)
	// UserID names the user on a server without sign-in.
	UserID string
	// ClientID names this client over reconnects; "" = one is made. Two clients of one
	// user with the same id replace each other.
	ClientID string
	// Header goes with the upgrade.
	Header http.Header
	// TLS is for wss; nil = the defaults.
	TLS *tls.Config
	// DialContext opens the connection below; nil = net.Dialer's.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)

	// ReconnectMin and ReconnectMax bound the wait before another attempt, which is
	// random up to a time that doubles from the one to the other; 0 = 0.5 s and 20 s.
	ReconnectMin, ReconnectMax time.Duration
	// HandshakeTimeout bounds one attempt to connect; 0 = 10 s.
	HandshakeTimeout time.Duration
	// MaxMessage bounds one message of the server, in bytes; 0 = 64 MiB.
	MaxMessage int

	// OnEvent hears what concerns no single dashboard. It is called in order, from the
	// goroutine that reads: it must not block and must not wait for the client.
	OnEvent func(Event)
	// OnMessage sees every message of the server as it came, before it is decoded; if
	// it returns true the client does not look at it any more. For load generators
	// that only count: see Head. The bytes are valid during the call only.
	OnMessage func(message []byte) (handled bool)
}

// Event is what OnEvent hears: a new State (with Err, if it is not Live), or one of
// the others.
type Event struct {
	State State
	Err   error
	// App is a message of the embedding app (W4).
	App *AppMessage
	// Refused is the refusal of live values or presence, which have no caller to tell.
	Refused *board.Error
}

// AppMessage is a message of the app that embeds the server.
type AppMessage struct {
	Name string
	Data board.Value
}

// State is what a client's connection is at.
type State string

// The states of a connection.
const (
	Connecting State = "connecting"
	Live       State = "live"
	Waiting    State = "waiting" // to try again
	Closed     State = "closed"  // for good
)

// endpoint checks the options, fills in the defaults and returns the address to dial.
func (o *Options) endpoint() (string, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return "", fmt.Errorf("client: the URL: %w", err)
	}
	switch u.Scheme {
	case "http", "ws":
		u.Scheme = "ws"
	case "https", "wss":
		u.Scheme = "wss"
	default:
		return "", fmt.Errorf("client: the URL %q is none of a server: write it like http://localhost:3000", o.URL)
	}
	if u.Host == "" {
		return "", fmt.Errorf("client: the URL %q names no host", o.URL)
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/api/realtime"
	}
	if o.UserID != "" {
		q := u.Query()
		q.Set("userId", o.UserID)
		u.RawQuery = q.Encode()
	}
	if o.ClientID == "" {
		o.ClientID = uuid.NewString()
	}
	if bad := board.CheckID("client", o.ClientID); bad != nil {
		return "", fmt.Errorf("client: %w", bad)
	}
	set(&o.ReconnectMin, 500*time.Millisecond)
	set(&o.ReconnectMax, 20*time.Second)
	set(&o.HandshakeTimeout, 10*time.Second)
	set(&o.MaxMessage, 64<<20)
	if o.ReconnectMin < 0 || o.ReconnectMax < o.ReconnectMin {
		return "", errors.New("client: ReconnectMin and ReconnectMax must be in order")
	}
	if o.HandshakeTimeout < 0 || o.MaxMessage < 0 {
		return "", fmt.Errorf("client: HandshakeTimeout is %s and MaxMessage %d; neither may be negative", o.HandshakeTimeout, o.MaxMessage)
	}
	if o.DialContext == nil {
		o.DialContext = (&net.Dialer{}).DialContext
	}
	return u.String(), nil
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// token returns what signs in, "" for nothing.
func (o *Options) token(ctx context.Context) (string, error) {
	if o.TokenFunc == nil {
		return o.Token, nil
	}
	token, err := o.TokenFunc(ctx)
	if err != nil {
		return "", fmt.Errorf("client: getting a token: %w", err)
	}
	return token, nil
}

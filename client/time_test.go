package client_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/client"
)

// whenLive tells each time that a client is live.
func whenLive(live chan<- time.Time) func(client.Event) {
	return func(e client.Event) {
		if e.State == client.Live {
			live <- time.Now()
		}
	}
}

// memory is a network inside one process, so that a whole server and its clients live
// in a synctest bubble, where time passes by itself.
type memory struct {
	accept chan net.Conn
	closed chan struct{}
}

func newMemory() *memory {
	return &memory{accept: make(chan net.Conn), closed: make(chan struct{})}
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.accept:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error   { close(m.closed); return nil }
func (m *memory) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 3000} }

// ended is one end of a pipe that says where it is.
type ended struct{ net.Conn }

func (ended) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40000} }

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	a, b := net.Pipe()
	select {
	case m.accept <- ended{b}:
		return a, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inMemory runs a test against a server in a bubble.
func inMemory(t *testing.T, cfg dashwire.Config, f func(t *testing.T, ctx context.Context, m *memory)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.Drain = -1
		if cfg.Journal == nil {
			cfg.Journal = newJournal()
		}
		srv, err := dashwire.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		m := newMemory()
		web := &http.Server{Handler: srv}
		done := make(chan error, 2)
		go func() { done <- srv.Run(ctx) }()
		go func() { done <- web.Serve(m) }()
		f(t, ctx, m)
		cancel()
		if err := web.Close(); err != nil {
			t.Error(err)
		}
		for range 2 {
			if err := <-done; err != nil && !errors.Is(err, http.ErrServerClosed) {
				t.Error(err)
			}
		}
	})
}

// After a long outage a connection that ends soon is tried again at once; one that ends
// soon again and again is tried less and less often.
func TestReconnectsSoonAfterASecondOutage(t *testing.T) {
	inMemory(t, dashwire.Config{}, func(t *testing.T, ctx context.Context, m *memory) {
		var away atomic.Bool
		var mu sync.Mutex
		var conn net.Conn
		live := make(chan time.Time, 1)
		c, err := client.Dial(ctx, client.Options{
			URL: "http://localhost:3000",
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				if away.Load() {
					return nil, errors.New("nobody is there")
				}
				mu.Lock()
				defer mu.Unlock()
				var err error
				conn, err = m.dial(ctx, network, addr)
				return conn, err
			},
			OnEvent: whenLive(live),
		})
		if err != nil {
			t.Fatal(err)
		}
		<-live
		<-time.After(time.Minute)
		cut := func() {
			mu.Lock()
			defer mu.Unlock()
			conn.Close()
		}
		away.Store(true)
		cut()
		<-time.After(time.Hour)
		away.Store(false)
		<-live
		for n, most := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second} {
			at := time.Now()
			cut()
			if took := (<-live).Sub(at); took > most {
				t.Errorf("after connection %d that did not hold it took %s, want %s at most", n+1, took, most)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Nothing happens for hours: the server asks for signs of life, gets them, and the
// connection stays.
func TestC4_QuietConnectionStays(t *testing.T) {
	inMemory(t, dashwire.Config{}, func(t *testing.T, ctx context.Context, m *memory) {
		pings := 0
		c, err := client.Dial(ctx, client.Options{URL: "http://localhost:3000", DialContext: m.dial, OnMessage: func(text []byte) bool {
			if mt, _, _ := client.Head(text); string(mt) == "PING" {
				pings++
			}
			return false
		}})
		if err != nil {
			t.Fatal(err)
		}
		session := c.SessionID()
		<-time.After(2 * time.Hour)
		if now := c.SessionID(); now != session || session == "" {
			t.Errorf("the session was %s and is %s", session, now)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if pings < 250 || pings > 300 {
			t.Errorf("%d pings in two hours", pings)
		}
	})
}

// A server that is there and says nothing is given up, and tried again.
func TestC4_SilentServerIsGivenUp(t *testing.T) {
	inMemory(t, dashwire.Config{}, func(t *testing.T, ctx context.Context, m *memory) {
		var conns []*silenced
		live := make(chan time.Time, 10)
		c, err := client.Dial(ctx, client.Options{
			URL: "http://localhost:3000",
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := m.dial(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				s := &silenced{Conn: conn}
				conns = append(conns, s)
				return s, nil
			},
			OnEvent: whenLive(live),
		})
		if err != nil {
			t.Fatal(err)
		}
		<-live
		start := time.Now()
		conns[0].silence()
		again := <-live
		if took := again.Sub(start); took < 20*time.Second || took > 90*time.Second {
			t.Errorf("it came back after %s", took)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

// silenced is a connection that can stop to deliver anything.
type silenced struct {
	net.Conn
	mu    sync.Mutex
	quiet bool
}

func (s *silenced) silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quiet = true
}

func (s *silenced) Read(b []byte) (int, error) {
	for {
		n, err := s.Conn.Read(b)
		s.mu.Lock()
		quiet := s.quiet
		s.mu.Unlock()
		if err != nil || !quiet {
			return n, err
		}
	}
}

// roles is an authorizer whose answer changes.
type roles struct {
	mu   sync.Mutex
	role auth.Role
}

func (r *roles) Role(context.Context, auth.Principal, string) (auth.Role, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.role, nil
}

// C3: the token is renewed again and again while the connection stays.
func TestC3_TokensAreRenewedInTime(t *testing.T) {
	inMemory(t, dashwire.Config{Authenticator: hourly{}}, func(t *testing.T, ctx context.Context, m *memory) {
		asked := 0
		c, err := client.Dial(ctx, client.Options{
			URL: "http://localhost:3000", DialContext: m.dial,
			TokenFunc: func(context.Context) (string, error) { asked++; return "token", nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		session := c.SessionID()
		<-time.After(10 * time.Hour)
		if now := c.SessionID(); now != session || session == "" {
			t.Errorf("the session was %s and is %s", session, now)
		}
		if _, err := c.Do(ctx, client.Op{Type: client.WidgetUpdate, DashboardID: "ops", WidgetID: "cpu", Create: true}); err != nil {
			t.Error(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if asked < 10 || asked > 12 {
			t.Errorf("asked for a token %d times in ten hours", asked)
		}
	})
}

// hourly signs everybody in for an hour.
type hourly struct{}

func (hourly) Authenticate(_ context.Context, c auth.Credentials) (auth.Principal, error) {
	if c.Token == "" {
		return auth.Principal{}, auth.ErrUnauthenticated
	}
	return auth.Principal{
		UserID: "ana", Expires: time.Now().Add(time.Hour), Grants: []auth.Grant{{Pattern: "*", Role: auth.Editor}},
	}, nil
}

// The journal is away for a while: the op is refused for the moment, sent again, and
// done once.
func TestE3_RetryableRefusalIsTriedAgain(t *testing.T) {
	r := &roles{role: auth.Editor}
	inMemory(t, dashwire.Config{Authorizer: flaky{r}}, func(t *testing.T, ctx context.Context, m *memory) {
		c, err := client.Dial(ctx, client.Options{URL: "http://localhost:3000", DialContext: m.dial})
		if err != nil {
			t.Fatal(err)
		}
		r.set(auth.None) // the authorizer cannot answer
		done := make(chan error, 1)
		go func() {
			_, err := c.Do(ctx, client.Op{Type: client.WidgetUpdate, DashboardID: "ops", WidgetID: "cpu", Create: true})
			done <- err
		}()
		subscribed := make(chan error, 1)
		go func() {
			_, err := c.Subscribe(ctx, "ops", client.Follow{})
			subscribed <- err
		}()
		<-time.After(time.Minute)
		r.set(auth.Editor)
		for _, waiting := range []chan error{done, subscribed} {
			if err := <-waiting; err != nil {
				t.Error(err)
			}
		}
		var refused *board.Error
		if _, err := c.Do(ctx, client.Op{Type: client.WidgetUpdate, DashboardID: "ops", WidgetID: "cpu", Create: true}); !errors.As(err, &refused) {
			t.Errorf("created twice: %v", err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

func (r *roles) set(role auth.Role) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.role = role
}

// flaky cannot answer while the role is none.
type flaky struct{ *roles }

func (f flaky) Role(ctx context.Context, p auth.Principal, id string) (auth.Role, error) {
	role, _ := f.roles.Role(ctx, p, id)
	if role == auth.None {
		return role, errors.New("the rights cannot be read")
	}
	return role, nil
}

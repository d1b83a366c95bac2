package client_test

import (
	"context"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/client"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/memjournal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is a real server behind a real listener.
type node struct {
	*dashwire.Server
	URL  string
	addr string
	stop func()
}

// serve runs a server until the test ends or stop is called.
func serve(t *testing.T, cfg dashwire.Config) *node {
	t.Helper()
	if cfg.Journal == nil {
		cfg.Journal = newJournal()
	}
	cfg.Drain = -1
	cfg.ReconnectMin, cfg.ReconnectMax = time.Millisecond, 10*time.Millisecond
	srv, err := dashwire.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	web := httptest.NewServer(srv)
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		web.Close()
	})
	t.Cleanup(stop)
	return &node{Server: srv, URL: web.URL, addr: web.Listener.Addr().String(), stop: stop}
}

func newJournal() journal.Journal { return memjournal.New(memjournal.Options{}) }

// within bounds a whole test.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// dial connects a client that closes with the test.
func dial(t *testing.T, ctx context.Context, n *node, o client.Options) *client.Client {
	t.Helper()
	if o.URL == "" {
		o.URL = n.URL
	}
	o.ReconnectMin, o.ReconnectMax = time.Millisecond, 20*time.Millisecond
	c, err := client.Dial(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func follow(t *testing.T, ctx context.Context, c *client.Client, id string, f client.Follow) *client.Dashboard {
	t.Helper()
	d, err := c.Subscribe(ctx, id, f)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// network opens connections that a test can cut, and can refuse to open any.
type network struct {
	mu    sync.Mutex
	addr  string // where to really go, "" = where asked
	conns []*wire
	// deaf makes the next bytes of the server cut the connection instead of arriving.
	deaf bool
	held chan struct{} // closed = reading goes on; nil = it is not held
}

// wire is one connection of a network.
type wire struct {
	net.Conn
	n *network
}

func (n *network) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	n.mu.Lock()
	if n.addr != "" {
		addr = n.addr
	}
	n.mu.Unlock()
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	w := &wire{c, n}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns = append(n.conns, w)
	return w, nil
}

// Read loses what the server has sent if the network is deaf.
func (w *wire) Read(b []byte) (int, error) {
	c, err := w.Conn.Read(b)
	w.n.mu.Lock()
	held := w.n.held
	w.n.mu.Unlock()
	if held != nil {
		<-held
	}
	w.n.mu.Lock()
	defer w.n.mu.Unlock()
	if w.n.deaf {
		w.n.deaf = false
		w.Conn.Close()
		return 0, net.ErrClosed
	}
	return c, err
}

// cut breaks all connections.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		c.Close()
	}
	n.conns = nil
}

// hold stops the reading until release is called.
func (n *network) hold() (release func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	held := make(chan struct{})
	n.held = held
	return sync.OnceFunc(func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.held = nil
		close(held)
	})
}

func (n *network) setDeaf() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deaf = true
}

func (n *network) moveTo(addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addr = addr
}

package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dashwire/dashwire/internal/ratelimit"
	"github.com/dashwire/dashwire/internal/wsconn"
	"github.com/dashwire/dashwire/observe"
)

// guard is a listener that leaves descriptors for those who are connected: it answers
// what comes beyond its limits by itself, before a request has been read, and hangs up
// (C8). It tells of its limits and of those that net/http keeps silent about.
type guard struct {
	net.Listener
	most       int // connections at once
	perAddress int // of them from one address
	// counts tells what an address counts as, 0 = it is not counted.
	counts func(netip.Addr) ratelimit.Address
	hit    func(observe.Limit, observe.Session)

	mu        sync.Mutex
	open      int
	addresses map[ratelimit.Address]int
}

var (
	_ syscall.Conn = (*guard)(nil)
	_ wsconn.Gate  = (*guard)(nil)
)

// Accept implements net.Listener. What the system has no descriptor for it leaves to the
// server, which waits and tries again.
func (g *guard) Accept() (net.Conn, error) {
	for {
		nc, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tcp, ok := nc.(*net.TCPConn)
		if !ok {
			return nc, nil
		}
		var peer netip.AddrPort
		if a, ok := tcp.RemoteAddr().(*net.TCPAddr); ok {
			peer = a.AddrPort()
		}
		if _, answer := g.Enter(peer); answer != "" {
			// A new connection has room for this much: it does not block.
			_, _ = io.WriteString(tcp, answer)
			_ = tcp.Close()
			continue
		}
		return g.Admitted(tcp, peer), nil
	}
}

// Below implements wsconn.Gate, with which a front accepts in the guard's place.
func (g *guard) Below() net.Listener { return g.Listener }

// Enter implements wsconn.Gate.
func (g *guard) Enter(peer netip.AddrPort) (left func(), refusal string) {
	address := g.counts(peer.Addr())
	l, refusal := g.enter(address)
	if l != "" {
		g.hit(l, observe.Session{RemoteAddr: peer.Addr().Unmap().String()})
		return nil, refusal
	}
	return func() { g.leave(address) }, ""
}

// Admitted implements wsconn.Gate.
func (g *guard) Admitted(nc *net.TCPConn, peer netip.AddrPort) net.Conn {
	return &guarded{TCPConn: nc, guard: g, address: g.counts(peer.Addr())}
}

// SyscallConn implements syscall.Conn, for what is set on the listener itself.
func (g *guard) SyscallConn() (syscall.RawConn, error) {
	if c, ok := g.Listener.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// The answers to connections that are too many.
const (
	tooManyAnswer = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	crowdedAnswer = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)

func (g *guard) enter(address ratelimit.Address) (over observe.Limit, answer string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.open >= g.most:
		return observe.LimitConnections, tooManyAnswer
	case address != 0 && g.addresses[address] >= g.perAddress:
		return observe.LimitConnectionsPerAddress, crowdedAnswer
	}
	g.open++
	if address != 0 {
		g.addresses[address]++
	}
	return "", ""
}

func (g *guard) leave(address ratelimit.Address) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	if address == 0 {
		return
	}
	if g.addresses[address]--; g.addresses[address] == 0 {
		delete(g.addresses, address)
	}
}

// guarded is a connection that a guard counts. Until its request is served it watches
// what comes, since net/http refuses slow and long heads without telling.
type guarded struct {
	*net.TCPConn
	guard   *guard
	address ratelimit.Address

	served atomic.Bool  // a handler has begun since the last request's end
	read   atomic.Int64 // bytes since then
	later  atomic.Bool  // a request has ended before
	closed atomic.Bool
}

// Handover gives the connection itself to who carries a session over it, and what to call
// at its end: it goes on to be counted, and is watched no more.
func (c *guarded) Handover() (nc *net.TCPConn, left func()) {
	c.closed.Store(true)
	g, address := c.guard, c.address
	return c.TCPConn, func() { g.leave(address) }
}

// Raw gives what may be read in the connection's place, for who then tells Note.
func (c *guarded) Raw() *net.TCPConn { return c.TCPConn }

// Note counts bytes that were read by another way.
func (c *guarded) Note(bytes int) { c.read.Add(int64(bytes)) }

func (c *guarded) observed() observe.Session {
	host, _, _ := net.SplitHostPort(c.RemoteAddr().String()) // a TCP address has both
	return observe.Session{RemoteAddr: host}
}

// Read implements net.Conn.
func (c *guarded) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if n > 0 {
		c.read.Add(int64(n))
	}
	// Between two requests a connection may be idle until it is closed.
	if errors.Is(err, os.ErrDeadlineExceeded) && !c.served.Load() && (!c.later.Load() || c.read.Load() > 0) {
		c.guard.hit(observe.LimitHeaderTime, c.observed())
	}
	return n, err
}

// Close implements net.Conn.
func (c *guarded) Close() error {
	if c.closed.CompareAndSwap(false, true) {
		if !c.served.Load() && c.read.Load() > maxHeader {
			c.guard.hit(observe.LimitHeaderBytes, c.observed())
		}
		c.guard.leave(c.address)
	}
	return c.TCPConn.Close()
}

// guardedKey finds a request's connection.
type guardedKey struct{}

// watch has a server tell its guarded connections what becomes of their requests.
func watch(s *http.Server) {
	s.ConnContext = func(ctx context.Context, nc net.Conn) context.Context {
		return context.WithValue(ctx, guardedKey{}, guardedOf(nc))
	}
	s.ConnState = func(nc net.Conn, state http.ConnState) {
		if c := guardedOf(nc); c != nil && state == http.StateIdle {
			c.later.Store(true)
			c.read.Store(0)
			c.served.Store(false)
		}
	}
	h := s.Handler
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, _ := r.Context().Value(guardedKey{}).(*guarded); c != nil {
			c.served.Store(true)
		}
		h.ServeHTTP(w, r)
	})
}

// guardedOf is what a guard made of a connection, also below TLS; nil if it is none.
func guardedOf(nc net.Conn) *guarded {
	for t, ok := nc.(interface{ NetConn() net.Conn }); ok; t, ok = nc.(interface{ NetConn() net.Conn }) {
		nc = t.NetConn()
	}
	c, _ := nc.(*guarded)
	return c
}

// The limits on what is read before a handler begins.
const (
	// maxHeader bounds the head of a request, in bytes: what thousands of connections that
	// never finish theirs may hold. The longest that is needed is a cursor of an event
	// stream.
	maxHeader  = 64 << 10
	headerTime = 5 * time.Second
	idleTime   = 2 * time.Minute
)

// newServer is an HTTP server that strangers may reach. In the clear it speaks HTTP/1 alone:
// WebSocket needs that, and what can be done to a server over HTTP/2 has no point here.
func newServer(h http.Handler) *http.Server {
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		Protocols: new(http.Protocols),
	}
	s.Protocols.SetHTTP1(true)
	watch(s)
	return s
}

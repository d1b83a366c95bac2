//go:build unix

package wsconn

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/dashwire/dashwire/internal/lane"
)

// begun is a connection that net/http reads requests from, and whose first bytes were read.
// Of a request it takes the turn as its first bytes have come, so that taking its head
// apart, which costs about as much as answering it, waits in line too. A handler that
// continues it has it until the answer is written and the next request is waited for.
type begun struct {
	net.Conn
	rest []byte
	turn *lane.Turn // of reading a request, and of the handlers that continue it
	// handled is set from the beginning of a handler on until the connection is idle
	// again: what is read meanwhile is a body, which nobody waits for in a turn, or the
	// connection has been taken over.
	handled atomic.Bool
}

// Read implements net.Conn.
func (c *begun) Read(b []byte) (int, error) {
	// While a request is being answered, net/http waits for the end of the connection in
	// another goroutine, for a single byte.
	if len(b) == 1 || c.handled.Load() {
		return c.read(b)
	}
	c.turn.Leave()
	n, err := c.read(b)
	if n > 0 {
		c.turn.Return()
	}
	return n, err
}

func (c *begun) read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	if w, ok := c.Conn.(watched); ok {
		w.Note(n)
	}
	return n, nil
}

// Close implements net.Conn.
func (c *begun) Close() error {
	c.turn.Leave()
	return c.Conn.Close()
}

// NetConn is the connection below, as a TLS connection tells its own.
func (c *begun) NetConn() net.Conn { return c.Conn }

// begunKey finds a request's connection.
type begunKey struct{}

// follow has the server tell what becomes of requests.
func (f *Front) follow() {
	s, before, told := f.by, f.by.ConnContext, f.by.ConnState
	s.ConnContext = func(ctx context.Context, nc net.Conn) context.Context {
		if before != nil {
			ctx = before(ctx, nc)
		}
		if c, ok := nc.(*begun); ok {
			ctx = context.WithValue(ctx, begunKey{}, c)
		}
		return ctx
	}
	s.ConnState = func(nc net.Conn, state http.ConnState) {
		if c, ok := nc.(*begun); ok && state == http.StateIdle {
			c.handled.Store(false)
		}
		if told != nil {
			told(nc, state)
		}
	}
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, _ := r.Context().Value(begunKey{}).(*begun); c != nil {
			c.handled.Store(true)
			c.turn.Leave() // other handlers than ours wait for whatever they want
			r = r.WithContext(c.turn.Context(r.Context()))
		}
		f.handler.ServeHTTP(w, r)
	})
}

// unwrapped is the connection that a hijacked one stands for, with what was read of it
// before anything else: only then can the poller wait for it.
func unwrapped(nc net.Conn, early []byte) (net.Conn, []byte) {
	c, ok := nc.(*begun)
	if !ok {
		return nc, early
	}
	if w, ok := c.Conn.(watched); ok {
		w.Note(len(c.rest))
	}
	return c.Conn, append(early, c.rest...)
}

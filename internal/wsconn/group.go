package wsconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/lane"
	"github.com/dashwire/dashwire/internal/session"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// Session is what a connection carries; *session.Session is one.
type Session interface {
	// Handle works on one message. It is called one at a time, in order, may wait,
	// and does not keep the bytes.
	Handle(message []byte)
	// Oversized tells of a message of size bytes that was too long to be taken in (E5). It is
	// called, and may wait, like Handle; id is its
	// id if that could be read.
	Oversized(id string, size int)
	// Incoming tells how many bytes the connection holds of messages that Handle has not
	// returned from. It is called like Handle, when that number has changed.
	Incoming(n int)
	// Alive tells that bytes have come (C4).
	Alive(now time.Time)
	// Writable tells that a write which was not ready has gone out.
	Writable()
	// Principal tells whether somebody has signed in.
	Principal() (*auth.Principal, bool)
	// Limited tells that the connection ends for a limit of its own.
	Limited(l observe.Limit)
	// Broken tells that writing has failed, perhaps while Handle waits for something to be
	// taken: it need not wait any more.
	Broken()
	// Closed is called once, last of all.
	Closed(code wire.CloseCode, reason string)
}

var _ Session = (*session.Session)(nil)

// Config is how connections behave. The zero value works.
type Config struct {
	// MessageBytes is the longest message that a session gets (limits.messageBytes);
	// 0 = 1 MiB.
	MessageBytes int
	// UnsignedBytes is the same before somebody has signed in; 0 = 16 KiB.
	UnsignedBytes int
	// MessageTimeout bounds the time from the first to the last byte of a message;
	// 0 = 10 s.
	MessageTimeout time.Duration
	// StallTimeout is how long a full connection may take no byte at all (R5);
	// 0 = 30 s.
	StallTimeout time.Duration
	// CloseTimeout bounds the time from a close to the end of the connection; 0 = 1 s.
	CloseTimeout time.Duration
	// Clock is the time; nil = the machine's.
	Clock clock.Clock
	// Lane is where connections wait that have not signed in or ask for much; nil = one
	// of the group's own.
	Lane *lane.Lane

	// waiting gives each connection a goroutine that waits for it, as where there is no
	// poller.
	waiting bool
}

func (c *Config) defaults() {
	set(&c.MessageBytes, wire.DefaultMessageBytes)
	set(&c.UnsignedBytes, min(session.UnsignedBytes, c.MessageBytes))
	set(&c.MessageTimeout, 10*time.Second)
	set(&c.StallTimeout, 30*time.Second)
	set(&c.CloseTimeout, time.Second)
	if c.Clock == nil {
		c.Clock = clock.Real{}
	}
	if c.Lane == nil {
		c.Lane = lane.Shared()
	}
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Group owns connections and the goroutines that work for them. Its methods may be
// called by any number of goroutines at once.
type Group struct {
	cfg   Config
	began time.Time

	workers *workers[*conn]
	done    chan struct{} // closed once no connection is left after Shutdown
	wg      sync.WaitGroup

	mu     sync.Mutex
	conns  map[*conn]struct{}
	poller *poller // nil until it is needed, and where there is none for this system
	begun  bool    // the poller was looked for
	closed bool
}

// NewGroup makes a group without connections.
func NewGroup(cfg Config) *Group {
	cfg.defaults()
	g := &Group{cfg: cfg, began: cfg.Clock.Now(), done: make(chan struct{}), conns: make(map[*conn]struct{})}
	g.workers = newWorkers(&g.wg, (*conn).work)
	return g
}

// elapsed is the group's age. Unlike the time of day it is not set by anybody.
func (g *Group) elapsed() time.Duration { return g.cfg.Clock.Now().Sub(g.began) }

// ErrShutdown from Upgrade: the group takes no more connections.
var ErrShutdown = errors.New("wsconn: shutting down")

// Upgrade makes a WebSocket of an HTTP request and opens a session on it with open,
// which is called from another goroutine. Origin and credentials must have been
// checked. Key is what the client counts as where it has to wait for its turn. It returns
// at once; on an error the request has been answered.
func (g *Group) Upgrade(w http.ResponseWriter, r *http.Request, key uint64, open func(session.Transport) Session) error {
	g.mu.Lock()
	closed := g.closed
	g.mu.Unlock()
	if closed {
		http.Error(w, "the server is shutting down: try again in a moment", http.StatusServiceUnavailable)
		return ErrShutdown
	}
	l, hello, early, err := takeOver(w, r)
	if err != nil {
		return err
	}
	return g.serve(l, hello, early, key, open)
}

// Serve carries a session over a connection on which the handshake is done; early
// are bytes that were read already. It takes both over.
func (g *Group) Serve(nc net.Conn, early []byte, key uint64, open func(session.Transport) Session) error {
	return g.serve(nc, nil, early, key, open)
}

// serve is Serve with bytes that are written before all others.
func (g *Group) serve(l link, hello, early []byte, key uint64, open func(session.Transport) Session) error {
	c := newConn(g, hello, early, key, open)
	p, err := g.enter(c, l)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	nc, err := c.carryOver(l, p)
	if err != nil {
		g.remove(c)
		return fmt.Errorf("wsconn: %w", err)
	}
	if c.poll == nil {
		c.setSocket(newSocket(nc, g.cfg.StallTimeout))
		go c.run()
		return nil
	}
	c.setSocket(c.poll)
	if err := c.poll.begin(c); err != nil {
		c.poll.free()
		g.remove(c)
		return fmt.Errorf("wsconn: %w", err)
	}
	g.dispatch(c) // opens the session
	return nil
}

// carryOver sets what tells the connection of changes, or returns the one to wait for, where
// there is no poller; and in both cases what is to be told of the end.
func (c *conn) carryOver(l link, p *poller) (nc net.Conn, err error) {
	if b, ok := l.(bare); ok && p != nil {
		var fd int
		fd, c.left = b.take()
		c.poll = p.socket(fd)
		return nil, nil
	} else if ok {
		nc, err = b.ordinary()
	} else {
		nc = l.(net.Conn)
	}
	if w, ok := nc.(counted); ok {
		nc, c.left = w.Handover()
	}
	if p != nil {
		c.poll = p.polled(nc)
	}
	return nc, err
}

// enter counts a connection, and starts the poller with the first that it can serve.
func (g *Group) enter(c *conn, l link) (*poller, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, ErrShutdown
	}
	if !g.begun && !g.cfg.waiting && hasDescriptor(l) {
		g.begun = true
		if p, err := newPoller(g.cfg.StallTimeout, g.cfg.Clock); err == nil { // else each connection waits for itself
			g.poller = p
			g.wg.Go(p.run)
		}
	}
	g.conns[c] = struct{}{}
	g.wg.Add(1)
	return g.poller, nil
}

// Len returns the number of connections.
func (g *Group) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.conns)
}

func (g *Group) remove(c *conn) {
	if c.left != nil {
		c.left()
	}
	defer g.wg.Done()
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, c)
	g.endLocked()
}

// endLocked lets the workers go once the last connection has gone.
func (g *Group) endLocked() {
	if !g.closed || len(g.conns) > 0 {
		return
	}
	select {
	case <-g.done:
	default:
		close(g.done)
		g.workers.close()
		if g.poller != nil {
			g.poller.close()
		}
	}
}

// Shutdown takes no more connections and returns once all have ended; it ends none
// by itself, that is the sessions' business. When ctx ends first it cuts off those
// that are left, waits for them and returns ctx's error.
func (g *Group) Shutdown(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	g.endLocked()
	g.mu.Unlock()
	var err error
	select {
	case <-g.done:
	case <-ctx.Done():
		err = ctx.Err()
		g.mu.Lock()
		for c := range g.conns {
			c.kill()
		}
		g.mu.Unlock()
	}
	g.wg.Wait()
	g.cfg.Lane.Wait()
	return err
}

// work has a worker do the next step of c and waits for it.
func (g *Group) work(c *conn) {
	g.dispatch(c)
	<-c.turn
}

// dispatch has a worker advance c, in its turn if it has to wait for one, and does not
// wait itself. It is called by who reads c.
func (g *Group) dispatch(c *conn) {
	if c.waits() {
		g.cfg.Lane.Go(c.key, c)
		return
	}
	c.place = nil
	g.workers.give(c)
}

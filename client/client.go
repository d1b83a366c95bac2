package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

// Client is one client of a server. Its methods may be called by any number of
// goroutines at once.
type Client struct {
	opts     Options
	endpoint string
	ctx      context.Context // ends when Close is called
	stop     context.CancelFunc
	done     chan struct{} // closed when run has ended
	serial   atomic.Uint64 // of the messages that are no ops

	mu      sync.Mutex
	sock    *socket       // live: signed in and named; nil otherwise
	changed chan struct{} // closed and made anew when sock or err changes
	err     error         // why there is no connection any more, for good
	user    string
	session string
	calls   map[string]*call
	follows map[string]*Dashboard
}

// ErrClosed is what waiting gives after Close.
var ErrClosed = errors.New("client: closed")

// New makes a client that connects in the background.
func New(opts Options) (*Client, error) {
	endpoint, err := opts.endpoint()
	if err != nil {
		return nil, err
	}
	c := &Client{
		opts: opts, endpoint: endpoint, done: make(chan struct{}), changed: make(chan struct{}),
		calls: make(map[string]*call), follows: make(map[string]*Dashboard),
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	go c.run()
	return c, nil
}

// Dial makes a client and waits until it is connected and signed in.
func Dial(ctx context.Context, opts Options) (*Client, error) {
	c, err := New(opts)
	if err != nil {
		return nil, err
	}
	if err := c.Connected(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Connected waits until the client is live. It fails once it cannot be any more.
func (c *Client) Connected(ctx context.Context) error {
	_, err := c.live(ctx)
	return err
}

// live waits for the connection.
func (c *Client) live(ctx context.Context) (*socket, error) {
	for {
		c.mu.Lock()
		sock, err, changed := c.sock, c.err, c.changed
		c.mu.Unlock()
		switch {
		case err != nil:
			return nil, err
		case sock != nil:
			return sock, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("client: waiting for the connection: %w", ctx.Err())
		}
	}
}

// ClientID is the id that the client has over reconnects.
func (c *Client) ClientID() string { return c.opts.ClientID }

// UserID is who is signed in, SessionID names the present connection; both are ""
// before the first.
func (c *Client) UserID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.user
}

// SessionID names the present connection, "" if there is none.
func (c *Client) SessionID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// Close says goodbye, ends the connection and returns when nothing is left of the
// client. Whoever waits gets ErrClosed; an op that waits may have taken effect.
func (c *Client) Close() error {
	c.stop()
	<-c.done
	return nil
}

// goodbye bounds the wait for the server's close.
const goodbye = 2 * time.Second

// held is how long a connection lasts that is none of a server in trouble.
const held = 10 * time.Second

// run connects, serves the connection, and again, until the client is closed or the
// server sends it away for good.
func (c *Client) run() {
	defer close(c.done)
	// Attempts that failed since the last connection, which count on from how many before
	// it did not hold.
	failures, broken := 0, 0
	for {
		c.tell(Event{State: Connecting})
		sock, w, err := c.connect()
		if err == nil {
			since := time.Now()
			err = c.serve(sock, w)
			if time.Since(since) >= held {
				failures, broken = 0, 0
			} else {
				failures, broken = broken, broken+1
			}
		}
		if c.ctx.Err() != nil {
			err = ErrClosed
		}
		if c.final(err) {
			c.finish(err)
			return
		}
		wait := c.backoff(failures)
		var away *sentAway
		if errors.As(err, &away) && away.Reconnect {
			wait = between(away.AfterMin, away.AfterMax)
		}
		failures++
		c.tell(Event{State: Waiting, Err: err})
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-c.ctx.Done():
			timer.Stop()
		}
	}
}

// backoff is a random time up to a bound that doubles with each failure.
func (c *Client) backoff(failures int) time.Duration {
	most := c.opts.ReconnectMin << min(failures, 16)
	if most > c.opts.ReconnectMax || most <= 0 {
		most = c.opts.ReconnectMax
	}
	return between(0, most)
}

func between(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + rand.N(high-low)
}

// sentAway is a server's DISCONNECT, followed by its close.
type sentAway struct {
	wire.Goodbye
	CloseError
}

func (s *sentAway) Unwrap() error { return &s.CloseError }

// final tells whether connecting again is no use.
func (c *Client) final(err error) bool {
	if errors.Is(err, ErrClosed) {
		return true
	}
	var status ws.StatusError
	if errors.As(err, &status) {
		return status == 400 || status == 401 || status == 403 || status == 404 || status == 426
	}
	var closed *CloseError
	if !errors.As(err, &closed) {
		return false
	}
	switch wire.CloseCode(closed.Code) {
	case wire.CloseForbidden, wire.CloseReplaced, wire.CloseBadMessages:
		return true
	case wire.CloseSignIn:
		return c.opts.TokenFunc == nil
	}
	return false
}

// finish tells everybody who waits that there will be no connection any more.
func (c *Client) finish(err error) {
	c.mu.Lock()
	c.err = err
	close(c.changed)
	c.changed = make(chan struct{})
	calls, follows := c.calls, c.follows
	c.calls, c.follows = nil, nil
	c.mu.Unlock()
	for _, call := range calls {
		call.finish(Answer{}, err)
	}
	for _, d := range follows {
		d.end(err)
	}
	c.tell(Event{State: Closed, Err: err})
}

func (c *Client) tell(e Event) {
	if f := c.opts.OnEvent; f != nil {
		f(e)
	}
}

// nextID makes an id for a message that is no op.
func (c *Client) nextID() string { return "m" + strconv.FormatUint(c.serial.Add(1), 10) }

// connect opens a connection up to the server's answer to the client's CONNECT.
func (c *Client) connect() (*socket, *wire.Welcome, error) {
	ctx, cancel := context.WithTimeout(c.ctx, c.opts.HandshakeTimeout)
	defer cancel()
	token, err := c.opts.token(ctx)
	if err != nil {
		return nil, nil, err
	}
	sock, err := dial(ctx, c.endpoint, token, &c.opts)
	if err != nil {
		return nil, nil, err
	}
	stop := whenDone(ctx, sock.hangUp) // ends the reading below
	w, err := c.introduce(sock, token)
	if stop(); err == nil {
		err = ctx.Err()
	}
	if err != nil {
		sock.close()
		if ctx.Err() != nil {
			err = fmt.Errorf("client: the server did not answer in time: %w", err)
		}
		return nil, nil, err
	}
	return sock, w, nil
}

// whenDone calls f once ctx has ended. stop prevents that, or waits for f.
func whenDone(ctx context.Context, f func()) (stop func()) {
	ran := make(chan struct{})
	prevent := context.AfterFunc(ctx, func() {
		defer close(ran)
		f()
	})
	return func() {
		if !prevent() {
			<-ran
		}
	}
}

// introduce names the client to the server (C6). AuthRequired of the result tells
// that the server wants a newer token already.
func (c *Client) introduce(sock *socket, token string) (*wire.Welcome, error) {
	id := c.nextID()
	greeted, renew := false, false
	for {
		m, err := c.receive(sock)
		if err != nil {
			return nil, err
		}
		switch {
		case m.Welcome != nil && m.CorrelationID == id:
			m.Welcome.AuthRequired = m.Welcome.AuthRequired || renew
			return m.Welcome, nil
		case m.Welcome != nil && greeted:
			renew = true // the token that has just signed in ends soon
		case m.Welcome != nil:
			greeted = true
			if !m.Welcome.AuthRequired {
				token = "" // the upgrade has signed in
			}
			if err := c.sendConnect(sock, id, token); err != nil {
				return nil, err
			}
		case m.Nack != nil && m.CorrelationID == id:
			return nil, m.Nack.Err
		}
	}
}

func (c *Client) sendConnect(sock *socket, id, token string) error {
	w := writer{b: []byte{'{'}}
	w.text("clientId", c.opts.ClientID)
	w.text("token", token)
	w.text("heartbeat", "app")
	w.text("entries", "together")
	return sock.send(envelope(wire.TypeConnect, id, append(w.b, '}')))
}

// receive reads and decodes one message; a DISCONNECT is followed to its close.
func (c *Client) receive(sock *socket) (wire.ServerMessage, error) {
	text, err := sock.read()
	if err != nil {
		return wire.ServerMessage{}, err
	}
	m, err := wire.DecodeServer(text)
	if err == nil && m.Goodbye != nil {
		err = c.follow(sock, m.Goodbye)
	}
	return m, err
}

// follow waits for the close that follows a DISCONNECT.
func (c *Client) follow(sock *socket, g *wire.Goodbye) error {
	away := &sentAway{Goodbye: *g, CloseError: CloseError{Code: g.Code, Reason: g.Reason}}
	if err := sock.conn.SetReadDeadline(time.Now().Add(goodbye)); err != nil {
		return away
	}
	for {
		if _, err := sock.read(); err != nil {
			return away
		}
	}
}

// serve works on a live connection until it ends.
func (c *Client) serve(sock *socket, w *wire.Welcome) error {
	defer sock.close()
	defer whenDone(c.ctx, func() { c.leave(sock) })()
	c.goLive(sock, w)
	defer c.goDown()
	if w.AuthRequired {
		c.renew(sock)
	}

	patience := w.HeartbeatEvery + w.HeartbeatTimeout + 5*time.Second
	var fresh time.Time
	for {
		// The deadline is moved now and then, not for every message.
		if now := time.Now(); now.Sub(fresh) > patience/8 {
			fresh = now
			if err := sock.conn.SetReadDeadline(now.Add(patience)); err != nil {
				return err
			}
			if c.ctx.Err() != nil { // leave may have set its own just before
				if err := sock.conn.SetReadDeadline(now.Add(goodbye)); err != nil {
					return err
				}
			}
		}
		text, err := sock.read()
		if err != nil {
			return err
		}
		if f := c.opts.OnMessage; f != nil && f(text) {
			continue
		}
		m, err := wire.DecodeServer(text)
		if err != nil {
			return err
		}
		if m.Goodbye != nil {
			return c.follow(sock, m.Goodbye)
		}
		c.handle(sock, &m)
	}
}

// leave says goodbye; the server's close ends the reading, or the deadline does.
func (c *Client) leave(sock *socket) {
	err := sock.send(envelope(wire.TypeDisconnect, c.nextID(), []byte("{}")))
	if err != nil || sock.conn.SetReadDeadline(time.Now().Add(goodbye)) != nil {
		sock.hangUp()
	}
}

// goLive makes a connection the present one: dashboards go on where they are, then
// the ops that have no answer are sent again, oldest first.
func (c *Client) goLive(sock *socket, w *wire.Welcome) {
	c.mu.Lock()
	c.sock, c.user, c.session = sock, w.UserID, w.SessionID
	close(c.changed)
	c.changed = make(chan struct{})
	for _, d := range c.follows {
		d.request(sock)
	}
	for _, call := range c.orderedLocked() {
		call.send(sock)
	}
	c.mu.Unlock()
	c.tell(Event{State: Live})
}

func (c *Client) goDown() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sock, c.session = nil, ""
	close(c.changed)
	c.changed = make(chan struct{})
}

// handle works on one message of the server.
func (c *Client) handle(sock *socket, m *wire.ServerMessage) {
	switch {
	case m.Ack != nil:
		c.acked(sock, m)
	case m.Conflict != nil:
		c.answered(m.CorrelationID, Answer{Conflict: m.Conflict, DashboardID: m.Conflict.DashboardID}, nil)
	case m.Nack != nil:
		c.nacked(m)
	case m.Entry != nil:
		c.each(m.Entry.DashboardID, func(d *Dashboard) { d.entry(sock, m.Entry) })
	case len(m.Entries) > 0:
		c.each(m.Entries[0].DashboardID, func(d *Dashboard) {
			for _, e := range m.Entries {
				d.entry(sock, e)
			}
		})
	case m.Sync != nil:
		c.each(m.Sync.DashboardID, func(d *Dashboard) { d.sync(m.CorrelationID, m.Sync) })
	case m.Update != nil:
		c.updated(sock, m.Update)
	case m.Presence != nil:
		c.each(m.Presence.DashboardID, func(d *Dashboard) { d.presence(m.Presence) })
	case m.Data != nil:
		c.each(m.Data.DashboardID, func(d *Dashboard) { d.data(m.Data.Values) })
	case m.App != nil:
		c.tell(Event{App: &AppMessage{Name: m.App.Name, Data: m.App.Data}})
	case m.Type == wire.TypePing:
		// A connection that cannot be written to ends by itself.
		_ = sock.send(envelope(wire.TypePong, c.nextID(), []byte("{}")))
	case m.Welcome != nil && m.Welcome.AuthRequired:
		c.renew(sock)
	}
}

// renew signs in again with a fresh token (C3). The reading waits for the token: the
// server asks a minute before it counts.
func (c *Client) renew(sock *socket) {
	ctx, cancel := context.WithTimeout(c.ctx, c.opts.HandshakeTimeout)
	defer cancel()
	token, err := c.opts.token(ctx)
	if err != nil {
		c.tell(Event{Err: err})
		return
	}
	if token != "" {
		_ = c.sendConnect(sock, c.nextID(), token)
	}
}

// each calls f with the dashboard of that id, if it is followed.
func (c *Client) each(dashboardID string, f func(*Dashboard)) {
	c.mu.Lock()
	d := c.follows[dashboardID]
	c.mu.Unlock()
	if d != nil {
		f(d)
	}
}

func (c *Client) updated(sock *socket, u *wire.SyncUpdate) {
	c.each(u.DashboardID, func(d *Dashboard) {
		switch {
		case u.Closed == wire.ClosedDeleted:
			c.forget(d, deleted(u.DashboardID))
		case u.Closed != "":
			c.forget(d, board.Errorf(board.CodeForbidden, "the dashboard %q may not be seen any more", u.DashboardID))
		case u.Role != "":
			d.role(u.Role)
		default:
			d.rangeOf(sock, u)
		}
	})
}

func deleted(dashboardID string) error {
	return board.Errorf(board.CodeNotFound, "the dashboard %q was deleted", dashboardID)
}

// forget ends a subscription.
func (c *Client) forget(d *Dashboard, err error) {
	c.mu.Lock()
	if c.follows[d.id] == d {
		delete(c.follows, d.id)
	}
	c.mu.Unlock()
	d.end(err)
}

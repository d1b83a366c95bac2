package wsconn

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/lane"
	"github.com/dashwire/dashwire/internal/session"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// conn is one WebSocket: a session.Transport. There are very many on which nothing
// happens: what they have no use for is nil.
type conn struct {
	group *Group
	left  func() // is told of the end; nil = nobody is
	sock  socket
	// poll is sock if nobody waits for it; nil = the connection has a goroutine that does.
	poll polled
	key  uint64 // with which it waits in the lane

	// Passed between the reading goroutine and a worker, never used by both at once.
	session  Session
	frames   *frames       // nil while nothing is unfinished
	turn     chan struct{} // a worker gives the turn back, where a goroutine waits for it
	end      *ending       // why the reading stops, once it does
	place    *lane.Turn    // of the work under way; nil = it went past the lane
	controls time.Duration // the bucket of control frames: a theoretical arrival time by Group.elapsed
	spent    time.Duration // what the connection has had: the same
	reckoned time.Duration // when that was added up
	cost     time.Duration // of what is being taken
	signedIn bool
	timed    bool // a read deadline is set for the message under way
	pinged   bool // a pong is due once the bytes that came are taken
	heard    bool // these have ended a message

	// held are the bytes of messages not taken in yet, as the session was told; set by
	// whoever reads.
	held atomic.Int64

	waiters sync.WaitGroup // the waiter, if there is one

	// mu is taken under the session's lock, and is never held while the session or
	// a blocking socket is called.
	mu      sync.Mutex
	opening *opening  // nil once the session is open; the waiter starts only then
	closing *farewell // nil = messages are handled
	pending []byte    // taken and not written yet
	pong    []byte    // payload of the pong that is due; nil = none
	waiting bool      // a waiter owns the writing
	wanted  bool      // the session waits for Writable
	mid     bool      // the session's last write was taken in part
	sent    bool      // the close frame was written, or queued
	dead    bool      // the socket is closed
	stalled bool      // a write has waited for too long
}

// opening is what a connection holds until its session is open.
type opening struct {
	// Used by who opens the session.
	open  func(session.Transport) Session
	early []byte // read before the connection was taken over

	hello []byte // is written before all else; under the connection's mu
}

// farewell is how a connection ends.
type farewell struct {
	code   wire.CloseCode
	reason string
	timer  clock.Timer // kills what does not end after a close
}

func newConn(g *Group, hello, early []byte, key uint64, open func(session.Transport) Session) *conn {
	return &conn{group: g, key: key, opening: &opening{open: open, early: early, hello: hello}}
}

// setSocket is called once, before anything is done with the connection but kill.
func (c *conn) setSocket(s socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sock = s
	if c.dead {
		s.close()
	}
}

// run is the connection's goroutine, if it has one, from its beginning to its end.
func (c *conn) run() {
	c.turn = make(chan struct{}, 1)
	c.group.work(c) // opens the session
	c.opened()
	c.watch()
	var err error
	for c.end == nil {
		c.letGo()
		if err = c.sock.wait(); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) && c.held.Load() > 0 && c.isClosing() {
				c.sock.readBy(time.Time{}) // it was interrupted; the timer of the close ends it
				continue
			}
			break
		}
		c.group.work(c)
		if c.end == nil {
			c.watch()
		}
	}
	c.finish(err)
}

// work is a worker's part.
func (c *conn) work() {
	if c.poll != nil {
		c.advance()
		return
	}
	c.step()
	c.turn <- struct{}{}
}

// readable implements pollable.
func (c *conn) readable() { c.group.dispatch(c) }

// advance is what a worker does for a connection that has no goroutine: it takes what
// has come, and leaves the connection to the poller again or to its end.
func (c *conn) advance() {
	if c.session == nil {
		c.step()
		c.opened()
		// The client waits for the answer to its request. What it has sent all the same is
		// told, since the socket was told of before.
		if c.end == nil && c.frames == nil && c.poll.rest() {
			return
		}
	}
	for {
		more, err := c.drain()
		c.letGo()
		if err == nil && c.end == nil {
			c.watch() // before lateness is looked at: it may have been another message's
			if c.poll.late() {
				err = os.ErrDeadlineExceeded
			}
		}
		switch {
		case err != nil && c.end == nil && !errors.Is(err, os.ErrDeadlineExceeded):
			c.finish(err) // the client is gone: there is nobody to wait for
			return
		case err != nil || c.end != nil:
			go c.finish(err)
			return
		case more:
			c.group.dispatch(c)
			return
		case c.poll.rest():
			return
		}
	}
}

// drain takes what has come, a few buffers at most, so that others get their turn.
func (c *conn) drain() (more bool, err error) {
	defer c.sock.release()
	for range maxReads {
		if c.end != nil {
			return false, nil
		}
		switch err := c.sock.again(); {
		case err == errNothing:
			return false, nil
		case err != nil:
			return false, err
		}
		c.take(c.sock.bytes())
		if !c.poll.more() {
			return false, nil
		}
		if c.place == nil && c.waits() {
			return true, nil // the rest in its turn
		}
	}
	return true, nil
}

// finish ends the connection after its last bytes were read: err is why there are no
// more, c.end why no more are wanted.
func (c *conn) finish(err error) {
	defer c.group.remove(c)
	c.frames = nil
	code, reason, linger := c.why(err)
	if l := c.over(code); l != "" {
		c.session.Limited(l)
	}
	c.session.Closed(code, reason)
	c.alone()
	switch {
	case linger:
		// The client may still be sending: closing at once would reset the connection
		// and could lose the close frame. The timer ends this.
		c.sock.discard()
	case c.end != nil:
		c.waiters.Wait() // the close frame is on its way; the timer ends this too
	}
	c.kill()
	c.waiters.Wait()
	if c.poll != nil {
		c.poll.free()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing != nil && c.closing.timer != nil {
		c.closing.timer.Stop()
	}
}

// maxReads is how many buffers are read from a connection before others get their turn.
const maxReads = 9

// step is the part of run that a worker does: it opens the session, or takes the
// bytes that have come.
func (c *conn) step() {
	if c.session == nil {
		c.session = c.opening.open(c)
		if early := c.opening.early; len(early) > 0 {
			c.take(early)
		}
		return
	}
	// One more read where the last has filled the buffer saves a turn; a few at most,
	// so that others get theirs.
	full := c.take(c.sock.bytes())
	for i := 1; i < maxReads && full && c.end == nil && c.sock.again() == nil; i++ {
		full = c.take(c.sock.bytes())
	}
	c.sock.release()
}

// take hands bytes to the frame reader and reports whether there may be more.
func (c *conn) take(b []byte) (full bool) {
	full = len(b) == readSize
	if c.frames == nil {
		c.frames = unfinished.Get().(*frames)
	}
	c.frames.limit = c.limit()
	c.heard = false
	c.end = c.frames.feed(b, c)
	c.count()
	c.letGo()
	c.cost += time.Duration(len(b))*perByte + time.Duration(c.frames.continued)*perContinuation
	c.frames.continued = 0
	if !c.heard && len(b) < pieceBytes && !c.frames.idle() {
		c.cost += perPiece
	}
	if c.frames.idle() && c.end == nil {
		*c.frames = frames{}
		unfinished.Put(c.frames)
		c.frames = nil
	}
	c.reckon()
	// One pong is enough for all the pings that came together (RFC 6455 section 5.5.3).
	if c.pinged {
		c.pinged = false
		c.writeControl()
	}
	return full
}

// unfinished are readers of frames for connections on which something is under way.
var unfinished = sync.Pool{New: func() any { return new(frames) }}

// count tells the session what is held of messages that are not taken in yet.
func (c *conn) count() {
	if n := c.frames.held(); int64(n) != c.held.Load() {
		c.held.Store(int64(n))
		c.session.Incoming(n)
	}
}

// letGo forgets what has come of a message that nobody takes any more.
func (c *conn) letGo() {
	if c.held.Load() > 0 && c.isClosing() {
		c.frames.drop()
		c.count()
	}
}

// limit is the longest message that the session takes at the moment.
func (c *conn) limit() int {
	if !c.signedIn {
		if _, c.signedIn = c.session.Principal(); !c.signedIn {
			return c.group.cfg.UnsignedBytes
		}
	}
	return c.group.cfg.MessageBytes
}

// watch sets the deadline of the message under way, or lifts it.
func (c *conn) watch() {
	var deadline time.Time
	switch {
	case c.frames == nil && c.timed:
		c.timed = false
	case c.frames != nil && (c.frames.begun || !c.timed):
		c.timed = true
		deadline = c.group.cfg.Clock.Now().Add(c.group.cfg.MessageTimeout)
		c.frames.begun = false
	default:
		return
	}
	c.sock.readBy(deadline)
}

// onMessage implements handler.
func (c *conn) onMessage(text []byte) *ending {
	c.message()
	if !c.isClosing() {
		c.session.Handle(text)
		c.frames.limit = c.limit()
	}
	return nil
}

func (c *conn) onOversized(prefix []byte, size int) {
	c.message()
	if !c.isClosing() {
		c.session.Oversized(wire.PeekID(prefix), size)
	}
}

func (c *conn) onPing(payload []byte) *ending {
	if end := c.control(); end != nil {
		return end
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pong == nil {
		c.pong = make([]byte, 0, len(payload))
	}
	c.pong = append(c.pong[:0], payload...) // a newer ping replaces an older one
	c.pinged = true
	return nil
}

func (c *conn) onPong() *ending { return c.control() }

// The bucket of control frames: ten a second, and a burst after a pause.
const (
	controlEvery = 100 * time.Millisecond
	controlBurst = 6 * time.Second
)

// control counts a control frame.
func (c *conn) control() *ending {
	c.cost += perControl
	now := c.group.elapsed()
	c.controls = max(c.controls, now) + controlEvery
	if c.controls-now > controlBurst {
		return over(observe.LimitControlFrames, wire.ClosePolicy, "too many control frames")
	}
	return nil
}

func (c *conn) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing != nil
}

// over is the limit that the connection ends for, "" if there is none. The session
// tells of its own by itself.
func (c *conn) over(code wire.CloseCode) observe.Limit {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.stalled:
		return observe.LimitStalled
	case c.end != nil && c.end.code == code:
		return c.end.limit
	}
	return ""
}

// why tells how the connection ended, has the close frame sent where that is still
// possible, and says whether the client should be given time to read it.
func (c *conn) why(err error) (code wire.CloseCode, reason string, linger bool) {
	c.mu.Lock()
	closing, dead := c.closing != nil, c.dead
	if closing {
		code, reason = c.closing.code, c.closing.reason
	}
	c.mu.Unlock()
	switch {
	case closing && c.end != nil && c.end.peer, closing && err != nil:
		return code, reason, false // the client has answered, or it is gone
	case closing:
		return code, reason, true
	case dead:
		return wire.CloseAbnormal, "the connection was cut off", false
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.end = over(observe.LimitMessageTime, wire.ClosePolicy, "a message took too long")
	case err != nil:
		return wire.CloseAbnormal, "the connection broke", false
	}
	c.Close(c.end.code, c.end.reason)
	return c.end.code, c.end.reason, !c.end.peer
}

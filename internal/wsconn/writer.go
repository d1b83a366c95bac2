package wsconn

import (
	"errors"
	"os"

	"github.com/dashwire/dashwire/internal/wire"
)

// Write implements session.Transport.
func (c *conn) Write(b []byte) (n int, ready bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.dead || c.sent:
		return len(b), false // nobody reads it any more, and Closed is on its way
	case c.waiting:
		c.wanted = true
		return 0, false
	case c.opening != nil && c.opening.hello != nil:
		// One write with the answer to the handshake. What does not fit is the waiter's.
		c.controlLocked(b)
		c.wanted = c.waiting
		return len(b), !c.waiting && !c.dead
	}
	n, err := c.sock.write(b)
	c.mid = n < len(b)
	switch {
	case err != nil:
		c.failLocked(err)
		return len(b), false
	case c.mid:
		c.waitLocked(nil)
	case c.sock.blocking():
		c.waitLocked(b)
	default:
		if c.pong != nil && c.closing == nil {
			c.writeControlLocked() // it has waited for the end of a frame
		}
		return n, true
	}
	c.wanted = true
	return n, false
}

// Ping implements session.Transport.
func (c *conn) Ping() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dead && !c.sent && !c.waiting && !c.mid {
		c.controlLocked(appendControl(nil, opPing, nil))
	}
}

// Close implements session.Transport.
func (c *conn) Close(code wire.CloseCode, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing == nil {
		c.closing = &farewell{code: code, reason: reason}
		if !c.dead {
			c.closing.timer = c.group.cfg.Clock.AfterFunc(c.group.cfg.CloseTimeout, c.kill)
			if c.held.Load() > 0 {
				c.sock.interrupt() // so that it is let go of
			}
		}
	}
	c.writeControlLocked()
}

// alone is called once the session has heard of its end: it writes nothing more and does
// not say Close again, so that the close frame need not wait for it.
func (c *conn) alone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted = false
	c.writeControlLocked() // unless the waiter does, behind what is going out
}

// writeControl writes the control frames that are due.
func (c *conn) writeControl() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeControlLocked()
}

// writeControlLocked writes the control frames that are due, if the stream is
// between two frames of the session.
func (c *conn) writeControlLocked() {
	if c.dead || c.sent || c.waiting || c.mid {
		return
	}
	if b := c.takeControlLocked(); len(b) > 0 {
		c.controlLocked(b)
	}
}

// takeControlLocked encodes what is due: a pong, a close frame last of all.
func (c *conn) takeControlLocked() (b []byte) {
	if c.pong != nil && !c.sent {
		b = appendControl(b, opPong, c.pong)
		c.pong = nil
	}
	if c.closing != nil && !c.sent {
		b = appendClose(b, c.closing.code, c.closing.reason)
		c.sent = true
	}
	return b
}

// controlLocked writes control frames or has the waiter write them.
func (c *conn) controlLocked(b []byte) {
	if o := c.opening; o != nil && o.hello != nil {
		b = append(o.hello, b...)
		o.hello = nil
	}
	if c.sock.blocking() {
		c.waitLocked(b)
		return
	}
	n, err := c.sock.write(b)
	switch {
	case err != nil:
		c.failLocked(err)
	case n < len(b):
		c.waitLocked(b[n:])
	}
}

// waitLocked starts the waiter, which first writes a copy of b.
func (c *conn) waitLocked(b []byte) {
	c.pending = append(c.pending, b...)
	c.waiting = true
	if c.opening == nil {
		c.waiters.Go(c.wait)
	}
}

// opened lets the waiter start that the opening of the session has asked for.
func (c *conn) opened() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opening.hello != nil && !c.dead {
		c.controlLocked(nil) // the session had nothing to say yet
	}
	c.opening = nil
	if c.waiting {
		c.waiters.Go(c.wait)
	}
}

// wait is the waiter: it waits until the socket takes bytes again, writes what the
// connection itself has to say, and tells the session.
func (c *conn) wait() {
	err := c.sock.ready()
	for err == nil {
		b, wanted := c.next()
		if b == nil {
			if wanted {
				c.session.Writable()
			}
			return
		}
		err = c.sock.writeAll(b)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failLocked(err)
}

// next returns what the waiter has to write. If that is nothing, writing is the
// session's again, which is told so if it waits.
func (c *conn) next() (b []byte, wanted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, c.pending = c.pending, nil
	if len(b) > 0 {
		return b, false
	}
	// A session that is about to close may still have frames that come before the
	// close frame: it says Close again once they are out, or hears of its end.
	if !c.mid && (c.closing == nil || !c.wanted) {
		if b = c.takeControlLocked(); len(b) > 0 {
			return b, false
		}
	}
	wanted = c.wanted
	c.wanted, c.waiting = false, false
	return nil, wanted
}

// failLocked ends the connection after a write has failed.
func (c *conn) failLocked(err error) {
	if c.closing == nil {
		c.closing = &farewell{code: wire.CloseAbnormal, reason: "the connection broke"}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.stalled = true
			c.closing = &farewell{code: wire.CloseStalled, reason: "the connection takes no bytes"}
		}
	}
	c.killLocked()
	if c.opening == nil {
		c.waiters.Go(c.session.Broken) // it may be its lock under which this is
	}
}

// kill closes the socket, which ends the reading and the waiter. It does not block.
func (c *conn) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killLocked()
}

func (c *conn) killLocked() {
	if !c.dead {
		c.dead = true
		if c.sock != nil {
			c.sock.close()
		}
	}
}

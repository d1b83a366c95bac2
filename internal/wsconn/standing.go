package wsconn

import (
	"time"

	"github.com/dashwire/dashwire/internal/lane"
)

// What a connection may ask for and be worked on at once, past the lane: all of it counts
// as time, as a theoretical arrival time, and who is not more than allowance ahead of the
// clock is in good standing. Beyond it nothing is refused: the connection waits in line
// with others of its kind. An editor or a feeder of values does not get near.
const (
	allowance = 2 * time.Second
	// most bounds how long it takes to be in good standing again.
	most = 5 * time.Second

	perMessage      = time.Second / 200
	perByte         = time.Second / (512 << 10)
	perContinuation = 50 * time.Millisecond
	perControl      = 500 * time.Millisecond
	// perRefusal is of a message that was refused: the next one waits.
	perRefusal = 3 * time.Second
	// perPiece is of a read that brought few bytes and ended no message.
	perPiece   = 50 * time.Millisecond
	pieceBytes = 512
	// longBytes of a message that is not whole yet have the rest of it wait.
	longBytes = 16 << 10
)

// reckon adds what has just been asked for to what the connection has had, and notes the sign of life.
func (c *conn) reckon() {
	now := c.group.cfg.Clock.Now()
	c.session.Alive(now)
	c.reckoned = now.Sub(c.group.began)
	c.spent = min(max(c.spent, c.reckoned)+c.cost, c.reckoned+most)
	c.cost = 0
}

// message counts one that has come whole.
func (c *conn) message() {
	c.heard = true
	c.cost += perMessage
}

// waits reports whether the connection is worked on in its turn: while nobody has signed
// in, while a long message comes, and while it asks for much.
func (c *conn) waits() bool {
	if !c.signedIn || c.held.Load() > longBytes {
		return true
	}
	return c.spent-c.reckoned > allowance && c.spent-c.group.elapsed() > allowance // the clock is asked where it matters
}

// Run is a turn in the lane.
func (c *conn) Run(t *lane.Turn) {
	c.place = t
	c.work()
}

// Refused implements session.Host.
func (c *conn) Refused() { c.cost += perRefusal }

// Pausing implements session.Host.
func (c *conn) Pausing() { c.place.Leave() }

// Resuming implements session.Host.
func (c *conn) Resuming() { c.place.Return() }

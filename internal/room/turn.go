package room

import (
	"time"

	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/relay"
)

// Nodes that write one dashboard race for its next position (A3), and the one that is nearest to
// the journal would win nearly always. So a node that has lost twice tells the others for how
// long its oldest op has waited; whoever hears it and has none that has waited longer lets
// it go first: it appends nothing until another node's append has come, or a while has passed.
// What comes meanwhile goes into its next append together.

const (
	// turnAtMost is how long a node is let go first: several times what an append takes.
	turnAtMost = 100 * time.Millisecond
	// tellWaiting is how often a node says at most that it waits.
	tellWaiting = 10 * time.Millisecond
)

// turn is a room's part in that.
type turn struct {
	told  time.Time     // that ops wait here, last
	until time.Time     // nothing is appended before; zero = nobody is let go first
	moved chan struct{} // closed when another node's append has come; nil = nobody waits for it
}

// waitedLocked is for how long the oldest op in line has lost races.
func (r *Room) waitedLocked(now time.Time) (d time.Duration) {
	for _, line := range [...][]*item{r.inflight, r.queue, r.undecided} {
		for _, it := range line {
			if !it.raced.IsZero() && !it.answered {
				d = max(d, now.Sub(it.raced))
			}
		}
	}
	return d
}

// tellWaitingLocked tells the other nodes that ops wait here.
func (r *Room) tellWaitingLocked(now time.Time) {
	if r.hub.nodes.relay == nil || now.Sub(r.turn.told) < tellWaiting {
		return
	}
	r.turn.told = now
	waits := &wire.NodeWaits{DashboardID: r.id, Millis: int(min(r.waitedLocked(now), time.Minute).Milliseconds())}
	r.hub.tell(relay.Topic{Kind: topicRooms}, &wire.NodeMessage{Waits: waits})
}

// heardWaiting lets another node go first whose ops have waited for so long.
func (r *Room) heardWaiting(waited time.Duration) {
	now := r.hub.cfg.Clock.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waitedLocked(now) <= waited {
		r.turn.until = now.Add(turnAtMost)
	}
}

// afterOthersLocked waits while another node is let go first, with the lock released.
func (r *Room) afterOthersLocked() {
	left := r.turn.until.Sub(r.hub.cfg.Clock.Now())
	if r.turn.until.IsZero() || left <= 0 || r.isBehindLocked() {
		r.turn.until = time.Time{}
		return
	}
	moved := make(chan struct{})
	r.turn.moved = moved
	r.mu.Unlock()
	enough := make(chan struct{})
	timer := r.hub.cfg.Clock.AfterFunc(left, func() { close(enough) })
	select {
	case <-moved:
	case <-enough:
	case <-r.hub.ctx.Done():
	}
	timer.Stop()
	r.mu.Lock()
	r.turn.moved, r.turn.until = nil, time.Time{}
}

// othersMovedLocked ends the waiting if the log has gone on without this node.
func (r *Room) othersMovedLocked() {
	if r.turn.moved != nil && r.isBehindLocked() {
		close(r.turn.moved)
		r.turn.moved = nil
	}
}

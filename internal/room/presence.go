package room

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/wire"
)

const (
	// presenceEvery is the least time between two presence diffs (W3).
	presenceEvery = 100 * time.Millisecond
	// presenceGrace is how long somebody whose connection broke stays present (W3).
	presenceGrace = 5 * time.Second
	// presenceList is how many are listed; beyond it only a count goes out (W3).
	presenceList = 200
	// presenceLeft is how many departures are remembered for cursors.
	presenceLeft = 1024
)

// presence is who is on a dashboard. Changes get numbers, published together every
// presenceEvery; a session keeps the number it has sent. While there are too many to
// list, only their coming and going has numbers.
type presence struct {
	room *Room

	mu      sync.Mutex
	present map[string]*present
	going   int         // how many of them wait for their return
	left    []departure // oldest first
	// forgotten is the newest number of a departure that is no longer in left.
	forgotten uint64
	last      uint64
	// published is how far sessions go. It is set under mu, and looked at without.
	published atomic.Uint64
	// listed is the number from which on there is a list again: cursors before it
	// may have heard counts only.
	listed  uint64
	timer   clock.Timer
	armed   bool
	stopped bool
	// publishedAt is when changes were published last.
	publishedAt time.Time
	far         far
	frame       []byte // of the changes (frameFrom, frameTo]
	frameFrom   uint64
	frameTo     uint64
}

type present struct {
	wire.PresenceState
	joined, changed uint64
	node            string // whose session it is; "" = of this node
	// going fires if the session does not come back in time.
	going clock.Timer
}

type departure struct {
	sessionID string
	number    uint64
	own       bool // of this node
}

func newPresence(r *Room) *presence {
	return &presence{room: r, present: make(map[string]*present)}
}

// Present sets the state of a session on this dashboard. An older session of the
// same client that is waiting for its return leaves now.
func (s *Subscription) Present(state wire.PresenceState) {
	p := s.room.presence
	p.mu.Lock()
	defer p.mu.Unlock()
	who := p.present[state.SessionID]
	if who != nil {
		p.stayLocked(who)
		who.PresenceState = state
		if len(p.present) <= presenceList {
			p.last++
			who.changed = p.last
			p.far.changed = true
			p.armLocked()
		}
		return
	}
	p.returnedLocked(state.UserID, state.ClientID)
	p.last++
	p.far.changed = true
	p.present[state.SessionID] = &present{PresenceState: state, joined: p.last}
	p.armLocked()
}

// returnedLocked lets the sessions leave now that wait for the return of a client, which
// has come.
func (p *presence) returnedLocked(userID, clientID string) {
	if p.going == 0 {
		return
	}
	for id, other := range p.present {
		if other.going != nil && other.ClientID == clientID && other.UserID == userID {
			p.removeLocked(id)
		}
	}
}

// Absent takes a session off this dashboard: at once if it left on purpose, else
// after presenceGrace.
func (s *Subscription) Absent(sessionID string, onPurpose bool) {
	p := s.room.presence
	p.mu.Lock()
	defer p.mu.Unlock()
	who := p.present[sessionID]
	switch {
	case who == nil || who.node != "":
	case onPurpose || p.stopped || p.elsewhereLocked(who):
		p.removeLocked(sessionID)
		p.armLocked()
	case who.going == nil:
		p.going++
		who.going = p.room.hub.cfg.Clock.AfterFunc(presenceGrace, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.present[sessionID] == who && who.going != nil {
				p.removeLocked(sessionID)
				p.armLocked()
			}
		})
	}
}

// stayLocked ends the wait for somebody's return.
func (p *presence) stayLocked(who *present) {
	if who.going != nil {
		who.going.Stop()
		who.going = nil
		p.going--
	}
}

func (p *presence) removeLocked(sessionID string) {
	who := p.present[sessionID]
	p.stayLocked(who)
	delete(p.present, sessionID)
	p.last++
	p.left = append(p.left, departure{sessionID, p.last, who.node == ""})
	if who.node == "" {
		p.far.changed = true
	} else {
		p.far.present--
		if n := p.far.nodes[who.node]; n != nil {
			n.present--
		}
	}
	if len(p.left) > presenceLeft {
		p.forgotten = p.left[0].number
		p.left = slices.Delete(p.left, 0, 1)
	}
	if len(p.present) == presenceList {
		p.listed = p.last
		p.far.all = true // of what has changed meanwhile only how many was told
	}
}

// armLocked has the changes published, presenceEvery after the last time at the
// earliest.
func (p *presence) armLocked() {
	if p.armed || p.stopped {
		return
	}
	p.armInLocked(presenceEvery)
}

func (p *presence) armInLocked(d time.Duration) {
	p.armed = true
	if p.timer == nil {
		p.timer = p.room.hub.cfg.Clock.AfterFunc(d, p.publish)
		return
	}
	p.timer.Reset(d)
}

func (p *presence) publish() {
	p.mu.Lock()
	now := p.room.hub.cfg.Clock.Now()
	p.armed = false
	p.published.Store(p.last)
	p.publishedAt = now
	stopped := p.stopped
	if !stopped {
		p.tellLocked()
	}
	p.mu.Unlock()
	if !stopped {
		p.room.hub.sweeps.dirty(p.room, now)
	}
}

// clear forgets everybody: the dashboard is gone, and so is everyone's subscription.
func (p *presence) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, who := range p.present {
		p.stayLocked(who)
	}
	clear(p.present)
	// Other nodes hear of the end of the dashboard themselves, as this one did.
	clear(p.far.nodes)
	p.far.present, p.far.changed, p.far.all = 0, false, false
	p.left = nil
	p.last++
	p.forgotten, p.far.told = p.last, p.last
	p.published.Store(p.last)
}

// stop ends all timers.
func (p *presence) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped {
		p.farewellLocked()
	}
	p.stopped = true
	if p.timer != nil {
		p.timer.Stop()
	}
	for _, who := range p.present {
		p.stayLocked(who)
	}
}

// lingering reports whether somebody of this node is listed as present.
func (p *presence) lingering() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.present) > p.far.present
}

// all returns everybody, or only how many they are if that is too many, and the
// number of the newest change in it.
func (p *presence) all() (list []wire.PresenceState, count int, number uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.present) > presenceList {
		return nil, len(p.present), p.last
	}
	list = make([]wire.PresenceState, 0, len(p.present))
	for _, who := range p.present {
		list = append(list, who.PresenceState)
	}
	sortPresence(list)
	return list, 0, p.last
}

func sortPresence(list []wire.PresenceState) {
	slices.SortFunc(list, func(a, b wire.PresenceState) int { return strings.Compare(a.SessionID, b.SessionID) })
}

// knows reports whether what changed after a number is still known.
func (p *presence) knows(number uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return number >= p.published.Load() || p.forgotten <= number
}

// since returns one frame with what changed after a number, see
// Subscription.NextPresence.
func (p *presence) since(number uint64) (frame []byte, next uint64, ok bool) {
	if number >= p.published.Load() {
		return nil, number, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	published := p.published.Load()
	if p.forgotten > number {
		return nil, number, false
	}
	if p.frame != nil && p.frameFrom == number && p.frameTo == published {
		return p.frame, p.frameTo, true
	}
	u := wire.PresenceUpdate{DashboardID: p.room.id, Count: len(p.present)}
	if u.Count <= presenceList {
		p.changesLocked(&u, number)
	}
	p.frame = wire.AppendFrame(nil, wire.AppendPresence(nil, u, p.room.hub.cfg.Clock.Now()))
	p.frameFrom, p.frameTo = number, published
	return p.frame, p.frameTo, true
}

// changesLocked lists what changed after a number. Whoever may have heard counts only
// is told everybody anew, and everybody who is known to have left.
func (p *presence) changesLocked(u *wire.PresenceUpdate, number uint64) {
	anew := number < p.listed
	for _, who := range p.present {
		switch {
		case who.joined > number || anew:
			u.Joined = append(u.Joined, who.PresenceState)
		case who.changed > number:
			u.Changed = append(u.Changed, who.PresenceState)
		}
	}
	for _, d := range p.left {
		if p.present[d.sessionID] == nil && (d.number > number || anew) {
			u.Left = append(u.Left, d.sessionID)
		}
	}
	sortPresence(u.Joined)
	sortPresence(u.Changed)
}

// CheckPresence refuses a presence state that is too large (W3).
func CheckPresence(state board.Value) *board.Error {
	const limit = wire.MaxStateBytes
	if len(state) > limit {
		return board.Errorf(board.CodeTooLarge, "a presence state has at most %d bytes; this one has %d", limit, len(state)).At("state").Over(board.LimitStateBytes)
	}
	return nil
}

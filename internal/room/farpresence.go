package room

import (
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/relay"
)

const (
	// beatTurns is every how many seconds a node with somebody present on a dashboard says so.
	beatTurns = 5
	// farSilent is after how long without it a node's sessions have left (W3).
	farSilent = 15 * time.Second
	// farNodes and farSessions bound what other nodes can have a dashboard remember.
	farNodes    = 256
	farSessions = 50_000
)

// far is who is present on a dashboard by other nodes, and what those were told of this
// one's. Each node tells of its own sessions alone, numbers what it tells, and is believed
// about them; who finds a number missing asks for all. Guarded by presence.mu.
type far struct {
	nodes map[string]*farNode
	// present counts the sessions of other nodes.
	present int

	// changed: something of this node's has changed that was not told; all: everybody is
	// to be told anew. told is the presence number up to which it was, and number that of
	// the last message about it.
	changed, all bool
	told         uint64
	number       uint64
}

// farNode is what one other node has told.
type farNode struct {
	heard   time.Time
	number  uint64
	present int
	asked   bool // it was asked for all, and has not answered
	// fresh are the sessions of an answer of which more is to come; nil = there is none.
	fresh map[string]struct{}
}

// tellLocked tells the other nodes what has changed among the sessions of this one.
func (p *presence) tellLocked() {
	f := &p.far
	if p.room.hub.nodes.relay == nil || !f.changed && !f.all {
		return
	}
	if f.all || p.forgotten > f.told {
		f.number++
		p.tellAllLocked(p.room.board())
		return
	}
	var in []wire.NodeState
	var out []string
	for _, who := range p.present {
		if who.node == "" && max(who.joined, who.changed) > f.told {
			in = append(in, p.stateLocked(who))
		}
	}
	for _, d := range p.left {
		if d.number > f.told && d.own && p.present[d.sessionID] == nil {
			out = append(out, d.sessionID)
		}
	}
	f.changed, f.told = false, p.last
	for first := true; first || len(in) > 0; first = false {
		m := wire.NodePresence{DashboardID: p.room.id, In: cut(&in)}
		if first {
			m.Out = out
		}
		if len(m.In)+len(m.Out) == 0 {
			return // who came has left again
		}
		f.number++
		m.Number = f.number
		p.room.hub.tell(p.room.board(), &wire.NodeMessage{Presence: &m})
	}
}

// tellAll tells everybody of this node.
func (p *presence) tellAll(to relay.Topic) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := &p.far; f.number > 0 || len(p.present) > f.present {
		p.tellAllLocked(to)
	}
}

func (p *presence) tellAllLocked(to relay.Topic) {
	f := &p.far
	list := make([]wire.NodeState, 0, len(p.present)-f.present)
	for _, who := range p.present {
		if who.node == "" {
			list = append(list, p.stateLocked(who))
		}
	}
	if to == p.room.board() { // all others hear it
		f.changed, f.all, f.told = false, false, p.last
	}
	for first := true; first || len(list) > 0; first = false {
		m := wire.NodePresence{DashboardID: p.room.id, Number: f.number, All: true, In: cut(&list)}
		m.More = len(list) > 0
		p.room.hub.tell(to, &wire.NodeMessage{Presence: &m})
	}
}

// stateLocked is a session as other nodes are told. While there are too many to list nobody
// sees states, and they are told anew afterwards.
func (p *presence) stateLocked(who *present) wire.NodeState {
	s := wire.NodeState{SessionID: who.SessionID, ClientID: who.ClientID, UserID: who.UserID, State: wire.Text(who.State)}
	if len(p.present) > presenceList {
		s.State = wire.Text("null")
	}
	return s
}

// cut takes as many as fit one message off a list.
func cut(list *[]wire.NodeState) []wire.NodeState {
	size := 0
	for i := range *list {
		s := &(*list)[i]
		if size += len(s.SessionID) + len(s.ClientID) + len(s.UserID) + len(s.State) + 64; size > tellBytes && i > 0 {
			part := (*list)[:i]
			*list = (*list)[i:]
			return part
		}
	}
	part := *list
	*list = nil
	return part
}

// beat tells that this node's sessions still count, and lets those of silent nodes leave.
func (p *presence) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	f := &p.far
	if own := len(p.present) - f.present; own > 0 && !f.changed && !f.all {
		p.room.hub.tell(p.room.board(), &wire.NodeMessage{Presence: &wire.NodePresence{
			DashboardID: p.room.id, Number: f.number, Count: own,
		}})
	}
	before := p.room.hub.cfg.Clock.Now().Add(-farSilent)
	for node, n := range f.nodes {
		if n.heard.Before(before) {
			delete(f.nodes, node)
			p.nodeLeftLocked(node, nil)
		}
	}
}

// nodeLeftLocked takes the sessions of a node away, but for those in kept.
func (p *presence) nodeLeftLocked(node string, kept map[string]struct{}) {
	for id, who := range p.present {
		if _, keep := kept[id]; who.node == node && !keep {
			p.removeLocked(id)
			p.armFarLocked()
		}
	}
}

// farewellLocked tells the other nodes that nobody is present here any more.
func (p *presence) farewellLocked() {
	f := &p.far
	if p.room.hub.nodes.relay != nil && f.number > 0 && len(p.present) > f.present {
		f.number++
		p.room.hub.tell(p.room.board(), &wire.NodeMessage{Presence: &wire.NodePresence{DashboardID: p.room.id, Number: f.number, All: true}})
	}
}

// heard takes in what another node tells of its sessions. It reports whether something of
// it was lost, so that it is to be asked.
func (p *presence) heard(from string, m *wire.NodePresence) (ask bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return false
	}
	f := &p.far
	n := f.nodes[from]
	if n == nil {
		if len(f.nodes) >= farNodes {
			return false
		}
		if f.nodes == nil {
			f.nodes = make(map[string]*farNode)
		}
		n = &farNode{}
		f.nodes[from] = n
	}
	n.heard = p.room.hub.cfg.Clock.Now()
	if m.All {
		p.heardAllLocked(from, n, m)
		return false
	}
	n.fresh = nil // an answer that goes on is never interrupted: its end was lost
	if len(m.In)+len(m.Out) == 0 {
		if m.Number == n.number && m.Count == n.present {
			return false
		}
		n.asked = true // again, if the answer was lost
		return true
	}
	if m.Number != n.number+1 && !n.asked {
		n.asked, ask = true, true
	}
	n.number = m.Number
	for i := range m.In {
		p.inLocked(from, n, &m.In[i])
	}
	for _, id := range m.Out {
		if who := p.present[id]; who != nil && who.node == from {
			p.removeLocked(id)
			p.armFarLocked()
		}
	}
	return ask
}

func (p *presence) heardAllLocked(from string, n *farNode, m *wire.NodePresence) {
	if n.fresh == nil {
		n.fresh = make(map[string]struct{}, len(m.In))
	}
	for i := range m.In {
		p.inLocked(from, n, &m.In[i])
		n.fresh[m.In[i].SessionID] = struct{}{}
	}
	if m.More {
		return
	}
	p.nodeLeftLocked(from, n.fresh)
	n.fresh, n.asked, n.number = nil, false, m.Number
}

// inLocked takes in one session of another node.
func (p *presence) inLocked(from string, n *farNode, s *wire.NodeState) {
	state := wire.PresenceState{SessionID: s.SessionID, ClientID: s.ClientID, UserID: s.UserID, State: board.Value(s.State)}
	who := p.present[s.SessionID]
	switch {
	case who != nil && who.node != from, who != nil && who.PresenceState == state:
		return // of another node, or nothing new
	case who != nil:
		who.PresenceState = state
		if len(p.present) > presenceList {
			return
		}
		p.last++
		who.changed = p.last
	case p.far.present >= farSessions:
		return
	default:
		p.returnedLocked(s.UserID, s.ClientID)
		p.last++
		p.present[s.SessionID] = &present{PresenceState: state, joined: p.last, node: from}
		p.far.present++
		n.present++
	}
	p.armFarLocked()
}

// armFarLocked has changes of other nodes published: they have waited there already, so at
// once, unless something was just published.
func (p *presence) armFarLocked() {
	if p.armed || p.stopped {
		return
	}
	p.armInLocked(max(0, presenceEvery-p.room.hub.cfg.Clock.Now().Sub(p.publishedAt)))
}

// elsewhereLocked reports whether a client is present by another node.
func (p *presence) elsewhereLocked(who *present) bool {
	if p.far.present == 0 {
		return false
	}
	for _, o := range p.present {
		if o.node != "" && o.ClientID == who.ClientID && o.UserID == who.UserID {
			return true
		}
	}
	return false
}

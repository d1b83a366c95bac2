package session

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
	"github.com/dashwire/dashwire/relay"
)

const (
	// beatEvery is how often a node tells that it is there.
	beatEvery = 5 * time.Second
	// silentFor is after how long a node has left (W3).
	silentFor = 15 * time.Second
	// nodesAtMost bounds the nodes that are remembered.
	nodesAtMost = 1024
	// listAtMost is how many clients, or revocations, one message to nodes tells of.
	listAtMost = 1000
)

// everyNode is the topic that the sessions of all nodes hear; with a node's id, that one
// alone.
const everyNode = "sessions"

// nodes is what the sessions of this node tell those of others, and hear of them. Without
// a relay nothing of it is used.
type nodes struct {
	relay relay.Relay

	mu     sync.Mutex
	joined bool
	leave  []func()
	beat   clock.Timer
	others map[string]otherNode
	// last is the newest time of a takeover that this node has given or heard of: its
	// clock's, unless another's is ahead. Of two takeovers of which one node knew of the
	// other, that node's is the later one, whatever the clocks say (C6).
	last uint64
}

type otherNode struct {
	heard time.Time
	beat  wire.NodeBeat
}

// Join has the sessions hear other nodes, if there is a relay. It is called once.
func (s *Server) Join() error {
	n := &s.nodes
	if n.relay == nil {
		return nil
	}
	var stops []func()
	for _, id := range []string{"", n.relay.Node()} {
		stop, err := n.relay.Subscribe(relay.Topic{Kind: everyNode, ID: id}, s.heardNode)
		if err != nil {
			return fmt.Errorf("session: joining the other nodes: %w", err)
		}
		stops = append(stops, stop)
	}
	n.mu.Lock()
	n.leave, n.joined = stops, true
	n.beat = s.cfg.Clock.AfterFunc(beatEvery, func() { s.tasks.Do(s.beatAgain) })
	n.mu.Unlock()
	s.greet()
	return nil
}

// greet tells the others that this node is there and asks them for what it must know.
func (s *Server) greet() {
	_ = s.tellNodes("", &wire.NodeMessage{Hello: &wire.NodeHello{Clock: s.takeoverTime()}})
	_ = s.tellNodes("", &wire.NodeMessage{Beat: s.beatNow()})
}

// leaveNodes ends what Join began.
func (s *Server) leaveNodes() {
	n := &s.nodes
	n.mu.Lock()
	joined := n.joined
	stops := n.leave
	n.joined, n.leave = false, nil
	if n.beat != nil {
		n.beat.Stop()
	}
	n.mu.Unlock()
	if !joined {
		return
	}
	for _, stop := range stops {
		stop()
	}
	last := s.beatNow()
	last.Last = true
	_ = s.tellNodes("", &wire.NodeMessage{Beat: last})
}

func (s *Server) beatAgain() {
	_ = s.tellNodes("", &wire.NodeMessage{Beat: s.beatNow()})
	n := &s.nodes
	n.mu.Lock()
	defer n.mu.Unlock()
	before := s.cfg.Clock.Now().Add(-silentFor)
	for node, o := range n.others {
		if o.heard.Before(before) {
			delete(n.others, node)
		}
	}
	if n.joined {
		n.beat.Reset(beatEvery)
	}
}

func (s *Server) beatNow() *wire.NodeBeat {
	s.mu.Lock()
	b := &wire.NodeBeat{Sessions: len(s.sessions), Users: len(s.users)}
	s.mu.Unlock()
	b.Rooms = s.cfg.Hub.Stats().Rooms
	n := &s.nodes
	n.mu.Lock()
	defer n.mu.Unlock()
	b.Clock = n.last
	return b
}

// tellNodes sends to all nodes, or to one. What cannot be sent is lost: nobody waits for it.
func (s *Server) tellNodes(node string, m *wire.NodeMessage) error {
	if s.nodes.relay == nil {
		return nil
	}
	return s.nodes.relay.Publish(relay.Topic{Kind: everyNode, ID: node}, wire.EncodeNode(m))
}

// heardNode takes in what another node says. It must not wait.
func (s *Server) heardNode(m relay.Message) {
	if m.Missed {
		s.tasks.Go(s.missedNodes)
		return
	}
	said, err := wire.DecodeNode(m.Payload)
	if err != nil {
		s.cfg.Log.Warn("another node says what cannot be read", "node", m.From, "err", err)
		return
	}
	switch {
	case said.Hello != nil:
		s.heardTime(said.Hello.Clock)
		s.tasks.Go(func() { s.welcomeNode(m.From) })
	case said.Beat != nil:
		s.heardTime(said.Beat.Clock)
		s.heardBeat(m.From, *said.Beat)
	case said.Clients != nil:
		s.heardClients(m.From, said.Clients)
	case said.Count != nil:
		if c := s.Find(said.Count.SessionID); c != nil {
			c.countElsewhere(said.Count.Sessions)
		}
	case said.Revoked != nil:
		s.tasks.Go(func() { s.heardRevoked(m.From, said.Revoked) })
	case said.Rights != nil:
		s.tasks.Go(func() { s.rereadHere(said.Rights.UserID) })
	case said.App != nil:
		a := said.App
		s.sendHere(Target{UserID: a.UserID, DashboardID: a.DashboardID, Except: a.Except}, a.Name, board.Value(a.Data))
	case said.Show != nil:
		s.heardPresence(said.Show)
	case said.End != nil:
		s.disconnectHere(said.End.SessionID, wire.CloseCode(said.End.Code), said.End.Reason)
	}
}

func (s *Server) heardBeat(node string, b wire.NodeBeat) {
	n := &s.nodes
	n.mu.Lock()
	defer n.mu.Unlock()
	if b.Last {
		delete(n.others, node)
		return
	}
	if _, known := n.others[node]; !known && len(n.others) >= nodesAtMost {
		return
	}
	if n.others == nil {
		n.others = make(map[string]otherNode)
	}
	n.others[node] = otherNode{heard: s.cfg.Clock.Now(), beat: b}
}

// missedNodes makes up for what may have been lost: both sides tell which clients they
// have and what is revoked, and rights are read anew.
func (s *Server) missedNodes() {
	s.greet()
	s.tellClients("")
	s.tellRevoked("")
	s.rereadHere("")
}

// welcomeNode tells a node what it must know.
func (s *Server) welcomeNode(node string) {
	_ = s.tellNodes(node, &wire.NodeMessage{Beat: s.beatNow()})
	s.tellRevoked(node)
}

// tellClients tells which client each session is.
func (s *Server) tellClients(node string) {
	s.mu.Lock()
	list := make([]wire.NodeClient, 0, len(s.clients))
	for key, c := range s.clients {
		list = append(list, wire.NodeClient{UserID: key.userID, ClientID: key.clientID, SessionID: c.id, Clock: c.since})
	}
	s.mu.Unlock()
	for part := range slices.Chunk(list, listAtMost) {
		_ = s.tellNodes(node, &wire.NodeMessage{Clients: &wire.NodeClients{List: part}})
	}
}

// tellRevoked tells what is revoked.
func (s *Server) tellRevoked(node string) {
	for part := range slices.Chunk(s.revoked.list(), listAtMost) {
		_ = s.tellNodes(node, &wire.NodeMessage{Revoked: part})
	}
}

// takeoverTime is the time of a takeover by this node: later than all that it has heard of.
func (s *Server) takeoverTime() uint64 {
	n := &s.nodes
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last = max(n.last+1, uint64(s.cfg.Clock.Now().UnixMilli()))
	return n.last
}

// heardTime takes the time of another node in. One that is years ahead would be taken
// nowhere else; it is not taken here.
func (s *Server) heardTime(t uint64) {
	if t > uint64(s.cfg.Clock.Now().Add(24*time.Hour).UnixMilli()) {
		return
	}
	n := &s.nodes
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last = max(n.last, t)
}

// heardClients ends the sessions of clients that have connected anew elsewhere (C6), and
// tells how many older ones their users have here (C8).
func (s *Server) heardClients(from string, m *wire.NodeClients) {
	var newer []wire.NodeClient
	for _, k := range m.List {
		s.heardTime(k.Clock)
		key := clientKey{k.UserID, k.ClientID}
		s.mu.Lock()
		mine := s.clients[key]
		later := mine != nil && laterTakeover(mine.since, mine.id, k.Clock, k.SessionID)
		count := s.olderLocked(k.UserID, k.Clock, k.SessionID)
		if mine != nil && !later && mine.id != k.SessionID {
			count--
		}
		s.mu.Unlock()
		switch {
		case later:
			newer = append(newer, wire.NodeClient{UserID: k.UserID, ClientID: k.ClientID, SessionID: mine.id, Clock: mine.since})
		case mine != nil && mine.id != k.SessionID:
			s.tasks.Go(func() { mine.End(wire.CloseReplaced, "this client has connected anew", false) })
		}
		if m.Count && count > 0 && k.UserID != auth.Anonymous {
			_ = s.tellNodes(from, &wire.NodeMessage{Count: &wire.NodeCount{SessionID: k.SessionID, Sessions: count}})
		}
	}
	if len(newer) > 0 {
		_ = s.tellNodes(from, &wire.NodeMessage{Clients: &wire.NodeClients{List: newer}})
	}
}

// olderLocked counts the user's sessions here that are older than one that may be elsewhere.
// A session that comes later than that one is asked about is newer, as its time has been
// heard by then.
func (s *Server) olderLocked(userID string, at uint64, id string) int {
	n := 0
	for c := range s.users[userID] {
		if laterTakeover(at, id, c.since, c.id) {
			n++
		}
	}
	return n
}

// laterTakeover reports whether one session has taken its client over after another did.
func laterTakeover(at uint64, id string, other uint64, otherID string) bool {
	if at != other {
		return at > other
	}
	return strings.Compare(id, otherID) > 0
}

// countElsewhere adds older sessions that the user has on another node. This one is closed
// if there are too many with it (C8); newer ones ask for themselves.
func (s *Session) countElsewhere(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.elsewhere += int32(n)
	s.server.mu.Lock()
	here := s.server.olderLocked(s.principal.UserID, s.since, s.id)
	s.server.mu.Unlock()
	if s.ended || here+1+int(s.elsewhere) <= s.server.cfg.SessionsPerUser {
		return
	}
	s.limitedLocked(observe.LimitSessionsPerUser)
	s.endLocked(wire.CloseSlowDown, tooManyOfUser, false)
	s.flushLocked(s.server.cfg.Clock.Now())
}

// heardRevoked revokes what was revoked elsewhere.
func (s *Server) heardRevoked(from string, list []wire.NodeRevoked) {
	latest := s.cfg.Clock.Now().Add(24 * time.Hour)
	all := make([]auth.Revocation, 0, len(list))
	for _, n := range list {
		r := auth.Revocation{UserID: n.UserID, TokenID: n.TokenID, At: time.UnixMilli(n.At)}
		if r.At.After(latest) {
			r.At = latest
		}
		if n.Ends > 0 {
			r.Ends = time.UnixMilli(n.Ends)
		}
		all = append(all, r)
	}
	if _, err := s.revokeHere(s.ctx, all...); err != nil {
		s.cfg.Log.Error("what another node has revoked is not revoked here, or not for long", "node", from, "err", err)
	}
}

// NodeInfo is another node as it told of itself.
type NodeInfo struct {
	Node     string `json:"node"`
	Sessions int    `json:"sessions"`
	Users    int    `json:"users"`
	Rooms    int    `json:"rooms"`
	// SilentSeconds is how long ago that was.
	SilentSeconds float64 `json:"silentSeconds"`
}

// Cluster is the nodes that share dashboards, as far as this one knows.
type Cluster struct {
	Node   string     `json:"node"`   // this one
	Others []NodeInfo `json:"others"` // heard of within 15 s
	// Sessions are those of all nodes, this one's too.
	Sessions int `json:"sessions"`
}

// Cluster tells of the other nodes, nil if there is no relay.
func (s *Server) Cluster() *Cluster {
	n := &s.nodes
	if n.relay == nil {
		return nil
	}
	s.mu.Lock()
	c := &Cluster{Node: n.relay.Node(), Sessions: len(s.sessions), Others: []NodeInfo{}}
	s.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	now := s.cfg.Clock.Now()
	for node, o := range n.others {
		silent := now.Sub(o.heard)
		if silent > silentFor {
			continue
		}
		c.Sessions += o.beat.Sessions
		c.Others = append(c.Others, NodeInfo{
			Node: node, Sessions: o.beat.Sessions, Users: o.beat.Users, Rooms: o.beat.Rooms, SilentSeconds: silent.Seconds(),
		})
	}
	slices.SortFunc(c.Others, func(a, b NodeInfo) int { return strings.Compare(a.Node, b.Node) })
	return c
}

// sendNodes passes an APP_MESSAGE on to the other nodes.
func (s *Server) sendNodes(t Target, name string, data board.Value) *board.Error {
	err := s.tellNodes("", &wire.NodeMessage{App: &wire.NodeApp{
		UserID: t.UserID, DashboardID: t.DashboardID, Except: t.Except, Name: name, Data: []byte(data),
	}})
	switch {
	case errors.Is(err, relay.ErrTooLarge):
		return board.Errorf(board.CodeTooLarge, "the message is too large for the other nodes: send less than %d bytes", s.nodes.relay.MaxPayload())
	case err != nil:
		s.cfg.Log.Warn("a message of the app reaches this node only", "err", err)
	}
	return nil
}

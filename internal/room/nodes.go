package room

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/relay"
)

// The topics that rooms speak on: each dashboard's, heard by the nodes on which somebody
// follows it; and one that all nodes hear, or with a node's id that one alone.
const (
	topicBoard = "board"
	topicRooms = "rooms"
)

// tellBytes is about how long a message to other nodes gets.
const tellBytes = 200 << 10

// nodes is a hub's part in what nodes tell each other. Without a relay nothing of it is
// used.
type nodes struct {
	relay relay.Relay // nil = there are no other nodes
	seed  maphash.Seed
}

// joinNodes has the hub hear the others until leave is called.
func (h *Hub) joinNodes(ctx context.Context) (leave func(), err error) {
	if h.nodes.relay == nil {
		return func() {}, nil
	}
	var stops []func()
	var ticking sync.WaitGroup
	leave = func() {
		for _, stop := range stops {
			stop()
		}
		ticking.Wait()
	}
	for _, id := range []string{"", h.nodes.relay.Node()} {
		stop, err := h.nodes.relay.Subscribe(relay.Topic{Kind: topicRooms, ID: id}, h.heardNode)
		if err != nil {
			leave()
			return nil, fmt.Errorf("room: joining the other nodes: %w", err)
		}
		stops = append(stops, stop)
	}
	ticking.Go(func() {
		for turn := uint64(0); ; turn++ {
			if h.sleep(ctx, time.Second); ctx.Err() != nil {
				return
			}
			h.beat(turn)
		}
	})
	return leave, nil
}

// beat has each room tell once in beatTurns seconds that its presence still counts.
func (h *Hub) beat(turn uint64) {
	for _, r := range h.all() {
		if maphash.String(h.nodes.seed, r.id)%beatTurns == turn%beatTurns {
			r.presence.beat()
		}
	}
}

// heardNode takes in what another node tells the rooms. It must not wait.
func (h *Hub) heardNode(m relay.Message) {
	if m.Missed {
		return // each room that is followed here hears so itself
	}
	said, err := wire.DecodeNode(m.Payload)
	switch {
	case err != nil:
		h.cfg.Log.Warn("another node says what cannot be read", "node", m.From, "err", err)
	case said.Ask != nil:
		h.tasks.Go(func() { h.answerAsk(m.From, said.Ask.DashboardID) })
	case said.Waits != nil:
		if r := h.open(said.Waits.DashboardID); r != nil {
			r.heardWaiting(time.Duration(said.Waits.Millis) * time.Millisecond)
		}
	case said.Presence != nil:
		if r := h.open(said.Presence.DashboardID); r != nil {
			r.heardPresence(m.From, said.Presence)
		}
	case said.Values != nil:
		if r := h.open(said.Values.DashboardID); r != nil {
			r.heardValues(m.From, said.Values)
		}
	}
}

// answerAsk tells a node who is present here on a dashboard, and the live values that
// this node was fed.
func (h *Hub) answerAsk(node, id string) {
	to := relay.Topic{Kind: topicRooms, ID: node}
	if r := h.open(id); r != nil {
		r.presence.tellAll(to)
	}
	h.tellFed(to, id)
}

// tellFed tells the live values of a dashboard that this node was fed last.
func (h *Hub) tellFed(to relay.Topic, id string) {
	h.tellValues(to, id, true, h.values.fed(id, h.cfg.Clock.Now()))
}

// tell sends a message to other nodes. What cannot be sent is lost; they find out.
func (h *Hub) tell(to relay.Topic, m *wire.NodeMessage) {
	_ = h.nodes.relay.Publish(to, wire.EncodeNode(m))
}

// tellValues sends live values, in several messages if they are many.
func (h *Hub) tellValues(to relay.Topic, id string, state bool, values map[string]wire.NodeValue) {
	for len(values) > 0 {
		part, size := make(map[string]wire.NodeValue, len(values)), 0
		for widget, v := range values {
			if size += len(widget) + len(v.Data); size > tellBytes && len(part) > 0 {
				break
			}
			part[widget] = v
			delete(values, widget)
		}
		h.tell(to, &wire.NodeMessage{Values: &wire.NodeValues{DashboardID: id, State: state, Values: part}})
	}
}

// board is the topic of the room's dashboard.
func (r *Room) board() relay.Topic { return relay.Topic{Kind: topicBoard, ID: r.id} }

// hearNodesLocked has the room hear the others of its dashboard from its first follower on.
func (r *Room) hearNodesLocked() {
	h := r.hub
	if h.nodes.relay == nil || r.deaf != nil || r.closed {
		return
	}
	stop, err := h.nodes.relay.Subscribe(r.board(), r.heardNode)
	if err != nil {
		h.reportTrouble(fmt.Errorf("dashboard %s: hearing the other nodes: %w", r.id, err))
		return // the next follower tries again
	}
	r.deaf = stop
	r.askNodes()
}

// deafLocked ends that.
func (r *Room) deafLocked() {
	if r.deaf != nil {
		r.deaf()
		r.deaf = nil
	}
}

// askNodes asks who is present on other nodes, and for the live values that they were fed.
func (r *Room) askNodes() {
	r.hub.tell(relay.Topic{Kind: topicRooms}, &wire.NodeMessage{Ask: &wire.NodeAsk{DashboardID: r.id}})
}

// heardNode takes in what another node says of the dashboard. It must not wait.
func (r *Room) heardNode(m relay.Message) {
	if m.Missed {
		r.hub.tasks.Go(func() {
			// Others may have missed what was said here, and asked when it could not be heard.
			r.askNodes()
			r.presence.tellAll(r.board())
			r.hub.tellFed(r.board(), r.id)
		})
		return
	}
	said, err := wire.DecodeNode(m.Payload)
	switch {
	case err != nil:
		r.hub.cfg.Log.Warn("another node says what cannot be read", "node", m.From, "id", r.id, "err", err)
	case said.Presence != nil && said.Presence.DashboardID == r.id:
		r.heardPresence(m.From, said.Presence)
	case said.Values != nil && said.Values.DashboardID == r.id:
		r.heardValues(m.From, said.Values)
	}
}

func (r *Room) heardPresence(from string, m *wire.NodePresence) {
	if r.presence.heard(from, m) { // something of it was lost
		r.hub.tell(relay.Topic{Kind: topicRooms, ID: from}, &wire.NodeMessage{Ask: &wire.NodeAsk{DashboardID: r.id}})
	}
}

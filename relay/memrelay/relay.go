// Package memrelay is a relay between servers of one process: for tests, also in
// virtual time, and for an app that runs several servers in one program.
//
//	bus := memrelay.NewBus()
//	one, two := bus.Join(), bus.Join()
//	defer one.Close()
package memrelay

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/dashwire/dashwire/relay"
)

// maxPayload is the longest message, that of a NATS server for Dashwire.
const maxPayload = 8 << 20

// maxWaiting is how many messages may wait for a node; more are lost to it.
const maxWaiting = 8192

// Bus connects relays.
type Bus struct {
	mu     sync.Mutex
	joined int
	nodes  map[*Relay]struct{}
}

// NewBus makes a bus without nodes.
func NewBus() *Bus { return &Bus{nodes: make(map[*Relay]struct{})} }

// Relay is one node's place on a bus.
type Relay struct {
	bus  *Bus
	node string

	mu      sync.Mutex
	wake    sync.Cond
	topics  map[relay.Topic]map[*subscription]struct{}
	waiting []arrived
	lost    bool // the next to be delivered is that something was missed
	away    bool
	drops   bool
	closed  bool
	ended   chan struct{}
}

var _ relay.Relay = (*Relay)(nil)

type subscription struct{ deliver func(relay.Message) }

type arrived struct {
	topic   relay.Topic
	message relay.Message
}

// Join adds a node. The caller closes it.
func (b *Bus) Join() *Relay {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.joined++
	r := &Relay{
		bus: b, node: fmt.Sprintf("node-%d", b.joined),
		topics: make(map[relay.Topic]map[*subscription]struct{}), ended: make(chan struct{}),
	}
	r.wake.L = &r.mu
	b.nodes[r] = struct{}{}
	go r.run()
	return r
}

// Close leaves the bus and returns once nothing is delivered any more.
func (r *Relay) Close() error {
	r.bus.mu.Lock()
	delete(r.bus.nodes, r)
	r.bus.mu.Unlock()
	r.mu.Lock()
	r.closed = true
	r.wake.Signal()
	r.mu.Unlock()
	<-r.ended
	return nil
}

// Cut takes the node's connection away: nothing goes out or comes in.
func (r *Relay) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = true
}

// Mend brings it back. What was sent meanwhile is lost, and subscriptions hear so.
func (r *Relay) Mend() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away {
		r.away, r.lost = false, true
		r.wake.Signal()
	}
}

// Drop has what the node sends lost without anybody noticing, until Drop(false).
func (r *Relay) Drop(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drops = on
}

// Node implements relay.Relay.
func (r *Relay) Node() string { return r.node }

// MaxPayload implements relay.Relay.
func (r *Relay) MaxPayload() int { return maxPayload }

// Publish implements relay.Relay.
func (r *Relay) Publish(t relay.Topic, payload []byte) error {
	if err := t.Check(); err != nil {
		return err
	}
	r.mu.Lock()
	away, closed, drops := r.away, r.closed, r.drops
	r.mu.Unlock()
	switch {
	case closed:
		return relay.ErrClosed
	case len(payload) > maxPayload:
		return relay.ErrTooLarge
	case away:
		return relay.ErrAway
	case drops:
		return nil
	}
	r.bus.mu.Lock() // one message after the other, so that all hear them in one order
	defer r.bus.mu.Unlock()
	for other := range r.bus.nodes {
		if other != r {
			other.take(arrived{t, relay.Message{From: r.node, Payload: slices.Clone(payload)}})
		}
	}
	return nil
}

func (r *Relay) take(a arrived) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.away || r.closed || len(r.topics[a.topic]) == 0:
		return
	case len(r.waiting) >= maxWaiting:
		r.lost = true
	default:
		r.waiting = append(r.waiting, a)
	}
	r.wake.Signal()
}

// Subscribe implements relay.Relay.
func (r *Relay) Subscribe(t relay.Topic, deliver func(relay.Message)) (stop func(), err error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, relay.ErrClosed
	}
	s := &subscription{deliver}
	if r.topics[t] == nil {
		r.topics[t] = make(map[*subscription]struct{})
	}
	r.topics[t][s] = struct{}{}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if subs := r.topics[t]; subs != nil {
			delete(subs, s)
			if len(subs) == 0 {
				delete(r.topics, t)
			}
		}
	}, nil
}

// run delivers until Close.
func (r *Relay) run() {
	defer close(r.ended)
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		var to []*subscription
		var m relay.Message
		switch {
		case r.closed:
			return
		case r.lost:
			r.lost = false
			m.Missed = true
			for _, subs := range r.topics {
				to = slices.AppendSeq(to, maps.Keys(subs))
			}
		case len(r.waiting) > 0:
			m = r.waiting[0].message
			to = slices.Collect(maps.Keys(r.topics[r.waiting[0].topic]))
			r.waiting[0] = arrived{}
			r.waiting = r.waiting[1:]
		default:
			r.wake.Wait()
			continue
		}
		r.mu.Unlock()
		for _, s := range to {
			s.deliver(m)
		}
		r.mu.Lock()
	}
}

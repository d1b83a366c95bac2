package natsrelay

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/dashwire/dashwire/internal/natsdial"
	"github.com/dashwire/dashwire/relay"
)

const (
	// maxPayload bounds messages where the servers would take longer ones.
	maxPayload = 8 << 20
	// leastPayload is what a relay must carry.
	leastPayload = 256 << 10
	// lastWords is how long Close waits for what was published before it.
	lastWords = time.Second
)

// Relay is a node's place in a cluster of nodes on NATS.
type Relay struct {
	opts       Options
	node       string
	conn       *nats.Conn
	maxPayload int

	incoming chan *nats.Msg
	missed   chan struct{} // one slot: messages may have been lost
	quit     chan struct{}
	tasks    sync.WaitGroup

	sendMu sync.Mutex // of closing outgoing, and of sending into it
	closed bool
	// outgoing keeps Publish from ever waiting for a socket.
	outgoing      chan outgoing
	outgoingBytes atomic.Int64

	mu   sync.Mutex
	subs map[*nats.Subscription]func(relay.Message)

	sent, received, dropped, lost atomic.Uint64
}

var _ relay.Relay = (*Relay)(nil)

type outgoing struct {
	subject string
	payload []byte
}

// Open connects to a NATS cluster (one address, or several with commas between them).
func Open(addresses string, opts Options) (*Relay, error) {
	opts, err := opts.validate()
	if err != nil {
		return nil, err
	}
	r := &Relay{
		opts: opts, node: rand.Text()[:16],
		incoming: make(chan *nats.Msg, opts.tune.incoming), outgoing: make(chan outgoing, opts.tune.outgoing),
		missed: make(chan struct{}, 1), quit: make(chan struct{}),
		subs: make(map[*nats.Subscription]func(relay.Message)),
	}
	if r.conn, err = nats.Connect(addresses, r.connection()...); err != nil {
		return nil, fmt.Errorf("natsrelay: connect: %w", err)
	}
	if r.maxPayload = min(maxPayload, int(r.conn.MaxPayload())); r.maxPayload < leastPayload {
		r.conn.Close()
		return nil, fmt.Errorf("natsrelay: the NATS servers take messages of %d bytes: set max_payload: 8MB", r.maxPayload)
	}
	r.tasks.Go(r.send)
	r.tasks.Go(r.deliver)
	return r, nil
}

// connection is how the connection behaves: it comes back by itself, always, and keeps
// nothing for later while it is away, when it would be of no use any more.
func (r *Relay) connection() []nats.Option {
	log := r.opts.Logger
	common := natsdial.Config{
		Name: r.opts.Name, CredentialsFile: r.opts.CredentialsFile, TLS: r.opts.TLS, Log: log,
		Handled: func(err error) bool {
			if !errors.Is(err, nats.ErrSlowConsumer) {
				return false
			}
			r.lost.Add(1)
			r.mayHaveMissed()
			return true
		},
	}
	return append(
		common.Options(),
		nats.NoEcho(),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			log.Warn("the relay's connection to NATS broke; what the other nodes show and say is missing until it is back", "err", err)
		}),
		nats.ReconnectHandler(func(c *nats.Conn) {
			log.Info("the relay is connected to NATS again", "server", c.ConnectedServerName())
			r.mayHaveMissed()
		}),
	)
}

// Close sends what was published, for a second at most, and ends the connection. It
// returns once nothing is delivered any more.
func (r *Relay) Close() error {
	r.sendMu.Lock()
	if r.closed {
		r.sendMu.Unlock()
		return nil
	}
	r.closed = true
	close(r.outgoing)
	r.sendMu.Unlock()
	close(r.quit)
	r.tasks.Wait()
	r.conn.Close()
	return nil
}

// Node implements relay.Relay.
func (r *Relay) Node() string { return r.node }

// MaxPayload implements relay.Relay.
func (r *Relay) MaxPayload() int { return r.maxPayload }

// Publish implements relay.Relay.
func (r *Relay) Publish(t relay.Topic, payload []byte) error {
	if err := t.Check(); err != nil {
		return err
	}
	if len(payload) > r.maxPayload {
		return relay.ErrTooLarge
	}
	r.sendMu.Lock()
	defer r.sendMu.Unlock()
	switch {
	case r.closed:
		return relay.ErrClosed
	case !r.conn.IsConnected(), r.outgoingBytes.Load()+int64(len(payload)) > int64(r.opts.tune.outgoingBytes):
		r.dropped.Add(1)
		return relay.ErrAway
	}
	select {
	case r.outgoing <- outgoing{r.subject(t) + r.node, payload}:
		r.outgoingBytes.Add(int64(len(payload)))
		return nil
	default:
		r.dropped.Add(1)
		return relay.ErrAway
	}
}

// subject is a topic's, but for the sender at its end.
func (r *Relay) subject(t relay.Topic) string {
	if t.ID == "" {
		return r.opts.Prefix + "." + t.Kind + "."
	}
	return r.opts.Prefix + "." + t.Kind + "." + token(t.ID) + "."
}

// token writes an id as one token of a subject: a dot, which parts tokens, becomes =,
// which no id has (D2).
func token(id string) string { return strings.ReplaceAll(id, ".", "=") }

// sender is the node at the end of a subject.
func sender(subject string) string { return subject[strings.LastIndexByte(subject, '.')+1:] }

// send writes what was published, until Close.
func (r *Relay) send() {
	for m := range r.outgoing {
		r.outgoingBytes.Add(-int64(len(m.payload)))
		if err := r.conn.Publish(m.subject, m.payload); err != nil {
			r.dropped.Add(1)
			continue
		}
		r.sent.Add(1)
	}
	_ = r.conn.FlushTimeout(lastWords) // at most once: who does not hear it asks
}

// Subscribe implements relay.Relay.
func (r *Relay) Subscribe(t relay.Topic, deliver func(relay.Message)) (stop func(), err error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	r.mu.Lock() // nothing is delivered before the subscription is in the table
	defer r.mu.Unlock()
	sub, err := r.conn.ChanSubscribe(r.subject(t)+"*", r.incoming)
	if err != nil {
		if errors.Is(err, nats.ErrConnectionClosed) {
			return nil, relay.ErrClosed
		}
		return nil, fmt.Errorf("natsrelay: subscribe to %v: %w", t, err)
	}
	r.subs[sub] = deliver
	return func() {
		r.mu.Lock()
		_, there := r.subs[sub]
		delete(r.subs, sub)
		r.mu.Unlock()
		if there {
			_ = sub.Unsubscribe() // the only errors are of a closed connection
		}
	}, nil
}

// mayHaveMissed has every subscription told.
func (r *Relay) mayHaveMissed() {
	select {
	case r.missed <- struct{}{}:
	default:
	}
}

// deliver hands out what has come, until Close.
func (r *Relay) deliver() {
	for {
		select {
		case <-r.quit:
			return
		case <-r.missed:
			for _, f := range r.everybody() {
				f(relay.Message{Missed: true})
			}
		case m := <-r.incoming:
			r.mu.Lock()
			f := r.subs[m.Sub]
			r.mu.Unlock()
			if f != nil {
				r.received.Add(1)
				f(relay.Message{From: sender(m.Subject), Payload: m.Data})
			}
		}
	}
}

func (r *Relay) everybody() []func(relay.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]func(relay.Message), 0, len(r.subs))
	for _, f := range r.subs {
		list = append(list, f)
	}
	return list
}

// Stats is how a relay stands.
type Stats struct {
	Connected bool
	// Sent and Received count messages, Dropped those that could not be sent, Lost the
	// times that this node did not keep up with what came.
	Sent, Received, Dropped, Lost uint64
	// Topics is the number of subscriptions.
	Topics int
}

// Stats returns the numbers as they are now.
func (r *Relay) Stats() Stats {
	r.mu.Lock()
	topics := len(r.subs)
	r.mu.Unlock()
	return Stats{
		Connected: r.conn.IsConnected(), Sent: r.sent.Load(), Received: r.received.Load(),
		Dropped: r.dropped.Load(), Lost: r.lost.Load(), Topics: topics,
	}
}

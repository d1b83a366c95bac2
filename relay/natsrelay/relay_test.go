package natsrelay

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/dashwire/dashwire/internal/natstest"
	"github.com/dashwire/dashwire/relay"
	"github.com/dashwire/dashwire/relay/relaytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// natsServer starts a real NATS server in this process and returns its address.
func natsServer(t testing.TB) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, MaxPayload: 8 << 20, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the NATS server does not start")
	}
	return s.ClientURL()
}

func open(t testing.TB, url string, opts Options) *Relay {
	t.Helper()
	r, err := Open(url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestRelay(t *testing.T) {
	s := natsServer(t)
	clusters := 0
	relaytest.Run(t, func(t *testing.T) func() relay.Relay {
		clusters++
		p := fmt.Sprint("dashwire-relay.", clusters) // one server, many clusters
		return func() relay.Relay { return open(t, s, Options{Prefix: p}) }
	})
}

func next(t *testing.T, from <-chan relay.Message) relay.Message {
	t.Helper()
	select {
	case m := <-from:
		return m
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
		return relay.Message{}
	}
}

func TestServerAwayIsToldAndPasses(t *testing.T) {
	s := natstest.New(t)
	a, b := open(t, s.URL(), Options{}), open(t, s.URL(), Options{})
	topic := relay.Topic{Kind: "board", ID: "ops"}
	atA, atB := make(chan relay.Message, 10_000), make(chan relay.Message, 10_000)
	for r, to := range map[*Relay]chan relay.Message{a: atA, b: atB} {
		if _, err := r.Subscribe(topic, func(m relay.Message) { to <- m }); err != nil {
			t.Fatal(err)
		}
	}
	s.Stop(t)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for a.Publish(topic, []byte("lost")) == nil { // until it knows that the server is away
		<-tick.C
	}
	s.Start(t)
	for _, ch := range []chan relay.Message{atA, atB} {
		if m := next(t, ch); !m.Missed {
			t.Errorf("after the server came back: %q, want that something was missed", m.Payload)
		}
	}
	for len(atB) == 0 { // what is said before both are back is lost
		_ = a.Publish(topic, []byte("again"))
		<-tick.C
	}
	if m := next(t, atB); string(m.Payload) != "again" || m.From != a.Node() {
		t.Errorf("came %q from %s", m.Payload, m.From)
	}
}

func TestSlowNodeIsTold(t *testing.T) {
	s := natsServer(t)
	a, b := open(t, s, Options{}), open(t, s, Options{tune: tuning{incoming: 4}})
	topic := relay.Topic{Kind: "board", ID: "ops"}
	blocked, first := make(chan struct{}), make(chan struct{}, 1)
	got := make(chan relay.Message, 10_000)
	if _, err := b.Subscribe(topic, func(m relay.Message) {
		select {
		case first <- struct{}{}:
		default:
		}
		<-blocked
		got <- m
	}); err != nil {
		t.Fatal(err)
	}
	if err := b.conn.Flush(); err != nil {
		t.Fatal(err)
	}
	for n := range 100 {
		if err := a.Publish(topic, []byte(fmt.Sprint(n))); err != nil {
			t.Fatal(err)
		}
	}
	<-first
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for b.Stats().Lost == 0 {
		<-tick.C
	}
	close(blocked)
	for !next(t, got).Missed { // what fitted comes as well
	}
}

func TestPublishNeverWaits(t *testing.T) {
	s := natsServer(t)
	a := open(t, s, Options{tune: tuning{outgoingBytes: 1000}})
	if err := a.Publish(relay.Topic{Kind: "board"}, make([]byte, 1001)); err != relay.ErrAway {
		t.Errorf("more than may wait: %v, want ErrAway", err)
	}
	if n := a.Stats().Dropped; n != 1 {
		t.Errorf("%d messages are counted as dropped, want 1", n)
	}
	a.Close()
	if err := a.Publish(relay.Topic{Kind: "board"}, nil); err != relay.ErrClosed {
		t.Errorf("after Close: %v, want ErrClosed", err)
	}
	if _, err := a.Subscribe(relay.Topic{Kind: "board"}, nil); err != relay.ErrClosed {
		t.Errorf("subscribing after Close: %v, want ErrClosed", err)
	}
}

func TestOpen_Refuses(t *testing.T) {
	for _, p := range []string{"a b", "a..b", ".a", "a.*", "a.>", "ä"} {
		if r, err := Open("nats://127.0.0.1:1", Options{Prefix: p}); err == nil {
			r.Close()
			t.Errorf("the prefix %q is taken", p)
		} else if got := err.Error(); got == "" || r != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
	small, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, MaxPayload: 1000, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	small.Start()
	defer small.WaitForShutdown()
	defer small.Shutdown()
	if !small.ReadyForConnections(time.Minute) {
		t.Fatal("the NATS server does not start")
	}
	if _, err := Open(small.ClientURL(), Options{}); err == nil {
		t.Error("a server that takes small messages only is taken")
	}
}

// BenchmarkRoundTrip is a message to another node and its answer.
func BenchmarkRoundTrip(b *testing.B) {
	s := natsServer(b)
	one, two := open(b, s, Options{}), open(b, s, Options{})
	there, back := relay.Topic{Kind: "there"}, relay.Topic{Kind: "back"}
	done := make(chan struct{}, 1)
	if _, err := two.Subscribe(there, func(m relay.Message) { _ = two.Publish(back, m.Payload) }); err != nil {
		b.Fatal(err)
	}
	if _, err := one.Subscribe(back, func(relay.Message) { done <- struct{}{} }); err != nil {
		b.Fatal(err)
	}
	for _, r := range []*Relay{one, two} {
		if err := r.conn.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	payload := make([]byte, 300)
	for b.Loop() {
		if err := one.Publish(there, payload); err != nil {
			b.Fatal(err)
		}
		<-done
	}
}

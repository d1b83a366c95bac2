// Package relaytest is the suite that each relay passes.
package relaytest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dashwire/dashwire/relay"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// Run runs the suite. newCluster makes a cluster and returns what adds a node to it;
// nodes are closed by t.Cleanup.
func Run(t *testing.T, newCluster func(t *testing.T) func() relay.Relay) {
	tests := []struct {
		name string
		run  func(t *testing.T, join func() relay.Relay)
	}{
		{"NodesAreOthers", nodesAreOthers},
		{"ReachesOthersAndNotItself", reachesOthers},
		{"InOrderOfEachSenderOverAllTopics", inOrder},
		{"TopicsAreApart", topicsAreApart},
		{"D2_EveryAllowedCharacter", everyCharacter},
		{"StopEndsASubscription", stopEnds},
		{"RefusesBadTopics", refusesTopics},
		{"RefusesWhatIsTooLarge", refusesLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, newCluster(t)) })
	}
}

// ear collects what a subscription hears.
type ear struct {
	t   *testing.T
	got chan string
}

func listen(t *testing.T, r relay.Relay, topic relay.Topic) (ear, func()) {
	t.Helper()
	e := ear{t, make(chan string, 10_000)}
	stop, err := r.Subscribe(topic, func(m relay.Message) {
		if !m.Missed {
			e.got <- m.From + " " + string(m.Payload)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return e, stop
}

func (e ear) hears(want ...string) {
	e.t.Helper()
	for _, w := range want {
		select {
		case got := <-e.got:
			if got != w {
				e.t.Fatalf("heard %.80q, want %.80q", got, w)
			}
		case <-time.After(patience):
			e.t.Fatalf("did not hear %.80q", w)
		}
	}
}

func say(t *testing.T, r relay.Relay, topic relay.Topic, payload string) {
	t.Helper()
	if err := r.Publish(topic, []byte(payload)); err != nil {
		t.Fatalf("publishing to %v: %v", topic, err)
	}
}

// meet returns once the nodes hear each other: what is said before a subscription is
// known everywhere may be lost.
func meet(t *testing.T, nodes ...relay.Relay) {
	t.Helper()
	hello := relay.Topic{Kind: "meet"}
	var mu sync.Mutex
	heard := map[string]bool{}
	all := make(chan struct{})
	for _, n := range nodes {
		stop, err := n.Subscribe(hello, func(m relay.Message) {
			mu.Lock()
			defer mu.Unlock()
			heard[n.Node()+"<"+m.From] = true
			if len(heard) == len(nodes)*(len(nodes)-1) && all != nil {
				close(all)
				all = nil
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
	}
	done := all
	end := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, n := range nodes {
			_ = n.Publish(hello, []byte("hello"))
		}
		select {
		case <-done:
			return
		case <-tick.C:
		case <-end:
			t.Fatal("the nodes do not hear each other")
		}
	}
}

func nodesAreOthers(t *testing.T, join func() relay.Relay) {
	a, b := join(), join()
	if a.Node() == b.Node() {
		t.Errorf("two nodes are both %q", a.Node())
	}
	for _, n := range []relay.Relay{a, b} {
		if err := (relay.Topic{Kind: "node", ID: n.Node()}).Check(); err != nil || n.Node() == "" {
			t.Errorf("the node id %q is no id: %v", n.Node(), err)
		}
		if n.MaxPayload() < 256<<10 {
			t.Errorf("MaxPayload is %d, want 256 KiB at least", n.MaxPayload())
		}
	}
}

func reachesOthers(t *testing.T, join func() relay.Relay) {
	a, b, c := join(), join(), join()
	topic := relay.Topic{Kind: "nodes"}
	atA, _ := listen(t, a, topic)
	atB, _ := listen(t, b, topic)
	atC, _ := listen(t, c, topic)
	meet(t, a, b, c)
	say(t, a, topic, "one")
	atB.hears(a.Node() + " one")
	atC.hears(a.Node() + " one")
	say(t, b, topic, "two")
	atA.hears(b.Node() + " two") // and not its own
	atC.hears(b.Node() + " two")
}

func inOrder(t *testing.T, join func() relay.Relay) {
	a, b, c := join(), join(), join()
	var mu sync.Mutex
	next := map[string]int{}
	const each = 500
	done := make(chan struct{})
	count := 0
	for topic := range 5 {
		_, err := c.Subscribe(relay.Topic{Kind: "board", ID: fmt.Sprint(topic)}, func(m relay.Message) {
			mu.Lock()
			defer mu.Unlock()
			if want := fmt.Sprint(next[m.From]); string(m.Payload) != want {
				t.Errorf("from %s came %s, want %s", m.From, m.Payload, want)
			}
			next[m.From]++
			if count++; count == 2*each {
				close(done)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	meet(t, a, b, c)
	var wg sync.WaitGroup
	for _, from := range []relay.Relay{a, b} {
		wg.Go(func() {
			for n := range each {
				say(t, from, relay.Topic{Kind: "board", ID: fmt.Sprint(n % 5)}, fmt.Sprint(n))
			}
		})
	}
	wg.Wait()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("of %d messages came %d", 2*each, count)
	}
}

func topicsAreApart(t *testing.T, join func() relay.Relay) {
	a, b := join(), join()
	topics := []relay.Topic{
		{Kind: "board"},
		{Kind: "board", ID: "a"},
		{Kind: "board", ID: "a.b"},
		{Kind: "board", ID: "a_b"},
		{Kind: "board", ID: "A.b"},
		{Kind: "board", ID: "-"},
		{Kind: "boards"},
		{Kind: "nodes", ID: "a"},
	}
	var ears []ear
	for _, topic := range topics {
		e, _ := listen(t, b, topic)
		ears = append(ears, e)
	}
	meet(t, a, b)
	for _, topic := range topics {
		say(t, a, topic, fmt.Sprint(topic))
	}
	for i, e := range ears {
		say(t, a, topics[i], "end")
		e.hears(a.Node()+" "+fmt.Sprint(topics[i]), a.Node()+" end")
	}
}

func everyCharacter(t *testing.T, join func() relay.Relay) {
	a, b := join(), join()
	id := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-"
	for _, topic := range []relay.Topic{
		{Kind: "board", ID: id}, {Kind: "board", ID: ".a."}, {Kind: "board", ID: "a..b"}, {Kind: "board", ID: strings.Repeat("x.", 64)},
	} {
		e, stop := listen(t, b, topic)
		meet(t, a, b)
		say(t, a, topic, "here")
		e.hears(a.Node() + " here")
		stop()
	}
}

func stopEnds(t *testing.T, join func() relay.Relay) {
	a, b := join(), join()
	topic := relay.Topic{Kind: "board", ID: "ops"}
	gone, stop := listen(t, b, topic)
	kept, _ := listen(t, b, topic)
	meet(t, a, b)
	say(t, a, topic, "one")
	gone.hears(a.Node() + " one")
	stop()
	stop()
	say(t, a, topic, "two")
	kept.hears(a.Node()+" one", a.Node()+" two")
	say(t, a, topic, "three")
	kept.hears(a.Node() + " three")
	if n := len(gone.got); n > 0 {
		t.Errorf("%d messages came after stop, long after", n)
	}
}

func refusesTopics(t *testing.T, join func() relay.Relay) {
	a := join()
	for _, topic := range []relay.Topic{
		{},
		{Kind: "Board"},
		{Kind: "a.b"},
		{Kind: "*"},
		{Kind: ">"},
		{Kind: strings.Repeat("k", 17)},
		{Kind: "board", ID: "*"},
		{Kind: "board", ID: ">"},
		{Kind: "board", ID: "a b"},
		{Kind: "board", ID: "a=b"},
		{Kind: "board", ID: ".."},
		{Kind: "board", ID: "a\nb"},
		{Kind: "board", ID: "ä"},
		{Kind: "board", ID: strings.Repeat("x", 129)},
	} {
		if err := a.Publish(topic, []byte("x")); err == nil {
			t.Errorf("published to %q", topic)
		}
		if stop, err := a.Subscribe(topic, func(relay.Message) {}); err == nil {
			stop()
			t.Errorf("subscribed to %q", topic)
		}
	}
}

func refusesLarge(t *testing.T, join func() relay.Relay) {
	a, b := join(), join()
	topic := relay.Topic{Kind: "board", ID: "ops"}
	e, _ := listen(t, b, topic)
	meet(t, a, b)
	if err := a.Publish(topic, make([]byte, a.MaxPayload()+1)); !errors.Is(err, relay.ErrTooLarge) {
		t.Errorf("one byte too much: %v, want ErrTooLarge", err)
	}
	largest := strings.Repeat("x", a.MaxPayload())
	say(t, a, topic, largest)
	e.hears(a.Node() + " " + largest)
}

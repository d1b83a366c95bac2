package memrelay_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/dashwire/dashwire/relay"
	"github.com/dashwire/dashwire/relay/memrelay"
	"github.com/dashwire/dashwire/relay/relaytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRelay(t *testing.T) {
	relaytest.Run(t, func(t *testing.T) func() relay.Relay {
		bus := memrelay.NewBus()
		return func() relay.Relay {
			r := bus.Join()
			t.Cleanup(func() { r.Close() })
			return r
		}
	})
}

func TestCutLosesAndTells(t *testing.T) {
	bus := memrelay.NewBus()
	a, b := bus.Join(), bus.Join()
	defer a.Close()
	defer b.Close()
	topic := relay.Topic{Kind: "board", ID: "ops"}
	got := make(chan relay.Message, 10)
	if _, err := b.Subscribe(topic, func(m relay.Message) { got <- m }); err != nil {
		t.Fatal(err)
	}
	b.Cut()
	if err := b.Publish(topic, nil); !errors.Is(err, relay.ErrAway) {
		t.Errorf("publishing while cut off: %v, want ErrAway", err)
	}
	_ = a.Publish(topic, []byte("lost"))
	b.Mend()
	_ = a.Publish(topic, []byte("after"))
	if m := <-got; !m.Missed {
		t.Errorf("after the cut came %+v, want that something was missed", m)
	}
	if m := <-got; string(m.Payload) != "after" {
		t.Errorf("then came %+v", m)
	}
}

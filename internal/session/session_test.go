package session

import (
	"testing"
	"time"
)

func TestC1_ConnectComesFirst(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		m := n.open(owner("ana")).one("CONNECT")
		if m.str("userId") != "ana" || m.str("clientId") != "" || m.str("protocol") != "1" || m.str("sessionId") == "" {
			t.Errorf("got %s", m.Payload)
		}
	})
}

func TestR2_EveryVersionOnceInOrder(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		a, b := n.join("a"), n.join("b")
		if m := a.follow("ops"); m.str("version") != "0" || m.str("epoch") != "" || m.str("mode") == "" {
			t.Fatalf("empty dashboard: %s", m.Payload)
		}
		b.follow("ops")
		if m := a.create("ops", "cpu"); m.str("version") != "1" || m.str("inStream") != "true" || m.str("status") != "applied" {
			t.Errorf("ack: %s", m.Payload)
		}
		e := b.one("WIDGET_UPDATE")
		if e.str("version") != "1" || e.str("author", "clientId") != "a" {
			t.Errorf("entry: %s", e.Payload)
		}
		a.title("t2", "ops", "cpu", "CPU")
		b.title("t3", "ops", "cpu", "Processor")
		time.Sleep(aWhile)
		for _, p := range []*peer{a, b} {
			got := p.take()
			if len(got) != 2 || got[0].str("version") != "2" || got[1].str("version") != "3" {
				t.Errorf("got %s", describe(got))
			}
		}
	})
}

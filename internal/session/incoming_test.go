package session

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// TestC8_WhoHoldsMostOfUnfinishedMessages: what is held of messages that are not taken in
// yet has a bound for all sessions; beyond it, those sessions end that have cost most.
func TestC8_WhoHoldsMostOfUnfinishedMessages(t *testing.T) {
	over := 0
	o := options{session: func(c *Config) {
		c.IncomingBytes = 1000
		c.Hooks.Limited = func(l observe.Limit, _ observe.Session) {
			if l == observe.LimitIncomingBytes {
				over++
			}
		}
	}}
	bubble(t, o, func(t *testing.T, n *node) {
		held := func(want int64) {
			t.Helper()
			if got := n.server.Stats().IncomingBytes; got != want {
				t.Errorf("%d bytes are held, want %d", got, want)
			}
		}
		// A crowd of one user, each with little, and somebody with one large message.
		ana := n.joinAs("ana", "tab")
		ana.session.Incoming(300)
		var crowd []*peer
		for i := range 7 {
			p := n.joinAs("bo", fmt.Sprint("tab-", i))
			p.session.Incoming(90 + i)
			crowd = append(crowd, p)
		}
		held(300 + 7*93)
		crowd[0].session.Incoming(200) // grows: 50 over the bound, and an eighth is to be free
		crowd[0].bye(wire.CloseOverloaded)
		held(300 + 6*90 + 21)
		if over != 1 {
			t.Errorf("the limit was told %d times", over)
		}
		crowd[0].session.Incoming(250) // its connection still reads
		held(300 + 6*90 + 21)

		// Of one user: who has held most for longest.
		after(3 * time.Second)
		crowd[1].session.Incoming(0)
		crowd[1].session.Incoming(91) // a new message
		crowd[2].send(`{"type":"PING","id":"1","payload":{}}`)
		crowd[2].one("PONG") // taken in: what comes now is younger too
		crowd[1].session.Incoming(231)
		crowd[6].bye(wire.CloseOverloaded)
		crowd[5].bye(wire.CloseOverloaded)
		held(300 + 231 + 92 + 93 + 94)
		for _, p := range []*peer{ana, crowd[1], crowd[2], crowd[3], crowd[4]} {
			if code := p.closedWith(); code != 0 {
				t.Errorf("closed with %d", code)
			}
		}
		// One that is too large by itself.
		ana.session.Incoming(1200)
		ana.bye(wire.CloseOverloaded)
		for _, p := range crowd {
			p.vanish(wire.CloseAbnormal)
		}
		held(0)
	})
}

// TestC8_LongMessagesAtATime: long messages that are being worked on are bounded too; one more
// is refused for later, short ones are not.
func TestC8_LongMessagesAtATime(t *testing.T) {
	g := newGate()
	o := options{journal: g, session: func(c *Config) { c.IncomingBytes = 200 << 10 }}
	bubble(t, o, func(t *testing.T, n *node) {
		long := func(p *peer, id string) {
			p.send(`{"type":"WIDGET_UPDATE","id":%q,"payload":{"dashboardId":"ops","widgetId":%q,"create":true,"set":{"/config/text":%q}}}`,
				id, id, strings.Repeat("x", 90<<10))
		}
		a, b := n.join("a"), n.join("b")
		g.shut()
		long(a, "a1")
		long(b, "b1")
		long(a, "a2")
		m := a.one("NACK")
		if m.CorrelationID != "a2" || m.str("code") != "UNAVAILABLE" || m.str("retryable") != "true" {
			t.Errorf("got %s", m.Payload)
		}
		a.send(`{"type":"PING","id":"1","payload":{}}`)
		a.one("PONG")
		g.open()
		a.one("ACK")
		b.one("ACK")
		long(a, "a2")
		a.one("ACK")
	})
}

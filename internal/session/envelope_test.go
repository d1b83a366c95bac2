package session

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/internal/wire"
)

func TestE1_TimeAndUserAreTheServers(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		a, b := n.join("a"), n.join("b")
		b.follow("ops")
		a.send(`{"type":"WIDGET_UPDATE","id":"o","timestamp":"1999-01-01T00:00:00.000Z","userId":"mallory",` +
			`"payload":{"dashboardId":"ops","widgetId":"w","create":true}}`)
		e := b.one("WIDGET_UPDATE")
		if e.UserID == nil || *e.UserID != "ana" || e.str("author", "userId") != "ana" || !e.Timestamp.Equal(time.Now()) {
			t.Errorf("got %s", e.raw)
		}
		if strings.Contains(string(e.raw), "mallory") || strings.Contains(string(e.raw), "1999") {
			t.Errorf("got %s", e.raw)
		}
	})
}

func TestE2_AnswersNameWhatTheyAnswer(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		p := n.join("a")
		requests := []struct{ text, answer string }{
			{`{"type":"PING","id":"1","payload":{}}`, "PONG"},
			{`{"type":"SYNC_REQUEST","id":"2","payload":{"dashboardId":"ops"}}`, "SYNC_RESPONSE"},
			{`{"type":"WIDGET_UPDATE","id":"3","payload":{"dashboardId":"ops","widgetId":"w","create":true}}`, "ACK"},
			{`{"type":"WIDGET_UPDATE","id":"4","payload":{"dashboardId":"ops","widgetId":"w","create":true}}`, "NACK"},
			{`{"type":"WIDGET_UPDATE","id":"5","payload":{"dashboardId":"ops","widgetId":"gone","set":{"/a":1}}}`, "CONFLICT_DETECTED"},
			{`{"type":"SYNC_REQUEST","id":"6","payload":{"dashboardId":"ops","unsubscribe":true}}`, "SYNC_RESPONSE"},
			{`{"type":"CONNECT","id":"7","payload":{}}`, "CONNECT"},
			{`{"type":"WIDGET_DATA","id":"8","payload":{"dashboardId":"ops","widgetId":"nobody","data":1}}`, "NACK"},
			{`{"type":"PRESENCE","id":"9","payload":{"dashboardId":"ops","state":1}}`, "NACK"},
		}
		for i, r := range requests {
			p.send("%s", r.text)
			if m := p.one(r.answer); m.CorrelationID != string(rune('1'+i)) {
				t.Errorf("%s: correlationId %q", r.text, m.CorrelationID)
			}
		}
	})
}

func TestE3_WhatIsNotAnswered(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		p := n.join("a")
		p.create("ops", "cpu")
		p.follow("ops")
		p.send(`{"type":"PONG","id":"1","payload":{}}`)
		p.send(`{"type":"WIDGET_DATA","id":"2","payload":{"dashboardId":"ops","widgetId":"cpu","data":1}}`)
		p.send(`{"type":"PRESENCE","id":"3","payload":{"dashboardId":"ops","state":1}}`)
		after(aWhile)
		for _, m := range p.take() {
			if m.CorrelationID != "" {
				t.Errorf("got an answer: %s", m.raw)
			}
		}
		p.send(`{"type":"DISCONNECT","id":"4","payload":{}}`)
		p.bye(wire.CloseNormal)
	})
}

func TestE3_SendingAnOpAgainIsANewRequest(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		p := n.join("a")
		p.create("ops", "cpu")
		for range 3 {
			p.title("t", "ops", "cpu", "x")
		}
		got := p.want("ACK ACK ACK")
		for _, m := range got {
			if m.CorrelationID != "t" || m.str("version") != "2" {
				t.Errorf("got %s", m.raw)
			}
		}
	})
}

func TestE3_RequestsThatAreOvertakenAreAnswered(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		p := n.join("a")
		p.create("ops", "cpu")
		p.block(0)
		p.send(`{"type":"PING","id":"0","payload":{}}`) // the connection is full
		p.send(`{"type":"SYNC_REQUEST","id":"1","payload":{"dashboardId":"ops"}}`)
		p.send(`{"type":"SYNC_REQUEST","id":"2","payload":{"dashboardId":"ops","since":{"epoch":"","version":0}}}`)
		p.send(`{"type":"SYNC_REQUEST","id":"3","payload":{"dashboardId":"ops","unsubscribe":true}}`)
		p.send(`{"type":"SYNC_REQUEST","id":"4","payload":{"dashboardId":"ops"}}`)
		n.deleteDashboard("ops", "del")
		p.drink(-1)
		var got []string
		for _, m := range p.take() {
			got = append(got, m.Type+m.CorrelationID+m.str("mode")+m.str("closed"))
		}
		want := "PONG0 SYNC_RESPONSE1none SYNC_RESPONSE2none SYNC_RESPONSE3none SYNC_RESPONSE4none SYNC_UPDATEdeleted"
		if strings.Join(got, " ") != want {
			t.Errorf("got %s", got)
		}
	})
}

func TestE4_BadMessages(t *testing.T) {
	tests := []struct{ name, text, code string }{
		{"no JSON", `hello`, "BAD_MESSAGE"},
		{"no object", `[1,2]`, "BAD_MESSAGE"},
		{"empty", ``, "BAD_MESSAGE"},
		{"no type", `{"id":"1"}`, "BAD_MESSAGE"},
		{"no id", `{"type":"PING"}`, "BAD_MESSAGE"},
		{"unknown type", `{"type":"FLY","id":"1"}`, "UNKNOWN_TYPE"},
		{"only the server's", `{"type":"ACK","id":"1","payload":{}}`, "UNKNOWN_TYPE"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, options{}, func(t *testing.T, n *node) {
				p := n.join("a")
				for range maxBadMessages - 1 {
					p.send("%s", test.text)
					if m := p.one("NACK"); m.str("code") != test.code || m.str("retryable") != "false" {
						t.Fatalf("got %s", m.raw)
					}
				}
				p.send(`{"type":"PING","id":"ok","future":true,"payload":{"more":1}}`) // unknown fields are fine
				p.one("PONG")
				for range maxBadMessages - 1 {
					p.send("%s", test.text)
					p.one("NACK")
				}
				if code := p.closedWith(); code != 0 {
					t.Fatalf("closed with %d although a good message came between", code)
				}
				p.send("%s", test.text)
				p.bye(wire.CloseBadMessages)
			})
		})
	}
}

func TestE4_RefusalsDoNotCount(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		p := n.join("a")
		for range 2 * maxBadMessages {
			p.send(`{"type":"WIDGET_UPDATE","id":"1","payload":{"dashboardId":"no such id","widgetId":"w"}}`)
			p.refused("1", "INVALID_ID")
		}
	})
}

func TestE5_OversizedIsAnswered(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		p := n.join("a")
		p.session.Oversized("big", 2<<20)
		p.refused("big", "TOO_LARGE")
		p.session.Oversized("", 2<<20)
		p.refused("", "TOO_LARGE")
		p.send(`{"type":"PING","id":"1","payload":{}}`)
		p.one("PONG")
	})
}

func TestNothingFollowsDisconnect(t *testing.T) {
	g := newGate()
	bubble(t, options{journal: g}, func(t *testing.T, n *node) {
		a, b := n.join("a"), n.join("b")
		a.follow("ops")
		g.shut()
		a.send(`{"type":"WIDGET_UPDATE","id":"o","payload":{"dashboardId":"ops","widgetId":"w","create":true}}`)
		// The goodbye is stuck in a full connection when the answer and an entry come.
		a.block(0)
		a.session.push(wire.AppendPong(nil, "x", time.Now()))
		synctest.Wait()
		n.server.Disconnect(a.session.ID(), wire.CloseForbidden, "out")
		g.open()
		b.create("ops", "w2")
		after(aWhile)
		if got, code := a.take(), a.closedWith(); len(got) != 0 || code != 0 {
			t.Errorf("got %s, closed with %d before it could take the goodbye", describe(got), code)
		}
		a.drink(-1) // it was only slow for a moment
		a.want("PONG DISCONNECT")
		if code := a.closedWith(); code != wire.CloseForbidden {
			t.Errorf("closed with %d", code)
		}
	})
}

func TestGoodbyeIsNotKeptForAStalledConnection(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		p := n.join("a")
		p.block(0)
		p.session.push(wire.AppendPong(nil, "x", time.Now()))
		after(goodbyeWithin)
		n.server.Disconnect(p.session.ID(), wire.CloseRestart, "out")
		if code := p.closedWith(); code != wire.CloseRestart {
			t.Errorf("closed with %d", code)
		}
	})
}

func TestGoodbyeThatIsNotTakenEndsAnyway(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		p := n.join("a")
		p.block(5)
		n.server.Disconnect(p.session.ID(), wire.CloseRestart, "out")
		if code := p.closedWith(); code != 0 {
			t.Fatalf("closed with %d before it could take the goodbye", code)
		}
		after(4 * time.Second)
		if code := p.closedWith(); code != wire.CloseRestart {
			t.Errorf("closed with %d", code)
		}
	})
}

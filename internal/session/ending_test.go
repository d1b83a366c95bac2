package session

import (
	"strings"
	"testing"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/journal/memjournal"
)

// lines are the messages about a dashboard, in brief.
func lines(list []message, dashboard string) string {
	var all []string
	for _, m := range list {
		if m.str("dashboardId") != dashboard {
			continue
		}
		words := []string{m.Type}
		for _, w := range []string{m.ID, m.CorrelationID, m.str("mode"), m.str("closed"), m.str("role"), m.str("version"), m.str("inStream")} {
			if w != "" {
				words = append(words, w)
			}
		}
		all = append(all, strings.Join(words, " "))
	}
	return strings.Join(all, "\n")
}

// ownBehind makes a follow ops, where it has heard version 1. It takes no bytes; due
// to it are version 2, which is b's, and the ACK of its own version 3.
func ownBehind(a, b *peer) {
	a.t.Helper()
	a.create("ops", "cpu")
	a.follow("ops")
	a.block(0)
	a.send(`{"type":"PING","id":"full","payload":{}}`)
	b.title("other", "ops", "cpu", "theirs")
	a.title("own", "ops", "cpu", "mine")
	after(aWhile)
	b.take()
}

func TestR2_AnswersBeyondAnEndedSubscriptionComeAfterItsEnd(t *testing.T) {
	rights := &ledger{}
	tests := []struct {
		name string
		end  func(n *node, a *peer)
		want string
	}{
		{"unsubscribed", func(_ *node, a *peer) {
			a.send(`{"type":"SYNC_REQUEST","id":"off","payload":{"dashboardId":"ops","unsubscribe":true}}`)
		}, "SYNC_RESPONSE off none\nACK own 3 false"},
		{"deleted", func(n *node, _ *peer) { n.deleteDashboard("ops", "del") }, "SYNC_UPDATE deleted\nACK own 3 false"},
		{"forbidden", func(n *node, _ *peer) {
			rights.role = auth.None
			n.server.RereadRights("")
		}, "SYNC_UPDATE forbidden\nACK own 3 false"},
		{"forbidden after a change of role", func(n *node, _ *peer) {
			rights.role = auth.Viewer
			n.server.RereadRights("")
			rights.role = auth.None
			n.server.RereadRights("")
		}, "SYNC_UPDATE forbidden\nACK own 3 false"},
		{"begun anew", func(_ *node, a *peer) {
			a.send(`{"type":"SYNC_REQUEST","id":"on","payload":{"dashboardId":"ops"}}`)
		}, "SYNC_RESPONSE on snapshot owner 3\nACK own 3 false"},
		{"begun anew twice", func(_ *node, a *peer) {
			a.send(`{"type":"SYNC_REQUEST","id":"1","payload":{"dashboardId":"ops"}}`)
			a.send(`{"type":"SYNC_REQUEST","id":"2","payload":{"dashboardId":"ops"}}`)
		}, "SYNC_RESPONSE 1 none\nSYNC_RESPONSE 2 snapshot owner 3\nACK own 3 false"},
		{"ended and begun", func(_ *node, a *peer) {
			a.send(`{"type":"SYNC_REQUEST","id":"off","payload":{"dashboardId":"ops","unsubscribe":true}}`)
			a.send(`{"type":"SYNC_REQUEST","id":"on","payload":{"dashboardId":"ops"}}`)
		}, "SYNC_RESPONSE off none\nSYNC_RESPONSE on snapshot owner 3\nACK own 3 false"},
		{"refused", func(_ *node, a *peer) {
			rights.role = auth.None
			a.send(`{"type":"SYNC_REQUEST","id":"on","payload":{"dashboardId":"ops"}}`)
		}, "SYNC_UPDATE forbidden\nACK own 3 false"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rights.role = auth.Owner
			bubble(t, options{session: func(c *Config) { c.Authorizer = rights }}, func(t *testing.T, n *node) {
				a, b := n.join("a"), n.join("b")
				ownBehind(a, b)
				tt.end(n, a)
				after(aWhile)
				a.drink(-1)
				after(aWhile)
				if got := lines(a.take(), "ops"); got != tt.want {
					t.Errorf("got\n%s\nwant\n%s", got, tt.want)
				}
			})
		})
	}
}

// While a request to begin anew waits for the journal, the client is still in the
// subscription that it has.
func TestR2_ASubscriptionGoesOnUntilItsSuccessorIsThere(t *testing.T) {
	g := newGate()
	bubble(t, options{journal: g}, func(t *testing.T, n *node) {
		a, b := n.join("a"), n.join("b")
		ownBehind(a, b)
		g.shut()
		handled := make(chan struct{})
		go func() {
			defer close(handled)
			a.send(`{"type":"SYNC_REQUEST","id":"on","payload":{"dashboardId":"ops","since":{"epoch":"other","version":9}}}`)
		}()
		after(aWhile)
		a.drink(-1)
		after(aWhile)
		if got, want := lines(a.take(), "ops"), "WIDGET_UPDATE other 2\nACK own 3 true"; got != want {
			t.Errorf("before the answer got\n%s\nwant\n%s", got, want)
		}
		g.open()
		<-handled
		if got, want := lines(a.take(), "ops"), "SYNC_RESPONSE on snapshot owner 3"; got != want {
			t.Errorf("then got\n%s\nwant\n%s", got, want)
		}
	})
}

func TestR1_ARefusedRequestLeavesTheSubscription(t *testing.T) {
	g := newGate()
	bubble(t, options{journal: g}, func(t *testing.T, n *node) {
		a, b := n.join("a"), n.join("b")
		a.create("ops", "cpu")
		a.follow("ops")
		g.shut()
		handled := make(chan struct{})
		go func() {
			defer close(handled)
			a.send(`{"type":"SYNC_REQUEST","id":"on","payload":{"dashboardId":"ops","since":{"epoch":"other","version":9}}}`)
		}()
		<-handled // the journal has not answered in time
		a.refused("on", "UNAVAILABLE")
		g.open()
		b.title("other", "ops", "cpu", "theirs")
		after(aWhile)
		if got, want := lines(a.take(), "ops"), "WIDGET_UPDATE other 2"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// An answer that waits for another dashboard must not let a subscription be heard
// before the end of the one that it follows on.
func TestR1_ANewSubscriptionDoesNotOvertakeTheEndOfTheOld(t *testing.T) {
	j := &slowReads{Journal: memjournal.New(memjournal.Options{})}
	bubble(t, options{journal: j, room: func(c *room.Config) { c.TailEntries = 4 }}, func(t *testing.T, n *node) {
		j.way = make(chan struct{})
		a, b := n.join("a"), n.join("b")
		for _, id := range []string{"ops", "net"} {
			a.create(id, "cpu")
			a.follow(id)
		}
		a.block(0)
		a.send(`{"type":"PING","id":"full","payload":{}}`)
		b.fill("ops", "cpu", 50, 100)
		a.title("ops-own", "ops", "cpu", "mine") // its answer waits until a has caught up on ops
		a.title("net-own", "net", "cpu", "mine")
		after(aWhile)
		a.send(`{"type":"SYNC_REQUEST","id":"off","payload":{"dashboardId":"net","unsubscribe":true}}`)
		a.send(`{"type":"SYNC_REQUEST","id":"on","payload":{"dashboardId":"net"}}`)
		a.drink(-1)
		after(aWhile)
		before := a.take()
		close(j.way)
		after(aWhile)
		got := lines(append(before, a.take()...), "net")
		if want := "SYNC_RESPONSE off none\nSYNC_RESPONSE on snapshot owner 2\nACK net-own 2 false"; got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// What was committed in an epoch that has ended stands for no version in the next one.
func TestR2_AnswersOfAnEarlierEpoch(t *testing.T) {
	tests := []struct {
		name   string
		before string // what the session is due when the dashboard goes
		after  string // and what it sends once it follows the empty one
		want   string
	}{
		{
			"the first version", `{"type":"WIDGET_UPDATE","id":"first","payload":{"dashboardId":"ops","widgetId":"cpu","create":true}}`, "",
			"SYNC_RESPONSE on snapshot owner 0\nACK first 1 false\nACK new 1 true",
		},
		{
			"an op sent again", "", `{"type":"WIDGET_UPDATE","id":"old","payload":{"dashboardId":"ops","widgetId":"mem","create":true}}`,
			"SYNC_RESPONSE on snapshot owner 0\nACK old 2 false\nACK new 1 true",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, options{}, func(t *testing.T, n *node) {
				p := n.join("a")
				if tt.before == "" {
					p.create("ops", "cpu")
					p.send("%s", tt.after)
					p.one("ACK")
				}
				p.block(0)
				p.send(`{"type":"PING","id":"full","payload":{}}`)
				if tt.before != "" {
					p.send("%s", tt.before)
					after(aWhile)
				}
				n.deleteDashboard("ops", "del")
				p.send(`{"type":"SYNC_REQUEST","id":"on","payload":{"dashboardId":"ops"}}`)
				if tt.after != "" {
					p.send("%s", tt.after)
					after(aWhile)
				}
				p.send(`{"type":"WIDGET_UPDATE","id":"new","payload":{"dashboardId":"ops","widgetId":"cpu","create":true}}`)
				after(aWhile)
				p.drink(-1)
				after(aWhile)
				if got := lines(p.take(), "ops"); got != tt.want {
					t.Errorf("got\n%s\nwant\n%s", got, tt.want)
				}
			})
		})
	}
}

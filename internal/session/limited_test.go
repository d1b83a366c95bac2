package session

import (
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/observe"
)

// TestC8_EachLimitIsCounted: whoever hits a limit of a session, a hook tells which one,
// and of whom.
func TestC8_EachLimitIsCounted(t *testing.T) {
	for _, c := range []struct {
		limit observe.Limit
		user  string // who hits it
		times int    // 0 = once or more
		set   func(*Config)
		do    func(n *node)
	}{
		{observe.LimitSessionsPerUser, "ana", 1, func(c *Config) { c.SessionsPerUser = 1 }, func(n *node) {
			n.join("a")
			n.open(owner("ana"))
		}},
		{observe.LimitSignInTime, "", 2, func(c *Config) { c.Authenticator = door{} }, func(n *node) {
			n.open(nil)
			n.open(nil)
			after(12 * time.Second)
		}},
		{observe.LimitBadMessages, "ana", 1, nil, func(n *node) {
			p := n.join("a")
			for range maxBadMessages {
				p.send("?")
			}
		}},
		{observe.LimitSessionRate, "ana", 0, func(c *Config) { c.MessagesPerSecond, c.MessageBurst = 1, 1 }, func(n *node) {
			<-burst(n.join("a"), 4)
		}},
		{observe.LimitSessionRateForTooLong, "ana", 1, func(c *Config) { c.MessagesPerSecond, c.MessageBurst = 1, 1 }, func(n *node) {
			<-burst(n.join("a"), 40)
		}},
		{board.LimitMessageBytes, "ana", 1, nil, func(n *node) { n.join("a").session.Oversized("x", 100_000) }},
		{observe.LimitUnsignedMessageBytes, "", 1, func(c *Config) { c.Authenticator = door{} }, func(n *node) {
			n.open(nil).session.Oversized("x", 100_000)
		}},
		{board.LimitDashboards, "ana", 1, func(c *Config) { c.Limits.Dashboards = 1 }, func(n *node) {
			p := n.join("a")
			for i := range 2 {
				p.send(`{"type":"SYNC_REQUEST","id":"s%d","payload":{"dashboardId":"d%d"}}`, i, i)
			}
		}},
		{board.LimitDepth, "ana", 1, nil, func(n *node) {
			n.join("a").send(`{"type":"PING","id":"x","payload":%s}`, strings.Repeat("[", 10_000))
		}},
		{board.LimitStateBytes, "ana", 1, nil, func(n *node) {
			p := n.join("a")
			p.follow("ops")
			p.send(`{"type":"PRESENCE","id":"x","payload":{"dashboardId":"ops","state":%q}}`, strings.Repeat("x", 5000))
		}},
		{board.LimitValueBytes, "ana", 1, nil, func(n *node) {
			n.join("a").send(`{"type":"WIDGET_DATA","id":"x","payload":{"dashboardId":"ops","widgetId":"cpu","data":%q}}`, strings.Repeat("x", 70_000))
		}},
		{board.LimitWidgets, "ana", 1, nil, func(n *node) {
			n.join("a").send(`{"type":"WIDGET_BATCH","id":"x","payload":{"dashboardId":"ops","operations":[` +
				`{"type":"DASHBOARD_UPDATE","set":{"/limits":{"widgets":1}}},` +
				`{"type":"WIDGET_UPDATE","widgetId":"a","create":true},{"type":"WIDGET_UPDATE","widgetId":"b","create":true}]}}`)
		}},
		{observe.LimitHeldBytes, "ana", 0, func(c *Config) { c.HeldBytes = 50_000 }, func(n *node) {
			a := n.join("a")
			a.create("ops", "cpu")
			p := n.join("slow")
			p.follow("ops")
			p.block(10)
			a.title("big", "ops", "cpu", strings.Repeat("x", 60_000))
			after(aWhile)
		}},
	} {
		t.Run(string(c.limit), func(t *testing.T) {
			var hits []string
			var n *node
			o := options{session: func(cfg *Config) {
				if c.set != nil {
					c.set(cfg)
				}
				cfg.Hooks.Limited = func(l observe.Limit, s observe.Session) {
					if l == c.limit {
						hits = append(hits, s.UserID)
					}
				}
			}}
			bubble(t, o, func(_ *testing.T, started *node) {
				n = started
				c.do(n)
				after(aWhile)
			})
			if len(hits) == 0 || c.times > 0 && len(hits) != c.times || hits[0] != c.user {
				t.Errorf("hit by %q, want %d times by %q", hits, c.times, c.user)
			}
		})
	}
}

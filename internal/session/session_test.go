package session

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

// door is an Authenticator that knows its tokens by heart.
type door map[string]auth.Principal

func (d door) Authenticate(_ context.Context, c auth.Credentials) (auth.Principal, error) {
	if c.Token == "broken" {
		return auth.Principal{}, errors.New("the key server does not answer")
	}
	p, ok := d[c.Token]
	if !ok || c.Source != auth.FromConnect {
		return auth.Principal{}, fmt.Errorf("no such token: %w", auth.ErrUnauthenticated)
	}
	return p, nil
}

func withDoor(d door) options {
	return options{session: func(c *Config) { c.Authenticator = d }}
}

// ending is a principal whose token ends.
func tokenOf(user string, ends time.Time, grants ...auth.Grant) auth.Principal {
	if grants == nil {
		grants = owner(user).Grants
	}
	return auth.Principal{UserID: user, Expires: ends, Grants: grants}
}

func TestC1_ConnectComesFirst(t *testing.T) {
	tests := []struct {
		name   string
		meta   Meta
		first  string // the rest of what comes
		userID string
		auth   string // authRequired
	}{
		{"signed in", Meta{Principal: owner("ana")}, "", "ana", ""},
		{"nobody", Meta{}, "", "", "true"},
		{"bad token", Meta{SignInError: auth.ErrUnauthenticated}, "DISCONNECT", "", "true"},
		{"stream", Meta{Principal: owner("ana"), OneWay: true, Transport: "sse", ClientID: "tab"}, "", "ana", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, options{}, func(t *testing.T, n *node) {
				got := n.openWith(test.meta).take()
				if len(got) == 0 || got[0].Type != "CONNECT" || types(got[1:]) != test.first {
					t.Fatalf("got %s", describe(got))
				}
				m := got[0]
				if m.str("userId") != test.userID || m.str("clientId") != test.meta.ClientID || m.str("protocol") != "1" ||
					m.str("sessionId") == "" || m.str("heartbeat", "intervalMs") != "25000" || m.str("limits", "operations") != "500" ||
					m.str("authRequired") != test.auth && m.str("authRequired") != "false" {
					t.Errorf("got %s", m.Payload)
				}
			})
		})
	}
}

func TestC1_TooManySessionsHearConnectFirst(t *testing.T) {
	bubble(t, options{session: func(c *Config) { c.SessionsPerUser = 1 }}, func(t *testing.T, n *node) {
		n.open(owner("ana"))
		if got := n.open(owner("ana")).take(); types(got) != "CONNECT DISCONNECT" {
			t.Errorf("got %s", describe(got))
		}
	})
}

func TestC2_SignInWithinTenSeconds(t *testing.T) {
	bubble(t, withDoor(door{"t": *owner("ana")}), func(t *testing.T, n *node) {
		late, early := n.open(nil), n.open(nil)
		early.send(`{"type":"CONNECT","id":"c","payload":{"token":"t","clientId":"a"}}`)
		if m := early.want("CONNECT CONNECT")[1]; m.str("userId") != "ana" || m.str("clientId") != "a" || m.CorrelationID != "c" {
			t.Errorf("got %s", m.Payload)
		}
		after(9 * time.Second)
		if code := late.closedWith(); code != 0 {
			t.Errorf("closed with %d before its time", code)
		}
		after(2 * time.Second)
		late.bye(wire.CloseSignIn)
		if code := early.closedWith(); code != 0 {
			t.Errorf("who has signed in was closed with %d", code)
		}
	})
}

func TestC2_BeforeSignIn(t *testing.T) {
	requests := []struct{ name, text, answer string }{
		{"ping", `{"type":"PING","id":"1"}`, "PONG"},
		{"connect", `{"type":"CONNECT","id":"1","payload":{}}`, "UNAUTHENTICATED"},
		{"sync", `{"type":"SYNC_REQUEST","id":"1","payload":{"dashboardId":"ops"}}`, "UNAUTHENTICATED"},
		{"op", `{"type":"WIDGET_DELETE","id":"1","payload":{"dashboardId":"ops","widgetId":"cpu"}}`, "UNAUTHENTICATED"},
		{"presence", `{"type":"PRESENCE","id":"1","payload":{"dashboardId":"ops","state":{}}}`, "UNAUTHENTICATED"},
		{"data", `{"type":"WIDGET_DATA","id":"1","payload":{"dashboardId":"ops","widgetId":"cpu","data":1}}`, "UNAUTHENTICATED"},
	}
	for _, test := range requests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, withDoor(door{}), func(t *testing.T, n *node) {
				p := n.open(nil)
				p.one("CONNECT")
				p.send("%s", test.text)
				if test.answer == "PONG" {
					if m := p.one("PONG"); m.CorrelationID != "1" || m.str("serverTime") == "" {
						t.Errorf("got %s", m.Payload)
					}
					return
				}
				if m := p.refused("1", test.answer); m.str("retryable") != "true" {
					t.Errorf("got %s", m.Payload)
				}
			})
		})
	}
}

func TestC2_BadTokens(t *testing.T) {
	tests := []struct {
		name, token string
		code        wire.CloseCode
	}{
		{"unknown", "nonsense", wire.CloseSignIn},
		{"cannot be checked", "broken", wire.CloseOverloaded},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, withDoor(door{}), func(t *testing.T, n *node) {
				p := n.open(nil)
				p.send(`{"type":"CONNECT","id":"c","payload":{"token":%q}}`, test.token)
				p.bye(test.code)
			})
		})
	}
}

func TestC3_TokenEnds(t *testing.T) {
	d := door{}
	bubble(t, withDoor(d), func(t *testing.T, n *node) {
		begin := time.Now()
		p := n.open(ptr(tokenOf("ana", begin.Add(5*time.Minute))))
		p.send(`{"type":"CONNECT","id":"c","payload":{"clientId":"a"}}`)
		p.want("CONNECT CONNECT")
		p.follow("ops")
		alive := keepAlive(p, begin.Add(20*time.Minute))
		defer alive()

		after(4*time.Minute - 2*time.Second)
		p.want("")
		after(3 * time.Second)
		if m := p.one("CONNECT"); m.str("authRequired") != "true" || m.CorrelationID != "" {
			t.Errorf("got %s", m.Payload)
		}

		// Reading goes on beyond the end, ops do not (P3).
		after(59*time.Second + 500*time.Millisecond)
		other := n.join("b")
		other.create("ops", "cpu")
		p.one("WIDGET_UPDATE")
		p.title("t1", "ops", "cpu", "late")
		if m := p.refused("t1", "UNAUTHENTICATED"); m.str("retryable") != "true" {
			t.Errorf("got %s", m.Payload)
		}

		d["fresh"] = tokenOf("ana", begin.Add(10*time.Minute))
		p.send(`{"type":"CONNECT","id":"c2","payload":{"token":"fresh"}}`)
		if m := p.one("CONNECT"); m.CorrelationID != "c2" || m.str("authRequired") == "true" {
			t.Errorf("got %s", m.Payload)
		}
		p.title("t2", "ops", "cpu", "again")
		p.one("ACK")

		after(4 * time.Minute) // to 9 min: asked again
		p.one("CONNECT")
		after(10*time.Minute + 24*time.Second - time.Since(begin))
		if code := p.closedWith(); code != 0 {
			t.Fatalf("closed with %d before 25 s after the end", code)
		}
		after(3 * time.Second)
		p.bye(wire.CloseSignIn)
	})
}

func ptr[T any](v T) *T { return &v }

// keepAlive sends PING every ten seconds and swallows the PONG.
func keepAlive(p *peer, until time.Time) (stop func()) {
	done := make(chan struct{})
	go func() {
		for time.Now().Before(until) {
			select {
			case <-time.After(10 * time.Second):
				p.session.Alive(time.Now())
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
}

func TestC3_ShortTokens(t *testing.T) {
	d := door{}
	bubble(t, withDoor(d), func(t *testing.T, n *node) {
		p := n.open(ptr(tokenOf("ana", time.Now().Add(30*time.Second))))
		if got := p.want("CONNECT CONNECT"); got[1].str("authRequired") != "true" {
			t.Errorf("got %s", describe(got))
		}
		d["short"] = tokenOf("ana", time.Now().Add(40*time.Second))
		p.send(`{"type":"CONNECT","id":"c","payload":{"token":"short"}}`)
		if m := p.one("CONNECT"); m.str("authRequired") == "true" {
			t.Errorf("asked at once for what has just come: %s", m.Payload)
		}
		after(21 * time.Second)
		if m := p.one("CONNECT"); m.str("authRequired") != "true" {
			t.Errorf("got %s", m.Payload)
		}
	})
}

func TestC3_TokenOfAnotherUser(t *testing.T) {
	bubble(t, withDoor(door{"bo": *owner("bo")}), func(t *testing.T, n *node) {
		p := n.join("a")
		p.send(`{"type":"CONNECT","id":"c","payload":{"token":"bo"}}`)
		p.bye(wire.CloseSignIn)
	})
}

func TestC3_RightsComeAnewFromEachToken(t *testing.T) {
	viewer := []auth.Grant{{Pattern: "ops", Role: auth.Viewer}}
	d := door{"less": tokenOf("ana", time.Time{}, viewer...)}
	bubble(t, withDoor(d), func(t *testing.T, n *node) {
		p, other := n.join("a"), n.join("b")
		for _, id := range []string{"ops", "net"} {
			other.create(id, "cpu")
			p.follow(id)
		}
		p.send(`{"type":"CONNECT","id":"c","payload":{"token":"less"}}`)
		got := p.want("CONNECT SYNC_UPDATE SYNC_UPDATE")
		if got[1].str("dashboardId") != "net" || got[1].str("closed") != "forbidden" {
			t.Errorf("net: %s", got[1].Payload)
		}
		if got[2].str("dashboardId") != "ops" || got[2].str("role") != "viewer" {
			t.Errorf("ops: %s", got[2].Payload)
		}
		other.title("t1", "net", "cpu", "secret")
		other.title("t2", "ops", "cpu", "open")
		after(aWhile)
		if m := p.one("WIDGET_UPDATE"); m.ID != "t2" {
			t.Errorf("got %s", m.Payload)
		}
		p.title("t3", "ops", "cpu", "mine")
		p.refused("t3", "FORBIDDEN")
	})
}

func TestP4_RightsReadAnew(t *testing.T) {
	rights := &ledger{role: auth.Owner}
	bubble(t, options{session: func(c *Config) { c.Authorizer = rights }}, func(t *testing.T, n *node) {
		p, bo := n.join("a"), n.joinAs("bo", "b")
		p.create("ops", "cpu")
		p.follow("ops")
		bo.follow("ops")
		rights.role = auth.None
		if looked := n.server.RereadRights("ana"); looked != 1 {
			t.Errorf("looked at %d sessions, want 1", looked)
		}
		if m := p.one("SYNC_UPDATE"); m.str("closed") != "forbidden" {
			t.Errorf("got %s", m.Payload)
		}
		bo.want("")
		n.server.RereadRights("")
		bo.one("SYNC_UPDATE")
		p.want("")
		p.send(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`)
		p.refused("s", "NOT_FOUND")
	})
}

// ledger is an Authorizer whose mind can be changed between two messages.
type ledger struct{ role auth.Role }

func (l *ledger) Role(context.Context, auth.Principal, string) (auth.Role, error) {
	return l.role, nil
}

func TestP3_RightsAreThoseWhenTheMessageComes(t *testing.T) {
	rights := &ledger{role: auth.Editor}
	bubble(t, options{session: func(c *Config) { c.Authorizer = rights }}, func(t *testing.T, n *node) {
		p := n.join("a")
		p.create("ops", "cpu")
		rights.role = auth.Feeder
		p.title("t1", "ops", "cpu", "no")
		p.refused("t1", "FORBIDDEN")
		p.send(`{"type":"WIDGET_DATA","id":"d","payload":{"dashboardId":"ops","widgetId":"cpu","data":1}}`)
		p.want("")
		rights.role = auth.Viewer
		p.send(`{"type":"WIDGET_DATA","id":"d2","payload":{"dashboardId":"ops","widgetId":"cpu","data":2}}`)
		p.refused("d2", "FORBIDDEN")
	})
}

func TestC4_WebSocketPing(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		p := n.join("a")
		after(24 * time.Second)
		if p.pinged() != 0 {
			t.Errorf("pinged after %d s", 24)
		}
		after(2 * time.Second)
		if p.pinged() != 1 {
			t.Errorf("%d pings after 26 s, want 1", p.pinged())
		}
		p.session.Alive(time.Now()) // the pong
		after(27 * time.Second)
		if p.pinged() != 2 || p.closedWith() != 0 {
			t.Errorf("%d pings, closed with %d", p.pinged(), p.closedWith())
		}
		after(11 * time.Second)
		p.bye(wire.CloseHeartbeat)
		if s := n.server.Stats(); s.Sessions != 0 || s.Users != 0 || s.Closed[wire.CloseHeartbeat] != 1 {
			t.Errorf("not cleaned up: %+v", s)
		}
	})
}

// TestC4_AnAnswerCountsHoweverLongAgo: the time to answer in may be longer than the
// interval, so that an answer is old when it is looked for.
func TestC4_AnAnswerCountsHoweverLongAgo(t *testing.T) {
	o := options{session: func(c *Config) { c.HeartbeatEvery, c.HeartbeatTimeout = 2*time.Second, 10*time.Second }}
	bubble(t, o, func(t *testing.T, n *node) {
		p := n.join("a")
		for pings := 1; pings < 5; pings++ {
			for p.pinged() < pings && p.closedWith() == 0 {
				after(time.Second)
			}
			p.session.Alive(time.Now()) // the pong
		}
		if code := p.closedWith(); code != 0 {
			t.Errorf("closed with %d", code)
		}
		after(30 * time.Second)
		p.bye(wire.CloseHeartbeat)
	})
}

func TestC4_AppPing(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		p, other := n.open(owner("ana")), n.join("b")
		p.send(`{"type":"CONNECT","id":"c","payload":{"clientId":"a","heartbeat":"app"}}`)
		p.want("CONNECT CONNECT")
		// A client that speaks all the time still hears from a quiet server.
		for range 8 {
			after(5 * time.Second)
			p.session.Alive(time.Now())
			other.session.Alive(time.Now())
		}
		if m := p.one("PING"); m.ID == "" {
			t.Error("PING has no id")
		}
		if p.pinged() != 0 {
			t.Error("a client of the app heartbeat got a WebSocket ping")
		}
		after(26 * time.Second)
		p.want("PING PING") // the server was silent, then the client
		p.send(`{"type":"PONG","id":"x","payload":{}}`)
		after(20 * time.Second)
		if code := p.closedWith(); code != 0 {
			t.Errorf("closed with %d although PONG came", code)
		}
		after(20 * time.Second)
		p.bye(wire.CloseHeartbeat)
	})
}

func TestC4_FullConnectionIsNotTakenForSilence(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		p := n.open(owner("ana"))
		p.send(`{"type":"CONNECT","id":"c","payload":{"clientId":"a","heartbeat":"app"}}`)
		p.take()
		p.follow("ops")
		p.block(10)
		other := n.join("b")
		other.create("ops", "cpu")
		after(60 * time.Second)
		if code := p.closedWith(); code != 0 {
			t.Fatalf("closed with %d while its connection was full", code)
		}
		p.drink(-1)
		after(11 * time.Second)
		got := p.take()
		pings := 0
		for _, m := range got {
			if m.Type == "PING" {
				pings++
			}
		}
		if pings != 1 {
			t.Errorf("%d pings, want 1 after the connection is free: %s", pings, describe(got))
		}
		after(11 * time.Second)
		p.bye(wire.CloseHeartbeat)
	})
}

func TestC4_StreamsAreNotAskedForSignsOfLife(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		p := n.openWith(Meta{Principal: owner("ana"), OneWay: true, Transport: "sse"})
		after(2 * time.Minute)
		if p.closedWith() != 0 || p.pinged() < 3 {
			t.Errorf("closed with %d after %d pings", p.closedWith(), p.pinged())
		}
	})
}

func TestC5_PingGetsPongAtOnce(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		p := n.join("a")
		p.follow("ops")
		begin := time.Now()
		p.send(`{"type":"PING","id":"p1","payload":{}}`)
		m := p.one("PONG")
		if m.CorrelationID != "p1" || !m.at.Equal(begin) {
			t.Errorf("got %s after %s", m.CorrelationID, m.at.Sub(begin))
		}
	})
}

func TestC6_TakeOver(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		old, namesake := n.join("tab"), n.joinAs("bo", "tab")
		fresh := n.open(owner("ana"))
		fresh.one("CONNECT")
		after(aWhile)
		if code := old.closedWith(); code != 0 {
			t.Fatalf("an upgrade alone has closed the older session with %d", code)
		}
		fresh.send(`{"type":"CONNECT","id":"c","payload":{"clientId":"tab"}}`)
		if m := fresh.one("CONNECT"); m.str("clientId") != "tab" || m.str("userId") != "ana" {
			t.Errorf("got %s", m.Payload)
		}
		if m := old.bye(wire.CloseReplaced); m.str("reconnect") != "" {
			t.Errorf("told to come back: %s", m.Payload)
		}
		if code := namesake.closedWith(); code != 0 {
			t.Errorf("another user's client of the same id was closed with %d", code)
		}
		// Naming itself again takes nothing over.
		fresh.send(`{"type":"CONNECT","id":"c2","payload":{"clientId":"tab"}}`)
		fresh.one("CONNECT")
		fresh.send(`{"type":"CONNECT","id":"c3","payload":{"clientId":"other"}}`)
		fresh.refused("c3", "BAD_MESSAGE")
	})
}

func TestC6_OldSessionRefreshingDoesNotTakeBack(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		old := n.join("tab")
		old.block(0)
		fresh := n.join("tab")
		old.send(`{"type":"CONNECT","id":"c","payload":{"clientId":"tab"}}`)
		after(aWhile)
		if code := fresh.closedWith(); code != 0 {
			t.Errorf("the newer session was closed with %d", code)
		}
	})
}

func TestC6_ServerNamesAClientWithoutAName(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		p := n.open(owner("ana"))
		p.send(`{"type":"CONNECT","id":"c","payload":{}}`)
		named := p.want("CONNECT CONNECT")[1].str("clientId")
		if named == "" {
			t.Error("no clientId")
		}
		q := n.open(owner("ana"))
		q.follow2("ops") // without any CONNECT
		p.send(`{"type":"WIDGET_UPDATE","id":"o","payload":{"dashboardId":"ops","widgetId":"w","create":true}}`)
		p.one("ACK")
		if m := q.one("WIDGET_UPDATE"); m.str("author", "clientId") != named {
			t.Errorf("author is %s, want %s", m.str("author", "clientId"), named)
		}
	})
}

// follow2 subscribes and takes whatever has come so far.
func (p *peer) follow2(dashboard string) []message {
	p.send(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":%q}}`, dashboard)
	return p.take()
}

func TestC6_OldSessionsOpsMayStillCommit(t *testing.T) {
	g := newGate()
	bubble(t, options{journal: g}, func(t *testing.T, n *node) {
		old := n.join("tab")
		g.shut()
		old.send(`{"type":"WIDGET_UPDATE","id":"o","payload":{"dashboardId":"ops","widgetId":"w","create":true}}`)
		fresh := n.join("tab")
		old.bye(wire.CloseReplaced)
		fresh.send(`{"type":"WIDGET_UPDATE","id":"o","payload":{"dashboardId":"ops","widgetId":"w","create":true}}`)
		g.open()
		after(aWhile)
		if m := fresh.one("ACK"); m.str("version") != "1" || m.str("inStream") != "false" {
			t.Errorf("got %s", m.Payload)
		}
	})
}

func TestD2_ClientIdsAreIds(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		p := n.open(owner("ana"))
		p.one("CONNECT")
		p.send(`{"type":"CONNECT","id":"c","payload":{"clientId":"no spaces"}}`)
		p.refused("c", string(board.CodeInvalidID))
	})
}

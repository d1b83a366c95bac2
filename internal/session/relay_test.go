package session

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/journal/memjournal"
	"github.com/dashwire/dashwire/relay"
	"github.com/dashwire/dashwire/relay/memrelay"
)

// member is a node of a cluster.
type member struct {
	*node
	relay *memrelay.Relay
	end   func()
}

// cluster runs a test on nodes that share a journal and a relay.
func cluster(t *testing.T, count int, o options, f func(t *testing.T, nodes []*member)) {
	t.Helper()
	if o.journal == nil {
		o.journal = memjournal.New(memjournal.Options{})
	}
	synctest.Test(t, func(t *testing.T) {
		bus := memrelay.NewBus()
		var nodes []*member
		for range count {
			nodes = append(nodes, joinCluster(t, bus, o))
		}
		after(time.Millisecond)
		defer func() {
			for _, m := range nodes {
				m.stop()
			}
		}()
		f(t, nodes)
	})
}

func joinCluster(t *testing.T, bus *memrelay.Bus, o options) *member {
	t.Helper()
	r := bus.Join()
	ofRoom, ofSession := o.room, o.session
	o.room = func(c *room.Config) {
		c.Relay = r
		if ofRoom != nil {
			ofRoom(c)
		}
	}
	o.session = func(c *Config) {
		c.Relay = r
		if ofSession != nil {
			ofSession(c)
		}
	}
	n, stop := start(t, o)
	if err := n.server.Join(); err != nil {
		t.Fatal(err)
	}
	return &member{node: n, relay: r, end: func() {
		stop()
		r.Close()
	}}
}

func (m *member) stop() {
	if m.end != nil {
		m.end()
		m.end = nil
	}
}

func TestC6_TakeoverOnAnotherNode(t *testing.T) {
	cluster(t, 3, options{}, func(t *testing.T, nodes []*member) {
		first := nodes[0].join("tab")
		other := nodes[2].join("other")
		second := nodes[1].join("tab")
		after(time.Millisecond)
		if m := first.bye(wire.CloseReplaced); m.str("reconnect") != "" {
			t.Errorf("told to come back: %s", m.Payload)
		}
		for _, p := range []*peer{second, other} {
			if code := p.closedWith(); code != 0 {
				t.Errorf("closed with %d", code)
			}
		}
		third := nodes[0].join("tab")
		after(time.Millisecond)
		second.bye(wire.CloseReplaced)
		if code := third.closedWith(); code != 0 {
			t.Errorf("the newest session was closed with %d", code)
		}
	})
}

// hold keeps the nodes from hearing anything until release, so that what they say crosses
// on the way.
func hold(t *testing.T, nodes []*member) (release func()) {
	t.Helper()
	held := make(chan struct{})
	topic := relay.Topic{Kind: "hold"}
	for _, n := range nodes {
		if _, err := n.relay.Subscribe(topic, func(relay.Message) { <-held }); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range nodes {
		if err := n.relay.Publish(topic, nil); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Wait()
	return func() { close(held) }
}

// TestC6_TwoTakeoversAtOnce: a client that connects to two nodes at the same moment keeps
// exactly one session, also if neither node could tell the other.
func TestC6_TwoTakeoversAtOnce(t *testing.T) {
	for _, apart := range []bool{false, true} {
		for round := range 10 {
			cluster(t, 2, options{}, func(t *testing.T, nodes []*member) {
				release := hold(t, nodes)
				if apart {
					nodes[0].relay.Cut()
				}
				a, b := nodes[round%2].join("tab"), nodes[1-round%2].join("tab")
				release()
				after(time.Second)
				nodes[0].relay.Mend()
				after(time.Second)
				if a.closedWith() == b.closedWith() || a.closedWith()+b.closedWith() != wire.CloseReplaced {
					t.Fatalf("apart %v: closed with %d and %d", apart, a.closedWith(), b.closedWith())
				}
			})
		}
	}
}

// TestC6_TakeoverByAClockThatIsBehind: the node that knew of the other session is later,
// whatever the clocks say.
func TestC6_TakeoverByAClockThatIsBehind(t *testing.T) {
	cluster(t, 2, options{}, func(t *testing.T, nodes []*member) {
		ahead := &nodes[0].server.nodes
		ahead.mu.Lock()
		ahead.last = uint64(time.Now().Add(time.Hour).UnixMilli())
		ahead.mu.Unlock()
		first := nodes[0].join("tab")
		after(time.Millisecond)
		second := nodes[1].join("tab")
		after(time.Millisecond)
		first.bye(wire.CloseReplaced)
		if code := second.closedWith(); code != 0 {
			t.Errorf("the newer session was closed with %d", code)
		}
	})
}

func TestC3_RevokedOnEveryNode(t *testing.T) {
	cluster(t, 2, withDoor(door{}), func(t *testing.T, nodes []*member) {
		begin := time.Now()
		there := nodes[1].open(ptr(made("ana", "t1", begin)))
		bo := nodes[1].open(ptr(made("bo", "t2", begin)))
		there.want("CONNECT")
		bo.want("CONNECT")
		if closed, err := nodes[0].server.RevokeUser(t.Context(), "ana"); closed != 0 || err != nil {
			t.Errorf("%d sessions of the node closed, %v", closed, err)
		}
		after(time.Millisecond)
		there.bye(wire.CloseSignIn)
		bo.want("")
		if _, err := nodes[0].server.RevokeToken(t.Context(), "t2"); err != nil {
			t.Error(err)
		}
		after(time.Millisecond)
		bo.bye(wire.CloseSignIn)
		nodes[1].open(ptr(made("ana", "t3", begin))).bye(wire.CloseSignIn)
		later := nodes[1].open(ptr(made("ana", "t4", begin.Add(time.Minute))))
		later.want("CONNECT")
		if code := later.closedWith(); code != 0 {
			t.Errorf("a token from after it was closed with %d", code)
		}
	})
}

// TestC3_RevokedBeforeANodeCame: a node hears what was revoked before it began, and what
// was while it was away, from either side.
func TestC3_RevokedBeforeANodeCame(t *testing.T) {
	o := withDoor(door{})
	o.journal = memjournal.New(memjournal.Options{})
	synctest.Test(t, func(t *testing.T) {
		bus := memrelay.NewBus()
		a := joinCluster(t, bus, o)
		defer a.stop()
		begin := time.Now()
		_, _ = a.server.RevokeUser(t.Context(), "ana")
		b := joinCluster(t, bus, o)
		defer b.stop()
		after(time.Millisecond)
		b.open(ptr(made("ana", "t1", begin))).bye(wire.CloseSignIn)

		b.relay.Cut()
		atA, atB := a.open(ptr(made("bo", "t2", begin))), b.open(ptr(made("cy", "t3", begin)))
		atA.want("CONNECT")
		atB.want("CONNECT")
		_, _ = a.server.RevokeUser(t.Context(), "cy")
		_, _ = b.server.RevokeToken(t.Context(), "t2")
		after(time.Second)
		atA.want("")
		atB.want("")
		b.relay.Mend()
		after(time.Millisecond)
		atA.bye(wire.CloseSignIn)
		atB.bye(wire.CloseSignIn)
	})
}

// book is an Authorizer whose answers change.
type book struct {
	mu   sync.Mutex
	role map[string]auth.Role // by user
}

func (b *book) Role(_ context.Context, p auth.Principal, _ string) (auth.Role, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.role[p.UserID], nil
}

func (b *book) set(user string, role auth.Role) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.role[user] = role
}

func TestP4_RightsAreReadAnewOnEveryNode(t *testing.T) {
	rights := &book{role: map[string]auth.Role{"ana": auth.Owner, "bo": auth.Viewer}}
	cluster(t, 2, options{session: func(c *Config) { c.Authorizer = rights }}, func(t *testing.T, nodes []*member) {
		ana, bo := nodes[0].join("a"), nodes[1].joinAs("bo", "b")
		ana.create("ops", "cpu")
		bo.follow("ops")
		rights.set("bo", auth.None)
		nodes[0].server.RereadRights("bo")
		after(time.Millisecond)
		if m := bo.one("SYNC_UPDATE"); m.str("closed") != "forbidden" {
			t.Errorf("got %s", m.Payload)
		}

		nodes[1].relay.Cut()
		rights.set("bo", auth.Viewer)
		bo.follow("ops")
		rights.set("bo", auth.None)
		nodes[0].server.RereadRights("bo")
		after(time.Second)
		bo.want("")
		nodes[1].relay.Mend()
		after(time.Millisecond)
		if m := bo.one("SYNC_UPDATE"); m.str("closed") != "forbidden" {
			t.Errorf("after the relay came back: %s", m.Payload)
		}
	})
}

func TestW4_MessagesReachEveryNode(t *testing.T) {
	cluster(t, 2, options{}, func(t *testing.T, nodes []*member) {
		ana, bo, cy := nodes[0].joinAs("ana", "a"), nodes[1].joinAs("bo", "b"), nodes[1].joinAs("cy", "c")
		ana.follow("ops")
		bo.follow("ops")
		tests := []struct {
			to    Target
			reach []*peer
		}{
			{Target{}, []*peer{ana, bo, cy}},
			{Target{UserID: "bo"}, []*peer{bo}},
			{Target{DashboardID: "ops"}, []*peer{ana, bo}},
			{Target{Except: bo.session.ID()}, []*peer{ana, cy}},
		}
		for i, test := range tests {
			for order := range 3 { // in order for each sender
				if _, err := nodes[0].server.Send(test.to, fmt.Sprint(i, "-", order), `{"n":1.10}`); err != nil {
					t.Fatal(err)
				}
			}
			after(time.Millisecond)
			for _, p := range test.reach {
				got := p.want("APP_MESSAGE APP_MESSAGE APP_MESSAGE")
				for order, m := range got {
					if want := fmt.Sprint(i, "-", order); m.str("name") != want || string(m.Payload) != fmt.Sprintf(`{"name":%q,"data":{"n":1.10}}`, want) {
						t.Errorf("got %s, want %s", m.Payload, want)
					}
				}
			}
			for _, p := range []*peer{ana, bo, cy} {
				p.want("")
			}
		}
		_, err := nodes[0].server.Send(Target{}, "large", board.Value(`"`+strings.Repeat("x", 9<<20)+`"`))
		if err == nil || err.Code != board.CodeTooLarge {
			t.Errorf("larger than the relay takes: %v", err)
		}
		ana.want("")
	})
}

func TestC8_SessionsOfAUserOverAllNodes(t *testing.T) {
	cluster(t, 3, options{session: func(c *Config) { c.SessionsPerUser = 3 }}, func(t *testing.T, nodes []*member) {
		var kept []*peer
		for i := range 3 {
			kept = append(kept, nodes[i].joinAs("ana", fmt.Sprint("tab", i)))
		}
		after(time.Millisecond)
		nodes[0].joinAs("bo", "tab")
		over := nodes[1].open(owner("ana"))
		over.send(`{"type":"CONNECT","id":"c","payload":{"clientId":"tab9"}}`)
		after(time.Millisecond)
		if code := over.closedWith(); code != wire.CloseSlowDown {
			t.Errorf("the fourth session was closed with %d", code)
		}
		again := nodes[1].joinAs("ana", "tab0") // takes over, so that there are three
		after(time.Millisecond)
		if code := again.closedWith(); code != 0 {
			t.Errorf("a takeover counted as one more: %d", code)
		}
		kept[0].bye(wire.CloseReplaced)
		for _, p := range kept[1:] {
			if code := p.closedWith(); code != 0 {
				t.Errorf("closed with %d", code)
			}
		}
	})
}

// TestC8_WhoCameLastIsOneTooMany: a node answers late how many sessions a user has there,
// when there is one more already. That one goes, not the one that was asked about.
func TestC8_WhoCameLastIsOneTooMany(t *testing.T) {
	cluster(t, 2, options{session: func(c *Config) { c.SessionsPerUser = 3 }}, func(t *testing.T, nodes []*member) {
		nodes[0].relay.Drop(true)
		nodes[1].relay.Drop(true)
		var all []*peer
		for i := range 4 {
			after(time.Second) // neither hears the other's time
			all = append(all, nodes[i%2].joinAs("ana", fmt.Sprint("tab", i)))
		}
		kept, over := all[:3], all[3]
		nodes[0].relay.Drop(false)
		nodes[1].relay.Drop(false)
		asks := func(from, of *member, p *peer) {
			of.server.heardNode(relay.Message{From: from.relay.Node(), Payload: wire.EncodeNode(&wire.NodeMessage{
				Clients: &wire.NodeClients{Count: true, List: []wire.NodeClient{
					{UserID: "ana", ClientID: p.session.clientID, SessionID: p.session.id, Clock: p.session.since},
				}},
			})})
			after(time.Millisecond)
		}
		asks(nodes[0], nodes[1], kept[2])
		asks(nodes[0], nodes[1], kept[0])
		asks(nodes[1], nodes[0], kept[1])
		for i, p := range all {
			if code := p.closedWith(); code != 0 {
				t.Errorf("session %d was closed with %d", i, code)
			}
		}
		asks(nodes[1], nodes[0], over)
		if code := over.closedWith(); code != wire.CloseSlowDown {
			t.Errorf("the newest was closed with %d", code)
		}
	})
}

func TestH4_AdministratorsReachSessionsOfOtherNodes(t *testing.T) {
	cluster(t, 2, options{}, func(t *testing.T, nodes []*member) {
		p := nodes[1].join("tab")
		here, told := nodes[0].server.Disconnect(p.session.ID(), wire.CloseForbidden, "enough")
		if here || !told {
			t.Errorf("here %v, told %v", here, told)
		}
		after(time.Millisecond)
		p.bye(wire.CloseForbidden)
	})
}

func TestClusterIsSeenAndForgotten(t *testing.T) {
	cluster(t, 3, options{}, func(t *testing.T, nodes []*member) {
		nodes[1].join("tab")
		after(beatEvery)
		c := nodes[0].server.Cluster()
		if len(c.Others) != 2 || c.Sessions != 1 || c.Node != nodes[0].relay.Node() {
			t.Errorf("seen: %+v", c)
		}
		nodes[1].stop() // says so
		nodes[2].relay.Cut()
		after(time.Millisecond)
		if c := nodes[0].server.Cluster(); len(c.Others) != 1 {
			t.Errorf("after one has left: %+v", c)
		}
		after(silentFor + beatEvery)
		if c := nodes[0].server.Cluster(); len(c.Others) != 0 {
			t.Errorf("after the other was silent: %+v", c)
		}
	})
}

// TestNodes_NonsenseIsRefused: what another node says wrongly does nothing.
func TestNodes_NonsenseIsRefused(t *testing.T) {
	cluster(t, 2, options{}, func(t *testing.T, nodes []*member) {
		p := nodes[0].join("tab")
		for _, nonsense := range []string{
			``, `null`, `[]`, `{}`, `{"end":{"sessionId":"a b","code":4403}}`, `{"end":{"sessionId":"x","code":1}}`,
			`{"app":{"name":"x"}}`, `{"hello":{},"rights":{}}`, `{"clients":{"list":[]}}`,
			`{"clients":{"list":[{"userId":"u","clientId":"..","sessionId":"s"}]}}`, `{"revoked":[{}]}`,
			`{"count":{"sessionId":"x","sessions":-1}}`, "{\"app\":{\"name\":\"\xff\",\"data\":1}}", `{"x":1}`,
		} {
			if err := nodes[1].relay.Publish(relay.Topic{Kind: everyNode}, []byte(nonsense)); err != nil {
				t.Fatal(err)
			}
		}
		after(time.Second)
		p.want("")
		if code := p.closedWith(); code != 0 {
			t.Errorf("closed with %d", code)
		}
	})
}

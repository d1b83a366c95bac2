package session

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/relay"
)

// watcher is a client that keeps who is present on a dashboard as it is told.
type watcher struct {
	*peer
	ids   map[string]shown // by session
	count int
	diffs []time.Time // when it was told
}

func watch(p *peer, dashboard string) *watcher {
	w := &watcher{peer: p, ids: map[string]shown{}}
	p.send(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":%q}}`, dashboard)
	w.look()
	return w
}

type shown struct {
	SessionID, ClientID string
	State               json.RawMessage
}

func (w *watcher) join(list []shown) {
	for _, s := range list {
		w.ids[s.SessionID] = s
	}
}

// look takes in what has come, and gives the states by client.
func (w *watcher) look() map[string]string {
	w.t.Helper()
	for _, m := range w.take() {
		if m.Type == "SYNC_RESPONSE" {
			var answer struct{ Presence []shown }
			m.read(w.t, &answer)
			w.join(answer.Presence)
		}
		if m.Type != "PRESENCE" {
			continue
		}
		w.diffs = append(w.diffs, m.at)
		var u struct {
			Joined, Changed []shown
			Left            []string
			Count           int
		}
		m.read(w.t, &u)
		w.count = u.Count
		for _, id := range u.Left {
			delete(w.ids, id)
		}
		w.join(u.Joined)
		w.join(u.Changed)
	}
	here := map[string]string{}
	for _, s := range w.ids {
		if here[s.ClientID] != "" {
			w.t.Errorf("the client %s is there twice", s.ClientID)
		}
		here[s.ClientID] = string(s.State)
	}
	return here
}

func (w *watcher) sees(when string, pairs ...string) {
	w.t.Helper()
	want := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		want[pairs[i]] = pairs[i+1]
	}
	if got := w.look(); !maps.Equal(got, want) {
		w.t.Errorf("%s: sees %v, want %v", when, got, want)
	}
}

// showsAt sends a presence state to a dashboard.
func (w *watcher) showsAt(dashboard, state string) {
	w.send(`{"type":"PRESENCE","id":"p","payload":{"dashboardId":%q,"state":%s}}`, dashboard, state)
}

// pass lets time pass, in which clients show that they are alive.
func pass(d time.Duration, alive ...*peer) {
	for ; d > 0; d -= 10 * time.Second {
		for _, p := range alive {
			p.session.Alive(time.Now())
		}
		after(min(d, 10*time.Second))
	}
}

func TestW3_PresenceOverNodes(t *testing.T) {
	cluster(t, 3, options{}, func(t *testing.T, nodes []*member) {
		ana := nodes[0].join("a")
		ana.create("ops.1", "cpu")
		ana.create("net", "cpu")
		a := watch(ana, "ops.1")
		b, c := watch(nodes[1].joinAs("bo", "b"), "ops.1"), watch(nodes[2].joinAs("cy", "c"), "ops.1")
		elsewhere := watch(nodes[1].joinAs("di", "d"), "net")
		after(time.Second)
		a.showsAt("ops.1", `{"x":1}`)
		b.showsAt("ops.1", `{"x":2}`)
		after(300 * time.Millisecond)
		for _, w := range []*watcher{a, b, c} {
			w.sees("shown", "a", `{"x":1}`, "b", `{"x":2}`)
		}
		elsewhere.sees("on another dashboard")

		for i := range 20 { // one diff at most every 100 ms, whoever moves
			a.showsAt("ops.1", fmt.Sprint(i))
			b.showsAt("ops.1", fmt.Sprint(100+i))
			after(20 * time.Millisecond)
		}
		after(300 * time.Millisecond)
		c.sees("moved", "a", "19", "b", "119")
		for i, at := range c.diffs[1:] {
			if gap := at.Sub(c.diffs[i]); gap < 100*time.Millisecond {
				t.Errorf("told again after %v", gap)
			}
		}

		// Who comes to a node that had the dashboard not open hears of all a moment later.
		b.vanish(wire.CloseNormal)
		pass(time.Minute, a.peer, elsewhere.peer) // its room is closed
		if n := nodes[1].hub.Stats().Rooms; n != 1 {
			t.Fatalf("%d rooms are open, want that of the other dashboard", n)
		}
		e := watch(nodes[1].joinAs("eve", "e"), "ops.1")
		after(300 * time.Millisecond)
		e.sees("come late", "a", "19")
		a.sees("left", "a", "19")

		a.vanish(wire.CloseAbnormal)
		after(4 * time.Second)
		e.sees("four seconds after a lost connection", "a", "19")
		after(2 * time.Second)
		e.sees("six seconds after it")
	})
}

// TestW3_BackOnAnotherNode: a client whose connection broke shows itself at another node;
// the old session is told as left as the new one joins.
func TestW3_BackOnAnotherNode(t *testing.T) {
	cluster(t, 2, options{}, func(t *testing.T, nodes []*member) {
		seer := watch(nodes[0].joinAs("bo", "b"), "ops")
		a := watch(nodes[0].join("a"), "ops")
		a.showsAt("ops", "1")
		after(time.Second)
		seer.sees("shown", "a", "1")
		before := maps.Clone(seer.ids)
		a.vanish(wire.CloseAbnormal)
		after(time.Second)
		back := watch(nodes[1].join("a"), "ops")
		back.showsAt("ops", "2")
		after(300 * time.Millisecond)
		seer.sees("back", "a", "2")
		for id := range before {
			if _, there := seer.ids[id]; there {
				t.Error("the old session is still there")
			}
		}
		again := watch(nodes[0].join("a"), "ops") // while the other lasts
		again.showsAt("ops", "3")
		after(400 * time.Millisecond)
		seer.sees("taken over", "a", "3")
		if len(seer.ids) != 1 {
			t.Errorf("sessions: %v", seer.ids)
		}
	})
}

// TestW3_ReturnedBeforeItsConnectionBroke: who is present at another node already is not
// waited for.
func TestW3_ReturnedBeforeItsConnectionBroke(t *testing.T) {
	cluster(t, 2, options{}, func(t *testing.T, nodes []*member) {
		seer := watch(nodes[0].joinAs("bo", "b"), "ops")
		a := watch(nodes[0].join("a"), "ops")
		a.showsAt("ops", "1")
		after(time.Second)
		seer.sees("shown", "a", "1")
		delete(seer.ids, a.session.ID()) // or the client is there twice for a moment
		_ = nodes[1].relay.Publish(relay.Topic{Kind: "board", ID: "ops"}, []byte(
			`{"presence":{"dashboardId":"ops","n":1,"in":[{"sessionId":"s9","clientId":"a","userId":"ana","state":2}]}}`))
		after(300 * time.Millisecond)
		a.vanish(wire.CloseAbnormal)
		after(300 * time.Millisecond)
		left := false
		for _, m := range seer.take() {
			left = left || strings.Contains(string(m.Payload), `"left":["`+a.session.ID()+`"]`)
		}
		if !left {
			t.Error("the old session waits for its return")
		}
	})
}

// TestW3_ASilentNodeHasLeft: a node that ends says so, one that dies is missed after 15 s, and
// one that was cut off comes back with everybody.
func TestW3_ASilentNodeHasLeft(t *testing.T) {
	cluster(t, 4, options{}, func(t *testing.T, nodes []*member) {
		seer := watch(nodes[0].joinAs("bo", "b"), "ops")
		var all []*watcher
		for i := 1; i < 4; i++ {
			w := watch(nodes[i].join(fmt.Sprint("a", i)), "ops")
			w.showsAt("ops", fmt.Sprint(i))
			all = append(all, w)
		}
		alive := []*peer{seer.peer, all[0].peer, all[1].peer, all[2].peer}
		pass(30*time.Second, alive...)
		seer.sees("all here", "a1", "1", "a2", "2", "a3", "3")

		nodes[1].stop()
		after(300 * time.Millisecond)
		seer.sees("one has ended", "a2", "2", "a3", "3")

		nodes[2].relay.Cut()
		pass(9*time.Second, alive...)
		all[1].showsAt("ops", "22")
		seer.sees("nine seconds after another was cut off", "a2", "2", "a3", "3")
		pass(11*time.Second, alive...)
		seer.sees("twenty seconds after it", "a3", "3")
		all[1].sees("the one cut off", "a2", "22")
		if code := all[1].closedWith(); code != 0 {
			t.Errorf("it was closed with %d", code)
		}
		nodes[2].relay.Mend()
		after(300 * time.Millisecond)
		seer.sees("it is back", "a2", "22", "a3", "3")
		all[1].sees("for itself", "a2", "22", "a3", "3")
	})
}

// TestW3_ACrowdOverNodes: it counts who is present on all nodes, and when these are few
// enough again everybody comes with the state of that moment.
func TestW3_ACrowdOverNodes(t *testing.T) {
	cluster(t, 2, options{session: func(c *Config) { c.SessionsPerUser = 1000 }}, func(t *testing.T, nodes []*member) {
		var crowd []*watcher
		for i := range 201 {
			p := nodes[i%2].join(fmt.Sprint("p", i))
			w := &watcher{peer: p, ids: map[string]shown{}}
			w.send(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`)
			w.showsAt("ops", "1")
			crowd = append(crowd, w)
		}
		after(time.Second)
		for _, w := range crowd[:2] {
			if w.look(); w.count != 201 {
				t.Errorf("counts %d", w.count)
			}
		}
		crowd[3].showsAt("ops", `"changed meanwhile"`)
		after(time.Second)
		crowd[200].send(`{"type":"DISCONNECT","id":"bye","payload":{}}`)
		after(time.Second)
		for i, w := range crowd[:2] {
			clear(w.ids)
			here := w.look()
			if len(here) != 200 || here["p3"] != `"changed meanwhile"` || here["p4"] != "1" {
				t.Errorf("at node %d: %d listed, p3 shows %s, p4 %s", i, len(here), here["p3"], here["p4"])
			}
		}
	})
}

// TestW3_NodesAreBelievedAboutTheirOwnSessions: and about nobody else's, and what cannot be
// read is passed over.
func TestW3_NodesAreBelievedAboutTheirOwnSessions(t *testing.T) {
	cluster(t, 2, options{}, func(t *testing.T, nodes []*member) {
		a := watch(nodes[0].join("a"), "ops")
		a.showsAt("ops", "1")
		after(time.Second)
		id := a.session.ID()
		for n, said := range []string{
			`{"presence":{"dashboardId":"ops","n":1,"in":[{"sessionId":"` + id + `","clientId":"x","userId":"x","state":9}]}}`,
			`{"presence":{"dashboardId":"ops","n":2,"out":["` + id + `"]}}`,
			`{"presence":{"dashboardId":"ops","n":3,"in":[{"sessionId":"s","clientId":"x","userId":"x","state":"` + strings.Repeat("x", 5000) + `"}]}}`,
			`{"presence":{"dashboardId":"ops","n":3,"in":[{"sessionId":"s","clientId":"x y","userId":"x","state":1}]}}`,
			`{"presence":{"dashboardId":"ops","n":3,"in":[{"sessionId":"s","clientId":"x","userId":"x","state":{"__proto__":1}}]}}`,
			`{"presence":{"dashboardId":"net","n":3,"in":[{"sessionId":"s","clientId":"x","userId":"x","state":1}]}}`,
			`{"presence":{"dashboardId":"ops","n":3,"in":[{"sessionId":"s","clientId":"x","userId":"x"}]}}`,
		} {
			if err := nodes[1].relay.Publish(relay.Topic{Kind: "board", ID: "ops"}, []byte(said)); err != nil {
				t.Fatal(n, err)
			}
		}
		after(time.Second)
		a.sees("after nonsense", "a", "1")
	})
}

// TestW3_LostPresenceIsFound: what was lost on the way is found by the next message, or by
// the next sign of life.
func TestW3_LostPresenceIsFound(t *testing.T) {
	cluster(t, 2, options{}, func(t *testing.T, nodes []*member) {
		seer := watch(nodes[0].joinAs("bo", "b"), "ops")
		a := watch(nodes[1].join("a"), "ops")
		stays := watch(nodes[1].join("stays"), "ops")
		a.showsAt("ops", "1")
		stays.showsAt("ops", "1")
		after(time.Second)
		seer.sees("here", "a", "1", "stays", "1")
		lossy := nodes[1].relay
		lossy.Drop(true) // and nobody is told so
		a.send(`{"type":"DISCONNECT","id":"bye","payload":{}}`)
		a.vanish(wire.CloseNormal)
		after(time.Second)
		lossy.Drop(false)
		seer.sees("lost", "a", "1", "stays", "1")
		after(6 * time.Second)
		seer.sees("found", "stays", "1")
		lossy.Drop(true)
		stays.showsAt("ops", "2")
		after(time.Second)
		lossy.Drop(false)
		late := watch(nodes[1].join("late"), "ops")
		late.showsAt("ops", "9")
		after(400 * time.Millisecond)
		seer.sees("found by the next message", "stays", "2", "late", "9")
	})
}

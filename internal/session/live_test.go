package session

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/internal/wire"
)

// feed sends points of one widget.
func (p *peer) feed(widget, mode, data string) {
	p.send(`{"type":"WIDGET_DATA","id":"d","payload":{"dashboardId":"ops","widgetId":%q,"mode":%q,"window":5,"data":%s}}`, widget, mode, data)
}

func TestW1_WhatASlowSessionMissesIsSkipped(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		a, fast, slow := n.join("a"), n.join("fast"), n.join("slow")
		a.create("ops", "cpu")
		a.create("ops", "mem")
		fast.follow("ops")
		slow.follow("ops")
		after(aWhile)
		a.feed("cpu", "append", `[[1,1]]`)
		after(aWhile)
		if m := fast.one("WIDGET_DATA"); m.str("values", "cpu", "mode") != "replace" || m.str("values", "cpu", "data") != "[[1 1]]" {
			t.Errorf("got %s", m.raw)
		}
		slow.one("WIDGET_DATA")

		slow.block(10)
		for i := range 20 {
			a.feed("cpu", "append", fmt.Sprintf(`[[%d,%d]]`, i+2, i))
			a.feed("mem", "replace", fmt.Sprint(i))
			after(20 * time.Millisecond)
		}
		points := 0
		for _, m := range fast.take() {
			if m.str("values", "cpu") == "" {
				continue // a sweep came between the two widgets
			}
			if m.str("values", "cpu", "mode") != "append" {
				t.Errorf("a fast session got %s", m.raw)
			}
			points += strings.Count(m.str("values", "cpu", "data"), "[") - 1
		}
		if points != 20 {
			t.Errorf("a fast session got %d of 20 points", points)
		}
		slow.drink(-1)
		after(aWhile)
		got := slow.take()
		last := got[len(got)-1]
		if len(got) > 2 || last.str("values", "cpu", "mode") != "replace" || last.str("values", "mem", "data") != "19" ||
			last.str("values", "cpu", "data") != "[[17 15] [18 16] [19 17] [20 18] [21 19]]" {
			t.Errorf("a slow session got %s", describe(got))
		}
	})
}

func TestW2_ValuesOutliveTheirViewersAndComeWithTheSnapshot(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		a := n.join("a")
		a.create("ops", "cpu")
		a.create("ops", "gone")
		for i := range 8 {
			a.feed("cpu", "append", fmt.Sprintf(`[%d]`, i))
		}
		a.feed("gone", "replace", "1")
		a.send(`{"type":"WIDGET_DELETE","id":"x","payload":{"dashboardId":"ops","widgetId":"gone"}}`)
		a.one("ACK")
		a.vanish(wire.CloseNormal)
		after(time.Minute)
		if n.hub.Stats().Rooms != 0 {
			t.Fatal("the room is still open")
		}
		m := n.join("b").follow("ops")
		if m.str("data", "cpu", "data") != "[3 4 5 6 7]" || m.str("data", "gone") != "" {
			t.Errorf("got %s", m.raw)
		}
	})
}

func TestW1_Refusals(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		a := n.join("a")
		a.create("ops", "cpu")
		a.feed("nothing", "replace", "1")
		a.refused("d", "NOT_FOUND")
		a.feed("cpu", "append", "1")
		if m := a.one("NACK"); m.CorrelationID != "d" {
			t.Errorf("got %s", m.raw)
		}
		a.feed("cpu", "replace", `"`+strings.Repeat("x", 70_000)+`"`)
		a.refused("d", "TOO_LARGE")
		a.feed("cpu", "replace", "1")
		if got := a.take(); len(got) != 0 {
			t.Errorf("a value was answered: %s", describe(got))
		}
	})
}

// show sends a presence state.
func (p *peer) show(state string) {
	p.send(`{"type":"PRESENCE","id":"p","payload":{"dashboardId":"ops","state":%s}}`, state)
}

func TestW3_Presence(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		a, b := n.join("a"), n.join("b")
		a.create("ops", "cpu")
		a.follow("ops")
		b.follow("ops")
		after(aWhile)
		for i := range 10 { // one diff at most every 100 ms
			b.show(fmt.Sprintf(`{"name":"Bo","n":%d}`, i))
		}
		after(aWhile)
		m := a.one("PRESENCE")
		if !strings.Contains(string(m.raw), `"clientId":"b"`) || !strings.Contains(string(m.raw), `"n":9`) || m.str("joined") == "[]" {
			t.Errorf("got %s", m.raw)
		}
		b.take()

		b.vanish(wire.CloseAbnormal)
		after(4 * time.Second)
		if got := a.take(); len(got) != 0 {
			t.Errorf("four seconds after a lost connection: %s", describe(got))
		}
		back := n.join("b")
		back.follow("ops")
		back.show(`{"name":"Bo"}`)
		after(aWhile)
		m = a.one("PRESENCE")
		if m.str("joined") == "[]" || m.str("left") == "[]" {
			t.Errorf("back in time, the old session goes as the new one comes: %s", m.raw)
		}

		back.vanish(wire.CloseAbnormal)
		after(6 * time.Second)
		if m := a.one("PRESENCE"); m.str("left") == "[]" || m.str("joined") != "[]" {
			t.Errorf("six seconds after a lost connection: %s", m.raw)
		}
		if m := n.join("c").follow("ops"); m.str("presence") != "[]" {
			t.Errorf("presence is %s", m.str("presence"))
		}
		a.show(`"` + strings.Repeat("x", 5000) + `"`)
		a.refused("p", "TOO_LARGE")
	})
}

func TestW3_ACrowdIsOnlyCounted(t *testing.T) {
	bubble(t, options{session: func(c *Config) { c.SessionsPerUser = 1000 }}, func(t *testing.T, n *node) {
		a := n.join("a")
		a.create("ops", "cpu")
		a.follow("ops")
		var crowd []*peer
		for i := range 201 {
			p := n.join(fmt.Sprint("p", i))
			p.follow("ops")
			p.show("1")
			crowd = append(crowd, p)
		}
		after(aWhile)
		got := a.take()
		if last := got[len(got)-1]; last.str("count") != "201" || last.str("joined") != "[]" {
			t.Errorf("got %.300s", last.raw)
		}
		crowd[0].send(`{"type":"DISCONNECT","id":"bye","payload":{}}`)
		after(aWhile)
		last := a.one("PRESENCE")
		if last.str("count") != "200" || strings.Count(string(last.raw), `"sessionId"`) != 200 {
			t.Errorf("few enough to list again, all of them must come: %.300s", last.raw)
		}
	})
}

func TestW4_AppMessages(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		ana, other, bo := n.joinAs("ana", "1"), n.joinAs("ana", "2"), n.joinAs("bo", "1")
		ana.create("ops", "cpu")
		bo.follow("ops")
		tests := []struct {
			name   string
			target Target
			want   []*peer
		}{
			{"to all", Target{}, []*peer{ana, other, bo}},
			{"to all but the sender", Target{Except: bo.session.ID()}, []*peer{ana, other}},
			{"to a user", Target{UserID: "ana"}, []*peer{ana, other}},
			{"to a user but one session", Target{UserID: "ana", Except: ana.session.ID()}, []*peer{other}},
			{"to a dashboard", Target{DashboardID: "ops"}, []*peer{bo}},
			{"to nobody", Target{UserID: "eve"}, nil},
		}
		for _, test := range tests {
			if sent, err := n.server.Send(test.target, "deployed", `{"v":1}`); sent != len(test.want) || err != nil {
				t.Errorf("%s: sent to %d", test.name, sent)
			}
			heard := 0
			for _, p := range []*peer{ana, other, bo} {
				for _, m := range p.take() {
					if m.Type == "APP_MESSAGE" && m.str("name") == "deployed" && m.str("data", "v") == "1" {
						heard++
					}
				}
			}
			if heard != len(test.want) {
				t.Errorf("%s: %d heard it", test.name, heard)
			}
		}
	})
}

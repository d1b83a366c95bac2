package session

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/relay"
)

func TestW1_ValuesReachViewersOnEveryNode(t *testing.T) {
	cluster(t, 3, options{}, func(t *testing.T, nodes []*member) {
		a := nodes[0].join("a")
		a.create("ops", "cpu")
		a.create("ops", "mem")
		b, c := nodes[1].join("b"), nodes[2].join("c")
		b.follow("ops")
		c.follow("ops")
		after(aWhile)
		a.feed("cpu", "replace", `[[0,0],[1,1]]`)
		after(aWhile)
		for _, p := range []*peer{b, c} {
			if m := p.one("WIDGET_DATA"); m.str("values", "cpu", "mode") != "replace" || m.str("values", "cpu", "data") != "[[0 0] [1 1]]" {
				t.Errorf("got %s", m.raw)
			}
		}
		// In order, and each point once; what comes between two sweeps comes together.
		var sent int
		count := func(topic relay.Topic) func() {
			stop, err := nodes[2].relay.Subscribe(topic, func(relay.Message) { sent++ })
			if err != nil {
				t.Fatal(err)
			}
			return stop
		}
		stop := count(relay.Topic{Kind: "board", ID: "ops"})
		for i := range 40 {
			a.feed("cpu", "append", fmt.Sprintf(`[[%d,%d]]`, i+2, i+2))
			a.feed("mem", "replace", fmt.Sprint(i))
			after(5 * time.Millisecond)
		}
		after(aWhile)
		stop()
		var points []string
		for _, m := range b.take() {
			if d := m.str("values", "cpu", "data"); d != "" {
				if m.str("values", "cpu", "mode") != "append" {
					t.Errorf("got %s", m.raw)
				}
				points = append(points, strings.Trim(d, "[]"))
			}
		}
		var want []string
		for i := range 40 {
			want = append(want, fmt.Sprintf("%d %d", i+2, i+2))
		}
		if got := strings.Join(points, "] ["); got != strings.Join(want, "] [") {
			t.Errorf("got the points %s", got)
		}
		if sent == 0 || sent > 14 {
			t.Errorf("80 values in 200 ms were told in %d messages, want one for each sweep", sent)
		}
		if m := nodes[1].join("late").follow("ops"); m.str("data", "mem", "data") != "39" || m.str("data", "cpu", "data") != "[[37 37] [38 38] [39 39] [40 40] [41 41]]" {
			t.Errorf("at the other node is %s", m.raw)
		}
	})
}

// TestW2_ANodeThatOpensADashboardAsksForItsValues: it has then what others were fed, newer
// values before older ones, also from a node on which nobody follows any more.
func TestW2_ANodeThatOpensADashboardAsksForItsValues(t *testing.T) {
	cluster(t, 3, options{}, func(t *testing.T, nodes []*member) {
		a := nodes[0].join("a")
		for _, w := range []string{"cpu", "mem", "gone"} {
			a.create("ops", w)
		}
		for i := range 3 {
			a.feed("cpu", "append", fmt.Sprintf("[%d]", i))
		}
		a.feed("mem", "replace", `"old"`)
		a.feed("gone", "replace", "1")
		after(10 * time.Second)
		b := nodes[1].join("b")
		b.feed("mem", "replace", `"new"`)
		pass(time.Minute, a)
		if nodes[0].hub.Stats().Rooms+nodes[1].hub.Stats().Rooms != 0 {
			t.Fatal("rooms are still open")
		}
		a.send(`{"type":"WIDGET_DELETE","id":"x","payload":{"dashboardId":"ops","widgetId":"gone"}}`)
		a.one("ACK")
		c := nodes[2].join("c")
		c.send(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`)
		after(aWhile)
		heard := map[string]string{}
		for _, m := range c.take() {
			for _, w := range []string{"cpu", "mem", "gone"} {
				if d := m.str("values", w, "data"); d != "" {
					heard[w] = d
				}
			}
		}
		if heard["cpu"] != "[0 1 2]" || heard["mem"] != "new" || heard["gone"] != "" {
			t.Errorf("heard %v", heard)
		}
	})
}

// TestW1_AValueThatComesBeforeItsWidget waits for what the log tells of it.
func TestW1_AValueThatComesBeforeItsWidget(t *testing.T) {
	cluster(t, 3, options{}, func(t *testing.T, nodes []*member) {
		a, b := nodes[0].join("a"), nodes[1].join("b")
		a.create("ops", "other")
		b.follow("ops")
		after(aWhile)
		say := func(text string) {
			if err := nodes[0].relay.Publish(relay.Topic{Kind: "board", ID: "ops"}, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		say(`{"values":{"dashboardId":"ops","values":{"cpu":{"data":7},"never":{"data":1}}}}`)
		after(time.Second)
		b.want("")
		a.create("ops", "cpu")
		after(aWhile)
		got := b.want("WIDGET_UPDATE WIDGET_DATA")
		if got[1].str("values", "cpu", "data") != "7" {
			t.Errorf("got %s", got[1].raw)
		}
		// Of two answers to what is there, the value that was fed later counts (W2).
		for _, answer := range []struct {
			age  int
			want string
		}{{60_000, ""}, {10, "WIDGET_DATA"}} {
			_ = nodes[2].relay.Publish(relay.Topic{Kind: "board", ID: "ops"}, fmt.Appendf(nil,
				`{"values":{"dashboardId":"ops","state":true,"values":{"cpu":{"data":%d,"age":%d}}}}`, 100+answer.age, answer.age))
			after(aWhile)
			b.want(answer.want)
		}
		after(10 * time.Second)
		a.create("ops", "never") // too late
		after(aWhile)
		b.want("WIDGET_UPDATE")

		for _, nonsense := range []string{
			`{"values":{"dashboardId":"ops","values":{"cpu":{"data":{"__proto__":1}}}}}`,
			`{"values":{"dashboardId":"ops","values":{"cpu":{"data":1,"append":true}}}}`,
			`{"values":{"dashboardId":"ops","values":{"cpu":{}}}}`,
			`{"values":{"dashboardId":"ops","values":{"cpu":{"data":1,"window":-1}}}}`,
			`{"values":{"dashboardId":"net","values":{"cpu":{"data":1}}}}`,
			`{"values":{"dashboardId":"ops","values":{"cpu":{"data":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}}}}`,
		} {
			say(nonsense)
		}
		after(aWhile)
		b.want("")
	})
}

// TestW1_ValuesComeBackWithTheRelay: while it is away each node serves its own; afterwards
// it has what it missed.
func TestW1_ValuesComeBackWithTheRelay(t *testing.T) {
	cluster(t, 2, options{}, func(t *testing.T, nodes []*member) {
		a, near, far := nodes[0].join("a"), nodes[0].join("near"), nodes[1].join("far")
		a.create("ops", "cpu")
		near.follow("ops")
		far.follow("ops")
		after(aWhile)
		nodes[1].relay.Cut()
		a.feed("cpu", "replace", "1")
		after(aWhile)
		near.one("WIDGET_DATA")
		far.want("")
		nodes[1].relay.Mend()
		after(aWhile)
		if m := far.one("WIDGET_DATA"); m.str("values", "cpu", "data") != "1" {
			t.Errorf("got %s", m.raw)
		}
		if code := far.closedWith(); code != 0 {
			t.Errorf("closed with %d", code)
		}
		far.session.End(wire.CloseNormal, "", false)
	})
}

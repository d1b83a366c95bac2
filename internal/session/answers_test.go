package session

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/memjournal"
)

func TestR2_AcksOutsideTheStream(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		a, twin := n.join("a"), n.join("b")
		if m := a.create("ops", "cpu"); m.str("inStream") != "false" { // not subscribed
			t.Errorf("not subscribed: %s", m.Payload)
		}
		a.follow("ops")
		twin.follow("ops")
		a.title("t", "ops", "cpu", "x")
		if m := a.one("ACK"); m.str("inStream") != "true" || m.str("version") != "2" {
			t.Errorf("own op: %s", m.Payload)
		}
		a.title("t", "ops", "cpu", "x")
		if m := a.one("ACK"); m.str("inStream") != "false" || m.str("version") != "2" {
			t.Errorf("replay: %s", m.Payload)
		}
		a.title("u", "ops", "cpu", "x")
		if m := a.one("ACK"); m.str("inStream") != "false" || m.str("status") != "unchanged" || m.str("version") != "2" {
			t.Errorf("unchanged: %s", m.Payload)
		}
		// An op by another session of the same client, or by no session, is an entry.
		n.submit("ana", "a", "rest", "ops", `{"dashboardId":"ops","widgetId":"cpu","set":{"/title":"y"}}`)
		after(aWhile)
		if m := a.one("WIDGET_UPDATE"); m.str("version") != "3" || m.ID != "rest" {
			t.Errorf("by REST: %s", m.Payload)
		}
	})
}

func TestR2_AnswersComeAfterWhatTheyName(t *testing.T) {
	g := newGate()
	bubble(t, options{journal: g}, func(t *testing.T, n *node) {
		a, b := n.join("a"), n.join("b")
		a.create("ops", "cpu")
		a.follow("ops")
		g.shut()
		for i := range 10 { // all in one append
			b.title(fmt.Sprint("b", i), "ops", "cpu", fmt.Sprint("b", i))
			a.title(fmt.Sprint("a", i), "ops", "cpu", fmt.Sprint("a", i))
		}
		a.title("same", "ops", "cpu", "a9") // unchanged
		g.open()
		after(aWhile)
		got := a.take()
		next := uint64(1)
		for _, m := range got[:len(got)-1] {
			if next++; m.uint("version") != next || m.Type == "ACK" && m.str("inStream") != "true" {
				t.Fatalf("got %s, want version %d", m.raw, next)
			}
		}
		last := got[len(got)-1]
		if next != 21 || last.str("status") != "unchanged" || last.uint("version") != 21 {
			t.Errorf("heard up to %d, then %s", next, last.raw)
		}
	})
}

// An answer that waits for one dashboard to be caught up with must not let the
// session's own entry on another dashboard overtake its ACK.
func TestR2_AnswersThatWaitHoldTheirVersionBack(t *testing.T) {
	j := &slowReads{Journal: memjournal.New(memjournal.Options{})}
	bubble(t, options{journal: j, room: func(c *room.Config) { c.TailEntries = 4 }}, func(t *testing.T, n *node) {
		j.way = make(chan struct{})
		a, b := n.join("a"), n.join("b")
		for _, id := range []string{"ops", "net"} {
			a.create(id, "cpu")
			a.follow(id)
		}
		a.block(1)
		b.fill("ops", "cpu", 50, 100) // a is now far behind on ops
		a.title("ops-own", "ops", "cpu", "mine")
		a.title("net-own", "net", "cpu", "mine")
		after(aWhile)
		a.drink(-1)
		after(aWhile) // catching up on ops hangs in the journal
		before := a.take()
		b.title("net-other", "net", "cpu", "later")
		close(j.way)
		after(aWhile)
		got := append(before, a.take()...)
		var net []string
		for _, m := range got {
			if m.str("dashboardId") == "net" {
				net = append(net, fmt.Sprintf("%s %s %s", m.Type, m.str("version"), m.str("inStream")))
			}
		}
		if want := "ACK 2 true|WIDGET_UPDATE 3 "; strings.Join(net, "|") != want {
			t.Errorf("on net: %q\nall: %s", net, describe(got))
		}
	})
}

// slowReads is a journal in which reading from the middle of a log takes until way
// is closed.
type slowReads struct {
	journal.Journal
	way chan struct{}
}

func (j *slowReads) Read(ctx context.Context, id string, after journal.Position) iter.Seq2[journal.Record, error] {
	if head, _, _ := j.Head(ctx, id); after > 0 && after < head {
		select {
		case <-j.way:
		case <-ctx.Done():
		}
	}
	return j.Journal.Read(ctx, id, after)
}

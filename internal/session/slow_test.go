package session

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/memjournal"
)

// slowReader follows ops with a connection that is full with one entry, and returns
// its replica. a edits.
func slowReader(t *testing.T, n *node) (a, slow *peer, r *replica) {
	t.Helper()
	a, slow = n.join("a"), n.join("slow")
	a.create("ops", "cpu")
	a.send(`{"type":"DASHBOARD_UPDATE","id":"pad","payload":{"dashboardId":"ops","set":{"/pad":%q}}}`, strings.Repeat("p", 20_000))
	a.one("ACK")
	slow.send(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`)
	r = newReplica("ops")
	slow.hearAll(r, n.journal)
	slow.block(100)
	a.fill("ops", "cpu", 1, 0)
	return a, slow, r
}

func TestR5_ASlowReaderIsACursor(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		a, slow, r := slowReader(t, n)
		a.fill("ops", "cpu", 5000, 1)
		if held := n.server.Stats().HeldBytes; held == 0 || held > 2*maxWrite {
			t.Errorf("%d bytes are held for a reader who is 5,000 entries behind", held)
		}
		slow.drink(-1)
		after(aWhile)
		got := slow.hearAll(r, n.journal)
		// What was on its way, then the rest as one.
		if last := got[len(got)-1]; r.ranges != 1 || r.snapshots != 1 || last.Type != "SYNC_UPDATE" {
			t.Errorf("%d ranges, %d snapshots, the last is %s", r.ranges, r.snapshots, last.Type)
		}
		if doc, state, _ := folded(n.journal, "ops"); r.bytes() != doc || r.version != state.Version() {
			t.Errorf("version %d differs from the log's %d", r.version, state.Version())
		}
		a.title("live", "ops", "cpu", "live again")
		after(aWhile)
		slow.one("WIDGET_UPDATE")
		if held := n.server.Stats().HeldBytes; held != 0 {
			t.Errorf("%d bytes are still counted as held", held)
		}
	})
}

func TestR5_WithinTheTailEveryEntryComes(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		a, slow, r := slowReader(t, n)
		a.fill("ops", "cpu", 500, 1)
		slow.drink(-1)
		after(aWhile)
		slow.hearAll(r, n.journal)
		if r.entries != 501 || r.ranges != 0 || r.version != n.version("ops") {
			t.Errorf("%d entries, %d ranges, version %d", r.entries, r.ranges, r.version)
		}
	})
}

func TestR5_SnapshotOnlyIfLargerOrNoLongerKept(t *testing.T) {
	const n = 100
	long := func(i int) string { return fmt.Sprint(strings.Repeat("w", 100), i) }
	tests := []struct {
		name     string
		missed   func(a *peer) // what the slow reader misses: n entries
		trimmed  bool
		snapshot bool
	}{
		{"the difference is smaller", func(a *peer) { a.fill("ops", "cpu", n, 1) }, false, false},
		{"the difference is larger", func(a *peer) { // all that is left of the document is its names
			for i := range n {
				a.send(`{"type":"WIDGET_DELETE","id":"d%d","payload":{"dashboardId":"ops","widgetId":%q}}`, i, long(i))
			}
			a.send(`{"type":"DASHBOARD_UPDATE","id":"unpad","payload":{"dashboardId":"ops","unset":["/pad"]}}`)
			after(aWhile)
		}, false, true},
		{"its start is no longer kept", func(a *peer) { a.fill("ops", "cpu", n, 1) }, true, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			j := &torn{Journal: memjournal.New(memjournal.Options{})}
			bubble(t, options{journal: j, room: func(c *room.Config) { c.TailEntries = 16 }}, func(t *testing.T, node *node) {
				first := node.join("first")
				for i := range n {
					first.create("ops", long(i))
				}
				a, slow, r := slowReader(t, node)
				test.missed(a)
				if test.trimmed {
					j.set(func(j *torn) { j.read = journal.ErrTrimmed })
				}
				slow.drink(-1)
				after(aWhile)
				j.set(func(j *torn) { j.read = nil })
				slow.hearAll(r, node.journal)
				if (r.snapshots == 2) != test.snapshot || (r.ranges == 1) == test.snapshot {
					t.Errorf("%d snapshots, %d ranges", r.snapshots, r.ranges)
				}
				if doc, _, _ := folded(node.journal, "ops"); r.bytes() != doc {
					t.Error("the document differs from the log's")
				}
			})
		})
	}
}

func TestR5_DrinkingInDrops(t *testing.T) {
	bubble(t, options{room: func(c *room.Config) { c.TailEntries = 8 }}, func(t *testing.T, n *node) {
		a, slow, r := slowReader(t, n)
		for i := range 60 {
			a.title(fmt.Sprint("t", i), "ops", "cpu", fmt.Sprint(i))
			slow.drink(97)
			after(3 * time.Millisecond)
		}
		slow.drink(-1)
		after(aWhile)
		slow.hearAll(r, n.journal)
		if doc, _, _ := folded(n.journal, "ops"); r.bytes() != doc || r.version != n.version("ops") {
			t.Errorf("version %d, want %d", r.version, n.version("ops"))
		}
		if r.ranges == 0 {
			t.Error("it never fell behind: the test shows nothing")
		}
	})
}

func TestR5_ASlowReaderSlowsNobody(t *testing.T) {
	heard := func(t *testing.T, slow bool) (at []time.Duration) {
		bubble(t, options{}, func(t *testing.T, n *node) {
			a, s, _ := slowReader(t, n)
			b := n.join("b")
			b.follow("ops")
			if !slow {
				s.drink(-1)
			}
			begin := time.Now()
			for i := range 2000 {
				a.title(fmt.Sprint("t", i), "ops", "cpu", fmt.Sprint("t", i))
				<-time.After(997 * time.Microsecond) // never at the moment of a sweep
			}
			after(aWhile)
			for _, m := range b.take() {
				at = append(at, m.at.Sub(begin))
			}
		})
		return at
	}
	with, without := heard(t, true), heard(t, false)
	if len(with) != 2000 || len(without) != 2000 {
		t.Fatalf("heard %d and %d entries, want 2,000", len(with), len(without))
	}
	for i := range with {
		if with[i] != without[i] {
			t.Fatalf("entry %d came after %s with a slow reader, after %s without", i, with[i], without[i])
		}
	}
}

func TestR5_TheLongestBlockedIsClosedWhenTheBudgetIsFull(t *testing.T) {
	bubble(t, options{session: func(c *Config) { c.HeldBytes = 150_000 }}, func(t *testing.T, n *node) {
		a := n.join("a")
		a.create("ops", "cpu")
		var slow []*peer
		for i := range 4 { // each holds 60 kB
			p := n.join(fmt.Sprint("slow", i))
			p.follow("ops")
			p.block(10)
			slow = append(slow, p)
			a.title(fmt.Sprint("big", i), "ops", "cpu", fmt.Sprint(i, strings.Repeat("x", 60_000)))
			after(aWhile)
		}
		var closed []int
		for i, p := range slow {
			if code := p.closedWith(); code == wire.CloseStalled {
				closed = append(closed, i)
			} else if code != 0 {
				t.Errorf("%d was closed with %d", i, code)
			}
		}
		if !slices.Equal(closed, []int{0, 1}) {
			t.Errorf("closed %v, want the two longest blocked and no more", closed)
		}
		if held := n.server.Stats().HeldBytes; held > 150_000 {
			t.Errorf("%d bytes are held", held)
		}
	})
}

func TestR5_BacklogsCountTowardsTheBudget(t *testing.T) {
	bubble(t, options{session: func(c *Config) { c.HeldBytes = 3 << 20; c.BytesPerSecond = 1 << 30 }}, func(t *testing.T, n *node) {
		a := n.join("a")
		for i := range 20 {
			a.send(`{"type":"WIDGET_UPDATE","id":"c%d","payload":{"dashboardId":"ops","widgetId":"w%d","create":true,"set":{"/v":%q}}}`, i, i, strings.Repeat("v", 60_000))
			a.one("ACK")
		}
		first := n.join("first")
		first.block(0)
		done := make(chan struct{})
		go func() { // a reader who asks again and again and never reads
			defer close(done)
			for i := range 10 {
				first.send(`{"type":"SYNC_REQUEST","id":"s%d","payload":{"dashboardId":"ops"}}`, i)
			}
		}()
		after(aWhile)
		if held := n.server.Stats().HeldBytes; held < 1<<20 || held > 3<<20 {
			t.Errorf("%d bytes are held for one reader, want one answer's", held)
		}
		if code := first.closedWith(); code != 0 {
			t.Fatalf("closed with %d", code)
		}
		others := []*peer{n.join("second"), n.join("third")}
		for _, p := range others {
			p.block(0)
			p.send(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`)
			after(aWhile)
		}
		if code := first.closedWith(); code != wire.CloseStalled {
			t.Errorf("the longest blocked was closed with %d", code)
		}
		<-done
		for i, p := range others {
			if code := p.closedWith(); code != 0 {
				t.Errorf("another (%d) was closed with %d", i, code)
			}
		}
		synctest.Wait()
	})
}

package session

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/memjournal"
)

// fate decides what happens to each append, from a seed.
type fate struct {
	mu   sync.Mutex
	rand *rand.Rand
	// of holds how many of 100 appends meet each fault; the rest meet none.
	of map[memjournal.Fault]int
	// slow is the longest that an append takes.
	slow time.Duration
}

func (f *fate) meet(ctx context.Context, _ journal.Append) memjournal.Fault {
	f.mu.Lock()
	n := f.rand.IntN(100)
	wait := time.Duration(f.rand.Int64N(int64(f.slow) + 1))
	of := f.of
	f.mu.Unlock()
	select {
	case <-time.After(wait):
	case <-ctx.Done():
	}
	for _, fault := range []memjournal.Fault{memjournal.Refuse, memjournal.LoseBefore, memjournal.LoseAfter, memjournal.LoseLate} {
		if n -= of[fault]; n < 0 {
			return fault
		}
	}
	return memjournal.None
}

// calm ends the faults.
func (f *fate) calm() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.of, f.slow = nil, 0
}

// writer is a client that edits one dashboard and sends each op again until it has a
// terminal answer that is no retryable NACK.
type writer struct {
	*peer
	replica *replica
	waiting map[string]string // messages without a final answer, by op id
	acked   map[string]uint64 // versions by op id
	answers map[string]int    // terminal answers since the op was last sent
}

func newWriter(t *testing.T, n *node, client string) *writer {
	t.Helper()
	w := &writer{
		peer: n.join(client), replica: newReplica("ops"),
		waiting: make(map[string]string), acked: make(map[string]uint64), answers: make(map[string]int),
	}
	w.send(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`)
	return w
}

// edit sends an op that sets a title; the later one wins.
func (w *writer) edit(id, widget, title string) {
	w.again(id, fmt.Sprintf(`{"type":"WIDGET_UPDATE","id":%q,"payload":{"dashboardId":"ops","widgetId":%q,"policy":"overwrite","set":{"/title":%q}}}`, id, widget, title))
}

func (w *writer) again(id, message string) {
	w.waiting[id] = message
	w.answers[id] = 0
	w.send("%s", message)
}

// settle takes in what has come and sends again what the server could not do. It
// reports whether anything is still waiting.
func (w *writer) settle(j journal.Journal) bool {
	w.t.Helper()
	for _, m := range w.hearAll(w.replica, j) {
		message, ours := w.waiting[m.CorrelationID]
		if !ours {
			if w.answers[m.CorrelationID] > 0 && (m.Type == "ACK" || m.Type == "NACK") {
				w.t.Errorf("E3: %s got another answer: %.200s", m.CorrelationID, m.raw)
			}
			continue
		}
		w.answers[m.CorrelationID]++
		switch {
		case m.Type == "ACK":
			w.acked[m.CorrelationID] = m.uint("version")
			delete(w.waiting, m.CorrelationID)
		case m.Type == "NACK" && m.str("retryable") == "true":
			w.again(m.CorrelationID, message)
		default:
			w.t.Fatalf("%s got %.300s", m.CorrelationID, m.raw)
		}
	}
	return len(w.waiting) > 0
}

// entries counts the entries of a log by op id and gives their versions.
func entries(t *testing.T, j journal.Journal, id string) (times map[string]int, versions map[string]uint64) {
	t.Helper()
	times, versions = make(map[string]int), make(map[string]uint64)
	for rec, err := range j.Read(t.Context(), id, 0) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := board.ParseRecord(rec.Data)
		if err != nil {
			t.Fatal(err)
		}
		times[e.ID]++
		versions[e.ID] = e.Version
	}
	return times, versions
}

// Two nodes write the same dashboard of one journal as fast as they can, while the
// journal loses answers, answers late and refuses: every acknowledged op is in the
// log exactly once under the version that was acknowledged, and everybody ends with
// the log's document.
func TestA3_TwoNodesWriteOneDashboard(t *testing.T) {
	tests := []struct {
		name string
		of   map[memjournal.Fault]int
	}{
		{"A3 races alone", nil},
		{"A1 answers get lost", map[memjournal.Fault]int{memjournal.LoseBefore: 10, memjournal.LoseAfter: 15}},
		{"A1 appends arrive late", map[memjournal.Fault]int{memjournal.LoseLate: 10, memjournal.LoseAfter: 10}},
		{"A2 the journal refuses", map[memjournal.Fault]int{memjournal.Refuse: 20}},
		{"A2 all of it", map[memjournal.Fault]int{
			memjournal.Refuse: 8, memjournal.LoseBefore: 8, memjournal.LoseAfter: 8, memjournal.LoseLate: 8,
		}},
	}
	for seed, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(uint64(seed), 7))
			f := &fate{rand: rand.New(rand.NewPCG(uint64(seed), 8))}
			j := memjournal.New(memjournal.Options{Fault: f.meet})
			two(t, options{journal: j}, func(t *testing.T, a, b *node) {
				first := a.join("first")
				for i := range 4 {
					first.create("ops", fmt.Sprint("w", i))
				}
				var all []*writer
				for i := range 3 {
					all = append(all, newWriter(t, a, fmt.Sprint("a", i)), newWriter(t, b, fmt.Sprint("b", i)))
				}
				after(aWhile)
				f.mu.Lock()
				f.of, f.slow = test.of, 3*time.Millisecond
				f.mu.Unlock()
				for round := range 80 {
					for i, w := range all {
						if random.IntN(3) > 0 {
							w.edit(fmt.Sprintf("op-%d-%d", i, round), fmt.Sprint("w", random.IntN(4)), fmt.Sprint(random.Uint64()))
						}
					}
					after(time.Duration(random.IntN(3000)) * time.Microsecond)
					if round%20 == 0 {
						j.Settle()
						for _, w := range all {
							w.settle(j)
						}
					}
				}
				f.calm()
				for busy := true; busy; {
					after(aWhile)
					j.Settle()
					busy = false
					for _, w := range all {
						busy = w.settle(j) || busy
					}
				}
				after(10 * time.Second)

				times, versions := entries(t, j, "ops")
				acked := 0
				for _, w := range all {
					w.settle(j)
					for id, version := range w.acked {
						acked++
						if times[id] != 1 || versions[id] != version {
							t.Errorf("%s is %d times in the log, as version %d; acknowledged was %d", id, times[id], versions[id], version)
						}
						delete(times, id)
					}
				}
				for id, n := range times {
					if n != 1 {
						t.Errorf("M8: %s is %d times in the log", id, n)
					}
				}
				doc, state, err := folded(j, "ops")
				if err != nil {
					t.Fatal(err)
				}
				for i, w := range all {
					if w.replica.bytes() != doc || w.replica.version != state.Version() {
						t.Errorf("writer %d ends at version %d with\n%s\nthe log at %d with\n%s", i, w.replica.version, w.replica.bytes(), state.Version(), doc)
					}
				}
				if acked == 0 || a.hub.Stats().Races+b.hub.Stats().Races == 0 {
					t.Errorf("%d acknowledged, %d races: the test shows nothing", acked, a.hub.Stats().Races+b.hub.Stats().Races)
				}
			})
		})
	}
}

// An answer that appends nothing is given only against a head that the journal has
// confirmed after the op came in.
func TestA3_NothingToDoIsSaidOfTheNewestHead(t *testing.T) {
	j := memjournal.New(memjournal.Options{})
	two(t, options{journal: deaf{j}}, func(t *testing.T, a, b *node) {
		ana, bo := a.join("a"), b.join("b")
		ana.create("ops", "cpu")
		ana.title("1", "ops", "cpu", "CPU")
		ana.one("ACK")
		bo.title("2", "ops", "cpu", "Processor") // node a does not hear of it
		bo.one("ACK")
		ana.title("3", "ops", "cpu", "CPU")
		if m := ana.one("ACK"); m.str("status") == "unchanged" || m.uint("version") != 4 {
			t.Errorf("node a knew CPU only: %s", m.raw)
		}
		bo.send(`{"type":"WIDGET_DELETE","id":"4","payload":{"dashboardId":"ops","widgetId":"cpu"}}`)
		bo.one("ACK")
		ana.send(`{"type":"WIDGET_DELETE","id":"5","payload":{"dashboardId":"ops","widgetId":"cpu"}}`)
		if m := ana.one("ACK"); m.str("status") != "unchanged" || m.uint("version") != 5 {
			t.Errorf("deleting what another node deleted: %s", m.raw)
		}
	})
}

func TestA1_WhoWaitsTooLongIsToldAndHearsItAsAnEntry(t *testing.T) {
	g := newGate()
	bubble(t, options{journal: g}, func(t *testing.T, n *node) {
		a := n.join("a")
		a.follow("ops")
		a.create("ops", "cpu")
		g.shut()
		a.title("late", "ops", "cpu", "late")
		after(4900 * time.Millisecond)
		if got := a.take(); len(got) != 0 {
			t.Fatalf("before five seconds: %s", describe(got))
		}
		after(200 * time.Millisecond)
		if m := a.refused("late", "UNAVAILABLE"); m.str("retryable") != "true" {
			t.Errorf("got %s", m.raw)
		}
		g.open()
		after(aWhile)
		if m := a.one("WIDGET_UPDATE"); m.ID != "late" || m.uint("version") != 2 {
			t.Errorf("it committed after all: %s", m.raw)
		}
		a.title("late", "ops", "cpu", "late") // as a client does after that NACK
		if m := a.one("ACK"); m.uint("version") != 2 || m.str("inStream") != "false" {
			t.Errorf("sent again: %s", m.raw)
		}
		if times, _ := entries(t, g, "ops"); times["late"] != 1 {
			t.Errorf("it is %d times in the log", times["late"])
		}
	})
}

func TestA2_WritesComeBackByThemselves(t *testing.T) {
	f := &fate{rand: rand.New(rand.NewPCG(1, 1)), of: map[memjournal.Fault]int{}}
	bubble(t, options{journal: memjournal.New(memjournal.Options{Fault: f.meet})}, func(t *testing.T, n *node) {
		a, b := n.join("a"), n.join("b")
		a.create("ops", "cpu")
		f.mu.Lock()
		f.of = map[memjournal.Fault]int{memjournal.Refuse: 100}
		f.mu.Unlock()
		a.title("1", "ops", "cpu", "full")
		a.refused("1", "UNAVAILABLE")
		if m := b.follow("ops"); m.uint("version") != 1 {
			t.Errorf("reading while the disk is full: %s", m.raw)
		}
		f.calm()
		a.title("1", "ops", "cpu", "full")
		if m := a.one("ACK"); m.uint("version") != 2 || m.str("status") != "applied" {
			t.Errorf("afterwards: %s", m.raw)
		}
		after(aWhile)
		b.one("WIDGET_UPDATE")
	})
}

func TestA5_OpeningReadsOneSnapshotAndAThousandEntries(t *testing.T) {
	j := &torn{Journal: memjournal.New(memjournal.Options{})}
	bubble(t, options{journal: j}, func(t *testing.T, n *node) {
		a := n.join("a")
		a.create("ops", "cpu")
		a.fill("ops", "cpu", 2600, 1)
		j.set(func(j *torn) {
			if len(j.saved) < 2 {
				t.Errorf("snapshots at %v", j.saved)
			}
		})
	})
	j.set(func(j *torn) { j.reads = 0 })
	bubble(t, options{journal: j}, func(t *testing.T, n *node) {
		if m := n.join("b").follow("ops"); m.uint("version") != 2601 {
			t.Errorf("got %.200s", m.raw)
		}
		j.set(func(j *torn) {
			if j.reads > 1000 {
				t.Errorf("%d entries were read", j.reads)
			}
		})
	})
}

func TestA6_AClosedDashboardLeavesNothing(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		a := n.join("a")
		a.follow("ops")
		a.create("ops", "cpu")
		if n.hub.Stats().Rooms != 1 {
			t.Fatalf("%d rooms are open", n.hub.Stats().Rooms)
		}
		a.vanish(wire.CloseNormal)
		after(time.Minute)
		if rooms := n.hub.Stats().Rooms; rooms != 0 {
			t.Errorf("%d rooms are still open", rooms)
		}
		synctest.Wait()
	})
}

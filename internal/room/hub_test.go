package room

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/clock/clocktest"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/memjournal"
)

// A dashboard that takes long to open holds up nobody for longer than five seconds,
// and is there for those who come later.
func TestA1_OpeningTakesLong(t *testing.T) {
	g := newGate()
	bubble(t, g, nil, func(t *testing.T, n *node) { n.create("cpu") })
	bubble(t, g, nil, func(t *testing.T, n *node) {
		n.ops = 10
		way := make(chan struct{})
		g.set(func() { g.onRead = func(ctx context.Context, i int) error { return wait(ctx, way) } })
		begin := time.Now()
		answer := make(chan Answer, 1)
		go func() { answer <- <-n.title("cpu", "x") }()
		a := <-answer
		if took := time.Since(begin); a.Refusal == nil || a.Refusal.Code != board.CodeUnavailable || took != 5*time.Second {
			t.Errorf("got %+v after %s", a, took)
		}
		close(way)
		if a := <-n.title("cpu", "y"); a.Ack == nil || a.Ack.Version != 2 {
			t.Errorf("got %+v", a)
		}
	})
}

func TestRunEnds(t *testing.T) {
	tests := []struct {
		name    string
		append  time.Duration // what the append in flight takes
		within  time.Duration // Run ends
		refused bool
	}{
		{"idle", 0, 0, false},
		{"the append in flight is waited for", 500 * time.Millisecond, 500 * time.Millisecond, false},
		{"but not for ever", time.Hour, time.Second, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := newGate()
			synctest.Test(t, func(t *testing.T) {
				n := start(t, g, nil)
				n.create("cpu")
				if test.append > 0 {
					g.set(func() {
						g.onAppend = func(ctx context.Context) error {
							select {
							case <-time.After(test.append):
								return nil
							case <-ctx.Done():
								return journal.ErrUnknown
							}
						}
					})
				}
				answers := n.title("cpu", "x")
				synctest.Wait()
				begin := time.Now()
				n.stop()
				if took := time.Since(begin); took != test.within {
					t.Errorf("Run took %s to end, want %s", took, test.within)
				}
				if a := answered(answers); a == nil || (a.Refusal != nil) != test.refused {
					t.Errorf("got %+v", a)
				}
				// Afterwards nothing is taken in any more.
				if a := answered(n.title("cpu", "y")); a == nil || a.Refusal == nil || a.Refusal.Code != board.CodeUnavailable {
					t.Errorf("got %+v", a)
				}
			})
		})
	}
}

func TestA5_SnapshotsAreSavedEveryThousandEntries(t *testing.T) {
	g := newGate()
	fail := true
	g.onSave = func() error {
		if fail {
			return errors.New("the disk is full")
		}
		return nil
	}
	synctest.Test(t, func(t *testing.T) {
		n := start(t, g, nil)
		fill := func(entries int) {
			answers := make([]chan Answer, entries)
			for i := range answers {
				answers[i] = n.title("cpu", fmt.Sprint(n.ops))
			}
			for _, c := range answers {
				<-c
			}
			synctest.Wait()
		}
		n.create("cpu")
		for range 11 {
			fill(100)
		}
		if len(g.saved) != 0 || !strings.Contains(n.log.String(), "disk is full") {
			t.Fatalf("saved %v, log %s", g.saved, n.log)
		}
		if lines := strings.Count(n.log.String(), "disk is full"); lines > 3 {
			t.Errorf("%d lines about one full disk", lines)
		}
		fail = false
		fill(100)
		if len(g.saved) != 1 || g.saved[0] < 1100 || g.saved[0] > 1201 {
			t.Fatalf("saved %v: the next try should come after a hundred entries", g.saved)
		}
		for range 10 {
			fill(100)
		}
		if len(g.saved) != 2 || g.saved[1]-g.saved[0] < 1000 || g.saved[1]-g.saved[0] > 1100 {
			t.Errorf("saved %v", g.saved)
		}
		fill(150)
		n.stop() // worth one more
		if len(g.saved) != 3 || g.saved[2] != journal.Position(n.ops) {
			t.Errorf("saved %v at the end of %d entries", g.saved, n.ops)
		}
	})
}

// What has failed is forgotten, so that it is tried again; what is open and quiet has
// no goroutine; what nobody has open is nothing.
func TestA6_RoomsComeAndGo(t *testing.T) {
	bubble(t, nil, nil, func(t *testing.T, n *node) {
		n.create("cpu")
		r := n.follow("ops")
		after(time.Minute)
		if n.Stats().Rooms != 1 {
			t.Error("a dashboard that somebody follows was closed")
		}
		r.sub.Cancel()
		r.sub.Cancel() // may be called twice
		after(9 * time.Second)
		if n.Stats().Rooms != 1 {
			t.Error("closed before its time")
		}
		after(12 * time.Second)
		if n.Stats().Rooms != 0 {
			t.Error("still open")
		}
		if n.Feed(t.Context(), data("nobody", "1", false)) == nil {
			t.Error("fed a widget that is not there")
		}
		after(20 * time.Second)
		if n.Stats().Rooms != 0 || len(n.values.boards) != 0 {
			t.Error("a dashboard that was only asked for is still open")
		}
	})
}

// TestA6_RoomsCloseInTheirTimeThoughTheClockIsSet: the time of day says nothing about how
// long nobody has used a room.
func TestA6_RoomsCloseInTheirTimeThoughTheClockIsSet(t *testing.T) {
	for _, leap := range []time.Duration{time.Hour, -time.Hour} {
		var c clocktest.Leaping
		bubble(t, nil, func(cfg *Config) { cfg.Clock = &c }, func(t *testing.T, n *node) {
			n.create("cpu")
			r := n.follow("ops")
			r.sub.Cancel()
			after(2 * time.Second)
			c.Leap(leap)
			after(7 * time.Second)
			if n.Stats().Rooms != 1 {
				t.Errorf("%s: closed before its time", leap)
			}
			after(12 * time.Second)
			if n.Stats().Rooms != 0 {
				t.Errorf("%s: still open", leap)
			}
		})
	}
}

func TestR9_DeletingReleasesEverybody(t *testing.T) {
	bubble(t, nil, nil, func(t *testing.T, n *node) {
		n.create("cpu")
		readers := []*reader{n.follow("ops"), n.follow("ops"), n.follow("ops")}
		readers[1].sub.Cancel()
		del := op(t, "del", "WIDGET_DELETE", `{"dashboardId":"ops","widgetId":"cpu"}`)
		*del.Op() = board.Op{Type: board.TypeDashboardDelete, ID: "del", DashboardID: "ops", Author: del.Op().Author}
		answers := make(chan Answer, 1)
		n.Submit(t.Context(), del, func(a Answer) { answers <- a })
		if a := <-answers; a.Ack == nil {
			t.Fatal(a.Refusal)
		}
		for i, r := range readers {
			if want := []string{"deleted", "", "deleted"}[i]; r.gone != want {
				t.Errorf("reader %d heard %q", i, r.gone)
			}
			r.sub.Cancel()
		}
		room := n.open("ops")
		if users := room.users.Load(); users != 0 {
			t.Errorf("%d users are left", users)
		}
		after(25 * time.Second)
		if n.Stats().Rooms != 0 {
			t.Error("still open")
		}
	})
}

func TestR1_WaitingForAPosition(t *testing.T) {
	j := memjournal.New(memjournal.Options{})
	bubble(t, j, nil, func(t *testing.T, n *node) {
		n.create("cpu")
		r := n.open("ops")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.waitFor(ctx, 5) }()
		synctest.Wait()
		for i := range 4 {
			if len(done) > 0 {
				t.Fatalf("returned at position %d", i+1)
			}
			<-n.title("cpu", fmt.Sprint(i))
			synctest.Wait()
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		go func() { done <- r.waitFor(ctx, 9) }()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tasks Tasks
		way := make(chan struct{})
		ran := 0
		if !tasks.Go(func() { <-way }) || !tasks.Do(func() { ran++ }) || ran != 1 {
			t.Error("nothing ran")
		}
		idle := tasks.Close()
		if tasks.Go(func() { ran++ }) || tasks.Do(func() { ran++ }) || ran != 1 {
			t.Error("something began after Close")
		}
		select {
		case <-idle:
			t.Error("idle while something runs")
		default:
		}
		close(way)
		<-idle
		<-tasks.Close() // may be called again
		var none Tasks
		<-none.Close()
	})
}

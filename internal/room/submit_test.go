package room

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/journal"
)

// held makes appends wait until way is closed.
func (g *gate) held(way chan struct{}) {
	g.set(func() { g.onAppend = func(ctx context.Context) error { return wait(ctx, way) } })
}

// stuck runs a test with a widget, after which the journal answers nothing until release is called.
func stuck(t *testing.T, test func(t *testing.T, n *node, release func())) {
	t.Helper()
	g := newGate()
	bubble(t, g, nil, func(t *testing.T, n *node) {
		n.create("cpu")
		way := make(chan struct{})
		g.held(way)
		test(t, n, func() { close(way) })
	})
}

// What is in line is decided on what is before it in line, looking back included.
func TestM9_RestoringWhatIsJustBeingDeleted(t *testing.T) {
	stuck(t, func(t *testing.T, n *node, release func()) {
		answers := []chan Answer{
			n.title("cpu", "the last title"),
			n.submit("WIDGET_DELETE", `{"dashboardId":"ops","widgetId":"cpu"}`),
			n.submit("WIDGET_UPDATE", `{"dashboardId":"ops","widgetId":"cpu","restore":true,"set":{"/x":1}}`),
			n.title("cpu", "after"),
		}
		after(time.Millisecond)
		release()
		for i, c := range answers {
			if a := <-c; a.Ack == nil || a.Ack.Version != uint64(i+2) {
				t.Errorf("op %d: %+v, %v", i, a.Ack, a.Refusal)
			}
		}
		state, _ := n.State(t.Context(), "ops")
		if w, _ := state.Widget("cpu"); w != `{"title":"after","x":1}` {
			t.Errorf("cpu is %s", w)
		}
	})
}

func TestL6_RestoringALayoutThatIsNotStoredYet(t *testing.T) {
	stuck(t, func(t *testing.T, n *node, release func()) {
		answers := []chan Answer{
			n.submit("LAYOUT_UPDATE", `{"dashboardId":"ops","moved":{"cpu":{"x":5}}}`),
			n.submit("LAYOUT_UPDATE", `{"dashboardId":"ops","moved":{"cpu":{"x":9}}}`),
			n.submit("LAYOUT_RESTORE", `{"dashboardId":"ops","toVersion":2}`),
		}
		after(time.Millisecond)
		release()
		for i, c := range answers {
			if a := <-c; a.Ack == nil {
				t.Errorf("op %d: %v", i, a.Refusal)
			}
		}
		state, _ := n.State(t.Context(), "ops")
		if l, _ := state.Layout("main"); l.Items["cpu"].X != 5 {
			t.Errorf("cpu is at %+v", l.Items["cpu"])
		}
	})
}

// After a lost race the ops in line are decided again in their order, also if one of
// them has to look back and others come meanwhile.
func TestM1_OrderSurvivesDecidingAgain(t *testing.T) {
	g := newGate()
	bubble(t, g, nil, func(t *testing.T, n *node) {
		n.create("cpu")
		if a := <-n.submit("WIDGET_DELETE", `{"dashboardId":"ops","widgetId":"cpu"}`); a.Ack == nil {
			t.Fatal(a.Refusal)
		}
		appends, reads := make(chan struct{}), make(chan struct{})
		g.held(appends)
		answers := []chan Answer{
			n.submit("WIDGET_UPDATE", `{"dashboardId":"ops","widgetId":"cpu","restore":true}`),
			n.title("cpu", "first"),
		}
		after(time.Millisecond)

		other := start(t, g.Journal, nil)
		defer other.stop()
		other.ops = 100
		if a := <-other.submit("DASHBOARD_UPDATE", `{"dashboardId":"ops","set":{"/t":1}}`); a.Ack == nil {
			t.Fatal(a.Refusal)
		}
		// It gets deleted anew by the other node, so that deciding again looks back again.
		for _, p := range []string{`{"dashboardId":"ops","widgetId":"cpu","restore":true}`} {
			if a := <-other.submit("WIDGET_UPDATE", p); a.Ack == nil {
				t.Fatal(a.Refusal)
			}
		}
		if a := <-other.submit("WIDGET_DELETE", `{"dashboardId":"ops","widgetId":"cpu"}`); a.Ack == nil {
			t.Fatal(a.Refusal)
		}
		caughtUp := 0
		g.set(func() {
			g.onAppend = nil
			g.onRead = func(ctx context.Context, i int) error {
				if i == 0 {
					caughtUp++
				}
				if caughtUp == 2 && i == 0 { // the reading for restore
					return wait(ctx, reads)
				}
				return nil
			}
		})
		close(appends)
		after(100 * time.Millisecond)
		answers = append(answers, n.title("cpu", "second"), n.title("cpu", "third"))
		after(time.Millisecond)
		close(reads)
		for i, c := range answers {
			if a := <-c; a.Ack == nil || a.Ack.Version != uint64(6+i) {
				t.Errorf("op %d: %+v, %v", i, a.Ack, a.Refusal)
			}
		}
		if list := ids(t, g, "ops"); strings.Join(list[5:], " ") != "op-3 op-4 op-5 op-6" {
			t.Errorf("the log holds %v", list)
		}
	})
}

func TestM8_ReplaysAfterTheTail(t *testing.T) {
	bubble(t, nil, func(c *Config) { c.TailEntries = 4 }, func(t *testing.T, n *node) {
		n.create("cpu")
		first := <-n.submitAs("first", "WIDGET_UPDATE", `{"dashboardId":"ops","widgetId":"cpu","set":{"/title":"x"}}`)
		for i := range 10 {
			<-n.title("cpu", fmt.Sprint(i))
		}
		again := <-n.submitAs("first", "WIDGET_UPDATE", `{"dashboardId":"ops","widgetId":"cpu","set":{"/title":"x"}}`)
		if again.Ack == nil || again.Ack.Version != first.Ack.Version || again.Ack.Status != first.Ack.Status || again.Committed {
			t.Errorf("got %+v, first %+v", again, first.Ack)
		}
		other := <-n.submitAs("first", "WIDGET_UPDATE", `{"dashboardId":"ops","widgetId":"cpu","set":{"/title":"y"}}`)
		if other.Refusal == nil || other.Refusal.Code != board.CodeIDReused {
			t.Errorf("got %+v", other)
		}
	})
}

// A snapshot has only marks of op ids, so what was committed before it is looked up in the
// log; an op whose entry cannot be read is neither refused for good nor done twice.
func TestM8_ReplaysOfWhatASnapshotHolds(t *testing.T) {
	g := newGate()
	bubble(t, g, nil, func(t *testing.T, n *node) {
		const payload = `{"dashboardId":"ops","widgetId":"cpu","set":{"/title":"x"}}`
		n.create("cpu")
		first := <-n.submitAs("first", "WIDGET_UPDATE", payload)
		for i := range 120 {
			<-n.title("cpu", fmt.Sprint(i))
		}
		n.stop() // saves a snapshot
		if len(g.saved) != 1 || g.saved[0] != 122 {
			t.Fatalf("snapshots at %v", g.saved)
		}
		other := start(t, g, nil)
		defer other.stop()
		if _, bad := other.State(t.Context(), "ops"); bad != nil { // opens it
			t.Fatal(bad)
		}
		g.set(func() {
			g.onRead = func(context.Context, int) error { return fmt.Errorf("%w: no disk", journal.ErrUnavailable) }
		})
		a := <-other.submitAs("first", "WIDGET_UPDATE", payload)
		if a.Refusal == nil || a.Refusal.Code != board.CodeUnavailable {
			t.Fatalf("the log cannot be read: %+v", a)
		}
		if a := <-other.submitAs("new", "WIDGET_UPDATE", payload); !a.Committed || a.Ack.Version != 123 {
			t.Fatalf("what is new needs no log: %+v", a)
		}
		g.set(func() { g.onRead = nil })
		again := make([]chan Answer, 20)
		for i := range again {
			again[i] = other.submitAs("first", "WIDGET_UPDATE", payload)
		}
		for _, c := range again {
			if a := <-c; a.Ack == nil || a.Ack.Version != first.Ack.Version || a.Ack.Status != first.Ack.Status || a.Committed {
				t.Errorf("got %+v, first %+v", a, first.Ack)
			}
		}
		reused := <-other.submitAs("first", "WIDGET_UPDATE", strings.Replace(payload, "x", "y", 1))
		if reused.Refusal == nil || reused.Refusal.Code != board.CodeIDReused {
			t.Errorf("with other content: %+v", reused)
		}
		if list := ids(t, g, "ops"); len(list) != 123 || list[122] != "new" {
			t.Errorf("the log holds %v", list)
		}
	})
}

func TestM8_ReplayOfWhatIsStillInLine(t *testing.T) {
	stuck(t, func(t *testing.T, n *node, release func()) {
		const payload = `{"dashboardId":"ops","widgetId":"cpu","set":{"/title":"x"}}`
		one, two := n.submitAs("o", "WIDGET_UPDATE", payload), n.submitAs("o", "WIDGET_UPDATE", payload)
		release()
		a, b := <-one, <-two
		if !a.Committed || b.Committed || a.Ack.Version != 2 || b.Ack.Version != 2 {
			t.Errorf("got %+v and %+v", a, b)
		}
	})
}

// What stands behind a repeated op in line may end the epoch that it belongs to.
func TestM8_ReplayBeforeANewEpochInLine(t *testing.T) {
	g := newGate()
	bubble(t, g, nil, func(t *testing.T, n *node) {
		const payload = `{"dashboardId":"ops","widgetId":"cpu","create":true}`
		first := <-n.submitAs("first", "WIDGET_UPDATE", payload)
		way := make(chan struct{})
		g.held(way)
		n.title("cpu", "in flight")
		again := n.submitAs("first", "WIDGET_UPDATE", payload)
		gone := make(chan Answer, 1)
		remove := &board.Op{Type: board.TypeDashboardDelete, ID: "del", DashboardID: "ops", Author: board.Author{UserID: "ana"}, Hash: [16]byte{1}}
		authorized, bad := auth.Authorize(t.Context(), auth.Grants{}, &owner, remove)
		if bad != nil {
			t.Fatal(bad)
		}
		n.Submit(t.Context(), authorized, func(a Answer) { gone <- a })
		anew := n.submitAs("anew", "WIDGET_UPDATE", payload)
		close(way)
		if a := <-gone; !a.Committed {
			t.Fatalf("deleting: %+v", a)
		}
		if a := <-anew; a.Ack == nil || a.Ack.Version != 1 || a.Epoch == first.Epoch {
			t.Fatalf("creating anew: %+v", a)
		}
		if a := <-again; a.Ack == nil || a.Ack.Version != 1 || a.Epoch != first.Epoch || a.Committed {
			t.Errorf("again: %+v, want version 1 of %s", a, first.Epoch)
		}
	})
}

// An answer that appends nothing is as durable as the journal says of its head, right
// after a start too.
func TestA1_DurabilityOfWhatAppendsNothing(t *testing.T) {
	g := newGate()
	g.says = journal.Quorum
	bubble(t, g, nil, func(t *testing.T, n *node) { n.create("cpu") })
	bubble(t, g, nil, func(t *testing.T, n *node) {
		n.ops = 10
		a := <-n.submit("WIDGET_DELETE", `{"dashboardId":"ops","widgetId":"nothing"}`)
		if a.Ack == nil || a.Ack.Status != board.StatusUnchanged || a.Durability != journal.Quorum {
			t.Errorf("got %+v", a)
		}
		again := <-n.submitAs("op-1", "WIDGET_UPDATE", `{"dashboardId":"ops","widgetId":"cpu","create":true}`)
		if again.Ack == nil || again.Ack.Version != 1 || again.Durability != journal.Quorum {
			t.Errorf("got %+v", again)
		}
	})
}

func TestP5_ValidateRefuses(t *testing.T) {
	bubble(t, nil, func(c *Config) {
		c.Validate = func(op auth.AuthorizedOp, before *board.State, e *board.Entry) *board.Error {
			if before.Version() > 0 && op.Role() == auth.Owner && e.Change.Settings != nil {
				return board.Errorf(board.CodeInvalid, "no").At("/x")
			}
			return nil
		}
	}, func(t *testing.T, n *node) {
		n.create("cpu")
		a := <-n.submit("DASHBOARD_UPDATE", `{"dashboardId":"ops","set":{"/x":1}}`)
		if a.Refusal == nil || a.Refusal.Code != board.CodeInvalid || a.Refusal.Path != "/x" {
			t.Errorf("got %+v", a)
		}
		if a := <-n.title("cpu", "x"); a.Ack == nil || a.Ack.Version != 2 {
			t.Errorf("got %+v", a)
		}
	})
}

// Who came first may be decided last, for which times in the log do not go back. What had to wait for its
// dashboard to open is decided then.
func TestSubmit_TimesFollowTheOrderOfTheLog(t *testing.T) {
	var entries []*board.Entry
	bubble(t, nil, func(cfg *Config) {
		cfg.Hooks.Commit = func(e *board.Entry) { entries = append(entries, e) }
	}, func(t *testing.T, n *node) {
		earlier := time.Now()
		after(time.Second)
		submit := func(now time.Time, id, payload string) {
			done := make(chan Answer, 1)
			n.SubmitAt(t.Context(), now, op(t, id, "WIDGET_UPDATE", payload), func(a Answer) { done <- a })
			if a := <-done; a.Ack == nil {
				t.Fatal(a.Refusal)
			}
		}
		submit(earlier, "opens", `{"dashboardId":"ops","widgetId":"cpu","create":true}`)
		after(time.Second)
		submit(time.Now(), "first", `{"dashboardId":"ops","widgetId":"cpu","set":{"/title":"first"}}`)
		submit(earlier, "late", `{"dashboardId":"ops","widgetId":"cpu","set":{"/title":"late"}}`)
		synctest.Wait()
		var took []time.Duration
		for _, e := range entries {
			took = append(took, e.Time.Sub(earlier.Truncate(time.Millisecond)))
		}
		if want := []time.Duration{time.Second, 2 * time.Second, 2 * time.Second}; !slices.Equal(took, want) {
			t.Errorf("the entries came after %v, want %v", took, want)
		}
	})
}

// Nothing grows without bound while the journal does not answer.
func TestA1_TheLineIsBounded(t *testing.T) {
	stuck(t, func(t *testing.T, n *node, release func()) {
		var last chan Answer
		for i := range maxLine + 1 {
			last = n.title("cpu", fmt.Sprint(i%2))
		}
		if a := answered(last); a == nil || a.Refusal == nil || a.Refusal.Code != board.CodeUnavailable {
			t.Errorf("got %+v", a)
		}
		release()
		after(aWhile)
		if a := answered(n.title("cpu", "again")); a == nil || a.Ack == nil {
			t.Errorf("got %+v", a)
		}
	})
}

func TestM14_AnOpWithoutFateDoesNotHoldUpTheNext(t *testing.T) {
	stuck(t, func(t *testing.T, n *node, release func()) {
		first := n.title("cpu", "1")
		after(time.Millisecond)
		answers := []chan Answer{ // all in one append
			n.submit("WIDGET_UPDATE", `{"dashboardId":"ops","widgetId":"cpu","create":true}`),
			n.submit("WIDGET_UPDATE", `{"dashboardId":"ops","widgetId":"gone","set":{"/x":1}}`),
			n.submit("WIDGET_UPDATE", `{"dashboardId":"ops","widgetId":"cpu","baseVersion":99,"set":{"/x":1}}`),
			n.title("cpu", "2"),
			n.title("cpu", "2"),
		}
		release()
		<-first
		var fates []string
		for _, c := range answers {
			switch a := <-c; {
			case a.Refusal != nil:
				fates = append(fates, string(a.Refusal.Code))
			case a.Conflict != nil:
				fates = append(fates, string(a.Conflict.Kind))
			default:
				fates = append(fates, fmt.Sprint(a.Ack.Status, a.Ack.Version))
			}
		}
		if got := strings.Join(fates, " "); got != "EXISTS deleted BAD_VERSION applied3 unchanged3" {
			t.Errorf("got %s", got)
		}
	})
}

package room

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/memjournal"
)

// What the tests of this package prove with a journal that tells of the end of its appends
// holds with one that has to be waited for.
func TestA1_AJournalThatIsWaitedFor(t *testing.T) {
	waitedFor = true
	defer func() { waitedFor = false }()
	for name, test := range map[string]func(*testing.T){
		"while the log is read":  TestA3_OpsThatComeWhileTheLogIsRead,
		"the log cannot be read": TestA2_OpsWhileTheLogCannotBeRead,
		"unknown":                TestA1_UnknownIsRepeatedUntilKnown,
		"five seconds":           TestA1_FiveSecondsFromTheBeginning,
		"races are given up":     TestA3_RacesAreGivenUpAfterTwoSeconds,
		"looking back":           TestM9_RestoringWhatIsJustBeingDeleted,
		"decided again in order": TestM1_OrderSurvivesDecidingAgain,
		"replays":                TestM8_ReplaysAfterTheTail,
		"replays in line":        TestM8_ReplayOfWhatIsStillInLine,
		"the line is bounded":    TestA1_TheLineIsBounded,
		"without fate":           TestM14_AnOpWithoutFateDoesNotHoldUpTheNext,
		"the end of the hub":     TestRunEnds,
		"deleting":               TestR9_DeletingReleasesEverybody,
	} {
		t.Run(name, test)
	}
}

// silent is a journal.Starter that tells nothing until it is asked to.
type silent struct {
	journal.Journal

	landed []func()
}

func (s *silent) Start(a journal.Append, done func(journal.Durability, error)) {
	s.landed = append(s.landed, func() { done(s.Append(context.Background(), a)) })
}

// onStarter runs a test on a node whose journal starts appends by itself, once somebody sweeps.
func onStarter(t *testing.T, j journal.Journal, test func(t *testing.T, n *node)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		waitedFor = true
		defer func() { waitedFor = false }()
		n := start(t, j, nil)
		synctest.Wait()
		test(t, n)
	})
}

// No goroutine waits for the journal.
func TestA1_NobodyWaitsForTheJournal(t *testing.T) {
	j := &silent{Journal: memjournal.New(memjournal.Options{})}
	onStarter(t, j, func(t *testing.T, n *node) {
		defer n.stop()
		const others = 20
		dashboard := func(i int) string { return fmt.Sprint("d", i) }
		for i := range others {
			r, bad := n.acquire(t.Context(), dashboard(i))
			if bad != nil {
				t.Fatal(bad)
			}
			r.release()
		}
		synctest.Wait()
		before := runtime.NumGoroutine()
		first := n.submit("WIDGET_UPDATE", `{"dashboardId":"ops","widgetId":"cpu","create":true}`)
		second, third := n.title("cpu", "a"), n.title("cpu", "b")
		for i := range others {
			n.submit("WIDGET_UPDATE", fmt.Sprintf(`{"dashboardId":%q,"widgetId":"cpu","create":true}`, dashboard(i)))
		}
		synctest.Wait()
		if now := runtime.NumGoroutine(); now > before+others/2 || len(j.landed) != 1+others {
			t.Errorf("%d goroutines instead of %d, %d appends under way", now, before, len(j.landed))
		}
		if a := answered(first); a != nil {
			t.Errorf("answered before it was stored: %+v", a)
		}
		j.landed[0]()
		if a := <-first; a.Ack == nil || a.Ack.Version != 1 {
			t.Errorf("got %+v", a)
		}
		synctest.Wait()
		if len(j.landed) != 2+others {
			t.Fatalf("%d appends, want what came meanwhile in one more", len(j.landed))
		}
		for _, land := range j.landed[1:] {
			land()
		}
		for i, c := range []chan Answer{second, third} {
			if a := <-c; a.Ack == nil || a.Ack.Version != uint64(i+2) {
				t.Errorf("got %+v", a)
			}
		}
	})
}

// What a journal tells after the hub has given it up changes nothing any more.
func TestA1_ToldAfterTheEnd(t *testing.T) {
	j := &silent{Journal: memjournal.New(memjournal.Options{})}
	onStarter(t, j, func(t *testing.T, n *node) {
		answers := n.submit("WIDGET_UPDATE", `{"dashboardId":"ops","widgetId":"cpu","create":true}`)
		synctest.Wait()
		began := time.Now()
		n.stop()
		if took := time.Since(began); took != giveUp {
			t.Errorf("it ended after %s", took)
		}
		if a := <-answers; a.Refusal == nil || a.Refusal.Code != board.CodeUnavailable {
			t.Errorf("got %+v", a)
		}
		if len(j.landed) != 1 {
			t.Fatalf("%d appends", len(j.landed))
		}
		j.landed[0]() // stored after all: nobody has been told that it was not
		if list := ids(t, j, "ops"); strings.Join(list, " ") != "op-1" {
			t.Errorf("the log holds %v", list)
		}
	})
}

// What the journal refuses at once is answered, and the next op finds the way free.
func TestA2_RefusedAtOnce(t *testing.T) {
	j := &refusing{Journal: memjournal.New(memjournal.Options{}), err: errors.Join(journal.ErrUnavailable, errors.New("too much waits"))}
	onStarter(t, j, func(t *testing.T, n *node) {
		defer n.stop()
		const create = `{"dashboardId":"ops","widgetId":"cpu","create":true}`
		if a := <-n.submit("WIDGET_UPDATE", create); a.Refusal == nil || a.Refusal.Code != board.CodeUnavailable {
			t.Errorf("got %+v", a)
		}
		synctest.Wait()
		j.err = nil
		if a := <-n.submit("WIDGET_UPDATE", create); a.Ack == nil || a.Ack.Version != 1 {
			t.Errorf("got %+v", a)
		}
	})
}

// refusing tells what became of an append before Start returns.
type refusing struct {
	journal.Journal

	err error
}

func (r *refusing) Start(a journal.Append, done func(journal.Durability, error)) {
	if r.err != nil {
		done(journal.Memory, r.err)
		return
	}
	done(r.Append(context.Background(), a))
}

// The memory of records is used again, but not that of an append that was in doubt, however it ended: the journal may
// still hold it.
func TestA1_RecordsInDoubtStayAsTheyAre(t *testing.T) {
	j := &doubtful{Journal: memjournal.New(memjournal.Options{})}
	onStarter(t, j, func(t *testing.T, n *node) {
		defer n.stop()
		<-n.submit("WIDGET_UPDATE", `{"dashboardId":"ops","widgetId":"cpu","create":true}`)
		for i := range 40 {
			j.doubt = i%4 == 1
			if a := <-n.title("cpu", fmt.Sprint("title ", i)); a.Ack == nil || a.Ack.Version != uint64(i+2) {
				t.Fatalf("got %+v", a)
			}
			synctest.Wait()
		}
		if len(j.held) != 10 {
			t.Fatalf("%d appends were in doubt", len(j.held))
		}
		for i, held := range j.held {
			if string(held) != j.was[i] {
				t.Errorf("%s turned into %s", j.was[i], held)
			}
		}
	})
}

// doubtful is a journal.Starter that stores, cannot always say so, and then holds on to what it was given.
type doubtful struct {
	journal.Journal

	doubt bool
	held  [][]byte
	was   []string
}

func (d *doubtful) Start(a journal.Append, done func(journal.Durability, error)) {
	durability, err := d.Append(context.Background(), a)
	if d.doubt {
		err = journal.ErrUnknown
		for _, r := range a.Records {
			d.held, d.was = append(d.held, r), append(d.was, string(r))
		}
	}
	done(durability, err)
}

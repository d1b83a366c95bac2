package dispatch_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/webhook"
)

// unreadable is a journal in which one log is damaged.
type unreadable struct {
	journal.Journal
	id   string
	read *atomic.Int64
}

func (j unreadable) Read(ctx context.Context, id string, after journal.Position) iter.Seq2[journal.Record, error] {
	if id == j.id {
		j.read.Add(1)
		return func(yield func(journal.Record, error) bool) {
			yield(journal.Record{}, fmt.Errorf("reading %s: %w", id, journal.ErrCorrupt))
		}
	}
	return j.Journal.Read(ctx, id, after)
}

// TestJournal_ADamagedLogHoldsUpNoOther: it waits, nothing of it is made up, and operators
// see that the target is behind.
func TestJournal_ADamagedLogHoldsUpNoOther(t *testing.T) {
	r := receive(t)
	defer r.srv.Close()
	w := begin(t, r.target("a"))
	w.restart()
	bad := w.edit("bad")
	good := w.edit("good")
	var reads atomic.Int64
	w.wrap = func(j journal.Journal) journal.Journal { return unreadable{j, "bad", &reads} }
	w.restart(r.target("a"))
	r.hears("good", good)
	w.state("a", "one behind", func(s webhook.State) bool { return s.Behind == 1 && reads.Load() > 0 && s.Status == "active" })
	r.hears("good", good, w.edit("good"))
	if n := reads.Load(); n > 2 {
		t.Errorf("the damaged log was read %d times", n)
	}
	w.wrap = nil
	w.restart(r.target("a"))
	if err := w.store.Hasten(t.Context(), "a", time.Now()); err != nil {
		t.Fatal(err)
	}
	w.restart(r.target("a"))
	r.hears("bad", bad)
}

// slowList is a journal whose list of dashboards takes until nobody waits for it any more.
type slowList struct {
	journal.Journal
	cut chan struct{} // closed then
}

func (j slowList) List(ctx context.Context, _ string, _ int) ([]journal.Info, error) {
	<-ctx.Done()
	close(j.cut)
	return nil, ctx.Err()
}

// TestStop_WaitsForAnswersAlsoDuringAPass: a stop cuts the pass over the list of dashboards
// short, not the request that its receiver is about to answer.
func TestStop_WaitsForAnswersAlsoDuringAPass(t *testing.T) {
	r := receive(t)
	defer r.srv.Close()
	w := begin(t, r.target("a"))
	cut, asked := make(chan struct{}), make(chan struct{})
	w.wrap = func(j journal.Journal) journal.Journal { return slowList{j, cut} }
	w.restart(r.target("a"))
	r.answers(func(delivery) int {
		close(asked)
		<-cut
		return 200
	})
	want := []string{w.edit("ops")}
	<-asked
	w.stop()
	r.answers(nil)
	w.wrap = nil
	w.start(r.target("a"))
	want = append(want, w.edit("ops"))
	if taken := r.hears("ops", want...); len(taken) != 2 || len(taken[1].Data.Entries) != 1 {
		t.Errorf("what was answered before the stop came again: %+v", taken)
	}
}

// TestStop_LosesNothingThatItsStoreDoesNotTake: the end does not wait for a store that hangs, and then what was taken comes
// again after the start, and what was not comes at all, in order.
func TestStop_LosesNothingThatItsStoreDoesNotTake(t *testing.T) {
	r := receive(t)
	defer r.srv.Close()
	w := begin(t, r.target("a"))
	want := []string{w.edit("ops")}
	w.noted("a", r.hears("ops", want...))
	w.restart(r.target("a")) // the first is stored as told
	w.mortal.hung.Store(true)
	want = append(want, w.edit("ops"))
	r.hears("ops", want...)
	r.answers(always(http.StatusServiceUnavailable))
	want = append(want, w.edit("ops"), w.edit("ops"))
	r.attempts(3)
	w.stop()
	r.answers(nil)
	w.start(r.target("a"))
	times := make(map[string]int)
	for _, d := range r.hears("ops", want...) {
		for _, e := range d.Data.Entries {
			times[e.ID]++
		}
	}
	if times[want[0]] != 1 || times[want[1]] != 2 {
		t.Errorf("%v arrived, of %v; the first once, the second again", times, want)
	}
}

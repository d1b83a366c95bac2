package dispatch_test

import (
	"context"
	"fmt"
	"iter"
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

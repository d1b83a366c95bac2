package room

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// TestA4_WhatWasDeliveredIsNotReadAgain: a node that hears of another's edits folds
// them as they come, and reads the log only where something is missing.
func TestA4_WhatWasDeliveredIsNotReadAgain(t *testing.T) {
	g := newGate()
	var reads atomic.Int64
	g.countReads(&reads)
	lossy := &losesDeliveries{gate: g}
	bubble(t, lossy, nil, func(t *testing.T, n *node) {
		other := start(t, g.Journal, nil) // its own reads are not counted
		defer other.stop()
		other.create("cpu")
		after(2 * time.Second) // Follow has begun, and what came before was read
		r := n.follow("ops")
		r.take()
		before := reads.Load()
		version := uint64(1)
		edits := func(count int) {
			t.Helper()
			for range count {
				version++
				if a := <-other.title("cpu", fmt.Sprint("title ", version)); a.Ack == nil || a.Ack.Version != version {
					t.Fatalf("%+v", a)
				}
			}
			after(aWhile)
			if lossy.lose.Load() {
				return
			}
			if got, err := n.State(t.Context(), "ops"); err != nil || got.Version() != version {
				t.Fatalf("the follower is at version %d, %v; want %d", got.Version(), err, version)
			}
		}
		edits(20)
		if got := reads.Load() - before; got != 0 {
			t.Errorf("the log was read %d times for 20 edits that were delivered", got)
		}
		if got := r.take(); len(got) == 0 {
			t.Error("the reader has heard nothing")
		}
		lossy.lose.Store(true)
		edits(1)
		lossy.lose.Store(false)
		edits(1) // its delivery shows the gap
		if got := reads.Load() - before; got == 0 {
			t.Error("a gap was not read")
		}
		before = reads.Load()
		edits(3)
		if got := reads.Load() - before; got != 0 {
			t.Errorf("after the gap the log was read %d times", got)
		}

		// This node's own edits in between take nothing away.
		other.ops, n.ops = 1000, 2000
		for i := range 10 {
			version++
			from := other
			if i%2 == 0 {
				from = n
			}
			if a := <-from.title("cpu", fmt.Sprint("mixed ", i)); a.Ack == nil || a.Ack.Version != version {
				t.Fatalf("edit %d: %+v", i, a)
			}
			after(aWhile)
		}
		edits(1)
		if list := ids(t, g.Journal, "ops"); uint64(len(list)) != version {
			t.Errorf("the log holds %d entries, want %d", len(list), version)
		}
	})
}

// losesDeliveries is a journal that says only how far a log has come while lose is set.
type losesDeliveries struct {
	*gate
	lose atomic.Bool
}

func (l *losesDeliveries) Follow(ctx context.Context, deliver func(journal.Delivery)) error {
	return l.gate.Follow(ctx, func(d journal.Delivery) {
		if !l.lose.Load() {
			deliver(d)
		}
	})
}

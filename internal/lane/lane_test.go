package lane

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type work func(t *Turn)

func (w work) Run(t *Turn) { w(t) }

// TestLane_Places: never more at once than there are places, and all is done.
func TestLane_Places(t *testing.T) {
	l := New(3, time.Hour)
	var now, most, done atomic.Int64
	busy := func() {
		n := now.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		now.Add(-1)
		done.Add(1)
	}
	var others sync.WaitGroup
	for i := range 300 {
		l.Go(uint64(i%7), work(func(*Turn) { busy() }))
		others.Go(func() {
			turn := l.Enter(uint64(i % 5))
			defer turn.Leave()
			busy()
		})
	}
	others.Wait()
	l.Wait()
	if done.Load() != 600 || most.Load() > 3 {
		t.Errorf("%d of 600 were done, %d at once in 3 places", done.Load(), most.Load())
	}
}

// TestLane_KeysTakeTurns: one who comes behind a hundred of another key is next.
func TestLane_KeysTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(1, time.Minute)
		first := l.Enter(1)
		var order []uint64
		for range 100 {
			l.Go(1, work(func(*Turn) { order = append(order, 1) }))
		}
		l.Go(2, work(func(*Turn) { order = append(order, 2) }))
		synctest.Wait()
		if len(order) > 0 {
			t.Error("done while the only place was taken")
		}
		first.Leave()
		synctest.Wait()
		l.Wait()
		if at := slices.Index(order, 2); len(order) != 101 || at != 1 {
			t.Errorf("%d were done, key 2 at place %d", len(order), at)
		}
	})
}

// TestLane_LeaveAndReturn: whoever waits for something else gives the place back, and gets
// it again when it is free.
func TestLane_LeaveAndReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(1, time.Minute)
		a := l.Enter(1)
		a.Leave()
		a.Leave()
		b := l.Enter(2)
		returned := false
		go func() {
			a.Return()
			returned = true
			a.Leave()
		}()
		synctest.Wait()
		if returned {
			t.Error("two have the one place")
		}
		b.Leave()
		synctest.Wait()
		if !returned {
			t.Error("the place was free and nobody was told")
		}
		if c := l.Enter(3); !c.holds || len(l.turns) != 1 {
			t.Errorf("%d places are taken by one", len(l.turns))
		}
	})
}

// TestLane_MovesOn: work that waits for something without saying so keeps nobody for long,
// and its end gives no place back twice.
func TestLane_MovesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(1, time.Minute)
		stuck := make(chan struct{})
		l.Go(1, work(func(*Turn) { <-stuck }))
		began := time.Now()
		next := l.Enter(2)
		if waited := time.Since(began); waited != time.Minute {
			t.Errorf("waited for %s", waited)
		}
		close(stuck)
		synctest.Wait()
		if len(l.turns) != 1 {
			t.Errorf("%d places are taken by one", len(l.turns))
		}
		next.Leave()
		l.Wait()
	})
}

// TestLane_Continue: a turn that is handed on is continued under its key; under another one
// its place is given back first.
func TestLane_Continue(t *testing.T) {
	l := New(1, time.Hour)
	handed := l.Enter(1)
	ctx := handed.Context(t.Context())
	if same, lent := l.Continue(ctx, 1); same != handed || !lent || !handed.holds {
		t.Errorf("continued %p of %p, lent: %t", same, handed, lent)
	}
	own, lent := l.Continue(ctx, 2)
	if lent || own.key != 2 || !own.holds || handed.holds {
		t.Errorf("under another key: %+v, lent: %t", own, lent)
	}
	own.Leave()
	if first, lent := l.Continue(t.Context(), 3); lent || !first.holds {
		t.Errorf("with nothing handed on: %+v, lent: %t", first, lent)
	}
}

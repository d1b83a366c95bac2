package room

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
)

// A change that comes while a sweep is paced waits for the next one: the hook tells how
// long the first of those changes was under way.
func TestFanout_TellsHowLongAChangeWasUnderWay(t *testing.T) {
	const pace = 16 * time.Millisecond
	var took []time.Duration
	bubble(t, nil, func(c *Config) {
		c.Pace = pace
		c.Hooks.Fanout = func(d time.Duration) { took = append(took, d) }
	}, func(t *testing.T, n *node) {
		n.create("cpu")
		after(aWhile)
		if len(took) != 0 {
			t.Fatalf("%v without anybody to hear it", took)
		}
		n.follow("ops")
		after(aWhile)
		took = nil
		answered(n.title("cpu", "at once"))
		answered(n.title("cpu", "waits"))
		after(5 * time.Millisecond)
		answered(n.title("cpu", "waits shorter, with it"))
		after(aWhile)
		if len(took) != 2 || took[0] != 0 || took[1] != pace {
			t.Errorf("the sweeps took %v, want 0s and %v", took, pace)
		}
	})
}

// Where many read a busy dashboard each write holds more entries; the first change after
// quiet still goes out at once.
func TestSweep_ACrowdIsWrittenToLessOften(t *testing.T) {
	const pace = 16 * time.Millisecond
	for _, c := range []struct {
		sessions int
		want     time.Duration
	}{{1, pace}, {crowd, pace}, {crowd + 150, 23 * time.Millisecond}, {packed, 30 * time.Millisecond}, {packed + 50, 30 * time.Millisecond}} {
		t.Run(fmt.Sprint(c.sessions), func(t *testing.T) {
			var took []time.Duration
			bubble(t, nil, func(cfg *Config) {
				cfg.Pace = pace
				cfg.Hooks.Fanout = func(d time.Duration) { took = append(took, d) }
			}, func(t *testing.T, n *node) {
				n.create("cpu")
				for range c.sessions {
					n.follow("ops")
				}
				after(aWhile)
				took = nil
				answered(n.title("cpu", "at once"))
				answered(n.title("cpu", "waits"))
				after(aWhile)
				if len(took) != 2 || took[0] != 0 || took[1] != c.want {
					t.Errorf("the sweeps took %v, want 0s and %v", took, c.want)
				}
			})
		})
	}
}

// While the processors are busy a write holds more entries still; the first change after quiet
// still goes out at once.
func TestSweep_ABusyServerWritesLessOften(t *testing.T) {
	const pace = 16 * time.Millisecond
	var took []time.Duration
	var busy atomic.Bool
	bubble(t, nil, func(cfg *Config) {
		cfg.Pace = pace
		cfg.Busy = func(time.Time) bool { return busy.Load() }
		cfg.Hooks.Fanout = func(d time.Duration) { took = append(took, d) }
	}, func(t *testing.T, n *node) {
		n.create("cpu")
		n.follow("ops")
		for _, now := range []bool{false, true, false} {
			after(aWhile)
			busy.Store(now)
			took = nil
			answered(n.title("cpu", "at once"))
			answered(n.title("cpu", "waits"))
			after(aWhile)
			want := pace
			if now {
				want = 2 * pace
			}
			if len(took) != 2 || took[0] != 0 || took[1] != want {
				t.Errorf("busy %v: the sweeps took %v, want 0s and %v", now, took, want)
			}
		}
	})
}

// slow is a subscriber that takes a while to be written to.
type slow struct {
	deaf
	wrote func(paced bool)
}

func (s slow) Flush(_ time.Time, paced bool) {
	<-time.After(50 * time.Microsecond)
	s.wrote(paced)
}

// A sweep of many sessions lets what comes in from outside go first, and what that makes urgent:
// an answer does not wait for the rest of the sweep.
func TestSweep_AnAnswerDoesNotWaitForAllOfACrowd(t *testing.T) {
	var mu sync.Mutex
	var order []string
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, what)
	}
	wrote := func(paced bool) {
		if paced {
			note("swept")
		} else {
			note("answered")
		}
	}
	var comesIn func()
	bubble(t, nil, func(c *Config) {
		c.Sweepers = 1
		c.GiveWay = func() {
			note("gave way")
			comesIn()
		}
	}, func(t *testing.T, n *node) {
		comesIn = func() { n.FlushSoon(slow{wrote: wrote}) }
		n.create("cpu")
		for range 2*slice + 1 {
			s := slow{wrote: wrote}
			if _, _, err := n.Subscribe(t.Context(), SubscribeRequest{DashboardID: "ops", Role: auth.Owner}, s, func(*Subscription) {}); err != nil {
				t.Fatal(err)
			}
		}
		after(aWhile)
		mu.Lock()
		order = nil
		mu.Unlock()
		answered(n.title("cpu", "all hear of it"))
		after(aWhile)
		mu.Lock()
		defer mu.Unlock()
		var want []string
		for range 2 {
			want = append(append(want, slices.Repeat([]string{"swept"}, slice)...), "gave way", "answered")
		}
		want = append(want, "swept")
		if !slices.Equal(order, want) {
			t.Errorf("got %v", order)
		}
	})
}

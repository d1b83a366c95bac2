package busy

import (
	"sync"
	"testing"
	"time"
)

func TestGauge_ComesAndGoesApart(t *testing.T) {
	begin := time.Now()
	now, used := begin, time.Duration(0)
	g := newGauge(func() time.Duration { return used }, func() int { return 2 }, now)
	for i, step := range []struct {
		share float64 // of two processors, for as long as was asked
		pass  time.Duration
		want  bool
	}{
		{1, 50 * time.Millisecond, false}, // too short to tell
		{1, 50 * time.Millisecond, true},
		{0.65, 100 * time.Millisecond, true},
		{0.55, 50 * time.Millisecond, true}, // not looked at yet
		{0.55, 50 * time.Millisecond, false},
		{0.65, 100 * time.Millisecond, false},
		{0.74, 100 * time.Millisecond, false},
		{0.76, 100 * time.Millisecond, true},
		{0, time.Hour, false},
		{1, 99 * time.Millisecond, false},
		{1, time.Second, true},
	} {
		now = now.Add(step.pass)
		used += time.Duration(2 * step.share * float64(step.pass))
		if got := g.Busy(now); got != step.want {
			t.Errorf("step %d: %v after %.0f %% for %s, want %v", i, got, step.share*100, step.pass, step.want)
		}
	}
}

// For the race detector.
func TestGauge_ManyMayAsk(t *testing.T) {
	g := NewGauge()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for end := time.Now().Add(3 * window); time.Now().Before(end); {
				g.Busy(time.Now())
			}
		})
	}
	all.Wait()
}

// What the system tells grows by what is worked.
func TestProcessorTime_IsThatOfTheProcess(t *testing.T) {
	before := processorTime()
	for end := time.Now().Add(10 * time.Second); processorTime() < before+30*time.Millisecond; {
		if time.Now().After(end) {
			t.Fatalf("after ten seconds of work %s are told", processorTime()-before)
		}
	}
}

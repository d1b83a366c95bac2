package room

import (
	"testing"
	"time"
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

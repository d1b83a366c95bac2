package sqlitejournal

import (
	"testing"
	"testing/synctest"
	"time"
)

// Work gives way after a stretch of time, and not after each step. In the bubble time passes only
// while everybody waits.
func TestPaceGivesWayAfterAStretch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ways := 0
		p := pace{way: func() { ways++ }}
		for n := 1; n <= 3; n++ {
			for range 100 {
				p.step()
			}
			if ways != n {
				t.Fatalf("in stretch %d it has given way %d times", n, ways)
			}
			<-time.After(stretch)
		}
	})
}

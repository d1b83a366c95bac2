package clocktest

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestLeaping(t *testing.T) {
	check := func(t *testing.T) {
		for _, leap := range []time.Duration{3 * time.Hour, -3 * time.Hour, -90 * time.Second, 0} {
			var c Leaping
			real, before := time.Now(), c.Now()
			<-time.After(time.Millisecond)
			c.Leap(leap)
			after := c.Now()
			passed := time.Since(real)
			if got := after.Sub(before); got < time.Millisecond || got > passed {
				t.Errorf("%s: %s have passed", leap, got)
			}
			if got := after.Round(0).Sub(before.Round(0)); got < leap+time.Millisecond || got > leap+passed {
				t.Errorf("%s: the time of day went on by %s", leap, got)
			}
		}
	}
	t.Run("bubble", func(t *testing.T) { synctest.Test(t, check) })
	t.Run("machine", check)
}

package dispatch

import "time"

// tolerated is how many attempts may fail for the target's sake, one after the other,
// before the lane only probes whether it is back.
const tolerated = 3

// longestProbe is the longest time between two probes.
const longestProbe = 5 * time.Minute

// backoff is how long to wait after a number of failed attempts, from 1: first, doubled
// with each, at most longest; then up to a quarter is taken off or put on, by jitter in 0…1.
func backoff(first, longest time.Duration, failed int, jitter float64) time.Duration {
	d := first
	for n := 1; n < failed && d < longest; n++ {
		d *= 2
	}
	d = min(d, longest)
	return max(time.Millisecond, d-d/4+time.Duration(jitter*float64(d)/2))
}

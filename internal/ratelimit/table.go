package ratelimit

import (
	"sync"
	"time"
)

// Rate is a token bucket: PerSecond tokens come in a second, and Burst of them may be
// taken at once after a pause. Both are above 0.
type Rate struct{ PerSecond, Burst int }

// Table holds a bucket for each key, at most a fixed number of them. It may be used by
// any number of goroutines at once.
//
// A bucket is one number, the theoretical arrival time of the next token (GCRA). The
// buckets are kept in two generations: those used since the last turn, and those used
// before it. A turn comes once every bucket of the older generation must be full again,
// and drops it; it comes sooner if the younger one has reached the bound, and then
// forgives what the older ones had taken.
type Table[K comparable] struct {
	rate Rate
	// refill is the time in which an empty bucket becomes full.
	refill time.Duration
	keys   int // of one generation

	mu         sync.Mutex
	start      time.Time // what the times below count from
	turned     time.Duration
	young, old map[K]time.Duration
}

// NewTable makes a table for at most keys buckets, at least 2.
func NewTable[K comparable](rate Rate, keys int) *Table[K] {
	t := &Table[K]{rate: rate, keys: max(keys/2, 1), young: make(map[K]time.Duration)}
	t.refill = t.cost(rate.Burst)
	return t
}

// cost is the time in which n tokens come.
func (t *Table[K]) cost(n int) time.Duration {
	return time.Duration(float64(n) * float64(time.Second) / float64(t.rate.PerSecond))
}

// Take takes n tokens out of a key's bucket and returns 0, or takes none and returns how
// long it takes until they are there. More than a whole burst counts as one.
func (t *Table[K]) Take(key K, now time.Time, n int) (wait time.Duration) {
	if n <= 0 {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.start.IsZero() {
		t.start = now
	}
	at := now.Sub(t.start)
	if at-t.turned > t.refill {
		t.turnLocked(at)
	}
	tat, known := t.young[key]
	if !known {
		tat = t.old[key]
		if len(t.young) >= t.keys {
			t.turnLocked(at)
		}
	}
	next := max(tat, at) + t.cost(min(n, t.rate.Burst))
	if wait = next - at - t.refill; wait <= 0 {
		t.young[key] = next
		return 0
	}
	t.young[key] = tat // so that who tries again and again is not forgotten
	return wait
}

func (t *Table[K]) turnLocked(at time.Duration) {
	if at-t.turned > 2*t.refill {
		t.young = nil // nobody has taken anything for so long that these are full too
	}
	t.old, t.young = t.young, make(map[K]time.Duration)
	t.turned = at
}

// Len is the number of buckets that are held.
func (t *Table[K]) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.young) + len(t.old)
}

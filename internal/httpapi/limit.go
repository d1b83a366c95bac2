package httpapi

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/dashwire/dashwire/board"
)

// limiter bounds requests by user, or by address where nobody is signed in (C8).
type limiter struct {
	requests, bytes            rate.Limit
	requestBurst, bytesBurst   int
	mu                         sync.Mutex
	buckets                    map[string]*bucket
	nextSweep                  time.Time
	sweptEvery, forgottenAfter time.Duration
}

type bucket struct {
	requests, bytes *rate.Limiter
	used            time.Time
}

func newLimiter(cfg *Config) *limiter {
	return &limiter{
		requests: rate.Limit(cfg.RequestsPerSecond), requestBurst: cfg.RequestBurst,
		bytes: rate.Limit(cfg.BytesPerSecond),
		// One import must pass at once: it may be twice as long as a document.
		bytesBurst: max(4*cfg.BytesPerSecond, 4*cfg.Limits.DocumentBytes),
		buckets:    make(map[string]*bucket),
		sweptEvery: time.Minute, forgottenAfter: 5 * time.Minute,
	}
}

// take counts n requests or ops with a number of bytes under a key. It gives the
// refusal of the whole request if that is over the rate.
func (l *limiter) take(key string, now time.Time, n, bytes int) *problem {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweepLocked(now)
	b := l.buckets[key]
	if b == nil {
		b = &bucket{requests: rate.NewLimiter(l.requests, l.requestBurst), bytes: rate.NewLimiter(l.bytes, l.bytesBurst)}
		l.buckets[key] = b
	}
	b.used = now
	if wait := reserve(b.requests, now, n); wait > 0 {
		return limited(wait)
	}
	if wait := reserve(b.bytes, now, bytes); wait > 0 {
		return limited(wait)
	}
	return nil
}

// reserve takes n from a bucket, or tells how long to wait for them. More than a
// whole burst counts as one.
func reserve(l *rate.Limiter, now time.Time, n int) time.Duration {
	if n == 0 {
		return 0
	}
	r := l.ReserveN(now, min(n, l.Burst()))
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

func limited(wait time.Duration) *problem {
	p := problemf(board.CodeRateLimited, "too many requests: wait as long as Retry-After says")
	p.retryAfter = wait
	return p
}

// sweepLocked forgets buckets that have long been full again.
func (l *limiter) sweepLocked(now time.Time) {
	if now.Before(l.nextSweep) {
		return
	}
	l.nextSweep = now.Add(l.sweptEvery)
	for key, b := range l.buckets {
		if now.Sub(b.used) > l.forgottenAfter {
			delete(l.buckets, key)
		}
	}
}

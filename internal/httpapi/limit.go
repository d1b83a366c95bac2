package httpapi

import (
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/ratelimit"
	"github.com/dashwire/dashwire/observe"
)

// limiter bounds what users and client addresses ask for (C8). Users are known by their
// ids, who has not signed in by the address; that is beside what an address may ask for
// as a whole, whoever comes from there.
type limiter struct {
	requests, bytes *ratelimit.Table[string]
	perAddress      *ratelimit.Table[ratelimit.Address] // requests
	connects        *ratelimit.Table[ratelimit.Address] // upgrades and event streams
}

// mostKeys bounds the buckets of each kind that are held, at some 100 bytes each.
const mostKeys = 1 << 16

func newLimiter(cfg *Config) *limiter {
	return &limiter{
		requests: ratelimit.NewTable[string](ratelimit.Rate{PerSecond: cfg.RequestsPerSecond, Burst: cfg.RequestBurst}, mostKeys),
		bytes: ratelimit.NewTable[string](ratelimit.Rate{
			PerSecond: cfg.BytesPerSecond,
			// One import must pass at once: it may be twice as long as a document.
			Burst: max(4*cfg.BytesPerSecond, 4*cfg.Limits.DocumentBytes),
		}, mostKeys),
		perAddress: ratelimit.NewTable[ratelimit.Address](ratelimit.Rate{
			PerSecond: cfg.RequestsPerAddress, Burst: 2 * cfg.RequestsPerAddress,
		}, mostKeys),
		// Behind one address may be an office that comes back after a restart.
		connects: ratelimit.NewTable[ratelimit.Address](ratelimit.Rate{
			PerSecond: cfg.ConnectsPerAddress, Burst: 5 * cfg.ConnectsPerAddress,
		}, mostKeys),
	}
}

// take counts n requests or ops with a number of bytes under a key. It gives the
// refusal of the whole request if that is over the rate.
func (l *limiter) take(key string, now time.Time, n, bytes int) *problem {
	if wait := l.requests.Take(key, now, n); wait > 0 {
		return limited(wait, observe.LimitRequests)
	}
	if wait := l.bytes.Take(key, now, bytes); wait > 0 {
		return limited(wait, observe.LimitRequestBytes)
	}
	return nil
}

// countRequest takes a request out of its address's rate, before anything is looked at
// that costs more.
func (q *request) countRequest() *problem {
	return q.countAddress(q.api.limits.perAddress, observe.LimitRequestsPerAddress)
}

// countConnect does the same for what may become a session.
func (q *request) countConnect() *problem {
	return q.countAddress(q.api.limits.connects, observe.LimitConnectsPerAddress)
}

// smallBody is what the body of a request may be while memory is short, in bytes.
const smallBody = 64 << 10

// takeMemory refuses a large body, or one of unknown size, while memory is short (C8).
func (q *request) takeMemory() *problem {
	if n := q.r.ContentLength; n >= 0 && n <= smallBody || q.api.cfg.ShortOfMemory == nil || !q.api.cfg.ShortOfMemory() {
		return nil
	}
	p := problemf(board.CodeUnavailable, "this server is short of memory for a request of this size; try again later").over(observe.LimitMemory)
	p.retryAfter = retryShortOfMemory
	return p
}

// retryShortOfMemory is when there may be memory again.
const retryShortOfMemory = 10 * time.Second

func (q *request) countAddress(of *ratelimit.Table[ratelimit.Address], l observe.Limit) *problem {
	if q.address == 0 {
		return nil
	}
	if wait := of.Take(q.address, q.api.cfg.Clock.Now(), 1); wait > 0 {
		p := problemf(board.CodeRateLimited, "too many requests from this address: wait as long as Retry-After says").over(l)
		p.retryAfter = wait
		return p
	}
	return nil
}

func limited(wait time.Duration, l observe.Limit) *problem {
	p := problemf(board.CodeRateLimited, "too many requests: wait as long as Retry-After says").over(l)
	p.retryAfter = wait
	return p
}

package session

import (
	"time"

	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// overLimit is how long a session may be over its rate without pause (C8).
const overLimit = 10 * time.Second

// limiter holds the two token buckets of a session as theoretical arrival times
// (GCRA): the bucket is empty when the time is its whole burst ahead of now.
type limiter struct {
	messages, bytes moment
	since           moment // over the rate without pause since then; 0 = not
}

// pauseAtLeast is how much room must have come back in the buckets for a pause: a timer
// that wakes a session late gives it some as well.
const pauseAtLeast = 100 * time.Millisecond

// byteBurst is how long a session may be ahead of its byte rate.
const byteBurst = 2 * time.Second

// takes counts one message of n bytes and returns how long it has to wait for its rate, if that is above 0.
func (l *limiter) takes(cfg *Config, now moment, n int) time.Duration {
	perMessage := time.Second / time.Duration(cfg.MessagesPerSecond)
	perByte := float64(time.Second) / float64(cfg.BytesPerSecond)

	burst := perMessage * time.Duration(cfg.MessageBurst)
	delay := max(
		take(&l.messages, now, perMessage, burst),
		take(&l.bytes, now, time.Duration(perByte*float64(n)), byteBurst),
	)
	if -delay >= min(pauseAtLeast, (burst-perMessage)/2) {
		l.since = 0
	}
	return delay
}

// wait waits for a delay that takes has told. It reports false if the session has ended, or has been over
// its rate for too long.
func (l *limiter) wait(s *Session, now moment, delay time.Duration) bool {
	if l.since == 0 {
		l.since = now
	}
	s.server.stats.limited.Add(1)
	s.Limited(observe.LimitSessionRate)
	if now+moment(delay)-l.since > moment(overLimit) {
		if !s.pause(overLimit - time.Duration(now-l.since)) {
			return false
		}
		s.Limited(observe.LimitSessionRateForTooLong)
		s.End(wire.CloseSlowDown, "too many messages for too long: slow down", false)
		return false
	}
	return s.pause(delay)
}

// charge counts what has come as n messages more, but never as more than a quarter of the
// burst: the next ones wait for it.
func (l *limiter) charge(cfg *Config, n int) {
	n = min(n, cfg.MessageBurst/4)
	l.messages += moment(n) * moment(time.Second) / moment(cfg.MessagesPerSecond)
}

// take moves a bucket's time on and returns how long to wait for it.
func take(tat *moment, now moment, cost, burst time.Duration) time.Duration {
	*tat = max(*tat, now) + moment(cost)
	return time.Duration(*tat-now) - burst
}

// pause waits for d. It reports false if the session ends before.
func (s *Session) pause(d time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pausingLocked()
	s.waitLocked(d, func() bool { return s.ended })
	s.resumingLocked()
	return !s.ended
}

// waitLocked waits until done reports true, for d at most. done is asked whenever
// something has changed.
func (s *Session) waitLocked(d time.Duration, done func() bool) {
	until := s.server.cfg.Clock.Now().Add(d)
	timer := s.wake(d)
	defer timer.Stop()
	for !done() && s.server.cfg.Clock.Now().Before(until) {
		s.awaitLocked()
	}
}

// wake signals those who wait on the session after d.
func (s *Session) wake(d time.Duration) clock.Timer {
	return s.server.cfg.Clock.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changedLocked()
	})
}

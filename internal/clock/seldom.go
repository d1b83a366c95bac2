package clock

import (
	"sync"
	"time"
)

// Seldom lets something that may come very often, such as a line in a log, through once in
// a while, and counts the rest. Its zero value lets everything through. It may be used by
// several goroutines at once.
type Seldom struct {
	// Every is the least time between two that are let through.
	Every time.Duration

	mu   sync.Mutex
	last time.Time
	more int
}

// Now tells whether one that comes now is let through, and how many were not since the one
// before it.
func (s *Seldom) Now(now time.Time) (more int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.last.IsZero() && now.Sub(s.last) < s.Every {
		s.more++
		return 0, false
	}
	more = s.more
	s.last, s.more = now, 0
	return more, true
}

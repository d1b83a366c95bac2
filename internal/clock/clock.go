// Package clock is the time that is handed in to everything below the root, so
// that one test can drive a whole server. It is not for domain code: board gets
// instants as arguments.
package clock

import "time"

// Clock tells the time and calls back. Its methods may be used by any number of
// goroutines at once.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f in its own goroutine once d has passed, like time.AfterFunc.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is a call that has not happened yet.
type Timer interface {
	// Stop reports whether it prevented the call.
	Stop() bool
	// Reset makes the call happen d from now.
	Reset(d time.Duration) bool
}

// Real is the machine's clock. Inside a testing/synctest bubble it is the bubble's.
type Real struct{}

// Now implements Clock.
func (Real) Now() time.Time { return time.Now() }

// AfterFunc implements Clock.
func (Real) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }

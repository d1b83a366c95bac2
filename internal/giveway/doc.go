// Package giveway lets what has come in from outside go before work that takes long: bytes in
// sockets, and the disk's answers.
//
//	if giveway.Needed() {
//		giveway.ToPoller() // now and then
//	}
//
// With one place for running goroutines, the runtime asks its poller for news only once nothing
// can run, or after 10 ms. Who gives way by runtime.Gosched is found before that. It is not for places
// where goroutines wait for each other: those are run anyway.
package giveway

import "runtime"

// Needed reports whether whoever computes keeps news from all others here. It is so where there is one place for running goroutines: with
// more, another one waits for the news.
func Needed() bool { return supported && runtime.GOMAXPROCS(0) == 1 }

package main

import (
	"os"
	"runtime"
)

// shareTheCore lets the rest of the server go on while the journal waits for its fsync, unless
// no thread does so. On one core the runtime has one place for running goroutines, which a thread
// in a system call keeps until the runtime notices, milliseconds later; a second place makes
// acknowledged edits about three times as fast there, and is a waste where no thread waits: threads
// that the system switches between. GOMAXPROCS in the environment says otherwise. It is called before
// anything counts the places.
func shareTheCore(background bool) {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) == 1 && !background {
		runtime.GOMAXPROCS(2)
	}
}

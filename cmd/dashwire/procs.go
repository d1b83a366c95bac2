package main

import (
	"os"
	"runtime"
)

// shareTheCore lets the rest of the server go on while the journal waits for its
// fsync. On one core the runtime has one place for running goroutines, which a thread
// in a system call keeps until the runtime notices, milliseconds later; a second
// place makes acknowledged edits about three times as fast there. GOMAXPROCS in the
// environment says otherwise.
func shareTheCore() {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) == 1 {
		runtime.GOMAXPROCS(2)
	}
}

package main

import (
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// timerSlack is how much later than it should a timer of a thread may fire.
const timerSlack = 200 * time.Microsecond

// calmMonitor begins the program anew, as the same process, with timerSlack for all of its
// threads, unless it has as much already. The runtime's monitor sleeps for 20 µs at a
// time while goroutines come and go, and with the 50 µs that the system allows it by itself it wakes
// 14,000 times a second: up to a tenth of the processor of a server at work. A thread hands its own
// slack down to those that it makes and to the program that it begins, but the monitor is there before
// any code of this program. It returns if that cannot be done; nothing but time is lost then.
func calmMonitor(exec func(path string, args, env []string) error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	slack := func() int {
		n, _ := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
		return n
	}
	path, err := os.Executable()
	if err != nil || slack() >= int(timerSlack) {
		return
	}
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(timerSlack), 0, 0, 0); err != nil || slack() < int(timerSlack) {
		return // a realtime thread has none
	}
	_ = exec(path, os.Args, os.Environ())
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) // what the system gives
}

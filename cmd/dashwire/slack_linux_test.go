package main

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCalmMonitorBeginsAnewOnce(t *testing.T) {
	runtime.LockOSThread() // the slack is the thread's
	defer runtime.UnlockOSThread()
	slack := func() int {
		n, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := slack()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	began := 0
	calmMonitor(func(path string, args, env []string) error {
		began++
		if path != own || !slices.Equal(args, os.Args) || !slices.Equal(env, os.Environ()) {
			t.Errorf("it begins %s %q", path, args)
		}
		if n := slack(); n != int(timerSlack) {
			t.Errorf("it begins with a slack of %d ns", n)
		}
		calmMonitor(func(string, []string, []string) error { // as what has begun does
			t.Error("it begins again and again")
			return nil
		})
		return errors.New("refused")
	})
	if began != 1 || slack() != before {
		t.Errorf("it began %d times, and goes on with a slack of %d ns instead of %d", began, slack(), before)
	}
}

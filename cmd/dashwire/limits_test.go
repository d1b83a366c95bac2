package main

import (
	"strings"
	"testing"
)

// TestLimits_OfLargeMachines: what is held in all may be more than 2 GiB.
func TestLimits_OfLargeMachines(t *testing.T) {
	p := serve(t, t.TempDir(), "--no-demo", "--log-level", "debug",
		"--memory-limit", "8GiB", "--held-bytes", "3GiB", "--incoming-bytes", "5GiB")
	p.stop()
	if log := p.errs.String(); !strings.Contains(log, "limit=8589934592") {
		t.Errorf("the log does not tell of a limit of 8 GiB:\n%s", log)
	}
}

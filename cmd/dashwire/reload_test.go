//go:build unix

package main

import (
	"context"
	"log/slog"
	"syscall"
	"testing"
)

// TestReloader_SignalBeforeItRuns: a SIGHUP while the server starts does not end it, and
// has the files read once it runs.
func TestReloader_SignalBeforeItRuns(t *testing.T) {
	r := newReloader(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	loads := 0
	if err := r.read("nothing", nil, func() error {
		if loads++; loads == 2 {
			cancel()
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	r.run(ctx)
	if loads != 2 {
		t.Errorf("read %d times, want 2", loads)
	}
}

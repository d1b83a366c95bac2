package natsjournal

import (
	"testing"

	"github.com/dashwire/dashwire/journal"
)

// Reading up to what was seen has nothing confirmed by the stream's leader, as Read has
// where there are replicas: that writes a message.
func TestA3_WhatWasSeenIsReadWithoutABarrier(t *testing.T) {
	s := newServer(t, t.TempDir(), false)
	j := mustOpen(t, s.url(), single())
	for p, text := range []string{"a", "b", "c"} {
		must(t, j, of("ops", journal.Position(p), text))
	}
	j.replicas = 3 // as far as reading goes
	last := func() uint64 {
		t.Helper()
		info, err := j.logs.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return info.State.LastSeq
	}
	before, got := last(), ""
	for r, err := range j.ReadRange(t.Context(), "ops", 0, 2) {
		if err != nil {
			t.Fatal(err)
		}
		got += string(r.Data)
	}
	if now := last(); got != "ab" || now != before {
		t.Errorf("read %q, and the stream went from message %d to %d", got, before, now)
	}
	wantLog(t, j, "ops", "a", "b", "c")
	if now := last(); now == before {
		t.Error("a read of all that there is was confirmed by nobody")
	}
	for r, err := range j.ReadRange(t.Context(), "ops", 2, 7) { // further than there is: finding that out is confirmed
		if err != nil || r.Position != 3 {
			t.Errorf("got %d, %v", r.Position, err)
		}
	}
}

package memjournal

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/journaltest"
)

func TestConformance(t *testing.T) {
	journaltest.Run(t, func(*testing.T) journal.Journal { return New(Options{}) })
}

func appendOf(after journal.Position, record string) journal.Append {
	return journal.Append{DashboardID: "ops", After: after, Records: [][]byte{[]byte(record)}}
}

func TestA1_Faults(t *testing.T) {
	tests := []struct {
		name   string
		fault  Fault
		err    error
		stored bool // before Settle
		repeat error
	}{
		{"none", None, nil, true, nil},
		{"refuse", Refuse, journal.ErrUnavailable, false, nil},
		{"lose before", LoseBefore, journal.ErrUnknown, false, nil},
		{"lose after", LoseAfter, journal.ErrUnknown, true, nil},
		{"lose late", LoseLate, journal.ErrUnknown, false, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			calls := 0
			j := New(Options{Fault: func(context.Context, journal.Append) Fault {
				if calls++; calls == 1 {
					return test.fault
				}
				return None
			}})
			if _, err := j.Append(t.Context(), appendOf(0, "a")); !errors.Is(err, test.err) {
				t.Fatalf("got %v, want %v", err, test.err)
			}
			head, durability, err := j.Head(t.Context(), "ops")
			if err != nil || durability != journal.Memory || (head == 1) != test.stored {
				t.Fatalf("head is %d, %v; stored should be %v", head, err, test.stored)
			}
			if _, err := j.Append(t.Context(), appendOf(0, "a")); !errors.Is(err, test.repeat) {
				t.Fatalf("repeat: got %v, want %v", err, test.repeat)
			}
			if n := j.Settle(); n != 0 {
				t.Errorf("%d appends were stored a second time", n)
			}
			if head, _, _ := j.Head(t.Context(), "ops"); head != 1 {
				t.Errorf("head is %d, want 1", head)
			}
		})
	}
}

func TestA1_LateAppendBeatsTheNext(t *testing.T) {
	late := true
	j := New(Options{Fault: func(context.Context, journal.Append) Fault {
		if late {
			return LoseLate
		}
		return None
	}})
	if _, err := j.Append(t.Context(), appendOf(0, "late")); !errors.Is(err, journal.ErrUnknown) {
		t.Fatal(err)
	}
	late = false
	if n := j.Settle(); n != 1 {
		t.Fatalf("settled %d appends, want 1", n)
	}
	if _, err := j.Append(t.Context(), appendOf(0, "other")); !errors.Is(err, journal.ErrMoved) {
		t.Errorf("got %v, want ErrMoved", err)
	}
	if _, err := j.Append(t.Context(), appendOf(0, "late")); err != nil {
		t.Errorf("the late append again: %v", err)
	}
}

func TestFaultMayDelayAnAppend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := New(Options{Fault: func(ctx context.Context, _ journal.Append) Fault {
			select {
			case <-time.After(3 * time.Second):
				return None
			case <-ctx.Done():
				return LoseBefore
			}
		}})
		begin := time.Now()
		if _, err := j.Append(t.Context(), appendOf(0, "a")); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begin); d != 3*time.Second {
			t.Errorf("the append took %s, want 3s", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := j.Append(ctx, appendOf(1, "b")); !errors.Is(err, journal.ErrUnknown) {
			t.Errorf("got %v, want ErrUnknown", err)
		}
	})
}

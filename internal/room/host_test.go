package room

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

// host counts those that wait.
type host struct{ paused, waits atomic.Int64 }

func (h *host) Pausing() {
	h.paused.Add(1)
	h.waits.Add(1)
}

func (h *host) Resuming() { h.paused.Add(-1) }

// TestC8_WaitingForTheJournalIsTold: whoever waits for a dashboard to be opened, or for
// what was missed to be read, says so; who finds all of it in memory does not.
func TestC8_WaitingForTheJournalIsTold(t *testing.T) {
	gate := newGate()
	bubble(t, gate, nil, func(t *testing.T, n *node) {
		n.create("a")
		n.create("b")
		other := start(t, gate, nil)
		defer other.stop()
		way := make(chan struct{})
		gate.set(func() { gate.onRead = func(ctx context.Context, _ int) error { return wait(ctx, way) } })

		var h host
		subscribe := func(since *wire.Since) chan *board.Error {
			done := make(chan *board.Error, 1)
			go func() {
				_, _, err := other.Subscribe(t.Context(), SubscribeRequest{DashboardID: "ops", Since: since, Role: auth.Owner, Host: &h}, frozen{}, func(*Subscription) {})
				done <- err
			}()
			synctest.Wait()
			return done
		}
		opening := subscribe(nil)
		if h.paused.Load() != 1 {
			t.Error("nobody is told of the wait for the opening")
		}
		close(way)
		if err := <-opening; err != nil || h.paused.Load() != 0 {
			t.Errorf("%d wait still: %v", h.paused.Load(), err)
		}
		state, bad := other.State(t.Context(), "ops")
		if bad != nil {
			t.Fatal(bad)
		}

		way = make(chan struct{})
		since := &wire.Since{Epoch: state.Epoch(), Version: 1}
		recalling := subscribe(since)
		if h.paused.Load() != 1 {
			t.Error("nobody is told of the wait for what was missed")
		}
		close(way)
		if err := <-recalling; err != nil || h.paused.Load() != 0 || h.waits.Load() != 2 {
			t.Errorf("%d wait still, %d did: %v", h.paused.Load(), h.waits.Load(), err)
		}
		if err := <-subscribe(since); err != nil || h.waits.Load() != 2 {
			t.Errorf("what is in memory was waited for: %v", err)
		}
	})
}

// TestC8_FewAreCountedAsWaiting: beyond a number of them, those who wait count as being at
// work, so that no others begin in their place.
func TestC8_FewAreCountedAsWaiting(t *testing.T) {
	var hub Hub
	var h host
	var resume []func()
	for range maxPaused + 10 {
		resume = append(resume, hub.Pause(&h))
	}
	if n := h.paused.Load(); n != maxPaused {
		t.Errorf("%d count as waiting, want %d", n, maxPaused)
	}
	for _, f := range resume {
		f()
	}
	if n := h.paused.Load(); n != 0 || hub.paused.Load() != 0 {
		t.Errorf("%d count as waiting after the end", n)
	}
	hub.Pause(nil)()
}

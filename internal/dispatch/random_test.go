package dispatch_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/dashwire/dashwire/webhook"
	"github.com/dashwire/dashwire/webhook/sqlitestore"
)

// TestRandom_EveryCommitArrivesAtLeastOnceAndInOrder: whatever receivers answer, however
// often the server stops, is killed before its store has what was sent, or runs without
// webhooks, each target hears every commit since it began, in the order of its dashboard.
func TestRandom_EveryCommitArrivesAtLeastOnceAndInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "webhooks")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		w := &world{t: t, dir: dir, log: slog.New(slog.DiscardHandler)}
		a, b := receive(t), receive(t)
		defer a.srv.Close()
		defer b.srv.Close()
		some := b.target("b")
		some.Dashboards = []string{"d1", "e*"}
		targets := []webhook.Target{a.target("a"), some}
		w.start(targets...)
		defer func() { w.stop() }()

		want := map[string][]string{}
		there := map[string]bool{}
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			for _, r := range []*receiver{a, b} {
				r.answers(whims(rapid.Uint64().Draw(t, "whims"), rapid.IntRange(0, 100).Draw(t, "failing")))
			}
			for range rapid.IntRange(0, 10).Draw(t, "commits") {
				id := rapid.SampledFrom([]string{"d1", "d2", "e1", "e2"}).Draw(t, "dashboard")
				op := ""
				if there[id] && rapid.IntRange(0, 9).Draw(t, "delete") == 0 {
					op = w.remove(id)
					there[id] = false
				} else {
					op = w.edit(id)
					there[id] = true
				}
				want[id] = append(want[id], op)
			}
			switch rapid.SampledFrom([]string{"go on", "restart", "kill", "without"}).Draw(t, "then") {
			case "restart":
				w.restart(targets...)
			case "kill":
				w.kill(targets...)
			case "without":
				w.restart()
				want["d1"] = append(want["d1"], w.edit("d1"))
				there["d1"] = true
				w.restart(targets...)
			}
		}
		a.answers(nil)
		b.answers(nil)
		for id, ops := range want {
			a.hears(id, ops...)
			if id != "d2" {
				b.hears(id, ops...)
			}
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if got := ops(b.taken, "d2"); len(got) > 0 {
			t.Fatalf("b heard of %v of d2", got)
		}
	})
}

// whims answers so many of a hundred with a failure.
func whims(seed uint64, failing int) func(delivery) int {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 1))
	return func(delivery) int {
		mu.Lock()
		defer mu.Unlock()
		if rng.IntN(100) < failing {
			return []int{500, 503, 400, 302, 429, 0}[rng.IntN(6)]
		}
		return 200
	}
}

// mortal is a store that takes nothing more once its process is dead, or that hangs.
type mortal struct {
	*sqlitestore.Store
	dead, hung atomic.Bool
}

// Save implements webhook.Store.
func (m *mortal) Save(ctx context.Context, cursors []webhook.Cursor, dead []webhook.DeadLetter) error {
	if m.dead.Load() {
		return errors.New("the process is dead")
	}
	if m.hung.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return m.Store.Save(ctx, cursors, dead)
}

// kill starts the server again without what was not yet stored at this moment.
func (w *world) kill(targets ...webhook.Target) {
	w.t.Helper()
	w.mortal.dead.Store(true)
	w.restart(targets...)
}

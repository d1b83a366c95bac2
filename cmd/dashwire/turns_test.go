package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/client"
)

// TestA3_ThreeServersTakeTurns: writers at three servers edit one dashboard on three NATS
// servers until each server has got enough edits in. Each edit is there once, those of a
// writer in their order, and all servers show the same.
func TestA3_ThreeServersTakeTurns(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	const writers, enough, most = 3, 20, 4
	flags := append(natsCluster(t), "--drain", "100ms", "--sessions-per-user", fmt.Sprint(most))
	var nodes []*process
	var at []*client.Dashboard
	for n := range 3 {
		nodes = append(nodes, serve(t, t.TempDir(), flags...))
		_, d := join(t, ctx, nodes[n], fmt.Sprint("writer", n), "ops")
		at = append(at, d)
	}
	made, err := insist(ctx, at[0], client.Op{Type: client.WidgetUpdate, WidgetID: "cpu", Create: true})
	if err != nil || made.Ack == nil {
		t.Fatalf("creating: %+v, %v", made, err)
	}

	// acked are the versions of each writer's edits, in the order of its making.
	var acked [3][writers][]uint64
	var counts [3]int
	var mu sync.Mutex
	done := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return slices.Min(counts[:]) >= enough
	}
	var wg sync.WaitGroup
	for n, d := range at {
		for w := range writers {
			wg.Go(func() {
				for k := 0; !done(); k++ {
					answer, err := insist(ctx, d, client.Op{
						ID: fmt.Sprintf("%d-%d-%d", n, w, k), Type: client.WidgetUpdate, WidgetID: "cpu", Policy: board.PolicyOverwrite,
						Set: map[string]any{fmt.Sprintf("/config/%d-%d", n, w): k},
					})
					if err != nil || answer.Ack == nil {
						t.Errorf("edit %d of writer %d at server %d: %+v, %v", k, w, n, answer, err)
						return
					}
					mu.Lock()
					counts[n]++
					acked[n][w] = append(acked[n][w], answer.Ack.Version)
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	t.Logf("edits at each server: %v", counts)
	var all []uint64
	for n := range acked {
		for w, versions := range acked[n] {
			if !slices.IsSorted(versions) {
				t.Errorf("writer %d at server %d: its edits became %v", w, n, versions)
			}
			all = append(all, versions...)
		}
	}
	slices.Sort(all)
	for i, version := range all {
		if version != uint64(i+2) {
			t.Fatalf("edit %d in the order of the log is version %d, want %d: %v", i, version, i+2, all)
		}
	}
	last := uint64(len(all) + 1)
	var documents []string
	for n, d := range at {
		if err := d.Wait(ctx, func(v client.View) bool { return v.Version == last }); err != nil {
			t.Fatalf("server %d is at version %d, want %d: %v", n, d.View().Version, last, err)
		}
		documents = append(documents, got(t, nodes[n], "/api/dashboards/ops"))
	}
	if documents[0] != documents[1] || documents[0] != documents[2] {
		t.Errorf("the servers show different documents: %q", documents)
	}

	t.Run("C8", func(t *testing.T) { // sessions of a user count together, wherever they are
		var held []*follower
		for n := range most {
			held = append(held, followAt(t, ctx, client.Options{URL: nodes[n%3].url, UserID: "ana"}, "ops"))
		}
		for n := range nodes {
			var over follower
			c, err := client.Dial(ctx, client.Options{URL: nodes[n].url, UserID: "ana", OnEvent: over.hear})
			if err == nil {
				until(t, fmt.Sprintf("one more is closed at server %d", n), func() bool { return over.closedWith() != 0 })
				c.Close()
			}
			over.hear(client.Event{Err: err})
			if code := over.closedWith(); code != 4429 {
				t.Errorf("one more at server %d was closed with %d, %v; want 4429", n, code, err)
			}
		}
		followAt(t, ctx, client.Options{URL: nodes[0].url, UserID: "bo"}, "ops")
		for i, f := range held {
			if code := f.closedWith(); code != 0 {
				t.Errorf("session %d was closed with %d", i, code)
			}
		}
	})
}

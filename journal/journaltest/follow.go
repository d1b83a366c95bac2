package journaltest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/dashwire/dashwire/journal"
)

// follow runs Follow until the test ends and hands on what it delivers once a
// first append to the dashboard "start" has been heard.
func follow(t *testing.T, j journal.Journal) <-chan journal.Delivery {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	deliveries := make(chan journal.Delivery, 10_000)
	ended := make(chan error, 1)
	go func() {
		ended <- j.Follow(ctx, func(d journal.Delivery) { deliveries <- d })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("follow ended with %v, want context.Canceled", err)
		}
	})
	head, _, err := j.Head(t.Context(), "start")
	if err != nil {
		t.Fatal(err)
	}
	for { // Follow has no moment from which on it is known to listen
		must(t, j, "start", head, "x")
		head++
		select {
		case <-deliveries:
			return deliveries
		default:
		}
	}
}

func followOrder(t *testing.T, j journal.Journal) {
	const dashboards, each = 8, 12
	feeds := []<-chan journal.Delivery{follow(t, j), follow(t, j)}
	var wg sync.WaitGroup
	for d := range dashboards {
		wg.Go(func() {
			for n := range each {
				a := make1(fmt.Sprint("d", d), journal.Position(2*n), fmt.Sprint("first ", n), fmt.Sprint("second ", n))
				if err := settle(j, a); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	var kept []journal.Delivery
	for _, feed := range feeds {
		next := make(map[string]journal.Position)
		for heard := 0; heard < dashboards*each; {
			d := <-feed
			if d.DashboardID == "start" {
				continue
			}
			if d.After != next[d.DashboardID] {
				t.Fatalf("%s: heard what follows %d, was at %d", d.DashboardID, d.After, next[d.DashboardID])
			}
			if len(d.Records) != 2 || string(d.Records[0]) != fmt.Sprint("first ", d.After/2) {
				t.Fatalf("%s after %d: got %q", d.DashboardID, d.After, d.Records)
			}
			next[d.DashboardID] += 2
			kept = append(kept, d)
			heard++
		}
	}
	for _, d := range kept { // they stay as they were, whatever came after
		if string(d.Records[0]) != fmt.Sprint("first ", d.After/2) || string(d.Records[1]) != fmt.Sprint("second ", d.After/2) {
			t.Fatalf("%s after %d: turned into %q", d.DashboardID, d.After, d.Records)
		}
	}
	wantLog(t, j, "d0", 22, "first 11", "second 11")
}

// followGapRule follows a log as a node does: deliveries at the known head are
// taken, a gap is read, older ones are dropped. Nothing may be missing.
func followGapRule(t *testing.T, j journal.Journal) {
	const appends = 200
	feed := follow(t, j)
	var appender sync.WaitGroup
	defer appender.Wait()
	appender.Go(func() {
		for p := range journal.Position(appends) {
			if err := settle(j, make1("ops", p, fmt.Sprint("record ", p+1))); err != nil {
				t.Error(err)
				return
			}
		}
		if err := settle(j, make1("end", 0, "x")); err != nil {
			t.Error(err)
		}
	})
	known := journal.Position(0)
	take := func(p journal.Position, data []byte) {
		if p != known+1 || string(data) != fmt.Sprint("record ", p) {
			t.Errorf("got position %d with %q, was at %d", p, data, known)
		}
		known = p
	}
	for n := 0; known < appends; n++ {
		d := <-feed
		if n%5 == 0 && d.DashboardID == "ops" {
			continue // as if it had been missed
		}
		if d.DashboardID != "ops" && d.DashboardID != "end" {
			continue
		}
		if d.DashboardID == "ops" && d.After == known {
			for i, r := range d.Records {
				take(d.After+journal.Position(i)+1, r)
			}
			continue
		}
		for r, err := range j.Read(t.Context(), "ops", known) {
			if err != nil {
				t.Fatal(err)
			}
			take(r.Position, r.Data)
		}
	}
}

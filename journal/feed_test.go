package journal

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestFeedTellsAFollowerWhatItMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var feed Feed
		ctx, cancel := context.WithCancel(t.Context())
		release := make(chan struct{})
		heads := make(map[string]Position)
		hints := make(map[string]bool)
		count := 0
		ended := make(chan error, 1)
		go func() {
			ended <- feed.Follow(ctx, func(d Delivery) {
				<-release
				if len(d.Records) > 0 && d.After != heads[d.DashboardID] {
					t.Errorf("%s: records after %d, was at %d", d.DashboardID, d.After, heads[d.DashboardID])
				}
				hints[d.DashboardID] = len(d.Records) == 0
				heads[d.DashboardID] = d.After + Position(len(d.Records))
				count++
			})
		}()
		synctest.Wait()
		feed.Publish(Delivery{DashboardID: "first", Records: [][]byte{{'x'}}})
		synctest.Wait() // the follower now waits inside deliver
		const rounds = feedDeliveries + 100
		for p := range Position(rounds) {
			feed.Publish(Delivery{DashboardID: "busy", After: p, Records: [][]byte{{'x'}}})
		}
		feed.Publish(Delivery{DashboardID: "quiet", Records: [][]byte{{'x'}, {'y'}}})
		close(release)
		synctest.Wait()
		if heads["busy"] != rounds || heads["quiet"] != 2 {
			t.Errorf("the follower knows heads %v, want busy %d and quiet 2", heads, rounds)
		}
		if !hints["busy"] || !hints["quiet"] || count > feedDeliveries+3 {
			t.Errorf("got %d deliveries, hints %v: the queue was not bounded", count, hints)
		}
		feed.Publish(Delivery{DashboardID: "busy", After: rounds, Records: [][]byte{{'x'}}})
		synctest.Wait()
		if hints["busy"] || heads["busy"] != rounds+1 {
			t.Errorf("the follower did not come back: %v, %v", hints, heads)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("follow ended with %v", err)
		}
		if feed.Active() {
			t.Error("the follower is still there")
		}
	})
}

package room

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/memjournal"
	"github.com/dashwire/dashwire/relay/memrelay"
)

// distant is a journal that is some way off.
type distant struct {
	journal.Journal
	way time.Duration
}

func (j distant) Append(ctx context.Context, a journal.Append) (journal.Durability, error) {
	<-time.After(j.way)
	return j.Journal.Append(ctx, a)
}

// Three nodes write one dashboard as fast as they are answered, at different distances from the
// journal: each gets its share, no edit is refused, and each is there once.
func TestA3_NodesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := memjournal.New(memjournal.Options{})
		bus := memrelay.NewBus()
		ways := []time.Duration{time.Millisecond, 3 * time.Millisecond, 8 * time.Millisecond}
		var nodes []*node
		for i, way := range ways {
			r := bus.Join()
			defer func() {
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}()
			n := start(t, distant{shared, way}, func(c *Config) {
				c.Relay, c.Clock = r, clock.Real{}
				c.NewID = func() string { return fmt.Sprint("epoch-of-", i) }
			})
			defer n.stop()
			nodes = append(nodes, n)
		}
		nodes[0].create("cpu")
		const long = 20 * time.Second
		var mu sync.Mutex
		counts := make([]int, len(nodes))
		waited := make([]time.Duration, len(nodes))
		edits := 1
		var editors sync.WaitGroup
		begin := time.Now()
		for i, n := range nodes {
			for e := range 3 {
				editors.Go(func() {
					for k := 0; time.Since(begin) < long; k++ {
						sent := time.Now()
						a := <-n.submitAs(fmt.Sprintf("op-%d-%d-%d", i, e, k), "WIDGET_UPDATE",
							fmt.Sprintf(`{"dashboardId":"ops","widgetId":"cpu","set":{"/config/n%d-%d":%d}}`, i, e, k))
						mu.Lock()
						if a.Ack == nil {
							t.Errorf("node %d: %+v", i, a.Refusal)
						} else {
							counts[i]++
							edits++
						}
						waited[i] = max(waited[i], time.Since(sent))
						mu.Unlock()
					}
				})
			}
		}
		editors.Wait()
		if n := len(ids(t, shared, "ops")); n != edits {
			t.Errorf("%d entries for %d edits", n, edits)
		}
		t.Logf("edits of each %v, the longest of each %v", counts, waited)
		for i, n := range counts {
			if n < edits/20 {
				t.Errorf("node %d, %s from the journal, had %d of %d edits", i, ways[i], n, edits)
			}
			if waited[i] > time.Second {
				t.Errorf("an edit at node %d waited %s", i, waited[i])
			}
		}
	})
}

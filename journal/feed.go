package journal

import (
	"context"
	"sync"
)

// Bounds of what one follower may be behind before it misses appends.
const (
	feedDeliveries = 8192
	feedBytes      = 16 << 20
)

// Feed is the Follow of a driver whose appends all pass through one process. The
// driver calls Publish in the order of each log; a follower too far behind gets
// deliveries without records in place of the newest appends. The zero value is
// ready to use. All methods may be called at once.
type Feed struct {
	mu        sync.Mutex
	followers map[*follower]struct{}
}

type follower struct {
	wake chan struct{} // one slot: there is something in queue

	// guarded by Feed.mu
	queue  []Delivery
	bytes  int
	missed map[string]Position // heads of the logs whose appends found queue full
}

// Publish hands a delivery to every follower; all share its records, which nobody may
// change from now on. It never blocks. Without followers it costs one lock.
func (f *Feed) Publish(d Delivery) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range f.followers {
		size := 0
		for _, r := range d.Records {
			size += len(r)
		}
		if len(w.missed) > 0 || len(w.queue) >= feedDeliveries || w.bytes+size > feedBytes && len(w.queue) > 0 {
			if w.missed == nil {
				w.missed = make(map[string]Position)
			}
			w.missed[d.DashboardID] = d.After + Position(len(d.Records))
			continue
		}
		w.bytes += size
		w.queue = append(w.queue, d)
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// Active reports whether anybody follows.
func (f *Feed) Active() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.followers) > 0
}

// Follow calls deliver for what is published from now on, on the calling
// goroutine, until ctx ends; then it returns ctx.Err().
func (f *Feed) Follow(ctx context.Context, deliver func(Delivery)) error {
	w := &follower{wake: make(chan struct{}, 1)}
	f.mu.Lock()
	if f.followers == nil {
		f.followers = make(map[*follower]struct{})
	}
	f.followers[w] = struct{}{}
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.followers, w)
		f.mu.Unlock()
	}()
	var batch []Delivery
	var missed map[string]Position
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.wake:
		}
		f.mu.Lock()
		batch, w.queue = w.queue, batch[:0]
		missed, w.missed = w.missed, nil
		w.bytes = 0
		f.mu.Unlock()
		for i, d := range batch {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			deliver(d)
			batch[i] = Delivery{}
		}
		for id, head := range missed {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			deliver(Delivery{DashboardID: id, After: head})
		}
	}
}

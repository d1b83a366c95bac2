package dispatch

import (
	"context"
	"sync"
	"time"

	"github.com/dashwire/dashwire/webhook"
)

const (
	// flushEvery is how long a cursor waits to be stored at most: what a crash may have
	// sent again.
	flushEvery = 250 * time.Millisecond
	// ledgerMax is how many cursors wait; beyond it lanes start nothing.
	ledgerMax = 512
)

// ledger holds cursors back from the store for a moment, so that many make one commit.
// Each cursor is used by one job at a time; the methods may be called by any number of
// goroutines at once.
type ledger struct {
	store webhook.Store
	wake  chan struct{} // one slot: there is something to store

	saving sync.Mutex // held by the one who stores

	// guarded by mu
	mu    sync.Mutex
	dirty map[cursorKey]webhook.Cursor
	// under are those that are being stored right now.
	under map[cursorKey]webhook.Cursor
	dead  []webhook.DeadLetter
}

type cursorKey struct{ target, dashboardID string }

func newLedger(store webhook.Store) *ledger {
	return &ledger{store: store, wake: make(chan struct{}, 1), dirty: make(map[cursorKey]webhook.Cursor)}
}

// cursor returns the newest state of a cursor.
func (l *ledger) cursor(ctx context.Context, target, dashboardID string) (webhook.Cursor, error) {
	key := cursorKey{target, dashboardID}
	l.mu.Lock()
	c, ok := l.dirty[key]
	if !ok {
		c, ok = l.under[key]
	}
	l.mu.Unlock()
	if ok {
		return c, nil
	}
	return l.store.Cursor(ctx, target, dashboardID)
}

// put takes a cursor, with the dead letter that it steps over if there is one.
func (l *ledger) put(c webhook.Cursor, dead ...webhook.DeadLetter) {
	l.mu.Lock()
	l.dirty[cursorKey{c.Target, c.DashboardID}] = c
	l.dead = append(l.dead, dead...)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// full reports whether so much waits that nothing new should be begun.
func (l *ledger) full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.dirty)+len(l.dead) >= ledgerMax
}

// flush stores what waits. After an error it waits on.
func (l *ledger) flush(ctx context.Context) error {
	l.saving.Lock()
	defer l.saving.Unlock()
	l.mu.Lock()
	under, dead := l.dirty, l.dead
	l.dirty, l.under, l.dead = make(map[cursorKey]webhook.Cursor), under, nil
	l.mu.Unlock()
	if len(under)+len(dead) == 0 {
		return nil
	}
	cursors := make([]webhook.Cursor, 0, len(under))
	for _, c := range under {
		cursors = append(cursors, c)
	}
	err := l.store.Save(ctx, cursors, dead)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.under = nil
	if err == nil {
		return nil
	}
	for key, c := range under {
		if _, newer := l.dirty[key]; !newer {
			l.dirty[key] = c
		}
	}
	l.dead = append(dead, l.dead...)
	return err
}

package callout

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/dashwire/dashwire/auth"
)

// Authorizer asks the app for roles and keeps its answers. It implements auth.Watcher,
// and may be used by any number of goroutines at once.
type Authorizer struct {
	cfg    Config
	client *http.Client

	// ctx ends when the Authorizer is closed; running counts what has to end with it.
	ctx      context.Context
	stop     context.CancelFunc
	running  sync.WaitGroup
	reporter reporter

	mu      sync.RWMutex
	closed  bool
	entries map[question]*entry
	// refreshes are the questions being asked that nobody waits for. They leave half of
	// the connections to those that somebody does: the others are in the queue.
	refreshes int
	queue     []*entry
	stats     Stats
}

// Stats are counts since New, and what is kept now.
type Stats struct {
	// Asked are the questions put to the app, Failed those without an answer.
	Asked, Failed uint64
	// Entries are the answers and questions kept, Watched those of open subscriptions.
	Entries, Watched int
}

// New makes an Authorizer. The error names everything that is wrong with cfg.
func New(cfg Config) (*Authorizer, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("callout.New: %w", err)
	}
	a := &Authorizer{
		cfg: cfg, entries: make(map[question]*entry),
		client: &http.Client{
			Transport:     cfg.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		reporter: reporter{log: cfg.Log, app: redacted(cfg.URL)},
	}
	a.ctx, a.stop = context.WithCancel(context.Background())
	return a, nil
}

// Close gives up the questions on their way and returns once all has ended. Who asks
// afterwards gets no answer.
func (a *Authorizer) Close() {
	a.mu.Lock()
	a.closed = true
	for _, e := range a.entries {
		e.unscheduleLocked()
	}
	a.mu.Unlock()
	a.stop()
	a.running.Wait()
	a.client.CloseIdleConnections()
}

// Stats returns the counts of this moment.
func (a *Authorizer) Stats() Stats {
	a.mu.RLock()
	defer a.mu.RUnlock()
	s := a.stats
	s.Entries = len(a.entries)
	return s
}

var errClosed = errors.New("callout: closed")

// Role implements auth.Authorizer: from memory, or by a question that it waits for. ctx
// bounds the wait of this caller only.
func (a *Authorizer) Role(ctx context.Context, p auth.Principal, dashboardID string) (auth.Role, error) {
	q := question{UserID: p.UserID, TokenID: p.TokenID, DashboardID: dashboardID}
	now := a.cfg.Clock.Now()
	a.mu.RLock()
	e := a.entries[q]
	if e != nil && e.known && now.Before(e.until) {
		role := e.role
		a.mu.RUnlock()
		e.used.Store(true)
		return role, nil
	}
	a.mu.RUnlock()
	return a.wait(ctx, q)
}

// wait gives the answer to a question once there is one that counts.
func (a *Authorizer) wait(ctx context.Context, q question) (auth.Role, error) {
	waits := false
	for {
		now := a.cfg.Clock.Now()
		a.mu.Lock()
		e := a.entries[q]
		if e == nil {
			e = a.addLocked(q)
		}
		e.used.Store(true)
		switch {
		case e.known && now.Before(e.until):
			role := e.role
			a.mu.Unlock()
			return role, nil
		case e.graceLocked(now):
			role := e.role
			if e.asking == nil && !now.Before(e.failedUntil) {
				a.beginLocked(e, now, false)
			}
			a.mu.Unlock()
			return role, nil
		case e.failure != nil && now.Before(e.failedUntil):
			err := e.failure
			a.mu.Unlock()
			return auth.None, err
		case e.asking == nil && !a.beginLocked(e, now, false):
			a.mu.Unlock()
			return auth.None, errClosed
		}
		asked := e.asking
		a.mu.Unlock()
		if !waits {
			waits = true
			defer auth.Waiting(ctx)()
		}
		select {
		case <-asked:
		case <-ctx.Done():
			return auth.None, ctx.Err()
		}
	}
}

// Watch implements auth.Watcher.
func (a *Authorizer) Watch(p auth.Principal, dashboardID string, changed func()) (stop func()) {
	q := question{UserID: p.UserID, TokenID: p.TokenID, DashboardID: dashboardID}
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.entries[q]
	if e == nil {
		e = a.addLocked(q)
	}
	w := &watch{changed: changed}
	if e.watches == nil {
		e.watches = make(map[*watch]struct{})
	}
	if len(e.watches) == 0 {
		a.stats.Watched++
	}
	e.watches[w] = struct{}{}
	if len(e.watches) == 1 && e.known {
		a.scheduleLocked(e, a.cfg.Clock.Now())
	}
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if _, there := e.watches[w]; !there {
			return
		}
		if delete(e.watches, w); len(e.watches) == 0 {
			a.stats.Watched--
			e.unscheduleLocked()
		}
	}
}

// Forget implements auth.Watcher.
func (a *Authorizer) Forget(userID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.cfg.Clock.Now()
	for q, e := range a.entries {
		if userID != "" && q.UserID != userID {
			continue
		}
		if e.asking == nil && len(e.watches) == 0 {
			delete(a.entries, q)
			continue
		}
		e.outdated = e.asking != nil // its answer may be from before
		e.forgotten, e.until, e.failure, e.failedUntil = true, time.Time{}, nil, time.Time{}
		if len(e.watches) > 0 {
			e.settleLocked(now)
			a.refreshLocked(e, now)
		}
	}
}

// finish takes the outcome of a question in, and lets those know who wait for it or
// follow it.
func (a *Authorizer) finish(e *entry, asked time.Time, refresh bool, got answer, err error) {
	a.mu.Lock()
	now := a.cfg.Clock.Now()
	done, again := e.asking, e.outdated
	e.asking, e.outdated = nil, false
	a.stats.Asked++
	var tell []*watch
	switch {
	case err != nil:
		a.stats.Failed++
		e.failure, e.failedUntil = fmt.Errorf("callout: asking the app for a role: %w", err), now.Add(failedFor)
		e.failures++
	case again: // asked before Forget: whoever waits asks anew
	default:
		if e.told && e.last != got.role {
			tell = e.allLocked()
		}
		e.role, e.last, e.known, e.told, e.lapsed, e.forgotten = got.role, got.role, true, true, false, false
		e.until = asked.Add(got.counts)
		e.ends = e.until.Add(a.cfg.Grace)
		e.refreshAt = asked.Add(spread(got.counts))
		e.failure, e.failures = nil, 0
	}
	if refresh {
		a.refreshes--
		a.nextLocked(now)
	}
	switch {
	case len(e.watches) == 0:
	case again && err == nil:
		a.refreshLocked(e, now)
	default:
		a.scheduleLocked(e, now)
	}
	closed := a.closed
	a.mu.Unlock()
	close(done)
	if !closed {
		a.reporter.outcome(now, err)
	}
	for _, w := range tell {
		w.changed()
	}
}

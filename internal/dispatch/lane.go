package dispatch

import (
	"context"
	"sync"
	"time"

	"github.com/dashwire/dashwire/webhook"
)

const (
	// laneJobs is how many requests to one target are under way at once, each of another
	// dashboard.
	laneJobs = 4
	// maxDue is how many dashboards a lane has in mind; beyond, it goes through the list.
	maxDue = 4096
	// maxOnce is how many best-effort events wait for one target.
	maxOnce = 1000
	// onceAttempts is how often a best-effort event is tried.
	onceAttempts = 3
)

// lane serves one target.
type lane struct {
	d      *Dispatcher
	target webhook.Target
	sender *sender
	wake   chan struct{} // one slot: look again

	mu sync.Mutex
	// guarded by mu:
	due       map[string]time.Time // dashboards that may have something new, since when
	order     []string             // the same in order; what is no longer in due is passed over
	rescan    bool                 // the list is to be gone through from its start
	once      []attempt            // best-effort events, the oldest first
	letters   bool                 // dead letters may be marked for another attempt
	hasten    bool                 // what waits for its time is to be tried now
	reg       webhook.Registration
	state     webhook.State // its counters and times
	isFailing bool

	// owned by run:
	busy        int
	results     chan result
	inFlight    map[string]bool // dashboards under way; true: heard of again meanwhile
	retries     []string        // dashboards whose time has come
	nextRetry   time.Time       // when to look for more; zero = never
	scanning    bool
	scanNext    string // where the pass over the list goes on
	scanPass    bool   // a pass is not at its end
	letter      bool   // a dead letter is under way
	turn        int    // whose turn it is among what is not a retry
	failures    int    // attempts that failed for the target's sake, one after the other
	pausedUntil time.Time
}

// attempt is a best-effort event with how often it was tried.
type attempt struct {
	event event
	tried int
	after time.Time // not before
}

func newLane(d *Dispatcher, t webhook.Target, reg webhook.Registration) *lane {
	return &lane{
		d: d, target: t, sender: newSender(t, d.cfg.Clock), reg: reg, wake: make(chan struct{}, 1),
		due: make(map[string]time.Time), rescan: t.Gets(webhook.Committed), letters: true,
		results: make(chan result, laneJobs+1), inFlight: make(map[string]bool),
	}
}

func (l *lane) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// hear notes that a dashboard may have something new.
func (l *lane) hear(id string) {
	l.mu.Lock()
	l.hearLocked(id)
	l.mu.Unlock()
	l.poke()
}

func (l *lane) hearLocked(id string) {
	if _, ok := l.due[id]; ok {
		return
	}
	if len(l.due) >= maxDue {
		l.rescan = true
		return
	}
	l.due[id] = l.d.cfg.Clock.Now()
	l.order = append(l.order, id)
}

// hearAll notes that any dashboard may have something new.
func (l *lane) hearAll() {
	l.mu.Lock()
	l.rescan = true
	l.mu.Unlock()
	l.poke()
}

// offer queues a best-effort event. The oldest makes room.
func (l *lane) offer(e event) {
	l.mu.Lock()
	if l.reg.Disabled.IsZero() {
		l.offerLocked(attempt{event: e})
	} else {
		l.state.Dropped++
	}
	l.mu.Unlock()
	l.poke()
}

func (l *lane) offerLocked(a attempt) {
	if len(l.once) >= maxOnce {
		l.once = append(l.once[:0], l.once[1:]...)
		l.state.Dropped++
	}
	l.once = append(l.once, a)
}

// run serves the target until ctx ends, and waits for what is under way then until now
// ends or the dispatcher's grace is over.
func (l *lane) run(ctx, now context.Context) {
	working, cut := context.WithCancel(context.WithoutCancel(ctx))
	var bound sync.WaitGroup
	defer bound.Wait()
	defer cut()
	bound.Go(func() { l.bound(ctx, now, working, cut) }) // also of what the store is asked for below
	scans, cutScan := context.WithCancel(working)
	defer cutScan()
	l.nextRetry = l.d.cfg.Clock.Now() // what waited when the process ended
	for ctx.Err() == nil {
		var timer interface{ Stop() bool }
		if at := l.start(working, scans); !at.IsZero() {
			timer = l.d.cfg.Clock.AfterFunc(max(0, at.Sub(l.d.cfg.Clock.Now())), l.poke)
		}
		select {
		case <-ctx.Done():
		case <-l.wake:
		case r := <-l.results:
			l.finish(working, r)
		}
		if timer != nil {
			timer.Stop()
		}
	}
	cutScan() // nothing is lost by it
	for l.busy > 0 || l.scanning {
		l.finish(working, <-l.results)
	}
	l.sender.close()
}

// bound cuts the work off when now ends, or the dispatcher's grace after ctx has.
func (l *lane) bound(ctx, now, working context.Context, cut func()) {
	select {
	case <-ctx.Done():
	case <-working.Done():
		return
	}
	grace := l.d.cfg.Clock.AfterFunc(l.d.cfg.Grace, cut)
	defer grace.Stop()
	select {
	case <-now.Done():
		cut()
	case <-working.Done():
	}
}

// start begins all that can be begun, and tells when there may be more; zero = only when
// something happens.
func (l *lane) start(ctx, scans context.Context) time.Time {
	now := l.d.cfg.Clock.Now()
	l.mu.Lock()
	disabled := !l.reg.Disabled.IsZero()
	if l.hasten {
		l.hasten, l.failures, l.pausedUntil = false, 0, time.Time{}
		l.mu.Unlock()
		l.hastenRetries(ctx, now)
		l.mu.Lock()
	}
	l.mu.Unlock()
	switch {
	case disabled:
		return time.Time{}
	case now.Before(l.pausedUntil):
		return l.pausedUntil
	case l.d.ledger.full():
		return time.Time{} // woken after it was stored
	}
	jobs := laneJobs
	if l.failures >= tolerated {
		jobs = 1 // a probe
	}
	for l.busy < jobs {
		job := l.pick(ctx, now)
		if job == nil {
			break
		}
		l.busy++
		go func() { l.results <- job(ctx) }() // waited for in run
	}
	l.startScan(scans)
	if l.busy >= jobs {
		return time.Time{} // a result comes
	}
	return l.nextTime(now)
}

// nextTime is when something waits for.
func (l *lane) nextTime(now time.Time) time.Time {
	at := l.nextRetry
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.once {
		if after := l.once[i].after; after.After(now) && (at.IsZero() || after.Before(at)) {
			at = after
		}
	}
	return at
}

// pick takes the next thing to do: first what waited for its time, then by turns what is
// new, what is told if it can be, and dead letters that are wanted again.
func (l *lane) pick(ctx context.Context, now time.Time) func(context.Context) result {
	if !l.nextRetry.IsZero() && !now.Before(l.nextRetry) && len(l.retries) == 0 {
		l.loadRetries(ctx, now)
	}
	for len(l.retries) > 0 {
		id := l.retries[0]
		l.retries = l.retries[1:]
		if _, under := l.inFlight[id]; !under {
			return l.dashboardJob(id)
		}
	}
	for range 3 {
		l.turn++
		switch l.turn % 3 {
		case 0:
			if id := l.takeDue(); id != "" {
				return l.dashboardJob(id)
			}
		case 1:
			if a, ok := l.takeOnce(now); ok {
				return func(ctx context.Context) result {
					return result{once: &a, event: &a.event, err: l.attempt(ctx, a.event.message)}
				}
			}
		case 2:
			if job := l.takeLetter(); job != nil {
				return job
			}
		}
	}
	return nil
}

// takeDue takes the dashboard that has waited longest and is not under way.
func (l *lane) takeDue() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.order) > 0 {
		id := l.order[0]
		l.order = l.order[1:]
		if _, ok := l.due[id]; !ok {
			continue
		}
		delete(l.due, id)
		if _, under := l.inFlight[id]; !under {
			return id
		}
		l.inFlight[id] = true // again once it is back
	}
	return ""
}

func (l *lane) takeOnce(now time.Time) (attempt, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, a := range l.once {
		if !a.after.After(now) {
			l.once = append(l.once[:i], l.once[i+1:]...)
			return a, true
		}
	}
	return attempt{}, false
}

// takeLetter takes a dead letter that is wanted again, one at a time.
func (l *lane) takeLetter() func(context.Context) result {
	if l.letter {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.letters {
		return nil
	}
	l.letters, l.letter = false, true
	return func(ctx context.Context) result {
		r := result{letter: true}
		dead, ok, err := l.d.cfg.Webhooks.Store.NextRequested(ctx, l.target.Name)
		if err != nil || !ok {
			r.trouble = err
			return r
		}
		r.dead = &dead
		r.err = l.attempt(ctx, message{id: dead.ID, body: dead.Body})
		return r
	}
}

// loadRetries reads which dashboards' time has come, and when it comes for the next.
func (l *lane) loadRetries(ctx context.Context, now time.Time) {
	l.nextRetry = time.Time{}
	err := l.d.ledger.flush(ctx)
	var waiting []webhook.Cursor
	if err == nil {
		waiting, err = l.d.cfg.Webhooks.Store.Retries(ctx, l.target.Name, page)
	}
	if err != nil {
		l.trouble(ctx, err)
		l.nextRetry = now.Add(storeRetry)
		return
	}
	for _, c := range waiting {
		if c.NextAttempt.After(now) {
			l.nextRetry = c.NextAttempt
			return
		}
		l.retries = append(l.retries, c.DashboardID)
	}
	if len(waiting) == page {
		l.nextRetry = now // there are more
	}
}

// hastenRetries lets everything that waits be tried now.
func (l *lane) hastenRetries(ctx context.Context, now time.Time) {
	err := l.d.ledger.flush(ctx)
	if err == nil {
		err = l.d.cfg.Webhooks.Store.Hasten(ctx, l.target.Name, now)
	}
	if err != nil {
		l.trouble(ctx, err)
		return // they come at their time
	}
	l.nextRetry = now
}

// startScan goes on through the list of dashboards if there is reason and room.
func (l *lane) startScan(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	room := maxDue - len(l.due)
	if l.scanning || room < maxDue/2 || !l.scanPass && !l.rescan {
		return
	}
	if !l.scanPass {
		l.rescan, l.scanPass, l.scanNext = false, true, ""
	}
	l.scanning = true
	from := l.scanNext
	go func() { // waited for in run
		ids, at, err := l.scan(ctx, from, room)
		if ctx.Err() != nil {
			err = nil // it was cut short
		}
		l.results <- result{scan: true, ids: ids, at: at, trouble: err}
	}()
}

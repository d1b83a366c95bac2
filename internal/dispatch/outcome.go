package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/webhook"
)

const (
	// storeRetry is when a lane tries again what the journal or the store did not give.
	storeRetry = 5 * time.Second
	// unreadRetry is when a log that cannot be read, damaged perhaps, is looked at again.
	unreadRetry = 10 * time.Minute
	// leastAttempts are made before a message becomes a dead letter, however long they take.
	leastAttempts = 3
	// Bounds of the dead letters of one target.
	maxDead      = 1000
	maxDeadBytes = 64 << 20
	maxDeadAge   = 30 * 24 * time.Hour
)

// result is what became of a job: a dashboard's message, a best-effort event, a dead
// letter, or a part of a scan.
type result struct {
	dashboardID string         // "" = it was not a dashboard's message
	cursor      webhook.Cursor // before
	step        *step          // nil = there was nothing to send
	once        *attempt
	letter      bool
	dead        *webhook.DeadLetter // nil = none was wanted
	scan        bool
	ids         []string
	at          string

	event *event // what was sent, nil = nothing
	// err is a *failure of the attempt; trouble is what the journal or the store said.
	err, trouble error
}

// dashboardJob tells the target what comes next of a dashboard.
func (l *lane) dashboardJob(id string) func(context.Context) result {
	l.inFlight[id] = false
	return func(ctx context.Context) result {
		r := result{dashboardID: id}
		if r.cursor, r.trouble = l.d.ledger.cursor(ctx, l.target.Name, id); r.trouble != nil {
			return r
		}
		if r.cursor.NextAttempt.After(l.d.cfg.Clock.Now()) || !l.target.Wants(id) {
			return r
		}
		if r.step, r.trouble = l.d.next(ctx, r.cursor); r.trouble != nil || r.step == nil {
			return r
		}
		r.event = &r.step.event
		r.err = l.attempt(ctx, r.event.message)
		return r
	}
}

// attempt sends a message once and counts it.
func (l *lane) attempt(ctx context.Context, m message) error {
	began := l.d.cfg.Clock.Now()
	err := l.sender.send(ctx, m)
	if err != nil && ctx.Err() != nil {
		return errCut
	}
	now := l.d.cfg.Clock.Now()
	l.mu.Lock()
	if err == nil {
		l.state.Sent++
		l.state.LastSuccess = now
	} else {
		l.state.Failed++
		l.state.LastFailure, l.state.LastError = now, err.Error()
		var f *failure
		l.state.LastStatus = 0
		if errors.As(err, &f) {
			l.state.LastStatus = f.status
		}
	}
	l.mu.Unlock()
	if f := l.d.cfg.Hooks.Webhook; f != nil {
		f(l.target.Name, now.Sub(began), err)
	}
	return err
}

// errCut: the attempt was ended by the end of the server, which says nothing about it.
var errCut = errors.New("cut short")

// finish takes in what became of a job.
func (l *lane) finish(ctx context.Context, r result) {
	if r.scan {
		l.scanned(ctx, r)
		return
	}
	l.busy--
	if r.err != nil && !errors.Is(r.err, errCut) {
		l.failed(r)
	}
	switch {
	case r.dashboardID != "":
		l.told(ctx, r)
	case r.once != nil:
		l.toldOnce(r)
	case r.letter:
		l.toldLetter(ctx, r)
	}
	if r.event != nil && r.err == nil {
		if l.failures >= tolerated {
			l.d.cfg.Log.Info("webhook: a target takes messages again", "target", l.target.Name)
			l.hastenRetries(ctx, l.d.cfg.Clock.Now())
		}
		l.failures = 0
		l.setFailing(false)
	}
}

// failed judges the target by a failure.
func (l *lane) failed(r result) {
	var f *failure
	if !errors.As(r.err, &f) {
		return
	}
	now := l.d.cfg.Clock.Now()
	if f.gone() {
		l.disable(now)
		return
	}
	if !f.ofTarget() {
		return
	}
	l.failures++
	if l.failures >= tolerated {
		pause := backoff(l.target.RetryFirst, min(longestProbe, l.target.RetryLongest), l.failures-tolerated+1, l.d.cfg.Jitter())
		l.pausedUntil = now.Add(pause)
		if l.setFailing(true) {
			l.d.cfg.Log.Warn("webhook: a target fails; it is only probed until it is back", "target", l.target.Name, "err", f)
		}
	}
	if asked := now.Add(f.retryAfter); f.retryAfter > 0 && asked.After(l.pausedUntil) {
		l.pausedUntil = asked
	}
}

func (l *lane) setFailing(failing bool) (changed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	changed = l.isFailing != failing
	l.isFailing = failing
	return changed
}

// disable stops sending to a target that says that it is gone.
func (l *lane) disable(now time.Time) {
	l.mu.Lock()
	l.reg.Disabled = now
	reg := l.reg
	l.state.Dropped += uint64(len(l.once))
	l.once = nil
	l.mu.Unlock()
	l.d.cfg.Log.Warn("webhook: a target answers 410 Gone and gets nothing more until an operator enables it", "target", l.target.Name)
	if err := l.d.cfg.Webhooks.Store.Register(context.Background(), reg); err != nil {
		l.d.report(err) // it will say so again after a start
	}
}

// told moves the cursor of a dashboard, or lets it wait.
func (l *lane) told(ctx context.Context, r result) {
	again := l.inFlight[r.dashboardID]
	delete(l.inFlight, r.dashboardID)
	now := l.d.cfg.Clock.Now()
	switch {
	case errors.Is(r.err, errCut) || ctx.Err() != nil && r.trouble != nil:
		return
	case r.trouble != nil:
		l.trouble(ctx, r.trouble)
		pause := unreadRetry
		if errors.Is(r.trouble, journal.ErrUnavailable) || r.cursor.DashboardID == "" {
			pause = 4 * storeRetry // the rest of the list would fare no better now
			l.pausedUntil = now.Add(storeRetry)
		}
		if r.cursor.DashboardID == "" {
			again = true // the cursor could not be read
			break
		}
		c := r.cursor
		c.NextAttempt, c.Error = now.Add(backoff(pause, pause, 1, l.d.cfg.Jitter())), r.trouble.Error()
		if c.Since.IsZero() {
			c.Since = now
		}
		l.wait(c)
	case r.step == nil:
		if !r.cursor.NextAttempt.IsZero() && !r.cursor.NextAttempt.After(now) {
			l.d.ledger.put(clear(r.cursor)) // what waited is not there any more
		}
	case r.err == nil:
		l.d.ledger.put(r.step.to)
		again = again || r.step.more
	default:
		again = l.undelivered(ctx, r, now) || again
	}
	if again {
		l.hear(r.dashboardID)
	}
}

// clear gives a cursor on which nothing waits.
func clear(c webhook.Cursor) webhook.Cursor {
	return webhook.Cursor{Target: c.Target, DashboardID: c.DashboardID, Position: c.Position, Epoch: c.Epoch, Version: c.Version, Sum: c.Sum}
}

// undelivered lets a message wait for its next attempt, or gives it up; then the
// dashboard goes on, and more tells whether there is something.
func (l *lane) undelivered(ctx context.Context, r result, now time.Time) (more bool) {
	var f *failure
	if !errors.As(r.err, &f) {
		return false
	}
	c := r.cursor
	if c.Attempts == 0 {
		c.FirstAttempt = now
	}
	c.Attempts++
	c.Through, c.Since, c.Status, c.Error = r.step.to.Position, r.step.since, f.status, f.Error()
	if c.Attempts >= leastAttempts && now.Sub(c.FirstAttempt) >= l.target.GiveUp && !f.gone() {
		e := &r.step.event
		l.giveUp(ctx, webhook.DeadLetter{
			Target: l.target.Name, ID: e.id, Type: e.kind, DashboardID: e.dashboardID, Epoch: e.epoch, After: e.after, Version: e.version,
			Attempts: c.Attempts, FirstAttempt: c.FirstAttempt, LastAttempt: now, Status: f.status, Error: f.Error(), Body: e.body,
		}, r.step.to)
		return r.step.more
	}
	c.NextAttempt = now.Add(max(backoff(l.target.RetryFirst, l.target.RetryLongest, c.Attempts, l.d.cfg.Jitter()), f.retryAfter))
	l.wait(c)
	return false
}

// wait has a cursor wait for its next attempt.
func (l *lane) wait(c webhook.Cursor) {
	l.d.ledger.put(c)
	if l.nextRetry.IsZero() || c.NextAttempt.Before(l.nextRetry) {
		l.nextRetry = c.NextAttempt
	}
}

// giveUp makes a message a dead letter and goes on behind it.
func (l *lane) giveUp(ctx context.Context, dead webhook.DeadLetter, to webhook.Cursor) {
	l.d.cfg.Log.Error("webhook: a message was given up and is a dead letter now", "target", dead.Target, "id", dead.ID,
		"dashboard", dead.DashboardID, "attempts", dead.Attempts, "err", dead.Error)
	l.mu.Lock()
	l.state.GivenUp++
	l.mu.Unlock()
	l.d.ledger.put(to, dead)
	err := l.d.ledger.flush(ctx)
	if err == nil {
		err = l.trimDead(ctx)
	}
	if err != nil {
		l.trouble(ctx, err)
	}
}

// trimDead holds the dead letters to their bounds.
func (l *lane) trimDead(ctx context.Context) error {
	n, err := l.d.cfg.Webhooks.Store.TrimDead(ctx, l.target.Name, maxDead, maxDeadBytes, l.d.cfg.Clock.Now().Add(-maxDeadAge))
	if n > 0 {
		l.mu.Lock()
		l.state.Dropped += uint64(n)
		l.mu.Unlock()
		l.d.cfg.Log.Error("webhook: the oldest dead letters were dropped", "target", l.target.Name, "letters", n)
	}
	return err
}

// toldOnce tries a best-effort event again, so often.
func (l *lane) toldOnce(r result) {
	if r.err == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a := *r.once
	a.tried++
	if a.tried >= onceAttempts || !l.reg.Disabled.IsZero() {
		l.state.Dropped++
		return
	}
	a.after = l.d.cfg.Clock.Now().Add(backoff(l.target.RetryFirst, l.target.RetryLongest, a.tried, l.d.cfg.Jitter()))
	l.offerLocked(a)
}

// toldLetter removes a dead letter that was taken, or puts it back to rest.
func (l *lane) toldLetter(ctx context.Context, r result) {
	l.letter = false
	if errors.Is(r.err, errCut) || ctx.Err() != nil {
		return
	}
	if r.trouble != nil {
		l.trouble(ctx, r.trouble)
		return
	}
	if r.dead == nil {
		return
	}
	l.mu.Lock()
	l.letters = true // there may be another
	l.mu.Unlock()
	store := l.d.cfg.Webhooks.Store
	var err error
	if r.err == nil {
		_, err = store.DeleteDead(ctx, l.target.Name, r.dead.ID)
	} else {
		dead := *r.dead
		var f *failure
		if errors.As(r.err, &f) {
			dead.Status, dead.Error = f.status, f.Error()
		}
		dead.Attempts, dead.LastAttempt, dead.Requested = dead.Attempts+1, l.d.cfg.Clock.Now(), false
		err = store.Save(ctx, nil, []webhook.DeadLetter{dead})
	}
	if err != nil {
		l.trouble(ctx, err)
		l.mu.Lock()
		l.letters = false // not in a circle: the next request or start has it tried again
		l.mu.Unlock()
	}
}

// scanned takes in a part of a pass over the list of dashboards.
func (l *lane) scanned(ctx context.Context, r result) {
	l.scanning = false
	l.mu.Lock()
	for _, id := range r.ids {
		l.hearLocked(id)
	}
	l.mu.Unlock()
	l.scanNext, l.scanPass = r.at, r.at != ""
	if r.trouble == nil {
		return
	}
	l.trouble(ctx, r.trouble)
	l.scanPass = false
	l.mu.Lock()
	l.rescan = true
	l.mu.Unlock()
	l.pausedUntil = l.d.cfg.Clock.Now().Add(storeRetry)
}

// trouble tells the operator of what is not the target's fault.
func (l *lane) trouble(ctx context.Context, err error) {
	if ctx.Err() == nil {
		l.d.report(err)
	}
}

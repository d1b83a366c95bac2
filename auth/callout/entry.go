package callout

import (
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/clock"
)

// entry is one question with what is known of its answer. used may be set by anybody, q is
// never changed, everything else is guarded by Authorizer.mu.
type entry struct {
	q    question
	used atomic.Bool // since it was last looked at as one to be dropped

	role  auth.Role
	known bool      // role is an answer
	until time.Time // how long it counts without being asked for anew
	ends  time.Time // until, and the grace behind it

	forgotten bool // what is known is from before Forget: it counts for nothing

	// asking is closed once the question that is on its way has been answered or not; nil =
	// none is. Its answer does not count if it is outdated.
	asking   chan struct{}
	outdated bool
	// failure is why there was no answer the last time, and for how long it is not asked
	// for again; failures counts them in a row.
	failure     error
	failedUntil time.Time
	failures    int

	// watches follow the answer; it is asked for again at refreshAt. last is the role
	// that they were told or have read; told = there is one.
	watches   map[*watch]struct{}
	refreshAt time.Time
	last      auth.Role
	told      bool
	lapsed    bool // they were told that it is not known any more
	timer     clock.Timer
	queued    bool // is in Authorizer.queue
}

// graceLocked reports whether an answer that has ended counts on, since the app gives no
// new one.
func (e *entry) graceLocked(now time.Time) bool {
	return e.known && !e.forgotten && e.failures > 0 && now.Before(e.ends)
}

// watch is one who follows an answer.
type watch struct{ changed func() }

// spread is when an answer is asked for again: well before its end, and not all at once.
func spread(counts time.Duration) time.Duration {
	return time.Duration(float64(counts) * (0.5 + 0.25*rand.Float64()))
}

// addLocked makes an entry, and room for it.
func (a *Authorizer) addLocked(q question) *entry {
	if len(a.entries) >= a.cfg.MaxEntries {
		a.dropLocked()
	}
	e := &entry{q: q}
	a.entries[q] = e
	return e
}

// looked is how many entries are looked at to find one that can go.
const looked = 16

// dropLocked drops what has ended or was not used for long, out of some entries that chance
// has chosen. What is followed or on its way stays.
func (a *Authorizer) dropLocked() {
	now := a.cfg.Clock.Now()
	var victim *entry
	n := 0
	for _, e := range a.entries {
		if n++; n > looked {
			break
		}
		switch {
		case len(e.watches) > 0 || e.asking != nil:
		case !e.known || !now.Before(e.ends):
			delete(a.entries, e.q)
			return
		case !e.used.Swap(false) || victim == nil:
			victim = e
		}
	}
	if victim != nil {
		delete(a.entries, victim.q)
	}
}

// beginLocked has a question asked that is not being asked; refresh = it counts as one of
// Authorizer.refreshes. It reports false after Close.
func (a *Authorizer) beginLocked(e *entry, now time.Time, refresh bool) bool {
	if a.closed {
		return false
	}
	e.unscheduleLocked()
	e.asking = make(chan struct{})
	a.running.Go(func() {
		got, err := a.ask(a.ctx, e.q)
		a.finish(e, now, refresh, got, err)
	})
	return true
}

// refreshLocked has an answer asked for anew that is followed, in its turn.
func (a *Authorizer) refreshLocked(e *entry, now time.Time) {
	switch {
	case e.asking != nil || e.queued:
	case a.refreshes < max(1, a.cfg.MaxConns/2):
		if a.beginLocked(e, now, true) {
			a.refreshes++
		}
	default:
		e.queued = true
		a.queue = append(a.queue, e)
	}
}

// nextLocked asks the next question of the queue.
func (a *Authorizer) nextLocked(now time.Time) {
	for len(a.queue) > 0 && a.refreshes < max(1, a.cfg.MaxConns/2) {
		e := a.queue[0]
		a.queue[0] = nil
		a.queue = a.queue[1:]
		if e.queued = false; len(e.watches) > 0 {
			a.refreshLocked(e, now)
		}
	}
}

// scheduleLocked asks for the next look at an answer that is followed: when it is to be
// asked for, unless that is in the queue already, or when it ends.
func (a *Authorizer) scheduleLocked(e *entry, now time.Time) {
	if e.asking != nil || a.closed {
		return
	}
	at := e.refreshAt
	if e.failures > 0 {
		at = now.Add(pause(e.failures))
	}
	if ends := e.told && !e.lapsed; ends && (e.queued || e.ends.Before(at)) {
		at = e.ends
	} else if e.queued {
		return
	}
	e.unscheduleLocked()
	e.timer = a.cfg.Clock.AfterFunc(max(0, at.Sub(now)), func() { a.look(e) })
}

// pause is the time before a question is asked again that was not answered.
func pause(failures int) time.Duration {
	most := 250 * time.Millisecond << min(failures-1, 5)
	return min(most, 5*time.Second)/2 + time.Duration(rand.Int64N(int64(most/2)))
}

func (e *entry) unscheduleLocked() {
	if e.timer != nil {
		e.timer.Stop()
		e.timer = nil
	}
}

// settleLocked gives the app a moment to answer anew before those who follow the answer
// are told that it is not known.
func (e *entry) settleLocked(now time.Time) {
	if end := now.Add(settleWithin); e.known && end.Before(e.ends) {
		e.ends = end
	}
}

// look asks for an answer that is followed, and tells those who do if there is none any
// more that counts.
func (a *Authorizer) look(e *entry) {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return
	}
	a.running.Add(1)
	defer a.running.Done()
	var tell []*watch
	if now := a.cfg.Clock.Now(); len(e.watches) > 0 && e.asking == nil {
		if e.told && !e.lapsed && !now.Before(e.ends) {
			e.known, e.lapsed = false, true
			if e.failure == nil {
				e.failure = errTooLate
			}
			e.failedUntil = now.Add(failedFor) // so that they need not wait to hear it
			tell = e.allLocked()
		}
		a.refreshLocked(e, now)
		a.scheduleLocked(e, now)
	}
	a.mu.Unlock()
	for _, w := range tell {
		w.changed()
	}
}

// errTooLate is why an answer is not known that could not be asked for before its end.
var errTooLate = errors.New("callout: the answer has ended before it could be asked for anew")

func (e *entry) allLocked() []*watch {
	all := make([]*watch, 0, len(e.watches))
	for w := range e.watches {
		all = append(all, w)
	}
	return all
}

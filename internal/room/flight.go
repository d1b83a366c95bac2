package room

import (
	"time"

	"github.com/dashwire/dashwire/journal"
)

// Where the journal can tell of the end of an append, no goroutine waits for one: who hands an
// op in begins the append if none is in flight, and a sweeper settles it and begins the
// next. So a group of appends that the journal has stored at once wakes one goroutine, which
// answers all of them and writes to their sessions. What is not that simple (another node was
// first, the journal is in trouble, only the head is to be confirmed) is for the append loop.

// flight is a room's append that the journal has been given and nobody waits for.
type flight struct {
	append journal.Append // without records, there is none
	began  time.Time
	// landed is what the journal calls; made once.
	landed func(journal.Durability, error)
}

// landing is a flight that has ended.
type landing struct {
	room       *Room
	durability journal.Durability
	err        error
	took       time.Duration
}

// takeOffLocked begins the next append and reports whether it could.
func (r *Room) takeOffLocked(now time.Time) bool {
	h := r.hub
	if h.starter == nil || len(r.queue) == 0 || !r.turn.until.IsZero() || !h.sweeps.begun.Load() || h.ctx.Err() != nil {
		return false
	}
	r.takeLocked(now)
	a, ok := r.assembleLocked()
	if !ok || len(a.Records) == 0 {
		return false // what is in flight now is the append loop's
	}
	f := &r.flight
	if f.landed == nil {
		f.landed = r.landed
	}
	f.append, f.began = a, now
	h.starter.Start(a, f.landed)
	return true
}

// landed is told by the journal what became of the append. The room may be locked.
func (r *Room) landed(durability journal.Durability, err error) {
	took := r.hub.cfg.Clock.Now().Sub(r.flight.began)
	r.hub.sweeps.land(landing{room: r, durability: durability, err: err, took: took})
}

// settle makes visible and answers what the journal has stored, and begins the next append.
func (r *Room) settle(l landing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.hub.cfg.Clock.Now()
	a := r.flight.append
	if len(a.Records) == 0 {
		return // it was given up
	}
	r.flight.append = journal.Append{}
	if f := r.hub.cfg.Hooks.Append; f != nil {
		f(r.id, len(a.Records), l.took, l.err)
	}
	if l.err != nil {
		r.loopAfter(func() { r.recoverAppend(a, l) })
		return
	}
	if replays := r.commitLocked(l.durability, now, true); replays != nil {
		r.loopAfter(func() {
			for _, p := range replays {
				r.answerReplay(p)
			}
		})
		return
	}
	r.goOnLocked(now)
}

// goOnLocked begins what comes after an append that has landed.
func (r *Room) goOnLocked(now time.Time) {
	switch {
	case r.idleLocked():
		r.running = false
		r.releaseAt(now)
		r.hub.tasks.leave()
	case !r.takeOffLocked(now):
		r.loopAfter(func() {})
	}
}

// loopAfter runs the append loop after something that may wait.
func (r *Room) loopAfter(first func()) {
	go func() {
		defer r.hub.tasks.leave()
		first()
		r.appendLoop()
	}()
}

// recoverAppend settles an append that did not land well by what became of it.
func (r *Room) recoverAppend(a journal.Append, l landing) {
	durability, err := r.hub.known(r.hub.ctx, a, l.durability, l.err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.storedLocked(durability, err, false)
}

// giveUp answers what is in flight when the hub ends and the journal has not answered.
func (r *Room) giveUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.flight.append.Records) == 0 {
		return
	}
	r.flight.append = journal.Append{}
	r.troubleLocked(r.hub.ctx.Err())
	r.goOnLocked(r.hub.cfg.Clock.Now())
}

package natsjournal

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// pulse knows whether a quorum confirms what this node stores. While nothing else is
// stored, a barrier is written now and then to find out.
type pulse struct {
	beats    atomic.Uint64 // messages that the stream's leader has confirmed
	missed   atomic.Pointer[journal.Trouble]
	suspects chan struct{} // one slot: look at once
}

var _ journal.Watched = (*Journal)(nil)

// Trouble implements journal.Watched: no NATS server is connected, no quorum
// confirms anything, or the stream is another one.
func (j *Journal) Trouble() *journal.Trouble {
	if err := j.state(); err != nil {
		return &journal.Trouble{Text: whyLost(err), Err: err}
	}
	if !j.conn.IsConnected() {
		return &journal.Trouble{Text: "no NATS server can be reached", Err: j.conn.LastError()}
	}
	return j.pulse.missed.Load()
}

// whyLost says to anybody what keeps the journal from being used, and what helps.
func whyLost(err error) string {
	switch {
	case errors.Is(err, errClosed):
		return "the journal is closed"
	case errors.Is(err, ErrRolledBack):
		return "the NATS stream was put back to an older state; stop all servers, run dashwire new-epochs, and start them again"
	}
	return "the NATS stream was deleted or restored; start this server again"
}

// confirmed notes that the stream's leader has stored a message.
func (j *Journal) confirmed() {
	j.pulse.beats.Add(1)
	j.setTrouble(nil)
}

// doubt has it found out soon whether a quorum confirms anything.
func (j *Journal) doubt() {
	select {
	case j.pulse.suspects <- struct{}{}:
	default:
	}
}

// setTrouble notes how it stands, and tells the log when that changes.
func (j *Journal) setTrouble(t *journal.Trouble) {
	before := j.pulse.missed.Swap(t)
	switch {
	case before == nil && t != nil:
		j.opts.Logger.Warn("edits wait and what is read may be out of date", "why", t.Text, "err", t.Err)
	case before != nil && t == nil:
		j.opts.Logger.Info("NATS confirms what is stored again")
	}
}

// feelPulse finds out every so often, and sooner if there is doubt, whether a quorum
// confirms what is stored.
func (j *Journal) feelPulse() {
	tick := time.NewTicker(j.opts.tune.pulse)
	defer tick.Stop()
	for last := j.pulse.beats.Load(); ; last = j.pulse.beats.Load() {
		select {
		case <-j.life.Done():
			return
		case <-tick.C:
			if j.pulse.beats.Load() > last {
				continue // others have found out
			}
		case <-j.pulse.suspects:
		}
		j.beat()
		// While it is bad it is tried over and over; a moment apart, whatever comes.
		for j.pulse.missed.Load() != nil && j.pause(j.life, 250*time.Millisecond) {
			j.beat()
		}
	}
}

// beat has a barrier stored.
func (j *Journal) beat() {
	ctx, cancel := context.WithTimeout(j.life, j.opts.tune.answer)
	defer cancel()
	before := j.highest.Load()
	seq, err := j.publish(ctx, j.stream, j.subjects.barrier, nil, anySeq, true)
	switch {
	case err == nil:
		_ = j.sawNew(before, seq) // Trouble tells
	case j.life.Err() != nil, !j.conn.IsConnected():
	case errors.Is(err, errNotSent):
		j.setTrouble(&journal.Trouble{Text: "NATS has no leader for the stream: too few of its servers are there, or the stream is gone", Err: err})
	default:
		j.setTrouble(&journal.Trouble{Text: "NATS does not confirm what is stored: too few of its servers are there", Err: err})
	}
}

package natsjournal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// errClosed: the journal was closed.
var errClosed = errors.New("the journal is closed")

// ErrRolledBack: the stream is the one that this node knows, and lacks what the node
// has seen in it: it was put back from an older backup. Versions that clients have
// seen would be given to other changes, so nothing is served until AfterRestore has
// begun new epochs (R1).
var ErrRolledBack = errors.New("natsjournal: the stream was put back to an older state")

// ErrRecreated: the stream was deleted and made anew while this journal was open, or
// new epochs were begun in it. It does not serve any more: what it has told clients is
// not in the new one. Start the server again.
var ErrRecreated = errors.New("natsjournal: the stream is not the one that was opened")

// state is why the journal does not work any more; nil = it does.
func (j *Journal) state() error {
	if err := j.lost.Load(); err != nil {
		return *err
	}
	if j.life.Err() != nil {
		return errClosed
	}
	return nil
}

// patiently calls fn until it succeeds, tries for as long as patience lasts, and
// returns the last error. Errors that trying again does not help end it at once.
func (j *Journal) patiently(ctx context.Context, fn func() error) error {
	const first, longest = 5 * time.Millisecond, 250 * time.Millisecond
	end := time.Now().Add(j.opts.tune.patience)
	for wait := first; ; wait = min(2*wait, longest) {
		if err := j.state(); err != nil {
			return err
		}
		err := fn()
		if err == nil || ctx.Err() != nil || final(err) || time.Now().Add(wait).After(end) {
			return err
		}
		if !j.pause(ctx, wait/2+rand.N(wait/2)) {
			return err
		}
	}
}

// final tells errors that trying again does not help.
func final(err error) bool {
	for _, e := range []error{
		errAbsent, errConflict, errTooLarge, errClosed, ErrRecreated, ErrRolledBack,
		journal.ErrCorrupt, journal.ErrTrimmed, journal.ErrInvalid,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// pause waits; it reports false if ctx or the journal ended first.
func (j *Journal) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-j.life.Done():
	}
	return false
}

// failed gives what an error means to the caller of a method that only reads.
func failed(ctx context.Context, what, id string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s %s: %w", what, id, ctx.Err())
	case errors.Is(err, journal.ErrCorrupt), errors.Is(err, journal.ErrTrimmed), errors.Is(err, journal.ErrInvalid):
		return fmt.Errorf("%s %s: %w", what, id, err)
	}
	return fmt.Errorf("%s %s: %w: %w", what, id, journal.ErrUnavailable, err)
}

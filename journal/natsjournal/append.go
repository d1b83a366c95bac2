package natsjournal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// Append implements journal.Journal (A1). It returns nil once the stream's leader
// has acknowledged the message that holds the records, or once they were found
// where they belong. A refused comparison is looked into: ErrMoved is only said of
// what was read from the log (A3).
func (j *Journal) Append(ctx context.Context, a journal.Append) (journal.Durability, error) {
	if err := a.Validate(); err != nil {
		return j.durability, err
	}
	fail := func(sentinel, err error) (journal.Durability, error) {
		return j.durability, fmt.Errorf("append to %s after %d: %w: %w", a.DashboardID, a.After, sentinel, err)
	}
	if err := ctx.Err(); err != nil {
		return fail(journal.ErrUnavailable, err)
	}
	if size, most := appendSize(a), int(j.conn.MaxPayload())-spareBytes; size > most {
		return fail(journal.ErrInvalid, fmt.Errorf("it has %d bytes, at most %d are stored at once", size, most))
	}
	if a.After == 0 || a.Begins {
		if err := j.enlist(ctx, a.DashboardID); err != nil {
			return fail(journal.ErrUnavailable, err)
		}
	}
	err := j.append(ctx, a)
	switch {
	case err == nil:
		return j.durability, nil
	case errors.Is(err, journal.ErrMoved), errors.Is(err, journal.ErrUnknown), errors.Is(err, journal.ErrInvalid),
		errors.Is(err, journal.ErrCorrupt), errors.Is(err, journal.ErrTrimmed):
		return j.durability, fmt.Errorf("append to %s after %d: %w", a.DashboardID, a.After, err)
	}
	return fail(journal.ErrUnavailable, err)
}

// spareBytes is what a message has besides its payload and the records of an
// append: fields, checksum, subject, headers.
const spareBytes = 4 << 10

func appendSize(a journal.Append) int {
	const perRecord = 10
	size := len(a.Summary)
	for _, r := range a.Records {
		size += len(r) + perRecord
	}
	return size
}

// append tries until the outcome is known, the stream may have stored the message
// without saying so (ErrUnknown), or patience ends; other errors than those of the
// contract mean that nothing was stored.
func (j *Journal) append(ctx context.Context, a journal.Append) error {
	const first, longest = 2 * time.Millisecond, 100 * time.Millisecond
	end := time.Now().Add(j.opts.tune.patience)
	for wait := first; ; wait = min(2*wait, longest) {
		if err := j.state(); err != nil {
			return err
		}
		t, known := j.tails.get(a.DashboardID)
		if !known || t.head != a.After {
			e, err := j.lookup(ctx, a.DashboardID, known)
			if err != nil {
				return err
			}
			if t = e.tail; t.head < a.After && !known {
				if e, err = j.lookup(ctx, a.DashboardID, true); err != nil {
					return err
				}
				t = e.tail
			}
			if t.head != a.After && (t.seq != 0 || !a.Begins) {
				return j.compare(ctx, a, e)
			}
		}
		err := j.appendAt(ctx, a, t)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errConflict):
			// Usually another node was first. It may also be this very append, sent
			// before, whose answer was lost.
			j.tails.forget(a.DashboardID)
			e, lookErr := j.lookup(ctx, a.DashboardID, true)
			if lookErr != nil {
				return lookErr // this message was refused; the caller tries again
			}
			if e.head != a.After {
				return j.compare(ctx, a, e)
			}
		case errors.Is(err, errBusy):
		case errors.Is(err, errTooLarge):
			return fmt.Errorf("%w: %w", journal.ErrInvalid, err)
		case errors.Is(err, errNotSent):
			j.suspect()
		case errors.Is(err, ErrRecreated), errors.Is(err, ErrRolledBack):
			return err
		default:
			j.tails.forget(a.DashboardID)
			return fmt.Errorf("%w: %w", journal.ErrUnknown, err)
		}
		if ctx.Err() != nil || time.Now().Add(wait).After(end) || !j.pause(ctx, wait/2+rand.N(wait)) {
			return err
		}
	}
}

// appendAt sends the append to follow on a tail.
func (j *Journal) appendAt(ctx context.Context, a journal.Append, t tail) error {
	m := &message{
		first: a.After + 1, time: j.opts.Now().UnixMilli(), links: t.links, summary: a.Summary, records: a.Records,
	}
	data := appendMessage(make([]byte, 0, appendSize(a)+256), a.DashboardID, m)
	before := max(j.highest.Load(), t.seq)
	seq, err := j.publish(ctx, j.stream, j.subjects.log(a.DashboardID), data, t.seq, false)
	if err != nil {
		return err
	}
	if err := j.sawNew(before, seq); err != nil {
		return err
	}
	j.tails.put(a.DashboardID, tailAfter(m, seq))
	j.marks.sees(a.DashboardID, m.first, seq, data)
	return nil
}

// compare decides an append that is not at the head by what stands in the log: nil
// if exactly its records stand at its positions. What a replica has is committed,
// so that being ahead of a.After proves enough.
func (j *Journal) compare(ctx context.Context, a journal.Append, e end) error {
	if e.head < a.After {
		j.suspect() // whoever appends has seen more
	}
	if e.head < a.After || e.head-a.After < journal.Position(len(a.Records)) {
		return fmt.Errorf("%w: it is at %d", journal.ErrMoved, e.head)
	}
	for r, err := range j.readTo(ctx, a.DashboardID, a.After, a.After+journal.Position(len(a.Records)), e) {
		if err != nil {
			if errors.Is(err, journal.ErrCorrupt) || errors.Is(err, journal.ErrTrimmed) {
				return err
			}
			return fmt.Errorf("%w: what stands there cannot be read: %w", journal.ErrUnknown, err)
		}
		if !bytes.Equal(r.Data, a.Records[r.Position-a.After-1]) {
			return fmt.Errorf("%w: it is at %d and holds another record %d", journal.ErrMoved, e.head, r.Position)
		}
	}
	return nil
}

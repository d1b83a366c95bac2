package sqlitejournal

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/dashwire/dashwire/journal"
)

// maxAppend is the most bytes one append may have: SQLite keeps a row below 1 GB.
const maxAppend = 256 << 20

// Append implements journal.Journal (A1). It returns once the commit that holds
// the records has been fsync'ed. A full disk is ErrUnavailable, a failed fsync
// ErrUnknown (A2).
func (j *Journal) Append(ctx context.Context, a journal.Append) (journal.Durability, error) {
	if err := ctx.Err(); err != nil {
		return journal.Disk, fmt.Errorf("append to %s: %w: %w", a.DashboardID, journal.ErrUnavailable, err)
	}
	r, err := j.enqueue(a, nil)
	if err != nil {
		return journal.Disk, err
	}
	select {
	case err := <-r.done:
		if errors.Is(err, errNotAtHead) {
			err = j.compare(ctx, a)
		}
		if err != nil {
			return journal.Disk, fmt.Errorf("append to %s after %d: %w", a.DashboardID, a.After, err)
		}
		return journal.Disk, nil
	case <-ctx.Done():
		sentinel := journal.ErrUnknown
		if r.state.CompareAndSwap(queued, cancelled) {
			sentinel = journal.ErrUnavailable
		}
		return journal.Disk, fmt.Errorf("append to %s: %w: %w", a.DashboardID, sentinel, ctx.Err())
	}
}

// Start implements journal.Starter.
func (j *Journal) Start(a journal.Append, done func(journal.Durability, error)) {
	if _, err := j.enqueue(a, done); err != nil {
		done(journal.Disk, err)
	}
}

// enqueue hands an append to the writer.
func (j *Journal) enqueue(a journal.Append, then func(journal.Durability, error)) (*request, error) {
	if err := a.Validate(); err != nil {
		return nil, err
	}
	fail := func(sentinel, err error) (*request, error) {
		return nil, fmt.Errorf("append to %s: %w: %w", a.DashboardID, sentinel, err)
	}
	if j.readOnly {
		return fail(journal.ErrUnavailable, ErrReadOnly)
	}
	r := newAppend(a, then)
	if r.size > maxAppend {
		return fail(journal.ErrInvalid, fmt.Errorf("it has %d bytes, at most %d are stored at once", r.size, maxAppend))
	}
	if uint64(a.After)+uint64(len(a.Records)) > maxPosition {
		if a.After <= maxPosition {
			return fail(journal.ErrInvalid, fmt.Errorf("a log holds at most %d records", uint64(maxPosition)))
		}
		return fail(journal.ErrMoved, fmt.Errorf("no log reaches position %d", a.After))
	}
	if err := j.queue.push(r); err != nil {
		return fail(journal.ErrUnavailable, err)
	}
	return r, nil
}

// compare decides an append that is not at the head by what stands in the log: nil
// if exactly its records stand at its positions.
func (j *Journal) compare(ctx context.Context, a journal.Append) error {
	unknown := func(err error) error {
		if errors.Is(err, journal.ErrCorrupt) || errors.Is(err, journal.ErrTrimmed) {
			return err
		}
		return fmt.Errorf("%w: what stands there cannot be read: %w", journal.ErrUnknown, err)
	}
	head, _, err := j.Head(ctx, a.DashboardID)
	if err != nil {
		return unknown(err)
	}
	if head < a.After || head-a.After < journal.Position(len(a.Records)) {
		return fmt.Errorf("%w: it is at %d", journal.ErrMoved, head)
	}
	n := 0
	for r, err := range j.Read(ctx, a.DashboardID, a.After) {
		if err != nil {
			return unknown(err)
		}
		if !bytes.Equal(r.Data, a.Records[n]) {
			return fmt.Errorf("%w: it is at %d and holds another record %d", journal.ErrMoved, head, r.Position)
		}
		if n++; n == len(a.Records) {
			break
		}
	}
	return nil
}

package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/webhook"
)

// Bounds of one message: an entry that is larger goes alone.
const (
	maxEntries = 100
	maxBytes   = 256 << 10
)

// step is what a target is told next of a dashboard.
type step struct {
	event event
	// to is the cursor once it was told; nothing in it waits.
	to webhook.Cursor
	// since is when the first entry of it was committed.
	since time.Time
	// more tells that the log goes on after it.
	more bool
}

// next reads what comes after a cursor: nil at the end of the log. If a message was
// attempted from there already, the same entries make it again.
func (d *Dispatcher) next(ctx context.Context, c webhook.Cursor) (*step, error) {
	s, err := d.entries(ctx, c, c.Sum != 0)
	if c.Sum != 0 && errors.Is(err, journal.ErrTrimmed) {
		s, err = d.entries(ctx, c, false) // the record itself may be gone, and those after it not
	}
	switch {
	case errors.Is(err, journal.ErrTrimmed):
		return d.trimmed(ctx, c)
	case errors.Is(err, errRewound):
		return d.rewound(ctx, c)
	}
	return s, err
}

// errRewound: what stands in the log is not what comes after the cursor.
var errRewound = errors.New("the log is not the one that was told")

// entries reads the entries of one message. With verify, it reads the record at the
// cursor first and holds it against what was told.
func (d *Dispatcher) entries(ctx context.Context, c webhook.Cursor, verify bool) (*step, error) {
	from := c.Position
	if verify {
		from--
	}
	s := &step{to: webhook.Cursor{Target: c.Target, DashboardID: c.DashboardID}}
	var envelopes [][]byte
	var last time.Time
	var after uint64
	size, verified := 0, !verify
	for rec, err := range d.cfg.Journal.Read(ctx, c.DashboardID, from) {
		if err != nil {
			return nil, err
		}
		if !verified {
			if verified = sumOf(rec.Data) == c.Sum; !verified {
				return nil, errRewound
			}
			continue
		}
		if c.Through > c.Position && rec.Position > c.Through || len(envelopes) == maxEntries {
			s.more = true
			break
		}
		e, err := board.ParseRecord(rec.Data)
		if err != nil {
			return nil, fmt.Errorf("reading the record at position %d: %w", rec.Position, err)
		}
		text := board.EnvelopeOf(rec.Data)
		if len(envelopes) == 0 {
			if !follows(c, e) {
				return nil, errRewound
			}
			s.since, after = rec.Time, e.Version-1
		} else if e.Epoch != s.to.Epoch || size+len(text) > maxBytes {
			s.more = true
			break
		}
		size += len(text)
		envelopes = append(envelopes, text)
		last = e.Time
		s.to.Position, s.to.Epoch, s.to.Version, s.to.Sum = rec.Position, e.Epoch, e.Version, sumOf(rec.Data)
	}
	if !verified {
		return nil, errRewound // the log ends before the cursor
	}
	if len(envelopes) == 0 {
		if c.Position > 0 && !verify {
			return nil, d.ended(ctx, c)
		}
		return nil, nil
	}
	s.event = committed(c.DashboardID, s.to.Epoch, after, envelopes, last)
	return s, nil
}

// follows reports whether an entry can be the one after the cursor: the next version, or
// the first of another epoch.
func follows(c webhook.Cursor, e *board.Entry) bool {
	return c.Epoch == "" || e.Epoch == c.Epoch && e.Version == c.Version+1 || e.Epoch != c.Epoch && e.Version == 1
}

// ended tells whether a log without entries after a cursor that cannot be verified is
// shorter than the cursor says.
func (d *Dispatcher) ended(ctx context.Context, c webhook.Cursor) error {
	head, _, err := d.cfg.Journal.Head(ctx, c.DashboardID)
	if err == nil && head < c.Position {
		err = errRewound
	}
	return err
}

// sumOf is a hash of a record, never 0.
func sumOf(data []byte) int64 {
	sum := sha256.Sum256(data)
	return int64(binary.LittleEndian.Uint64(sum[:]) | 1)
}

// trimmed tells that history after the cursor is no longer kept, and goes on at the
// oldest record that is.
func (d *Dispatcher) trimmed(ctx context.Context, c webhook.Cursor) (*step, error) {
	head, _, err := d.cfg.Journal.Head(ctx, c.DashboardID)
	if err != nil {
		return nil, err
	}
	from, err := d.oldest(ctx, c.DashboardID, c.Position, head)
	if err != nil {
		return nil, err
	}
	return d.goOn(ctx, c, trimmed, from)
}

// oldest finds the first position in after…head from which the log can be read.
func (d *Dispatcher) oldest(ctx context.Context, id string, after, head journal.Position) (journal.Position, error) {
	for after < head {
		middle := after + (head-after)/2
		_, err := d.recordAfter(ctx, id, middle)
		switch {
		case err == nil:
			head = middle
		case errors.Is(err, journal.ErrTrimmed):
			after = middle + 1
		default:
			return 0, err
		}
	}
	return after, nil
}

// recordAfter reads one record; nil at the end of the log.
func (d *Dispatcher) recordAfter(ctx context.Context, id string, after journal.Position) (*journal.Record, error) {
	for rec, err := range d.cfg.Journal.Read(ctx, id, after) {
		if err != nil {
			return nil, err
		}
		return &rec, nil
	}
	return nil, nil
}

// rewound tells that the log is another one than before, and begins again with the
// present epoch: a restored dashboard has a new one (R1).
func (d *Dispatcher) rewound(ctx context.Context, c webhook.Cursor) (*step, error) {
	head, _, err := d.cfg.Journal.Head(ctx, c.DashboardID)
	if err != nil {
		return nil, err
	}
	if head == 0 {
		return d.goOn(ctx, c, rewound, 0)
	}
	rec, err := d.recordAfter(ctx, c.DashboardID, head-1)
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, fmt.Errorf("the journal has no record %d, which it says is the last: %w", head, journal.ErrUnavailable)
	}
	e, err := board.ParseRecord(rec.Data)
	if err != nil {
		return nil, fmt.Errorf("reading the record at position %d: %w", rec.Position, err)
	}
	start := head - min(head, journal.Position(e.Version))
	if start, err = d.oldest(ctx, c.DashboardID, start, head-1); err != nil {
		return nil, err
	}
	return d.goOn(ctx, c, rewound, start)
}

// goOn makes the message of a gap, after which the record behind a position comes.
func (d *Dispatcher) goOn(ctx context.Context, c webhook.Cursor, why gapReason, from journal.Position) (*step, error) {
	s := &step{to: webhook.Cursor{Target: c.Target, DashboardID: c.DashboardID, Position: from}}
	var last, next *place
	if c.Epoch != "" {
		last = &place{c.Epoch, c.Version}
	}
	s.since = d.cfg.Clock.Now()
	rec, err := d.recordAfter(ctx, c.DashboardID, from)
	if err != nil {
		return nil, err
	}
	if rec != nil {
		e, err := board.ParseRecord(rec.Data)
		if err != nil {
			return nil, fmt.Errorf("reading the record at position %d: %w", rec.Position, err)
		}
		next, s.more, s.since = &place{e.Epoch, e.Version}, true, rec.Time
	}
	s.event = gap(c.DashboardID, why, last, next, d.cfg.Clock.Now())
	return s, nil
}

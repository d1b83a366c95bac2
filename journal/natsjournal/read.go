package natsjournal

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/dashwire/dashwire/journal"
)

// end is the end of a log as a replica has it.
type end struct {
	tail
	last *message // nil: the log is empty
}

// Head implements journal.Journal. On a stream with replicas it has the leader
// confirm that nothing newer exists (A3).
func (j *Journal) Head(ctx context.Context, dashboardID string) (journal.Position, journal.Durability, error) {
	if err := ctx.Err(); err != nil {
		return 0, j.durability, fmt.Errorf("head of %s: %w", dashboardID, err)
	}
	e, err := j.lookup(ctx, dashboardID, true)
	return e.head, j.durability, failed(ctx, "head of", dashboardID, err)
}

// lookup reads the end of a log: confirmed = one that holds every append that had
// returned before the call, else whatever a replica has.
func (j *Journal) lookup(ctx context.Context, id string, confirmed bool) (e end, err error) {
	floor := uint64(0)
	if confirmed && j.replicas > 1 {
		if floor, err = j.raise(ctx); err != nil {
			return e, err
		}
	}
	err = j.patiently(ctx, func() error {
		e, err = j.lookupOnce(ctx, id, floor)
		return err
	})
	if err == nil && e.last != nil {
		j.tails.put(id, e.tail)
	}
	return e, err
}

// lookupOnce takes the answer of a replica that has the message at floor.
func (j *Journal) lookupOnce(ctx context.Context, id string, floor uint64) (e end, err error) {
	subject := j.subjects.log(id)
	q := getRequest{MultiLast: []string{subject}}
	if floor > 0 {
		q.MultiLast = append(q.MultiLast, j.subjects.barrier)
	}
	list, err := j.get(ctx, j.stream, q)
	if err != nil {
		return e, err
	}
	seen := uint64(0)
	for _, s := range list {
		switch s.subject {
		case subject:
			if e.last, err = decodeMessage(id, s.data); err != nil {
				return e, err
			}
			e.tail = tailAfter(e.last, s.seq)
		case j.subjects.barrier:
			seen = s.seq
		}
	}
	if seen < floor {
		return end{}, errBehind
	}
	return e, nil
}

// Read implements journal.Journal. It reads in steps and holds nothing while the
// caller works.
func (j *Journal) Read(ctx context.Context, dashboardID string, after journal.Position) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(journal.Record{}, fmt.Errorf("read %s: %w", dashboardID, err))
			return
		}
		e, err := j.lookup(ctx, dashboardID, true)
		if err != nil {
			yield(journal.Record{}, failed(ctx, "read", dashboardID, err))
			return
		}
		for r, err := range j.readTo(ctx, dashboardID, after, e.head, e) {
			if !yield(r, failed(ctx, "read", dashboardID, err)) {
				return
			}
		}
	}
}

// ReadRange implements journal.RangeReader: without a barrier, since any replica that has
// got as far will do.
func (j *Journal) ReadRange(ctx context.Context, dashboardID string, after, upTo journal.Position) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		if after >= upTo {
			return
		}
		err := ctx.Err()
		var e end
		if err == nil {
			e, err = j.lookup(ctx, dashboardID, false)
		}
		if err == nil && e.head < upTo {
			e, err = j.lookup(ctx, dashboardID, true)
		}
		if err != nil {
			yield(journal.Record{}, failed(ctx, "read", dashboardID, err))
			return
		}
		for r, err := range j.readTo(ctx, dashboardID, after, min(upTo, e.head), e) {
			if !yield(r, failed(ctx, "read", dashboardID, err)) {
				return
			}
		}
	}
}

// nearby is how many messages are looked for one by one from the end of a log;
// asking for a whole run costs the server more.
const nearby = 4

// readTo yields the records after a position up to another, at most the end of a log, which
// some replica has reached.
func (j *Journal) readTo(ctx context.Context, id string, after, upTo journal.Position, e end) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		if e.last == nil || after >= upTo {
			return
		}
		if e.last.first <= after+1 {
			yieldAfter(e.last, after, upTo, yield)
			return
		}
		near, start, err := j.locate(ctx, id, after+1, e)
		if err != nil {
			yield(journal.Record{}, err)
			return
		}
		after := after
		for _, m := range near {
			if !yieldAfter(m, after, upTo, yield) {
				return
			}
			after = m.last()
		}
		for after < upTo {
			var run []*message
			err := j.patiently(ctx, func() (err error) {
				run, start, err = j.run(ctx, id, start, after, int(min(upTo-after, runMessages)))
				return err
			})
			for _, m := range run {
				if !yieldAfter(m, after, upTo, yield) {
					return
				}
				after = m.last()
			}
			if err != nil {
				yield(journal.Record{}, err)
				return
			}
		}
	}
}

// yieldAfter yields the records of a message after a position up to another.
func yieldAfter(m *message, after, upTo journal.Position, yield func(journal.Record, error) bool) bool {
	for i := range m.records {
		if p := m.first + journal.Position(i); p > after && p <= upTo && !yield(m.record(i), nil) {
			return false
		}
	}
	return true
}

// locate finds the message that holds a position before e.last. If it is among the
// last few, it returns all messages from there on; else the sequence number to read
// from.
func (j *Journal) locate(ctx context.Context, id string, p journal.Position, e end) (near []*message, start uint64, err error) {
	if p == 1 {
		return nil, 1, nil
	}
	at := e.last
	near = []*message{at}
	for len(near) < nearby && at.first > p {
		if len(at.links) == 0 {
			return nil, 0, begins(at)
		}
		next := at.first
		if at, err = j.linked(ctx, id, at.links[0]); err != nil {
			break
		}
		if at.last()+1 != next {
			return nil, 0, fmt.Errorf("%w: position %d of %s does not follow on %d", journal.ErrCorrupt, next, id, at.last())
		}
		near = append(near, at)
	}
	if err == nil && at.first <= p {
		slices.Reverse(near)
		return near, 0, nil
	}
	if err == nil {
		start, err = j.holder(ctx, id, p, at, 0)
	}
	return nil, start, err
}

// holder finds the sequence number of the message that holds a position, from a
// message at seq that holds it or comes later. Each step goes as far back as a link
// leads without passing by.
func (j *Journal) holder(ctx context.Context, id string, p journal.Position, at *message, seq uint64) (uint64, error) {
	for at.first > p {
		if len(at.links) == 0 {
			return 0, begins(at)
		}
		to := at.links[0]
		for _, l := range at.links[1:] {
			if l.first <= p {
				break
			}
			to = l
		}
		if to.first <= p {
			return to.seq, nil
		}
		m, err := j.linked(ctx, id, to)
		if err != nil {
			return 0, err
		}
		at, seq = m, to.seq
	}
	return seq, nil
}

// begins says that a log has nothing before a message, its first ever.
func begins(m *message) error {
	return fmt.Errorf("%w: the oldest record kept is %d", journal.ErrTrimmed, m.first)
}

// linked reads the message that a link points to; ErrTrimmed if it was trimmed.
func (j *Journal) linked(ctx context.Context, id string, l link) (m *message, err error) {
	err = j.patiently(ctx, func() error {
		list, err := j.get(ctx, j.stream, getRequest{Seq: l.seq})
		if errors.Is(err, errAbsent) {
			return j.absent(ctx, id, l.first)
		}
		if err != nil {
			return err
		}
		if list[0].subject != j.subjects.log(id) {
			return fmt.Errorf("%w: message %d of the stream should be one of %s, and is %s", journal.ErrCorrupt, l.seq, id, list[0].subject)
		}
		if m, err = decodeMessage(id, list[0].data); err != nil {
			return err
		}
		if m.first != l.first {
			return fmt.Errorf("%w: message %d of the stream holds position %d of %s, should hold %d", journal.ErrCorrupt, l.seq, m.first, id, l.first)
		}
		return nil
	})
	return m, err
}

// absent says why a replica lacks a message with some position: it was trimmed, or
// the replica is behind.
func (j *Journal) absent(ctx context.Context, id string, p journal.Position) error {
	oldest, err := j.oldest(ctx, id)
	switch {
	case err != nil:
		return err
	case oldest > p:
		return fmt.Errorf("%w: the oldest record kept is %d", journal.ErrTrimmed, oldest)
	}
	return errBehind
}

// oldest is the position of the first record that is kept, 1 for an empty log.
func (j *Journal) oldest(ctx context.Context, id string) (journal.Position, error) {
	list, err := j.get(ctx, j.stream, getRequest{Seq: 1, NextBy: j.subjects.log(id)})
	if errors.Is(err, errAbsent) {
		return 1, nil
	}
	if err != nil {
		return 0, err
	}
	m, err := decodeMessage(id, list[0].data)
	if err != nil {
		return 0, err
	}
	return m.first, nil
}

// runMessages is how many messages one request asks for at most.
const runMessages = 256

// run reads some messages of a log, most at most, from a sequence number on, the first of which
// holds the position after after, and returns where to go on. Messages before the
// first bad one come with the error.
func (j *Journal) run(ctx context.Context, id string, start uint64, after journal.Position, most int) (ms []*message, next uint64, err error) {
	list, err := j.get(ctx, j.stream, getRequest{
		Seq: start, NextBy: j.subjects.log(id), Batch: most, MaxBytes: j.opts.tune.batchBytes,
	})
	if err != nil {
		return nil, start, err
	}
	if len(list) == 0 {
		return nil, start, errBehind
	}
	for _, s := range list {
		m, err := decodeMessage(id, s.data)
		if err != nil {
			return ms, start, err
		}
		switch {
		case m.first == after+1, len(ms) == 0 && m.first <= after && m.last() > after:
		case len(ms) == 0 && m.first > after+1:
			return nil, start, j.absent(ctx, id, after+1)
		default:
			return ms, start, fmt.Errorf("%w: position %d of %s should stand at message %d of the stream, and position %d does",
				journal.ErrCorrupt, after+1, id, s.seq, m.first)
		}
		ms = append(ms, m)
		after, start = m.last(), s.seq+1
	}
	return ms, start, nil
}

// Oldest returns the position that reading can begin after: 0, unless older records
// were trimmed.
func (j *Journal) Oldest(ctx context.Context, dashboardID string) (journal.Position, error) {
	var first journal.Position
	err := j.patiently(ctx, func() (err error) {
		first, err = j.oldest(ctx, dashboardID)
		return err
	})
	if err != nil {
		return 0, failed(ctx, "read", dashboardID, err)
	}
	return first - 1, nil
}

package sqlitejournal

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"

	"github.com/dashwire/dashwire/journal"
)

// batch is one round of spreading: all records held when it began go into chunks,
// log by log so that neighbouring rows are written together, some in each transaction of the
// writer; then the commits that held them are released. A crash in between repeats or skips
// nothing: what dashboards.head counts is in chunks, the rest is found in the commit log again.
type batch struct {
	active bool
	paused bool // the disk is full or a table failed: the next quiet moment tries again
	upTo   uint64
	logs   []spreadLog

	// of the transaction being written
	done     []spreadPart
	finished bool // nothing of the batch is left after it
}

// spreadLog is a log of the batch: its records up to a position.
type spreadLog struct {
	t     *tail
	until journal.Position
}

// spreadPart is how many records of a log a transaction has spread.
type spreadPart struct {
	t    *tail
	n    int
	ends bool // the log's share of the batch
}

func (w *writer) spreading() bool {
	return w.batch.active && !w.batch.paused && w.j.handle != nil && w.log != nil
}

// startBatch begins a round unless one is going on or nothing is there to spread.
func (w *writer) startBatch() {
	if w.batch.active || w.spread == w.log.Last() {
		return
	}
	b := batch{active: true, upTo: w.log.Last(), logs: w.batch.logs[:0], done: w.batch.done[:0]}
	for _, t := range w.j.tails.byID {
		if t.problem == nil && len(t.records) > 0 {
			b.logs = append(b.logs, spreadLog{t, t.head})
		}
	}
	if w.keepCommits && len(b.logs) == 0 {
		return
	}
	slices.SortFunc(b.logs, func(x, y spreadLog) int {
		if x.t.key == 0 || y.t.key == 0 { // new ones last, by id
			if c := cmp.Compare(y.t.key, x.t.key); c != 0 {
				return c
			}
			return strings.Compare(x.t.id, y.t.id)
		}
		return cmp.Compare(x.t.key, y.t.key)
	})
	w.batch = b
}

// begin forgets what an earlier transaction, which may have failed, has done.
func (b *batch) begin() { b.done, b.finished = b.done[:0], false }

// drop takes a log out of the batch.
func (b *batch) drop(t *tail) {
	b.logs = slices.DeleteFunc(b.logs, func(l spreadLog) bool { return l.t == t })
}

// spreadStep spreads some records within the open transaction. It returns the log
// at which it failed, if it was one log.
func (w *writer) spreadStep(ctx context.Context, c *conn) (*tail, error) {
	b := &w.batch
	rows, bytes := w.j.opts.tune.spreadRows, spreadStepBytes
	for _, a := range w.accepted {
		rows += 2 * len(a.r.append.Records) // spreading keeps up with appending
		bytes += 2 * a.r.size
	}
	for _, l := range b.logs {
		if rows <= 0 || bytes <= 0 {
			return nil, nil
		}
		n := min(int(l.until+1-l.t.first()), rows)
		for i, r := range l.t.records[:n] {
			if bytes -= len(r.data); bytes <= 0 {
				n = i + 1
				break
			}
		}
		if err := w.spreadLog(ctx, c, l.t, n); err != nil {
			return l.t, err
		}
		ends := n == int(l.until+1-l.t.first())
		b.done = append(b.done, spreadPart{l.t, n, ends})
		if !ends {
			return nil, nil
		}
		rows -= n
	}
	b.finished = true
	return nil, nil
}

// spreadStepBytes is how much one transaction spreads, roughly, beside twice what is
// appended.
const spreadStepBytes = 512 << 10

// spreadLog moves the first n records held of a log into chunks.
func (w *writer) spreadLog(ctx context.Context, c *conn, t *tail, n int) error {
	first := t.first()
	head := int64(first) + int64(n) - 1
	if t.key == 0 {
		if err := w.insertRow(ctx, c, t, head); err != nil {
			return err
		}
	} else {
		const update = "UPDATE dashboards SET head = ?, time = ?, summary = ? WHERE key = ?"
		if err := c.exec(ctx, update, head, t.time, t.summary, t.key); err != nil {
			return err
		}
	}
	k := &w.chunk
	k.reset(first - 1)
	if err := w.refill(ctx, c, t); err != nil {
		return err
	}
	for i, r := range t.records[:n] {
		k.add(r)
		if k.full() || i == n-1 {
			if err := k.insert(ctx, c, t.id, t.key); err != nil {
				return err
			}
			k.reset(k.last)
		}
	}
	if cap(k.data) > 1<<20 {
		w.chunk = chunk{} // one large record is no reason to hold on to so much
	}
	return nil
}

// refill takes the last row of a log out of the table and into the chunk being written, if it
// is far from full. One that is damaged stays as it is.
func (w *writer) refill(ctx context.Context, c *conn, t *tail) error {
	k := &w.chunk
	if k.last == 0 {
		return nil
	}
	key := entryKey(t.key, k.last)
	found := false
	const sql = "SELECT key, crc, records, data FROM chunks WHERE key = ? AND length(data) < ?"
	err := c.query(ctx, sql, func(v []driver.Value) error {
		last, parts, data, err := readChunk(t.id, t.key, v, nil)
		if err != nil || last != k.last || len(parts) >= refillCount {
			return nil
		}
		found = true
		k.reset(last - journal.Position(len(parts)))
		for _, p := range parts {
			k.add(stored{data: data[p.offset : p.offset+p.length], time: p.time})
		}
		return nil
	}, key, int64(refillBytes))
	if err != nil || !found {
		return err
	}
	return c.exec(ctx, "DELETE FROM chunks WHERE key = ?", key)
}

// insertRow makes the row of a log in dashboards and gives it its key.
func (w *writer) insertRow(ctx context.Context, c *conn, t *tail, head int64) error {
	if w.nextKey > maxDashboards {
		return journal.ErrUnavailable
	}
	const insert = "INSERT INTO dashboards (key, id, head, trimmed, time, summary) VALUES (?, ?, ?, 0, ?, ?)"
	if err := c.exec(ctx, insert, w.nextKey, t.id, head, t.time, t.summary); err != nil {
		return err
	}
	t.key = w.nextKey
	w.nextKey++
	w.assigned = append(w.assigned, t)
	return nil
}

// spreadDoneLocked forgets what the committed transaction has spread; tails.mu is
// held.
func (w *writer) spreadDoneLocked() {
	b := &w.batch
	if !b.active {
		return
	}
	x := &w.j.tails
	finished := 0
	for _, d := range b.done {
		t := d.t
		if d.ends {
			finished++
		}
		bytes := size(t.records[:d.n])
		w.sinceWAL += 2 + bytes/4096
		x.bytes -= bytes
		t.records = t.records[d.n:]
		if len(t.records) == 0 {
			t.records, t.summary = nil, nil
			delete(x.byID, t.id)
		}
	}
	clear(b.logs[:finished])
	b.logs = b.logs[finished:]
	b.done = b.done[:0]
	if b.finished {
		b.active, b.finished = false, false
		if !w.keepCommits {
			w.spread = b.upTo
		}
	}
}

// spreadAll spreads everything, for closing.
func (w *writer) spreadAll() {
	if w.ready() != nil {
		return
	}
	w.batch.paused = false
	for {
		for w.spreading() {
			w.group(nil)
		}
		if w.batch.active {
			return // it failed; the file keeps the commits
		}
		w.startBatch()
		if !w.batch.active {
			return
		}
	}
}

// endLog closes the commit log, and removes it if all of it is in the tables.
func (w *writer) endLog() error {
	err := w.closeLog(context.Background())
	if w.log != nil {
		err = errors.Join(err, w.log.Close())
		w.log = nil
	}
	return err
}

package sqlitejournal

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/dashwire/dashwire/journal"
)

// batch is one round of spreading: all records held when it began go into
// entries, log by log so that neighbouring rows are written together, some in
// each transaction of the writer; then the commits that held them are deleted. A
// crash in between repeats or skips nothing: what dashboards.head counts is in
// entries, the rest is found in commits again.
type batch struct {
	active bool
	paused bool // the disk is full or a table failed: the next quiet moment tries again
	upTo   int64
	logs   []spreadLog

	// of the transaction being written
	done    []spreadPart
	deleted int64 // the first commit that is left
}

// spreadLog is a log of the batch: its records up to a position.
type spreadLog struct {
	t     *tail
	until journal.Position
}

// spreadPart is how many records of a log a transaction has spread.
type spreadPart struct {
	t *tail
	n int
}

// deleteCommits is how many rows of commits one transaction deletes.
const deleteCommits = 32

func (w *writer) spreading() bool {
	return w.batch.active && !w.batch.paused && w.j.handle != nil
}

// startBatch begins a round unless one is going on or nothing is there to spread.
func (w *writer) startBatch() {
	if w.batch.active || w.firstCommit == w.nextCommit || w.keepCommits && len(w.j.tails.byID) == 0 {
		return
	}
	b := batch{active: true, upTo: w.nextCommit - 1, logs: w.batch.logs[:0], done: w.batch.done[:0]}
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
func (b *batch) begin(firstCommit int64) {
	b.done, b.deleted = b.done[:0], firstCommit
}

// drop takes a log out of the batch.
func (b *batch) drop(t *tail) {
	b.logs = slices.DeleteFunc(b.logs, func(l spreadLog) bool { return l.t == t })
}

// spreadStep spreads some records within the open transaction. It returns the log
// at which it failed, if it was one log.
func (w *writer) spreadStep(ctx context.Context, c *conn) (*tail, error) {
	b := &w.batch
	budget := w.j.opts.tune.spreadRows
	for _, a := range w.accepted {
		budget += 2 * len(a.r.append.Records) // spreading keeps up with appending
	}
	for _, l := range b.logs {
		if budget <= 0 {
			return nil, nil
		}
		n := min(int(l.until+1-l.t.first()), budget)
		if err := w.spreadLog(ctx, c, l.t, n); err != nil {
			return l.t, err
		}
		b.done = append(b.done, spreadPart{l.t, n})
		budget -= n
	}
	if budget <= 0 {
		return nil, nil
	}
	next := min(w.firstCommit+deleteCommits, b.upTo+1)
	if !w.keepCommits {
		if err := c.exec(ctx, "DELETE FROM commits WHERE id < ?", next); err != nil {
			return nil, err
		}
	}
	b.deleted = next
	return nil, nil
}

// spreadLog moves the first n records held of a log into entries.
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
	for done := 0; done < n; {
		insert, rows := insertEntry, 1
		if n-done >= entriesAtOnce {
			insert, rows = insertEntries, entriesAtOnce
		}
		w.entries = w.entries[:0]
		for i, r := range t.records[done : done+rows] {
			w.entries = append(w.entries, entryKey(t.key, first+journal.Position(done+i)), r.time, int64(r.crc), r.data)
		}
		err := c.exec(ctx, insert, w.entries...)
		clear(w.entries)
		if err != nil {
			return err
		}
		done += rows
	}
	return nil
}

// entriesAtOnce is how many rows of entries one statement inserts, if there are as many.
const entriesAtOnce = 16

const insertEntry = "INSERT OR REPLACE INTO entries (key, time, crc, data) VALUES (?, ?, ?, ?)"

var insertEntries = insertEntry + strings.Repeat(", (?, ?, ?, ?)", entriesAtOnce-1)

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
		if w.firstUnspread(d) {
			finished++
		}
		x.bytes -= size(t.records[:d.n])
		t.records = t.records[d.n:]
		if len(t.records) == 0 {
			t.records, t.summary = nil, nil
			delete(x.byID, t.id)
		}
	}
	w.sinceWAL += len(b.done)
	clear(b.logs[:finished])
	b.logs = b.logs[finished:]
	b.done = b.done[:0]
	if b.deleted > w.firstCommit {
		w.firstCommit = b.deleted
	}
	if len(b.logs) == 0 && w.firstCommit > b.upTo {
		b.active = false
	}
}

// firstUnspread reports whether a part ends its log's share of the batch.
func (w *writer) firstUnspread(d spreadPart) bool {
	for _, l := range w.batch.logs {
		if l.t == d.t {
			return d.t.first()+journal.Position(d.n) > l.until
		}
	}
	return false
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

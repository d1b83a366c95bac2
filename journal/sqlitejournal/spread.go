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
}

// spreadLog is a log of the batch: its records up to a position.
type spreadLog struct {
	t     *tail
	until journal.Position
}

// spreadPart is what a job spreads of a log.
type spreadPart struct {
	t       *tail // for the writer
	id      string
	key     int64
	first   journal.Position // of records
	records []stored
	time    int64
	summary []byte
	ends    bool // the log's share of the batch
}

// part is the first n records held of a log, which has its row.
func (t *tail) part(n int) spreadPart {
	return spreadPart{t: t, id: t.id, key: t.key, first: t.first(), records: t.records[:n:n], time: t.time, summary: t.summary}
}

func (w *writer) spreading() bool {
	return w.batch.active && !w.batch.paused && w.j.handle != nil && w.log != nil
}

// startBatch begins a round unless one is going on or nothing is there to spread.
func (w *writer) startBatch() {
	if w.batch.active || w.spread == w.log.Last() {
		return
	}
	b := batch{active: true, upTo: w.log.Last(), logs: w.batch.logs[:0]}
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
	w.newRecords, w.newBytes = 0, 0
}

// drop takes a log out of the batch.
func (b *batch) drop(t *tail) {
	b.logs = slices.DeleteFunc(b.logs, func(l spreadLog) bool { return l.t == t })
}

// spreadStep has a job spread some records.
func (w *writer) spreadStep(job *job) {
	rows, bytes := w.j.opts.tune.spreadRows, spreadStepBytes
	rows += 2 * w.newRecords // spreading keeps up with appending
	bytes = min(bytes+2*w.newBytes, transactionBytes)
	w.newRecords, w.newBytes = 0, 0
	for _, l := range w.batch.logs {
		if rows <= 0 || bytes <= 0 {
			return
		}
		all := int(l.until + 1 - l.t.first())
		n := min(all, rows)
		for i, r := range l.t.records[:n] {
			if bytes -= len(r.data); bytes <= 0 {
				n = i + 1
				break
			}
		}
		if err := w.number(job, l.t); err != nil {
			w.j.log.Error("records cannot be spread into their tables", "error", err)
			w.batch.paused = true
			return
		}
		p := l.t.part(n)
		p.ends = n == all
		job.parts = append(job.parts, p)
		if !p.ends {
			return
		}
		rows -= n
	}
	job.finishes = true
}

// spreadStepBytes is how much one transaction spreads, roughly, beside twice what is
// appended, but no more than transactionBytes: SQLite holds all pages of a transaction until it commits.
const (
	spreadStepBytes  = 512 << 10
	transactionBytes = 1 << 20
)

// spreadPart moves records of a log into chunks.
func (x *tables) spreadPart(ctx context.Context, c *conn, p spreadPart) error {
	head := int64(p.first) + int64(len(p.records)) - 1
	const update = "UPDATE dashboards SET head = ?, time = ?, summary = ? WHERE key = ?"
	if err := c.exec(ctx, update, head, p.time, p.summary, p.key); err != nil {
		return err
	}
	k := &x.chunk
	k.reset(p.first - 1)
	if err := x.refill(ctx, c, p); err != nil {
		return err
	}
	for i, r := range p.records {
		k.add(r)
		if k.full() || i == len(p.records)-1 {
			if err := k.insert(ctx, c, p.id, p.key); err != nil {
				return err
			}
			k.reset(k.last)
		}
	}
	if cap(k.data) > 1<<20 {
		x.chunk = chunk{} // one large record is no reason to hold on to so much
	}
	return nil
}

// refill takes the last row of a log out of the table and into the chunk being written, if it
// is far from full. One that is damaged stays as it is.
func (x *tables) refill(ctx context.Context, c *conn, of spreadPart) error {
	k := &x.chunk
	if k.last == 0 {
		return nil
	}
	key := entryKey(of.key, k.last)
	found := false
	const sql = "SELECT key, crc, records, data FROM chunks WHERE key = ? AND length(data) < ?"
	err := c.query(ctx, sql, func(v []driver.Value) error {
		last, parts, data, err := readChunk(of.id, of.key, v, nil)
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

// insertRow makes the row of a log in dashboards.
func insertRow(ctx context.Context, c *conn, r newRow) error {
	const insert = "INSERT INTO dashboards (key, id, head, trimmed, time, summary) VALUES (?, ?, ?, ?, ?, ?)"
	return c.exec(ctx, insert, r.key, r.id, int64(r.after), int64(r.after), r.time, r.summary)
}

// spreadDone forgets what a job has spread.
func (w *writer) spreadDone(job *job) {
	b := &w.batch
	x := &w.j.tails
	x.mu.Lock()
	ended := 0
	for _, p := range job.parts {
		t := p.t
		if p.ends {
			ended++
		}
		x.bytes -= size(p.records)
		t.records = t.records[len(p.records):]
		if len(t.records) == 0 {
			t.records, t.summary = nil, nil
			delete(x.byID, t.id)
		}
	}
	x.mu.Unlock()
	clear(b.logs[:ended])
	b.logs = b.logs[ended:]
	if job.finishes {
		b.active = false
	}
	if job.spread > 0 {
		w.spread = job.spread
	}
}

// spreadAll spreads everything, for closing.
func (w *writer) spreadAll() {
	defer w.refuseOthers(unavailable(errClosed))
	for {
		_ = w.awaitTables() // what failed is logged, and waits in the commit log
		if w.ready() != nil {
			return
		}
		if w.startTables(w.j.opts.tune.releaseBytes) {
			continue
		}
		if w.batch.active {
			return // it failed; the commit log keeps the rest
		}
		if w.startBatch(); !w.batch.active {
			return
		}
	}
}

// endLog closes the commit log, and removes it if all of it is in the tables.
func (w *writer) endLog() error {
	err := errors.Join(w.closeLog(context.Background()), w.wal.close())
	if w.log != nil {
		err = errors.Join(err, w.log.Close())
		w.log = nil
	}
	return err
}

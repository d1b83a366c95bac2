package sqlitejournal

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// writer is the one goroutine that writes. Everything in it is its own.
type writer struct {
	j      *Journal
	recent recent

	nextKey     int64 // for the next row of dashboards
	nextCommit  int64 // for the next row of commits
	firstCommit int64 // the oldest row of commits there may be
	lastTime    int64
	keepCommits bool // a damaged log needs them: none is deleted

	// doubt are the logs whose last append met a failed commit, until the file has
	// been opened again and shows what became of it.
	doubt map[string]struct{}

	batch batch

	// of the group being written
	accepted []accepted
	others   []*request
	behind   []*request
	touched  []*tail
	assigned []*tail
	entries  []driver.Value // of the statement being run

	sinceWAL int  // pages written, roughly, since the WAL was last looked at
	outage   bool // the file could not be opened again, and that was logged
	gone     bool // the file was not in its place, and that was logged
}

// accepted is an append of the group that found the log at its position.
type accepted struct {
	r *request
	t *tail

	from, to int // its records in the group's stored records
	summary  []byte
}

// run works until the queue is closed and empty, and everything is spread.
func (w *writer) run() {
	pause := w.j.opts.tune.idle
	idle := time.NewTimer(pause)
	defer idle.Stop()
	var buf []*request
	for {
		if w.spreading() && w.j.tails.size() >= spreadSlack*w.j.opts.tune.spreadBytes {
			w.group(nil) // appends wait until memory is back in its bounds
			continue
		}
		group, ended := w.j.queue.take(buf)
		buf = group
		switch {
		case len(group) > 0:
			w.group(group)
			clear(group)
			idle.Reset(pause)
			continue
		case ended:
			w.spreadAll()
			return
		case w.spreading():
			w.group(nil)
			idle.Reset(pause)
			continue
		}
		select {
		case <-w.j.queue.wake:
			if w.j.broken.Load() && w.ready() != nil {
				idle.Reset(time.Second)
			}
		case <-idle.C:
			if w.ready() == nil {
				w.batch.paused = false
				w.startBatch()
			}
			if w.outage || w.batch.active {
				idle.Reset(time.Second)
			}
		}
	}
}

// group decides and commits what came together, and answers each.
func (w *writer) group(requests []*request) {
	if err := w.ready(); err != nil {
		w.refuse(requests, fmt.Errorf("the disk failed and the file could not be opened again: %w", err))
		return
	}
	if len(requests) > 0 {
		if err := w.placed(); err != nil {
			w.refuse(requests, err)
			return
		}
	}
	if len(requests) > 0 && w.overfull() {
		w.batch.paused = false // nothing is appended before spreading works again
	}
	w.decide(requests)
	defer w.endGroup()
	for {
		stored, row, failed := w.write()
		if failed == nil {
			w.publish(stored, row)
			return
		}
		if !w.recoverable(failed) {
			w.fail(failed)
			return
		}
	}
}

// overfull reports whether so much is unspread that nothing may be added.
func (w *writer) overfull() bool {
	return w.j.tails.size() >= 2*spreadSlack*w.j.opts.tune.spreadBytes
}

// decide sorts the group: what is appended, what else is written, and which
// appends are not at the head.
func (w *writer) decide(requests []*request) {
	for _, r := range requests {
		if !r.state.CompareAndSwap(queued, taken) {
			continue
		}
		if len(r.append.Records) == 0 {
			w.others = append(w.others, r)
			continue
		}
		t, err := w.lookup(r.append.DashboardID)
		switch {
		case err != nil:
			r.done <- readError("look up", r.append.DashboardID, err) // damage or the disk
		case t.problem != nil:
			r.done <- t.problem
		case t.next != r.append.After:
			w.behind = append(w.behind, r)
		default:
			t.next += journal.Position(len(r.append.Records))
			w.accepted = append(w.accepted, accepted{r: r, t: t})
			w.touch(t)
		}
	}
}

func (w *writer) touch(t *tail) {
	if !t.touched {
		t.touched = true
		w.touched = append(w.touched, t)
	}
}

// lookup finds the end of a log: in memory, or in the tables.
func (w *writer) lookup(id string) (*tail, error) {
	if t := w.recent.get(id); t != nil {
		return t, nil
	}
	t := w.j.tails.byID[id] // only this goroutine changes the map
	if t == nil {
		var err error
		if t, err = loadTail(context.Background(), w.j.handle.writer, id); err != nil {
			return nil, err
		}
	}
	w.recent.put(t)
	return t, nil
}

// write runs the transaction of the group once. Nothing in memory is changed yet
// but the keys in assigned.
func (w *writer) write() (records []stored, row *commitRow, failed *failedWrite) {
	ctx := context.Background()
	c := w.j.handle.writer
	spreading := w.spreading()
	w.batch.begin(w.firstCommit)
	if len(w.accepted) == 0 && len(w.others) == 0 && !spreading {
		return nil, nil, nil
	}
	fail := func(f failedWrite, err error) ([]stored, *commitRow, *failedWrite) {
		f.err, f.kind = err, classify(err)
		if f.kind != broken {
			_ = c.exec(ctx, "ROLLBACK") // SQLite may have done it by itself
		}
		for _, t := range w.assigned {
			t.key = 0
		}
		w.assigned = w.assigned[:0]
		return nil, nil, &f
	}
	if err := c.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fail(failedWrite{}, err)
	}
	if len(w.accepted) > 0 {
		row, records = w.buildRow()
		index, crc := row.index()
		const insert = "INSERT INTO commits (id, time, crc, records, data) VALUES (?, ?, ?, ?, ?)"
		if err := c.exec(ctx, insert, w.nextCommit, row.time, int64(crc), index, row.data); err != nil {
			return fail(failedWrite{}, err)
		}
	}
	for _, r := range w.others {
		var err error
		if r.snapshot != nil {
			err = w.writeSnapshot(ctx, c, r)
		} else {
			err = r.task(c)
		}
		if err != nil {
			return fail(failedWrite{request: r}, err)
		}
	}
	if spreading {
		if t, err := w.spreadStep(ctx, c); err != nil {
			return fail(failedWrite{tail: t, spread: true}, err)
		}
	}
	begin := time.Now()
	if err := c.exec(ctx, "COMMIT"); err != nil {
		return fail(failedWrite{atCommit: true}, err)
	}
	w.j.counters.committed(len(w.accepted), len(records), time.Since(begin))
	return records, row, nil
}

// buildRow lays the accepted appends out as one row of commits.
func (w *writer) buildRow() (*commitRow, []stored) {
	now := max(w.lastTime, w.j.opts.Now().UnixMilli())
	w.lastTime = now
	bytes, count := 0, 0
	for _, a := range w.accepted {
		bytes += a.r.size
		count += len(a.r.append.Records)
	}
	row := newCommitRow(now, count, bytes)
	records := make([]stored, 0, count)
	for i := range w.accepted {
		a := &w.accepted[i]
		a.from = len(records)
		records, a.summary = row.add(a.r.append, records)
		a.to = len(records)
	}
	return row, records
}

// publish shows a committed group to readers, answers it and tells followers.
func (w *writer) publish(records []stored, row *commitRow) {
	x := &w.j.tails
	x.mu.Lock()
	for _, a := range w.accepted {
		t := a.t
		mine := records[a.from:a.to]
		t.records = append(t.records, mine...)
		t.head += journal.Position(len(mine))
		t.time = row.time
		t.summary = a.summary
		x.byID[t.id] = t
		x.bytes += size(mine)
	}
	w.spreadDoneLocked()
	unspread := x.bytes
	x.mu.Unlock()
	if len(w.accepted) > 0 {
		w.nextCommit++
	}
	for _, a := range w.accepted {
		a.r.done <- nil
	}
	for _, r := range w.others {
		r.done <- nil
	}
	for _, r := range w.behind {
		r.done <- errNotAtHead
	}
	if w.j.feed.Active() {
		for _, a := range w.accepted {
			w.j.feed.Publish(journal.Delivery{DashboardID: a.t.id, After: a.r.append.After, Records: datas(records[a.from:a.to])})
		}
	}
	if unspread >= w.j.opts.tune.spreadBytes {
		w.startBatch()
	}
	if row != nil {
		w.sinceWAL += 2 + (len(row.data)+len(row.records))/4096
	}
	w.watchWAL()
}

func datas(records []stored) [][]byte {
	out := make([][]byte, len(records))
	for i, r := range records {
		out[i] = r.data
	}
	return out
}

// endGroup forgets the group.
func (w *writer) endGroup() {
	for _, t := range w.touched {
		t.touched = false
	}
	clear(w.accepted)
	clear(w.others)
	clear(w.behind)
	clear(w.touched)
	clear(w.assigned)
	w.accepted, w.others, w.behind = w.accepted[:0], w.others[:0], w.behind[:0]
	w.touched, w.assigned = w.touched[:0], w.assigned[:0]
}

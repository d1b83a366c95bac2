package sqlitejournal

import (
	"context"
	"errors"
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

	sinceWAL int  // pages written, roughly, since the WAL was last looked at
	outage   bool // the file could not be opened again, and that was logged
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

// ready sees to it that the file is open: after a failure it is closed, opened
// and recovered (A2).
func (w *writer) ready() error {
	if w.j.handle != nil && !w.j.broken.Load() {
		return nil
	}
	err := w.reopen()
	switch {
	case err == nil:
		w.outage = false
		w.j.log.Info("the journal's file was opened again and recovered", "path", w.j.path)
	case !w.outage:
		w.outage = true
		w.j.log.Error("the journal's file cannot be opened again; writing waits for the disk", "path", w.j.path, "error", err)
	}
	return err
}

// reopen closes whatever is open and makes sure that what the file holds is on
// the disk before anybody sees it.
func (w *writer) reopen() error {
	j := w.j
	j.handleMu.Lock()
	defer j.handleMu.Unlock()
	if j.handle != nil {
		if err := j.handle.close(); err != nil {
			j.log.Warn("closing the journal's file after a failure", "path", j.path, "error", err)
		}
		j.handle = nil
	}
	ctx := context.Background()
	h, err := openHandle(ctx, j.path)
	if err != nil {
		return err
	}
	if err := w.load(ctx, h.writer); err != nil {
		return errors.Join(err, h.close())
	}
	j.handle = h
	j.broken.Store(false)
	j.counters.reopened()
	w.doubt = nil
	return nil
}

// group decides and commits what came together, and answers each.
func (w *writer) group(requests []*request) {
	if err := w.ready(); err != nil {
		w.refuse(requests, err)
		return
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

// refuse answers requests that come while the file is not open.
func (w *writer) refuse(requests []*request, err error) {
	for _, r := range requests {
		if !r.state.CompareAndSwap(queued, taken) {
			continue
		}
		sentinel := journal.ErrUnavailable
		if _, ok := w.doubt[r.append.DashboardID]; ok && len(r.append.Records) > 0 {
			sentinel = journal.ErrUnknown // it may be the repeat of what is in doubt
		}
		r.done <- fmt.Errorf("%w: the disk failed and the file could not be opened again: %w", sentinel, err)
	}
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

// failedWrite says what of a group's transaction failed.
type failedWrite struct {
	err      error
	kind     failure
	atCommit bool     // the COMMIT itself: what it holds may be stored
	request  *request // the one of others that failed, or
	tail     *tail    // the log whose spreading failed, or
	spread   bool     // another part of the spreading
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

// recoverable takes out of the group what made the transaction fail, if the rest
// can be written without it.
func (w *writer) recoverable(f *failedWrite) bool {
	if f.kind == broken || f.atCommit && f.kind != full {
		return false
	}
	switch {
	case f.request != nil:
		f.request.done <- unavailable(f.err)
		for i, r := range w.others {
			if r == f.request {
				w.others = append(w.others[:i], w.others[i+1:]...)
				break
			}
		}
		return true
	case f.tail != nil && f.kind == damaged:
		w.j.log.Error("a dashboard's records cannot be stored in its table; restore it from a backup",
			"dashboard", f.tail.id, "error", f.err)
		w.damage(f.tail, fmt.Errorf("%w: %w", journal.ErrCorrupt, f.err))
		return true
	case w.overfull():
		w.batch.paused = true
		return false // memory would grow without bound
	case f.spread, f.kind == full && w.spreading():
		if f.kind != full {
			w.j.log.Error("records cannot be spread into their tables", "error", f.err)
		}
		w.batch.paused = true // the appends may still fit
		return true
	}
	return false
}

// damage closes one log; what is held of it stays.
func (w *writer) damage(t *tail, err error) {
	t.problem = err
	w.keepCommits = true
	x := &w.j.tails
	x.mu.Lock()
	t.damage = err
	x.byID[t.id] = t
	x.mu.Unlock()
	w.batch.drop(t)
}

// fail answers a group whose transaction failed for good.
func (w *writer) fail(f *failedWrite) {
	sentinel := journal.ErrUnavailable
	if f.atCommit && f.kind != full {
		// The commit may or may not be on the disk. Nobody is told anything of it before
		// the file has been opened again.
		sentinel = journal.ErrUnknown
		if w.doubt == nil {
			w.doubt = make(map[string]struct{})
		}
		for _, a := range w.accepted {
			w.doubt[a.t.id] = struct{}{}
		}
	}
	for _, t := range w.touched {
		t.next = t.head
	}
	if f.kind != full && f.kind != busy {
		w.j.broken.Store(true)
		w.j.log.Error("writing the journal failed; its file is closed and opened again", "path", w.j.path, "error", f.err)
		_ = w.ready() // logged there; the next group tries again
	} else {
		w.j.counters.refused()
		if f.kind == full {
			w.requestCheckpoint() // an emptied WAL is room, too
		}
	}
	answer := unavailable(f.err)
	for _, r := range w.others {
		r.done <- answer
	}
	for _, r := range w.behind {
		r.done <- answer // what it was compared with has just failed
	}
	if sentinel != journal.ErrUnavailable {
		answer = fmt.Errorf("%w: %w", sentinel, writeError(f.err))
	}
	for _, a := range w.accepted {
		a.r.done <- answer
	}
}

// unavailable is the answer to what was not written because of err.
func unavailable(err error) error {
	if classify(err) == ours {
		return err
	}
	return fmt.Errorf("%w: %w", journal.ErrUnavailable, writeError(err))
}

// writeError says what the operator can do about a failed write.
func writeError(err error) error {
	switch classify(err) {
	case full:
		return fmt.Errorf("the disk is full: free some space, writing goes on by itself: %w", err)
	case busy:
		return fmt.Errorf("another program keeps the file locked: end it: %w", err)
	case damaged:
		return fmt.Errorf("the file is damaged: restore the newest backup: %w", err)
	case broken:
		return fmt.Errorf("the disk failed: %w", err)
	}
	return err
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

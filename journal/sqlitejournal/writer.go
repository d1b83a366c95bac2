package sqlitejournal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dashwire/dashwire/internal/commitlog"
	"github.com/dashwire/dashwire/journal"
)

// writer is the one goroutine that commits, and decides what the tables get. Everything in it
// is its own.
type writer struct {
	j       *Journal
	recent  recent
	tables  *tables
	working bool // the tables are at work

	wal         walSync
	log         *commitlog.Log // nil while it is not open
	logFailed   bool           // writing to it failed: it is opened again, while the tables are read on
	spread      uint64         // the last commit that is all in chunks
	newest      uint64         // where the log's newest segment begins, as the file says
	unnoted     bool           // that could not be written, and was logged
	released    uint64         // the value of spread at which space was last given free
	nextKey     int64          // for the next row of dashboards
	lastTime    int64
	keepCommits bool // a damaged log needs them: none is released

	// doubt are the logs whose last append met a failed commit, until the file has
	// been opened again and shows what became of it.
	doubt map[string]struct{}

	batch  batch
	others []*request // what waits for the tables

	// what was committed since the batch, or its last step, began
	newRecords, newBytes int

	// of the group being written
	accepted []accepted
	records  []stored // of accepted
	frame    commit
	behind   []*request
	touched  []*tail

	closed error
	outage bool // the file could not be opened again, and that was logged
	gone   bool // the file was not in its place, and that was logged
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
	defer close(w.tables.jobs)
	pause := w.j.opts.tune.idle
	idle := time.NewTimer(pause)
	defer idle.Stop()
	var buf []*request
	for {
		if w.j.broken.Load() && w.j.handle != nil {
			_ = w.ready() // logged there; the next group tries again
		}
		w.startTables(w.j.opts.tune.releaseBytes)
		if w.spreading() && w.j.tails.size() >= spreadSlack*w.j.opts.tune.spreadBytes {
			_ = w.awaitTables() // appends wait until memory is back in its bounds
			continue
		}
		group, ended := w.j.queue.take(buf)
		buf = group
		switch {
		case len(group) > 0:
			w.group(group)
			clear(group)
			idle.Reset(pause)
			select {
			case job := <-w.tables.done:
				_ = w.finished(job)
			default:
			}
			continue
		case ended:
			w.spreadAll()
			w.closed = w.endLog()
			return
		}
		select {
		case job := <-w.tables.done:
			_ = w.finished(job)
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

// group decides and commits what came together, and answers each append.
func (w *writer) group(requests []*request) {
	if err := w.ready(); err != nil {
		w.refuse(requests, fmt.Errorf("the disk failed and the file could not be opened again: %w", err))
		return
	}
	if err := w.placed(); err != nil {
		w.refuse(requests, err)
		return
	}
	if w.overfull() {
		if err := w.makeRoom(); err != nil { // memory would grow without bound
			requests = w.refuseAppends(requests, writeError(err))
		}
	}
	w.decide(requests)
	defer w.endGroup()
	if err := w.commit(); err != nil {
		w.fail(err)
	}
}

// makeRoom spreads what is held and gives the commit log free.
func (w *writer) makeRoom() error {
	log := w.log
	_ = w.awaitTables() // if it found no room, there may be some by now
	w.batch.paused = false
	w.startBatch()
	for w.startTables(1) {
		if err := w.awaitTables(); err != nil {
			return err
		}
		w.startBatch()
	}
	if w.log != log || w.j.broken.Load() {
		return fmt.Errorf("%w: the files are opened again", journal.ErrUnavailable)
	}
	return nil
}

// overfull reports whether so much is unspread that nothing may be added.
func (w *writer) overfull() bool {
	return w.j.tails.size() >= 2*spreadSlack*w.j.opts.tune.spreadBytes
}

// decide sorts the group: what is appended, what else is written, and which
// appends are not at the head.
func (w *writer) decide(requests []*request) {
	var failed error // what is wrong with the tables since a log was to begin in them
	for _, r := range requests {
		if !r.state.CompareAndSwap(queued, taken) {
			continue
		}
		if failed != nil {
			r.done <- failed
			continue
		}
		if len(r.append.Records) == 0 {
			w.others = append(w.others, r)
			continue
		}
		t, err := w.lookup(r.append.DashboardID)
		if err == nil && r.append.Begins && t.next == 0 && t.key == 0 && r.append.After > 0 {
			if failed = w.begin(t, r.append); failed != nil {
				r.done <- failed
				continue
			}
		}
		switch {
		case err != nil:
			r.answer(readError("look up", r.append.DashboardID, err)) // damage or the disk
		case t.problem != nil:
			r.answer(t.problem)
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
		if t, err = loadTail(context.Background(), w.j.handle.finder, id); err != nil {
			return nil, err
		}
	}
	w.recent.put(t)
	return t, nil
}

// commit writes the accepted appends to the commit log, shows them to readers and answers
// them. Nothing in memory is changed by one that fails.
func (w *writer) commit() error {
	if len(w.accepted) > 0 {
		begin := time.Now()
		at, frame := w.buildCommit()
		_, err := w.log.Append(frame)
		if errors.Is(err, commitlog.ErrFull) && w.makeRoom() == nil {
			_, err = w.log.Append(frame) // into space that was given free
		}
		if err != nil {
			w.logFailed = !errors.Is(err, commitlog.ErrFull)
			return err
		}
		if err := w.noteNewest(context.Background()); err != nil {
			return err
		}
		if n := w.j.counters.committed(len(w.accepted), len(w.records), time.Since(begin)); n > 0 {
			w.j.log.Info("the journal writes again", "path", w.j.path, "refused", n)
		}
		w.j.logBytes.Store(w.log.Bytes())
		w.newRecords += len(w.records)
		w.newBytes += len(frame)
		w.publish(at)
	}
	for _, r := range w.behind {
		r.answer(errNotAtHead)
	}
	return nil
}

// buildCommit lays the accepted appends out as one commit.
func (w *writer) buildCommit() (at int64, frame []byte) {
	w.lastTime = max(w.lastTime, w.j.opts.Now().UnixMilli())
	bytes, count, ids := 0, 0, 0
	for _, a := range w.accepted {
		bytes += a.r.size
		count += len(a.r.append.Records)
		ids += len(a.r.append.DashboardID)
	}
	c := &w.frame
	c.begin(w.lastTime, len(w.accepted), count, ids, bytes)
	for i := range w.accepted {
		a := &w.accepted[i]
		a.from = len(w.records)
		w.records, a.summary = c.add(a.r.append, w.records)
		a.to = len(w.records)
	}
	return c.time, c.finish()
}

// publish shows what was committed to readers, answers it and tells followers.
func (w *writer) publish(at int64) {
	x := &w.j.tails
	x.mu.Lock()
	for _, a := range w.accepted {
		t := a.t
		mine := w.records[a.from:a.to]
		t.records = append(t.records, mine...)
		t.head += journal.Position(len(mine))
		t.time = at
		t.summary = a.summary
		x.byID[t.id] = t
		x.bytes += size(mine)
	}
	unspread := x.bytes
	x.mu.Unlock()
	for _, a := range w.accepted {
		a.r.answer(nil)
	}
	if w.j.feed.Active() {
		for _, a := range w.accepted {
			w.j.feed.Publish(journal.Delivery{DashboardID: a.t.id, After: a.r.append.After, Records: datas(w.records[a.from:a.to])})
		}
	}
	if unspread >= w.j.opts.tune.spreadBytes {
		w.startBatch()
	}
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
	clear(w.behind)
	clear(w.touched)
	clear(w.records)
	w.accepted, w.behind, w.touched, w.records = w.accepted[:0], w.behind[:0], w.touched[:0], w.records[:0]
}

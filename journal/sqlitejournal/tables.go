package sqlitejournal

import (
	"context"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/dashwire/dashwire/journal"
)

// tables writes into SQLite, in a goroutine of its own, so that appends wait for nothing that
// SQLite waits for. Everything in it is its own.
type tables struct {
	j    *Journal
	jobs chan *job // one slot; closed at the end
	done chan *job // one slot

	chunk    chunk // being written
	sinceWAL int   // pages written, roughly, since the WAL was last looked at
	full     bool  // the disk was, for the last job
	wal      walSync
	pace     pace

	awaited atomic.Bool // set by who commits while it waits for the job: appends wait, too
}

// job is one transaction, and what follows on it. The writer makes it, one at a time, and owns
// it again once it is done; meanwhile nobody changes what it holds.
type job struct {
	c        *conn
	at       int64 // when it is
	rows     []newRow
	requests []*request
	parts    []spreadPart
	finishes bool   // nothing of the batch is left after it
	spread   uint64 // the last commit that is all in chunks after it; 0: what it was
	release  bool   // space of the commit log is given free afterwards

	failed   *failedWrite // what went wrong with the transaction
	unsynced error        // and with putting it on the disk
}

// newRow is the first row of a log in dashboards. It says nothing of records yet, but for
// after, what the log begins after.
type newRow struct {
	t       *tail // for the writer
	key     int64
	id      string
	time    int64
	summary []byte
	after   journal.Position
}

func newTables(j *Journal) *tables {
	return &tables{j: j, jobs: make(chan *job, 1), done: make(chan *job, 1)}
}

// run does jobs until there are no more.
func (x *tables) run() {
	for job := range x.jobs {
		if x.full {
			x.emptyWAL(job.c) // that makes room, and takes what there is now before the job does
		}
		job.failed = x.write(job)
		x.full = job.failed != nil && job.failed.kind == full
		if job.failed == nil && (len(job.parts) > 0 || job.release) {
			// In small pieces: who commits syncs the same file when a segment begins.
			job.unsynced = x.wal.sync(x.j.path)
		}
		if f := job.failed; job.unsynced == nil && (f == nil || f.kind != broken) {
			x.watchWAL(job.c)
		}
		x.done <- job
	}
	if err := x.wal.close(); err != nil {
		x.j.log.Warn("closing the journal", "path", x.j.path, "error", err)
	}
}

// write runs the transaction once.
func (x *tables) write(job *job) *failedWrite {
	ctx := context.Background()
	c := job.c
	if len(job.requests) == 0 && len(job.parts) == 0 && job.spread == 0 {
		return nil
	}
	fail := func(f failedWrite, err error) *failedWrite {
		f.err, f.kind = err, classify(err)
		if f.kind != broken {
			_ = c.exec(ctx, "ROLLBACK") // SQLite may have done it by itself
		}
		return &f
	}
	if err := c.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fail(failedWrite{}, err)
	}
	for _, r := range job.rows {
		if err := insertRow(ctx, c, r); err != nil {
			return fail(failedWrite{spread: true}, err)
		}
	}
	for _, r := range job.requests {
		var err error
		if r.snapshot != nil {
			err = writeSnapshot(ctx, c, r, job.at)
			x.sinceWAL += len(r.snapshot.Data) / pageBytes
		} else {
			err = r.task(c)
		}
		if err != nil {
			return fail(failedWrite{request: r}, err)
		}
	}
	for _, p := range job.parts {
		if !x.awaited.Load() {
			x.pace.step()
		}
		if err := x.spreadPart(ctx, c, p); err != nil {
			return fail(failedWrite{tail: p.t, spread: true}, err)
		}
		x.sinceWAL += 2 + size(p.records)/pageBytes
	}
	if job.spread > 0 {
		if err := writeMeta(ctx, c, "spread", strconv.FormatUint(job.spread, 10)); err != nil {
			return fail(failedWrite{spread: true}, err)
		}
	}
	if err := c.exec(ctx, "COMMIT"); err != nil {
		return fail(failedWrite{atCommit: true}, err)
	}
	return nil
}

// startTables hands the tables what waits for them, unless they are at work. If at least so
// many bytes of the commit log can be given free afterwards, they are. It reports whether
// there was anything to do.
func (w *writer) startTables(releaseAt int) bool {
	if w.working || w.j.handle == nil || w.log == nil || w.j.broken.Load() {
		return false
	}
	job := w.newJob(releaseAt)
	if len(job.requests) == 0 && len(job.parts) == 0 && !job.finishes && !job.release {
		return false
	}
	w.working = true
	w.tables.jobs <- job
	return true
}

// newJob makes a job of the requests that wait and a step of the spreading.
func (w *writer) newJob(releaseAt int) *job {
	job := &job{c: w.j.handle.writer, at: max(w.lastTime, w.j.opts.Now().UnixMilli())}
	taken, bytes := 0, 0
	for taken < len(w.others) && bytes < transactionBytes {
		r := w.others[taken]
		taken++
		if err := w.prepare(job, r); err != nil {
			r.answer(err)
			continue
		}
		bytes += r.size
		job.requests = append(job.requests, r)
	}
	w.others = slices.Delete(w.others, 0, taken)
	upTo := w.spread
	if w.spreading() {
		w.spreadStep(job)
		if job.finishes && !w.keepCommits {
			job.spread = w.batch.upTo
			upTo = job.spread
		}
	}
	job.release = !w.keepCommits && upTo > w.released && w.log.Releasable(upTo) >= int64(releaseAt)
	return job
}

// prepare checks a request for the tables and finds the row that it is about.
func (w *writer) prepare(job *job, r *request) error {
	if r.snapshot == nil {
		return nil
	}
	t, err := w.lookup(r.append.DashboardID)
	switch {
	case err != nil:
		return readError("look up", r.append.DashboardID, err)
	case t.problem != nil:
		return t.problem
	case r.snapshot.Position > t.head || t.head == 0:
		return errBeyond(t.head)
	}
	if err := w.number(job, t); err != nil {
		return err
	}
	r.key = t.key
	return nil
}

// number sees to it that a log has a row in dashboards after the job.
func (w *writer) number(job *job, t *tail) error {
	if t.key != 0 {
		return nil
	}
	if w.nextKey > maxDashboards {
		return errTooMany
	}
	t.key = w.nextKey
	w.nextKey++
	job.rows = append(job.rows, newRow{t: t, key: t.key, id: t.id, time: t.time, summary: t.summary})
	return nil
}

// awaitTables waits until the tables are done with what they were handed. It returns what went
// wrong.
func (w *writer) awaitTables() error {
	if !w.working {
		return nil
	}
	w.tables.awaited.Store(true)
	defer w.tables.awaited.Store(false)
	return w.finished(<-w.tables.done)
}

// finished forgets what a job has spread, answers its requests and gives the commit log free.
// What is left of a job that failed is for the next, or refused. It returns what went wrong
// with more than one request.
func (w *writer) finished(job *job) error {
	w.working = false
	if f := job.failed; f != nil {
		for _, r := range job.rows {
			r.t.key = 0
		}
		w.others = append(job.requests, w.others...)
		if !w.recoverable(f) {
			w.failTables(f)
		}
		if f.request != nil {
			return nil
		}
		return f.err
	}
	if len(job.parts) > 0 || job.finishes {
		w.spreadDone(job)
	}
	for _, r := range job.requests {
		r.answer(nil)
	}
	err := job.unsynced
	if err == nil && job.release {
		w.released = w.spread
		err = w.log.Release(w.spread)
		w.j.logBytes.Store(w.log.Bytes())
	}
	if err != nil {
		w.broke(writeFailed, err)
	}
	return err
}

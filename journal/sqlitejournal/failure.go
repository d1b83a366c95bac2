package sqlitejournal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// failedWrite says what of a transaction of the tables failed.
type failedWrite struct {
	err      error
	kind     failure
	atCommit bool     // the COMMIT itself: what it holds may be stored
	request  *request // the one of others that failed, or
	tail     *tail    // the log whose spreading failed, or
	spread   bool     // another part of the spreading
}

// recoverable takes out of the group what made the transaction fail, if the rest
// can be written without it. Its appends are in the commit log by then.
func (w *writer) recoverable(f *failedWrite) bool {
	if f.kind == broken || f.atCommit && f.kind != full {
		return false
	}
	switch {
	case f.request != nil:
		f.request.answer(unavailable(f.err))
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
	case f.spread, f.kind == full && w.spreading():
		if f.kind != full {
			w.j.log.Error("records cannot be spread into their tables", "error", f.err)
		} else {
			w.noRoom(f.err)
		}
		w.batch.paused = true // the commit log may still have room for appends
		return true
	}
	return false
}

// noRoom notes that the disk is full, or the file locked by another program.
func (w *writer) noRoom(err error) {
	if w.j.counters.refused(time.Now()) {
		w.j.log.Error("the journal cannot write; what is there can be read", "path", w.j.path, "error", writeError(err))
	}
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

// fail answers a group whose commit failed.
func (w *writer) fail(err error) {
	sentinel := journal.ErrUnavailable
	for _, t := range w.touched {
		t.next = t.head
	}
	if classify(err) == full {
		w.noRoom(err) // nothing was written
	} else {
		// The commit may or may not be on the disk. Nobody is told anything of it before
		// the file has been opened again.
		sentinel = journal.ErrUnknown
		if w.doubt == nil {
			w.doubt = make(map[string]struct{})
		}
		for _, a := range w.accepted {
			w.doubt[a.t.id] = struct{}{}
		}
		if w.logFailed {
			w.j.log.Error(writeFailed, "path", w.j.path, "error", err)
		} else {
			w.broke(writeFailed, err)
		}
		_ = w.ready() // logged there; the next group tries again
	}
	answer := unavailable(err)
	for _, r := range w.behind { // what it was compared with has just failed
		r.answer(answer)
	}
	if sentinel != journal.ErrUnavailable {
		answer = fmt.Errorf("%w: %w", sentinel, writeError(err))
	}
	for _, a := range w.accepted {
		a.r.answer(answer)
	}
}

// failTables answers what waits for the tables, whose transaction failed for good. Appends are
// not concerned: what was to be spread is in the commit log.
func (w *writer) failTables(f *failedWrite) {
	if f.kind == full || f.kind == busy {
		w.noRoom(f.err)
	} else {
		w.broke(writeFailed, f.err)
	}
	w.refuseOthers(unavailable(f.err))
}

// refuseOthers answers what waits for the tables.
func (w *writer) refuseOthers(err error) {
	for _, r := range w.others {
		r.answer(err)
	}
	clear(w.others)
	w.others = w.others[:0]
}

const writeFailed = "writing the journal failed; its files are closed and opened again"

// broke notes that all files, not the commit log alone, are to be closed and opened again.
func (w *writer) broke(what string, err error) {
	w.j.broken.Store(true)
	w.j.log.Error(what, "path", w.j.path, "error", err)
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
		if errors.Is(err, syscall.ENOSPC) {
			return fmt.Errorf("the disk has no room even for what is in place: free some space, writing goes on by itself: %w", err)
		}
		return fmt.Errorf("the disk failed: %w", err)
	}
	return err
}

// refuse answers requests that come while nothing can be written.
func (w *writer) refuse(requests []*request, err error) {
	for _, r := range requests {
		if !r.state.CompareAndSwap(queued, taken) {
			continue
		}
		sentinel := journal.ErrUnavailable
		if _, ok := w.doubt[r.append.DashboardID]; ok && len(r.append.Records) > 0 {
			sentinel = journal.ErrUnknown // it may be the repeat of what is in doubt
		}
		r.answer(fmt.Errorf("%w: %w", sentinel, err))
	}
}

// refuseAppends refuses the appends among requests and returns the rest.
func (w *writer) refuseAppends(requests []*request, err error) (rest []*request) {
	appends := make([]*request, 0, len(requests))
	for _, r := range requests {
		if len(r.append.Records) > 0 {
			appends = append(appends, r)
		} else {
			rest = append(rest, r)
		}
	}
	w.refuse(appends, err)
	return rest
}

// ready sees to it that the file is open: after a failure it is closed, opened
// and recovered (A2).
func (w *writer) ready() error {
	if w.j.handle != nil && !w.j.broken.Load() && !w.logFailed {
		return nil
	}
	_ = w.awaitTables() // whatever became of it, the file is read again
	err := w.reopen()
	if err != nil {
		w.refuseOthers(unavailable(err))
	}
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

// inPlace reports whether the path still leads to the file that is open. What is
// written to one that was removed is gone with the process, though every write and
// fsync succeeds (A2).
func (j *Journal) inPlace() error {
	now, err := os.Stat(j.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, j.file) {
		return fmt.Errorf("the file %s was removed or replaced while it is open: %s", j.path, gone)
	}
	return nil // what else may be wrong shows when writing
}

// gone is what to do about a file that is not in its place.
const gone = "put the same file back; if it is gone, export what is needed from the running server before stopping it"

// placed tells the log when the file goes, and when it is back.
func (w *writer) placed() error {
	err := w.j.inPlace()
	if err == nil {
		if err = w.log.InPlace(); err != nil {
			err = fmt.Errorf("%w: %s", err, gone)
		}
	}
	switch {
	case err != nil && !w.gone:
		w.j.log.Error("nothing can be written", "error", err)
	case err == nil && w.gone:
		w.j.log.Info("the journal's file is back", "path", w.j.path)
	}
	w.gone = err != nil
	return err
}

// reopen closes what has failed and makes sure that what it holds is on the disk before
// anybody sees it. Where the commit log alone has failed, what was told is read from the tables
// and from memory meanwhile (A2).
func (w *writer) reopen() error {
	j := w.j
	ctx := context.Background()
	if j.handle != nil && !j.broken.Load() {
		w.dropLog()
		if err := j.inPlace(); err != nil {
			return err
		}
		if err := w.load(ctx, j.handle.writer, true); err != nil {
			w.dropLog()
			return err
		}
		w.reopened()
		return nil
	}
	j.handleMu.Lock()
	defer j.handleMu.Unlock()
	if j.handle != nil {
		if err := j.handle.close(); err != nil {
			j.log.Warn("closing the journal's file after a failure", "path", j.path, "error", err)
		}
		j.handle = nil
	}
	w.dropLog()
	if err := j.inPlace(); err != nil {
		return err // opening would make another file
	}
	h, err := openHandle(ctx, j.path, j.opts.CacheBytes)
	if err != nil {
		return err
	}
	if err := w.load(ctx, h.writer, true); err != nil {
		return errors.Join(err, h.close())
	}
	j.handle = h
	j.broken.Store(false)
	w.reopened()
	return nil
}

// reopened notes that everything is open again.
func (w *writer) reopened() {
	w.j.counters.reopened()
	w.logFailed = false
	w.doubt = nil
}

// dropLog closes the commit log after a failure.
func (w *writer) dropLog() {
	if w.log == nil {
		return
	}
	if err := w.log.Close(); err != nil {
		w.j.log.Warn("closing the commit log after a failure", "path", w.j.path, "error", err)
	}
	w.log = nil
}

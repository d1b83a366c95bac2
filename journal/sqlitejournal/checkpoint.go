package sqlitejournal

import (
	"context"
	"database/sql/driver"
)

// The WAL is kept short by two hands. The checkpointer copies its pages into the
// file on a connection of its own, beside the writer. What was written meanwhile
// the writer copies itself, which is little; only then does SQLite begin the WAL
// from its start again.

// checkpointLoop serves j.checkpoint until it is closed.
func (j *Journal) checkpointLoop() {
	for range j.checkpoint {
		j.handleMu.RLock()
		if j.handle != nil && !j.broken.Load() {
			_, err := checkpoint(j.handle.checker, "PASSIVE")
			j.checkpointed(err)
			j.finishWAL.Store(err == nil)
		}
		j.handleMu.RUnlock()
		j.checkpointing.Store(false)
	}
}

// checkpointed notes how a checkpoint ended. One that failed for want of space or
// because of a reader is simply tried again later.
func (j *Journal) checkpointed(err error) {
	switch classify(err) {
	case noFailure:
		j.counters.checkpointed()
	case broken, damaged:
		j.log.Error("the write-ahead log could not be copied into the file; it is closed and opened again",
			"path", j.path, "error", err)
		j.broken.Store(true)
		j.wakeWriter()
	}
}

// checkpoint runs one and returns how many pages of the WAL are still to be copied.
func checkpoint(c *conn, mode string) (left int64, err error) {
	err = c.query(context.Background(), "PRAGMA wal_checkpoint("+mode+")", func(v []driver.Value) error {
		pages, _ := v[1].(int64)
		copied, _ := v[2].(int64)
		left = pages - copied
		return nil
	})
	return left, err
}

// watchWAL has the WAL checkpointed when it has grown.
func (w *writer) watchWAL() {
	j := w.j
	if j.checkpointing.Load() {
		return
	}
	if j.finishWAL.Swap(false) {
		_, err := checkpoint(j.handle.writer, "PASSIVE")
		j.checkpointed(err)
		w.sinceWAL = 0
		return
	}
	if w.sinceWAL < j.opts.tune.walPages/4 {
		return
	}
	w.sinceWAL = 0
	if left, err := checkpoint(j.handle.writer, "NOOP"); err == nil && left >= int64(j.opts.tune.walPages) {
		w.requestCheckpoint()
	}
}

func (w *writer) requestCheckpoint() {
	if w.j.checkpointing.CompareAndSwap(false, true) {
		w.j.checkpoint <- struct{}{} // one slot, free while nobody is checkpointing
	}
}

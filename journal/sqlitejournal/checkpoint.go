package sqlitejournal

import (
	"context"
	"database/sql/driver"
)

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

// watchWAL copies the WAL into the file when it has grown. Nobody writes to it meanwhile, so SQLite
// begins it from its start again, unless somebody reads what is in it.
func (x *tables) watchWAL(c *conn) {
	if x.sinceWAL < x.j.opts.tune.walPages/4 {
		return
	}
	x.sinceWAL = 0
	if left, err := checkpoint(c, "NOOP"); err == nil && left >= int64(x.j.opts.tune.walPages) {
		x.emptyWAL(c)
	}
}

func (x *tables) emptyWAL(c *conn) {
	_, err := checkpoint(c, "PASSIVE")
	x.j.checkpointed(err)
}

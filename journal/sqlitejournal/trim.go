package sqlitejournal

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// trimRows is how many records one transaction deletes.
const trimRows = 500

// trimLoop lets go of old records now and then, until the journal is closed.
func (j *Journal) trimLoop() {
	ticker := time.NewTicker(j.opts.tune.trimInterval)
	defer ticker.Stop()
	for {
		if err := j.trimAll(j.life); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, errClosed) {
			j.log.Warn("old records could not be trimmed; it is tried again later", "path", j.path, "error", err)
		}
		select {
		case <-ticker.C:
		case <-j.life.Done():
			return
		}
	}
}

// trimAll goes through all logs once.
func (j *Journal) trimAll(ctx context.Context) error {
	for info, err := range journal.All(ctx, j) {
		if err != nil {
			return err
		}
		if info.Head <= journal.Position(j.opts.tune.keepAlways) {
			continue
		}
		if err := j.trim(ctx, info); err != nil && !errors.Is(err, journal.ErrCorrupt) {
			return err
		}
	}
	return nil
}

// trim deletes the records of one log that Options let go, up to a snapshot that
// stays.
func (j *Journal) trim(ctx context.Context, info journal.Info) error {
	id := info.DashboardID
	var r row
	bound := journal.Position(0)
	err := j.read(ctx, func(c *conn) (err error) {
		if r, err = readRow(ctx, c, id); err != nil || r.key == 0 {
			return err
		}
		if keep := journal.Position(max(j.opts.KeepEntries, j.opts.tune.keepAlways)); j.opts.KeepEntries > 0 && info.Head > keep {
			bound = info.Head - keep
		}
		if j.opts.KeepAge > 0 {
			old, err := newestBefore(ctx, c, id, r, j.opts.Now().Add(-j.opts.KeepAge).UnixMilli())
			if err != nil {
				return err
			}
			bound = max(bound, old)
		}
		return nil
	})
	if err != nil {
		return readError("trim", id, err)
	}
	bound = min(bound, info.Head-journal.Position(j.opts.tune.keepAlways), r.head)
	s, err := j.Snapshot(ctx, id, bound)
	if err != nil {
		return err
	}
	if s.Position > r.trimmed {
		err := j.task(ctx, func(c *conn) error {
			const update = "UPDATE dashboards SET trimmed = ? WHERE key = ?"
			if err := c.exec(ctx, update, int64(s.Position), r.key); err != nil {
				return err
			}
			const remove = "DELETE FROM snapshots WHERE dashboard = ? AND position < ?"
			return c.exec(ctx, remove, r.key, int64(s.Position))
		})
		if err != nil {
			return err
		}
		r.trimmed = s.Position
	}
	return j.deleteTrimmed(ctx, r)
}

// deleteTrimmed deletes the chunks up to r.trimmed that are still there: those
// just trimmed, and those a crash has left. Of one that reaches beyond nothing goes.
func (j *Journal) deleteTrimmed(ctx context.Context, r row) error {
	end := entryKey(r.key, r.trimmed)
	for {
		first := int64(0)
		err := j.read(ctx, func(c *conn) error {
			const sql = "SELECT key FROM chunks WHERE key > ? AND key <= ? ORDER BY key LIMIT 1"
			return c.query(ctx, sql, func(v []driver.Value) error {
				first, _ = v[0].(int64)
				return nil
			}, entryKey(r.key, 0), end)
		})
		if err != nil || first == 0 {
			return err
		}
		err = j.task(ctx, func(c *conn) error {
			return c.exec(ctx, "DELETE FROM chunks WHERE key >= ? AND key <= ?", first, min(first+trimRows-1, end))
		})
		if err != nil {
			return err
		}
	}
}

// task has the writer run fn in a transaction of its own making.
func (j *Journal) task(ctx context.Context, fn func(c *conn) error) error {
	r := newRequest()
	r.task = fn
	return j.do(ctx, r)
}

// newestBefore finds the last record in chunks stored at or before a time; times do not go
// back within a log, or hardly.
func newestBefore(ctx context.Context, c *conn, id string, r row, at int64) (journal.Position, error) {
	low, high := r.trimmed, r.head // the answer is in low…high
	for low < high {
		middle := low + (high-low+1)/2
		found := false
		const sql = "SELECT key, crc, records, data FROM chunks WHERE key >= ? AND key <= ? ORDER BY key LIMIT 1"
		err := c.query(ctx, sql, func(v []driver.Value) error {
			last, parts, _, err := readChunk(id, r.key, v, nil)
			first := last - journal.Position(len(parts)) + 1
			if err != nil || first > middle {
				return errors.Join(err, journal.ErrCorrupt)
			}
			found = true
			old := 0 // how many of the chunk are
			for old < len(parts) && parts[old].time <= at {
				old++
			}
			if old > 0 {
				low = max(low, first+journal.Position(old)-1)
			}
			if old < len(parts) {
				high = min(high, first+journal.Position(old)-1)
			}
			return nil
		}, entryKey(r.key, middle), entryKey(r.key, maxPosition))
		if err != nil {
			return 0, err
		}
		if !found {
			return 0, journal.ErrCorrupt
		}
	}
	return min(low, high), nil
}

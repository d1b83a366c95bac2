package sqlitejournal

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	"github.com/dashwire/dashwire/journal"
)

// SaveSnapshot implements journal.Journal.
func (j *Journal) SaveSnapshot(ctx context.Context, dashboardID string, s journal.Snapshot) error {
	if err := journal.ValidateID(dashboardID); err != nil {
		return err
	}
	if j.readOnly {
		return fmt.Errorf("save snapshot of %s: %w", dashboardID, ErrReadOnly)
	}
	if s.Position > maxPosition || len(s.Data) > maxAppend {
		return fmt.Errorf("save snapshot of %s at %d: %w: %d bytes", dashboardID, s.Position, journal.ErrInvalid, len(s.Data))
	}
	r := newRequest()
	r.append.DashboardID = dashboardID
	r.snapshot = &s
	r.size = len(s.Data)
	if err := j.do(ctx, r); err != nil {
		return fmt.Errorf("save snapshot of %s at %d: %w", dashboardID, s.Position, err)
	}
	return nil
}

// do hands a request to the writer and waits for it.
func (j *Journal) do(ctx context.Context, r *request) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := j.queue.push(r); err != nil {
		return fmt.Errorf("%w: %w", journal.ErrUnavailable, err)
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		r.state.CompareAndSwap(queued, cancelled)
		return ctx.Err()
	}
}

// errBeyond refuses a snapshot of what is not in the log.
func errBeyond(head journal.Position) error {
	return fmt.Errorf("%w: the log is at %d", journal.ErrInvalid, head)
}

// writeSnapshot stores a snapshot within the open transaction.
func writeSnapshot(ctx context.Context, c *conn, r *request, at int64) error {
	id, s, key := r.append.DashboardID, r.snapshot, r.key
	p := int64(s.Position)
	if err := dropSpare(ctx, c, key, s.Position); err != nil {
		return err
	}
	const insert = "INSERT OR REPLACE INTO snapshots (dashboard, position, time, crc, data) VALUES (?, ?, ?, ?, ?)"
	return c.exec(ctx, insert, key, p, at, int64(recordCRC(id, s.Position, at, s.Data)), s.Data)
}

// dropSpare deletes the snapshots of a log that are spare once there is one at a position:
// a few at most, since a file of before may hold hundreds, and each is many pages.
func dropSpare(ctx context.Context, c *conn, key int64, next journal.Position) error {
	const most = 4
	all, err := snapshotsOf(ctx, c, key)
	if err != nil {
		return err
	}
	if i, found := slices.BinarySearch(all, next); !found {
		all = slices.Insert(all, i, next)
	}
	spare := journal.SpareSnapshots(all)
	for _, p := range spare[max(len(spare)-most, 0):] {
		const drop = "DELETE FROM snapshots WHERE dashboard = ? AND position = ? " +
			"AND position <> (SELECT trimmed FROM dashboards WHERE key = ?)" // a trimmed log begins with that one
		if err := c.exec(ctx, drop, key, int64(p), key); err != nil {
			return err
		}
	}
	return nil
}

// snapshotsOf lists the snapshots of a log, in order.
func snapshotsOf(ctx context.Context, c *conn, key int64) (all []journal.Position, err error) {
	const sql = "SELECT position FROM snapshots WHERE dashboard = ? ORDER BY position"
	err = c.query(ctx, sql, func(v []driver.Value) error {
		p, _ := v[0].(int64)
		all = append(all, journal.Position(p))
		return nil
	}, key)
	return all, err
}

// Snapshots returns the positions of the snapshots of a dashboard that are kept, in order.
func (j *Journal) Snapshots(ctx context.Context, dashboardID string) (all []journal.Position, err error) {
	err = j.read(ctx, func(c *conn) error {
		r, err := readRow(ctx, c, dashboardID)
		if err == nil && r.key > 0 {
			all, err = snapshotsOf(ctx, c, r.key)
		}
		return err
	})
	return all, readError("snapshots of", dashboardID, err)
}

// Snapshot implements journal.Journal. A snapshot that fails its checksum is left
// out and an older one taken: it costs time, no data.
func (j *Journal) Snapshot(ctx context.Context, dashboardID string, atMost journal.Position) (journal.Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return journal.Snapshot{}, fmt.Errorf("snapshot of %s: %w", dashboardID, err)
	}
	var found journal.Snapshot
	limit := int64(min(atMost, maxPosition))
	err := j.read(ctx, func(c *conn) error {
		const sql = "SELECT s.position, s.time, s.crc, s.data FROM dashboards d JOIN snapshots s ON s.dashboard = d.key " +
			"WHERE d.id = ? AND s.position <= ? ORDER BY s.position DESC"
		err := c.query(ctx, sql, func(v []driver.Value) error {
			p, _ := v[0].(int64)
			at, _ := v[1].(int64)
			crc, _ := v[2].(int64)
			data, _ := v[3].([]byte)
			if got := recordCRC(dashboardID, journal.Position(p), at, data); p < 0 || int64(got) != crc {
				j.log.Warn("a snapshot is damaged; an older one is used",
					"dashboard", dashboardID, "position", p, "checksum", fmt.Sprintf("%08x", got))
				return nil
			}
			found = journal.Snapshot{Position: journal.Position(p), Data: data}
			return errEnough
		}, dashboardID, limit)
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	})
	return found, readError("snapshot of", dashboardID, err)
}

package sqlitejournal

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// Bounds of what one step of Read holds at once.
const (
	chunkRecords = 256
	chunkBytes   = 1 << 20
)

// errEnough ends a query early.
var errEnough = errors.New("enough")

// row is a line of dashboards.
type row struct {
	key           int64 // 0: there is none
	head, trimmed journal.Position
	time          int64
}

func readRow(ctx context.Context, c *conn, id string) (r row, err error) {
	err = c.query(ctx, "SELECT key, head, trimmed, time FROM dashboards WHERE id = ?", func(v []driver.Value) error {
		var n [4]int64
		for i := range n {
			n[i], _ = v[i].(int64)
		}
		if n[0] <= 0 || n[0] > maxDashboards || n[1] < 0 || n[1] > maxPosition || n[2] < 0 || n[2] > n[1] {
			return fmt.Errorf("%w: the row of %s in dashboards is out of range", journal.ErrCorrupt, id)
		}
		r = row{n[0], journal.Position(n[1]), journal.Position(n[2]), n[3]}
		return nil
	}, id)
	return r, err
}

// Head implements journal.Journal. It answers from memory or by one indexed read.
func (j *Journal) Head(ctx context.Context, dashboardID string) (journal.Position, journal.Durability, error) {
	if err := ctx.Err(); err != nil {
		return 0, journal.Disk, fmt.Errorf("head of %s: %w", dashboardID, err)
	}
	t := j.tails.rlock(dashboardID)
	if t != nil {
		head, damage := t.head, t.damage
		j.tails.mu.RUnlock()
		return head, journal.Disk, damage
	}
	j.tails.mu.RUnlock()
	var r row
	err := j.read(ctx, func(c *conn) (err error) {
		r, err = readRow(ctx, c, dashboardID)
		return err
	})
	return r.head, journal.Disk, readError("head of", dashboardID, err)
}

// Read implements journal.Journal. It reads in steps and holds neither a lock nor
// a connection while the caller works.
func (j *Journal) Read(ctx context.Context, dashboardID string, after journal.Position) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		after := after
		until, _, err := j.Head(ctx, dashboardID)
		if err != nil {
			yield(journal.Record{}, err)
			return
		}
		for after < until {
			records, err := j.chunk(ctx, dashboardID, after)
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
				after = r.Position
			}
			if err != nil {
				yield(journal.Record{}, err)
				return
			}
		}
	}
}

// chunk reads some records after a position that is before the head: at least one
// or an error.
func (j *Journal) chunk(ctx context.Context, id string, after journal.Position) ([]journal.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", id, err)
	}
	// Memory before tables: what leaves memory is in the tables by then.
	t := j.tails.rlock(id)
	until := journal.Position(maxPosition)
	if t != nil {
		if t.damage != nil || after >= t.first()-1 {
			defer j.tails.mu.RUnlock()
			return copyRecords(t, after), t.damage
		}
		until = t.first() - 1
	}
	j.tails.mu.RUnlock()
	var records []journal.Record
	err := j.read(ctx, func(c *conn) (err error) {
		records, err = readEntries(ctx, c, id, after, until)
		return err
	})
	if err != nil {
		return records, readError("read", id, err)
	}
	return records, nil
}

// copyRecords gives records of a tail to a caller; tails.mu is held.
func copyRecords(t *tail, after journal.Position) []journal.Record {
	if t.damage != nil {
		return nil
	}
	from := t.records[after+1-t.first():]
	records := make([]journal.Record, 0, min(len(from), chunkRecords))
	bytesOut := 0
	for i, s := range from {
		if len(records) == chunkRecords || bytesOut >= chunkBytes {
			break
		}
		bytesOut += len(s.data)
		records = append(records, journal.Record{
			Position: after + journal.Position(i) + 1, Time: time.UnixMilli(s.time), Data: bytes.Clone(s.data),
		})
	}
	return records
}

// readEntries reads records from the table, those after a position up to another,
// and checks each. Records before the first bad one come with the error.
func readEntries(ctx context.Context, c *conn, id string, after, until journal.Position) ([]journal.Record, error) {
	r, err := readRow(ctx, c, id)
	if err != nil {
		return nil, err
	}
	until = min(until, r.head)
	if r.key == 0 || after >= until {
		return nil, fmt.Errorf("%w: the records after %d are missing", journal.ErrCorrupt, after)
	}
	if after < r.trimmed {
		return nil, fmt.Errorf("%w: the oldest record kept is %d", journal.ErrTrimmed, r.trimmed+1)
	}
	var records []journal.Record
	bytesOut := 0
	const sql = "SELECT key, time, crc, data FROM entries WHERE key > ? AND key <= ? ORDER BY key"
	err = c.query(ctx, sql, func(v []driver.Value) error {
		if len(records) == chunkRecords || bytesOut >= chunkBytes {
			return errEnough
		}
		key, _ := v[0].(int64)
		at, _ := v[1].(int64)
		crc, _ := v[2].(int64)
		data, _ := v[3].([]byte)
		p := after + journal.Position(len(records)) + 1
		if key != entryKey(r.key, p) {
			return fmt.Errorf("%w: record %d is missing", journal.ErrCorrupt, p)
		}
		if got := recordCRC(id, p, at, data); int64(got) != crc {
			return fmt.Errorf("%w: record %d has checksum %08x, should be %08x", journal.ErrCorrupt, p, got, crc)
		}
		bytesOut += len(data)
		records = append(records, journal.Record{Position: p, Time: time.UnixMilli(at), Data: data})
		return nil
	}, entryKey(r.key, after), entryKey(r.key, until))
	if err != nil && !errors.Is(err, errEnough) {
		// A record may be missing because it was trimmed in between.
		if now, e := readRow(ctx, c, id); e == nil && after < now.trimmed {
			return nil, fmt.Errorf("%w: the oldest record kept is %d", journal.ErrTrimmed, now.trimmed+1)
		}
		return records, err
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("%w: record %d is missing", journal.ErrCorrupt, after+1)
	}
	return records, nil
}

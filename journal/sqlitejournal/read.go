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
	stepRecords = 256
	stepBytes   = 1 << 20
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
			records, err := j.step(ctx, dashboardID, after)
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

// step reads some records after a position that is before the head: at least one
// or an error.
func (j *Journal) step(ctx context.Context, id string, after journal.Position) ([]journal.Record, error) {
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
		records, err = readChunks(ctx, c, id, after, until)
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
	records := make([]journal.Record, 0, min(len(from), stepRecords))
	bytesOut := 0
	for i, s := range from {
		if len(records) == stepRecords || bytesOut >= stepBytes {
			break
		}
		bytesOut += len(s.data)
		records = append(records, journal.Record{
			Position: after + journal.Position(i) + 1, Time: time.UnixMilli(s.time), Data: bytes.Clone(s.data),
		})
	}
	return records
}

// readChunks reads records from the table, those after a position up to another,
// and checks each chunk. Records before the first bad one come with the error.
func readChunks(ctx context.Context, c *conn, id string, after, until journal.Position) ([]journal.Record, error) {
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
	var parts []part
	bytesOut := 0
	const sql = "SELECT key, crc, records, data FROM chunks WHERE key > ? AND key <= ? ORDER BY key"
	err = c.query(ctx, sql, func(v []driver.Value) error {
		next := after + journal.Position(len(records)) + 1
		if len(records) >= stepRecords || bytesOut >= stepBytes || next > until {
			return errEnough
		}
		last, list, data, err := readChunk(id, r.key, v, parts[:0])
		if err != nil {
			return err
		}
		parts = list
		first := last - journal.Position(len(list)) + 1
		if first > next {
			return fmt.Errorf("%w: record %d is missing", journal.ErrCorrupt, next)
		}
		for i, p := range list[next-first:] {
			position := next + journal.Position(i)
			if position > until {
				return errEnough
			}
			end := p.offset + p.length
			records = append(records, journal.Record{Position: position, Time: time.UnixMilli(p.time), Data: data[p.offset:end:end]})
			bytesOut += p.length
		}
		return nil
	}, entryKey(r.key, after), entryKey(r.key, maxPosition))
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

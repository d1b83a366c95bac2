package sqlitejournal

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/dashwire/dashwire/journal"
)

// loadTail finds the end of a log in the tables, and that entries agrees with
// dashboards on where it is.
func loadTail(ctx context.Context, c *conn, id string) (*tail, error) {
	r, err := readRow(ctx, c, id)
	if err != nil {
		return nil, err
	}
	t := &tail{id: id, key: r.key, head: r.head, next: r.head}
	if r.key == 0 {
		return t, nil
	}
	last := entryKey(r.key, 0)
	const sql = "SELECT key FROM entries WHERE key <= ? ORDER BY key DESC LIMIT 1"
	err = c.query(ctx, sql, func(v []driver.Value) error {
		k, _ := v[0].(int64)
		last = max(last, k)
		return nil
	}, entryKey(r.key, maxPosition))
	if err != nil {
		return nil, err
	}
	if last != entryKey(r.key, r.head) {
		return nil, fmt.Errorf("%w: its log ends at %d, should end at %d", journal.ErrCorrupt, last-entryKey(r.key, 0), r.head)
	}
	return t, nil
}

// load fills the memory of a journal from the file: what is not spread yet, and
// where numbering goes on.
func (w *writer) load(ctx context.Context, c *conn) error {
	w.recent.clear()
	w.batch = batch{}
	w.keepCommits = false
	byID, err := w.loadCommits(ctx, c)
	if err != nil {
		return err
	}
	bytes := 0
	for _, t := range byID {
		t.next = t.head
		bytes += size(t.records)
		if t.damage != nil {
			w.keepCommits = true
			w.j.log.Error("a dashboard's log is damaged; restore it from a backup", "dashboard", t.id, "error", t.damage)
		}
	}
	if w.nextKey, err = readMax(ctx, c, "SELECT max(key) FROM dashboards"); err != nil {
		return err
	}
	w.nextKey++
	x := &w.j.tails
	x.mu.Lock()
	x.byID, x.bytes = byID, bytes
	x.mu.Unlock()
	return nil
}

func readMax(ctx context.Context, c *conn, sql string) (n int64, err error) {
	err = c.query(ctx, sql, func(v []driver.Value) error {
		n, _ = v[0].(int64) // NULL of an empty table
		return nil
	})
	return n, err
}

// loadCommits reads all rows of commits and returns the logs that have records in
// them which are not in entries.
func (w *writer) loadCommits(ctx context.Context, c *conn) (map[string]*tail, error) {
	logs := make(map[string]*tail) // all that were met
	w.firstCommit, w.nextCommit = 1, 1
	rows := 0
	const sql = "SELECT id, time, crc, records, data FROM commits ORDER BY id"
	err := c.query(ctx, sql, func(v []driver.Value) error {
		id, _ := v[0].(int64)
		at, _ := v[1].(int64)
		crc, _ := v[2].(int64)
		records, _ := v[3].(string)
		data, _ := v[4].([]byte)
		if id < 1 || id >= 1<<62 {
			return fmt.Errorf("%w: a row of commits has the id %d", journal.ErrCorrupt, id)
		}
		if rows == 0 {
			w.firstCommit = id
		}
		rows++
		w.nextCommit = id + 1
		w.lastTime = max(w.lastTime, at)
		list, err := decodeCommit(at, uint32(crc), records, data)
		if err != nil {
			// Which dashboards lose their last records is not known: none may be served.
			return fmt.Errorf("%w: row %d of commits: %w", journal.ErrCorrupt, id, err)
		}
		for _, x := range list {
			t := logs[x.id]
			if t == nil {
				if t, err = loadTail(ctx, c, x.id); err != nil {
					if k := classify(err); k != ours && k != damaged {
						return err
					}
					t = &tail{id: x.id}
					t.close(err)
				}
				logs[x.id] = t
			}
			t.load(x)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if rows == 0 {
		// Ids go on from 1: no row that could be taken for another is left.
		w.firstCommit, w.nextCommit = 1, 1
	}
	for id, t := range logs {
		if len(t.records) == 0 && t.damage == nil {
			delete(logs, id)
		}
	}
	return logs, nil
}

// close marks the log as damaged.
func (t *tail) close(err error) {
	if !errors.Is(err, journal.ErrCorrupt) {
		err = fmt.Errorf("%w: %w", journal.ErrCorrupt, err)
	}
	t.damage, t.problem = err, err
	t.records, t.summary = nil, nil
}

// load takes a record found in commits, unless it is in entries already.
func (t *tail) load(x indexed) {
	switch {
	case t.damage != nil:
	case x.position <= t.head && len(t.records) == 0:
		// spread before
	case x.position != t.head+1:
		t.close(fmt.Errorf("record %d comes after %d", x.position, t.head))
	case recordCRC(x.id, x.position, x.record.time, x.record.data) != x.record.crc:
		t.close(fmt.Errorf("record %d fails its checksum", x.position))
	default:
		t.head = x.position
		t.records = append(t.records, x.record)
		t.time = x.record.time
		if x.last {
			t.summary = x.summary
		}
	}
}

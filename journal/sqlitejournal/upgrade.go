package sqlitejournal

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strconv"

	"github.com/dashwire/dashwire/journal"
)

// schema1 is every object of a file of format 1: a row of entries for each record, and one of
// commits for each group, instead of a commit log.
var schema1 = []object{
	schema[0],
	schema[1],
	{"entries", `CREATE TABLE entries (
  key INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  data BLOB NOT NULL
)`},
	schema[3],

	// records is JSON, one array for each record in data:
	// [dashboard, position, offset, length, crc], and [… offset, length] of the
	// summary after the last record of an append.
	{"commits", `CREATE TABLE commits (
  id INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  records TEXT NOT NULL,
  data BLOB NOT NULL
)`},
	{"log", `CREATE VIEW log AS
SELECT d.id AS dashboard, e.key & 1099511627775 AS position,
  strftime('%Y-%m-%dT%H:%M:%fZ', e.time / 1000.0, 'unixepoch') AS time, CAST(e.data AS TEXT) AS record
FROM dashboards d JOIN entries e ON e.key BETWEEN d.key << 40 AND (d.key << 40) + 1099511627775
UNION ALL
SELECT r.value ->> 0, r.value ->> 1,
  strftime('%Y-%m-%dT%H:%M:%fZ', c.time / 1000.0, 'unixepoch'),
  CAST(substr(c.data, 1 + (r.value ->> 2), r.value ->> 3) AS TEXT)
FROM commits c, json_each(c.records) r
WHERE NOT EXISTS (SELECT 1 FROM dashboards d WHERE d.id = r.value ->> 0 AND d.head >= r.value ->> 1)`},
}

// upgrade rewrites a file of format 1, all of it or nothing. It needs room for the log once
// more. What fails its checksum fails it afterwards too.
func upgrade(ctx context.Context, c *conn) error {
	return inTransaction(ctx, c, func() error {
		if err := c.exec(ctx, schema[2].sql); err != nil {
			return err
		}
		if err := upgradeCommits(ctx, c); err != nil {
			return err
		}
		if err := upgradeEntries(ctx, c); err != nil {
			return err
		}
		for _, sql := range []string{
			"DROP VIEW log", "DROP TABLE entries", "DROP TABLE commits", schema[4].sql,
			"INSERT INTO meta (name, value) VALUES ('spread', '0')",
			"INSERT INTO meta (name, value) VALUES ('log', '" + logClosed + "')",
			fmt.Sprintf("UPDATE meta SET value = '%d' WHERE name = 'format'", format),
		} {
			if err := c.exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
}

// upgradeEntries makes chunks of the rows of entries.
func upgradeEntries(ctx context.Context, c *conn) error {
	var k chunk
	id, key := "", int64(0)
	flush := func(wrong uint32) error {
		if k.count == 0 {
			return nil
		}
		err := c.exec(ctx, insertChunk, entryKey(key, k.last), int64(k.crc(id)^wrong), k.records, k.data)
		k.reset(k.last)
		return err
	}
	const sql = "SELECT d.id, d.key, e.key, e.time, e.crc, e.data FROM dashboards d " +
		"JOIN entries e ON e.key BETWEEN d.key << 40 AND (d.key << 40) + 1099511627775 ORDER BY d.key, e.key"
	err := c.query(ctx, sql, func(v []driver.Value) error {
		rowID, _ := v[0].(string)
		rowKey, _ := v[1].(int64)
		at, _ := v[2].(int64)
		time, _ := v[3].(int64)
		crc, _ := v[4].(int64)
		data, _ := v[5].([]byte)
		p := journal.Position(at - entryKey(rowKey, 0))
		good := int64(recordCRC(rowID, p, time, data)) == crc
		if rowKey != key || p != k.last+1 || k.full() || !good {
			if err := flush(0); err != nil {
				return err
			}
			id, key = rowID, rowKey
			k.reset(p - 1)
		}
		k.add(stored{data: data, time: time})
		if !good {
			return flush(1)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush(0)
}

// upgradeCommits makes rows of entries of the rows of commits that are not there yet, as they
// are: damage is found by who reads it, and closes that dashboard alone (R7).
func upgradeCommits(ctx context.Context, c *conn) error {
	w := &writer{}
	var err error
	if w.nextKey, err = readMax(ctx, c, "SELECT max(key) FROM dashboards"); err != nil {
		return err
	}
	w.nextKey++
	logs := make(map[string]*tail) // head is that of entries, next the last in commits
	const sql = "SELECT id, time, crc, records, data FROM commits ORDER BY id"
	err = c.query(ctx, sql, func(v []driver.Value) error {
		id, _ := v[0].(int64)
		at, _ := v[1].(int64)
		crc, _ := v[2].(int64)
		records, _ := v[3].(string)
		data, _ := v[4].([]byte)
		list, err := decodeCommit1(at, uint32(crc), records, data)
		if err != nil {
			return fmt.Errorf("%w: row %d of commits: %w", journal.ErrCorrupt, id, err)
		}
		for _, a := range list {
			t := logs[a.id]
			if t == nil {
				if t, err = w.log1(ctx, c, a.id); err != nil {
					return err
				}
				logs[a.id] = t
			}
			if a.first <= t.head {
				continue
			}
			crc := recordCRC(a.id, a.first, a.time, a.records[0])
			if !a.whole {
				crc++
			}
			const insert = "INSERT OR REPLACE INTO entries (key, time, crc, data) VALUES (?, ?, ?, ?)"
			if err := c.exec(ctx, insert, entryKey(t.key, a.first), a.time, int64(crc), a.records[0]); err != nil {
				return err
			}
			t.next, t.time, t.summary = max(t.next, a.first), a.time, a.summary
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, t := range logs {
		if t.next == 0 {
			continue // nothing new
		}
		const update = "UPDATE dashboards SET head = ?, time = ?, summary = ? WHERE key = ?"
		if err := c.exec(ctx, update, int64(t.next), t.time, t.summary, t.key); err != nil {
			return err
		}
	}
	return nil
}

// log1 finds the row of a log in dashboards, or makes one.
func (w *writer) log1(ctx context.Context, c *conn, id string) (*tail, error) {
	t := &tail{id: id}
	err := c.query(ctx, "SELECT key, head FROM dashboards WHERE id = ?", func(v []driver.Value) error {
		t.key, _ = v[0].(int64)
		head, _ := v[1].(int64)
		t.head = journal.Position(max(head, 0))
		if t.key <= 0 || t.key > maxDashboards {
			return fmt.Errorf("%w: the key of %s in dashboards is out of range", journal.ErrCorrupt, id)
		}
		return nil
	}, id)
	if err != nil || t.key != 0 {
		return t, err
	}
	var job job
	if err := w.number(&job, t); err != nil {
		return t, err
	}
	return t, insertRow(ctx, c, job.rows[0])
}

// decodeCommit1 takes a row of commits apart, each record as an append of its own.
func decodeCommit1(time int64, crc uint32, records string, data []byte) ([]committed, error) {
	if got := crc32.Checksum([]byte(records), castagnoli); got != crc {
		return nil, fmt.Errorf("checksum of its record list is %08x, should be %08x", got, crc)
	}
	var rows [][]json.RawMessage
	if err := json.Unmarshal([]byte(records), &rows); err != nil {
		return nil, fmt.Errorf("read its record list: %w", err)
	}
	out := make([]committed, 0, len(rows))
	for i, row := range rows {
		if len(row) != 5 && len(row) != 7 {
			return nil, fmt.Errorf("record %d of its list has %d fields", i, len(row))
		}
		a := committed{time: time}
		if err := json.Unmarshal(row[0], &a.id); err != nil {
			return nil, fmt.Errorf("record %d of its list: %w", i, err)
		}
		if err := journal.ValidateID(a.id); err != nil {
			return nil, fmt.Errorf("record %d of its list: %w", i, err)
		}
		var n [6]uint64
		for k, field := range row[1:] {
			v, err := strconv.ParseUint(string(field), 10, 63)
			if err != nil {
				return nil, fmt.Errorf("record %d of its list: %w", i, err)
			}
			n[k] = v
		}
		size := uint64(len(data))
		if n[0] == 0 || n[0] > maxPosition || n[1] > size || n[2] == 0 || n[2] > size-n[1] || n[3] > 1<<32-1 ||
			n[4] > size || n[5] > size-n[4] {
			return nil, fmt.Errorf("record %d of its list is out of range", i)
		}
		record := data[n[1] : n[1]+n[2] : n[1]+n[2]]
		a.first, a.records, a.summary = journal.Position(n[0]), [][]byte{record}, data[n[4]:n[4]+n[5]:n[4]+n[5]]
		a.whole = recordCRC(a.id, a.first, time, record) == uint32(n[3])
		out = append(out, a)
	}
	return out, nil
}

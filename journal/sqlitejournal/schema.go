package sqlitejournal

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/dashwire/dashwire/journal"
)

// format is the number of the tables below. A file with a greater one is refused.
const format = 1

// applicationID stands in the header of the file ("DWjn"), so that file(1) and
// Open know it is ours.
const applicationID = 0x44576a6e

// A row of entries has the key dashboard<<positionBits | position: one integer,
// so that SQLite keeps a log together and appends to it without a second index.
const (
	positionBits  = 40
	maxPosition   = 1<<positionBits - 1
	maxDashboards = 1<<(63-positionBits) - 1
)

func entryKey(dashboard int64, p journal.Position) int64 {
	return dashboard<<positionBits | int64(p)
}

// schema is every object of the file, by name, as sqlite_schema holds it.
var schema = []struct{ name, sql string }{
	{"meta", `CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`},

	// head counts the records in entries; commits may hold later ones.
	{"dashboards", `CREATE TABLE dashboards (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  head INTEGER NOT NULL,
  trimmed INTEGER NOT NULL,
  time INTEGER NOT NULL,
  summary BLOB
)`},
	{"entries", `CREATE TABLE entries (
  key INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  data BLOB NOT NULL
)`},
	{"snapshots", `CREATE TABLE snapshots (
  dashboard INTEGER NOT NULL,
  position INTEGER NOT NULL,
  time INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (dashboard, position)
)`},

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

// createSchema fills an empty database in one transaction.
func createSchema(ctx context.Context, c *conn, instance string) error {
	if err := c.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := func() error {
		if err := c.exec(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
			return err
		}
		for _, s := range schema {
			if err := c.exec(ctx, s.sql); err != nil {
				return err
			}
		}
		const insert = "INSERT INTO meta (name, value) VALUES (?, ?)"
		if err := c.exec(ctx, insert, "format", fmt.Sprint(format)); err != nil {
			return err
		}
		if err := c.exec(ctx, insert, "instance", instance); err != nil {
			return err
		}
		return c.exec(ctx, "COMMIT")
	}()
	if err != nil {
		_ = c.exec(ctx, "ROLLBACK") // the first error is the one to report
	}
	return err
}

// checkSchema reports errForeign, errFormat or what SQLite said unless the
// database has exactly our tables. Nothing but our own SQL is ever run: a view or
// trigger made by somebody else could do anything.
func checkSchema(ctx context.Context, c *conn) error {
	found := make(map[string]string)
	err := c.query(ctx, "SELECT type, name, sql FROM sqlite_schema", func(v []driver.Value) error {
		kind, _ := v[0].(string)
		name, _ := v[1].(string)
		sql, _ := v[2].(string)
		if kind == "trigger" {
			return fmt.Errorf("%w: it has a trigger %q", errForeign, name)
		}
		found[name] = sql
		return nil
	})
	if err != nil {
		return err
	}
	if _, ok := found["meta"]; !ok {
		return errForeign
	}
	if found["meta"] != schema[0].sql {
		return fmt.Errorf("%w: its table meta is another", errForeign)
	}
	number, err := readMeta(ctx, c, "format")
	if err != nil {
		return err
	}
	var n int
	if _, err := fmt.Sscan(number, &n); err != nil || n < 1 {
		return fmt.Errorf("%w: its format number is %q", errForeign, number)
	}
	if n > format {
		return fmt.Errorf("%w: the file has format %d, this program knows up to %d", errFormat, n, format)
	}
	for _, s := range schema {
		if found[s.name] != s.sql {
			return fmt.Errorf("%w: its %s is missing or another", errForeign, s.name)
		}
	}
	return nil
}

func readMeta(ctx context.Context, c *conn, name string) (string, error) {
	value := ""
	err := c.query(ctx, "SELECT value FROM meta WHERE name = ?", func(v []driver.Value) error {
		value, _ = v[0].(string)
		return nil
	}, name)
	return value, err
}

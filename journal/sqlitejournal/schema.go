package sqlitejournal

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/dashwire/dashwire/journal"
)

// format is the number of the tables below. A file with a greater one is refused.
const format = 2

// pageBytes is the size of a page in a new file. A file of before keeps its 4 KiB. What a record costs
// on its way through the write-ahead log goes by the page, and what few records of a quiet
// log cost goes by the byte.
const pageBytes = 8 << 10

// applicationID stands in the header of the file ("DWjn"), so that file(1) and
// Open know it is ours.
const applicationID = 0x44576a6e

// A row of chunks has the key dashboard<<positionBits | position of its last record: one
// integer, so that SQLite keeps a log together and appends to it without a second index.
const (
	positionBits  = 40
	maxPosition   = 1<<positionBits - 1
	maxDashboards = 1<<(63-positionBits) - 1
)

func entryKey(dashboard int64, p journal.Position) int64 {
	return dashboard<<positionBits | int64(p)
}

// object is a table or view, by name, as sqlite_schema holds it.
type object struct{ name, sql string }

// schema is every object of the file.
var schema = []object{
	// format, instance; spread, the last commit of the commit log that is all in chunks; log,
	// whether there is a commit log: logOpen or logClosed; newest, the first commit in the
	// newest file of the commit log.
	{"meta", `CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`},

	// head counts the records in chunks; the commit log may hold later ones.
	{"dashboards", `CREATE TABLE dashboards (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  head INTEGER NOT NULL,
  trimmed INTEGER NOT NULL,
  time INTEGER NOT NULL,
  summary BLOB
)`},
	{"chunks", `CREATE TABLE chunks (
  key INTEGER PRIMARY KEY,
  crc INTEGER NOT NULL,
  records TEXT NOT NULL,
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
	{"log", `CREATE VIEW log AS
SELECT d.id AS dashboard, (c.key & 1099511627775) - json_array_length(c.records) + 1 + r.key AS position,
  strftime('%Y-%m-%dT%H:%M:%fZ', (r.value ->> 0) / 1000.0, 'unixepoch') AS time,
  CAST(substr(c.data, 1 + (r.value ->> 1), r.value ->> 2) AS TEXT) AS record
FROM dashboards d JOIN chunks c ON c.key BETWEEN d.key << 40 AND (d.key << 40) + 1099511627775, json_each(c.records) r
WHERE position > d.trimmed`},
}

// Values of log in meta.
const (
	logOpen   = "open"
	logClosed = "closed"
)

// createSchema fills an empty database in one transaction.
func createSchema(ctx context.Context, c *conn, instance string) error {
	return inTransaction(ctx, c, func() error {
		if err := c.exec(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
			return err
		}
		for _, s := range schema {
			if err := c.exec(ctx, s.sql); err != nil {
				return err
			}
		}
		for _, m := range [][2]string{{"format", fmt.Sprint(format)}, {"instance", instance}, {"spread", "0"}, {"log", logClosed}} {
			if err := c.exec(ctx, "INSERT INTO meta (name, value) VALUES (?, ?)", m[0], m[1]); err != nil {
				return err
			}
		}
		return nil
	})
}

// inTransaction runs fn in a transaction, all of it or nothing.
func inTransaction(ctx context.Context, c *conn, fn func() error) error {
	if err := c.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := fn()
	if err == nil {
		err = c.exec(ctx, "COMMIT")
	}
	if err != nil {
		_ = c.exec(ctx, "ROLLBACK") // the first error is the one to report
	}
	return err
}

// checkSchema reports errForeign, errFormat, errOld or what SQLite said unless the
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
	objects := schema
	if n == 1 {
		objects = schema1
	}
	for _, s := range objects {
		if found[s.name] != s.sql {
			return fmt.Errorf("%w: its %s is missing or another", errForeign, s.name)
		}
	}
	if n < format {
		return errOld
	}
	return nil
}

// writeMeta changes a value, within a transaction or as one.
func writeMeta(ctx context.Context, c *conn, name, value string) error {
	return c.exec(ctx, "UPDATE meta SET value = ? WHERE name = ?", value, name)
}

func readMeta(ctx context.Context, c *conn, name string) (string, error) {
	value := ""
	err := c.query(ctx, "SELECT value FROM meta WHERE name = ?", func(v []driver.Value) error {
		value, _ = v[0].(string)
		return nil
	}, name)
	return value, err
}

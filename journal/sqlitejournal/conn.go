package sqlitejournal

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
)

// conn is one SQLite connection with its prepared statements. It is used by one
// goroutine at a time.
type conn struct {
	raw   driver.Conn
	stmts map[string]statement
	// tidy is called once the connection is closed; it may be nil.
	tidy func()
}

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// Modes of opening, as in SQLite's URIs.
const (
	readWrite       = "rw"
	readWriteCreate = "rwc"
	readOnly        = "ro"
)

// openConn opens the file at path. It does not yet read it.
func openConn(path, mode string, immutable bool) (*conn, error) {
	q := url.Values{"mode": {mode}}
	if immutable {
		q.Set("immutable", "1")
	}
	return openURI(path, q)
}

// openBeside opens the file for who works beside the commits, see vfsName.
func openBeside(path, mode string) (*conn, error) {
	if err := registerVFS(); err != nil {
		return nil, err
	}
	return openURI(path, url.Values{"mode": {mode}, "vfs": {vfsName}}, "cache_spill(0)") // gathered relies on it
}

func openURI(path string, q url.Values, pragmas ...string) (*conn, error) {
	// A bad cell must be an error before it is used, and SQL kept in the file must
	// not reach beyond it.
	q["_pragma"] = append(pragmas, "busy_timeout(10000)", "trusted_schema(0)", "cell_size_check(1)", "temp_store(2)")
	raw, err := new(sqlite.Driver).Open(fileURI(path, q))
	if err != nil {
		return nil, err
	}
	return &conn{raw: raw, stmts: make(map[string]statement)}, nil
}

// fileURI names a file for SQLite by its absolute path, whatever characters that
// has.
func fileURI(path string, q url.Values) string {
	u := url.URL{Path: filepath.ToSlash(path), RawQuery: q.Encode()}
	if !strings.HasPrefix(u.Path, "/") {
		u.Path = "/" + u.Path // a Windows drive
	}
	return "file:" + u.String()
}

// close gives everything back to SQLite. The last connection to a file also
// checkpoints it.
func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	err := errors.Join(append(errs, c.raw.Close())...)
	if c.tidy != nil {
		c.tidy()
	}
	return err
}

func (c *conn) prepare(sql string) (statement, error) {
	if s, ok := c.stmts[sql]; ok {
		return s, nil
	}
	p, err := c.raw.Prepare(sql)
	if err != nil {
		return nil, err
	}
	s, ok := p.(statement)
	if !ok {
		_ = p.Close() // the driver is not the one this package is built for
		return nil, fmt.Errorf("the SQLite driver's statement is a %T without contexts", p)
	}
	c.stmts[sql] = s
	return s, nil
}

// exec runs one statement, kept prepared. Arguments are int64, string, []byte or
// nil; slices are not kept.
func (c *conn) exec(ctx context.Context, sql string, args ...driver.Value) error {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(ctx, named(args))
	return err
}

// query calls row for each row of the result; the values are the callee's to
// keep, the slice is not. An error from row ends it and is returned.
func (c *conn) query(ctx context.Context, sql string, row func([]driver.Value) error, args ...driver.Value) (err error) {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, named(args))
	if err != nil {
		return err
	}
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	values := make([]driver.Value, len(rows.Columns()))
	for n := 0; ; n++ {
		if n%64 == 63 && ctx.Err() != nil {
			return ctx.Err()
		}
		switch err := rows.Next(values); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := row(values); err != nil {
			return err
		}
	}
}

func named(args []driver.Value) []driver.NamedValue {
	if len(args) == 0 {
		return nil
	}
	n := make([]driver.NamedValue, len(args))
	for i, a := range args {
		n[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return n
}

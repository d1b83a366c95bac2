package sqlitejournal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dashwire/dashwire/journal"
)

// OpenReadOnly opens the journal in the file at path for looking at it, while a
// server has it open or not. It shows the file as it was at that moment; until it
// is closed, the running server's write-ahead log cannot be shortened. Writing
// methods give ErrReadOnly, Follow hears nothing.
func OpenReadOnly(path string, opts Options) (*Journal, error) {
	opts, err := opts.validate()
	if err != nil {
		return nil, err
	}
	j, err := openReadOnly(path, opts)
	if err != nil {
		return nil, fmt.Errorf("open journal %s for reading: %w", path, openAdvice(path, err))
	}
	return j, nil
}

func openReadOnly(path string, opts Options) (*Journal, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	ctx := context.Background()
	j := newJournal(path, opts)
	j.readOnly = true
	c, _, err := j.view(ctx)
	if err != nil {
		return nil, err
	}
	j.handle = &handle{idle: make(chan *conn, 1)}
	j.handle.idle <- c
	return j, nil
}

// viewTries is how often a view is begun anew because a running server moved records from the
// commit log to the tables, or wrote, just then.
const viewTries = 5

// view reads one state of the file and its commit log into the journal. The connection keeps
// the file's state; the writer knows the rest, and writes nothing.
func (j *Journal) view(ctx context.Context) (c *conn, w *writer, err error) {
	for try := range viewTries {
		if c, err = beginView(ctx, j.path, false); err != nil {
			return nil, nil, err
		}
		w = &writer{j: j}
		if j.instance, err = readMeta(ctx, c, "instance"); err == nil {
			err = w.load(ctx, c, false)
		}
		if err == nil {
			return c, w, nil
		}
		err = errors.Join(err, c.close())
		if try == viewTries-1 || !errors.Is(err, errNoLog) && !errors.Is(err, errNoSegment) && !errors.Is(err, errStray) && !errors.Is(err, journal.ErrCorrupt) {
			break
		}
	}
	return nil, nil, err
}

// beginView opens a connection that reads one state of the file until it is
// closed, and checks that the file is ours; one of an older format only if old is set.
func beginView(ctx context.Context, path string, old bool) (*conn, error) {
	_, err := os.Lstat(path + "-wal")
	bare := errors.Is(err, os.ErrNotExist)
	begin := func(immutable bool) (*conn, error) {
		c, err := openConn(path, readOnly, immutable)
		if err != nil {
			return nil, err
		}
		if bare && !immutable {
			c.tidy = func() { dropIndex(ctx, path) }
		}
		if err := c.exec(ctx, "BEGIN"); err != nil {
			return nil, errors.Join(err, c.close())
		}
		if err := checkSchema(ctx, c); err != nil && (!old || !errors.Is(err, errOld)) {
			return nil, errors.Join(err, c.close())
		}
		return c, nil
	}
	c, err := begin(false)
	if err == nil || classify(err) != broken {
		return c, err
	}
	// Where nothing may be written, SQLite cannot make the index of the WAL. Without
	// a WAL the file alone is all there is.
	if info, e := os.Stat(path + "-wal"); e == nil && info.Size() > 0 {
		return nil, err
	}
	if c, e := begin(true); e == nil {
		return c, nil
	}
	return nil, err
}

// dropIndex removes the empty WAL and its index that a reader had to make beside a file
// that nobody had open, and cannot remove itself. SQLite does so when a connection that
// may write is closed, if it is the last one. What cannot be removed harms nobody.
func dropIndex(ctx context.Context, path string) {
	if info, err := os.Lstat(path + "-wal"); err != nil || info.Size() > 0 {
		return // nothing was made, or somebody writes
	}
	c, err := openConn(path, readWrite, false)
	if err != nil {
		return
	}
	_ = c.exec(ctx, "SELECT count(*) FROM sqlite_schema")
	_ = c.close()
}

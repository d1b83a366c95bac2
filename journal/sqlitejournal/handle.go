package sqlitejournal

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"

	"github.com/dashwire/dashwire/journal"
)

// readers is how many connections read at once.
const readers = 4

// maxCache is how much memory SQLite's cache of the connection that writes gets at most. SQLite drops that whenever
// the other connection has written, with each segment of the commit log, and the library that
// allocates it keeps 4 MiB of what is freed, in which pages take twice their size: more would be faulted
// in again each time.
const maxCache = 2 << 20

// handle is everything that is open on the file. After a failure of the disk it is
// closed and another is opened (A2).
type handle struct {
	writer *conn // of the goroutine that writes the tables
	finder *conn // of the goroutine that commits: looks up logs, notes where segments begin
	idle   chan *conn
}

// openHandle opens the file, recovers it and makes what it found durable.
func openHandle(ctx context.Context, path string, cacheBytes int) (h *handle, err error) {
	if err := settleWAL(path + "-wal"); err != nil {
		return nil, err
	}
	h = &handle{idle: make(chan *conn, readers)}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
			h = nil
		}
	}()
	if h.writer, err = openBeside(path, readWriteCreate); err != nil {
		return h, err
	}
	mode := ""
	err = h.writer.query(ctx, "PRAGMA journal_mode = WAL", func(v []driver.Value) error {
		mode, _ = v[0].(string)
		return nil
	})
	if err != nil {
		return h, err
	}
	if mode != "wal" {
		return h, fmt.Errorf("SQLite cannot use write-ahead logging here (got journal mode %q): use a local file system", mode)
	}
	for _, pragma := range []string{"synchronous = NORMAL", "wal_autocheckpoint = 0", "journal_size_limit = 67108864", fmt.Sprintf("cache_size = -%d", min(cacheBytes, maxCache)>>10)} {
		if err := h.writer.exec(ctx, "PRAGMA "+pragma); err != nil {
			return h, err
		}
	}
	// What recovery found goes into the tables before anybody is told of it. Another
	// process that reads the file, or a full disk, may keep that from finishing: the
	// WAL is durable by now, so nothing is lost.
	if _, err := checkpoint(h.writer, "PASSIVE"); err != nil && classify(err) != full {
		return h, err
	}
	if h.finder, err = openBeside(path, readWrite); err != nil {
		return h, err
	}
	for _, pragma := range []string{"synchronous = NORMAL", "wal_autocheckpoint = 0"} {
		if err := h.finder.exec(ctx, "PRAGMA "+pragma); err != nil {
			return h, err
		}
	}
	for range readers {
		r, err := openConn(path, readOnly, false)
		if err != nil {
			return h, err
		}
		h.idle <- r
	}
	return h, nil
}

// close closes all connections; nobody may be using them. The last one closed
// checkpoints the WAL and removes it, unless that fails.
func (h *handle) close() error {
	var errs []error
	for len(h.idle) > 0 {
		errs = append(errs, (<-h.idle).close())
	}
	for _, c := range []*conn{h.finder, h.writer} {
		if c != nil {
			errs = append(errs, c.close())
		}
	}
	return errors.Join(errs...)
}

// fileSizes is for Stats: 0 where a file is not there.
func fileSizes(path string) (file, wal int64) {
	if i, err := os.Stat(path); err == nil {
		file = i.Size()
	}
	if i, err := os.Stat(path + "-wal"); err == nil {
		wal = i.Size()
	}
	return file, wal
}

// read runs fn with a reading connection. It fails with ErrUnavailable while the
// file is not open.
func (j *Journal) read(ctx context.Context, fn func(c *conn) error) error {
	j.handleMu.RLock()
	defer j.handleMu.RUnlock()
	if j.handle == nil {
		if j.closed {
			return fmt.Errorf("%w: the journal is closed", journal.ErrUnavailable)
		}
		j.wakeWriter() // it tries to open the file again
		return fmt.Errorf("%w: the disk failed and the file could not be opened again yet", journal.ErrUnavailable)
	}
	select {
	case c := <-j.handle.idle:
		defer func() { j.handle.idle <- c }()
		return fn(c)
	case <-ctx.Done():
		return ctx.Err()
	}
}

package sqlitejournal

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dashwire/dashwire/journal"
)

// Open opens the journal in the file at path, making it if there is none, and
// recovers what a crash has left. Its errors say in one sentence what to do.
// Beside the file lie path-wal, path-shm and the folder path-log, which belong to it
// until Close has removed them, and path-lock, which means nothing while no process
// holds it. A file of an older format is rewritten in one transaction.
func Open(path string, opts Options) (*Journal, error) {
	opts, err := opts.validate()
	if err != nil {
		return nil, err
	}
	j, err := open(path, opts)
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", path, openAdvice(path, err))
	}
	return j, nil
}

func open(path string, opts Options) (j *Journal, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	lock, err := lockFile(path + "-lock")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.release())
		}
	}()
	if err := probe(path); err != nil {
		return nil, err
	}
	ctx := context.Background()
	if err := prepareFile(ctx, path); err != nil {
		return nil, err
	}
	h, err := openHandle(ctx, path, opts.CacheBytes)
	if err != nil {
		return nil, err
	}
	j = newJournal(path, opts)
	j.lock = lock
	if j.file, err = os.Stat(path); err != nil {
		return nil, errors.Join(err, h.close())
	}
	w := &writer{j: j, tables: newTables(j)}
	if j.instance, err = readMeta(ctx, h.writer, "instance"); err != nil {
		return nil, errors.Join(err, h.close())
	}
	if err := w.load(ctx, h.writer, true); err != nil {
		return nil, errors.Join(err, h.close())
	}
	j.counters.s.Background = w.log.Background()
	if err := syncDir(filepath.Dir(path)); err != nil {
		return nil, errors.Join(err, w.log.Close(), h.close())
	}
	j.handle = h
	j.writer = w
	j.written.Go(w.run)
	j.written.Go(w.tables.run)
	if opts.KeepEntries > 0 || opts.KeepAge > 0 {
		j.others.Go(j.trimLoop)
	}
	return j, nil
}

func newJournal(path string, opts Options) *Journal {
	j := &Journal{path: path, opts: opts, log: opts.Logger}
	j.queue.wake = make(chan struct{}, 1)
	j.life, j.end = context.WithCancel(context.Background())
	return j
}

// probe finds out what is wrong with a path in the words of the operating system,
// which SQLite would all call "unable to open".
func probe(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// prepareFile sees to it that the file is ours: an empty one gets its tables, and
// nothing is changed in any other.
func prepareFile(ctx context.Context, path string) (err error) {
	if err := settleWAL(path + "-wal"); err != nil {
		return err
	}
	c, err := openConn(path, readWrite, false)
	if err != nil {
		return err
	}
	defer func() {
		if e := c.close(); err == nil {
			err = e
		}
	}()
	objects, err := readMax(ctx, c, "SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return err
	}
	var id int64
	err = c.query(ctx, "PRAGMA application_id", func(v []driver.Value) error {
		id, _ = v[0].(int64)
		return nil
	})
	switch {
	case err != nil:
		return err
	case objects == 0 && id == 0:
		for _, pragma := range []string{"synchronous = FULL", fmt.Sprintf("page_size = %d", pageBytes)} {
			if err := c.exec(ctx, "PRAGMA "+pragma); err != nil {
				return err
			}
		}
		return createSchema(ctx, c, rand.Text())
	case id != applicationID:
		return errForeign
	}
	if err := checkSchema(ctx, c); !errors.Is(err, errOld) {
		return err
	}
	return upgrade(ctx, c)
}

// openAdvice puts what an operator can do into the error of Open.
func openAdvice(path string, err error) error {
	dir := filepath.Dir(path)
	switch {
	case errors.Is(err, ErrInUse):
		return fmt.Errorf("%w: stop that one first, or choose another file", err)
	case errors.Is(err, errFormat):
		return fmt.Errorf("%w: start that version, or restore a backup made before the upgrade", err)
	case errors.Is(err, errOld):
		return fmt.Errorf("%w: start a server on it once, which rewrites it", err)
	case errors.Is(err, errNoLog):
		return fmt.Errorf("%w: put %s back where it was, it holds what was acknowledged last; or restore the newest backup", err, logFolder(path))
	case errors.Is(err, errNoSegment):
		return fmt.Errorf("%w: put it back into %s, it holds what was acknowledged last; or restore the newest backup", err, logFolder(path))
	case errors.Is(err, errStray):
		return fmt.Errorf("%w: if this file was put here on purpose, move %s away first", err, logFolder(path))
	case errors.Is(err, errForeign):
		return fmt.Errorf("%w: choose another file for the journal", err)
	case errors.Is(err, journal.ErrCorrupt):
		return fmt.Errorf("%w: restore the newest backup into a new file", err)
	case errors.Is(err, fs.ErrNotExist) && isFolder(dir):
		return fmt.Errorf("there is no such file: check its name: %w", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the folder %s does not exist: create it, or choose another: %w", dir, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the file or the folder %s may not be written: give the user that runs this program the right to: %w", dir, err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("the folder %s is on a file system mounted read-only: choose another: %w", dir, err)
	case errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("a folder stands where the file should be, or a file where a folder should: choose another path: %w", err)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("the disk is full: free some space: %w", err)
	}
	switch classify(err) {
	case full:
		return fmt.Errorf("the disk is full: free some space: %w", err)
	case damaged:
		return fmt.Errorf("it is no Dashwire journal, or a damaged one: choose another file, or restore the newest backup: %w", err)
	case busy:
		return fmt.Errorf("another program keeps the file locked: end it: %w", err)
	}
	return err
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

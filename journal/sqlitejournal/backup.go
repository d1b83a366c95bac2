package sqlitejournal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"modernc.org/sqlite"
)

// backupPages is how many pages are copied between two looks at the context.
const backupPages = 256

// Backup writes a copy of the file to a new file at toPath: one consistent state,
// all of it checked before the file gets its name. Appending goes on meanwhile;
// the write-ahead log grows by what is written until the copy is done. progress,
// if not nil, hears how many pages are copied of how many.
func (j *Journal) Backup(ctx context.Context, toPath string, progress func(done, total int)) error {
	err := j.backup(ctx, toPath, progress)
	if err != nil {
		return fmt.Errorf("back up journal %s to %s: %w", j.path, toPath, err)
	}
	return nil
}

func (j *Journal) backup(ctx context.Context, toPath string, progress func(done, total int)) (err error) {
	if toPath, err = filepath.Abs(toPath); err != nil {
		return err
	}
	tmp := toPath + ".tmp"
	if err := newFile(toPath); err != nil {
		return err
	}
	if err := copyFile(ctx, j.path, tmp, j.opts, progress); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp))
		}
	}()
	if err := verifyFile(ctx, tmp, j.opts); err != nil {
		return err
	}
	return publishFile(tmp, toPath)
}

// newFile refuses a path where something stands already.
func newFile(path string) error {
	for _, p := range []string{path, path + "-wal", logFolder(path)} {
		if at, err := os.Lstat(p); err == nil && at.IsDir() && p == path {
			return fmt.Errorf("%s is a folder: name a file in it", p)
		} else if err == nil {
			return fmt.Errorf("%s exists: remove it or choose another name", p)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// copyFile copies one state of a journal, used by a server or not, into tmp, which is then
// a plain file, fsync'ed, that holds all by itself and has the format of today. After an error
// there is no tmp, unless it was there before.
func copyFile(ctx context.Context, from, tmp string, opts Options, progress func(done, total int)) (err error) {
	// Exclusively made, so that two copies never write into one file.
	f, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists, another copy is being made or was interrupted: remove it", tmp)
	}
	if err != nil {
		return openAdvice(tmp, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp))
			_ = os.Remove(tmp + "-journal") // there if the disk became full
		}
	}()
	if err := f.Close(); err != nil {
		return err
	}
	src, unspread, err := newJournal(from, opts).view(ctx)
	old := errors.Is(err, errOld)
	if old {
		src, err = beginView(ctx, from, true)
	}
	if err != nil {
		return openAdvice(from, err)
	}
	err = copyPages(ctx, src, tmp, progress)
	if err = errors.Join(err, src.close()); err != nil {
		return openAdvice(tmp, err)
	}
	// Without write-ahead logging a copy is one file until it is opened as a journal.
	c, err := openConn(tmp, readWrite, false)
	if err != nil {
		return err
	}
	err = c.exec(ctx, "PRAGMA journal_mode = DELETE")
	switch {
	case err != nil:
	case old:
		err = upgrade(ctx, c)
	default:
		err = unspread.complete(ctx, c)
	}
	if err = errors.Join(err, c.close()); err != nil {
		return err
	}
	return syncFile(tmp)
}

// complete spreads everything held into a copy of the tables, which then needs no commit log.
func (w *writer) complete(ctx context.Context, c *conn) error {
	into := newTables(w.j)
	return inTransaction(ctx, c, func() error {
		for _, t := range w.j.tails.byID {
			if t.problem != nil {
				return fmt.Errorf("%s: %w", t.id, t.problem)
			}
			var job job
			if err := w.number(&job, t); err != nil {
				return err
			}
			for _, r := range job.rows {
				if err := insertRow(ctx, c, r); err != nil {
					return err
				}
			}
			if err := into.spreadPart(ctx, c, t.part(len(t.records))); err != nil {
				return err
			}
		}
		if err := writeMeta(ctx, c, "spread", strconv.FormatUint(w.spread, 10)); err != nil {
			return err
		}
		return writeMeta(ctx, c, "log", logClosed)
	})
}

func copyPages(ctx context.Context, src *conn, tmp string, progress func(done, total int)) error {
	source, ok := src.raw.(interface {
		NewBackup(uri string) (*sqlite.Backup, error)
	})
	if !ok {
		return errors.New("the SQLite driver has no backup")
	}
	b, err := source.NewBackup(fileURI(tmp, nil))
	if err != nil {
		return err
	}
	for more := true; more && err == nil; {
		if err = ctx.Err(); err == nil {
			more, err = b.Step(backupPages)
		}
		if err == nil && progress != nil {
			progress(b.PageCount()-b.Remaining(), b.PageCount())
		}
	}
	if finished := b.Finish(); err == nil { // after a failed step it says the same again
		err = finished
	}
	return err
}

// verifyFile checks a copy and fails on any damage.
func verifyFile(ctx context.Context, path string, opts Options) error {
	j, err := OpenReadOnly(path, opts)
	if err != nil {
		return err
	}
	report, err := j.Check(ctx, nil)
	err = errors.Join(err, j.Close())
	for i, d := range report.Damage {
		if i == 10 {
			err = errors.Join(err, fmt.Errorf("and %d more", len(report.Damage)-i))
			break
		}
		err = errors.Join(err, d.Err)
	}
	return err
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// publishFile gives a finished file its name, unless that is taken.
func publishFile(tmp, path string) error {
	if err := newFile(path); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

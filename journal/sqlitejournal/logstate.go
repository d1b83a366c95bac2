package sqlitejournal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/dashwire/dashwire/internal/commitlog"
	"github.com/dashwire/dashwire/journal"
)

// The commit log lies in a folder beside the file while a server has it open, and after a
// crash. Close spreads everything and removes it: then the file holds all by itself. meta tells
// which of the two it is, so that a file without the folder that belongs to it is not
// taken for whole.

// logFolder is where the commit log of a file lies.
func logFolder(path string) string { return path + "-log" }

// readLogState reads the last commit that is all in chunks, where the log's newest segment
// begins as far as that was noted, and whether there is a log.
func readLogState(ctx context.Context, c *conn) (spread, newest uint64, state string, err error) {
	text, err := readMeta(ctx, c, "spread")
	if err != nil {
		return 0, 0, "", err
	}
	if spread, err = strconv.ParseUint(text, 10, 62); err != nil {
		return 0, 0, "", fmt.Errorf("%w: meta says that %q commits are spread", journal.ErrCorrupt, text)
	}
	if text, err = readMeta(ctx, c, "newest"); err != nil {
		return 0, 0, "", err
	}
	if text != "" { // files of before know nothing of it
		if newest, err = strconv.ParseUint(text, 10, 62); err != nil {
			return 0, 0, "", fmt.Errorf("%w: meta says that the commit log's newest file begins with commit %q", journal.ErrCorrupt, text)
		}
	}
	if state, err = readMeta(ctx, c, "log"); err != nil {
		return 0, 0, "", err
	}
	if state != logOpen && state != logClosed {
		return 0, 0, "", fmt.Errorf("%w: meta says that the commit log is %q", journal.ErrCorrupt, state)
	}
	return spread, newest, state, nil
}

// checkStray reports a commit log beside a file that needs none and does not hold what is in
// it: a file was put in the place of another.
func checkStray(dir, instance string, spread uint64) error {
	err := commitlog.Read(dir, instance, spread, 0, func(commitlog.Commit) error { return errStray })
	if err != nil {
		return fmt.Errorf("%w: %w", errStray, err)
	}
	return nil
}

// logError gives what a commit log that cannot be read means.
func logError(err error) error {
	switch {
	case errors.Is(err, commitlog.ErrForeign):
		return fmt.Errorf("%w: %w", errStray, err)
	case errors.Is(err, commitlog.ErrMissing):
		return fmt.Errorf("%w: %w", errNoSegment, err)
	case errors.Is(err, commitlog.ErrDamaged):
		return fmt.Errorf("%w: %w", journal.ErrCorrupt, err)
	}
	return err
}

// openedLog makes durable that there is a log from now on.
func (w *writer) openedLog(ctx context.Context, c *conn) error {
	if err := syncDir(filepath.Dir(w.j.path)); err != nil {
		return err
	}
	if err := writeNewest(ctx, c, 0); err != nil { // of the log before
		return err
	}
	if err := writeMeta(ctx, c, "log", logOpen); err != nil {
		return err
	}
	return syncFile(w.j.path + "-wal")
}

// noteNewest makes durable where the commit log's newest segment begins, if a commit has just
// begun one and before it is told to anybody: that the newest file was lost shows by nothing
// else (A1). A full disk, or a reader that holds the file for long, leaves it for the next commit.
func (w *writer) noteNewest(ctx context.Context) error {
	newest := w.log.Newest()
	if newest == w.newest {
		return nil
	}
	w.tables.awaited.Store(true) // which may be in the middle of a transaction
	err := writeNewest(ctx, w.j.handle.finder, newest)
	w.tables.awaited.Store(false)
	if err == nil {
		err = w.wal.sync(w.j.path)
	}
	switch classify(err) {
	case noFailure:
		w.newest, w.unnoted = newest, false
	case full, busy:
		if !w.unnoted {
			w.unnoted = true
			w.j.log.Warn("which file of the commit log is the newest could not be noted; if it were lost now, that would not show",
				"path", w.j.path, "error", writeError(err))
		}
	default:
		return err
	}
	return nil
}

// writeNewest also makes the row, which files of before have not.
func writeNewest(ctx context.Context, c *conn, newest uint64) error {
	const sql = "INSERT INTO meta (name, value) VALUES ('newest', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
	return c.exec(ctx, sql, strconv.FormatUint(newest, 10))
}

// closeLog removes the commit log if everything in it is in the tables.
func (w *writer) closeLog(ctx context.Context) error {
	j := w.j
	if j.handle == nil || w.log == nil || w.batch.active || w.keepCommits || j.tails.size() > 0 {
		return nil
	}
	c := j.handle.writer
	if err := writeMeta(ctx, c, "log", logClosed); err != nil {
		return err
	}
	if err := w.wal.sync(j.path); err != nil {
		return err
	}
	if err := w.log.Close(); err != nil {
		return err
	}
	w.log = nil
	return commitlog.Remove(logFolder(j.path))
}

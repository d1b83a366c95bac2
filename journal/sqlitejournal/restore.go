package sqlitejournal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dashwire/dashwire/internal/commitlog"
	"github.com/dashwire/dashwire/journal"
)

// Restore makes a new journal at toPath from a backup. A restored dashboard must
// begin a new epoch (R1): clients may have seen entries that the backup does not
// hold, so rewrite is called for every dashboard and appends what begins it,
// reading from the journal whatever it needs. The new file gets its name when all
// has been appended; until then, and after an error, there is none.
func Restore(ctx context.Context, backupPath, toPath string, opts Options,
	rewrite func(ctx context.Context, j journal.Journal, d journal.Info) error,
) error {
	if err := restore(ctx, backupPath, toPath, opts, rewrite); err != nil {
		return fmt.Errorf("restore journal %s from %s: %w", toPath, backupPath, err)
	}
	return nil
}

func restore(ctx context.Context, backupPath, toPath string, opts Options,
	rewrite func(ctx context.Context, j journal.Journal, d journal.Info) error,
) (err error) {
	if opts, err = opts.validate(); err != nil {
		return err
	}
	if backupPath, err = filepath.Abs(backupPath); err != nil {
		return err
	}
	if at, err := os.Stat(backupPath); err != nil {
		return openAdvice(backupPath, err)
	} else if at.IsDir() {
		return fmt.Errorf("%s is a folder: choose the file in it", backupPath)
	}
	if toPath, err = filepath.Abs(toPath); err != nil {
		return err
	}
	if err := newFile(toPath); err != nil {
		return err
	}
	tmp := toPath + ".tmp"
	if err := copyFile(ctx, backupPath, tmp, opts, nil); err != nil {
		return err
	}
	defer func() {
		_ = os.Remove(tmp + "-lock") // empty of meaning once closed
		if err != nil {
			err = errors.Join(err, os.Remove(tmp))
			_ = os.Remove(tmp + "-wal") // there only if closing failed
			_ = os.Remove(tmp + "-shm")
			_ = commitlog.Remove(logFolder(tmp))
		}
	}()
	if err := rename(ctx, tmp); err != nil {
		return err
	}
	j, err := Open(tmp, opts)
	if err != nil {
		return err
	}
	if err := errors.Join(rewriteAll(ctx, j, rewrite), j.Close()); err != nil {
		return err
	}
	for _, rest := range []string{tmp + "-wal", logFolder(tmp)} {
		if err := newFile(rest); err != nil {
			return fmt.Errorf("the new file could not be closed: %w", err)
		}
	}
	if err := syncFile(tmp); err != nil {
		return err
	}
	return publishFile(tmp, toPath)
}

// rename makes a copy another instance than what it was copied from.
func rename(ctx context.Context, path string) error {
	c, err := openConn(path, readWrite, false)
	if err != nil {
		return err
	}
	return errors.Join(writeMeta(ctx, c, "instance", rand.Text()), c.close())
}

func rewriteAll(ctx context.Context, j *Journal, rewrite func(context.Context, journal.Journal, journal.Info) error) error {
	for d, err := range journal.All(ctx, j) {
		if err != nil {
			return err
		}
		if err := rewrite(ctx, j, d); err != nil {
			return fmt.Errorf("dashboard %s: %w", d.DashboardID, err)
		}
	}
	return nil
}

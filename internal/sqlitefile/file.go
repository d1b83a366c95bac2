// Package sqlitefile opens the small SQLite files beside the journal's: what webhooks and
// revocations must remember. One process has such a file, over one connection. It is not
// for the journal, which has its own ways.
package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite" // registers the driver
	sqlite3 "modernc.org/sqlite/lib"
)

// Kind says what a file holds.
type Kind struct {
	// Name is what errors call it: "webhook store".
	Name string
	// ApplicationID marks a file as one of these, Format is the number of its tables.
	ApplicationID, Format int64
	// Schema makes the tables.
	Schema string
	// Synced has each commit survive a power cut. Else it survives the end of the process,
	// and a power cut takes the file back to how it was some moments before.
	Synced bool
	// Otherwise is what becomes of things without the file, for advice.
	Otherwise string
}

// File is one that is open.
type File struct {
	*sql.DB
	path string
	kind Kind
	info fs.FileInfo
}

// Open opens the file at path, making it if there is none, for its owner alone. Its errors
// say what to do. Beside the file lies path-wal, which belongs to it.
func Open(ctx context.Context, path string, k Kind) (*File, error) {
	f, err := k.open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open %s %s: %w", k.Name, path, k.advice(path, err))
	}
	return f, nil
}

// InPlace reports an error if the path no longer leads to the file: what is written to one that
// was removed is gone with the process. It is asked before what must not be lost is written.
func (f *File) InPlace() error {
	now, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(f.info, now) {
		return fmt.Errorf("the file %s was removed or replaced while it is open: put the same file back, or restart the server; then %s", f.path, f.kind.Otherwise)
	}
	return nil // what else may be wrong shows when writing
}

var (
	errForeign = errors.New("the file is something else")
	errFormat  = errors.New("the file was written by a newer version of Dashwire")
)

func (k Kind) open(ctx context.Context, path string) (file *File, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	// Made here, so that its rights are ours, and errors are in the system's words.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	synchronous := "synchronous(NORMAL)"
	if k.Synced {
		synchronous = "synchronous(FULL)"
	}
	u := url.URL{Path: filepath.ToSlash(path), RawQuery: url.Values{
		"mode": {"rw"}, "_txlock": {"immediate"},
		// The lock is held from the first access on, so that a second process is refused.
		"_pragma": {
			"locking_mode(EXCLUSIVE)", "busy_timeout(1000)", "trusted_schema(0)", "cell_size_check(1)",
			"temp_store(2)", synchronous,
		},
	}.Encode()}
	if !strings.HasPrefix(u.Path, "/") {
		u.Path = "/" + u.Path // a Windows drive
	}
	db, err := sql.Open("sqlite", "file:"+u.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // the lock belongs to a connection
	if err := k.prepare(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &File{db, path, k, info}, nil
}

// prepare gives an empty file its tables and refuses one that is not ours.
func (k Kind) prepare(ctx context.Context, db *sql.DB) error {
	var objects, id, version int64
	for query, into := range map[string]*int64{
		"SELECT count(*) FROM sqlite_schema": &objects, "PRAGMA application_id": &id, "PRAGMA user_version": &version,
	} {
		if err := db.QueryRowContext(ctx, query).Scan(into); err != nil {
			return err
		}
	}
	switch {
	case objects == 0 && id == 0:
		if _, err := db.ExecContext(ctx, "PRAGMA journal_mode = WAL"); err != nil {
			return err
		}
		_, err := db.ExecContext(ctx, fmt.Sprintf("BEGIN IMMEDIATE; %s PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
			k.Schema, k.ApplicationID, k.Format))
		return err
	case id != k.ApplicationID:
		return errForeign
	case version > k.Format:
		return errFormat
	}
	// A write takes the lock now rather than with the first message.
	_, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
	return err
}

// advice puts what an operator can do into the error of Open.
func (k Kind) advice(path string, err error) error {
	var code *sqlite.Error
	switch {
	case errors.Is(err, errForeign):
		return fmt.Errorf("%w and no %s: choose another file", err, k.Name)
	case errors.Is(err, errFormat):
		return fmt.Errorf("%w: start that version", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the folder %s does not exist: create it, or choose another: %w", filepath.Dir(path), err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the file or its folder may not be written: give the user that runs this program the right to: %w", err)
	case errors.As(err, &code):
		switch code.Code() & 0xff {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			return fmt.Errorf("another process has it open: stop that one first: %w", err)
		case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
			return fmt.Errorf("it is no %s, or a damaged one: move it away, and %s: %w", k.Name, k.Otherwise, err)
		case sqlite3.SQLITE_FULL:
			return fmt.Errorf("the disk is full: free some space: %w", err)
		}
	}
	return err
}

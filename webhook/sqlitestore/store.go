package sqlitestore

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

	"github.com/dashwire/dashwire/webhook"
)

// applicationID marks the file as ours ("Dwhk"), format is the number of its tables.
const (
	applicationID = 0x4477686b
	format        = 1
)

const schema = `
CREATE TABLE targets (
  name TEXT PRIMARY KEY, dashboards TEXT NOT NULL, address TEXT NOT NULL,
  since INTEGER NOT NULL, unused INTEGER NOT NULL, disabled INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE cursors (
  target TEXT NOT NULL, dashboard TEXT NOT NULL,
  position INTEGER NOT NULL, epoch TEXT NOT NULL, version INTEGER NOT NULL, sum INTEGER NOT NULL,
  through INTEGER NOT NULL, attempts INTEGER NOT NULL, first_at INTEGER NOT NULL, next_at INTEGER NOT NULL,
  since INTEGER NOT NULL, status INTEGER NOT NULL, error TEXT NOT NULL,
  PRIMARY KEY (target, dashboard)
) WITHOUT ROWID;
CREATE INDEX retries ON cursors (target, next_at) WHERE next_at > 0;
CREATE TABLE dead (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  target TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, dashboard TEXT NOT NULL,
  epoch TEXT NOT NULL, after INTEGER NOT NULL, version INTEGER NOT NULL,
  attempts INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
  status INTEGER NOT NULL, error TEXT NOT NULL, requested INTEGER NOT NULL, body BLOB NOT NULL,
  UNIQUE (target, id)
);
CREATE INDEX requested ON dead (target, number) WHERE requested = 1;
`

// Store is a webhook.Store in one file.
type Store struct{ db *sql.DB }

var _ webhook.Store = (*Store)(nil)

// Open opens the file at path, making it if there is none. Its errors say what to do.
// Beside the file lies path-wal, which belongs to it.
func Open(ctx context.Context, path string) (*Store, error) {
	s, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open webhook store %s: %w", path, advice(path, err))
	}
	return s, nil
}

var (
	errForeign = errors.New("the file is no webhook store")
	errFormat  = errors.New("the file was written by a newer version of Dashwire")
)

func open(ctx context.Context, path string) (s *Store, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	// Made here, so that its rights are ours, and errors are in the system's words.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	u := url.URL{Path: filepath.ToSlash(path), RawQuery: url.Values{
		"mode": {"rw"}, "_txlock": {"immediate"},
		// The lock is held from the first access on, so that a second process is refused.
		"_pragma": {
			"locking_mode(EXCLUSIVE)", "busy_timeout(1000)", "trusted_schema(0)", "cell_size_check(1)",
			"temp_store(2)", "synchronous(NORMAL)",
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
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	if err := prepare(ctx, db); err != nil {
		return nil, err
	}
	return &Store{db}, nil
}

// prepare gives an empty file its tables and refuses one that is not ours.
func prepare(ctx context.Context, db *sql.DB) error {
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
			schema, applicationID, format))
		return err
	case id != applicationID:
		return errForeign
	case version > format:
		return errFormat
	}
	// A write takes the lock now rather than with the first message.
	_, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
	return err
}

// Close gives the file back. Calls that are under way are waited for.
func (s *Store) Close() error { return s.db.Close() }

// advice puts what an operator can do into the error of Open.
func advice(path string, err error) error {
	var code *sqlite.Error
	switch {
	case errors.Is(err, errForeign):
		return fmt.Errorf("%w: choose another file", err)
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
			return fmt.Errorf("it is no webhook store, or a damaged one: move it away, and targets begin anew: %w", err)
		case sqlite3.SQLITE_FULL:
			return fmt.Errorf("the disk is full: free some space: %w", err)
		}
	}
	return err
}

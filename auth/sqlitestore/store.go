// Package sqlitestore keeps in one SQLite file, beside the journal's, what signing in must
// remember over a restart: which credentials were taken back ([auth.RevocationStore]), and
// since when keys of signed requests are known.
//
// Each write is on the disk when it returns. No second process can open the file.
package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/sqlitefile"
)

// kind is what the file is: its id says "Drev". Instants are Unix milliseconds.
var kind = sqlitefile.Kind{
	Name: "store of revocations", ApplicationID: 0x44726576, Format: 1, Synced: true,
	Otherwise: "revoke again what was revoked: without the file it counts once more until it ends",
	Schema: `
CREATE TABLE revocations (
  kind TEXT NOT NULL CHECK (kind IN ('user', 'token')), name TEXT NOT NULL,
  at INTEGER NOT NULL, ends INTEGER NOT NULL, -- 0 = not known
  PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE TABLE keys (name TEXT PRIMARY KEY, seen INTEGER NOT NULL) WITHOUT ROWID;
`,
}

// Store is an auth.RevocationStore in one file.
type Store struct{ db *sqlitefile.File }

var _ auth.RevocationStore = (*Store)(nil)

// Open opens the file at path, making it if there is none. Its errors say what to do.
// Beside the file lies path-wal, which belongs to it.
func Open(ctx context.Context, path string) (*Store, error) {
	db, err := sqlitefile.Open(ctx, path, kind)
	if err != nil {
		return nil, err
	}
	return &Store{db}, nil
}

// Close gives the file back. Calls that are under way are waited for.
func (s *Store) Close() error { return s.db.Close() }

const (
	ofUser  = "user"
	ofToken = "token"
)

// Revocations implements auth.RevocationStore.
func (s *Store) Revocations(ctx context.Context) ([]auth.Revocation, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT kind, name, at, ends FROM revocations")
	if err != nil {
		return nil, fmt.Errorf("reading revocations: %w", err)
	}
	defer rows.Close()
	var all []auth.Revocation
	for rows.Next() {
		var of, name string
		var at, ends int64
		if err := rows.Scan(&of, &name, &at, &ends); err != nil {
			return nil, fmt.Errorf("reading a revocation: %w", err)
		}
		r := auth.Revocation{At: instant(at), Ends: instant(ends)}
		if of == ofUser {
			r.UserID = name
		} else {
			r.TokenID = name
		}
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading revocations: %w", err)
	}
	return all, nil
}

// Revoke implements auth.RevocationStore.
func (s *Store) Revoke(ctx context.Context, list ...auth.Revocation) (err error) {
	if len(list) == 0 {
		return nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("storing what was revoked: %w", err)
		}
	}()
	if err := s.db.InPlace(); err != nil {
		return err
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	put, err := tx.PrepareContext(ctx, `INSERT INTO revocations (kind, name, at, ends) VALUES (?, ?, ?, ?)
		ON CONFLICT (kind, name) DO UPDATE SET at = max(at, excluded.at), ends = max(ends, excluded.ends)`)
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	defer put.Close()
	for _, r := range list {
		of, name := ofUser, r.UserID
		if r.TokenID != "" {
			of, name = ofToken, r.TokenID
		}
		if _, err := put.ExecContext(ctx, of, name, millis(r.At), millis(r.Ends)); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

// Expire implements auth.RevocationStore.
func (s *Store) Expire(ctx context.Context, before time.Time) (int, error) {
	res, err := s.db.ExecContext(ctx, "DELETE FROM revocations WHERE ends > 0 AND ends < ?", millis(before))
	if err != nil {
		return 0, fmt.Errorf("forgetting revocations: %w", err)
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// KeySeen gives the instant since when a key is known: that of the first call with this
// name, which tells one key from all others, whatever becomes of it in between.
func (s *Store) KeySeen(ctx context.Context, name string, now time.Time) (time.Time, error) {
	if err := s.db.InPlace(); err != nil {
		return time.Time{}, fmt.Errorf("remembering a key: %w", err)
	}
	if _, err := s.db.ExecContext(ctx, "INSERT OR IGNORE INTO keys (name, seen) VALUES (?, ?)", name, millis(now)); err != nil {
		return time.Time{}, fmt.Errorf("remembering a key: %w", err)
	}
	var seen int64
	if err := s.db.QueryRowContext(ctx, "SELECT seen FROM keys WHERE name = ?", name).Scan(&seen); err != nil {
		return time.Time{}, fmt.Errorf("reading since when a key is known: %w", err)
	}
	return instant(seen), nil
}

// millis is how an instant is stored: rounded up, so that a revocation loses no token and is
// not forgotten too early; 0 = none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Add(time.Millisecond - 1).UnixMilli()
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

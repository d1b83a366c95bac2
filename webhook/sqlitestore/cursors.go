package sqlitestore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dashwire/dashwire/webhook"
)

// millis is how times are stored; 0 = none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// Registrations implements webhook.Store.
func (s *Store) Registrations(ctx context.Context) ([]webhook.Registration, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT name, dashboards, address, since, unused, disabled FROM targets ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("reading the webhook targets: %w", err)
	}
	defer rows.Close()
	var all []webhook.Registration
	for rows.Next() {
		var r webhook.Registration
		var dashboards []byte
		var since, unused, disabled int64
		if err := rows.Scan(&r.Name, &dashboards, &r.Address, &since, &unused, &disabled); err != nil {
			return nil, fmt.Errorf("reading a webhook target: %w", err)
		}
		if err := json.Unmarshal(dashboards, &r.Dashboards); err != nil {
			return nil, fmt.Errorf("reading the webhook target %s: %w", r.Name, err)
		}
		r.Since, r.Unused, r.Disabled = instant(since), instant(unused), instant(disabled)
		all = append(all, r)
	}
	return all, rows.Err()
}

// Register implements webhook.Store.
func (s *Store) Register(ctx context.Context, r webhook.Registration) error {
	dashboards, err := json.Marshal(r.Dashboards)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, "INSERT OR REPLACE INTO targets (name, dashboards, address, since, unused, disabled) VALUES (?,?,?,?,?,?)",
		r.Name, string(dashboards), r.Address, millis(r.Since), millis(r.Unused), millis(r.Disabled))
	if err != nil {
		return fmt.Errorf("storing the webhook target %s: %w", r.Name, err)
	}
	return nil
}

// Forget implements webhook.Store.
func (s *Store) Forget(ctx context.Context, target string) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		for _, statement := range []string{
			"DELETE FROM cursors WHERE target = ?", "DELETE FROM dead WHERE target = ?", "DELETE FROM targets WHERE name = ?",
		} {
			if _, err := tx.ExecContext(ctx, statement, target); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) transact(ctx context.Context, fn func(*sql.Tx) error) (err error) {
	if err := s.db.InPlace(); err != nil {
		return fmt.Errorf("writing to the webhook store: %w", err)
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("writing to the webhook store: %w", err)
	}
	if err := fn(tx); err != nil {
		return fmt.Errorf("writing to the webhook store: %w", errors.Join(err, tx.Rollback()))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("writing to the webhook store: %w", err)
	}
	return nil
}

const cursorColumns = "target, dashboard, position, epoch, version, sum, through, attempts, first_at, next_at, since, status, error"

func scanCursor(row interface{ Scan(...any) error }) (webhook.Cursor, error) {
	var c webhook.Cursor
	var first, next, since int64
	err := row.Scan(&c.Target, &c.DashboardID, &c.Position, &c.Epoch, &c.Version, &c.Sum, &c.Through, &c.Attempts,
		&first, &next, &since, &c.Status, &c.Error)
	c.FirstAttempt, c.NextAttempt, c.Since = instant(first), instant(next), instant(since)
	return c, err
}

// Cursor implements webhook.Store.
func (s *Store) Cursor(ctx context.Context, target, dashboardID string) (webhook.Cursor, error) {
	c, err := scanCursor(s.db.QueryRowContext(ctx, "SELECT "+cursorColumns+" FROM cursors WHERE target = ? AND dashboard = ?", target, dashboardID))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return webhook.Cursor{Target: target, DashboardID: dashboardID}, nil
	case err != nil:
		return c, fmt.Errorf("reading a webhook cursor: %w", err)
	}
	return c, nil
}

// Cursors implements webhook.Store.
func (s *Store) Cursors(ctx context.Context, target, afterID string, limit int) ([]webhook.Cursor, error) {
	return s.cursors(ctx, "SELECT "+cursorColumns+" FROM cursors WHERE target = ? AND dashboard > ? ORDER BY dashboard LIMIT ?", target, afterID, limit)
}

// Retries implements webhook.Store.
func (s *Store) Retries(ctx context.Context, target string, limit int) ([]webhook.Cursor, error) {
	return s.cursors(ctx, "SELECT "+cursorColumns+" FROM cursors WHERE target = ? AND next_at > 0 ORDER BY next_at LIMIT ?", target, limit)
}

func (s *Store) cursors(ctx context.Context, query string, args ...any) ([]webhook.Cursor, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("reading webhook cursors: %w", err)
	}
	defer rows.Close()
	var all []webhook.Cursor
	for rows.Next() {
		c, err := scanCursor(rows)
		if err != nil {
			return nil, fmt.Errorf("reading a webhook cursor: %w", err)
		}
		all = append(all, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading webhook cursors: %w", err)
	}
	return all, nil
}

// Waiting implements webhook.Store.
func (s *Store) Waiting(ctx context.Context, target string) (int, time.Time, error) {
	var n int
	var oldest sql.NullInt64
	err := s.db.QueryRowContext(ctx, "SELECT count(*), min(CASE WHEN since > 0 THEN since END) FROM cursors WHERE target = ? AND next_at > 0", target).Scan(&n, &oldest)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("counting webhook cursors: %w", err)
	}
	return n, instant(oldest.Int64), nil
}

// Hasten implements webhook.Store.
func (s *Store) Hasten(ctx context.Context, target string, to time.Time) error {
	_, err := s.db.ExecContext(ctx, "UPDATE cursors SET next_at = ? WHERE target = ? AND next_at > ?", millis(to), target, millis(to))
	if err != nil {
		return fmt.Errorf("writing webhook cursors: %w", err)
	}
	return nil
}

// Save implements webhook.Store.
func (s *Store) Save(ctx context.Context, cursors []webhook.Cursor, dead []webhook.DeadLetter) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		put, err := tx.PrepareContext(ctx, "INSERT OR REPLACE INTO cursors ("+cursorColumns+") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)")
		if err != nil {
			return err
		}
		defer put.Close()
		for i := range cursors {
			c := &cursors[i]
			_, err := put.ExecContext(ctx, c.Target, c.DashboardID, int64(c.Position), c.Epoch, int64(c.Version), c.Sum, int64(c.Through),
				c.Attempts, millis(c.FirstAttempt), millis(c.NextAttempt), millis(c.Since), c.Status, c.Error)
			if err != nil {
				return err
			}
		}
		for i := range dead {
			d := &dead[i]
			_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO dead
				(target, id, type, dashboard, epoch, after, version, attempts, first_at, last_at, status, error, requested, body)
				VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`, d.Target, d.ID, string(d.Type), d.DashboardID, d.Epoch, int64(d.After), int64(d.Version),
				d.Attempts, millis(d.FirstAttempt), millis(d.LastAttempt), d.Status, d.Error, d.Requested, d.Body)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

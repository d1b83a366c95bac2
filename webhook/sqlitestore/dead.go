package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/dashwire/dashwire/webhook"
)

const deadColumns = `number, target, id, type, dashboard, epoch, after, version, attempts, first_at, last_at,
	status, error, requested, length(body)`

func scanDead(row interface{ Scan(...any) error }, more ...any) (webhook.DeadLetter, error) {
	var d webhook.DeadLetter
	var first, last int64
	err := row.Scan(append([]any{
		&d.Number, &d.Target, &d.ID, &d.Type, &d.DashboardID, &d.Epoch, &d.After, &d.Version,
		&d.Attempts, &first, &last, &d.Status, &d.Error, &d.Requested, &d.Size,
	}, more...)...)
	d.FirstAttempt, d.LastAttempt = instant(first), instant(last)
	return d, err
}

// Dead implements webhook.Store.
func (s *Store) Dead(ctx context.Context, target string, after int64, limit int) ([]webhook.DeadLetter, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+deadColumns+" FROM dead WHERE target = ? AND number > ? ORDER BY number LIMIT ?", target, after, limit)
	if err != nil {
		return nil, fmt.Errorf("reading dead letters: %w", err)
	}
	defer rows.Close()
	var all []webhook.DeadLetter
	for rows.Next() {
		d, err := scanDead(rows)
		if err != nil {
			return nil, fmt.Errorf("reading a dead letter: %w", err)
		}
		all = append(all, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading dead letters: %w", err)
	}
	return all, nil
}

// DeadLetter implements webhook.Store.
func (s *Store) DeadLetter(ctx context.Context, target, id string) (webhook.DeadLetter, bool, error) {
	return s.whole(ctx, "target = ? AND id = ?", target, id)
}

// NextRequested implements webhook.Store.
func (s *Store) NextRequested(ctx context.Context, target string) (webhook.DeadLetter, bool, error) {
	return s.whole(ctx, "target = ? AND requested = 1 ORDER BY number LIMIT 1", target)
}

func (s *Store) whole(ctx context.Context, where string, args ...any) (webhook.DeadLetter, bool, error) {
	var body []byte
	d, err := scanDead(s.db.QueryRowContext(ctx, "SELECT "+deadColumns+", body FROM dead WHERE "+where, args...), &body)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return webhook.DeadLetter{}, false, nil
	case err != nil:
		return d, false, fmt.Errorf("reading a dead letter: %w", err)
	}
	d.Body = body
	return d, true, nil
}

// CountDead implements webhook.Store.
func (s *Store) CountDead(ctx context.Context, target string) (n int, err error) {
	if err := s.db.QueryRowContext(ctx, "SELECT count(*) FROM dead WHERE target = ?", target).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting dead letters: %w", err)
	}
	return n, nil
}

// RequestRetry implements webhook.Store.
func (s *Store) RequestRetry(ctx context.Context, target, id string) (int, error) {
	n, err := s.change(ctx, "UPDATE dead SET requested = 1 WHERE target = ? AND (? = '' OR id = ?)", target, id, id)
	return int(n), err
}

// DeleteDead implements webhook.Store.
func (s *Store) DeleteDead(ctx context.Context, target, id string) (bool, error) {
	n, err := s.change(ctx, "DELETE FROM dead WHERE target = ? AND id = ?", target, id)
	return n > 0, err
}

// TrimDead implements webhook.Store.
func (s *Store) TrimDead(ctx context.Context, target string, count int, bytes int64, before time.Time) (int, error) {
	n, err := s.change(ctx, `DELETE FROM dead WHERE target = ?1 AND (last_at < ?2 OR number IN (
		SELECT number FROM (
			SELECT number, row_number() OVER newest AS place, sum(length(body)) OVER newest AS total
			FROM dead WHERE target = ?1 WINDOW newest AS (ORDER BY number DESC)
		) WHERE place > ?3 OR total > ?4))`, target, millis(before), count, bytes)
	return int(n), err
}

func (s *Store) change(ctx context.Context, statement string, args ...any) (int64, error) {
	res, err := s.db.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, fmt.Errorf("writing dead letters: %w", err)
	}
	return res.RowsAffected()
}

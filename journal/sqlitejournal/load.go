package sqlitejournal

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/dashwire/dashwire/internal/commitlog"
	"github.com/dashwire/dashwire/journal"
)

// loadTail finds the end of a log in the tables, and that chunks agrees with
// dashboards on where it is.
func loadTail(ctx context.Context, c *conn, id string) (*tail, error) {
	r, err := readRow(ctx, c, id)
	if err != nil {
		return nil, err
	}
	t := &tail{id: id, key: r.key, head: r.head, next: r.head}
	if r.key == 0 {
		return t, nil
	}
	last := entryKey(r.key, r.trimmed) // one that begins there may have no records yet
	const sql = "SELECT key FROM chunks WHERE key <= ? ORDER BY key DESC LIMIT 1"
	err = c.query(ctx, sql, func(v []driver.Value) error {
		k, _ := v[0].(int64)
		last = max(last, k)
		return nil
	}, entryKey(r.key, maxPosition))
	if err != nil {
		return nil, err
	}
	if last != entryKey(r.key, r.head) {
		return nil, fmt.Errorf("%w: its log ends at %d, should end at %d", journal.ErrCorrupt, last-entryKey(r.key, 0), r.head)
	}
	return t, nil
}

// load fills the memory of a journal from the file and its commit log: what is not spread
// yet, and where numbering goes on. With write set, the log is opened for writing.
func (w *writer) load(ctx context.Context, c *conn, write bool) error {
	w.recent.clear()
	w.batch = batch{}
	w.released = 0
	w.keepCommits = false
	byID, err := w.loadCommits(ctx, c, write)
	if err != nil {
		return err
	}
	bytes := 0
	for _, t := range byID {
		t.next = t.head
		bytes += size(t.records)
		if t.damage != nil {
			w.keepCommits = true
			w.j.log.Error("a dashboard's log is damaged; restore it from a backup", "dashboard", t.id, "error", t.damage)
		}
	}
	if w.nextKey, err = readMax(ctx, c, "SELECT max(key) FROM dashboards"); err != nil {
		return err
	}
	w.nextKey++
	x := &w.j.tails
	x.mu.Lock()
	x.byID, x.bytes = byID, bytes
	x.mu.Unlock()
	return nil
}

func readMax(ctx context.Context, c *conn, sql string) (n int64, err error) {
	err = c.query(ctx, sql, func(v []driver.Value) error {
		n, _ = v[0].(int64) // NULL of an empty table
		return nil
	})
	return n, err
}

// loadCommits reads the commit log and returns the logs that have records in it which
// are not in chunks.
func (w *writer) loadCommits(ctx context.Context, c *conn, write bool) (map[string]*tail, error) {
	j := w.j
	spread, newest, state, err := readLogState(ctx, c)
	if err != nil {
		return nil, err
	}
	dir := logFolder(j.path)
	if state == logClosed {
		if err := checkStray(dir, j.instance, spread); err != nil {
			return nil, err
		}
		if !write {
			w.spread = spread
			return map[string]*tail{}, nil
		}
		if err := commitlog.Remove(dir); err != nil { // a crash has kept Close from it
			return nil, err
		}
	} else if there, err := commitlog.Exists(dir); err != nil || !there {
		return nil, errors.Join(err, errNoLog)
	}
	logs := make(map[string]*tail) // all that were met
	replay := func(commit commitlog.Commit) error { return w.loadCommit(ctx, c, logs, commit) }
	w.spread, w.newest = spread, newest
	if state == logClosed {
		w.newest = 0
	}
	if !write {
		err = commitlog.Read(dir, j.instance, spread, w.newest, func(commit commitlog.Commit) error {
			w.spread = commit.Sequence // in a copy, all of them are
			return replay(commit)
		})
	} else {
		opts := j.opts.tune.log
		opts.Newest = w.newest
		w.log, err = commitlog.Open(dir, j.instance, spread, opts, replay)
	}
	if err != nil {
		return nil, logError(err)
	}
	if write && state == logClosed {
		if err := w.openedLog(ctx, c); err != nil {
			return nil, err
		}
	}
	for id, t := range logs {
		if len(t.records) == 0 && t.damage == nil {
			delete(logs, id)
		}
	}
	return logs, nil
}

// loadCommit reads a commit that is not spread, or not all of it.
func (w *writer) loadCommit(ctx context.Context, c *conn, logs map[string]*tail, commit commitlog.Commit) error {
	appends, err := decodeCommit(commit.Payload, commit.Damaged)
	if err != nil {
		// Which dashboards lose their last records is not known: none may be served.
		return fmt.Errorf("%w: commit %d: %w", journal.ErrCorrupt, commit.Sequence, err)
	}
	for _, a := range appends {
		w.lastTime = max(w.lastTime, a.time)
		t := logs[a.id]
		if t == nil {
			if t, err = loadTail(ctx, c, a.id); err != nil {
				if k := classify(err); k != ours && k != damaged {
					return err
				}
				t = &tail{id: a.id}
				t.close(err)
			}
			logs[a.id] = t
		}
		t.load(a)
	}
	return nil
}

// close marks the log as damaged.
func (t *tail) close(err error) {
	if !errors.Is(err, journal.ErrCorrupt) {
		err = fmt.Errorf("%w: %w", journal.ErrCorrupt, err)
	}
	t.damage, t.problem = err, err
	t.records, t.summary = nil, nil
}

// load takes an append found in a commit, as far as it is not in chunks already.
func (t *tail) load(a committed) {
	last := a.first + journal.Position(len(a.records)) - 1
	switch {
	case t.damage != nil:
	case last <= t.head && len(t.records) == 0:
		// spread before
	case !a.whole:
		t.close(fmt.Errorf("records %d to %d fail their checksum", a.first, last))
	case a.first > t.head+1 || len(t.records) > 0 && a.first != t.head+1:
		t.close(fmt.Errorf("record %d comes after %d", a.first, t.head))
	default:
		for _, data := range a.records[t.head+1-a.first:] {
			t.records = append(t.records, stored{data: data, time: a.time})
		}
		t.head, t.time, t.summary = last, a.time, a.summary
	}
}

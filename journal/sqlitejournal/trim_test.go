package sqlitejournal

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// fill appends n records to a log and saves a snapshot after every hundred.
func fill(t *testing.T, j *Journal, id string, after journal.Position, n int) {
	t.Helper()
	for p := after; p < after+journal.Position(n); p += 100 {
		var records []string
		for i := range journal.Position(100) {
			records = append(records, fmt.Sprint(id, " ", p+i+1))
		}
		mustAppend(t, j, id, p, records...)
		s := journal.Snapshot{Position: p + 100, Data: fmt.Append(nil, "state at ", p+100)}
		if err := j.SaveSnapshot(t.Context(), id, s); err != nil {
			t.Fatal(err)
		}
	}
}

// oldest reads a log from every end of it and returns what it begins after.
func oldest(t *testing.T, j *Journal, id string, head journal.Position) journal.Position {
	t.Helper()
	trimmed, err := j.Oldest(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	p := trimmed
	for r, err := range j.Read(t.Context(), id, trimmed) {
		if p++; err != nil || r.Position != p || string(r.Data) != fmt.Sprint(id, " ", p) {
			t.Fatalf("read: got %d %q, %v; want record %d", r.Position, r.Data, err, p)
		}
	}
	if p != head {
		t.Fatalf("%s ends at %d, want %d", id, p, head)
	}
	if trimmed > 0 {
		for _, err := range j.Read(t.Context(), id, trimmed-1) {
			if !errors.Is(err, journal.ErrTrimmed) {
				t.Errorf("read after %d: got %v, want ErrTrimmed", trimmed-1, err)
			}
		}
		s, err := j.Snapshot(t.Context(), id, trimmed)
		if err != nil || s.Position != trimmed || string(s.Data) != fmt.Sprint("state at ", trimmed) {
			t.Errorf("snapshot at %d: got %d %q, %v", trimmed, s.Position, s.Data, err)
		}
		if _, err := j.Append(t.Context(), appendOf(id, 0, id+" 1")); !errors.Is(err, journal.ErrTrimmed) {
			t.Errorf("repeat of what was trimmed: got %v, want ErrTrimmed", err)
		}
	}
	return trimmed
}

func TestA5_Retention(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		name        string
		opts        Options
		keepAlways  int
		ops, net    journal.Position // trimmed up to; snapshots are at 900, 1900, … and the head
		afterReopen journal.Position // of ops, once 2,000 more stand in it
	}{
		{"everything is kept", Options{}, 100, 0, 0, 0},
		{"by count", Options{KeepEntries: 1500}, 100, 1900, 0, 3900},
		{"by count, less than is always kept", Options{KeepEntries: 10}, 1000, 2900, 0, 4900},
		{"by age", Options{KeepAge: 3 * day / 2}, 100, 2900, 0, 4900},
		{"all is old", Options{KeepAge: time.Hour}, 1000, 2900, 0, 4900},
		{"either", Options{KeepAge: 30 * day, KeepEntries: 2500}, 100, 900, 0, 2900},
		{"all of it is always kept", Options{KeepAge: time.Hour, KeepEntries: 1}, 12_000, 0, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "test.db")
				test.opts.tune = tuning{keepAlways: test.keepAlways, trimInterval: 400 * day}
				fillDays := func(j *Journal, after journal.Position, days int) {
					for n := range days { // a thousand records a day
						fill(t, j, "ops", after+journal.Position(1000*n), 1000)
						<-time.After(day)
					}
				}
				j := mustOpen(t, path, test.opts)
				fill(t, j, "net", 0, 100)
				fillDays(j, 0, 4)
				if err := j.trimAll(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := oldest(t, j, "ops", 4000); got != test.ops {
					t.Errorf("ops is trimmed up to %d, want %d", got, test.ops)
				}
				if got := oldest(t, j, "net", 100); got != test.net {
					t.Errorf("net is trimmed up to %d, want %d", got, test.net)
				}
				fillDays(j, 4000, 2)
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				j = mustOpen(t, path, test.opts) // trims at once
				<-time.After(time.Second)
				if err := j.trimAll(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := oldest(t, j, "ops", 6000); got != test.afterReopen {
					t.Errorf("ops is trimmed up to %d, want %d", got, test.afterReopen)
				}
				report, err := j.Check(t.Context(), nil)
				if err != nil || len(report.Damage) > 0 {
					t.Errorf("check: %+v, %v", report, err)
				}
				err = j.read(t.Context(), func(c *conn) error {
					n, err := readMax(t.Context(), c, "SELECT sum(json_array_length(records)) FROM chunks")
					if want := int64(6000 - test.afterReopen + 100); n < want || n >= want+chunkRecords {
						t.Errorf("%d records are in the file, want %d and what stands in the same row", n, want)
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// A crash between marking a log as trimmed and deleting its records leaves rows
// that nobody sees, and that the next round deletes.
func TestA5_TrimmingGoesOnAfterACrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	opts := Options{KeepEntries: 500, tune: tuning{keepAlways: 100}}
	j := mustOpen(t, path, Options{})
	fill(t, j, "ops", 0, 3000)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	sql(t, path, "UPDATE dashboards SET trimmed = 1000", "DELETE FROM chunks WHERE key & 1099511627775 < 300")
	j = mustOpen(t, path, opts)
	if err := j.trimAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := oldest(t, j, "ops", 3000); got != 1900 {
		t.Errorf("trimmed up to %d, want 1900", got)
	}
	err := j.read(t.Context(), func(c *conn) error {
		n, err := readMax(t.Context(), c, "SELECT sum(json_array_length(records)) FROM chunks")
		if n < 1100 || n >= 1100+chunkRecords {
			t.Errorf("%d records are in the file, want 1100 and what stands in the same row", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

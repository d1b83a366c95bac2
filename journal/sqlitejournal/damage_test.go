package sqlitejournal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dashwire/dashwire/journal"
)

func TestR7_DamageClosesOneDashboardAlone(t *testing.T) {
	const ops = "(SELECT key FROM dashboards WHERE id = 'ops') << 40"
	tests := []struct {
		name string
		sql  string
		good int // records of ops still read before the damage
		// whether appending finds it, which looks at the end of the log alone
		append bool
	}{
		{"a bit of a record", "UPDATE chunks SET data = CAST(replace(CAST(data AS TEXT), 'record 300 ', 'record 303 ') AS BLOB) WHERE key = " + ops + " | 512", 256, false},
		{"its time", "UPDATE chunks SET records = replace(records, ',0,', ',1,') WHERE key = " + ops + " | 256", 0, false},
		{"records missing", "DELETE FROM chunks WHERE key = " + ops + " | 512", 256, false},
		{"the last records missing", "DELETE FROM chunks WHERE key = " + ops + " | 768", 512, true},
		{"records too many", "INSERT INTO chunks SELECT key + 256, crc, records, data FROM chunks WHERE key = " + ops + " | 768", 768, true},
		{"chunks swapped", "UPDATE chunks SET (crc, records, data) = (SELECT crc, records, data FROM chunks WHERE key = " + ops + " | 256) WHERE key = " +
			ops + " | 512", 256, false},
		{"another dashboard's records", "UPDATE chunks SET (crc, records, data) = (SELECT crc, records, data FROM chunks WHERE key = " +
			"(SELECT key FROM dashboards WHERE id = 'net') << 40 | 256) WHERE key = " + ops + " | 256", 0, false},
		{"the head", "UPDATE dashboards SET head = 512 WHERE id = 'ops'", 512, true},
		{"a head out of range", "UPDATE dashboards SET head = -7 WHERE id = 'ops'", 0, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.db")
			j := mustOpen(t, path, Options{})
			var net []string
			for _, id := range []string{"net", "ops"} {
				records := make([]string, 3*chunkRecords)
				for i := range records {
					records[i] = fmt.Sprintf("record %d of %s", i+1, id)
				}
				mustAppend(t, j, id, 0, records...)
				if id == "net" {
					net = append(records, "one more")
				}
			}
			if err := j.Close(); err != nil { // spreads, into three chunks each
				t.Fatal(err)
			}
			sql(t, path, test.sql)
			j = mustOpen(t, path, Options{})
			good := 0
			var readErr error
			for _, err := range j.Read(t.Context(), "ops", 0) {
				if err != nil {
					readErr = err
					break
				}
				good++
			}
			if good != test.good {
				t.Errorf("read %d records, want %d", good, test.good)
			}
			_, appendErr := j.Append(t.Context(), appendOf("ops", 3*chunkRecords, "fourth"))
			if test.append && !errors.Is(appendErr, journal.ErrCorrupt) {
				t.Errorf("append: got %v, want ErrCorrupt", appendErr)
			}
			if !test.append && !errors.Is(readErr, journal.ErrCorrupt) {
				t.Errorf("read: got %v, want ErrCorrupt", readErr)
			}
			report, err := j.Check(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if !test.append && (len(report.Damage) != 1 || report.Damage[0].DashboardID != "ops") {
				t.Errorf("check found %v, want ops alone", report.Damage)
			}
			wantLog(t, j, "net", net[:len(net)-1]...)
			mustAppend(t, j, "net", 3*chunkRecords, "one more")
			if err := j.Close(); err != nil { // spreads net
				t.Fatal(err)
			}
			wantLog(t, mustOpen(t, path, Options{}), "net", net...)
		})
	}
}

// damageLog changes bytes in the only segment of a commit log.
func damageLog(t *testing.T, path, from, to string) {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(logFolder(path), "*"))
	if err != nil || len(segments) == 0 { // the first one is written to
		t.Fatalf("segments %v, %v", segments, err)
	}
	b, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Count(b, []byte(from)) != 1 || len(from) != len(to) {
		t.Fatalf("%q is not there once", from)
	}
	if err := os.WriteFile(segments[0], bytes.Replace(b, []byte(from), []byte(to), 1), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Damage in commits that a crash has left closes the dashboard of that record;
// the commit is kept for whoever looks into it.
func TestR7_DamageBeforeSpreading(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	j := mustOpen(t, path, Options{tune: tuning{idle: time.Hour}})
	mustAppend(t, j, "ops", 0, "first")
	mustAppend(t, j, "ops", 1, "second")
	mustAppend(t, j, "net", 0, "first")
	crashed := crash(t, j)
	damageLog(t, crashed, "second", "secand")
	for range 2 { // and again after closing
		again := mustOpen(t, crashed, Options{})
		if _, _, err := again.Head(t.Context(), "ops"); !errors.Is(err, journal.ErrCorrupt) {
			t.Errorf("head: got %v, want ErrCorrupt", err)
		}
		if _, err := again.Append(t.Context(), appendOf("ops", 1, "other")); !errors.Is(err, journal.ErrCorrupt) {
			t.Errorf("append: got %v, want ErrCorrupt", err)
		}
		for _, err := range again.Read(t.Context(), "ops", 0) {
			if !errors.Is(err, journal.ErrCorrupt) {
				t.Errorf("read: got %v, want ErrCorrupt", err)
			}
		}
		if s := again.Stats(); s.Damaged != 1 {
			t.Errorf("stats: %+v", s)
		}
		wantLog(t, again, "net", "first")
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	again := mustOpen(t, crashed, Options{})
	mustAppend(t, again, "net", 1, "second")
	wantLog(t, again, "net", "first", "second")
}

func TestDamagedSnapshotCostsNoData(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	j := mustOpen(t, path, Options{})
	records := make([]string, 2*journal.SnapshotSpacing)
	for i := range records {
		records[i] = "x"
	}
	mustAppend(t, j, "ops", 0, records...)
	for _, p := range []journal.Position{900, 1900} {
		if err := j.SaveSnapshot(t.Context(), "ops", journal.Snapshot{Position: p, Data: []byte("state")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []journal.Position{900, 0} {
		sql(t, path, "UPDATE snapshots SET data = CAST('stale' AS BLOB) WHERE position = (SELECT max(position) FROM snapshots WHERE data <> CAST('stale' AS BLOB))")
		j := mustOpen(t, path, Options{})
		if s, err := j.Snapshot(t.Context(), "ops", 3000); err != nil || s.Position != want {
			t.Errorf("snapshot: got %d, %v; want %d", s.Position, err, want)
		}
		if report, err := j.Check(t.Context(), nil); err != nil || len(report.Damage) != 1 || report.Records != len(records) {
			t.Errorf("check: %+v, %v", report, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Bytes all over a small file turned over, one after the other: opening and reading
// may fail, but with an error, and what is read must be right.
func TestR7_AnyByteMayBeDamaged(t *testing.T) {
	path := closedJournal(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	want := map[string][]string{}
	for _, id := range []string{"net", "ops"} {
		want[id] = []string{"first of " + id, "second of " + id, "third of " + id}
	}
	failed := 0
	for offset := range good {
		if stride := 13; offset%stride != 0 || good[offset] == 0 && offset%(41*stride) != 0 {
			continue // most of the file is empty
		}
		bad := append([]byte(nil), good...)
		bad[offset] ^= 1 << (offset % 8)
		path := filepath.Join(dir, "test.db")
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if !readsRightOrFails(t, path, want) {
			t.Fatalf("byte %d of the file damaged: something else was read", offset)
		}
		j, err := OpenReadOnly(path, Options{})
		if err != nil {
			failed++
		} else if err := j.Close(); err != nil {
			t.Logf("byte %d: close: %v", offset, err)
		}
	}
	if failed == 0 {
		t.Error("no damage kept the file from opening")
	}
}

// A page that is damaged as such closes the dashboard whose records it holds.
func TestR7_DamagedPageClosesOneDashboardAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	j := mustOpen(t, path, Options{})
	for _, id := range []string{"net", "ops"} {
		fill(t, j, id, 0, 500)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := openConn(path, readOnly, false)
	if err != nil {
		t.Fatal(err)
	}
	page, err := readMax(t.Context(), c, "SELECT pageno FROM dbstat WHERE name = 'chunks' AND pagetype = 'leaf' ORDER BY path DESC LIMIT 1")
	if err := errors.Join(err, c.close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range pageBytes {
		b[(page-1)*pageBytes+int64(i)] ^= 0xa5
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, path, Options{})
	if _, err := j.Append(t.Context(), appendOf("ops", 500, "x")); !errors.Is(err, journal.ErrCorrupt) {
		t.Errorf("append: got %v, want ErrCorrupt", err)
	}
	var readErr error
	for _, err := range j.Read(t.Context(), "ops", 0) {
		readErr = err
	}
	if !errors.Is(readErr, journal.ErrCorrupt) {
		t.Errorf("read: got %v, want ErrCorrupt", readErr)
	}
	if got := oldest(t, j, "net", 500); got != 0 {
		t.Errorf("net begins after %d", got)
	}
	mustAppend(t, j, "net", 500, "net 501")
	if report, err := j.Check(t.Context(), nil); err != nil || len(report.Damage) == 0 {
		t.Errorf("check: %+v, %v", report, err)
	}
}

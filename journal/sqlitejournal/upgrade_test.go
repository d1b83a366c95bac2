package sqlitejournal

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// format1 makes a file as format 1 was, with n records of two dashboards in entries and two of
// each in commits.
func format1(t *testing.T, n int) (path string, want map[string][]string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "old.db")
	c, err := openConn(path, readWriteCreate, false)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	want = map[string][]string{}
	exec := func(sql string, args ...driver.Value) {
		t.Helper()
		if err := c.exec(ctx, sql, args...); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	exec(fmt.Sprintf("PRAGMA application_id = %d", applicationID))
	exec("BEGIN")
	for _, o := range schema1 {
		exec(o.sql)
	}
	exec("INSERT INTO meta VALUES ('format', '1'), ('instance', 'the old one')")
	const at = int64(1_700_000_000_000)
	var records, data string
	for i, id := range []string{"net", "ops"} {
		key := int64(i + 1)
		exec("INSERT INTO dashboards VALUES (?, ?, ?, 0, ?, ?)", key, id, int64(n), at, []byte("summary of "+id))
		for p := journal.Position(1); p <= journal.Position(n); p++ {
			record := fmt.Sprintf("record %d of %s %s", p, id, strings.Repeat("x", int(p%300)))
			exec("INSERT INTO entries VALUES (?, ?, ?, ?)", entryKey(key, p), at+int64(p), int64(recordCRC(id, p, at+int64(p), []byte(record))), []byte(record))
			want[id] = append(want[id], record)
		}
		exec("INSERT INTO snapshots VALUES (?, 7, ?, ?, ?)", key, at, int64(recordCRC(id, 7, at, []byte("state"))), []byte("state"))
		for p := journal.Position(n); p <= journal.Position(n)+2; p++ { // the first is in entries too
			record := fmt.Sprintf("record %d of %s", p, id)
			if p == journal.Position(n) {
				record = want[id][n-1]
			} else {
				want[id] = append(want[id], record)
			}
			end := "]"
			if p == journal.Position(n)+2 {
				end = fmt.Sprintf(",%d,%d]", len(data)+len(record), len("newer"))
			}
			records += fmt.Sprintf(`,["%s",%d,%d,%d,%d%s`, id, p, len(data), len(record), recordCRC(id, p, at, []byte(record)), end)
			data += record + "newer"
		}
	}
	records = "[" + records[1:] + "]"
	exec("INSERT INTO commits VALUES (7, ?, ?, ?, ?)", at, int64(crc32.Checksum([]byte(records), castagnoli)), records, []byte(data))
	exec("COMMIT")
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	return path, want
}

func TestUpgrade(t *testing.T) {
	path, want := format1(t, 2000)
	if _, err := OpenReadOnly(path, Options{}); err == nil || !strings.Contains(err.Error(), "start a server on it once") {
		t.Errorf("for reading: got %v", err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := Restore(t.Context(), path, copied, Options{}, func(context.Context, journal.Journal, journal.Info) error { return nil }); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, copied} {
		for range 2 {
			j := mustOpen(t, path, Options{})
			for id, records := range want {
				wantLog(t, j, id, records...)
				if s, err := j.Snapshot(t.Context(), id, 2000); err != nil || s.Position != 7 || string(s.Data) != "state" {
					t.Errorf("snapshot: got %d %q, %v", s.Position, s.Data, err)
				}
			}
			list, err := j.List(t.Context(), "", 10)
			if err != nil || len(list) != 2 || list[0].Head != 2002 || string(list[0].Summary) != "newer" || list[0].Time.UnixMilli() != 1_700_000_000_000 {
				t.Errorf("list: got %+v, %v", list, err)
			}
			if report, err := j.Check(t.Context(), nil); err != nil || len(report.Damage) > 0 || report.Records != 4004 {
				t.Errorf("check: %+v, %v", report, err)
			}
			if old := path != copied; old != (j.Instance() == "the old one") {
				t.Errorf("the instance is %q", j.Instance())
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	mustAppend(t, mustOpen(t, path, Options{}), "ops", 2002, "more")
}

// What was damaged before is damaged afterwards, and nothing else is.
func TestR7_UpgradeKeepsDamageWhereItIs(t *testing.T) {
	path, want := format1(t, 500)
	sql(t, path, "UPDATE entries SET data = CAST(replace(CAST(data AS TEXT), 'record', 'rekord') AS BLOB) WHERE key = (2 << 40) | 300",
		"DELETE FROM entries WHERE key = (2 << 40) | 400")
	j := mustOpen(t, path, Options{tune: tuning{idle: time.Hour}})
	wantLog(t, j, "net", want["net"]...)
	for after, good := range map[journal.Position]int{0: 299, 300: 99, 400: 102} {
		n := 0
		var err error
		for r, e := range j.Read(t.Context(), "ops", after) {
			if err = e; err == nil && string(r.Data) != want["ops"][r.Position-1] {
				t.Fatalf("record %d is %q", r.Position, r.Data)
			}
			if e == nil {
				n++
			}
		}
		if n != good || after < 400 && !errors.Is(err, journal.ErrCorrupt) || after == 400 && err != nil {
			t.Errorf("after %d: %d records, %v; want %d", after, n, err, good)
		}
	}
}

// A dashboard that was damaged while records of it were in commits keeps no other from being
// upgraded, and nothing of it goes: what is good is read, what is not is told.
func TestR7_UpgradeKeepsCommitsOfADamagedDashboard(t *testing.T) {
	tests := []struct {
		name, sql string
		missing   journal.Position // the record that is told to be damaged, 0 if the commits make all good
	}{
		{"the last record of entries", "DELETE FROM entries WHERE key = (2 << 40) | 500", 500},
		{"the head", "UPDATE dashboards SET head = 499 WHERE key = 2", 0},
		{"a head out of range", "UPDATE dashboards SET head = -7 WHERE key = 2", 0},
		{"a record in commits", "UPDATE commits SET data = CAST(replace(CAST(data AS TEXT), 'record 501 of ops', 'rekord 501 of ops') AS BLOB)", 501},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path, want := format1(t, 500)
			sql(t, path, test.sql)
			j := mustOpen(t, path, Options{})
			wantLog(t, j, "net", want["net"]...)
			mustAppend(t, j, "net", 502, "more")
			if test.missing == 0 {
				wantLog(t, j, "ops", want["ops"]...)
				return
			}
			read := func(after journal.Position) (last journal.Position, err error) {
				last = after
				for r, err := range j.Read(t.Context(), "ops", after) {
					if err != nil {
						return last, err
					}
					if last = r.Position; string(r.Data) != want["ops"][last-1] {
						t.Fatalf("record %d is %q", last, r.Data)
					}
				}
				return last, nil
			}
			if last, err := read(0); last != test.missing-1 || !errors.Is(err, journal.ErrCorrupt) {
				t.Errorf("it is read up to %d, %v; want %d and ErrCorrupt", last, err, test.missing-1)
			}
			if last, err := read(test.missing); last != 502 || err != nil {
				t.Errorf("behind the damage it is read up to %d, %v; want 502", last, err)
			}
		})
	}
}

// An upgrade that cannot be finished leaves the file as it was.
func TestUpgradeIsAllOrNothing(t *testing.T) {
	path, _ := format1(t, 50)
	sql(t, path, "UPDATE commits SET crc = crc + 1")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); !errors.Is(err, journal.ErrCorrupt) || !strings.Contains(err.Error(), "row 7 of commits") {
		t.Errorf("got %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the file has changed, %v", err)
	}
}

package sqlitejournal

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/internal/commitlog"
	"github.com/dashwire/dashwire/journal"
)

func appendOf(id string, after journal.Position, records ...string) journal.Append {
	a := journal.Append{DashboardID: id, After: after, Summary: fmt.Appendf(nil, `{"after":%d}`, after)}
	for _, r := range records {
		a.Records = append(a.Records, []byte(r))
	}
	return a
}

func mustAppend(t testing.TB, j *Journal, id string, after journal.Position, records ...string) {
	t.Helper()
	if _, err := j.Append(context.Background(), appendOf(id, after, records...)); err != nil {
		t.Fatal(err)
	}
}

func wantLog(t testing.TB, j *Journal, id string, want ...string) {
	t.Helper()
	var got []string
	for r, err := range j.Read(context.Background(), id, 0) {
		if err != nil {
			t.Fatalf("read %s: %v", id, err)
		}
		got = append(got, string(r.Data))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%s holds %d records %.200q, want %d %.200q", id, len(got), got, len(want), want)
	}
}

// crash copies the files of an open journal as a crash of the process leaves them
// at some moment between two transactions, and returns the path of the copy.
func crash(t testing.TB, j *Journal) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "crashed.db")
	err := j.task(context.Background(), func(*conn) error { // nobody else writes the tables
		return errors.Join(copyTo(j.path, to), copyTo(j.path+"-wal", to+"-wal"), os.CopyFS(logFolder(to), os.DirFS(logFolder(j.path))))
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// spreadOf is the last commit that is all in the tables of a file.
func spreadOf(t testing.TB, path string) uint64 {
	t.Helper()
	c, err := openConn(path, readOnly, false)
	if err != nil {
		t.Fatal(err)
	}
	spread, _, _, err := readLogState(context.Background(), c)
	if err := errors.Join(err, c.close()); err != nil {
		t.Fatal(err)
	}
	return spread
}

func copyTo(from, to string) error {
	b, err := os.ReadFile(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, os.WriteFile(to, b, 0o600))
}

func TestA2_CrashLosesNothing(t *testing.T) {
	for _, test := range tunings {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.db")
			j := mustOpen(t, path, Options{tune: test.tune})
			want := make(map[string][]string)
			for n := range 90 {
				id := fmt.Sprint("d", n%7)
				record := fmt.Sprint("record ", n)
				mustAppend(t, j, id, journal.Position(len(want[id])), record, "x")
				want[id] = append(want[id], record, "x")
				if n%30 != 29 {
					continue
				}
				if err := j.SaveSnapshot(t.Context(), id, journal.Snapshot{Position: 2, Data: []byte(record)}); err != nil {
					t.Fatal(err)
				}
				again := mustOpen(t, crash(t, j), Options{tune: test.tune})
				for id, records := range want {
					wantLog(t, again, id, records...)
				}
				mustAppend(t, again, id, journal.Position(len(want[id]))-2, record, "x") // the repeat
				mustAppend(t, again, id, journal.Position(len(want[id])), "more")
				wantLog(t, again, id, append(want[id][:len(want[id]):len(want[id])], "more")...)
				if s, err := again.Snapshot(t.Context(), id, 10); err != nil || string(s.Data) != record {
					t.Errorf("snapshot: got %q, %v", s.Data, err)
				}
				report, err := again.Check(t.Context(), nil)
				if err != nil || len(report.Damage) > 0 || report.Dashboards != 7 {
					t.Errorf("check: %+v, %v", report, err)
				}
			}
		})
	}
}

// A crash between the transactions of one round of spreading finds some logs in
// the tables and in the commit log.
func TestA2_CrashWhileSpreading(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	j := mustOpen(t, path, Options{tune: tuning{spreadRows: 7, spreadBytes: 3000, idle: time.Hour}})
	want := make(map[string][]string)
	mixed := false
	for n := 0; !mixed; n++ { // which transaction a crash falls after is up to the disk
		id := fmt.Sprint("d", n%11)
		mustAppend(t, j, id, journal.Position(len(want[id])), fmt.Sprint("record ", n), "x", "y")
		want[id] = append(want[id], fmt.Sprint("record ", n), "x", "y")
		if n%4 != 0 {
			continue
		}
		crashed := crash(t, j)
		inLog := int64(0)
		err := commitlog.Read(logFolder(crashed), j.Instance(), spreadOf(t, crashed), 0, func(c commitlog.Commit) error {
			appends, err := decodeCommit(c.Payload, true)
			for _, a := range appends {
				inLog += int64(len(a.records))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		again := mustOpen(t, crashed, Options{tune: tuning{idle: time.Hour}})
		for id, records := range want {
			wantLog(t, again, id, records...)
		}
		inTables := int64(0)
		err = again.read(t.Context(), func(c *conn) (err error) {
			inTables, err = readMax(t.Context(), c, "SELECT sum(json_array_length(records)) FROM chunks")
			return err
		})
		mixed = inTables > 0 && inTables+inLog > int64(3*n+3)
		if err := errors.Join(err, again.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestA6_NothingStaysInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "test.db")
		j := mustOpen(t, path, Options{})
		for n := range 300 {
			mustAppend(t, j, fmt.Sprint("d", n), 0, "a", "b", "c")
		}
		if s := j.Stats(); s.UnspreadDashboards != 300 || s.UnspreadBytes == 0 || s.Records != 900 {
			t.Errorf("before the quiet moment: %+v", s)
		}
		<-time.After(10 * time.Second) // by the clock of the bubble: a quiet moment
		if s := j.Stats(); s.UnspreadDashboards != 0 || s.UnspreadBytes != 0 {
			t.Errorf("after the quiet moment: %+v", s)
		}
		if spread := spreadOf(t, j.path); spread != j.Stats().Commits {
			t.Errorf("%d commits of %d are spread", spread, j.Stats().Commits)
		}
		wantLog(t, j, "d7", "a", "b", "c")
		mustAppend(t, j, "d7", 3, "d")
		wantLog(t, j, "d7", "a", "b", "c", "d")
	})
}

func TestUnspreadMemoryIsBounded(t *testing.T) {
	const bound = 4000
	j := mustOpen(t, filepath.Join(t.TempDir(), "test.db"), Options{tune: tuning{spreadBytes: bound, spreadRows: 5, idle: time.Hour}})
	var appenders sync.WaitGroup
	for d := range 20 {
		appenders.Go(func() {
			for p := range journal.Position(30) {
				if _, err := j.Append(t.Context(), appendOf(fmt.Sprint("d", d), p, "a record of some length")); err != nil {
					t.Error(err)
					return
				}
				// One group of 20 may come on top of the bound.
				if s := j.Stats(); s.UnspreadBytes > spreadSlack*bound+20*200 {
					t.Errorf("%d bytes are held", s.UnspreadBytes)
				}
			}
		})
	}
	appenders.Wait()
}

func TestRecentIsBounded(t *testing.T) {
	var r recent
	for n := range 10 * recentSize {
		r.put(&tail{id: fmt.Sprint(n)})
		if r.get("0") == nil {
			t.Fatalf("a log in use was forgotten after %d others", n)
		}
	}
	if n := len(r.young) + len(r.old); n > 2*recentSize {
		t.Errorf("%d logs are remembered, want at most %d", n, 2*recentSize)
	}
}

func TestLogViewShowsEveryRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	now := time.UnixMilli(1_800_000_000_123)
	j := mustOpen(t, path, Options{Now: func() time.Time { return now }, tune: tuning{idle: time.Hour}})
	mustAppend(t, j, "net", 0, `{"n":1}`)
	mustAppend(t, j, "ops", 0, `{"n":1}`, `{"n":2}`)
	if err := j.Close(); err != nil { // spreads
		t.Fatal(err)
	}
	for _, path := range []string{path + "-wal", logFolder(path)} { // the file holds all by itself
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after closing, %s is there: %v", path, err)
		}
	}
	j = mustOpen(t, path, Options{Now: func() time.Time { return now }})
	mustAppend(t, j, "ops", 2, `{"n":"Zürich"}`)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, path, Options{})
	want := []string{
		`net 1 2027-01-15T08:00:00.123Z {"n":1}`,
		`ops 1 2027-01-15T08:00:00.123Z {"n":1}`,
		`ops 2 2027-01-15T08:00:00.123Z {"n":2}`,
		`ops 3 2027-01-15T08:00:00.123Z {"n":"Zürich"}`,
	}
	var got []string
	err := j.read(t.Context(), func(c *conn) error {
		return c.query(t.Context(), "SELECT dashboard, position, time, record FROM log ORDER BY 1, 2", func(v []driver.Value) error {
			got = append(got, fmt.Sprint(v[0], " ", v[1], " ", v[2], " ", v[3]))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

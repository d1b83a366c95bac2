package sqlitejournal

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/dashwire/dashwire/journal"
)

func begun(id string, after journal.Position, records ...string) journal.Append {
	a := appendOf(id, after, records...)
	a.Begins = true
	return a
}

// A crash between the row that says where a log begins and its first records leaves a log
// without records, which the repeat fills.
func TestA2_CrashWhileALogBegins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	j := mustOpen(t, path, Options{})
	mustAppend(t, j, "net", 0, "net 1")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	sql(t, path, "INSERT INTO dashboards (key, id, head, trimmed, time, summary) VALUES (2, 'ops', 13000, 13000, 1, '{}')")
	j = mustOpen(t, path, Options{})
	if at := oldest(t, j, "net", 1); at != 0 {
		t.Errorf("net begins after %d", at)
	}
	infos, err := j.List(t.Context(), "", 10)
	if err != nil || len(infos) != 2 || infos[1].DashboardID != "ops" || infos[1].Head != 13_000 {
		t.Errorf("list: %+v, %v", infos, err)
	}
	if _, err := j.Append(t.Context(), begun("ops", 12_000, "ops 12001")); !errors.Is(err, journal.ErrMoved) && !errors.Is(err, journal.ErrTrimmed) {
		t.Errorf("another beginning: got %v", err)
	}
	if _, err := j.Append(t.Context(), begun("ops", 13_000, "ops 13001", "ops 13002")); err != nil {
		t.Fatal(err)
	}
	if err := j.SaveSnapshot(t.Context(), "ops", journal.Snapshot{Position: 13_000, Data: []byte("state at 13000")}); err != nil {
		t.Fatal(err)
	}
	if at := oldest(t, j, "ops", 13_002); at != 13_000 {
		t.Errorf("ops begins after %d", at)
	}
	report, err := j.Check(t.Context(), nil)
	if err != nil || len(report.Damage) > 0 {
		t.Errorf("check: %+v, %v", report, err)
	}
}

// Whatever a crash leaves of logs that began later is read as they were.
func TestA2_CrashAfterALogBegan(t *testing.T) {
	for _, test := range tunings {
		t.Run(test.name, func(t *testing.T) {
			j := mustOpen(t, filepath.Join(t.TempDir(), "test.db"), Options{tune: test.tune})
			for n := range 20 {
				id := fmt.Sprint("d", n)
				if n%3 == 0 {
					mustAppend(t, j, id+"x", 0, "x")
				}
				if _, err := j.Append(t.Context(), begun(id, 5000, id+" 5001", id+" 5002")); err != nil {
					t.Fatal(err)
				}
				if err := j.SaveSnapshot(t.Context(), id, journal.Snapshot{Position: 5000, Data: []byte("state at 5000")}); err != nil {
					t.Fatal(err)
				}
				if n%5 != 4 {
					continue
				}
				again := mustOpen(t, crash(t, j), Options{tune: test.tune})
				for k := range n + 1 {
					if at := oldest(t, again, fmt.Sprint("d", k), 5002); at != 5000 {
						t.Errorf("d%d begins after %d", k, at)
					}
				}
				mustAppend(t, again, id, 5002, id+" 5003")
				if at := oldest(t, again, id, 5003); at != 5000 {
					t.Errorf("%s begins after %d", id, at)
				}
				report, err := again.Check(t.Context(), nil)
				if err != nil || len(report.Damage) > 0 {
					t.Errorf("check: %+v, %v", report, err)
				}
			}
		})
	}
}

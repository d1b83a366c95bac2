package sqlitejournal

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/journal"
)

// A file in which snapshots were kept of every thousand entries loses those that are spare,
// a few with each that is saved, and in the end has as many as one that was always kept so.
func TestA5_SpareSnapshotsGo(t *testing.T) {
	ctx := t.Context()
	j, err := Open(filepath.Join(t.TempDir(), "test.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	const spans = 60
	a := journal.Append{DashboardID: "ops"}
	for range spans * journal.SnapshotSpacing {
		a.Records = append(a.Records, []byte("x"))
	}
	if _, err := j.Append(ctx, a); err != nil {
		t.Fatal(err)
	}
	save := func(p journal.Position) {
		t.Helper()
		if err := j.SaveSnapshot(ctx, "ops", journal.Snapshot{Position: p, Data: []byte("state")}); err != nil {
			t.Fatal(err)
		}
	}
	list := func() []journal.Position {
		t.Helper()
		all, err := j.Snapshots(ctx, "ops")
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	save(journal.SnapshotSpacing)
	err = j.task(ctx, func(c *conn) error { // as a build of before did
		const sql = "INSERT INTO snapshots SELECT dashboard, n.value * 1000, time, crc, data FROM snapshots, json_each(?) n"
		var numbers []int
		for n := 2; n < spans; n++ {
			numbers = append(numbers, n)
		}
		return c.exec(ctx, sql, strings.ReplaceAll(fmt.Sprint(numbers), " ", ","))
	})
	if err != nil {
		t.Fatal(err)
	}
	before := list()
	if len(before) != spans-1 {
		t.Fatalf("there are %v", before)
	}
	want := append(slices.Clone(before), spans*journal.SnapshotSpacing)
	spare := journal.SpareSnapshots(want)
	want = slices.DeleteFunc(want, func(p journal.Position) bool { return slices.Contains(spare, p) })
	for last := len(before) + 1; ; {
		save(spans * journal.SnapshotSpacing)
		all := list()
		if last-len(all) > 4 {
			t.Fatalf("%d went at once", last-len(all))
		}
		if slices.Equal(all, want) {
			return
		}
		if len(all) >= last {
			t.Fatalf("%v are kept, want %v", all, want)
		}
		last = len(all)
	}
}

// The snapshot that a trimmed log begins with stays, whatever is saved after it.
func TestA5_FirstSnapshotStays(t *testing.T) {
	ctx := context.Background()
	j, err := Open(filepath.Join(t.TempDir(), "test.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	const begin = 12_300
	a := journal.Append{DashboardID: "ops", After: begin, Begins: true}
	for range 40 * journal.SnapshotSpacing {
		a.Records = append(a.Records, []byte("x"))
	}
	if _, err := j.Append(ctx, a); err != nil {
		t.Fatal(err)
	}
	for p := journal.Position(begin); p <= begin+40*journal.SnapshotSpacing; p += journal.SnapshotSpacing / 4 {
		if err := j.SaveSnapshot(ctx, "ops", journal.Snapshot{Position: p, Data: []byte("state")}); err != nil {
			t.Fatal(err)
		}
	}
	if s, err := j.Snapshot(ctx, "ops", begin); err != nil || s.Position != begin {
		t.Errorf("the first is at %d, %v", s.Position, err)
	}
}

package sqlitejournal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dashwire/dashwire/internal/commitlog"
	"github.com/dashwire/dashwire/journal"
)

func TestBackupWhileServing(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, filepath.Join(dir, "test.db"), Options{tune: tuning{idle: time.Hour, spreadBytes: 500_000, log: commitlog.Options{SegmentBytes: 100_000}}})
	for n := range 80 { // more than half of it is in the tables
		mustAppend(t, j, fmt.Sprint("d", n), 0, strings.Repeat("x", 50_000), "second")
	}
	ctx, stop := context.WithCancel(t.Context())
	var appender sync.WaitGroup
	appender.Go(func() {
		for p := journal.Position(2); ctx.Err() == nil; p++ {
			if _, err := j.Append(t.Context(), appendOf("d0", p, fmt.Sprint("record ", p+1))); err != nil {
				t.Error(err)
				return
			}
		}
	})
	to := filepath.Join(dir, "backup.db")
	last, whole := 0, 0
	err := j.Backup(t.Context(), to, func(done, total int) {
		if done < last || done > total {
			t.Errorf("progress went from %d to %d of %d", last, done, total)
		}
		last, whole = done, total
	})
	stop()
	appender.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if last != whole || whole < 400 {
		t.Errorf("progress ended at %d of %d pages", last, whole)
	}
	if err := j.Backup(t.Context(), to, nil); err == nil || !strings.Contains(err.Error(), "exists: remove it") {
		t.Errorf("a backup over another: got %v", err)
	}
	files, err := filepath.Glob(to + "*")
	if err != nil || len(files) != 1 {
		t.Errorf("the backup is %q, %v; want one file", files, err)
	}
	b := mustOpen(t, to, Options{})
	head, _, err := b.Head(t.Context(), "d0")
	if err != nil || head < 2 {
		t.Fatalf("head is %d, %v", head, err)
	}
	n := 0
	for r, err := range b.Read(t.Context(), "d0", 2) {
		if err != nil || string(r.Data) != fmt.Sprint("record ", r.Position) {
			t.Fatalf("got %d %q, %v", r.Position, r.Data, err)
		}
		n++
	}
	wantLog(t, b, "d39", strings.Repeat("x", 50_000), "second")
	mustAppend(t, b, "d39", 2, "third")
}

func TestBackupThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	j := mustOpen(t, filepath.Join(dir, "test.db"), Options{})
	mustAppend(t, j, "ops", 0, strings.Repeat("x", 3<<20))
	ctx, cancel := context.WithCancel(t.Context())
	to := filepath.Join(dir, "backup.db")
	if err := j.Backup(ctx, to, func(int, int) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled backup: got %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	sql(t, filepath.Join(dir, "test.db"), "UPDATE chunks SET records = replace(records, ',0,', ',1,')")
	j = mustOpen(t, filepath.Join(dir, "test.db"), Options{})
	if err := j.Backup(t.Context(), to, nil); !errors.Is(err, journal.ErrCorrupt) {
		t.Errorf("backup of damage: got %v", err)
	}
	if err := j.Backup(t.Context(), filepath.Join(dir, "none", "backup.db"), nil); err == nil || !strings.Contains(err.Error(), "none does not exist: create it") || strings.Contains(err.Error(), "\n") {
		t.Errorf("backup into a folder that is not there: got %v", err)
	}
	if files, err := filepath.Glob(to + "*"); err != nil || len(files) != 0 {
		t.Errorf("%q are left, %v", files, err)
	}
}

// TestBackupLeavesAnotherCopyAlone: two backups to one name at once, or a restore
// beside one, do not take the file from under each other.
func TestBackupLeavesAnotherCopyAlone(t *testing.T) {
	dir := t.TempDir()
	path, to := filepath.Join(dir, "test.db"), filepath.Join(dir, "copy.db")
	j := mustOpen(t, path, Options{})
	mustAppend(t, j, "ops", 0, "first")
	if err := os.WriteFile(to+".tmp", []byte("being written"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := j.Backup(t.Context(), to, nil); err == nil || !strings.Contains(err.Error(), "another copy is being made") {
		t.Errorf("backup: got %v", err)
	}
	if err := Restore(t.Context(), path, to, Options{}, nil); err == nil || !strings.Contains(err.Error(), "another copy is being made") {
		t.Errorf("restore: got %v", err)
	}
	if got, err := os.ReadFile(to + ".tmp"); string(got) != "being written" {
		t.Errorf("the other copy is now %q, %v", got, err)
	}
}

func TestReadOnlyShowsOneMoment(t *testing.T) {
	for _, test := range tunings {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.db")
			j := mustOpen(t, path, Options{tune: test.tune})
			mustAppend(t, j, "ops", 0, "a", "b")
			mustAppend(t, j, "net", 0, "a")
			view, err := OpenReadOnly(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := view.Close(); err != nil {
					t.Error(err)
				}
			}()
			for p := range journal.Position(20) {
				mustAppend(t, j, "ops", 2+p, "c")
			}
			mustAppend(t, j, "new", 0, "a")
			wantLog(t, view, "ops", "a", "b")
			wantLog(t, view, "new")
			infos, err := view.List(t.Context(), "", 10)
			if err != nil || len(infos) != 2 || infos[1].DashboardID != "ops" || infos[1].Head != 2 || string(infos[1].Summary) != `{"after":0}` {
				t.Errorf("list: %+v, %v", infos, err)
			}
			if _, err := view.Append(t.Context(), appendOf("ops", 2, "x")); !errors.Is(err, ErrReadOnly) {
				t.Errorf("append: got %v", err)
			}
			if err := view.SaveSnapshot(t.Context(), "ops", journal.Snapshot{Position: 1}); !errors.Is(err, ErrReadOnly) {
				t.Errorf("snapshot: got %v", err)
			}
			if report, err := view.Check(t.Context(), nil); err != nil || report.Records != 3 || len(report.Damage) > 0 {
				t.Errorf("check: %+v, %v", report, err)
			}
		})
	}
}

func TestRestore_RefusesWhatIsNoBackup(t *testing.T) {
	dir := t.TempDir()
	notes, to := filepath.Join(dir, "notes.txt"), filepath.Join(dir, "restored.db")
	if err := os.WriteFile(notes, []byte("bread, milk, eggs"), 0o600); err != nil {
		t.Fatal(err)
	}
	for from, advice := range map[string]string{
		notes:                           "no Dashwire journal",
		filepath.Join(dir, "absent.db"): "check its name",
		dir:                             "is a folder",
	} {
		err := Restore(t.Context(), from, to, Options{}, nil)
		if err == nil || !strings.Contains(err.Error(), advice) {
			t.Errorf("from %s: got %v, want %q in it", from, err, advice)
		}
		if files, err := filepath.Glob(to + "*"); err != nil || len(files) != 0 {
			t.Errorf("%q are left, %v", files, err)
		}
	}
}

func TestR1_RestoreBeginsAnewForEveryDashboard(t *testing.T) {
	path := closedJournal(t)
	dir := t.TempDir()
	backup, to := filepath.Join(dir, "backup.db"), filepath.Join(dir, "restored.db")
	j := mustOpen(t, path, Options{})
	mustAppend(t, j, "ops", 3, "fourth of ops")
	if err := j.Backup(t.Context(), backup, nil); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	err = Restore(t.Context(), backup, to, Options{}, func(context.Context, journal.Journal, journal.Info) error { return refused })
	if !errors.Is(err, refused) {
		t.Errorf("got %v, want the error of rewrite", err)
	}
	if files, err := filepath.Glob(to + "*"); err != nil || len(files) != 0 {
		t.Errorf("%q are left, %v", files, err)
	}
	var seen []string
	err = Restore(t.Context(), backup, to, Options{}, func(ctx context.Context, j journal.Journal, d journal.Info) error {
		s, err := j.Snapshot(ctx, d.DashboardID, d.Head)
		if err != nil {
			return err
		}
		seen = append(seen, fmt.Sprint(d.DashboardID, " ", d.Head, " ", string(s.Data)))
		_, err = j.Append(ctx, appendOf(d.DashboardID, d.Head, "new epoch"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(seen), "[net 3 state of net ops 4 state of ops]"; got != want {
		t.Errorf("rewrite saw %s, want %s", got, want)
	}
	if files, err := filepath.Glob(to + "*"); err != nil || len(files) != 1 {
		t.Errorf("the restored journal is %q, %v; want one file", files, err)
	}
	if after, err := os.ReadFile(backup); err != nil || string(after) != string(before) {
		t.Errorf("the backup was changed, %v", err)
	}
	r := mustOpen(t, to, Options{})
	wantLog(t, r, "ops", "first of ops", "second of ops", "third of ops", "fourth of ops", "new epoch")
	wantLog(t, r, "net", "first of net", "second of net", "third of net", "new epoch")
	if r.Instance() == j.Instance() {
		t.Error("the restored journal has the instance of the old one")
	}
	err = Restore(t.Context(), backup, to, Options{}, func(context.Context, journal.Journal, journal.Info) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "exists: remove it") {
		t.Errorf("restore over another: got %v", err)
	}
}

//go:build linux

package sqlitejournal

import (
	"errors"
	"log/slog"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// hold keeps the tables at work until the function returned is called, which says what the work
// was answered.
func hold(t *testing.T, j *Journal) (letGo func() error) {
	t.Helper()
	begun, free, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- j.task(t.Context(), func(c *conn) error {
			close(begun)
			<-free
			_, err := readMax(t.Context(), c, "SELECT count(*) FROM dashboards") // what it works with is open
			return err
		})
	}()
	<-begun
	return func() error {
		close(free)
		return <-done
	}
}

// TestA1_AppendsDoNotWaitForTheTables: what SQLite waits for, a disk that is busy with a
// checkpoint above all, holds up no ACK.
func TestA1_AppendsDoNotWaitForTheTables(t *testing.T) {
	j := mustOpen(t, filepath.Join(t.TempDir(), "test.db"), Options{tune: tuning{spreadBytes: 2000, idle: time.Hour}})
	mustAppend(t, j, "old", 0, "a")
	letGo := hold(t, j)
	mustAppend(t, j, "old", 1, "b", "c")
	mustAppend(t, j, "new", 0, "d")
	wantLog(t, j, "old", "a", "b", "c")
	wantLog(t, j, "new", "d")
	if err := letGo(); err != nil {
		t.Error(err)
	}
	for n := range 100 { // beyond the bounds of what is held: spreading goes on
		mustAppend(t, j, "new", journal.Position(n+1), "e")
	}
	if s := j.Stats(); s.UnspreadBytes > 2*spreadSlack*2000 {
		t.Errorf("%d bytes are held, %d are the bound", s.UnspreadBytes, 2*spreadSlack*2000)
	}
}

// logged hears that something was logged.
type logged chan struct{}

func (l logged) Write(b []byte) (int, error) {
	select {
	case l <- struct{}{}:
	default:
	}
	return len(b), nil
}

// A commit that fails while the tables are at work has the files opened again behind that work,
// which is done and answered.
func TestA2_CommitFailsWhileTheTablesWork(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	broken := make(logged, 1)
	j := mustOpen(t, path, Options{Logger: slog.New(slog.NewTextHandler(broken, nil)), tune: tuning{idle: time.Hour}})
	mustAppend(t, j, "ops", 0, "a")
	letGo := hold(t, j)
	if breakLog(t, path, "/dev/full", syscall.O_WRONLY) == 0 {
		t.Fatal("found no descriptor of the commit log")
	}
	failed := make(chan error, 1)
	go func() {
		_, err := j.Append(t.Context(), appendOf("ops", 1, "b"))
		failed <- err
	}()
	<-broken
	saved := make(chan error, 1)
	go func() { saved <- j.SaveSnapshot(t.Context(), "ops", journal.Snapshot{Position: 1, Data: []byte("s")}) }()
	if err := letGo(); err != nil {
		t.Errorf("the work: %v", err)
	}
	if err := <-failed; !errors.Is(err, journal.ErrUnknown) {
		t.Errorf("the append: got %v", err)
	}
	if err := <-saved; err != nil {
		t.Errorf("the snapshot behind it: %v", err)
	}
	mustAppend(t, j, "ops", 1, "b") // the repeat
	wantLog(t, j, "ops", "a", "b")
	wantLog(t, mustOpen(t, crash(t, j), Options{}), "ops", "a", "b")
}

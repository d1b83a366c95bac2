package sqlitejournal

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Linux syncs commits in the background, where nothing forbids it.
func TestCommitsAreSyncedInTheBackground(t *testing.T) {
	if s := mustOpen(t, filepath.Join(t.TempDir(), "test.db"), Options{}).Stats(); !s.Background {
		t.Errorf("got %+v", s)
	}
}

// A sync of the tables that fails is told, whatever was tried before, and the next one that works
// is no failure.
func TestA2_AFailedSyncOfTheTablesIsTold(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good"), filepath.Join(dir, "bad")
	if err := os.WriteFile(good+"-wal", make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.DevNull, bad+"-wal"); err != nil { // what cannot be synced
		t.Fatal(err)
	}
	for _, order := range [][]string{{good, good, bad, bad, good}, {bad, good, bad, good}} {
		var s walSync
		for i, path := range order {
			err := s.sync(path)
			if path == good && err != nil || path == bad && !errors.Is(err, syscall.EINVAL) {
				t.Errorf("sync %d of %v: got %v", i, order, err)
			}
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}
}

package sqlitejournal

import (
	"os"
	"path/filepath"
	"testing"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// breakSyncs has a file of SQLite's be one that cannot be synced meanwhile, one it was synced
// in the background before.
func breakSyncs(t *testing.T, file uintptr, meanwhile func()) {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if vfsFiles.get(file).sync.syncer == nil {
		t.Error("the file was not synced in the background")
	}
	f := at[sqlite3.TunixFile](file)
	fd := f.Fh
	f.Fh = int32(null.Fd())
	meanwhile()
	f.Fh = fd
}

// Files of ours are synced by us, or by the VFS below if we cannot; a sync of either that fails is
// SQLite's error.
func TestA2_AFailedSyncOfSQLiteIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	mustOpen(t, path, Options{})
	tls := libc.NewTLS()
	defer tls.Close()
	syncs := 0
	vfsFiles.open.Range(func(k, v any) bool {
		file, ok := k.(uintptr)
		if f, is := v.(*vfsFile); !ok || !is || f.name != path {
			return true
		}
		syncs++
		if rc := vfsSync(tls, file, sqlite3.SQLITE_SYNC_NORMAL); rc != sqlite3.SQLITE_OK {
			t.Errorf("sync: code %d", rc)
		}
		breakSyncs(t, file, func() {
			if rc := vfsSync(tls, file, sqlite3.SQLITE_SYNC_NORMAL); rc&0xff != sqlite3.SQLITE_IOERR {
				t.Errorf("a sync that fails: code %d", rc)
			}
		})
		if rc := vfsSync(tls, file, sqlite3.SQLITE_SYNC_NORMAL); rc != sqlite3.SQLITE_OK {
			t.Errorf("sync after one that failed: code %d", rc)
		}
		return true
	})
	if syncs == 0 {
		t.Error("no file was found")
	}
}

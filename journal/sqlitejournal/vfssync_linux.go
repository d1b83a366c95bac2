package sqlitejournal

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/dashwire/dashwire/internal/fsync"
)

// backgroundSync syncs one of SQLite's files while no thread waits for it.
type backgroundSync struct {
	syncer *fsync.Syncer // nil before the first sync
	plain  bool          // that does not work here
}

// descriptor is the one that SQLite has opened: closing another of the same file would end
// SQLite's locks on it.
type descriptor struct{ fd int32 }

func (d descriptor) Fd() uintptr  { return uintptr(d.fd) }
func (d descriptor) Name() string { return "SQLite's file" }
func (d descriptor) Sync() error  { return os.NewSyscallError("fsync", unix.Fdatasync(int(d.fd))) }

// try syncs the file, unless SQLite has to do it itself: where the system does not sync in the
// background, and where the folder is to be synced with a new file.
func (s *backgroundSync) try(file uintptr) (done bool, rc int32) {
	f := at[sqlite3.TunixFile](file)
	if s.plain || int32(f.FctrlFlags)&sqlite3.UNIXFILE_DIRSYNC != 0 {
		return false, 0
	}
	d := descriptor{f.Fh}
	var err error
	if s.syncer == nil {
		if s.syncer, err = fsync.New(d); errors.Is(err, fsync.ErrRefused) {
			s.plain = true
			return false, 0
		}
	} else if err = s.syncer.Sync(d); err != nil {
		s.close() // it may have lost sight of the sync
	}
	if err != nil {
		f.FlastErrno = int32(unix.EIO)
		return true, sqlite3.SQLITE_IOERR_FSYNC
	}
	return true, sqlite3.SQLITE_OK
}

func (s *backgroundSync) close() {
	if s.syncer != nil {
		_ = s.syncer.Close() // a queue without syncs under way; nothing depends on it
		s.syncer = nil
	}
}

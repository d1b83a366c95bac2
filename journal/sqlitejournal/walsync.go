package sqlitejournal

import (
	"errors"
	"os"

	"github.com/dashwire/dashwire/internal/fsync"
)

// walSync makes durable what was committed in the tables so far: commits of the tables themselves
// wait for no disk. One goroutine uses it at a time.
type walSync struct {
	syncer *fsync.Syncer // nil before the first sync, and after one that failed
	plain  bool          // there is none here
}

// sync syncs the WAL of the file at path.
func (s *walSync) sync(path string) error {
	f, err := os.OpenFile(path+"-wal", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(s.syncFile(f), f.Close())
}

func (s *walSync) syncFile(f *os.File) error {
	if s.syncer == nil && !s.plain {
		var err error
		if s.syncer, err = fsync.New(f); err == nil {
			return nil // it has just done so
		}
		if s.plain = errors.Is(err, fsync.ErrRefused); !s.plain {
			return err
		}
	}
	if s.plain {
		return f.Sync()
	}
	if err := s.syncer.Sync(f); err != nil {
		return errors.Join(err, s.close()) // it may have lost sight of the sync
	}
	return nil
}

// close gives back what it holds. It may be used again.
func (s *walSync) close() error {
	if s.syncer == nil {
		return nil
	}
	err := s.syncer.Close()
	s.syncer = nil
	return err
}

package sqlitejournal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// settleWAL makes durable what SQLite's recovery is about to find in the WAL at
// path (A2). After a crash the newest commit there may be in the kernel's cache
// alone, and after a failed fsync the kernel calls pages clean that never reached
// the disk: an fsync would then succeed without writing anything. So every byte
// is written again as it reads, and then fsync'ed. Writing a byte over itself
// harms nothing if this is interrupted.
//
// It is called while this process has no SQLite connection to the file. A reader
// in another process sees no change.
func settleWAL(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, 256<<10)
	for offset := int64(0); ; {
		n, err := f.ReadAt(buf, offset)
		if n > 0 {
			if _, err := f.WriteAt(buf[:n], offset); err != nil {
				return fmt.Errorf("write %s again: %w", path, err)
			}
			offset += int64(n)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}

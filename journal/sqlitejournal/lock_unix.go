//go:build unix

package sqlitejournal

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// fileLock keeps other processes (and other journals of this one) from opening
// the same file. The kernel lets go of it when the process ends, however it ends;
// the lock file stays and means nothing by itself.
type fileLock struct{ f *os.File }

func lockFile(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		defer f.Close()
		buf := make([]byte, 32)
		n, _ := f.Read(buf) // the number only makes the message better
		return nil, fmt.Errorf("%w by process %s", ErrInUse, strings.TrimSpace(string(buf[:n])))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	if err := f.Truncate(0); err == nil {
		_, _ = fmt.Fprintln(f, os.Getpid()) // for the message above; a full disk must not matter
	}
	return &fileLock{f}, nil
}

func (l *fileLock) release() error { return l.f.Close() }

// syncDir makes names in a folder durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

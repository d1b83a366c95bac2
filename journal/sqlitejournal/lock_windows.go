package sqlitejournal

import (
	"errors"
	"os"
	"syscall"
)

// errorSharingViolation is ERROR_SHARING_VIOLATION.
const errorSharingViolation = syscall.Errno(32)

// fileLock keeps other processes (and other journals of this one) from opening
// the same file: it is open without sharing, which ends with the process.
type fileLock struct{ f *os.File }

func lockFile(path string) (*fileLock, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errorSharingViolation) {
		return nil, ErrInUse
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return &fileLock{os.NewFile(uintptr(h), path)}, nil
}

func (l *fileLock) release() error { return l.f.Close() }

// syncDir does nothing: NTFS makes names durable by itself.
func syncDir(string) error { return nil }

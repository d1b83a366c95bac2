package audit

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// errorSharingViolation is ERROR_SHARING_VIOLATION.
const errorSharingViolation = syscall.Errno(32)

// lock waits until no other process writes: the lock file is open without sharing,
// which ends with the process.
func lock(path string) (unlock func(), err error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	const step, longest = 10 * time.Millisecond, 10 * time.Second
	for waited := time.Duration(0); ; waited += step {
		h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil,
			syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
		if err == nil {
			return func() { _ = syscall.CloseHandle(h) }, nil
		}
		if !errors.Is(err, errorSharingViolation) || waited >= longest {
			return nil, &os.PathError{Op: "lock", Path: path, Err: err}
		}
		time.Sleep(step)
	}
}

// syncDir does nothing: NTFS makes names durable by itself.
func syncDir(string) error { return nil }

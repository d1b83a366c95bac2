package commitlog

import (
	"errors"

	"golang.org/x/sys/windows"
)

// syncDir does nothing: NTFS keeps names in its own log.
func syncDir(string) error { return nil }

// noRoom reports whether an error means that nothing more can be written here.
func noRoom(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

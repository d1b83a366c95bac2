package commitlog

import (
	"os"

	"golang.org/x/sys/unix"
)

// openDurable opens a segment for writeDurable.
func openDurable(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|unix.O_DSYNC, 0)
}

// writeDurable returns when the bytes are on the disk: O_DSYNC makes a write and its
// fdatasync one call.
func writeDurable(f *os.File, b []byte, at int64) error {
	_, err := f.WriteAt(b, at)
	return err
}

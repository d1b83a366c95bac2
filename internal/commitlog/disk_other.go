//go:build !linux

package commitlog

import "os"

// openDurable opens a segment for writeDurable.
func openDurable(path string) (*os.File, error) { return os.OpenFile(path, os.O_WRONLY, 0) }

// writeDurable returns when the bytes are on the disk.
func writeDurable(f *os.File, b []byte, at int64) error {
	if _, err := f.WriteAt(b, at); err != nil {
		return err
	}
	return f.Sync()
}

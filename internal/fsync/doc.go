// Package fsync makes what was written to a file durable without a thread that waits for the
// disk: the goroutine waits in Go's poller, as for a socket.
//
//	s, err := fsync.New(f) // ErrRefused where the system does not do it: f.Sync() does
//	_, err = f.WriteAt(b, at)
//	err = s.Sync(f) // on the disk when it returns nil
//
// A thread that waits in a system call keeps its place for running Go code until the runtime's
// monitor takes it away, and that monitor never rests while there is always such a thread.
//
// It is for files that a goroutine syncs all the time. It is Linux's alone.
package fsync

import "errors"

// ErrRefused wraps the error of New where files are not synced this way: nothing was.
var ErrRefused = errors.New("the system does not sync in the background")

// File is what is synced: an *os.File, or a descriptor of somebody else's. It stays open
// meanwhile.
type File interface {
	Fd() uintptr
	Name() string // for errors
	Sync() error  // the plain way
}

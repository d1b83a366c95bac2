//go:build !linux

package fsync

// Syncer is never made here.
type Syncer struct{}

// New returns ErrRefused.
func New(File) (*Syncer, error) { return nil, ErrRefused }

// Sync syncs f.
func (*Syncer) Sync(f File) error { return f.Sync() }

// Close does nothing.
func (*Syncer) Close() error { return nil }

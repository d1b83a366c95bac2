//go:build !linux

package sqlitejournal

// backgroundSync does nothing here: SQLite syncs.
type backgroundSync struct{}

func (*backgroundSync) try(uintptr) (done bool, rc int32) { return false, 0 }

func (*backgroundSync) close() {}

package sqlitejournal

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/dashwire/dashwire/internal/commitlog"
	"github.com/dashwire/dashwire/journal"
)

// Why a file cannot be opened; Open puts a sentence around them.
var (
	errForeign   = errors.New("it is no Dashwire journal")
	errFormat    = errors.New("it was written by a newer version")
	errOld       = errors.New("it was written by an older version")
	errNoLog     = errors.New("the folder of its commit log is missing")
	errNoSegment = errors.New("the newest file of its commit log is missing")
	errStray     = errors.New("a commit log lies beside it that is not its own")
)

// errTooMany refuses another dashboard.
var errTooMany = fmt.Errorf("%w: the file holds as many dashboards as it can", journal.ErrUnavailable)

// ErrInUse from Open: another process has the file.
var ErrInUse = errors.New("the journal is in use")

// ErrReadOnly from writing methods of a journal opened by OpenReadOnly.
var ErrReadOnly = errors.New("the journal is open for reading only")

// failure is what an error of SQLite means for us.
type failure int

const (
	noFailure failure = iota
	stopped           // the caller's context ended
	ours              // one of the journal's own errors: SQLite has not failed
	full              // no space: nothing was written, the handle is good
	busy              // somebody else holds a lock: nothing was written
	damaged           // a page or the file is not what it should be
	broken            // I/O failed: the handle is not to be trusted again (A2)
)

// classify never answers noFailure for an error: what it does not know is broken.
func classify(err error) failure {
	if err == nil {
		return noFailure
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return stopped
	}
	for _, own := range []error{journal.ErrInvalid, journal.ErrCorrupt, journal.ErrUnavailable, journal.ErrTrimmed, errForeign, errFormat, errOld, errNoLog, errNoSegment, errStray} {
		if errors.Is(err, own) {
			return ours
		}
	}
	if errors.Is(err, commitlog.ErrFull) {
		return full
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return broken
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return full
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return busy
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return damaged
	case sqlite3.SQLITE_INTERRUPT:
		return stopped
	}
	return broken
}

// readError gives what a failed read of a log means to the caller.
func readError(what, id string, err error) error {
	switch classify(err) {
	case noFailure:
		return nil
	case stopped, ours:
		return fmt.Errorf("%s %s: %w", what, id, err)
	case damaged:
		return fmt.Errorf("%s %s: %w: %w", what, id, journal.ErrCorrupt, err)
	}
	return fmt.Errorf("%s %s: %w: %w", what, id, journal.ErrUnavailable, err)
}

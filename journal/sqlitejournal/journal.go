package sqlitejournal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/dashwire/dashwire/journal"
)

// Journal is a journal.Journal in one SQLite file.
type Journal struct {
	path     string
	opts     Options
	log      *slog.Logger
	readOnly bool
	instance string
	lock     *fileLock   // nil if readOnly
	file     os.FileInfo // what is open; nil if readOnly
	feed     journal.Feed
	queue    queue
	tails    tails
	counters counters

	// life ends when Close begins.
	life context.Context
	end  context.CancelFunc

	// handle is what is open on the file; only the writer changes it, holding
	// handleMu. It is nil after a failure of the disk, until the file is open again.
	handleMu sync.RWMutex
	handle   *handle
	closed   bool // guarded by handleMu

	broken   atomic.Bool  // the handle is not to be trusted any more (A2)
	logBytes atomic.Int64 // the size of the commit log

	writer   *writer        // nil if readOnly
	written  sync.WaitGroup // the writer and the tables
	others   sync.WaitGroup // the trimmer
	closing  sync.Once
	closeErr error
}

var (
	_ journal.Journal = (*Journal)(nil)
	_ journal.Starter = (*Journal)(nil)
)

// Close stops taking appends, commits those that wait, tidies the file up and
// closes it. Whatever runs at the same time gets ErrUnavailable.
func (j *Journal) Close() error {
	j.closing.Do(func() {
		j.end()
		if !j.readOnly {
			j.queue.close()
			j.written.Wait()
		}
		j.others.Wait()
		j.handleMu.Lock()
		defer j.handleMu.Unlock()
		j.closed = true
		var errs []error
		if j.handle != nil {
			errs = append(errs, j.handle.close())
			j.handle = nil
		}
		if j.writer != nil {
			errs = append(errs, j.writer.closed)
		}
		if j.lock != nil {
			errs = append(errs, j.lock.release())
		}
		if err := errors.Join(errs...); err != nil {
			j.closeErr = fmt.Errorf("close journal %s: %w", j.path, err)
		}
	})
	return j.closeErr
}

// Follow implements journal.Journal. It ends with ErrUnavailable when the journal
// is closed.
func (j *Journal) Follow(ctx context.Context, deliver func(journal.Delivery)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(j.life, func() { cancel(fmt.Errorf("%w: %w", journal.ErrUnavailable, errClosed)) })
	defer stop()
	err := j.feed.Follow(ctx, deliver)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// Instance names this file: another one for every file made or restored.
func (j *Journal) Instance() string { return j.instance }

func (j *Journal) wakeWriter() { j.queue.notify() }

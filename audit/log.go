package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/dashwire/dashwire/observe"
)

// Options of a Log; the zero value is ready to use.
type Options struct {
	// MaxBytes is the size at which the file is put aside and a new one begun. 0 = 16 MiB.
	MaxBytes int64
	// Keep is how many files that were put aside are kept. 0 = 10.
	Keep int
	// Refused is the time over which refused sign-ins are counted together. 0 = 10 min.
	Refused time.Duration
	// Now is the clock; nil = time.Now.
	Now func() time.Time
	// Log gets what goes wrong with actions that nobody waits for; nil = slog.Default().
	Log *slog.Logger
}

// Log writes and reads one file. Its methods may be called by any number of goroutines
// at once.
type Log struct {
	path string
	opt  Options

	mu      sync.Mutex
	pending []item
	readers []chan struct{} // wait for what is pending
	refused refusals
	closed  bool

	wake  chan struct{} // holds one: there is something to do
	quit  chan struct{} // closed by Close
	ended chan struct{} // closed when the writer has ended
	file  file          // owned by the writer
}

// item is an action on its way to the disk.
type item struct {
	action observe.Action
	done   func(error) // called once it is there, or not; may be nil
}

// The errors of Record, beside those of the disk.
var (
	ErrClosed = errors.New("audit: the log is closed")
	// ErrBusy: more waits to be written than is held. Nothing was written.
	ErrBusy = errors.New("audit: too much waits to be written")
)

// maxPending bounds what waits to be written, in actions.
const maxPending = 10_000

// Open opens the log in a file, which is made if need be, for its owner alone. The
// error says why it cannot be written to.
func Open(path string, o Options) (*Log, error) {
	if o.MaxBytes < 0 || o.Keep < 0 || o.Refused < 0 {
		return nil, fmt.Errorf("audit.Open: MaxBytes is %d, Keep %d and Refused %s; none may be negative", o.MaxBytes, o.Keep, o.Refused)
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 16 << 20
	}
	if o.Keep == 0 {
		o.Keep = 10
	}
	if o.Refused == 0 {
		o.Refused = 10 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	l := &Log{
		path: path, opt: o, wake: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{}),
		file: file{path: path, maxBytes: o.MaxBytes, keep: o.Keep},
	}
	if err := l.file.write(nil, o.Now()); err != nil {
		return nil, fmt.Errorf("audit.Open: %w", err)
	}
	go l.run()
	return l, nil
}

// Path is the file's.
func (l *Log) Path() string { return l.path }

// Record writes an action down and returns once it is on the disk. When ctx ends before,
// it may be written all the same.
func (l *Log) Record(ctx context.Context, a observe.Action) error {
	written := make(chan error, 1)
	if err := l.add(item{a, func(err error) { written <- err }}); err != nil {
		return err
	}
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
		return fmt.Errorf("audit.Record: not known whether it was written: %w", ctx.Err())
	}
}

// Note writes an action down without waiting for the disk. It never blocks.
func (l *Log) Note(a observe.Action) {
	err := l.add(item{a, func(err error) {
		if err != nil {
			l.opt.Log.Error("audit: an action could not be written down", "action", a.Name, "err", err)
		}
	}})
	if err != nil {
		l.opt.Log.Error("audit: an action could not be written down", "action", a.Name, "err", err)
	}
}

// Refused notes a sign-in that was refused. Whoever tries often fills no disk: of each
// kind (address, user and details) the first is written at once and the others as one
// count when Options.Refused has passed; of more than 20 kinds in that time only the
// number is written. It never blocks.
func (l *Log) Refused(a observe.Action) {
	if a.Time.IsZero() {
		a.Time = l.opt.Now()
	}
	l.mu.Lock()
	first := l.refused.add(a)
	due := l.refused.due(a.Time, l.opt.Refused)
	l.mu.Unlock()
	if first {
		l.Note(a)
	}
	if due {
		l.nudge()
	}
}

func (l *Log) add(it item) error {
	if it.action.Time.IsZero() {
		it.action.Time = l.opt.Now()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return ErrClosed
	case len(l.pending) >= maxPending:
		return ErrBusy
	}
	l.pending = append(l.pending, it)
	l.nudge()
	return nil
}

// settle waits for the writing of what has been noted until now.
func (l *Log) settle(ctx context.Context) error {
	l.mu.Lock()
	written := make(chan struct{})
	if l.closed {
		written = l.ended
	} else {
		l.readers = append(l.readers, written)
		l.nudge()
	}
	l.mu.Unlock()
	select {
	case <-written:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// nudge lets the writer look for work.
func (l *Log) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Close writes what waits and what was counted, and ends the writer.
func (l *Log) Close() {
	l.mu.Lock()
	already := l.closed
	l.closed = true
	l.mu.Unlock()
	if !already {
		close(l.quit)
	}
	<-l.ended
}

// run is the writer: it puts down together what has come while it wrote.
func (l *Log) run() {
	defer close(l.ended)
	tick := time.NewTicker(l.opt.Refused)
	defer tick.Stop()
	for {
		last := false
		select {
		case <-l.wake:
		case <-tick.C:
		case <-l.quit:
			last = true
		}
		l.mu.Lock()
		batch, readers, now := l.pending, l.readers, l.opt.Now()
		l.pending, l.readers = nil, nil
		if last || l.refused.due(now, l.opt.Refused) {
			for _, a := range l.refused.take(now) {
				batch = append(batch, item{action: a})
			}
		}
		l.mu.Unlock()
		if len(batch) > 0 {
			l.write(batch, now)
		}
		for _, r := range readers {
			close(r)
		}
		if last {
			return
		}
	}
}

func (l *Log) write(batch []item, now time.Time) {
	actions := make([]observe.Action, len(batch))
	for i, it := range batch {
		actions[i] = it.action
	}
	err := l.file.write(actions, now)
	if err != nil {
		err = fmt.Errorf("audit: writing %s: %w", l.path, err)
	}
	for _, it := range batch {
		if it.done != nil {
			it.done(err)
		}
	}
}

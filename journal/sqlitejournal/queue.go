package sqlitejournal

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/dashwire/dashwire/journal"
)

// queueBytes is how much may wait for the writer before Append answers
// ErrUnavailable. Callers wait for their answers, so it takes a great many.
const queueBytes = 256 << 20

// errNotAtHead answers an append whose position is not the head: whether it is
// the repeat of a stored one is for its caller to read.
var errNotAtHead = errors.New("not at the head")

var (
	errClosed   = errors.New("the journal is closed")
	errOverfull = errors.New("too much waits to be written")
)

// request is one thing for the writer to do. Exactly one of its kinds is set.
type request struct {
	append   journal.Append    // if it has records; borrowed
	snapshot *journal.Snapshot // of append.DashboardID; borrowed
	key      int64             // of its row in dashboards, for the snapshot
	task     func(c *conn) error

	size  int
	state atomic.Int32
	// One of them is told what became of it.
	done chan error // one slot
	then func(journal.Durability, error)
}

// answer tells what became of it, once.
func (r *request) answer(err error) {
	if r.then == nil {
		r.done <- err
		return
	}
	if errors.Is(err, errNotAtHead) {
		err = fmt.Errorf("%w: %w", journal.ErrUnknown, err)
	}
	if err != nil {
		err = fmt.Errorf("append to %s after %d: %w", r.append.DashboardID, r.append.After, err)
	}
	r.then(journal.Disk, err)
}

// States of a request. Only a queued one can be cancelled.
const (
	queued = iota
	taken
	cancelled
)

func newRequest() *request { return &request{done: make(chan error, 1)} }

// newAppend makes the request of an append, whose slices nobody changes before it is
// done. Nobody waits for it if then is not nil.
func newAppend(a journal.Append, then func(journal.Durability, error)) *request {
	r := &request{append: a, size: len(a.Summary), then: then}
	if then == nil {
		r.done = make(chan error, 1)
	}
	for _, record := range a.Records {
		r.size += len(record)
	}
	return r
}

// queue holds what waits for the writer, in order.
type queue struct {
	wake chan struct{} // one slot: look again

	mu     sync.Mutex
	items  []*request
	bytes  int
	closed bool
}

func (q *queue) push(r *request) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return errClosed
	case q.bytes+r.size > queueBytes && len(q.items) > 0:
		return errOverfull
	}
	q.bytes += r.size
	q.items = append(q.items, r)
	q.notify()
	return nil
}

func (q *queue) notify() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take moves the next group into buf and reports whether the queue was closed
// with nothing left in it.
func (q *queue) take(buf []*request) (group []*request, ended bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, bytes := 0, 0
	for n < len(q.items) && n < groupAppends && (n == 0 || bytes+q.items[n].size <= groupBytes) {
		bytes += q.items[n].size
		n++
	}
	group = append(buf[:0], q.items[:n]...)
	rest := copy(q.items, q.items[n:])
	clear(q.items[rest:])
	q.items = q.items[:rest]
	q.bytes -= bytes
	return group, q.closed && n == 0
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.notify()
}

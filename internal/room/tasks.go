package room

import "sync"

// Tasks owns goroutines: it counts those it has started, so that their owner can
// stop starting new ones and wait for the rest. The zero value is ready to use; its
// methods may be called by any number of goroutines at once.
type Tasks struct {
	mu      sync.Mutex
	running int
	closed  bool
	idle    chan struct{} // made by Close
}

// Go runs f in a goroutine of its own. It reports false, and runs nothing, after
// Close.
func (t *Tasks) Go(f func()) bool {
	if !t.enter() {
		return false
	}
	go func() {
		defer t.leave()
		f()
	}()
	return true
}

// Do runs f in the calling goroutine, which nobody owns (a timer's). It reports
// false, and runs nothing, after Close.
func (t *Tasks) Do(f func()) bool {
	if !t.enter() {
		return false
	}
	defer t.leave()
	f()
	return true
}

// Close lets nothing more begin. The returned channel is closed once everything has
// ended.
func (t *Tasks) Close() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.idle == nil {
		t.idle = make(chan struct{})
	}
	if !t.closed {
		t.closed = true
		if t.running == 0 {
			close(t.idle)
		}
	}
	return t.idle
}

func (t *Tasks) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.running++
	return true
}

func (t *Tasks) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running--; t.running == 0 && t.closed {
		close(t.idle)
	}
}

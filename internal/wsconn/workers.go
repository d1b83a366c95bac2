package wsconn

import "sync"

// maxIdleWorkers is how many workers wait for work; more are made when needed and
// go away afterwards.
const maxIdleWorkers = 16

// workers do jobs, beginning them in the order in which they come; a job may wait. As
// many goroutines are at work as there are jobs that wait and processors for the rest: a
// worker that takes a job calls for another one only if there are more, and that one comes
// when a processor is free. So in a crowd of short jobs a few goroutines do them all, whose
// stacks have grown to what the work takes already; growing one anew costs as much as
// opening a session.
type workers[T any] struct {
	do func(T)
	// wg counts the goroutines.
	wg *sync.WaitGroup

	mu     sync.Mutex
	cond   sync.Cond
	line   []T // jobs that nobody has begun, from first on
	first  int
	coming int // workers on their way to the line
	called int // of these, those that waited and have not woken yet
	idle   int // workers that wait and have not been called
	closed bool
}

func newWorkers[T any](wg *sync.WaitGroup, do func(T)) *workers[T] {
	w := &workers[T]{do: do, wg: wg}
	w.cond.L = &w.mu
	return w
}

// give has a job done. It does not block.
func (w *workers[T]) give(job T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line = append(w.line, job)
	w.callLocked()
}

// callLocked has somebody come to the line.
func (w *workers[T]) callLocked() {
	switch {
	case w.coming > 0:
	case w.idle > 0 && !w.closed:
		w.idle--
		w.coming++
		w.called++
		w.cond.Signal()
	default:
		w.coming++
		w.wg.Go(w.run)
	}
}

// takeLocked takes the first job in line.
func (w *workers[T]) takeLocked() (job T, ok bool) {
	if w.first == len(w.line) {
		return job, false
	}
	var none T
	job, w.line[w.first] = w.line[w.first], none
	if w.first++; w.first == len(w.line) {
		w.line, w.first = w.line[:0], 0
		if cap(w.line) > keptLine {
			w.line = nil
		}
	} else if w.first > keptLine && w.first > len(w.line)/2 {
		left := copy(w.line, w.line[w.first:])
		clear(w.line[left:])
		w.line, w.first = w.line[:left], 0
	}
	return job, true
}

// keptLine is the number of jobs for which an empty line keeps room.
const keptLine = 1024

// run is one worker.
func (w *workers[T]) run() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.coming--
	for {
		job, ok := w.takeLocked()
		if ok {
			if w.first < len(w.line) {
				w.callLocked() // this job may take its time
			}
			w.mu.Unlock()
			w.do(job)
			w.mu.Lock()
			continue
		}
		if w.closed || w.idle >= maxIdleWorkers {
			return
		}
		w.idle++
		for w.called == 0 && !w.closed {
			w.cond.Wait()
		}
		if w.called == 0 {
			return
		}
		w.called--
		w.coming--
	}
}

// close lets the workers go once the line is empty. What is given afterwards, by somebody
// whom wg counts, has workers of its own.
func (w *workers[T]) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.cond.Broadcast()
}

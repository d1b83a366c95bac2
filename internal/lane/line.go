package lane

// line is who waits: first in, first out for each key, and the keys by turns.
type line struct {
	keys map[uint64]*fifo[waiter]
	next fifo[*fifo[waiter]] // those of keys, each once
	n    int
}

// waiter is work, or a goroutine that waits to be told.
type waiter struct {
	key  uint64
	work Work
	turn *Turn         // of the goroutine
	told chan struct{} // nil = work
}

func (l *line) push(w waiter) {
	q := l.keys[w.key]
	if q == nil {
		q = new(fifo[waiter])
		l.keys[w.key] = q
		l.next.push(q)
	}
	q.push(w)
	l.n++
}

// pop takes the first of the key whose turn it is; there must be one.
func (l *line) pop() waiter {
	q := l.next.pop()
	w := q.pop()
	if q.n > 0 {
		l.next.push(q)
	} else {
		delete(l.keys, w.key)
	}
	l.n--
	return w
}

// fifo is first in, first out, in a ring that grows as needed.
type fifo[T any] struct {
	ring     []T
	first, n int
}

func (q *fifo[T]) push(v T) {
	if q.n == len(q.ring) {
		bigger := make([]T, max(4, 2*q.n))
		copy(bigger[copy(bigger, q.ring[q.first:]):], q.ring[:q.first])
		q.ring, q.first = bigger, 0
	}
	q.ring[(q.first+q.n)%len(q.ring)] = v
	q.n++
}

func (q *fifo[T]) pop() T {
	var zero T
	v := q.ring[q.first]
	q.ring[q.first] = zero
	q.first = (q.first + 1) % len(q.ring)
	q.n--
	return v
}

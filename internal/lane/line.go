package lane

import "github.com/dashwire/dashwire/internal/fifo"

// line is who waits: first in, first out for each key, and the keys by turns.
type line struct {
	keys map[uint64]*fifo.Queue[waiter]
	next fifo.Queue[*fifo.Queue[waiter]] // those of keys, each once
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
		q = new(fifo.Queue[waiter])
		l.keys[w.key] = q
		l.next.Push(q)
	}
	q.Push(w)
	l.n++
}

// pop takes the first of the key whose turn it is; there must be one.
func (l *line) pop() waiter {
	q := l.next.Pop()
	w := q.Pop()
	if q.Len() > 0 {
		l.next.Push(q)
	} else {
		delete(l.keys, w.key)
	}
	l.n--
	return w
}

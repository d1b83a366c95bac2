// Package fifo is a queue that keeps its memory.
package fifo

// Queue is first in, first out, in a ring that grows as needed and is kept. The zero value
// is empty. It is not safe for concurrent use.
type Queue[T any] struct {
	ring     []T
	first, n int
}

// Len is how many there are.
func (q *Queue[T]) Len() int { return q.n }

// Push puts one in as the last.
func (q *Queue[T]) Push(v T) {
	if q.n == len(q.ring) {
		bigger := make([]T, max(4, 2*q.n))
		copy(bigger[copy(bigger, q.ring[q.first:]):], q.ring[:q.first])
		q.ring, q.first = bigger, 0
	}
	q.ring[(q.first+q.n)%len(q.ring)] = v
	q.n++
}

// Pop takes the first; there must be one.
func (q *Queue[T]) Pop() T {
	var zero T
	v := q.ring[q.first]
	q.ring[q.first] = zero
	q.first = (q.first + 1) % len(q.ring)
	q.n--
	return v
}

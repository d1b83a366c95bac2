package room

import (
	"container/list"
	"sync"
)

// valueCache holds the live values of the dashboards that were fed last (W2). It
// outlives their rooms; beyond its size the longest unfed dashboards are forgotten.
type valueCache struct {
	maxBytes int

	mu     sync.Mutex
	bytes  int
	boards map[string]*values
	order  *list.List // of *values, the last fed first
}

func newValueCache(maxBytes int) *valueCache {
	return &valueCache{maxBytes: maxBytes, boards: make(map[string]*values), order: list.New()}
}

// open returns the values of a dashboard, empty ones if it has none.
func (c *valueCache) open(id string) *values {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v := c.boards[id]; v != nil {
		return v
	}
	return &values{cache: c, id: id, widgets: make(map[string]*liveValue)}
}

// grown notes that a dashboard's values have grown by a number of bytes, and whether
// there are any left.
func (c *valueCache) grown(v *values, bytes int, empty bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes += bytes
	switch {
	case empty:
		c.removeLocked(v)
		return
	case v.place != nil:
		c.order.MoveToFront(v.place)
	default:
		if other := c.boards[v.id]; other != nil {
			c.removeLocked(other) // of a room that has failed since
			c.bytes -= other.forget()
		}
		v.place = c.order.PushFront(v)
		c.boards[v.id] = v
	}
	for c.bytes > c.maxBytes && c.order.Len() > 1 {
		oldest := c.order.Back().Value.(*values)
		c.removeLocked(oldest)
		c.bytes -= oldest.forget()
	}
}

func (c *valueCache) removeLocked(v *values) {
	if v.place == nil {
		return
	}
	c.order.Remove(v.place)
	v.place = nil
	delete(c.boards, v.id)
}

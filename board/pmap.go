package board

import (
	"iter"
	"strings"
)

// pmap is a sorted map by string that never changes: set and remove give a new map
// that shares all but one path of nodes with the old one (an AVL tree with path
// copying). The zero value is empty. Keys are ordered by their bytes.
type pmap[V any] struct {
	root *pnode[V]
	n    int
}

type pnode[V any] struct {
	key         string
	value       V
	left, right *pnode[V]
	height      int8
}

func (m pmap[V]) len() int { return m.n }

func (m pmap[V]) get(key string) (V, bool) {
	for n := m.root; n != nil; {
		switch order := strings.Compare(key, n.key); {
		case order < 0:
			n = n.left
		case order > 0:
			n = n.right
		default:
			return n.value, true
		}
	}
	var none V
	return none, false
}

// replace is set for a key that is there.
func (m pmap[V]) replace(key string, value V) pmap[V] {
	at := &m.root
	for {
		n := *(*at)
		*at = &n
		switch order := strings.Compare(key, n.key); {
		case order < 0:
			at = &n.left
		case order > 0:
			at = &n.right
		default:
			n.value = value
			return m
		}
	}
}

func (m pmap[V]) set(key string, value V) pmap[V] {
	root, added := m.root.set(key, value)
	if added {
		m.n++
	}
	m.root = root
	return m
}

func (m pmap[V]) remove(key string) pmap[V] {
	if _, ok := m.get(key); !ok {
		return m
	}
	m.root = m.root.remove(key)
	m.n--
	return m
}

// all yields the members in order of their keys.
func (m pmap[V]) all() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) { m.root.walk(yield) }
}

// pmapOf builds a map from members sorted by key, each key once.
func pmapOf[V any](keys []string, values []V) pmap[V] {
	return pmap[V]{root: balanced(keys, values), n: len(keys)}
}

// filter gives the map without the members that keep refuses; the same map if it
// refuses none.
func (m pmap[V]) filter(keep func(V) bool) pmap[V] {
	keys := make([]string, 0, m.n)
	values := make([]V, 0, m.n)
	for key, value := range m.all() {
		if keep(value) {
			keys = append(keys, key)
			values = append(values, value)
		}
	}
	if len(keys) == m.n {
		return m
	}
	return pmapOf(keys, values)
}

func balanced[V any](keys []string, values []V) *pnode[V] {
	if len(keys) == 0 {
		return nil
	}
	mid := len(keys) / 2
	return join(keys[mid], values[mid], balanced(keys[:mid], values[:mid]), balanced(keys[mid+1:], values[mid+1:]))
}

func (n *pnode[V]) high() int8 {
	if n == nil {
		return 0
	}
	return n.height
}

func (n *pnode[V]) walk(yield func(string, V) bool) bool {
	return n == nil || n.left.walk(yield) && yield(n.key, n.value) && n.right.walk(yield)
}

func join[V any](key string, value V, left, right *pnode[V]) *pnode[V] {
	return &pnode[V]{key: key, value: value, left: left, right: right, height: max(left.high(), right.high()) + 1}
}

// balance joins two trees whose heights differ by two at most.
func balance[V any](key string, value V, left, right *pnode[V]) *pnode[V] {
	switch tilt := left.high() - right.high(); {
	case tilt > 1 && left.left.high() >= left.right.high():
		return join(left.key, left.value, left.left, join(key, value, left.right, right))
	case tilt > 1:
		up := left.right
		return join(up.key, up.value, join(left.key, left.value, left.left, up.left), join(key, value, up.right, right))
	case tilt < -1 && right.right.high() >= right.left.high():
		return join(right.key, right.value, join(key, value, left, right.left), right.right)
	case tilt < -1:
		up := right.left
		return join(up.key, up.value, join(key, value, left, up.left), join(right.key, right.value, up.right, right.right))
	}
	return join(key, value, left, right)
}

func (n *pnode[V]) set(key string, value V) (root *pnode[V], added bool) {
	switch {
	case n == nil:
		return join[V](key, value, nil, nil), true
	case key < n.key:
		left, added := n.left.set(key, value)
		return balance(n.key, n.value, left, n.right), added
	case key > n.key:
		right, added := n.right.set(key, value)
		return balance(n.key, n.value, n.left, right), added
	}
	return &pnode[V]{key: n.key, value: value, left: n.left, right: n.right, height: n.height}, false
}

// remove takes out a key that is there.
func (n *pnode[V]) remove(key string) *pnode[V] {
	switch {
	case key < n.key:
		return balance(n.key, n.value, n.left.remove(key), n.right)
	case key > n.key:
		return balance(n.key, n.value, n.left, n.right.remove(key))
	case n.left == nil:
		return n.right
	case n.right == nil:
		return n.left
	}
	next := n.right
	for next.left != nil {
		next = next.left
	}
	return balance(next.key, next.value, n.left, n.right.remove(next.key))
}

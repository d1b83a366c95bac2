package natsjournal

import (
	"sync"

	"github.com/dashwire/dashwire/journal"
)

// tail is the end of one log: what an append needs to know.
type tail struct {
	head  journal.Position // of the last record; 0 = the log is empty
	seq   uint64           // of the last message; 0 = there is none
	links []link           // of the message to come; never changed
}

// tailAfter is the tail once m stands at seq.
func tailAfter(m *message, seq uint64) tail {
	return tail{head: m.last(), seq: seq, links: linksAfter(m, seq)}
}

// tails remembers the ends of the logs that are in use, so that an append is one
// request. Being out of date costs a lost comparison, nothing more. What was not
// used between two calls of age is forgotten (A6).
type tails struct {
	mu    sync.Mutex
	young map[string]tail
	old   map[string]tail
}

func (t *tails) get(id string) (tail, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l, ok := t.young[id]; ok {
		return l, true
	}
	l, ok := t.old[id]
	if ok {
		t.putLocked(id, l)
	}
	return l, ok
}

// put remembers a tail unless a newer one is known.
func (t *tails) put(id string, l tail) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok := t.young[id]
	if !ok {
		known, ok = t.old[id]
	}
	if !ok || l.seq >= known.seq {
		t.putLocked(id, l)
	}
}

// advance is put for logs that are in use, and does not count as use.
func (t *tails) advance(id string, m *message, seq uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, ok := t.young[id]; ok && seq > known.seq {
		t.young[id] = tailAfter(m, seq)
	} else if known, ok := t.old[id]; ok && seq > known.seq {
		t.old[id] = tailAfter(m, seq)
	}
}

func (t *tails) putLocked(id string, l tail) {
	if t.young == nil {
		t.young = make(map[string]tail)
	}
	t.young[id] = l
	delete(t.old, id)
}

func (t *tails) forget(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.young, id)
	delete(t.old, id)
}

func (t *tails) age() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.old, t.young = t.young, nil
}

func (t *tails) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.young) + len(t.old)
}

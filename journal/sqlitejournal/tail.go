package sqlitejournal

import (
	"sync"

	"github.com/dashwire/dashwire/journal"
)

// recordOverhead is what a record in memory costs beside its bytes.
const recordOverhead = 56

// tail is the end of one log as far as it is not spread yet.
type tail struct {
	id string

	// owned by the writer
	key     int64            // of the row in dashboards; 0: there is none yet
	next    journal.Position // the head, the group being written included
	touched bool             // by the group being written
	problem error            // why nothing is appended to this log: wraps ErrCorrupt

	// written by the writer holding tails.mu, read by all holding it
	head    journal.Position // durable
	records []stored         // the last len(records) up to head
	time    int64            // of the last record; only while records is not empty
	summary []byte           // the same
	damage  error            // what reading past the spread records gives, or nil
}

// first is the position of the first record held.
func (t *tail) first() journal.Position { return t.head - journal.Position(len(t.records)) + 1 }

// tails is the index of what is not spread yet. Only the writer changes it.
type tails struct {
	mu    sync.RWMutex
	byID  map[string]*tail // those that hold records or damage
	bytes int              // of all records held, with overhead
}

// rlock returns the tail of a log, nil if the log is all in the tables, under a
// read lock that the caller gives back with mu.RUnlock.
func (x *tails) rlock(id string) *tail {
	x.mu.RLock()
	return x.byID[id]
}

func (x *tails) size() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.bytes
}

func size(records []stored) int {
	n := recordOverhead * len(records)
	for _, r := range records {
		n += len(r.data)
	}
	return n
}

// recent is what the writer remembers of logs it met lately, so that it need not
// ask the tables for every append: two generations of at most cap logs, the older
// dropped whole. Its size is bounded whatever the number of dashboards (A6).
type recent struct {
	young, old map[string]*tail
}

const recentSize = 2048

func (r *recent) get(id string) *tail {
	if t, ok := r.young[id]; ok {
		return t
	}
	if t, ok := r.old[id]; ok {
		r.put(t)
		return t
	}
	return nil
}

func (r *recent) put(t *tail) {
	if len(r.young) >= recentSize || r.young == nil {
		r.old, r.young = r.young, make(map[string]*tail)
	}
	r.young[t.id] = t
}

func (r *recent) clear() { r.young, r.old = nil, nil }

package dashwire

import (
	"math"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// memory tells whether there is memory for more sessions. Its zero value has no limit.
type memory struct {
	limit uint64 // 0 = none

	mu      sync.Mutex
	at      time.Time
	short   bool
	samples []metrics.Sample
}

// Of the limit, what may be in use before new sessions are refused: the collector of
// garbage needs the rest to work in, and so do the sessions that are there.
const memoryShare = 0.8

// memoryFresh is how old a measurement may be.
const memoryFresh = 100 * time.Millisecond

// What is in use: all that was taken from the system, without what was given back or is
// free, and without the garbage since the last collection.
var (
	memoryTaken = []string{"/memory/classes/total:bytes", "/gc/heap/live:bytes"}
	memoryFree  = []string{
		"/memory/classes/heap/released:bytes", "/memory/classes/heap/free:bytes",
		"/memory/classes/heap/unused:bytes", "/memory/classes/heap/objects:bytes",
	}
)

// newMemory makes one for a limit in bytes, 0 = the one that the runtime has
// (GOMEMLIMIT).
func newMemory(limit int64) *memory {
	if limit == 0 {
		if limit = debug.SetMemoryLimit(-1); limit == math.MaxInt64 {
			limit = 0
		}
	}
	m := &memory{limit: uint64(limit)}
	for _, name := range append(append([]string(nil), memoryTaken...), memoryFree...) {
		m.samples = append(m.samples, metrics.Sample{Name: name})
	}
	return m
}

// isShort reports whether new sessions are refused.
func (m *memory) isShort() bool {
	if m.limit == 0 {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); now.Sub(m.at) > memoryFresh {
		m.at = now
		m.short = float64(m.inUseLocked()) > memoryShare*float64(m.limit)
	}
	return m.short
}

func (m *memory) inUseLocked() uint64 {
	metrics.Read(m.samples)
	taken, free := uint64(0), uint64(0)
	for i, s := range m.samples {
		if s.Value.Kind() != metrics.KindUint64 {
			continue // this runtime does not tell it
		}
		if i < len(memoryTaken) {
			taken += s.Value.Uint64()
		} else {
			free += s.Value.Uint64()
		}
	}
	return taken - min(free, taken)
}

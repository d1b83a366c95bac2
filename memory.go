package dashwire

import (
	"context"
	"math"
	"runtime"
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
// garbage needs the rest to work in, and so do the sessions that are there. Beyond the
// larger share, sessions are closed.
const (
	memoryShare = 0.8
	memoryFull  = 0.95
)

// memoryFresh is how old a measurement may be, memoryEvery how often it is looked at
// whether sessions have to be closed, and memoryCollect how long garbage may count as in use
// while memory is short.
const (
	memoryFresh = 100 * time.Millisecond
	memoryEvery = 500 * time.Millisecond

	memoryCollect = 2 * time.Second
)

// What is in use: all that was taken from the system, without what was given back or is
// free; and of the objects only those that the last collection has found alive.
const (
	memoryLive    = "/gc/heap/live:bytes"
	memoryObjects = "/memory/classes/heap/objects:bytes"
)

var (
	memoryTaken = []string{"/memory/classes/total:bytes", memoryLive}
	memoryFree  = []string{
		"/memory/classes/heap/released:bytes", "/memory/classes/heap/free:bytes",
		"/memory/classes/heap/unused:bytes", memoryObjects,
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

// incoming is how many bytes of messages that are not taken in yet there is room for, where
// a message has at most so many; 0 = as many as without a limit.
func (m *memory) incoming(message int) int64 {
	if m.limit == 0 {
		return 0
	}
	return max(int64(m.limit/8), 4*int64(message))
}

// replays is how many dashboards may be read from the journal at a time; 0 = as many as
// without a limit.
func (m *memory) replays() int {
	if m.limit == 0 {
		return 0
	}
	return int(min(max(m.limit>>25, 1), 16))
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
		m.short = float64(m.inUseLocked(false)) > memoryShare*float64(m.limit)
	}
	return m.short
}

// watch has what is not needed let go of while memory is short, and sessions closed, a part
// of them at a time, while too much is in use although all garbage was collected. It
// returns when ctx ends.
func (m *memory) watch(ctx context.Context, ease func(), shed func(part float64)) {
	if m.limit == 0 {
		return
	}
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	collected := time.Now()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if m.isShort() {
			ease()
			if time.Since(collected) > memoryCollect {
				runtime.GC() // on a quiet server the runtime would not for minutes
				collected = time.Now()
			}
		}
		if !m.full(true) {
			continue
		}
		runtime.GC() // what of it is garbage is known only after one
		if m.full(false) {
			shed(0.1)
		}
	}
}

// full reports whether sessions have to be closed, with what may be garbage or without.
func (m *memory) full(garbage bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return float64(m.inUseLocked(garbage)) > memoryFull*float64(m.limit)
}

// inUseLocked is what is in use, with garbage or without what was found to be garbage
// when it was collected last.
func (m *memory) inUseLocked(garbage bool) uint64 {
	metrics.Read(m.samples)
	taken, free := uint64(0), uint64(0)
	for i, s := range m.samples {
		if s.Value.Kind() != metrics.KindUint64 {
			continue // this runtime does not tell it
		}
		if garbage && (s.Name == memoryLive || s.Name == memoryObjects) {
			continue
		}
		if i < len(memoryTaken) {
			taken += s.Value.Uint64()
		} else {
			free += s.Value.Uint64()
		}
	}
	return taken - min(free, taken)
}

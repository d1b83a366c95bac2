package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// weighEvery is how often the process weighs its memory.
	weighEvery = 10 * time.Second
	// worthwhile is how many bytes more than after the last time it takes to collect.
	worthwhile = 8 << 20
)

// giver hands memory back to the system once little happens. When thousands of
// sessions have come at once, the runtime keeps what their handshakes took until it
// collects anew, which on a quiet server is minutes later, and returns it slowly.
type giver struct {
	allocated uint64 // in all, when last weighed
	kept      uint64 // taken from the system after the last collection
}

// run weighs until ctx ends.
func (g *giver) run(ctx context.Context) {
	every := time.NewTicker(weighEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			g.weigh()
		}
	}
}

// weigh collects and gives back if the process is quiet and holds more than before.
func (g *giver) weigh() (gave bool) {
	m := memoryNow()
	quiet := m.allocated-g.allocated < max(1<<20, m.live/8)
	g.allocated = m.allocated
	if !quiet || m.taken < g.kept+g.kept/8+worthwhile {
		return false
	}
	runtime.GC() // what pools hold is let go in the second collection
	debug.FreeOSMemory()
	m = memoryNow()
	g.allocated, g.kept = m.allocated, m.taken
	return true
}

// memory is what the runtime tells, in bytes.
type memory struct {
	allocated uint64 // on the heap since the start
	live      uint64 // found in use by the last collection
	taken     uint64 // from the system, and not given back
}

func memoryNow() memory {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	at := func(i int) uint64 { return samples[i].Value.Uint64() }
	return memory{allocated: at(0), live: at(1), taken: at(2) - at(3)}
}

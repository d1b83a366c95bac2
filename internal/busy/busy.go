// Package busy tells whether this process uses most of the processors that it may use.
//
//	g := busy.NewGauge()
//	if g.Busy(time.Now()) {
//		// do less often what costs the same however much is done by it
//	}
package busy

import (
	"runtime"
	"sync/atomic"
	"time"
)

const (
	// window is the time over which use is looked at, at least.
	window = 100 * time.Millisecond
	// Who uses from of the processors is busy, and stays so until it uses less than until: who
	// does less because it is busy would be so by turns. The kernel's own threads, which sync files,
	// take a tenth and more of a processor beside a server at full rate.
	from, until = 0.75, 0.6
)

// Gauge looks at what the process has used whenever it is asked, at most once in 100 ms. Any
// number of goroutines may ask. The zero value is not ready; NewGauge makes one.
type Gauge struct {
	used       func() time.Duration // processor time so far
	processors func() int
	since      time.Time

	looking atomic.Bool
	next    atomic.Int64 // when to look again, in ns after since
	busy    atomic.Bool

	// of who is looking
	at   time.Duration // after since
	then time.Duration // used at that time
}

// NewGauge makes a gauge of this process. Where the system does not tell what that uses it is never busy.
func NewGauge() *Gauge { return newGauge(processorTime, processors, time.Now()) }

// processors is how many of them Go's threads can be on at a time.
func processors() int { return min(runtime.GOMAXPROCS(0), runtime.NumCPU()) }

func newGauge(used func() time.Duration, processors func() int, now time.Time) *Gauge {
	g := &Gauge{used: used, processors: processors, since: now, then: used()}
	g.next.Store(int64(window))
	return g
}

// Busy reports whether the process was busy in the last tenth of a second or so, or since it was last asked if that
// is longer ago. now is the time of the system's clock.
func (g *Gauge) Busy(now time.Time) bool {
	at := now.Sub(g.since)
	if int64(at) < g.next.Load() || !g.looking.CompareAndSwap(false, true) {
		return g.busy.Load()
	}
	defer g.looking.Store(false)
	if int64(at) < g.next.Load() { // somebody has just looked
		return g.busy.Load()
	}
	used := g.used()
	share := float64(used-g.then) / float64(at-g.at) / float64(g.processors())
	g.at, g.then = at, used
	g.busy.Store(share >= from || share >= until && g.busy.Load())
	g.next.Store(int64(at + window))
	return g.busy.Load()
}

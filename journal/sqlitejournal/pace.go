package sqlitejournal

import (
	"runtime"
	"time"

	"github.com/dashwire/dashwire/internal/giveway"
)

// pace has long work give way to others, after each stretch of so much time. It is used by one
// goroutine at a time.
type pace struct {
	began time.Time // of this stretch
	way   func()    // giveWay if nil
}

// stretch is how long an append may wait for work that nobody waits for.
const stretch = 500 * time.Microsecond

// step is called between small pieces of the work.
func (p *pace) step() {
	if time.Since(p.began) < stretch {
		return
	}
	if p.way != nil {
		p.way()
	} else {
		giveWay()
	}
	p.began = time.Now()
}

// giveWay lets others run, and what they wait for be heard of.
func giveWay() {
	if giveway.Needed() {
		giveway.ToPoller()
	} else {
		runtime.Gosched()
	}
}

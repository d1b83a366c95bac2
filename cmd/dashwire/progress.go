package main

import (
	"fmt"
	"os"
	"time"
)

// progress shows how far something is: one line that is written over on a terminal,
// else a line every few seconds.
type progress struct {
	to    *os.File
	tty   bool
	every time.Duration
	last  time.Time
	shown bool
}

func newProgress(to *os.File) *progress {
	p := &progress{to: to, tty: terminal(to), every: 5 * time.Second, last: time.Now()}
	if p.tty {
		p.every = 100 * time.Millisecond
	}
	return p
}

// show says how far it is, if it is time to.
func (p *progress) show(format string, args ...any) {
	now := time.Now()
	if now.Sub(p.last) < p.every {
		return
	}
	p.last = now
	if p.tty {
		fmt.Fprintf(p.to, "\r\x1b[K"+format, args...)
		p.shown = true
		return
	}
	fmt.Fprintf(p.to, format+"\n", args...)
}

// end takes the line away.
func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.to, "\r\x1b[K")
	}
}

// percent of a whole that may be empty.
func percent(done, total int) int {
	if total <= 0 {
		return 100
	}
	return done * 100 / total
}

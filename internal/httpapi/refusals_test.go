package httpapi

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dashwire/dashwire/board"
)

// stepped is a clock that stands, and goes on by 10 s at each step.
type stepped struct {
	still
	steps atomic.Int64
}

func (s *stepped) Now() time.Time { return s.at.Add(time.Duration(s.steps.Load()) * 10 * time.Second) }

// While a store is away, or a disk full, each request is refused: the log tells of the first
// and then how many there were.
func TestH5_RefusalsAreLoggedNowAndThen(t *testing.T) {
	c := &stepped{still: standing()}
	n := start(t, func(cfg *Config) {
		signedIn(cfg)
		cfg.Clock = c
	})
	lines := func() int { return strings.Count(n.log.String(), "http: refused") }
	refused := func() { n.do("GET", "/api/dashboards", "", as("broken")).refused(503, board.CodeUnavailable) }
	for range 5 {
		refused()
	}
	if lines() != 1 || strings.Contains(n.log.String(), "more=") {
		t.Errorf("5 refusals are %d lines:\n%s", lines(), n.log)
	}
	c.steps.Add(1)
	refused()
	if lines() != 2 || !strings.Contains(n.log.String(), "more=4") {
		t.Errorf("later there are %d lines:\n%s", lines(), n.log)
	}
}

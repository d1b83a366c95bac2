package callout

import (
	"log/slog"
	"sync"
	"time"
)

// reportEvery is the least time between two lines about failures.
const reportEvery = 30 * time.Second

// reporter logs that the app gives no answers, and that it does again, without a line for
// each question. It never gets a question or an answer.
type reporter struct {
	log *slog.Logger
	app string

	mu       sync.Mutex
	failing  bool
	reported time.Time
	failures int // since the last line
}

func (r *reporter) outcome(now time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil && r.failing:
		r.log.Info("callout: the app answers again", "app", r.app, "failures", r.failures)
		r.failing, r.failures = false, 0
	case err == nil:
	default:
		r.failures++
		if since := now.Sub(r.reported); since >= reportEvery || since < 0 { // the clock may have been set back
			r.log.Error("callout: the app does not tell what people may do, so they get UNAVAILABLE", "app", r.app, "err", err, "failures", r.failures)
			r.failing, r.reported, r.failures = true, now, 0
		}
	}
}

package session

import (
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/clock/clocktest"
	"github.com/dashwire/dashwire/internal/wire"
)

// leaps are what the time of day is set by.
var leaps = []time.Duration{90 * time.Minute, -90 * time.Minute, 49 * time.Hour, -49 * time.Hour}

// TestC4_SilenceIsNotMeasuredByTheTimeOfDay: who is asked for a sign of life, and who is
// given up, does not depend on whether the machine's clock is set.
func TestC4_SilenceIsNotMeasuredByTheTimeOfDay(t *testing.T) {
	for _, leap := range leaps {
		t.Run(leap.String(), func(t *testing.T) {
			var c clocktest.Leaping
			bubble(t, options{session: func(cfg *Config) { cfg.Clock = &c }}, func(t *testing.T, n *node) {
				p := n.join("a")
				after(5 * time.Second)
				c.Leap(leap)
				p.session.Alive(time.Now())
				after(24 * time.Second)
				if p.pinged() != 0 {
					t.Errorf("asked for a sign of life %d s after one", 24)
				}
				after(2 * time.Second)
				if p.pinged() != 1 {
					t.Errorf("%d pings after 26 s, want 1", p.pinged())
				}
				c.Leap(-2 * leap)
				after(8 * time.Second)
				if code := p.closedWith(); code != 0 {
					t.Errorf("closed with %d before its time to answer was over", code)
				}
				after(3 * time.Second)
				p.bye(wire.CloseHeartbeat)
			})
		})
	}
}

// TestC3_TokensEndByTheTimeOfDay: a token ends when its time has come by the clock as it is
// set now, neither sooner nor later.
func TestC3_TokensEndByTheTimeOfDay(t *testing.T) {
	const life = 4 * time.Hour
	for _, leap := range []time.Duration{-time.Hour, time.Hour, life - time.Minute} {
		t.Run(leap.String(), func(t *testing.T) {
			var c clocktest.Leaping
			bubble(t, options{session: func(cfg *Config) { cfg.Clock = &c }}, func(t *testing.T, n *node) {
				p := n.open(&auth.Principal{UserID: "ana", Expires: c.Now().Add(life).Round(0), Grants: owner("ana").Grants})
				alive := func(d time.Duration) {
					for ; d > 0; d -= 10 * time.Second {
						after(10 * time.Second)
						p.session.Alive(time.Now())
					}
				}
				c.Leap(leap)
				alive(life - leap)
				if code := p.closedWith(); code != 0 {
					t.Errorf("closed with %d before its token has ended", code)
				}
				alive(time.Minute)
				if code := p.closedWith(); code != wire.CloseSignIn {
					t.Errorf("closed with %d, want %d: its token has ended", code, wire.CloseSignIn)
				}
			})
		})
	}
}

package session

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/wire"
)

func TestC8_SessionsPerUser(t *testing.T) {
	bubble(t, options{session: func(c *Config) { c.SessionsPerUser = 3 }}, func(t *testing.T, n *node) {
		var ana []*peer
		for i := range 3 {
			ana = append(ana, n.join(fmt.Sprint("tab-", i)))
		}
		over := n.open(owner("ana"))
		if m := over.bye(wire.CloseSlowDown); m.str("reconnect") != "" {
			t.Errorf("got %s", m.Payload)
		}
		for i := range 5 { // others, and the anonymous, are not affected
			n.joinAs(auth.Anonymous, fmt.Sprint("tab-", i))
		}
		n.joinAs("bo", "tab")
		go ana[0].vanish(wire.CloseAbnormal)
		synctest.Wait()
		n.join("tab-4")
		for _, p := range ana[1:] {
			if code := p.closedWith(); code != 0 {
				t.Errorf("an older session was closed with %d", code)
			}
		}
	})
}

// burst sends PING count times from a goroutine of its own.
func burst(p *peer, count int) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		for i := range count {
			p.send(`{"type":"PING","id":"%d","payload":{}}`, i)
		}
	}()
	synctest.Wait()
	return done
}

func TestC8_OverTheRateReadingStops(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		p, other := n.join("a"), n.join("b")
		done := burst(p, 5000)
		got := p.take()
		if len(got) < 1990 || len(got) > 2010 {
			t.Errorf("%d messages at once, want the burst of 2,000", len(got))
		}
		other.send(`{"type":"PING","id":"1","payload":{}}`)
		other.one("PONG") // is not slowed down
		after(time.Second)
		more := p.take()
		if len(more) < 990 || len(more) > 1010 {
			t.Errorf("%d messages in the next second, want 1,000", len(more))
		}
		<-done
		all := append(append(got, more...), p.take()...)
		if len(all) != 5000 {
			t.Fatalf("%d answers, want 5,000", len(all))
		}
		for i, m := range all {
			if m.Type != "PONG" || m.CorrelationID != fmt.Sprint(i) {
				t.Fatalf("answer %d is %s of %s", i, m.Type, m.CorrelationID)
			}
			if d := m.at.Sub(m.Timestamp); d < 0 || d >= time.Millisecond {
				t.Fatalf("answer %d is of %s before it came", i, d)
			}
		}
		if p.closedWith() != 0 {
			t.Error("closed")
		}
	})
}

func TestC8_BytesPerSecond(t *testing.T) {
	bubble(t, options{session: func(c *Config) { c.BytesPerSecond = 10_000 }}, func(t *testing.T, n *node) {
		p := n.join("a")
		text := fmt.Sprintf(`{"type":"PING","id":"1","payload":{"pad":%q}}`, strings.Repeat("x", 800))
		begin := time.Now()
		for sent := 0; sent < 60_000; sent += len(text) {
			p.send("%s", text)
		}
		if took := time.Since(begin); took < 3500*time.Millisecond || took > 4500*time.Millisecond {
			t.Errorf("60 kB at 10 kB/s with a burst of 2 s took %s, want 4 s", took)
		}
	})
}

// slowly is a tenth of the usual rate.
var slowly = options{session: func(c *Config) { c.MessagesPerSecond, c.MessageBurst = 100, 200 }}

func TestC8_TenSecondsOverTheRate(t *testing.T) {
	bubble(t, slowly, func(t *testing.T, n *node) {
		p := n.join("a")
		begin := time.Now()
		done := burst(p, 1_000_000)
		after(9 * time.Second)
		if code := p.closedWith(); code != 0 {
			t.Fatalf("closed with %d after 9 s", code)
		}
		after(1500 * time.Millisecond)
		p.bye(wire.CloseSlowDown)
		<-done
		if took := time.Since(begin); took > 11*time.Second {
			t.Errorf("closed after %s", took)
		}
	})
}

// TestC8_WakingLateIsNoPause: a session is read again a little later than it might be, as
// timers are, and sends on and on.
func TestC8_WakingLateIsNoPause(t *testing.T) {
	bubble(t, slowly, func(t *testing.T, n *node) {
		p := n.join("a")
		<-burst(p, 200)
		begin := time.Now()
		for p.closedWith() == 0 && time.Since(begin) < 20*time.Second {
			for range 5 {
				p.send(`{"type":"PING","id":"x","payload":{}}`)
			}
			after(25 * time.Millisecond) // as good as two messages
		}
		p.bye(wire.CloseSlowDown)
		if took := time.Since(begin); took > 11*time.Second {
			t.Errorf("closed after %s", took)
		}
	})
}

func TestC8_APauseStartsTheTenSecondsAnew(t *testing.T) {
	bubble(t, slowly, func(t *testing.T, n *node) {
		p := n.join("a")
		for range 3 {
			<-burst(p, 800) // 6 s over the rate
			after(5 * time.Second)
		}
		if code := p.closedWith(); code != 0 {
			t.Errorf("closed with %d", code)
		}
	})
}

// TestE5_OversizedMessagesAreHeldToTheRates: what is thrown away was read nevertheless.
func TestE5_OversizedMessagesAreHeldToTheRates(t *testing.T) {
	for _, c := range []struct {
		name  string
		o     options
		size  int
		block bool
	}{
		{"C8 messages a second", slowly, 1, false},
		{"C8 bytes a second", options{}, 3 << 20, false},
		{"answers that are not read", options{}, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, c.o, func(t *testing.T, n *node) {
				p := n.join("a")
				if c.block {
					p.block(0)
				}
				var over atomic.Bool
				done := make(chan struct{})
				go func() {
					defer close(done)
					for i := 0; i < 100_000 && !over.Load(); i++ {
						p.session.Oversized("big", c.size)
					}
				}()
				after(5 * time.Second)
				if refused := n.server.Stats().Refused; refused == 0 || refused > 1000 {
					t.Errorf("%d were answered", refused)
				}
				over.Store(true)
				n.server.Disconnect(p.session.ID(), wire.CloseForbidden, "out")
				<-done
			})
		})
	}
}

func TestAnswersDueStopReading(t *testing.T) {
	g := newGate()
	bubble(t, options{journal: g}, func(t *testing.T, n *node) {
		p := n.join("a")
		g.shut()
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range 100 {
				p.send(`{"type":"WIDGET_UPDATE","id":"o%d","payload":{"dashboardId":"ops","widgetId":"w%d","create":true}}`, i, i)
			}
		}()
		after(aWhile)
		if ops := n.hub.Stats().Ops; ops != maxAnswers {
			t.Errorf("%d ops were taken in, want %d", ops, maxAnswers)
		}
		g.open()
		<-done
		after(aWhile)
		if got := p.take(); len(got) != 100 {
			t.Errorf("%d answers, want 100", len(got))
		}
	})
}

// A client that goes without having read what is due to it keeps nothing here.
func TestAnswersDueAreNotAwaitedOfWhoIsGone(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		p := n.join("a")
		p.block(0)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := 0; p.session.awaitRoom(); i++ {
				p.send(`{"type":"PING","id":"p%d"}`, i)
			}
		}()
		after(aWhile)
		select {
		case <-done:
			t.Fatal("the session takes in what nobody will hear the answer to")
		default:
		}
		p.session.Broken()
		<-done
	})
}

// TestC8_ATokenCountsAsManyMessages: whoever shows one over and over keeps nobody busy.
func TestC8_ATokenCountsAsManyMessages(t *testing.T) {
	d := door{}
	o := withDoor(d)
	set := o.session
	o.session = func(c *Config) {
		set(c)
		c.MessagesPerSecond, c.MessageBurst = 100, 400
	}
	bubble(t, o, func(t *testing.T, n *node) {
		d["ana"] = made("ana", "t", time.Now())
		p := n.open(nil)
		p.want("CONNECT")
		const shown = 8
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range shown {
				p.send(`{"type":"CONNECT","id":"c","payload":{"token":"ana"}}`)
			}
		}()
		after(10 * time.Millisecond)
		if got := len(p.take()); got < 3 || got > 4 {
			t.Errorf("%d tokens were looked at at once, want 4", got)
		}
		after(time.Second)
		if got := len(p.take()); got != 1 {
			t.Errorf("%d in the next second, want 1", got)
		}
		<-done
	})
}

func TestC2_ATokenThatIsTooLong(t *testing.T) {
	long := strings.Repeat("x", auth.MaxToken+1)
	bubble(t, withDoor(door{long: made("ana", "t", time.Time{})}), func(t *testing.T, n *node) {
		p := n.open(nil)
		p.want("CONNECT")
		p.send(`{"type":"CONNECT","id":"c","payload":{"token":"%s"}}`, long)
		p.bye(wire.CloseSignIn)
	})
}

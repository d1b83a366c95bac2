package session

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/internal/wire"
)

// drain begins to drain the node and returns what ends it and what tells when it is
// done.
func (n *node) drain(within time.Duration) (now func(), done chan struct{}) {
	ctx, now := context.WithCancel(context.Background())
	done = make(chan struct{})
	go func() {
		defer close(done)
		n.server.Drain(ctx, within)
	}()
	synctest.Wait()
	return now, done
}

func ended(done chan struct{}) bool {
	synctest.Wait()
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func TestC7_SessionsGoAtRandomMoments(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		var peers []*peer
		for i := range 20 {
			p := n.join(fmt.Sprint("tab-", i))
			p.follow("ops")
			peers = append(peers, p)
		}
		now, done := n.drain(10 * time.Second)
		defer now()
		late := n.open(owner("ana"))
		if got := late.take(); types(got) != "CONNECT DISCONNECT" || late.closedWith() != wire.CloseRestart {
			t.Errorf("a new session: %s, closed with %d", describe(got), late.closedWith())
		}

		open := func() (n int) {
			for _, p := range peers {
				if p.closedWith() == 0 {
					n++
				}
			}
			return n
		}
		served := 0
		after(5 * time.Second)
		half := open()
		for _, p := range peers { // served in full until then
			if p.closedWith() == 0 {
				p.send(`{"type":"PING","id":"p","payload":{}}`)
				p.one("PONG")
				served++
			}
		}
		if half < 4 || half > 16 || served != half {
			t.Errorf("%d of 20 sessions are left after half of the time, %d were served", half, served)
		}
		after(5 * time.Second)
		if open() != 0 || !ended(done) {
			t.Fatalf("%d sessions are left after all of the time, done: %v", open(), ended(done))
		}
		for _, p := range peers {
			m := p.bye(wire.CloseRestart)
			if m.str("reconnect", "afterMs") != "[500 5000]" {
				t.Errorf("got %s", m.Payload)
			}
		}
	})
}

func TestC7_OpsReceivedAreAnsweredFirst(t *testing.T) {
	g := newGate()
	bubble(t, options{journal: g}, func(t *testing.T, n *node) {
		p := n.join("a")
		p.follow("ops")
		g.shut()
		const ops = 5
		for i := range ops {
			p.send(`{"type":"WIDGET_UPDATE","id":"o%d","payload":{"dashboardId":"ops","widgetId":"w%d","create":true}}`, i, i)
		}
		now, done := n.drain(0)
		defer now()
		after(aWhile)
		p.want("")
		late := make(chan struct{})
		go func() { // comes after the moment: not taken in
			defer close(late)
			p.send(`{"type":"PING","id":"late","payload":{}}`)
		}()
		synctest.Wait()
		g.open()
		after(aWhile)
		got := p.take()
		if types(got) != "ACK ACK ACK ACK ACK DISCONNECT" {
			t.Errorf("got %s", describe(got))
		}
		<-late
		if !ended(done) {
			t.Error("Drain has not returned")
		}
	})
}

func TestC7_JournalThatDoesNotAnswerIsNotWaitedForForEver(t *testing.T) {
	g := newGate()
	bubble(t, options{journal: g}, func(t *testing.T, n *node) {
		p := n.join("a")
		g.shut()
		defer g.open()
		p.send(`{"type":"WIDGET_UPDATE","id":"o","payload":{"dashboardId":"ops","widgetId":"w","create":true}}`)
		now, done := n.drain(0)
		defer now()
		after(7 * time.Second)
		if got := p.take(); types(got) != "NACK DISCONNECT" || got[0].str("code") != "UNAVAILABLE" {
			t.Errorf("got %s", describe(got))
		}
		if !ended(done) {
			t.Error("Drain has not returned")
		}
	})
}

func TestC7_SecondSignalEndsAtOnce(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		p := n.join("a")
		now, done := n.drain(time.Hour)
		if p.closedWith() != 0 || ended(done) {
			t.Fatal("ended before its time")
		}
		begin := time.Now()
		now()
		<-done
		p.bye(wire.CloseRestart)
		if took := time.Since(begin); took > 0 {
			t.Errorf("took %s", took)
		}
	})
}

//go:build linux

package wsconn

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/session"
	"github.com/dashwire/dashwire/internal/wire"
)

// Without a poller, as on other systems, each connection has a goroutine: the same
// tests hold for it.
func TestWithoutAPoller(t *testing.T) {
	goroutines = true
	defer func() { goroutines = false }()
	for name, test := range map[string]func(*testing.T){
		"E5_RefusedFrames": TestE5_RefusedFrames, "E1_MessagesComeInOrder": TestE1_MessagesComeInOrder,
		"E1_OneByteSegments": TestE1_OneByteSegments, "E5_OversizedMessagesAreDropped": TestE5_OversizedMessagesAreDropped,
		"C2_MessagesAreSmallBeforeSignIn": TestC2_MessagesAreSmallBeforeSignIn, "ConnectionBreaks": TestConnectionBreaks, "ConnectionBreaks_WhileAMessageIsHandled": TestConnectionBreaks_WhileAMessageIsHandled,
		"R5_SlowReaderGetsEverything": TestR5_SlowReaderGetsEverything, "C4_PingWritesAFrame": TestC4_PingWritesAFrame,
		"R5_ConnectionThatTakesNothingIsClosed": TestR5_ConnectionThatTakesNothingIsClosed,
		"E1_MuchAtOnce":                         TestE1_MuchAtOnce, "C8_WhatIsHeldOfUnfinishedMessages": TestC8_WhatIsHeldOfUnfinishedMessages, "C7_ShutdownCutsOff": TestC7_ShutdownCutsOff,
	} {
		t.Run(name, test)
	}
}

// Far more than is read at a time comes at once, while others want their turn.
func TestE1_MuchAtOnce(t *testing.T) {
	p := tcp(t, Config{}, nil)
	defer p.stop()
	const n = 300
	go func() {
		for i := range n {
			p.write(text(fmt.Sprintf("%d:%s", i, strings.Repeat("x", 10_000))))
		}
	}()
	for i := range n {
		if got := within(t, p.messages, "a message"); !strings.HasPrefix(got, fmt.Sprintf("%d:", i)) {
			t.Fatalf("message %d begins with %.10q", i, got)
		}
	}
}

func TestC7_ShutdownCutsOff(t *testing.T) {
	p := tcp(t, Config{}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.group.Shutdown(ctx); err != context.Canceled {
		t.Errorf("Shutdown: %v", err)
	}
	if got := within(t, p.closed, "Closed"); got.code != wire.CloseAbnormal {
		t.Errorf("the session heard %d", got.code)
	}
	if _, err := readFrame(p.Conn); err == nil {
		t.Error("the connection is open")
	}
}

// alarm is a clock whose calls are made by hand.
type alarm struct {
	clock.Real
	calls chan func()
}

func (a alarm) AfterFunc(d time.Duration, f func()) clock.Timer {
	if d > time.Second { // the message's time, not that of a close
		a.calls <- f
		return clock.Real{}.AfterFunc(time.Hour, func() {})
	}
	return clock.Real{}.AfterFunc(d, f)
}

// E5: a message has its time, whatever the poller does meanwhile. A call that comes
// when its message is whole means nothing.
func TestE5_MessageTimeOfAPolledSocket(t *testing.T) {
	clock := alarm{calls: make(chan func(), 1)}
	p := tcp(t, Config{Clock: clock}, nil)
	defer p.stop()
	late := func(first []byte) func() {
		p.write(first)
		return within(t, clock.calls, "a deadline")
	}
	one := text("one")
	call := late(one[:3])
	p.write(one[3:])
	if got := within(t, p.messages, "the message"); got != "one" {
		t.Fatalf("got %q", got)
	}
	p.write(text("two"))
	within(t, p.messages, "another, after which the deadline is lifted")
	call()
	late(one[:4])
	call() // the first one's again, while the second is under way
	p.write(one[4:])
	if got := within(t, p.messages, "the second message"); got != "one" {
		t.Fatalf("got %q", got)
	}
	late(one[:5])()
	if code, reason := p.awaitClose(); code != wire.ClosePolicy || !strings.Contains(reason, "too long") {
		t.Errorf("close %d %q", code, reason)
	}
}

// echo is a session that sends back what it hears.
type echo struct {
	quiet
	transport session.Transport
	closed    chan struct{}
}

func (e echo) Handle(message []byte) {
	frame := wire.AppendFrame(nil, message)
	if n, _ := e.transport.Write(frame); n != len(frame) {
		panic("a short write to a client that reads")
	}
}
func (e echo) Closed(wire.CloseCode, string) { e.closed <- struct{}{} }

// Hundreds of connections come, talk, and go in each way there is. Nobody is
// answered with another's message, and no descriptor stays.
func TestManyConnectionsOnOnePoller(t *testing.T) {
	descriptors := func() int {
		names, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	g := NewGroup(Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	before := descriptors()
	const n, rounds = 300, 20
	closed := make(chan struct{}, n)
	var clients sync.WaitGroup
	for i := range n {
		clients.Go(func() {
			nc, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer nc.Close()
			for r := range rounds {
				want := fmt.Sprintf("%d/%d", i, r)
				if _, err := nc.Write(text(want)); err != nil {
					t.Error(err)
					return
				}
				f, err := readFrame(nc)
				if err != nil || string(f.Payload) != want {
					t.Errorf("got %q, %v, want %q", f.Payload, err, want)
					return
				}
			}
			switch i % 3 {
			case 0: // says goodbye
				_, _ = nc.Write(closing(1000, ""))
				if f, err := readFrame(nc); err != nil || f.Header.OpCode != ws.OpClose {
					t.Errorf("got %v, %v", f.Header.OpCode, err)
				}
			case 1: // breaks off within a frame
				_, _ = nc.Write(text("half")[:5])
			}
		})
		nc, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Serve(nc, nil, 0, func(t session.Transport) Session { return echo{transport: t, closed: closed} }); err != nil {
			t.Fatal(err)
		}
	}
	clients.Wait()
	for range n {
		within(t, closed, "the end of a session")
	}
	if err := g.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := descriptors(); after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
	_ = l.Close()
}

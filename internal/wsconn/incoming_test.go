package wsconn

import (
	"bytes"
	"testing"
	"time"

	"github.com/dashwire/dashwire/internal/wire"
)

// heldSoon waits until what the session was told to be held is as it should be.
func (p *peer) heldSoon(what string, ok func(n int) bool) {
	p.t.Helper()
	held := func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.held
	}
	for giveUp := time.After(time.Minute); !ok(held()); {
		select {
		case <-p.heldNow:
		case <-giveUp:
			p.t.Fatalf("%s: %d bytes are held", what, held())
		}
	}
}

// TestC8_WhatIsHeldOfUnfinishedMessages: the session knows how much its connection holds,
// also while it lets a message wait, and once it is to end nothing is held any more.
func TestC8_WhatIsHeldOfUnfinishedMessages(t *testing.T) {
	handling, goOn := make(chan struct{}), make(chan struct{})
	r := newRecorder()
	r.handle = func(string) { handling <- struct{}{}; <-goOn }
	p := tcp(t, Config{CloseTimeout: time.Minute}, r)
	defer p.stop()

	message := masked(0x80|opText, bytes.Repeat([]byte("x"), 300_000))
	p.write(message[:200_000])
	p.heldSoon("two thirds have come", func(n int) bool { return n >= 199_000 && n < 300_000 })
	p.write(message[200_000:])
	within(t, handling, "the message")
	p.heldSoon("it waits", func(n int) bool { return n >= 280_000 })
	goOn <- struct{}{}
	<-p.messages
	p.heldSoon("it was taken in", func(n int) bool { return n == 0 })

	p.write(message[:200_000])
	p.heldSoon("two thirds of another", func(n int) bool { return n >= 199_000 })
	p.transport.Close(wire.CloseOverloaded, "enough")
	p.heldSoon("the session ends", func(n int) bool { return n <= 2*prefixBytes })
	p.write(message[200_000:])
	p.write(closing(1013, ""))
	if code, _ := p.awaitClose(); code != wire.CloseOverloaded {
		t.Errorf("closed with %d", code)
	}
}

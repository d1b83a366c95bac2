package wsconn

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// What a client must not send, and the close code it gets.
func TestE5_RefusedFrames(t *testing.T) {
	frame := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	header := func(b ...byte) []byte { return b }
	fragments := masked(opText, []byte("x"))
	for range maxFragments {
		fragments = append(fragments, masked(opContinuation, nil)...)
	}
	for _, c := range []struct {
		name string
		send []byte
		want wire.CloseCode
	}{
		{"row 11: unmasked", wire.AppendFrame(nil, []byte("{}")), wire.CloseProtocol},
		{"row 12: RSV1 on text", masked(0x80|0x40|opText, nil), wire.CloseProtocol},
		{"row 12: RSV2", masked(0x80|0x20|opText, nil), wire.CloseProtocol},
		{"row 12: RSV3", masked(0x80|0x10|opText, nil), wire.CloseProtocol},
		{"row 12: RSV1 on a control frame", masked(0x80|0x40|opPing, nil), wire.CloseProtocol},
		{"row 12: RSV1 on a continuation", frame(masked(opText, []byte("a")), masked(0x80|0x40, nil)), wire.CloseProtocol},
		{"row 13: opcode 3", masked(0x83, nil), wire.CloseProtocol},
		{"row 13: opcode 7", masked(0x87, nil), wire.CloseProtocol},
		{"row 13: opcode B", masked(0x8b, nil), wire.CloseProtocol},
		{"row 13: opcode F", masked(0x8f, nil), wire.CloseProtocol},
		{"row 14: top bit of the length", header(0x81, 0xff, 0x80, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4), wire.CloseProtocol},
		{"row 14: 2^63-1 bytes", header(0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4), wire.CloseTooLarge},
		{"row 14: over 16 MiB in the header", header(0x81, 0xff, 0, 0, 0, 0, 1, 0, 0, 1, 1, 2, 3, 4), wire.CloseTooLarge},
		{"row 14: over 16 MiB in two headers", frame(masked(opText, []byte("x")), header(0x80, 0xff, 0, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3, 4)), wire.CloseTooLarge},
		{"row 15: 16-bit length of 125", header(0x81, 0xfe, 0, 125, 1, 2, 3, 4), wire.CloseProtocol},
		{"row 15: 64-bit length of 65535", header(0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4), wire.CloseProtocol},
		{"row 17: too many fragments", fragments, wire.CloseTooLarge},
		{"row 18: text within a message", frame(masked(opText, []byte("a")), text("b")), wire.CloseProtocol},
		{"row 18: continuation first", masked(0x80, []byte("a")), wire.CloseProtocol},
		{"row 18: continuation after the end", frame(text("a"), masked(0x80, []byte("b"))), wire.CloseProtocol},
		{"row 19: long ping", header(0x89, 0xfe, 0, 126, 1, 2, 3, 4), wire.CloseProtocol},
		{"row 19: fragmented ping", masked(opPing, nil), wire.CloseProtocol},
		{"row 21: UTF-8", text("a\xffb"), wire.CloseInvalidUTF8},
		{"row 21: UTF-8 cut off", text("\xe2\x82"), wire.CloseInvalidUTF8},
		{"row 21: a surrogate", text("\xed\xa0\x80"), wire.CloseInvalidUTF8},
		{"row 21: UTF-8 across fragments", frame(masked(opText, []byte("\xe2\x82")), masked(0x80, []byte("\x41"))), wire.CloseInvalidUTF8},
		{"row 21: UTF-8 of a close reason", closing(1000, "\xff"), wire.CloseInvalidUTF8},
		{"row 22: one byte of close code", masked(0x88, []byte{3}), wire.CloseProtocol},
		{"row 22: close 1004", closing(1004, ""), wire.CloseProtocol},
		{"row 22: close 1005", closing(1005, ""), wire.CloseProtocol},
		{"row 22: close 1006", closing(1006, ""), wire.CloseProtocol},
		{"row 22: close 1015", closing(1015, ""), wire.CloseProtocol},
		{"row 22: close 999", closing(999, ""), wire.CloseProtocol},
		{"row 22: close 5000", closing(5000, ""), wire.CloseProtocol},
		{"row 24: binary", masked(0x82, []byte("{}")), wire.CloseUnsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := tcp(t, Config{}, nil)
			defer p.stop()
			p.write(c.send)
			code, reason := p.awaitCloseFrame()
			if code != c.want || reason == "" {
				t.Errorf("close %d %q, want %d", code, reason, c.want)
			}
			if got := within(t, p.closed, "Closed"); got.code != c.want || got.reason != reason {
				t.Errorf("the session heard %d %q", got.code, got.reason)
			}
			want := map[string][]observe.Limit{
				"the message is far too large":       {observe.LimitDroppedBytes},
				"the message has too many fragments": {observe.LimitFragments},
			}[reason]
			if got := p.limited(); !slices.Equal(got, want) {
				t.Errorf("counted as %q, want %q", got, want)
			}
		})
	}
}

// awaitCloseFrame reads up to the server's close frame, answers it and hangs up.
func (p *peer) awaitCloseFrame() (wire.CloseCode, string) {
	p.t.Helper()
	for {
		f, err := readFrame(p.Conn)
		if err != nil {
			p.t.Fatalf("waiting for the close frame: %v", err)
		}
		if f.Header.OpCode == ws.OpClose {
			code, reason := ws.ParseCloseFrameData(f.Payload)
			p.Conn.Close()
			return wire.CloseCode(code), reason
		}
	}
}

func TestE1_MessagesComeInOrder(t *testing.T) {
	p := tcp(t, Config{}, nil)
	defer p.stop()
	long := strings.Repeat("ä", 100_000)
	p.write(text("one"))
	p.write(bytes.Join([][]byte{text("two"), text(""), masked(opText, []byte("thr")), masked(opPing, nil)[:0], masked(0x80, []byte("ee"))}, nil))
	p.write(text(long))
	// Cut within a character, with a ping between the fragments.
	p.write(bytes.Join([][]byte{masked(opText, []byte("\xe2\x82")), masked(0x89, []byte("?")), masked(0x80, []byte("\xac"))}, nil))
	for _, want := range []string{"one", "two", "", "three", long, "€"} {
		if got := within(t, p.messages, "a message"); got != want {
			t.Errorf("got %.20q, want %.20q", got, want)
		}
	}
}

func TestE1_OneByteSegments(t *testing.T) {
	p := tcp(t, Config{}, nil)
	defer p.stop()
	for _, b := range bytes.Join([][]byte{text("one"), masked(0x89, []byte("hello")), text(strings.Repeat("x", 200))}, nil) {
		p.write([]byte{b})
	}
	within(t, p.messages, "the first message")
	if got := within(t, p.messages, "the second message"); len(got) != 200 {
		t.Errorf("got %q", got)
	}
	f, err := readFrame(p.Conn)
	if err != nil || f.Header.OpCode != ws.OpPong || string(f.Payload) != "hello" {
		t.Errorf("got %v %q, %v", f.Header.OpCode, f.Payload, err)
	}
}

func TestE5_OversizedMessagesAreDropped(t *testing.T) {
	front := `{"type":"WIDGET_UPDATE","id":"op-1","payload":"`
	for _, c := range []struct {
		name string
		send []byte
		want string
	}{
		{"in one frame", text(front + strings.Repeat("x", 5000) + `"}`), "op-1"},
		{"in fragments", bytes.Join([][]byte{
			masked(opText, []byte(front)), masked(0, bytes.Repeat([]byte("x"), 2000)), masked(0x80, bytes.Repeat([]byte("x"), 3000)),
		}, nil), "op-1"},
		{"without an id", text(strings.Repeat("x", 5000)), ""},
		{"of almost 16 MiB", text(front + strings.Repeat("x", dropBytes-1000)), "op-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := tcp(t, Config{MessageBytes: 4096}, nil)
			defer p.stop()
			p.write(c.send)
			p.write(text("next"))
			if got := within(t, p.oversized, "Oversized"); got != c.want {
				t.Errorf("the id is %q, want %q", got, c.want)
			}
			if got := within(t, p.messages, "the next message"); got != "next" {
				t.Errorf("got %.20q", got)
			}
		})
	}
}

func TestC2_MessagesAreSmallBeforeSignIn(t *testing.T) {
	r := newRecorder()
	r.unsigned = true
	r.handle = func(string) { r.unsigned = false }
	p := tcp(t, Config{}, r)
	defer p.stop()
	big := strings.Repeat("x", 20<<10)
	p.write(bytes.Join([][]byte{text(big), text("sign in"), text(big)}, nil))
	within(t, p.oversized, "Oversized")
	if got := within(t, p.messages, "the sign-in"); got != "sign in" {
		t.Errorf("got %.20q", got)
	}
	if got := within(t, p.messages, "the same message after it"); got != big {
		t.Errorf("got %.20q", got)
	}
}

// bubble runs a test on a connection in memory, with time that passes by itself.
func bubble(t *testing.T, cfg Config, handle func(string), f func(t *testing.T, p *peer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		r.handle = handle
		p := pipe(t, cfg, r)
		defer p.stop()
		f(t, p)
	})
}

func TestE5_MessageThatNeverEnds(t *testing.T) {
	for _, c := range []struct {
		name  string
		first []byte
		drip  []byte // one piece a second
	}{
		{"row 16: a header and no more", []byte{0x81}, nil},
		{"row 16: 1 MiB announced, a byte a second", []byte{0x81, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4}, []byte("x")},
		{"row 17: empty continuations", masked(opText, nil), masked(opContinuation, nil)},
		{"pings in between", masked(opText, nil), masked(0x89, nil)},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, Config{}, nil, func(t *testing.T, p *peer) {
				start := time.Now()
				go func() {
					p.write(c.first)
					for c.drip != nil && time.Since(start) < 20*time.Second {
						<-time.After(time.Second)
						p.write(c.drip)
					}
				}()
				if code, _ := p.awaitClose(); code != wire.ClosePolicy {
					t.Errorf("close %d", code)
				}
				if took := time.Since(start); took < 10*time.Second || took > 12*time.Second {
					t.Errorf("after %s", took)
				}
				if got := <-p.closed; got.code != wire.ClosePolicy {
					t.Errorf("the session heard %d", got.code)
				}
				if got := p.limited(); !slices.Equal(got, []observe.Limit{observe.LimitMessageTime}) {
					t.Errorf("counted as %q", got)
				}
				synctest.Wait()
				<-time.After(20 * time.Second)
			})
		})
	}
}

// The time that the session takes for one message does not count for the next.
func TestE5_MessageTimeDoesNotCountWaiting(t *testing.T) {
	slow := func(string) { <-time.After(30 * time.Second) }
	bubble(t, Config{}, slow, func(t *testing.T, p *peer) {
		second := text("second")
		p.write(append(text("first"), second[:3]...))
		go p.write(second[3:])
		for range 2 {
			<-p.messages
		}
		select {
		case end := <-p.closed:
			t.Errorf("closed %d", end.code)
		default:
		}
	})
}

func TestE5_ControlFlood(t *testing.T) {
	for _, c := range []struct {
		name  string
		frame []byte
	}{{"row 20: pings", masked(0x89, nil)}, {"row 20: pongs", masked(0x8a, nil)}} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, Config{}, nil, func(t *testing.T, p *peer) {
				go func() {
					for range 10_000 {
						p.write(c.frame)
					}
				}()
				if code, _ := p.awaitClose(); code != wire.ClosePolicy {
					t.Errorf("close %d", code)
				}
				<-p.closed
				if got := p.limited(); !slices.Equal(got, []observe.Limit{observe.LimitControlFrames}) {
					t.Errorf("counted as %q", got)
				}
			})
		})
	}
}

func TestC4_PingsAtAnEasyPaceAreFine(t *testing.T) {
	bubble(t, Config{}, nil, func(t *testing.T, p *peer) {
		for i := range 500 {
			payload := fmt.Sprint(i)
			go p.write(masked(0x89, []byte(payload)))
			f, err := readFrame(p.Conn)
			if err != nil || f.Header.OpCode != ws.OpPong || string(f.Payload) != payload {
				t.Fatalf("pong %d: %v %q, %v", i, f.Header.OpCode, f.Payload, err)
			}
			<-time.After(100 * time.Millisecond)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.alive < 500 {
			t.Errorf("%d signs of life", p.alive)
		}
	})
}

// Row 20: a client that does not read its pongs is owed one, not thousands.
func TestC4_OnePongIsDue(t *testing.T) {
	bubble(t, Config{}, nil, func(t *testing.T, p *peer) {
		for i := range 30 {
			p.write(masked(0x89, []byte(fmt.Sprint(i))))
		}
		synctest.Wait()
		var got []string
		for range 2 {
			f, err := readFrame(p.Conn)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(f.Payload))
		}
		if got[0] != "0" || got[1] != "29" {
			t.Errorf("pongs %q", got)
		}
	})
}

// Row 28: what a client does not read waits with the session, the transport holds
// nothing; when it reads again everything comes, in order and with whole frames.
func TestR5_SlowReaderGetsEverything(t *testing.T) {
	for name, connect := range map[string]func(*testing.T, Config, *recorder) *peer{"tcp": tcp, "pipe": pipe} {
		t.Run(name, func(t *testing.T) {
			p := connect(t, Config{}, nil)
			defer p.stop()
			const n = 400
			for i := range n {
				p.send([]byte(fmt.Sprintf("%d:%s", i, strings.Repeat("x", 30_000))))
			}
			go p.write(masked(0x89, []byte("between"))) // its pong must not fall within a frame
			pongs := 0
			for i := 0; i < n; {
				f, err := readFrame(p.Conn)
				if err != nil {
					t.Fatal(err)
				}
				if f.Header.OpCode == ws.OpPong {
					pongs++
					continue
				}
				if want := fmt.Sprintf("%d:", i); f.Header.OpCode != ws.OpText || !strings.HasPrefix(string(f.Payload), want) {
					t.Fatalf("message %d begins with %.10q", i, f.Payload)
				}
				i++
			}
			if pongs == 0 {
				if f, err := readFrame(p.Conn); err != nil || f.Header.OpCode != ws.OpPong {
					t.Errorf("no pong: %v, %v", f.Header.OpCode, err)
				}
			}
		})
	}
}

func TestR5_ConnectionThatTakesNothingIsClosed(t *testing.T) {
	t.Run("tcp", func(t *testing.T) {
		p := tcp(t, Config{StallTimeout: 50 * time.Millisecond}, nil)
		defer p.stop()
		for range 400 {
			p.send(make([]byte, 60_000))
		}
		if got := within(t, p.closed, "Closed"); got.code != wire.CloseStalled {
			t.Errorf("the session heard %d %s", got.code, got.reason)
		}
	})
	t.Run("pipe", func(t *testing.T) {
		bubble(t, Config{}, nil, func(t *testing.T, p *peer) {
			start := time.Now()
			p.send([]byte("nobody reads this"))
			if got := <-p.closed; got.code != wire.CloseStalled || time.Since(start) != 30*time.Second {
				t.Errorf("the session heard %d after %s", got.code, time.Since(start))
			}
			if got := p.limited(); !slices.Equal(got, []observe.Limit{observe.LimitStalled}) {
				t.Errorf("counted as %q", got)
			}
		})
	})
}

func TestC4_PingWritesAFrame(t *testing.T) {
	p := tcp(t, Config{}, nil)
	defer p.stop()
	p.transport.Ping()
	f, err := readFrame(p.Conn)
	if err != nil || f.Header.OpCode != ws.OpPing || f.Header.Length != 0 {
		t.Errorf("got %+v, %v", f.Header, err)
	}
}

// C1: the first message is written while the session is being opened. In memory
// every write needs the waiter, which must know the session by then.
func TestC1_WriteWhileTheSessionOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		r.hello = "CONNECT"
		p := pipe(t, Config{}, r)
		defer p.stop()
		p.send([]byte("next"))
		for _, want := range []string{"CONNECT", "next"} {
			if f, err := readFrame(p.Conn); err != nil || string(f.Payload) != want {
				t.Errorf("got %q, %v", f.Payload, err)
			}
		}
	})
}

package wsconn

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/dashwire/dashwire/internal/wire"
)

func TestC7_ServerCloses(t *testing.T) {
	t.Run("the client answers", func(t *testing.T) {
		bubble(t, Config{}, nil, func(t *testing.T, p *peer) {
			go p.send([]byte("bye"))
			f, err := readFrame(p.Conn)
			if err != nil || string(f.Payload) != "bye" {
				t.Fatalf("got %q, %v", f.Payload, err)
			}
			synctest.Wait()
			start := time.Now()
			p.transport.Close(wire.CloseRestart, "restarting")
			p.transport.Close(wire.CloseInternal, "the first code counts")
			f, err = readFrame(p.Conn)
			if code, reason := ws.ParseCloseFrameData(f.Payload); err != nil || code != 1012 || reason != "restarting" {
				t.Fatalf("got %d %q, %v", code, reason, err)
			}
			p.write(text("late")) // row 23: ignored
			p.write(closing(1012, ""))
			if end := <-p.closed; end.code != wire.CloseRestart || time.Since(start) > 100*time.Millisecond {
				t.Errorf("closed %d after %s", end.code, time.Since(start))
			}
			select {
			case m := <-p.messages:
				t.Errorf("handled %q after the close", m)
			default:
			}
		})
	})
	t.Run("row 23: the client does not answer", func(t *testing.T) {
		bubble(t, Config{}, nil, func(t *testing.T, p *peer) {
			start := time.Now()
			p.transport.Close(wire.CloseReplaced, "")
			if code, _ := p.awaitClose(); code != wire.CloseReplaced {
				t.Errorf("close %d", code)
			}
			if end := <-p.closed; end.code != wire.CloseReplaced || time.Since(start) != time.Second {
				t.Errorf("closed %d after %s", end.code, time.Since(start))
			}
		})
	})
	t.Run("the client does not even read", func(t *testing.T) {
		bubble(t, Config{}, nil, func(t *testing.T, p *peer) {
			start := time.Now()
			p.send([]byte("stuck"))
			p.transport.Close(wire.CloseStalled, "")
			if end := <-p.closed; end.code != wire.CloseStalled || time.Since(start) != time.Second {
				t.Errorf("closed %d after %s", end.code, time.Since(start))
			}
		})
	})
}

func TestClientCloses(t *testing.T) {
	for _, c := range []struct {
		name string
		send []byte
		want wire.CloseCode
	}{
		{"normally", closing(1000, "done"), wire.CloseNormal},
		{"going away", closing(1001, ""), wire.CloseGoingAway},
		{"restart", closing(1012, ""), wire.CloseRestart},
		{"with a code of its own", closing(4999, ""), 4999},
		{"without a code", masked(0x88, nil), wire.CloseNoStatus},
	} {
		for name, connect := range map[string]func(*testing.T, Config, *recorder) *peer{"tcp": tcp, "pipe": pipe} {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				p := connect(t, Config{}, nil)
				defer p.stop()
				p.write(append(c.send, text("after the close")...)[:len(c.send)])
				if code, _ := p.awaitClose(); code != c.want {
					t.Errorf("answered %d, want %d", code, c.want)
				}
				if got := within(t, p.closed, "Closed"); got.code != c.want {
					t.Errorf("the session heard %d, want %d", got.code, c.want)
				}
			})
		}
	}
}

// The session hears of the end while its last write is still going out, and never asks
// for the close frame again: it goes out behind the write. In memory every write blocks,
// as it does over TLS.
func TestC7_CloseFrameComesBehindAWriteUnderWay(t *testing.T) {
	refused := masked(0x82, []byte("{}"))
	for _, c := range []struct {
		name   string
		closes bool   // the session does, once its write is taken
		send   []byte // from the client, during the write
		early  bool   // the client reads the write before the session hears of the end
		more   bool   // the session has another message, which it writes then
		want   wire.CloseCode
	}{
		{"the client closes", false, closing(4001, ""), false, false, 4001},
		{"the client is refused", false, refused, false, false, wire.CloseUnsupported},
		{"the client closes, as the session does", true, closing(1000, ""), false, false, wire.CloseRestart},
		{"the client is refused, and the session closes", true, refused, false, false, wire.CloseRestart},
		{"the client closes, and the write ends first", false, closing(4001, ""), true, false, 4001},
		{"the client closes, and another write begins", false, closing(4001, ""), true, true, 4001},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRecorder()
				p := pipe(t, Config{}, r)
				defer p.stop()
				receive := func(want string) {
					if f, err := readFrame(p.Conn); err != nil || string(f.Payload) != want {
						t.Errorf("got %q, %v, want %q", f.Payload, err, want)
					}
				}
				if c.early {
					r.ending = func() {
						receive("one")
						synctest.Wait() // the session is asked for more
					}
				}
				p.send([]byte("one"))
				if c.more {
					p.send([]byte("two"))
				}
				if c.closes {
					p.transport.Close(wire.CloseRestart, "")
				}
				p.write(c.send)
				end := <-p.closed
				synctest.Wait()
				if !c.early {
					receive("one")
				}
				if c.more {
					receive("two")
				}
				if code, _ := p.awaitClose(); code != c.want || end.code != c.want {
					t.Errorf("close %d, the session heard %d, want %d", code, end.code, c.want)
				}
			})
		})
	}
}

// Row 27.
func TestConnectionBreaks(t *testing.T) {
	for _, c := range []struct {
		name string
		send []byte
	}{
		{"at once", nil}, {"within a header", []byte{0x81}}, {"within a message", text("hello")[:8]}, {"after a message", text("hello")},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := tcp(t, Config{}, nil)
			p.write(c.send)
			p.Conn.Close()
			if got := within(t, p.closed, "Closed"); got.code != wire.CloseAbnormal {
				t.Errorf("the session heard %d", got.code)
			}
			p.stop()
		})
	}
}

// What the handling of a message waits for may be that the client reads.
func TestConnectionBreaks_WhileAMessageIsHandled(t *testing.T) {
	r := newRecorder()
	sent := make(chan struct{})
	r.handle = func(string) {
		r.send(make([]byte, 16<<20)) // more than the kernel holds
		close(sent)
		<-r.broken
	}
	p := tcp(t, Config{}, r)
	p.write(text("hello"))
	within(t, sent, "Handle")
	p.Conn.Close()
	if got := within(t, p.closed, "Closed"); got.code != wire.CloseAbnormal {
		t.Errorf("the session heard %d", got.code)
	}
	p.stop()
}

func TestC7_Shutdown(t *testing.T) {
	t.Run("waits for the sessions", func(t *testing.T) {
		bubble(t, Config{}, nil, func(t *testing.T, p *peer) {
			done := make(chan error)
			go func() { done <- p.group.Shutdown(context.Background()) }()
			synctest.Wait()
			select {
			case <-done:
				t.Fatal("it returned with a connection left")
			default:
			}
			p.transport.Close(wire.CloseRestart, "")
			p.awaitClose()
			if err := <-done; err != nil {
				t.Error(err)
			}
			if n := p.group.Len(); n != 0 {
				t.Errorf("%d connections", n)
			}
		})
	})
	t.Run("cuts off when its time is up", func(t *testing.T) {
		bubble(t, Config{}, nil, func(t *testing.T, p *peer) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := p.group.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			if end := <-p.closed; end.code != wire.CloseAbnormal {
				t.Errorf("the session heard %d", end.code)
			}
		})
	})
	t.Run("takes no more", func(t *testing.T) {
		g := NewGroup(Config{})
		if err := g.Shutdown(context.Background()); err != nil {
			t.Fatal(err)
		}
		p := &peer{t: t, recorder: newRecorder(), group: g}
		if err := g.Serve(closedConn{}, nil, 0, p.open); !errors.Is(err, ErrShutdown) {
			t.Errorf("got %v", err)
		}
	})
}

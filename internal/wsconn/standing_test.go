package wsconn

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/dashwire/dashwire/internal/clock/clocktest"
	"github.com/dashwire/dashwire/internal/lane"
	"github.com/dashwire/dashwire/internal/session"
)

// inLane connects a client in virtual time, over a lane with one place that is taken from
// nobody.
func inLane(t *testing.T, prepare func(*recorder), f func(t *testing.T, p *peer, l *lane.Lane)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder()
		prepare(r)
		l := lane.New(1, 1000*time.Hour)
		p := pipe(t, Config{Lane: l}, r)
		defer p.stop()
		f(t, p, l)
	})
}

// TestC8_WhoAsksForMuchWaits: a connection in good standing is worked on although the lane
// is taken; one that asks for much waits for its turn, and is refused nothing.
func TestC8_WhoAsksForMuchWaits(t *testing.T) {
	many := func(n int, frame []byte) []byte { return bytes.Repeat(frame, n) }
	fragments := func(n int) []byte {
		return bytes.Join([][]byte{masked(opText, nil), many(n, masked(opContinuation, nil)), masked(0x80|opContinuation, nil)}, nil)
	}
	for _, c := range []struct {
		name     string
		first    []byte
		messages int // that first makes
		pause    time.Duration
		waits    bool
	}{
		{"nothing", nil, 0, 0, false},
		{"a hundred edits at once", many(100, text("edit")), 100, 0, false},
		{"five hundred", many(500, text("edit")), 500, 0, true},
		{"five hundred, a while ago", many(500, text("edit")), 500, 5 * time.Second, false},
		{"a ping", masked(0x80|opPing, nil), 0, 0, false},
		{"ten pings", many(10, masked(0x80|opPing, nil)), 0, 0, true},
		{"ten pongs", many(10, masked(0x80|opPong, nil)), 0, 0, true},
		{"sixty pings, a while ago", many(60, masked(0x80|opPing, nil)), 0, 5 * time.Second, false},
		{"a message refused", text("bad"), 1, 0, true},
		{"five of them, a while ago", many(5, text("bad")), 5, 5 * time.Second, false},
		{"a message of five fragments", fragments(4), 1, 0, false},
		{"one of fifty", fragments(49), 1, 0, true},
		{"a message of 100 KiB", text(strings.Repeat("x", 100<<10)), 1, 0, false},
		{"a message of 1 MiB", text(strings.Repeat("x", 1<<20)), 1, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLane(t, func(r *recorder) {
				r.handle = func(message string) {
					if message == "bad" {
						r.transport.(session.Host).Refused()
					}
				}
			}, func(t *testing.T, p *peer, l *lane.Lane) {
				go func() {
					for {
						if _, err := readFrame(p.Conn); err != nil { // pongs
							return
						}
					}
				}()
				p.write(text("hello"))
				<-p.messages
				p.write(c.first)
				for range c.messages {
					<-p.messages
				}
				<-time.After(c.pause) // virtual time
				synctest.Wait()
				place := l.Enter(1)
				p.write(text("now"))
				synctest.Wait()
				if waits := len(p.messages) == 0; waits != c.waits {
					t.Errorf("waits: %t", waits)
				}
				place.Leave()
				<-p.messages
			})
		})
	}
}

// TestC8_GoodStandingComesBackThoughTheClockIsSet: the time of day, which somebody may set
// back, says nothing about how much a connection has asked for, nor how many pings.
func TestC8_GoodStandingComesBackThoughTheClockIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clocktest.Leaping
		l := lane.New(1, 1000*time.Hour)
		p := pipe(t, Config{Lane: l, Clock: &c}, newRecorder())
		defer p.stop()
		go func() {
			for {
				if _, err := readFrame(p.Conn); err != nil { // pongs
					return
				}
			}
		}()
		p.write(masked(0x80|opPing, nil))
		for range 500 {
			p.write(text("edit"))
			<-p.messages
		}
		c.Leap(-time.Hour)
		p.write(masked(0x80|opPing, nil))
		<-time.After(5 * time.Second) // virtual time
		place := l.Enter(1)
		defer place.Leave()
		p.write(text("now"))
		synctest.Wait()
		if len(p.messages) == 0 {
			t.Error("it waits")
		}
	})
}

// TestC8_TheRestOfALongMessageWaits, so that what is too deep or too much is read, and
// refused, in a turn.
func TestC8_TheRestOfALongMessageWaits(t *testing.T) {
	inLane(t, func(*recorder) {}, func(t *testing.T, p *peer, l *lane.Lane) {
		p.write(text("hello"))
		<-p.messages
		long := text(strings.Repeat("x", 60<<10))
		p.write(long[:20<<10])
		synctest.Wait()
		place := l.Enter(1)
		go p.write(long[20<<10:])
		synctest.Wait()
		if len(p.messages) != 0 {
			t.Error("it did not wait")
		}
		place.Leave()
		<-p.messages
	})
}

// TestC8_WhoHasNotSignedInWaits: until then each connection waits for its turn.
func TestC8_WhoHasNotSignedInWaits(t *testing.T) {
	inLane(t, func(r *recorder) { r.unsigned = true }, func(t *testing.T, p *peer, l *lane.Lane) {
		place := l.Enter(1)
		p.write(text("CONNECT"))
		synctest.Wait()
		if len(p.messages) != 0 {
			t.Error("it did not wait")
		}
		place.Leave()
		<-p.messages
	})
}

// TestC8_PausingLeavesThePlace: a message that waits for something else keeps nobody from
// the lane, and goes on in its turn.
func TestC8_PausingLeavesThePlace(t *testing.T) {
	r := newRecorder()
	r.unsigned = true // so that it takes its turn
	resume, resumed := make(chan struct{}), make(chan struct{})
	r.handle = func(string) {
		r.transport.(session.Host).Pausing()
		<-resume
		r.transport.(session.Host).Resuming()
		close(resumed)
	}
	l := lane.New(1, 1000*time.Hour)
	p := tcp(t, Config{Lane: l}, r)
	defer p.stop()
	p.write(text("slow"))
	place := l.Enter(1) // which the message must have left, before or after it came
	close(resume)
	place.Leave()
	within(t, resumed, "the message to go on")
}

// TestE5_OnePongForPingsThatCameTogether: the newest is answered (RFC 6455 section 5.5.3).
func TestE5_OnePongForPingsThatCameTogether(t *testing.T) {
	inLane(t, func(r *recorder) { r.handle = func(message string) { r.send([]byte(message)) } }, func(t *testing.T, p *peer, _ *lane.Lane) {
		var together []byte
		for _, payload := range []string{"a", "b", "", "d"} {
			together = append(together, masked(0x80|opPing, []byte(payload))...)
		}
		p.write(together)
		p.write(text("and"))
		var got []string
		for len(got) < 2 {
			f, err := readFrame(p.Conn)
			if err != nil {
				t.Fatal(err)
			}
			kind := "text "
			if f.Header.OpCode == ws.OpPong {
				kind = "pong "
			}
			got = append(got, kind+string(f.Payload))
		}
		if got[0] != "pong d" || got[1] != "text and" {
			t.Errorf("heard %q", got)
		}
	})
}

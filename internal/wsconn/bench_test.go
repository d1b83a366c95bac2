//go:build unix

package wsconn

import (
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/session"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// quiet is a session that does nothing.
type quiet struct{ handled chan struct{} }

func (q quiet) Handle([]byte)       { q.handled <- struct{}{} }
func (quiet) Oversized(string, int) {}
func (quiet) Alive(time.Time)       {}

func (quiet) Incoming(int)                       {}
func (quiet) Writable()                          {}
func (quiet) Broken()                            {}
func (quiet) Limited(observe.Limit)              {}
func (quiet) Principal() (*auth.Principal, bool) { return &auth.Principal{}, true }
func (quiet) Closed(wire.CloseCode, string)      {}

// descriptors connects n clients as bare descriptors, which cost the Go heap nothing,
// and gives each server end to serve.
func descriptors(b *testing.B, n int, serve func(net.Conn)) (clients []int) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	to := &unix.SockaddrInet4{Port: l.Addr().(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}
	for range n {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			b.Fatal(err)
		}
		if err := unix.Connect(fd, to); err != nil {
			b.Fatal(err)
		}
		c, err := l.Accept()
		if err != nil {
			b.Fatal(err)
		}
		clients = append(clients, fd)
		serve(c)
	}
	return clients
}

func memory() uint64 {
	for range 4 { // stacks shrink by half at a time
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse + m.MSpanInuse
}

// BenchmarkIdleConnection reports what an open connection without traffic costs, its
// session apart.
func BenchmarkIdleConnection(b *testing.B) {
	b.Run("polled", func(b *testing.B) { benchmarkIdle(b, Config{}) })
	b.Run("goroutine", func(b *testing.B) { benchmarkIdle(b, Config{waiting: true}) })
}

func benchmarkIdle(b *testing.B, cfg Config) {
	const n = 2000
	for b.Loop() {
		g := NewGroup(cfg)
		handled := make(chan struct{})
		before := memory()
		clients := descriptors(b, n, func(c net.Conn) {
			if err := g.Serve(c, nil, 0, func(session.Transport) Session { return quiet{handled} }); err != nil {
				b.Fatal(err)
			}
		})
		// Every connection has worked once.
		for _, fd := range clients {
			if _, err := unix.Write(fd, text("hello")); err != nil {
				b.Fatal(err)
			}
			<-handled
		}
		b.ReportMetric(float64(int64(memory()-before))/n/1024, "KB/conn")
		for _, fd := range clients {
			unix.Close(fd)
		}
		if err := g.Shutdown(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWrite is one frame of 200 bytes to a client that reads.
func BenchmarkWrite(b *testing.B) {
	g := NewGroup(Config{})
	transports := make(chan session.Transport, 1)
	clients := descriptors(b, 1, func(c net.Conn) {
		if err := g.Serve(c, nil, 0, func(t session.Transport) Session { transports <- t; return quiet{} }); err != nil {
			b.Fatal(err)
		}
	})
	t := <-transports
	frame := wire.AppendFrame(nil, make([]byte, 200))
	sink := make([]byte, 1<<20)
	b.ReportAllocs()
	unread := 0
	for b.Loop() {
		if n, ready := t.Write(frame); n != len(frame) || !ready {
			b.Fatalf("took %d bytes", n)
		}
		if unread += len(frame); unread > 64<<10 {
			b.StopTimer()
			for unread > 0 {
				n, err := unix.Read(clients[0], sink)
				if err != nil {
					b.Fatal(err)
				}
				unread -= n
			}
			b.StartTimer()
		}
	}
	unix.Close(clients[0])
	if err := g.Shutdown(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkHandle is one message of a client until the session has it.
func BenchmarkHandle(b *testing.B) {
	b.Run("polled", func(b *testing.B) { benchmarkHandle(b, Config{}) })
	b.Run("goroutine", func(b *testing.B) { benchmarkHandle(b, Config{waiting: true}) })
}

// unhurried is a clock on which there is time between any two moments, so that who sends
// without end stays in good standing.
type unhurried struct {
	clock.Real
	asked atomic.Int64
}

func (u *unhurried) Now() time.Time {
	return time.Unix(0, u.asked.Add(int64(perMessage)))
}

func benchmarkHandle(b *testing.B, cfg Config) {
	cfg.Clock = &unhurried{}
	g := NewGroup(cfg)
	handled := make(chan struct{})
	clients := descriptors(b, 1, func(c net.Conn) {
		if err := g.Serve(c, nil, 0, func(session.Transport) Session { return quiet{handled} }); err != nil {
			b.Fatal(err)
		}
	})
	message := text(`{"type":"PING","id":"c1","payload":{}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := unix.Write(clients[0], message); err != nil {
			b.Fatal(err)
		}
		<-handled
	}
	unix.Close(clients[0])
	if err := g.Shutdown(b.Context()); err != nil {
		b.Fatal(err)
	}
}

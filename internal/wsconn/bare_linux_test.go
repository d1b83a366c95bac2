package wsconn

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dashwire/dashwire/internal/lane"
)

// doorman is a gate that refuses whom it is told to and counts who is in.
type doorman struct {
	net.Listener
	refusal string // "" = all are let in
	change  chan int

	mu sync.Mutex
	in int
}

func (d *doorman) Below() net.Listener { return d.Listener }

func (d *doorman) add(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.in += n
	d.change <- d.in
}

func (d *doorman) Enter(peer netip.AddrPort) (left func(), refusal string) {
	if d.refusal != "" || !peer.Addr().IsLoopback() || peer.Port() == 0 {
		return nil, d.refusal + "\n"
	}
	d.add(1)
	return func() { d.add(-1) }, ""
}

func (d *doorman) Admitted(nc *net.TCPConn, _ netip.AddrPort) net.Conn {
	return &admitted{TCPConn: nc, leave: sync.OnceFunc(func() { d.add(-1) })}
}

// admitted is an ordinary connection of a doorman's.
type admitted struct {
	*net.TCPConn
	leave func()
}

func (a *admitted) Raw() *net.TCPConn { return a.TCPConn }

func (a *admitted) Note(int) {}

func (a *admitted) Handover() (nc *net.TCPConn, left func()) { return a.TCPConn, a.leave }

func (a *admitted) Close() error {
	a.leave()
	return a.TCPConn.Close()
}

// gated makes a server behind a front and a doorman.
func gated(t *testing.T, refusal string, h http.HandlerFunc) (*doorman, *Front) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &doorman{Listener: ln, refusal: refusal, change: make(chan int, 64)}
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: h}
	f := NewFront(d, s, lane.Shared(), oneKey)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(f) }()
	t.Cleanup(func() {
		s.Close()
		<-ended
	})
	return d, f
}

// TestC8_FrontAsksTheGate: whatever becomes of a connection, its place is given back once.
func TestC8_FrontAsksTheGate(t *testing.T) {
	polled, waiting := NewGroup(Config{}), NewGroup(Config{waiting: true})
	d, f := gated(t, "", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			_ = polled.Upgrade(w, r, 0, newRecorder().open)
		case "/waiting":
			_ = waiting.Upgrade(w, r, 0, newRecorder().open)
		case "/hijack":
			nc, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(nc, "HTTP/1.1 101 Mine\r\n\r\n")
			nc.Close()
		case "/panic":
			panic(http.ErrAbortHandler)
		default:
			http.Error(w, "no", http.StatusForbidden)
		}
	})
	ask := func(path string) string { return strings.Replace(goodHandshake, "GET /", "GET "+path, 1) + "\r\n" }
	for _, c := range []struct {
		name, send, answer string // answer begins what comes
	}{
		{"a session", ask("/"), "HTTP/1.1 101 Switching"},
		{"a session without a poller", ask("/waiting"), "HTTP/1.1 101 Switching"},
		{"one that another handler takes", ask("/hijack"), "HTTP/1.1 101 Mine"},
		{"a handler that gives up", ask("/panic"), ""},
		{"a handshake that is refused", ask("/refused"), "HTTP/1.1 403"},
		{"no good handshake", strings.Replace(ask("/"), "Version: 13", "Version: 12", 1), "HTTP/1.1 426"},
		{"a request", "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 403"},
		{"half a request", "GET /x HTTP/1.1\r\n", ""},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			nc, err := net.Dial("tcp", f.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			if _, err := io.WriteString(nc, c.send); err != nil {
				t.Fatal(err)
			}
			if c.answer != "" {
				if line, err := bufio.NewReader(nc).ReadString('\n'); err != nil || !strings.HasPrefix(line, c.answer) {
					t.Errorf("%q %v, want %q", line, err, c.answer)
				}
			}
			if n := <-d.change; n != 1 {
				t.Errorf("%d have entered", n)
			}
			nc.Close()
			if n := <-d.change; n != 0 {
				t.Errorf("%d are in", n)
			}
		})
	}
	for _, g := range []*Group{polled, waiting} {
		if err := g.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
	select {
	case n := <-d.change:
		t.Errorf("then %d are in", n)
	default:
	}
}

// TestC8_TheGateRefuses: who is not let in hears why.
func TestC8_TheGateRefuses(t *testing.T) {
	_, f := gated(t, "full", func(http.ResponseWriter, *http.Request) { t.Error("a request was served") })
	nc, err := net.Dial("tcp", f.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if half, ok := nc.(*net.TCPConn); !ok || half.CloseWrite() != nil {
		t.Error("cannot end the sending")
	}
	if b, err := io.ReadAll(nc); err != nil || string(b) != "full\n" {
		t.Errorf("%q %v", b, err)
	}
}

// TestFront_ConnectionsAreSetUp: what is accepted in package net's place is set up as by it.
func TestFront_ConnectionsAreSetUp(t *testing.T) {
	g := NewGroup(Config{})
	rec := newRecorder()
	_, f := gated(t, "", func(w http.ResponseWriter, r *http.Request) {
		if err := g.Upgrade(w, r, 0, rec.open); err != nil {
			t.Error(err)
		}
	})
	_, _, nc := write(t, f.Addr().String(), goodHandshake+"\r\n")
	<-rec.opened
	s := rec.transport.(*conn).poll.(*polledSocket)
	flags, err := unix.FcntlInt(uintptr(s.fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("child processes get it: %b %v", flags, err)
	}
	for _, o := range []struct {
		name        string
		level, opt  int
		least, most int
	}{
		{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1, 1},
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1, 1},
		{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 15, 15},
		{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 15, 15},
		{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 9, 9},
		{"TCP_NOTSENT_LOWAT", unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes, unsentBytes},
	} {
		if v, err := unix.GetsockoptInt(int(s.fd), o.level, o.opt); err != nil || v < o.least || v > o.most {
			t.Errorf("%s is %d %v", o.name, v, err)
		}
	}
	nc.Close()
	if err := g.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestFront_EndsWithItsListener: a listener that its maker closes accepts nobody any more.
func TestFront_EndsWithItsListener(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := NewFront(ln, &http.Server{}, lane.Shared(), oneKey)
	defer f.Close()
	ln.Close()
	if nc, err := net.Dial("tcp", f.Addr().String()); err == nil {
		defer nc.Close()
		_, _ = io.WriteString(nc, "GET / HTTP/1.1\r\n\r\n") // it may be cut off already
	}
	if _, err := f.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v", err)
	}
}

func TestPeerOf(t *testing.T) {
	all, err := net.Interfaces()
	if err != nil || len(all) == 0 {
		t.Fatal("no interface", err)
	}
	first := all[0]
	mapped := [16]byte{10: 0xff, 11: 0xff, 12: 192, 13: 0, 14: 2, 15: 1}
	for _, c := range []struct {
		sa   unix.Sockaddr
		want string
	}{
		{&unix.SockaddrInet4{Addr: [4]byte{192, 0, 2, 1}, Port: 5}, "192.0.2.1:5"},
		{&unix.SockaddrInet6{Addr: mapped, Port: 5}, "192.0.2.1:5"},
		{&unix.SockaddrInet6{Addr: [16]byte{0: 0xfe, 1: 0x80, 15: 1}, Port: 5, ZoneId: uint32(first.Index)}, fmt.Sprintf("[fe80::1%%%s]:5", first.Name)},
		{&unix.SockaddrInet6{Addr: [16]byte{0: 0xfe, 1: 0x80, 15: 1}, Port: 5, ZoneId: 1 << 30}, "[fe80::1%1073741824]:5"},
	} {
		if got := peerOf(c.sa).String(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	measure "github.com/dashwire/dashwire/internal/bench"
)

// load is the generator: clients of one server, all of one goroutine.
type load struct {
	dialect dialect
	address netip.AddrPort
	run     string // unique; ids begin with it

	epoll, timer int
	conns        []*conn
	dashboards   []string
	events       []unix.EpollEvent
	parsed       []event
	buf          []byte
	text         []byte

	started time.Time
	now     int64 // ns since started, when the bytes at hand were read

	// What has been counted.
	deliveries, jumps, acked, bytes, reads uint64
	acks, late                             measure.Histogram
	synced, ready                          int
	lost                                   int
	faults                                 map[string]int

	// Pacing.
	editors []*conn
	rate    float64
	paced   float64 // edits made since pacing began
	since   int64
	turn    int
}

// timerEvent is the number of the timer in epoll; others are those of connections.
const timerEvent = -1

func newLoad(d dialect, address netip.AddrPort, run string) (*load, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an epoll: %w", err)
	}
	timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a timer: %w", err), unix.Close(epoll))
	}
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, timer, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: timerEvent}); err != nil {
		return nil, errors.Join(fmt.Errorf("watch the timer: %w", err), unix.Close(epoll), unix.Close(timer))
	}
	return &load{
		dialect: d, address: address, run: run, epoll: epoll, timer: timer,
		events: make([]unix.EpollEvent, 256), buf: make([]byte, 4<<20), started: time.Now(), faults: map[string]int{},
	}, nil
}

// close ends all connections at once, without leaving their ports to wait.
func (l *load) close() {
	for _, c := range l.conns {
		if c.ended == nil {
			_ = unix.SetsockoptLinger(c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
			_ = unix.Close(c.fd)
		}
	}
	_ = unix.Close(l.timer)
	_ = unix.Close(l.epoll)
}

// fault counts something that must not happen.
func (l *load) fault(format string, args ...any) { l.faults[fmt.Sprintf(format, args...)]++ }

func (l *load) faultLines() []string {
	lines := []string{}
	for _, text := range slices.Sorted(maps.Keys(l.faults)) {
		lines = append(lines, strconv.Itoa(l.faults[text])+" × "+text)
	}
	return lines
}

// receiveBuffer is what a connection's socket may hold that is to be frozen: about
// that of a phone on a slow link, since the kernel would else take megabytes.
const receiveBuffer = 64 << 10

// dial opens one connection and sends the upgrade. dashboard is a number in
// l.dashboards, or -1 for one that follows none.
func (l *load) dial(dashboard int, small bool) (*conn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make a socket: %w", err)
	}
	c := &conn{fd: fd, number: len(l.conns), dashboard: dashboard}
	fail := func(what string, err error) (*conn, error) {
		return nil, errors.Join(fmt.Errorf("%s: %w", what, err), unix.Close(fd))
	}
	if small {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer); err != nil {
			return fail("set the receive buffer", err)
		}
	}
	// The kernel of this machine takes the connection: that does not wait for the server.
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &unix.Timeval{Sec: 10}); err != nil {
		return fail("set a deadline", err)
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(l.address.Port()), Addr: l.address.Addr().As4()}); err != nil {
		return fail("connect", err)
	}
	if err := errors.Join(unix.SetNonblock(fd, true), unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)); err != nil {
		return fail("set up the socket", err)
	}
	c.out = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", l.dialect.path(), l.address)
	l.conns = append(l.conns, c)
	if err := l.watch(unix.EPOLL_CTL_ADD, c); err != nil {
		return nil, err
	}
	return c, c.flush(l)
}

// watch tells epoll what c waits for.
func (l *load) watch(op int, c *conn) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(c.number)}
	if c.frozen {
		e.Events = 0
	}
	if c.waiting {
		e.Events |= unix.EPOLLOUT
	}
	if err := unix.EpollCtl(l.epoll, op, c.fd, &e); err != nil {
		return fmt.Errorf("watch a connection: %w", err)
	}
	return nil
}

// freeze stops or resumes reading.
func (l *load) freeze(c *conn, frozen bool) error {
	c.frozen = frozen
	if c.ended != nil {
		return nil
	}
	return l.watch(unix.EPOLL_CTL_MOD, c)
}

// opened follows the handshake: the client introduces itself.
func (l *load) opened(c *conn) {
	c.open = true
	if hello := l.dialect.hello(strconv.Itoa(c.number)); hello != "" {
		c.queue(opText, []byte(hello))
	}
	if !l.dialect.welcomes() {
		l.welcomed(c)
	}
}

func (l *load) welcomed(c *conn) {
	c.ready = true
	l.ready++
	if c.dashboard >= 0 {
		c.queue(opText, []byte(l.dialect.subscribe(l.dashboards[c.dashboard])))
	}
}

// message handles one message that a client heard.
func (l *load) message(c *conn, payload []byte) error {
	l.parsed = l.dialect.parse(l.parsed[:0], payload, c.timed)
	for i := range l.parsed {
		switch ev := &l.parsed[i]; ev.kind {
		case deliveryKind:
			if ev.version != c.version+1 {
				l.fault("a reader heard of another version than the next")
			}
			c.version = ev.version
			l.deliveries++
			if ev.sent > 0 {
				l.late.Add(time.Duration(l.now - ev.sent))
			}
		case ackKind:
			at, waits := c.sent[ev.serial]
			if !waits {
				l.fault("an answer to no edit: %.100s", payload)
				continue
			}
			delete(c.sent, ev.serial)
			l.acks.Add(time.Duration(l.now - at))
			c.acked++
			l.acked++
			if c.window > 0 {
				l.edit(c)
			}
		case syncedKind, jumpKind:
			if c.synced && ev.version > c.version {
				l.jumps++
			}
			c.version = max(c.version, ev.version)
			if !c.synced {
				c.synced = true
				l.synced++
			}
		case welcomeKind:
			l.welcomed(c)
		case heartbeat:
			c.queue(opText, []byte(l.dialect.pulse()))
		case refusedKind:
			l.fault("refused: %.200s", payload)
		}
	}
	return nil
}

// edit queues the next edit of an editor.
func (l *load) edit(c *conn) {
	c.edit.serial++
	c.edit.stamp = int64(time.Since(l.started))
	c.sent[c.edit.serial] = c.edit.stamp
	l.text = l.dialect.appendEdit(l.text[:0], &c.edit)
	c.queue(opText, l.text)
}

// step handles what has come within a time.
func (l *load) step(most time.Duration) error {
	n, err := unix.EpollWait(l.epoll, l.events, int((most+time.Millisecond-1)/time.Millisecond))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wait for events: %w", err)
	}
	for _, e := range l.events[:max(n, 0)] {
		l.now = int64(time.Since(l.started))
		if e.Fd == timerEvent {
			if err := l.tick(); err != nil {
				return err
			}
			continue
		}
		c := l.conns[e.Fd]
		if c.ended != nil {
			continue
		}
		var err error
		if e.Events&unix.EPOLLOUT != 0 {
			err = c.flush(l)
		}
		if err == nil && e.Events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
			err = c.read(l)
		}
		if err != nil {
			l.end(c, err)
		}
	}
	return nil
}

// end notes the end of a connection by the server.
func (l *load) end(c *conn, err error) {
	c.ended = err
	l.lost++
	if !c.slow {
		l.fault("lost a connection: %s", err)
	}
	_ = unix.Close(c.fd)
}

// pace begins to have the editors edit in turn, rate times a second together; 0 ends it.
func (l *load) pace(rate float64) error {
	l.rate, l.paced, l.since = rate, 0, int64(time.Since(l.started))
	var every unix.ItimerSpec
	if rate > 0 {
		every.Interval = unix.NsecToTimespec(max(int64(float64(time.Second)/rate), int64(time.Millisecond)))
		every.Value = every.Interval
	}
	if err := unix.TimerfdSettime(l.timer, 0, &every, nil); err != nil {
		return fmt.Errorf("set the timer: %w", err)
	}
	return nil
}

// tick makes the edits that are due. Those that fell due while the generator did not
// run are made up for; what a server is late with never slows the pace.
func (l *load) tick() error {
	var expirations [8]byte
	_, _ = unix.Read(l.timer, expirations[:])
	for due := float64(l.now-l.since) / float64(time.Second) * l.rate; l.paced+1 <= due; l.paced++ {
		c := l.editors[l.turn%len(l.editors)]
		l.turn++
		if c.ended != nil {
			return fmt.Errorf("an editor was lost: %w", c.ended)
		}
		l.edit(c)
		if err := c.flush(l); err != nil {
			l.end(c, err)
		}
	}
	return nil
}

// stepFor handles what comes for a time.
func (l *load) stepFor(ctx context.Context, d time.Duration) error {
	return l.stepUntil(ctx, d, func() bool { return false }, nil)
}

// stepUntil handles what comes until done says so. If that takes longer than most, it
// is late that says what this means; nil = nothing.
func (l *load) stepUntil(ctx context.Context, most time.Duration, done func() bool, late func()) error {
	end := time.Now().Add(most)
	for !done() {
		if err := ctx.Err(); err != nil {
			return err
		}
		left := time.Until(end)
		if left <= 0 {
			if late != nil {
				late()
			}
			return nil
		}
		if err := l.step(min(left, 100*time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

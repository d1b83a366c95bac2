package wsconn

import (
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dashwire/dashwire/internal/clock"
)

// What the reading of a polled socket is doing.
const (
	atRest  int32 = iota // nobody reads; a change wakes a worker
	reading              // a worker, or the end of the connection, reads
	woken                // and there was a change meanwhile: it reads once more
)

// unsentBytes bounds what the kernel holds of a connection beyond what is on its way to
// the client. A client that stops reading is then left behind after as much, and not after
// the megabytes to which the kernel lets a socket grow: those would be memory that nobody
// counts (R5), and old news for a client that reads again.
const unsentBytes = 256 << 10

// polledSocket is a descriptor that nobody waits for: the group's poller tells it of
// changes, and it has its connection worked on when bytes are there.
type polledSocket struct {
	poller *poller
	fd     int32

	state  atomic.Int32
	gone   atomic.Bool // the other side has ended: short reads may be followed by the end
	broken atomic.Bool // the kernel has given the connection up: there is nothing to shut down
	closed atomic.Bool
	n      int32 // bytes that were read

	// The deadline of the message under way: the number of the one that is set, and of
	// the one that has passed.
	deadline atomic.Uint32
	passed   atomic.Uint32

	of pollable
	// resume is told instead of it once the connection is ending. Set by whoever reads,
	// and looked at after state has changed.
	resume chan struct{}
	buf    *[readSize]byte // of reading
	timer  clock.Timer     // of the deadline

	// writable is told of room while something waits for it.
	writable atomic.Pointer[chan struct{}]
}

// polled takes the descriptor out of a connection, which it closes; nil if there is
// none, or no room for another one.
func (p *poller) polled(nc net.Conn) polled {
	c, ok := nc.(syscall.Conn)
	if !ok || !hasDescriptor(nc) {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	fd := -1
	if e := raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) }); e != nil || err != nil {
		return nil
	}
	_ = nc.Close() // the descriptor holds the connection open
	return p.socket(fd)
}

// socket takes a descriptor over that does not block.
func (p *poller) socket(fd int) polled {
	// Not every socket is of TCP, and without it more waits in the kernel.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes)
	s := &polledSocket{fd: int32(fd), poller: p}
	s.state.Store(reading)
	return s
}

// begin has changes told. The connection counts as being read until rest.
func (s *polledSocket) begin(of pollable) error {
	s.of = of
	return s.poller.add(s)
}

// changed is told by the poller.
func (s *polledSocket) changed(events uint32) {
	const ended = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
	if events&(unix.EPOLLOUT|ended) != 0 {
		if room := s.writable.Load(); room != nil {
			signal(*room)
		}
	}
	if events&ended != 0 {
		s.gone.Store(true)
	}
	if events&(unix.EPOLLIN|ended) != 0 {
		s.wake()
	}
}

// wake has the socket read, at once or by whoever is reading.
func (s *polledSocket) wake() {
	for {
		switch state := s.state.Load(); {
		case state == woken, state == reading && s.state.CompareAndSwap(reading, woken):
			return
		case state == atRest && s.state.CompareAndSwap(atRest, reading):
			if s.resume != nil {
				signal(s.resume)
			} else {
				s.of.readable()
			}
			return
		}
	}
}

// rest ends the reading; false = there was a change meanwhile, and it goes on.
func (s *polledSocket) rest() bool {
	if s.state.CompareAndSwap(reading, atRest) {
		return true
	}
	s.state.Store(reading)
	return false
}

// again reads what is there, or fails with errNothing.
func (s *polledSocket) again() error {
	if s.closed.Load() {
		return net.ErrClosed
	}
	if s.buf == nil {
		s.buf = buffers.Get().(*[readSize]byte)
	}
	for {
		n, err := unix.Read(int(s.fd), s.buf[:])
		s.n = int32(max(n, 0))
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return errNothing
		case err != nil:
			s.broken.Store(true)
			return err
		case n == 0:
			return io.EOF
		}
		return nil
	}
}

// more reports whether there may be more after a read: a change that comes after a
// short one is told.
func (s *polledSocket) more() bool { return s.n == readSize || s.gone.Load() || s.closed.Load() }

// wait blocks until bytes are there. The connection is ending: until now nobody had
// to wait.
func (s *polledSocket) wait() error {
	if s.resume == nil {
		s.resume = make(chan struct{}, 1)
	}
	for {
		err := s.again()
		if err != errNothing {
			return err
		}
		s.release()
		if s.rest() {
			<-s.resume
		}
	}
}

func (s *polledSocket) bytes() []byte { return s.buf[:s.n] }

func (s *polledSocket) release() {
	if s.buf != nil {
		buffers.Put(s.buf)
		s.buf, s.n = nil, 0
	}
}

func (s *polledSocket) readBy(deadline time.Time) {
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	number := s.deadline.Add(1)
	if deadline.IsZero() {
		return
	}
	s.timer = s.poller.clock.AfterFunc(deadline.Sub(s.poller.clock.Now()), func() {
		s.passed.Store(number)
		s.wake()
	})
}

// late reports whether the deadline that is set has passed.
func (s *polledSocket) late() bool {
	passed := s.passed.Load()
	return passed != 0 && passed == s.deadline.Load()
}

func (s *polledSocket) interrupt() { s.wake() }

func (s *polledSocket) discard() {
	s.readBy(time.Time{})
	for s.wait() == nil {
	}
	s.release()
}

func (s *polledSocket) blocking() bool { return false }

func (s *polledSocket) write(b []byte) (written int, err error) {
	for written < len(b) {
		n, err := unix.Write(int(s.fd), b[written:])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return written, nil
		case err != nil:
			return written, err
		}
		written += n
	}
	return written, nil
}

// ready waits until there is room. It asks the kernel before it waits for the poller,
// so that a change from before is not waited for.
func (s *polledSocket) ready() error {
	room := make(chan struct{}, 1)
	s.writable.Store(&room)
	defer s.writable.Store(nil)
	stall := time.NewTimer(s.poller.stall)
	defer stall.Stop()
	for {
		p := [1]unix.PollFd{{Fd: s.fd, Events: unix.POLLOUT}}
		if n, err := unix.Poll(p[:], 0); n != 0 || (err != nil && err != unix.EINTR) {
			return nil // or it has ended, which writing finds out
		}
		select {
		case <-room:
		case <-stall.C:
			return os.ErrDeadlineExceeded
		}
	}
}

func (s *polledSocket) writeAll(b []byte) error { return inPieces(s, b) }

// close ends both directions. The descriptor stays until free, so that nobody reads
// or writes another connection that got its number.
func (s *polledSocket) close() {
	s.closed.Store(true)
	if !s.broken.Load() {
		_ = unix.Shutdown(int(s.fd), unix.SHUT_RDWR)
	}
	if room := s.writable.Load(); room != nil {
		signal(*room)
	}
	s.wake()
}

// free gives the descriptor back, once nobody uses it any more.
func (s *polledSocket) free() {
	s.readBy(time.Time{})
	s.release()
	s.poller.remove(s)
	_ = unix.Close(int(s.fd))
}

// signal wakes whoever waits, or will.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

//go:build unix

package wsconn

import (
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// newSocket uses the descriptor itself where there is one.
func newSocket(nc net.Conn, stall time.Duration) socket {
	switch nc := nc.(type) {
	case *net.TCPConn:
		if raw, err := nc.SyscallConn(); err == nil {
			return newRawSocket(nc, raw, stall)
		}
	case *net.UnixConn:
		if raw, err := nc.SyscallConn(); err == nil {
			return newRawSocket(nc, raw, stall)
		}
	}
	return newPlainSocket(nc, stall)
}

// rawSocket reads and writes by the descriptor: the runtime's poller only wakes it,
// so that it holds no buffer while it waits and never blocks to write.
type rawSocket struct {
	conn  net.Conn
	raw   syscall.RawConn
	stall time.Duration

	// Of reading. The functions that are called often are kept: a method value
	// allocates.
	readFn  func(fd uintptr) bool
	buf     *[readSize]byte
	n       int
	readErr error

	// Of writing.
	writeFn  func(fd uintptr) bool
	out      []byte
	written  int
	writeErr error
}

func newRawSocket(nc net.Conn, raw syscall.RawConn, stall time.Duration) *rawSocket {
	s := &rawSocket{conn: nc, raw: raw, stall: stall}
	s.readFn, s.writeFn = s.readFD, s.writeFD
	return s
}

func (s *rawSocket) wait() error {
	s.release()
	if err := s.raw.Read(s.readFn); err != nil {
		return err
	}
	return s.readErr
}

func (s *rawSocket) again() error {
	if err := s.raw.Read(s.againFD); err != nil {
		return err
	}
	return s.readErr
}

// readFD reads into a buffer that it keeps only if bytes were there. It reports
// false to be called again once there are some.
func (s *rawSocket) readFD(fd uintptr) bool {
	s.buf = buffers.Get().(*[readSize]byte)
	s.readOnce(fd)
	if s.readErr == unix.EAGAIN {
		s.release()
		return false
	}
	if s.readErr != nil {
		s.release()
	}
	return true
}

// againFD reads once, without waiting.
func (s *rawSocket) againFD(fd uintptr) bool {
	if s.buf == nil {
		s.buf = buffers.Get().(*[readSize]byte)
	}
	if s.readOnce(fd); s.readErr == unix.EAGAIN {
		s.readErr = errNothing
	}
	return true
}

func (s *rawSocket) readOnce(fd uintptr) {
	for {
		s.n, s.readErr = unix.Read(int(fd), s.buf[:])
		if s.readErr != unix.EINTR {
			break
		}
	}
	switch {
	case s.readErr != nil:
		s.n = 0
	case s.n == 0:
		s.readErr = io.EOF
	}
}

func (s *rawSocket) bytes() []byte { return s.buf[:s.n] }

func (s *rawSocket) release() {
	if s.buf != nil {
		buffers.Put(s.buf)
		s.buf, s.n = nil, 0
	}
}

func (s *rawSocket) readBy(deadline time.Time) {
	// A connection that refuses a deadline is broken, which wait then tells.
	_ = s.conn.SetReadDeadline(deadline)
}

func (s *rawSocket) interrupt() { s.readBy(longAgo) }

func (s *rawSocket) discard() {
	s.readBy(time.Time{})
	for s.wait() == nil {
	}
	s.release()
}

func (s *rawSocket) blocking() bool { return false }

func (s *rawSocket) write(b []byte) (int, error) {
	s.out, s.written, s.writeErr = b, 0, nil
	err := s.raw.Write(s.writeFn)
	s.out = nil
	if err == nil {
		err = s.writeErr
	}
	return s.written, err
}

func (s *rawSocket) writeFD(fd uintptr) bool {
	for s.written < len(s.out) {
		n, err := unix.Write(int(fd), s.out[s.written:])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return true
		case err != nil:
			s.writeErr = err
			return true
		}
		s.written += n
	}
	return true
}

// readyFD reports whether the descriptor takes bytes; if not, the runtime calls it
// again once the poller says so. Asking the kernel, instead of trusting the first
// wake, means that a wake from before cannot be lost.
func (s *rawSocket) readyFD(fd uintptr) bool {
	p := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	n, err := unix.Poll(p[:], 0)
	return n != 0 || (err != nil && err != unix.EINTR)
}

func (s *rawSocket) ready() error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.stall)); err != nil {
		return err
	}
	if err := s.raw.Write(s.readyFD); err != nil {
		return err
	}
	return s.conn.SetWriteDeadline(time.Time{})
}

func (s *rawSocket) writeAll(b []byte) error { return inPieces(s, b) }

func (s *rawSocket) close() { _ = s.conn.Close() }

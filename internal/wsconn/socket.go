package wsconn

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// socket is how a connection reads and writes bytes. Reading (wait, again, bytes,
// release, discard) is done by one goroutine at a time; so is writing (write,
// ready, writeAll). close may come at any time and ends both.
type socket interface {
	// wait blocks until bytes are there, which bytes then returns. It holds no buffer
	// meanwhile.
	wait() error
	// again reads without waiting; an error means that there is nothing.
	again() error
	// bytes returns what was read, at most readSize bytes, until release or the next
	// wait or again.
	bytes() []byte
	release()
	// readBy sets the time by which wait must have bytes; zero = no limit.
	readBy(deadline time.Time)
	// discard reads until the connection ends.
	discard()

	// blocking tells that write takes nothing itself: a goroutine has to writeAll.
	blocking() bool
	// write writes without blocking what the connection takes at once.
	write(b []byte) (n int, err error)
	// ready blocks until write takes bytes again.
	ready() error
	// writeAll blocks until b is written. It fails with os.ErrDeadlineExceeded if no
	// byte was taken for the stall timeout.
	writeAll(b []byte) error

	// interrupt fails the wait under way with os.ErrDeadlineExceeded, or has the
	// connection worked on if nobody waits. It may come at any time and does not block.
	interrupt()
	// close ends the connection. It does not block.
	close()
}

// polled is a socket for which nobody waits: it has its connection worked on once
// bytes may be there. It counts as being read from its beginning on.
type polled interface {
	socket
	// begin has the connection told whenever there may be bytes.
	begin(of pollable) error
	// more reports whether there may be more after a read; nobody is told of what
	// was there before.
	more() bool
	// late reports whether the time of readBy has passed; the connection is told then too.
	late() bool
	// rest ends the reading. If it reports false, something has come meanwhile, and the
	// reading goes on.
	rest() bool
	// free gives back what close leaves, once nobody uses the socket any more.
	free()
}

// pollable is a connection as its polled socket knows it.
type pollable interface {
	// readable tells that there may be bytes. It does not block.
	readable()
}

// errNothing from again: there are no bytes.
var errNothing = errors.New("wsconn: nothing to read")

// inPieces writes b as the socket takes it.
func inPieces(s socket, b []byte) error {
	for {
		n, err := s.write(b)
		if err != nil || n == len(b) {
			return err
		}
		b = b[n:]
		if err := s.ready(); err != nil {
			return err
		}
	}
}

// hasDescriptor reports whether a connection is the kernel's own.
func hasDescriptor(l link) bool {
	switch l.(type) {
	case *net.TCPConn, *net.UnixConn, counted, bare:
		return true
	}
	return false
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// readSize is the size of the buffers that are read into.
const readSize = 16 << 10

// buffers are what bytes are read into, once there are some.
var buffers = sync.Pool{New: func() any { return new([readSize]byte) }}

// plainSocket works on any net.Conn by blocking: one small buffer while it waits to
// read, one goroutine while there is something to write.
type plainSocket struct {
	conn  net.Conn
	stall time.Duration
	small [1024]byte
	n     int
}

func newPlainSocket(nc net.Conn, stall time.Duration) *plainSocket {
	return &plainSocket{conn: nc, stall: stall}
}

func (s *plainSocket) wait() (err error) {
	s.n, err = s.conn.Read(s.small[:])
	if s.n > 0 {
		return nil
	}
	return err
}

func (s *plainSocket) again() error { return io.EOF }

func (s *plainSocket) bytes() []byte { return s.small[:s.n] }

func (s *plainSocket) release() {}

func (s *plainSocket) readBy(deadline time.Time) {
	// A connection that refuses a deadline is broken, which wait then tells.
	_ = s.conn.SetReadDeadline(deadline)
}

func (s *plainSocket) interrupt() { s.readBy(longAgo) }

func (s *plainSocket) discard() {
	s.readBy(time.Time{})
	for s.wait() == nil {
	}
}

func (s *plainSocket) blocking() bool { return true }

// write takes all: the connection copies it for the goroutine that writes.
func (s *plainSocket) write(b []byte) (int, error) { return len(b), nil }

func (s *plainSocket) ready() error { return nil }

func (s *plainSocket) writeAll(b []byte) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.stall)); err != nil {
		return err
	}
	_, err := s.conn.Write(b)
	return err
}

func (s *plainSocket) close() {
	nc := s.conn
	if t, ok := nc.(*tls.Conn); ok {
		// Its own Close waits to say goodbye; the close frame has said it.
		nc = t.NetConn()
	}
	_ = nc.Close()
}

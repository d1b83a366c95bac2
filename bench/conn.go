package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	measure "github.com/dashwire/dashwire/internal/bench"
)

// The opcodes of WebSocket (RFC 6455 section 5.2) that a generator meets.
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// conn is one client. It belongs to the goroutine of its load.
type conn struct {
	fd      int
	number  int  // in load.conns
	open    bool // the handshake is done
	ready   bool // the server takes edits and subscriptions
	timed   bool // latency of what it hears is counted
	frozen  bool // is not read
	slow    bool // was or will be frozen: a server may close it
	rest    []byte
	out     []byte // not yet written
	waiting bool   // for room to write

	// A reader's.
	dashboard int // -1 = an editor
	synced    bool
	version   uint64

	// An editor's.
	edit   edit
	window int              // edits kept without an answer; 0 = paced
	sent   map[uint32]int64 // serial → stamp, without an answer
	acked  uint64
	ended  error
}

// queue appends one message to what the next flush writes.
func (c *conn) queue(op byte, payload []byte) {
	c.out = append(measure.AppendMaskedHead(c.out, 0x80|op, len(payload)), payload...)
}

// flush writes what waits, as far as the socket takes it.
func (c *conn) flush(l *load) error {
	for len(c.out) > 0 {
		n, err := unix.Write(c.fd, c.out)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return c.await(l, true)
		case err != nil:
			return fmt.Errorf("write: %w", err)
		}
		c.out = append(c.out[:0], c.out[n:]...)
	}
	return c.await(l, false)
}

// await has epoll tell when the socket takes bytes again, or no longer.
func (c *conn) await(l *load, room bool) error {
	if c.waiting == room {
		return nil
	}
	c.waiting = room
	return l.watch(unix.EPOLL_CTL_MOD, c)
}

// read takes what is there and handles the whole messages of it.
func (c *conn) read(l *load) error {
	have := copy(l.buf, c.rest)
	if have == len(l.buf) {
		return fmt.Errorf("a message is larger than %d bytes", len(l.buf))
	}
	n, err := unix.Read(c.fd, l.buf[have:])
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return fmt.Errorf("read: %w", err)
	case n == 0:
		return io.EOF
	}
	l.bytes += uint64(n)
	l.reads++
	b := l.buf[:have+n]
	if !c.open {
		end := bytes.Index(b, []byte("\r\n\r\n"))
		if end < 0 {
			c.rest = append(c.rest[:0], b...)
			return nil
		}
		if !bytes.HasPrefix(b, []byte("HTTP/1.1 101 ")) {
			return fmt.Errorf("the upgrade was refused: %.200q", b)
		}
		b = b[end+4:]
		l.opened(c)
	}
	for {
		head, size, ok := measure.FrameHead(b)
		if !ok || head+size > len(b) {
			break
		}
		op, payload := b[0]&15, b[head:head+size]
		b = b[head+size:]
		switch op {
		case opText:
			if err := l.message(c, payload); err != nil {
				return err
			}
		case opPing:
			c.queue(opPong, payload)
		case opClose:
			code := 1005
			if len(payload) >= 2 {
				code = int(binary.BigEndian.Uint16(payload))
			}
			return fmt.Errorf("the server closed: %d %s", code, payload[min(2, len(payload)):])
		}
	}
	if len(b) > 0 {
		c.rest = append(c.rest[:0], b...)
	} else {
		c.rest = nil
	}
	return c.flush(l)
}

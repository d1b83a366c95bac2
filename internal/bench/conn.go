package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// The opcodes of WebSocket (RFC 6455 section 5.2).
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// conn is one WebSocket as a client has it, with no more than a load generator needs:
// the server is trusted to frame as it should. One goroutine reads; any may queue.
type conn struct {
	net net.Conn
	buf []byte // holds what was read and not yet handled
	end int

	mu  sync.Mutex
	out []byte // frames that wait for flush
}

// errClosed is the end of a connection by the server.
type errClosed struct {
	code   int
	reason string
}

func (e *errClosed) Error() string {
	return fmt.Sprintf("the server closed the connection: %d %s", e.code, e.reason)
}

// dialer opens connections to one server.
type dialer struct {
	base       *url.URL
	token      string
	readBuffer int

	// found is where the first connection went; nil before that. Looking for the server
	// each time costs more than connecting.
	found  atomic.Pointer[net.TCPAddr]
	serial atomic.Uint32
}

// dialWithin bounds the time until a connection is open and the handshake is done.
const dialWithin = 30 * time.Second

// dial opens a connection and takes the server's answer to the handshake.
func (d *dialer) dial(ctx context.Context) (*conn, error) {
	raw, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	if d.base.Scheme == "https" {
		raw = tls.Client(raw, &tls.Config{ServerName: d.base.Hostname()})
	}
	c := &conn{net: raw, buf: make([]byte, d.readBuffer)}
	if err = raw.SetDeadline(time.Now().Add(dialWithin)); err == nil {
		err = c.upgrade(d)
	}
	if err == nil {
		err = raw.SetDeadline(time.Time{})
	}
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return c, nil
}

// loopbacks is how many addresses of this machine connections to it come from. Of one
// alone the kernel would search its ports ever longer for a free one.
const loopbacks = 64

func (d *dialer) connect(ctx context.Context) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialWithin}
	at := d.found.Load()
	if at == nil {
		host := d.base.Host
		if d.base.Port() == "" {
			host = net.JoinHostPort(d.base.Hostname(), map[string]string{"http": "80", "https": "443"}[d.base.Scheme])
		}
		raw, err := dialer.DialContext(ctx, "tcp", host)
		if err == nil {
			if to, ok := raw.RemoteAddr().(*net.TCPAddr); ok {
				d.found.Store(to)
			}
		}
		return raw, err
	}
	if v4 := at.IP.To4(); runtime.GOOS == "linux" && v4 != nil && v4.IsLoopback() {
		return net.DialTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+d.serial.Add(1)%loopbacks))}, at)
	}
	return dialer.DialContext(ctx, "tcp", at.String())
}

// upgrade is the opening handshake.
func (c *conn) upgrade(d *dialer) error {
	var key [16]byte
	_, _ = rand.Read(key[:]) // never fails, see its documentation
	b := append(c.out[:0], "GET "...)
	b = append(append(b, d.base.Path...), "/api/realtime HTTP/1.1\r\nHost: "...)
	b = append(append(b, d.base.Host...), "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "...)
	b = append(base64.StdEncoding.AppendEncode(b, key[:]), "\r\nSec-WebSocket-Protocol: dashwire.v1\r\n"...)
	if d.token != "" {
		b = append(append(append(b, "Authorization: Bearer "...), d.token...), "\r\n"...)
	}
	b = append(b, "\r\n"...)
	c.out = b[:0]
	if _, err := c.net.Write(b); err != nil {
		return fmt.Errorf("upgrading: %w", err)
	}
	for {
		head, rest, whole := bytes.Cut(c.buf[:c.end], []byte("\r\n\r\n"))
		switch {
		case !whole && c.end > 16<<10:
			return errors.New("upgrading: the answer has no end")
		case !whole:
			c.grow(c.end + 256)
			n, err := c.net.Read(c.buf[c.end:])
			if err != nil {
				return fmt.Errorf("upgrading: %w", err)
			}
			c.end += n
		case !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")):
			return fmt.Errorf("upgrading: %.400s", c.buf[:c.end])
		default:
			c.end = copy(c.buf, rest) // it belongs to the first message
			return nil
		}
	}
}

func (c *conn) grow(n int) {
	if n > len(c.buf) {
		bigger := make([]byte, max(n, 2*len(c.buf)))
		copy(bigger, c.buf[:c.end])
		c.buf = bigger
	}
}

// read waits for bytes and handles every whole message among what is there. The
// payload is valid during the call only. Pings are answered with the next flush.
func (c *conn) read(handle func(payload []byte) error) error {
	for {
		done, err := c.frames(handle)
		if done > 0 || err != nil {
			return err
		}
		n, err := c.net.Read(c.buf[c.end:])
		if err != nil {
			return err
		}
		c.end += n
	}
}

// frames handles the whole frames in the buffer and returns how many there were.
func (c *conn) frames(handle func(payload []byte) error) (done int, err error) {
	at := 0
	for err == nil {
		head, size, ok := FrameHead(c.buf[at:c.end])
		if ok {
			c.grow(at + head + size)
		}
		if !ok || at+head+size > c.end {
			break
		}
		op := c.buf[at] & 15
		payload := c.buf[at+head : at+head+size]
		at += head + size
		done++
		switch op {
		case opText:
			err = handle(payload)
		case opPing:
			c.queue(opPong, payload)
			err = c.flush()
		case opClose:
			closed := &errClosed{code: 1005}
			if len(payload) >= 2 {
				closed.code, closed.reason = int(binary.BigEndian.Uint16(payload)), string(payload[2:])
			}
			err = closed
		}
	}
	if at > 0 {
		copy(c.buf, c.buf[at:c.end])
		c.end -= at
	}
	if c.end == len(c.buf) {
		c.grow(2 * c.end)
	}
	return done, err
}

// FrameHead reads the header of an unmasked frame: how long it is and how long what
// follows it, or false while it is not whole.
func FrameHead(b []byte) (head, size int, ok bool) {
	if len(b) < 2 {
		return 0, 0, false
	}
	switch n := int(b[1] & 127); {
	case n < 126:
		return 2, n, true
	case n == 126 && len(b) >= 4:
		return 4, int(binary.BigEndian.Uint16(b[2:])), true
	case n == 127 && len(b) >= 10:
		return 10, int(binary.BigEndian.Uint64(b[2:])), true
	}
	return 0, 0, false
}

// AppendMaskedHead appends the head of a client's frame, with its first byte and the
// length of what follows. The mask is zeros: that is allowed, costs the generator nothing
// and saves no server its work.
func AppendMaskedHead(dst []byte, first byte, length int) []byte {
	dst = append(dst, first)
	switch {
	case length < 126:
		dst = append(dst, 0x80|byte(length))
	case length < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(length))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(length))
	}
	return append(dst, 0, 0, 0, 0)
}

// queue appends a frame to what the next flush writes.
func (c *conn) queue(op byte, payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = append(AppendMaskedHead(c.out, 0x80|op, len(payload)), payload...)
}

// flush writes what waits.
func (c *conn) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.out) == 0 {
		return nil
	}
	_, err := c.net.Write(c.out)
	c.out = c.out[:0]
	return err
}

func (c *conn) close() error { return c.net.Close() }

// cut ends the connection without a word: the server hears of it by a reset.
func (c *conn) cut() {
	nc := c.net
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	if t, ok := nc.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // it is closed in any case
	}
	_ = nc.Close()
}

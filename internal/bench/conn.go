package bench

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
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
	net        net.Dialer
	readBuffer int
}

// dial opens a connection and takes the server's first message.
func (d *dialer) dial(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	host := d.base.Host
	if d.base.Port() == "" {
		host = net.JoinHostPort(d.base.Hostname(), map[string]string{"http": "80", "https": "443"}[d.base.Scheme])
	}
	raw, err := d.net.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	if d.base.Scheme == "https" {
		raw = tls.Client(raw, &tls.Config{ServerName: d.base.Hostname()})
	}
	c := &conn{net: raw, buf: make([]byte, d.readBuffer)}
	if deadline, ok := ctx.Deadline(); ok {
		err = raw.SetDeadline(deadline)
	}
	if err == nil {
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

// upgrade is the opening handshake.
func (c *conn) upgrade(d *dialer) error {
	var key [16]byte
	_, _ = rand.Read(key[:]) // never fails, see its documentation
	head := "GET " + d.base.Path + "/api/realtime HTTP/1.1\r\nHost: " + d.base.Host +
		"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
		base64.StdEncoding.EncodeToString(key[:]) + "\r\nSec-WebSocket-Protocol: dashwire.v1\r\n"
	if d.token != "" {
		head += "Authorization: Bearer " + d.token + "\r\n"
	}
	if _, err := io.WriteString(c.net, head+"\r\n"); err != nil {
		return fmt.Errorf("upgrading: %w", err)
	}
	r := bufio.NewReaderSize(c.net, 1024)
	res, err := http.ReadResponse(r, &http.Request{Method: http.MethodGet})
	if err != nil {
		return fmt.Errorf("upgrading: %w", err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(io.LimitReader(res.Body, 300))
		return fmt.Errorf("upgrading: %s: %s", res.Status, body)
	}
	// What came with the answer belongs to the first message.
	n := r.Buffered()
	c.grow(n)
	if _, err := io.ReadFull(r, c.buf[:n]); err != nil {
		return fmt.Errorf("upgrading: %w", err)
	}
	c.end = n
	return nil
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

package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/dashwire/dashwire/internal/bench"
)

// The first bytes of frames (RFC 6455 section 5.2).
const (
	text         = 0x81
	textBegin    = 0x01
	continuation = 0x00
	ping         = 0x89
	pong         = 0x8a
	goodbye      = 8
)

// socket is a connection to the server. It ends with the context that it was made in.
type socket struct {
	net.Conn
	in     *bufio.Reader
	forget func() bool
}

// dial connects from a loopback address; receive is the size of the receive buffer, 0 =
// the system's own.
func dial(ctx context.Context, address, from string, receive int) (*socket, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 10 * time.Second, KeepAlive: -1}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if receive > 0 {
		_ = c.(*net.TCPConn).SetReadBuffer(receive) // else the flood is a little weaker
	}
	return &socket{Conn: c, in: bufio.NewReaderSize(c, 2048), forget: context.AfterFunc(ctx, func() { c.Close() })}, nil
}

func (s *socket) close() {
	s.forget()
	s.Conn.Close()
}

// handshake is the head of a request for a WebSocket.
func handshake(address string, lines ...string) string {
	return "GET /api/realtime HTTP/1.1\r\nHost: " + address + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + strings.Join(append(lines, ""), "\r\n") + "\r\n"
}

// refusedError is an answer other than the one that was wanted.
type refusedError struct{ status int }

func (e *refusedError) Error() string { return fmt.Sprintf("refused with status %d", e.status) }

// upgrade makes the connection a WebSocket and reads the server's CONNECT.
func (s *socket) upgrade(address string, lines ...string) error {
	if _, err := io.WriteString(s, handshake(address, lines...)); err != nil {
		return err
	}
	res, err := http.ReadResponse(s.in, nil)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return &refusedError{res.StatusCode}
	}
	_, _, err = s.next()
	return err
}

// next reads one frame of the server. Its payload is valid as long as the caller keeps it.
func (s *socket) next() (op byte, payload []byte, err error) {
	var head [10]byte
	if _, err := io.ReadFull(s.in, head[:2]); err != nil {
		return 0, nil, err
	}
	length := uint64(head[1])
	switch length {
	case 126:
		_, err = io.ReadFull(s.in, head[2:4])
		length = uint64(binary.BigEndian.Uint16(head[2:]))
	case 127:
		_, err = io.ReadFull(s.in, head[2:10])
		length = binary.BigEndian.Uint64(head[2:])
	}
	if err != nil {
		return 0, nil, err
	}
	if length > 64<<20 {
		return 0, nil, fmt.Errorf("a frame of %d bytes", length)
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(s.in, payload)
	return head[0] & 0xf, payload, err
}

// drain reads until the server ends the connection and returns the code of its close
// frame, 0 if there was none.
func (s *socket) drain() (code int) {
	for {
		op, payload, err := s.next()
		switch {
		case err != nil:
			return code
		case op == goodbye && len(payload) >= 2:
			return int(binary.BigEndian.Uint16(payload))
		}
	}
}

// frame is a masked frame.
func frame[bytes string | []byte](first byte, payload bytes) []byte {
	return append(bench.AppendMaskedHead(nil, first, len(payload)), payload...)
}

package attack

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// The first byte of a frame (RFC 6455 section 5.2).
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xa

	fin  = 0x80
	rsv1 = 0x40
)

// handshake is a request for a WebSocket up to its empty line, with header lines on top.
func (x *target) handshake(lines ...string) string {
	return "GET /api/realtime HTTP/1.1\r\nHost: " + x.addr + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + strings.Join(append(lines, ""), "\r\n")
}

// dial opens a connection and says nothing on it.
func (x *target) dial() *socket {
	x.t.Helper()
	return x.dialBy(&net.Dialer{})
}

// dialBy is dial with settings of one's own.
func (x *target) dialBy(d *net.Dialer) *socket {
	x.t.Helper()
	c, err := d.DialContext(x.t.Context(), "tcp", x.addr)
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { c.Close() })
	return &socket{t: x.t, conn: c, in: bufio.NewReader(c)}
}

// say sends a request as it stands and returns the answer, its body unread.
func (x *target) say(request string) (*http.Response, *socket) {
	x.t.Helper()
	s := x.dial()
	s.raw([]byte(request))
	return s.response(), s
}

// response reads the answer to a request.
func (s *socket) response() *http.Response {
	s.t.Helper()
	s.wait()
	res, err := http.ReadResponse(s.in, nil)
	if err != nil {
		s.t.Fatalf("reading the answer: %v", err)
	}
	return res
}

// wait gives the server its time once more.
func (s *socket) wait() {
	if err := s.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Error(err)
	}
}

// raw sends bytes as they are. The server may have hung up, which reading tells.
func (s *socket) raw(b []byte) { _, _ = s.conn.Write(b) }

var mask = [4]byte{0x12, 0x34, 0x56, 0x78}

// head is the head of a masked frame in its shortest form.
func head(first byte, length int) []byte {
	b := []byte{first}
	switch {
	case length <= 125:
		b = append(b, 0x80|byte(length))
	case length <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(length))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(length))
	}
	return append(b, mask[:]...)
}

// masked is a client's frame.
func masked(first byte, payload []byte) []byte {
	b := head(first, len(payload))
	for i, c := range payload {
		b = append(b, c^mask[i%4])
	}
	return b
}

// goodbye is a client's close frame.
func goodbye(code uint16, reason string) []byte {
	return masked(fin|opClose, append(binary.BigEndian.AppendUint16(nil, code), reason...))
}

// fields are what tests look at in payloads.
type fields struct {
	Code, Message, Path, Status, Mode, Epoch string
	Version, From                            uint64
	InStream, Rewound, Retryable             bool
	Document                                 struct{ Widgets map[string]json.RawMessage }
	Entries                                  []struct {
		ID      string
		Payload struct{ Version uint64 }
	}
	Change json.RawMessage
}

func (m *message) fields() (f fields) {
	_ = json.Unmarshal(m.Payload, &f) // what another message has there is not looked at
	return f
}

// reply reads on until the answer to what has that id.
func (s *socket) reply(id string) *message {
	s.t.Helper()
	s.wait()
	return s.until("the answer to "+id, func(m *message) bool { return m.CorrelationID == id })
}

// lives fails unless the session still takes messages.
func (s *socket) lives() {
	s.t.Helper()
	s.wait()
	s.ask("PING", "{}").is(s.t, "PONG")
}

// gone reads until the end of the connection.
func (s *socket) gone() {
	s.t.Helper()
	s.wait()
	if _, err := io.Copy(io.Discard, s.in); errors.Is(err, os.ErrDeadlineExceeded) {
		s.t.Error("the server does not end the connection")
	}
}

// shut is closed, and fails unless the connection ends as well.
func (s *socket) shut(what string, code int) {
	s.t.Helper()
	s.wait()
	s.closed(what, code)
	s.gone()
}

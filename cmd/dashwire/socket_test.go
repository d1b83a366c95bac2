package main

import (
	"bufio"
	bits "encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/internal/wire"
)

// socket is a WebSocket as a program opens one, without any library.
type socket struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// connect opens a WebSocket with header lines.
func connect(t *testing.T, url string, lines ...string) *socket {
	t.Helper()
	host, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	head := append([]string{
		"GET /" + path + " HTTP/1.1", "Host: " + host, "Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
	}, lines...)
	fmt.Fprint(conn, strings.Join(head, "\r\n")+"\r\n\r\n")
	s := &socket{t: t, conn: conn, in: bufio.NewReader(conn)}
	res, err := http.ReadResponse(s.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the upgrade got %s", res.Status)
	}
	return s
}

// send writes a message of up to 64 KiB.
func (s *socket) send(format string, args ...any) {
	s.t.Helper()
	text := fmt.Sprintf(format, args...)
	frame := []byte{0x81, 0x80 | byte(len(text))}
	if len(text) > 125 {
		frame = bits.BigEndian.AppendUint16([]byte{0x81, 0x80 | 126}, uint16(len(text)))
	}
	frame = append(frame, 0, 0, 0, 0) // a mask that changes nothing
	if _, err := s.conn.Write(append(frame, text...)); err != nil {
		s.t.Fatal(err)
	}
}

// frame reads one frame.
func (s *socket) frame() (opcode byte, payload []byte) {
	s.t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		s.t.Fatal(err)
	}
	size := uint64(head[1])
	var err error
	switch size {
	case 126:
		var n [2]byte
		_, err = io.ReadFull(s.in, n[:])
		size = uint64(bits.BigEndian.Uint16(n[:]))
	case 127:
		var n [8]byte
		_, err = io.ReadFull(s.in, n[:])
		size = bits.BigEndian.Uint64(n[:])
	}
	if err != nil || size > 16<<20 {
		s.t.Fatalf("a frame of %d bytes: %v", size, err)
	}
	payload = make([]byte, size)
	if _, err := io.ReadFull(s.in, payload); err != nil {
		s.t.Fatal(err)
	}
	return head[0] & 0xf, payload
}

// next reads messages until one passes.
func (s *socket) next(what string, ok func(wire.ServerMessage) bool) wire.ServerMessage {
	s.t.Helper()
	for {
		opcode, payload := s.frame()
		if opcode != 1 {
			s.t.Fatalf("a frame of kind %d instead of %s: %q", opcode, what, payload)
		}
		m, err := wire.DecodeServer(payload)
		if err != nil {
			s.t.Fatal(err)
		}
		if ok(m) {
			return m
		}
	}
}

// welcomed waits for the CONNECT that answers the client's own and returns its user.
func (s *socket) welcomed() string {
	s.t.Helper()
	m := s.next("CONNECT", func(m wire.ServerMessage) bool { return m.Welcome != nil && m.CorrelationID == "hello" })
	if m.Welcome.AuthRequired {
		s.t.Error("signed in, and still asked for a token")
	}
	return m.Welcome.UserID
}

// closedWith waits for DISCONNECT and the close that follows, with the same code.
func (s *socket) closedWith(code int) {
	s.t.Helper()
	bye := s.next("DISCONNECT", func(m wire.ServerMessage) bool { return m.Goodbye != nil }).Goodbye
	if bye.Code != code || bye.Reconnect {
		s.t.Errorf("sent away with %+v, want %d", bye, code)
	}
	opcode, payload := s.frame()
	if opcode != 8 || len(payload) < 2 || int(bits.BigEndian.Uint16(payload)) != code {
		s.t.Errorf("closed by a frame of kind %d: %q", opcode, payload)
	}
}

// refused waits for the NACK of an op.
func (s *socket) refused(id, code string) {
	s.t.Helper()
	m := s.next("the answer to "+id, func(m wire.ServerMessage) bool { return m.CorrelationID == id })
	if m.Nack == nil || string(m.Nack.Err.Code) != code {
		s.t.Errorf("%s got %+v, want NACK %s", id, m, code)
	}
}

// accepted waits for the ACK of an op.
func (s *socket) accepted(id string) {
	s.t.Helper()
	if m := s.next("the answer to "+id, func(m wire.ServerMessage) bool { return m.CorrelationID == id }); m.Ack == nil {
		s.t.Errorf("%s got %+v, want ACK", id, m)
	}
}

const hello = `{"type":"CONNECT","id":"hello","payload":{"clientId":"tab"}}`

package dashwire_test

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// socket is one WebSocket by hand.
type socket struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// connect asks for a WebSocket from an address and returns it, or the status that
// refuses; token may be empty.
func (l *limited) connect(from, token string) (*socket, *http.Response) {
	l.t.Helper()
	conn, err := net.Dial("tcp", l.addr)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		l.t.Fatal(err)
	}
	head := "GET /api/realtime HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nX-Forwarded-For: " + from + "\r\n"
	if token != "" {
		head += "Authorization: Bearer " + token + "\r\n"
	}
	if _, err := io.WriteString(conn, head+"\r\n"); err != nil {
		l.t.Fatal(err)
	}
	s := &socket{t: l.t, conn: conn, in: bufio.NewReader(conn)}
	res, err := http.ReadResponse(s.in, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return nil, res
	}
	s.until("CONNECT")
	return s, nil
}

// admitted opens a session, or fails.
func (l *limited) admitted(from, token string) *socket {
	l.t.Helper()
	s, refused := l.connect(from, token)
	if refused != nil {
		l.t.Fatalf("%s %s: status %d", from, token, refused.StatusCode)
	}
	return s
}

// refused fails unless a session is refused with a status, and told when to come back.
func (l *limited) refused(from, token string, status int) {
	l.t.Helper()
	_, res := l.connect(from, token)
	switch {
	case res == nil:
		l.t.Errorf("%s %s: a session, want status %d", from, token, status)
	case res.StatusCode != status || res.Header.Get("Retry-After") == "":
		l.t.Errorf("%s %s: status %d, Retry-After %q, want %d", from, token, res.StatusCode, res.Header.Get("Retry-After"), status)
	}
}

// write sends one frame, masked.
func (s *socket) write(first byte, payload []byte) {
	s.t.Helper()
	head := []byte{first}
	switch n := len(payload); {
	case n < 126:
		head = append(head, 0x80|byte(n))
	case n < 1<<16:
		head = binary.BigEndian.AppendUint16(append(head, 0x80|126), uint16(n))
	default:
		head = binary.BigEndian.AppendUint64(append(head, 0x80|127), uint64(n))
	}
	head = append(head, 0, 0, 0, 0) // a mask that changes nothing
	// The server may have hung up; what it said before tells.
	_, _ = s.conn.Write(append(head, payload...))
}

func (s *socket) send(format string, args ...any) {
	s.t.Helper()
	s.write(0x81, fmt.Appendf(nil, format, args...))
}

// next is the next message, or the close code.
func (s *socket) next() (message map[string]any, code int) {
	s.t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		s.t.Fatal(err)
	}
	size := int(head[1])
	if n := map[int]int{126: 2, 127: 8}[size]; n > 0 {
		long := make([]byte, 8)
		if _, err := io.ReadFull(s.in, long[8-n:]); err != nil {
			s.t.Fatal(err)
		}
		size = int(binary.BigEndian.Uint64(long))
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(s.in, payload); err != nil {
		s.t.Fatal(err)
	}
	switch head[0] & 0xf {
	case 1:
		if err := json.Unmarshal(payload, &message); err != nil {
			s.t.Fatal(err)
		}
	case 8:
		code = int(binary.BigEndian.Uint16(payload))
	}
	return message, code
}

// until reads up to a message of a type and returns its payload.
func (s *socket) until(kind string) map[string]any {
	s.t.Helper()
	for {
		m, code := s.next()
		if code != 0 {
			s.t.Fatalf("closed with %d instead of %s", code, kind)
		}
		if m["type"] == kind {
			return m["payload"].(map[string]any)
		}
	}
}

// closed reads up to the close and fails unless it has a code.
func (s *socket) closed(code int) {
	s.t.Helper()
	for {
		if _, got := s.next(); got == code {
			return
		} else if got != 0 {
			s.t.Errorf("closed with %d, want %d", got, code)
			return
		}
	}
}

// leave ends the session as its client does, and waits until the server has.
func (s *socket) leave() {
	s.t.Helper()
	s.send(`{"type":"DISCONNECT","id":"bye"}`)
	s.closed(1000)
	s.conn.Close()
}

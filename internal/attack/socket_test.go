package attack

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// socket is a WebSocket as an attacker writes one: without a library that would keep it
// from doing wrong.
type socket struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
	n    int // ids given out
}

// message is one of the server's.
type message struct {
	Type          string          `json:"type"`
	ID            string          `json:"id"`
	CorrelationID string          `json:"correlationId"`
	UserID        string          `json:"userId"`
	Payload       json.RawMessage `json:"payload"`
	raw           string
}

// in reads the payload into v.
func (m *message) in(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(m.Payload, v); err != nil {
		t.Fatalf("%s: %v", m.raw, err)
	}
}

// code is that of a NACK, "" for another message.
func (m *message) code() string {
	var p struct {
		Code string `json:"code"`
	}
	if m.Type != "NACK" || json.Unmarshal(m.Payload, &p) != nil {
		return ""
	}
	return p.Code
}

// ended is the close that a server sent.
type ended struct{ code int }

func (e ended) Error() string { return fmt.Sprintf("closed with %d", e.code) }

// upgrade asks for a WebSocket with header lines and returns it, or the answer that
// refuses.
func upgrade(t testing.TB, addr string, lines ...string) (*socket, *answer) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	path := "/api/realtime"
	if len(lines) > 0 && strings.HasPrefix(lines[0], "/") {
		path, lines = lines[0], lines[1:]
	}
	head := append([]string{
		"GET " + path + " HTTP/1.1", "Host: " + addr, "Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
	}, lines...)
	fmt.Fprint(conn, strings.Join(head, "\r\n")+"\r\n\r\n")
	s := &socket{t: t, conn: conn, in: bufio.NewReader(conn)}
	res, err := http.ReadResponse(s.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		return s, nil
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return nil, &answer{res.StatusCode, res.Header, string(text)}
}

// open opens a WebSocket, or fails.
func (x *target) open(lines ...string) *socket {
	x.t.Helper()
	s, refused := upgrade(x.t, x.addr, lines...)
	if refused != nil {
		x.t.Fatalf("the upgrade got %d %s", refused.status, refused.body)
	}
	return s
}

// signIn opens a session of a token and names its client.
func (x *target) signIn(token, client string) *socket {
	x.t.Helper()
	s := x.open(bearer(token))
	s.ask("CONNECT", `{"clientId":"`+client+`"}`).is(x.t, "CONNECT")
	return s
}

// write sends one frame, masked.
func (s *socket) write(opcode byte, payload []byte) error {
	head := []byte{0x80 | opcode}
	switch n := len(payload); {
	case n < 126:
		head = append(head, 0x80|byte(n))
	case n < 1<<16:
		head = binary.BigEndian.AppendUint16(append(head, 0x80|126), uint16(n))
	default:
		head = binary.BigEndian.AppendUint64(append(head, 0x80|127), uint64(n))
	}
	head = append(head, 0, 0, 0, 0) // a mask that changes nothing
	_, err := s.conn.Write(append(head, payload...))
	return err
}

// send sends text as one message.
func (s *socket) send(text string) {
	s.t.Helper()
	if err := s.write(1, []byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

// ask sends a message with an id of its own and waits for its answer.
func (s *socket) ask(kind, payload string) *message {
	s.t.Helper()
	s.n++
	id := fmt.Sprintf("q%d", s.n)
	s.send(fmt.Sprintf(`{"type":%q,"id":%q,"payload":%s}`, kind, id, payload))
	return s.until("the answer to "+kind, func(m *message) bool { return m.CorrelationID == id })
}

// read is the server's next message, or why there is none: ended, or an error of the
// connection. Pings are answered, pongs passed over.
func (s *socket) read() (*message, error) {
	for {
		opcode, payload, err := s.frame()
		switch {
		case err != nil:
			return nil, err
		case opcode == 8 && len(payload) >= 2:
			return nil, ended{int(binary.BigEndian.Uint16(payload))}
		case opcode == 8:
			return nil, ended{1005}
		case opcode == 9:
			if err := s.write(10, payload); err != nil {
				return nil, err
			}
		case opcode == 10:
		case opcode == 1:
			m := &message{raw: string(payload)}
			return m, json.Unmarshal(payload, m)
		default:
			return nil, fmt.Errorf("a frame of kind %d", opcode)
		}
	}
}

// frame reads one frame of the server.
func (s *socket) frame() (opcode byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		return 0, nil, err
	}
	size := uint64(head[1])
	if more := map[uint64]int{126: 2, 127: 8}[size]; more > 0 {
		long := make([]byte, 8)
		if _, err := io.ReadFull(s.in, long[8-more:]); err != nil {
			return 0, nil, err
		}
		size = binary.BigEndian.Uint64(long)
	}
	if size > 64<<20 {
		return 0, nil, fmt.Errorf("a frame of %d bytes", size)
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(s.in, payload)
	return head[0] & 0xf, payload, err
}

// until reads messages up to one that passes.
func (s *socket) until(what string, ok func(*message) bool) *message {
	s.t.Helper()
	for {
		m, err := s.read()
		if err != nil {
			s.t.Fatalf("%v instead of %s", err, what)
		}
		if ok(m) {
			return m
		}
	}
}

// closed reads up to the end and fails unless it is a close with a code.
func (s *socket) closed(what string, code int) {
	s.t.Helper()
	for {
		_, err := s.read()
		var e ended
		if errors.As(err, &e) {
			if e.code != code {
				s.t.Errorf("%s: closed with %d, want %d", what, e.code, code)
			}
			return
		}
		if err != nil {
			s.t.Errorf("%s: %v, want a close with %d", what, err, code)
			return
		}
	}
}

// is fails unless the message has a type.
func (m *message) is(t testing.TB, kind string) *message {
	t.Helper()
	if m.Type != kind {
		t.Fatalf("got %s, want %s", m.raw, kind)
	}
	return m
}

// nack fails unless the message is a NACK with a code.
func (m *message) nack(t testing.TB, what, code string) {
	t.Helper()
	if m.code() != code {
		t.Errorf("%s: got %s, want NACK %s", what, m.raw, code)
	}
}

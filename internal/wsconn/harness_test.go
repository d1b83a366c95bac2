package wsconn

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/session"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// recorder is a session that keeps what it is told.
type recorder struct {
	transport session.Transport
	handle    func(message string) // nil = just keep it
	unsigned  bool                 // nobody has signed in
	hello     string               // is sent while the session opens
	ending    func()               // runs before the session hears of its end; nil = nothing does

	opened    chan struct{}
	messages  chan string
	oversized chan string
	heldNow   chan struct{} // held has changed
	closed    chan ending
	broken    chan struct{}

	mu     sync.Mutex
	queue  []byte // frames that the transport has not taken
	busy   bool   // waits for Writable
	alive  int
	limits []observe.Limit
	held   int
	ended  bool
}

func newRecorder() *recorder {
	return &recorder{opened: make(chan struct{}), messages: make(chan string, 1024), oversized: make(chan string, 16), heldNow: make(chan struct{}, 1), closed: make(chan ending, 2), broken: make(chan struct{}, 4)}
}

func (r *recorder) open(t session.Transport) Session {
	r.transport = t
	if r.hello != "" {
		r.send([]byte(r.hello))
	}
	close(r.opened)
	return r
}

func (r *recorder) Handle(message []byte) {
	text := string(message)
	if r.handle != nil {
		r.handle(text)
	}
	r.messages <- text
}

func (r *recorder) Oversized(id string, _ int) { r.oversized <- id }

func (r *recorder) Incoming(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = n
	select {
	case r.heldNow <- struct{}{}:
	default:
	}
}

func (r *recorder) Alive(time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.alive++
}

func (r *recorder) Principal() (*auth.Principal, bool) { return &auth.Principal{}, !r.unsigned }

func (r *recorder) Limited(l observe.Limit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.limits = append(r.limits, l)
}

// limited is what the connection was over, as the session was told.
func (r *recorder) limited() []observe.Limit {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.limits
}

func (r *recorder) Broken() { r.broken <- struct{}{} }

func (r *recorder) Closed(code wire.CloseCode, reason string) {
	if r.ending != nil {
		r.ending()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	r.closed <- ending{code: code, reason: reason}
}

// send writes a message as a session does: in order, keeping what is not taken.
func (r *recorder) send(message []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = wire.AppendFrame(r.queue, message)
	r.flushLocked()
}

func (r *recorder) Writable() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy = false
	r.flushLocked()
}

func (r *recorder) flushLocked() {
	for !r.busy && !r.ended && len(r.queue) > 0 {
		n, ready := r.transport.Write(r.queue)
		r.queue = r.queue[n:]
		r.busy = !ready
	}
}

// peer is the client's end of a connection, which speaks frames as it likes.
type peer struct {
	t *testing.T
	net.Conn
	*recorder
	group *Group
}

// goroutines has tcp give each connection a goroutine that waits for it.
var goroutines bool

// tcp connects a client over a real socket.
func tcp(t *testing.T, cfg Config, r *recorder) *peer {
	t.Helper()
	cfg.waiting = goroutines
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, cfg, r, client, server)
}

// pipe connects a client in memory, which works in a synctest bubble.
func pipe(t *testing.T, cfg Config, r *recorder) *peer {
	t.Helper()
	client, server := net.Pipe()
	return serve(t, cfg, r, client, server)
}

func serve(t *testing.T, cfg Config, r *recorder, client, server net.Conn) *peer {
	t.Helper()
	if r == nil {
		r = newRecorder()
	}
	g := NewGroup(cfg)
	if err := g.Serve(server, nil, 0, r.open); err != nil {
		t.Fatal(err)
	}
	<-r.opened
	return &peer{t: t, Conn: client, recorder: r, group: g}
}

// stop ends the connection from the client's side and waits for the group.
func (p *peer) stop() {
	p.t.Helper()
	p.Conn.Close()
	if err := p.group.Shutdown(context.Background()); err != nil {
		p.t.Error(err)
	}
}

// write sends bytes; the server may have hung up meanwhile.
func (p *peer) write(b []byte) { _, _ = p.Conn.Write(b) }

// masked builds a client's frame.
func masked(first byte, payload []byte) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n <= 125:
		b = append(b, 0x80|byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	mask := [4]byte{0x12, 0x34, 0x56, 0x78}
	b = append(b, mask[:]...)
	at := len(b)
	b = append(b, payload...)
	ws.Cipher(b[at:], mask, 0)
	return b
}

func text(s string) []byte { return masked(0x80|opText, []byte(s)) }

func closing(code uint16, reason string) []byte {
	return masked(0x80|opClose, append(binary.BigEndian.AppendUint16(nil, code), reason...))
}

// awaitClose reads until the server's close frame and then the end of the
// connection. It returns code 0 if the connection ended without one.
func (p *peer) awaitClose() (code wire.CloseCode, reason string) {
	p.t.Helper()
	for {
		f, err := readFrame(p.Conn)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.ErrClosedPipe) && !isReset(err) {
				p.t.Errorf("reading the server's frames: %v", err)
			}
			return code, reason
		}
		if f.Header.OpCode == ws.OpClose {
			c, r := ws.ParseCloseFrameData(f.Payload)
			code, reason = wire.CloseCode(c), r
			if len(f.Payload) == 0 {
				code = wire.CloseNoStatus
			}
		}
	}
}

func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op)
}

// within fails a test that waits for something that does not come.
func within[V any](t *testing.T, c <-chan V, what string) V {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(time.Minute):
		t.Fatalf("waiting for %s", what)
		panic("unreachable")
	}
}

// closedConn is a connection that can only be closed.
type closedConn struct{ net.Conn }

func (closedConn) Close() error { return nil }

// readFrame reads one frame of the server.
func readFrame(r io.Reader) (ws.Frame, error) {
	h, err := ws.ReadHeader(r)
	if err != nil {
		return ws.Frame{}, err
	}
	f := ws.Frame{Header: h, Payload: make([]byte, h.Length)}
	_, err = io.ReadFull(r, f.Payload)
	return f, err
}

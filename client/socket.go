package client

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gobwas/ws"

	"github.com/dashwire/dashwire/internal/wire"
)

const (
	// maxQueued is how many bytes wait to be written before senders wait.
	maxQueued = 1 << 20
	// writeTimeout bounds one write of what has gathered.
	writeTimeout = 30 * time.Second
)

// CloseError is how a server ended a connection, or refused one.
type CloseError struct {
	Code   int // a WebSocket close code
	Reason string
}

// Error implements error.
func (e *CloseError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("client: the server closed the connection (%d)", e.Code)
	}
	return fmt.Sprintf("client: the server closed the connection (%d): %s", e.Code, e.Reason)
}

// socket is one WebSocket connection: one goroutine reads, any number send. What is
// sent gathers while a write is under way, so many messages go out in one write.
type socket struct {
	conn net.Conn
	in   *bufio.Reader
	max  int
	text []byte // the message last read

	mask [4]byte // of the frames sent; owned by mu

	mu      sync.Mutex
	out     []byte
	spare   []byte
	wake    chan struct{} // one slot: there is something to write
	drained chan struct{} // closed when out was taken; nil if nobody waits
	closed  bool
	done    chan struct{} // closed when the writer has ended
}

// errSocketClosed is what sending on a connection that has ended gives.
var errSocketClosed = errors.New("client: the connection has ended")

// dial opens a connection and starts its writer.
func dial(ctx context.Context, endpoint, token string, o *Options) (*socket, error) {
	header := http.Header{}
	for key, values := range o.Header {
		header[key] = values
	}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	dialer := ws.Dialer{
		NetDial: o.DialContext, Protocols: []string{wire.Subprotocol}, Header: ws.HandshakeHeaderHTTP(header),
	}
	if o.TLS != nil {
		dialer.TLSClient = func(conn net.Conn, hostname string) net.Conn {
			cfg := o.TLS.Clone()
			if cfg.ServerName == "" {
				cfg.ServerName = hostname
			}
			return tls.Client(conn, cfg)
		}
	}
	conn, early, _, err := dialer.Dial(ctx, endpoint)
	if err != nil {
		return nil, fmt.Errorf("client: connecting: %w", err)
	}
	s := &socket{conn: conn, in: early, max: o.MaxMessage, wake: make(chan struct{}, 1), done: make(chan struct{})}
	if s.in == nil {
		s.in = bufio.NewReader(conn)
	}
	if _, err := rand.Read(s.mask[:]); err != nil {
		return nil, errors.Join(fmt.Errorf("client: making a mask: %w", err), conn.Close())
	}
	go s.write()
	return s, nil
}

// send queues one message.
func (s *socket) send(message []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errSocketClosed
	}
	s.frameLocked(ws.OpText, message)
	return nil
}

// room waits while much is queued, until ctx or the connection ends. Who sends much
// calls it first; the reading goroutine must not.
func (s *socket) room(ctx context.Context) error {
	for {
		s.mu.Lock()
		if s.closed || len(s.out) < maxQueued {
			s.mu.Unlock()
			return nil
		}
		if s.drained == nil {
			s.drained = make(chan struct{})
		}
		drained := s.drained
		s.mu.Unlock()
		select {
		case <-drained:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// frameLocked queues one masked frame.
func (s *socket) frameLocked(op ws.OpCode, payload []byte) {
	n := len(payload)
	b := append(s.out, 0x80|byte(op))
	switch {
	case n <= 125:
		b = append(b, 0x80|byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	// The mask keeps proxies from reading frames as something else; it need not be new
	// each time against a peer who cannot choose what is sent.
	b = append(b, s.mask[:]...)
	at := len(b)
	b = append(b, payload...)
	ws.Cipher(b[at:], s.mask, 0)
	s.out = b
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// write is the writer: it writes what has gathered until the connection ends.
func (s *socket) write() {
	defer close(s.done)
	for range s.wake {
		s.mu.Lock()
		b, closed := s.out, s.closed
		s.out, s.spare = s.spare[:0], nil
		if s.drained != nil {
			close(s.drained)
			s.drained = nil
		}
		s.mu.Unlock()
		if len(b) > 0 {
			err := s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
			if err == nil {
				_, err = s.conn.Write(b)
			}
			if err != nil {
				s.hangUp() // the reader finds out
				return
			}
		}
		if closed {
			return
		}
		if cap(b) <= 1<<16 {
			s.mu.Lock()
			s.spare = b[:0]
			s.mu.Unlock()
		}
	}
}

// hangUp cuts the connection. Queued messages are lost.
func (s *socket) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked()
	_ = s.conn.Close()
}

func (s *socket) endLocked() {
	s.closed = true
	if s.drained != nil {
		close(s.drained)
		s.drained = nil
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// close cuts the connection and waits for its writer.
func (s *socket) close() {
	s.hangUp()
	<-s.done
}

// read returns the next message, valid until the next read. It answers pings, and
// gives a *CloseError once the server has closed.
func (s *socket) read() ([]byte, error) {
	s.text = s.text[:0]
	open := false
	for {
		h, err := ws.ReadHeader(s.in)
		if err != nil {
			return nil, err
		}
		if h.Masked || h.Rsv != 0 || (h.OpCode.IsControl() && (!h.Fin || h.Length > ws.MaxControlFramePayloadSize)) {
			return nil, errors.New("client: the server sent a malformed frame")
		}
		if h.OpCode.IsControl() {
			if err := s.control(h); err != nil {
				return nil, err
			}
			continue
		}
		if open != (h.OpCode == ws.OpContinuation) || (!open && h.OpCode != ws.OpText) {
			return nil, fmt.Errorf("client: the server sent a frame of the unexpected kind %d", h.OpCode)
		}
		if h.Length < 0 || h.Length > int64(s.max-len(s.text)) {
			return nil, fmt.Errorf("client: the server sent a message of over %d bytes (Options.MaxMessage)", s.max)
		}
		if err := s.payload(int(h.Length)); err != nil {
			return nil, err
		}
		if h.Fin {
			return s.text, nil
		}
		open = true
	}
}

// payload appends n bytes to text, making room as they come.
func (s *socket) payload(n int) error {
	for n > 0 {
		step := min(n, 1<<20)
		at := len(s.text)
		if cap(s.text)-at < step {
			grown := make([]byte, at, max(2*cap(s.text), at+step))
			copy(grown, s.text)
			s.text = grown
		}
		s.text = s.text[:at+step]
		if _, err := io.ReadFull(s.in, s.text[at:]); err != nil {
			return err
		}
		n -= step
	}
	return nil
}

// control works on a control frame.
func (s *socket) control(h ws.Header) error {
	payload := make([]byte, h.Length)
	if _, err := io.ReadFull(s.in, payload); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch h.OpCode {
	case ws.OpPing:
		if !s.closed {
			s.frameLocked(ws.OpPong, payload)
		}
	case ws.OpClose:
		code, reason := ws.ParseCloseFrameData(payload)
		if !s.closed {
			s.frameLocked(ws.OpClose, payload[:min(2, len(payload))])
			s.endLocked() // the writer writes the answer and ends
		}
		return &CloseError{Code: int(code), Reason: reason}
	}
	return nil
}

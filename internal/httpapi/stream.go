package httpapi

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/lane"
	"github.com/dashwire/dashwire/internal/session"
	"github.com/dashwire/dashwire/internal/wire"
)

const (
	// maxPending is how many bytes wait for one stream before it takes no more.
	maxPending = 64 << 10
	// stalledAfter is how long a write may take no byte (R5).
	stalledAfter = 30 * time.Second
)

// stream is the transport of a session over an HTTP response: frames come in, events
// go out. The handler's goroutine writes; see run.
type stream struct {
	w     http.ResponseWriter
	ctl   *http.ResponseController
	clock clock.Clock
	wake  chan struct{} // holds one token while there is something to do

	waiting // while dashboards are opened

	// Owned by run.
	at      cursor
	out     []byte
	stalled bool // a write has waited for too long

	mu      sync.Mutex
	pending []byte // whole frames
	spare   []byte // pending's buffer of the last turn
	full    bool   // the session waits for Writable
	ping    bool
	closing bool
	code    wire.CloseCode
	reason  string
}

// newStream makes one that is opened in a turn, nil if in none.
func newStream(w http.ResponseWriter, c clock.Clock, turn *lane.Turn) *stream {
	return &stream{w: w, ctl: http.NewResponseController(w), clock: c, waiting: waiting{turn}, wake: make(chan struct{}, 1)}
}

// Write implements session.Transport.
func (t *stream) Write(b []byte) (n int, ready bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.pending) >= maxPending {
		t.full = true
		return 0, false
	}
	t.pending = append(t.pending, b...)
	t.wakeLocked()
	if len(t.pending) >= maxPending {
		t.full = true
	}
	return len(b), !t.full
}

// tell adds a message of the handler's own.
func (t *stream) tell(message []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending = wire.AppendFrame(t.pending, message)
	t.wakeLocked()
}

// Refused implements session.Host.
func (t *stream) Refused() {}

// Ping implements session.Transport: a comment, which clients pass over.
func (t *stream) Ping() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ping = true
	t.wakeLocked()
}

// Close implements session.Transport.
func (t *stream) Close(code wire.CloseCode, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing {
		return
	}
	t.closing, t.code, t.reason = true, code, reason
	t.wakeLocked()
}

func (t *stream) wakeLocked() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// run writes until the stream ends, and tells how it did.
func (t *stream) run(ctx context.Context, s *session.Session) (wire.CloseCode, string) {
	t.w.WriteHeader(http.StatusOK)
	for {
		select {
		case <-t.wake:
		case <-ctx.Done():
			return wire.CloseAbnormal, "the client has gone"
		}
		t.mu.Lock()
		frames, full, ping := t.pending, t.full, t.ping
		closing, code, reason := t.closing, t.code, t.reason
		t.pending, t.full, t.ping = t.spare[:0], false, false
		t.mu.Unlock()

		t.events(frames)
		if ping && len(t.out) == 0 {
			t.out = append(t.out, ":\n\n"...)
		}
		err := t.flush()
		t.keep(frames)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			t.stalled = true
			return wire.CloseStalled, "the client takes no bytes"
		case err != nil:
			return wire.CloseAbnormal, "the client has gone"
		case closing:
			return code, reason
		}
		if full {
			s.Writable()
		}
	}
}

// keep reuses a buffer unless it has become large.
func (t *stream) keep(buffer []byte) {
	if cap(buffer) > maxOut {
		buffer = nil
	}
	t.mu.Lock()
	t.spare = buffer[:0]
	t.mu.Unlock()
}

// events turns frames into events: the message as data and, where it stands for a
// version, the cursor behind it as id.
func (t *stream) events(frames []byte) {
	for {
		message, rest := wire.NextFrame(frames)
		if message == nil {
			return
		}
		frames = rest
		if t.at.follow(message) {
			t.out = append(t.out, "id: "...)
			t.out = append(t.at.append(t.out), '\n')
		}
		t.out = append(t.out, "data: "...)
		t.out = append(t.out, message...) // JSON without line breaks
		t.out = append(t.out, "\n\n"...)
	}
}

// maxOut is the largest buffer that a stream keeps between writes, in bytes.
const maxOut = 4 << 10

// flush writes what events has made.
func (t *stream) flush() error {
	if err := t.ctl.SetWriteDeadline(t.clock.Now().Add(stalledAfter)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	_, err := t.w.Write(t.out)
	if t.out = t.out[:0]; cap(t.out) > maxOut {
		t.out = nil
	}
	if err != nil {
		return err
	}
	if err := t.ctl.Flush(); err != nil {
		return err
	}
	// A deadline that passes while nothing is written would end an HTTP/2 stream.
	_ = t.ctl.SetWriteDeadline(time.Time{})
	return nil
}

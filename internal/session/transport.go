package session

import "github.com/dashwire/dashwire/internal/wire"

// Transport is one client's connection below a session: a WebSocket, an SSE
// response, or a pipe in a test. The session calls it; the transport calls the
// session's Handle, Alive, Writable and Closed.
type Transport interface {
	// Write takes whole frames as they are in the log's tail (wire.AppendFrame).
	// It never blocks. It returns how many bytes of b it has taken, and whether it
	// takes more now. If ready is false the session keeps b[n:] and does not call
	// Write again until the transport has called Session.Writable (from another
	// goroutine, never from within Write). b is not kept after the call and is
	// never modified by the session afterwards.
	Write(b []byte) (n int, ready bool)

	// Ping sends a sign of life that a client must answer without the app's help
	// (a WebSocket ping). It never blocks and may do nothing while bytes are
	// waiting to be written.
	Ping()

	// Close ends the connection with a close code and reason once the bytes that
	// Write has taken are out, at the latest after a second. It does not block, may
	// be called more than once (the first code counts), and is followed by one call
	// of Session.Closed from another goroutine.
	Close(code wire.CloseCode, reason string)
}

// Host is told by a session what becomes of the messages that its transport hands in, if
// the transport is one. It is called during Handle, Oversized and Subscribe.
type Host interface {
	// Refused tells that the message was refused.
	Refused()
	// Pausing tells that the session is about to wait, for the client's rate, for answers
	// to be taken, for the journal, or for who knows users and rights, and Resuming that it
	// goes on. No lock is held but the one on checking the session's own rights.
	Pausing()
	Resuming()
}

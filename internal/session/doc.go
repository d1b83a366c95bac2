// Package session is one client's side of the protocol: who it is, what it has
// subscribed to, which answers are due to it, and what to write to it next. It has
// no sockets and no clock of its own: a [Transport] carries bytes for it, and time
// is handed in.
//
// A transport's loop:
//
//	s := server.Open(transport, meta)       // writes CONNECT
//	for each message { s.Handle(message) }  // in order; may wait (backpressure)
//	s.Alive(now)                            // for any bytes
//	s.Writable()                            // once a blocked write has gone out
//	s.Broken()                              // once writing has failed: Handle waits no longer
//	s.Closed(code, reason)                  // last of all
//
// A session is a set of cursors (room.Subscription) and a short list of answers. It
// is flushed by the room's sweepers; what is written is found at that moment, so a
// slow client holds no queue (R5). Lock order: a room's lock, then Session.mu.
package session

// Package wsconn carries sessions over WebSocket (RFC 6455): the handshake, a
// strict reader, writes that never block, and the end of a connection. It knows
// frames and messages, and nothing of what stands in them.
//
//	g := wsconn.NewGroup(wsconn.Config{})
//	// in an HTTP handler, after Origin and sign-in were checked:
//	err := g.Upgrade(w, r, func(t session.Transport) wsconn.Session {
//		return sessions.Open(t, meta)
//	})
//	// at the end, once sessions were told to go:
//	g.Shutdown(ctx)
//
// A connection is one goroutine that waits for bytes without holding a buffer.
// Once there are some, a worker of the group takes them apart and calls
// Session.Handle, so that the waiting goroutine keeps a small stack. Writes go
// straight to the socket; only one that is full gets a goroutine that waits until
// it takes bytes again.
package wsconn

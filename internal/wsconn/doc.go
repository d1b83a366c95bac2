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
// Nobody waits for a connection on which nothing happens: on Linux one goroutine asks
// the kernel for the changes of all (epoll), and a connection that has bytes is worked
// on by one of a few workers, which takes them apart and calls Session.Handle. What is
// read into and the stack that handling takes belong to the worker. Where there is no
// such poller, or no descriptor to ask for (TLS, pipes), a connection has a goroutine
// with a small stack that waits, and the same workers. Writes go straight to the
// socket; only one that is full gets a goroutine that waits until it takes bytes again.
package wsconn

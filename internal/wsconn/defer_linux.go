package wsconn

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// silentSeconds is how long the system keeps a connection to itself on which the client has
// not said anything. A longer time would keep those from whoever counts connections.
const silentSeconds = 1

// deferAccept has a listener give connections once their first bytes are there, so that
// nobody has to wait for these. A listener that cannot, such as a Unix socket, gives them
// at once as before.
func deferAccept(ln syscall.Conn) {
	raw, err := ln.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, silentSeconds)
	})
}

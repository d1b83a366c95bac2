//go:build !unix

package wsconn

import (
	"net"
	"time"
)

// newSocket works by blocking where there are no descriptors to work on.
func newSocket(nc net.Conn, stall time.Duration) socket { return newPlainSocket(nc, stall) }

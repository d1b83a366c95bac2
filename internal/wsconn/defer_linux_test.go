package wsconn

import (
	"net"
	"net/http"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/dashwire/dashwire/internal/lane"
)

// TestFront_SilentConnectionsWaitInTheSystem: nothing is made for a connection before its
// first bytes are there.
func TestFront_SilentConnectionsWaitInTheSystem(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := ln.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	f := NewFront(ln, &http.Server{}, lane.Shared(), oneKey)
	defer f.Close()
	seconds := 0
	if e := raw.Control(func(fd uintptr) { seconds, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT) }); e != nil || err != nil {
		t.Fatal(e, err)
	}
	if seconds < 1 || seconds > 3 { // the system counts in its retransmissions
		t.Errorf("the system keeps a silent connection for %d s", seconds)
	}
}

// Package freeport gives tests ports that stay free until they are used: those of servers
// that must know each other's before they start, or come back where they were. It is for
// tests.
//
// A port that the system gave and that was let go of may be gone a moment later, to any
// connection that somebody opens. These lie below what systems give out by themselves, and
// of tests that run at once each has its own.
package freeport

import (
	"net"
	"os"
	"strconv"
	"testing"
)

// Ports are given in blocks. The first port of a block is listened on while the test runs,
// which keeps the others for it.
const (
	lowest = 10_000
	blocks = 1_200 // up to 29,199: Linux gives out 32,768 and more
	size   = 16
)

// Take gives n ports of 127.0.0.1, at most 15, on which nobody listens, by TCP or UDP. They
// are the test's until it ends and what was to be cleaned up by then has been.
func Take(t testing.TB, n int) []int {
	t.Helper()
	if n >= size {
		t.Fatalf("%d ports were asked for, and there are %d at most", n, size-1)
	}
	for i := range blocks {
		first := lowest + size*((os.Getpid()+i)%blocks)
		guard, err := net.Listen("tcp", at(first))
		if err != nil {
			continue
		}
		var ports []int
		for port := first + 1; port < first+size && len(ports) < n; port++ {
			if free(port) {
				ports = append(ports, port)
			}
		}
		if len(ports) == n {
			t.Cleanup(func() { guard.Close() })
			return ports
		}
		guard.Close()
	}
	t.Fatal("no ports are free")
	return nil
}

// Addresses are Take with the host before each port.
func Addresses(t testing.TB, n int) []string {
	t.Helper()
	var all []string
	for _, port := range Take(t, n) {
		all = append(all, at(port))
	}
	return all
}

func at(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func free(port int) bool {
	ln, err := net.Listen("tcp", at(port))
	if err != nil {
		return false
	}
	ln.Close()
	conn, err := net.ListenPacket("udp", at(port))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

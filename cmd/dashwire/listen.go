package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"syscall"
)

// address holds --listen against C1: without sign-in a server keeps to this machine.
func (c *serveCmd) address() (string, error) {
	if err := hasPort("--listen", c.Listen); err != nil {
		return "", err
	}
	if loopback(c.Listen) || c.Insecure || c.signInOn() {
		return c.Listen, nil
	}
	return "", refuse("other machines can reach %s, and there is no sign-in: anybody could change everything. "+
		"Listen on 127.0.0.1, or set up sign-in with --jwt-secret-file or --jwt-keys, "+
		"or pass --insecure if you trust the whole network", c.Listen)
}

// hasPort refuses what is no address with a port.
func hasPort(flag, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		if _, err := strconv.ParseUint(addr, 10, 16); err == nil {
			return refuse("%s: %q is a port alone; write 127.0.0.1:%s", flag, addr, addr)
		}
		return refuse("%s: %q is no address with a port; write it like 127.0.0.1:3000", flag, addr)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return refuse("%s: %q is no port; ports are 1 to 65535, and 0 takes one that is free", flag, port)
	}
	return nil
}

// loopback tells whether an address can be reached from this machine only.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// listen opens a port, or says why it cannot be had.
func listen(flag, addr string) (net.Listener, error) {
	if err := hasPort(flag, addr); err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		return ln, nil
	case errors.Is(err, syscall.EADDRINUSE):
		host, port, _ := net.SplitHostPort(addr)
		n, _ := strconv.Atoi(port)
		return nil, refuse("port %s is taken: another program listens on %s. Stop it, or choose another with %s %s",
			port, addr, flag, net.JoinHostPort(host, strconv.Itoa(n%65535+1)))
	case errors.Is(err, fs.ErrPermission):
		return nil, refuse("%s %s: this user may not open that port; choose one above 1023", flag, addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, refuse("%s %s: this machine does not have that address", flag, addr)
	default:
		return nil, &notBegun{fmt.Errorf("%s %s: %w", flag, addr, err)}
	}
}

// visible is how a person on this machine reaches an address.
func visible(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return addr.String()
	}
	if tcp.IP.IsLoopback() || tcp.IP.IsUnspecified() {
		return net.JoinHostPort("localhost", strconv.Itoa(tcp.Port))
	}
	return tcp.String()
}

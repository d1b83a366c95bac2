//go:build unix && !linux

package wsconn

import "syscall"

func deferAccept(syscall.Conn) {}

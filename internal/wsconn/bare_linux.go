package wsconn

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/dashwire/dashwire/internal/lane"
)

// bareListener accepts descriptors of a listener of package net's. That would tell the
// runtime's poller of each and ask the system for its addresses, and take all of it back
// once the connection is one of a group's.
type bareListener struct {
	front *Front
	gate  Gate // nil = all are let in
	from  *net.TCPListener
	own   syscall.RawConn // of from
	// file is from once more: package net lets nobody wait for a listener of its own.
	file *os.File
	wait syscall.RawConn
}

// accepting makes one for a front; nil if its listener is no plain one of TCP, which then
// accepts by itself.
func accepting(f *Front) *bareListener {
	b := &bareListener{front: f}
	below := f.listener
	if gate, ok := below.(Gate); ok {
		b.gate, below = gate, gate.Below()
	}
	var err error
	if b.from, _ = below.(*net.TCPListener); b.from == nil {
		return nil
	}
	if b.own, err = b.from.SyscallConn(); err != nil || !inherited(b.own) {
		return nil
	}
	if b.file, err = b.from.File(); err != nil {
		return nil
	}
	if b.wait, err = b.file.SyscallConn(); err != nil {
		_ = b.file.Close()
		return nil
	}
	return b
}

// inherited sets on a listener what package net sets on each connection that it accepts:
// these have it from there.
func inherited(ln syscall.RawConn) bool {
	var err error
	for _, o := range [...]struct{ level, name, value int }{
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 15}, // seconds
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 15},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 9},
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
	} {
		e := ln.Control(func(fd uintptr) { err = errors.Join(err, unix.SetsockoptInt(int(fd), o.level, o.name, o.value)) })
		err = errors.Join(err, e)
	}
	return err == nil
}

// run accepts until the listener ends.
func (b *bareListener) run() {
	defer b.close()
	for {
		var failed error
		err := b.wait.Read(func(uintptr) bool {
			failed = nil
			if e := b.own.Control(func(fd uintptr) { failed = b.accept(int(fd)) }); e != nil {
				failed = net.ErrClosed // by who has made it
			}
			return failed != unix.EAGAIN
		})
		if err != nil {
			failed = net.ErrClosed
		} else if failed != net.ErrClosed {
			failed = &net.OpError{Op: "accept", Net: "tcp", Addr: b.from.Addr(), Err: os.NewSyscallError("accept4", failed)}
		}
		if !b.front.hand(nil, failed) || errors.Is(failed, net.ErrClosed) {
			return
		}
	}
}

// accept takes what has come until there is no more, which is EAGAIN.
func (b *bareListener) accept(from int) error {
	for {
		fd, sa, err := unix.Accept4(from, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case err == unix.EINTR, err == unix.ECONNABORTED:
			continue
		case err != nil:
			return err
		}
		b.arrived(fd, peerOf(sa))
	}
}

// arrived lets a connection in, and reads its request in its turn.
func (b *bareListener) arrived(fd int, peer netip.AddrPort) {
	a := &arrival{listener: b, fd: fd, peer: peer}
	if b.gate != nil {
		var refusal string
		if a.left, refusal = b.gate.Enter(peer); a.left == nil {
			// A new connection has room for this much: it does not block.
			_, _ = unix.Write(fd, []byte(refusal))
			_ = unix.Close(fd)
			return
		}
	}
	f := b.front
	f.wg.Add(1)
	f.turns.Go(f.key(peer.String()), a)
}

// close has run end.
func (b *bareListener) close() { _ = b.file.Close() }

// peerOf is an address as package net writes it.
func peerOf(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		addr := netip.AddrFrom16(sa.Addr).Unmap()
		if sa.ZoneId != 0 && addr.Is6() {
			zone := strconv.FormatUint(uint64(sa.ZoneId), 10)
			if in, err := net.InterfaceByIndex(int(sa.ZoneId)); err == nil {
				zone = in.Name
			}
			addr = addr.WithZone(zone)
		}
		return netip.AddrPortFrom(addr, uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// arrival is a connection that was accepted, until it is somebody else's.
type arrival struct {
	listener *bareListener
	fd       int
	left     func() // gives its place back; nil = it has none
	peer     netip.AddrPort
}

// Run implements lane.Work: it looks at what came first, as a greeting does. Where nothing
// has come yet, the connection goes on as an ordinary one, for which a goroutine waits.
func (a *arrival) Run(t *lane.Turn) {
	f := a.listener.front
	if f.ctx.Err() != nil {
		f.wg.Done()
		_ = a.Close()
		return
	}
	buf := buffers.Get().(*[readSize]byte)
	n, err := unix.Read(a.fd, buf[:])
	if n > 0 && f.begins(a, a.peer.String(), buf[:n], t) {
		buffers.Put(buf)
		f.wg.Done()
		return
	}
	rest := append([]byte(nil), buf[:max(n, 0)]...)
	buffers.Put(buf)
	if n == 0 || err != nil && err != unix.EAGAIN && err != unix.EINTR {
		f.wg.Done()
		_ = a.Close()
		return
	}
	nc, err := a.ordinary()
	switch {
	case err != nil:
		f.wg.Done()
	case n > 0:
		defer f.wg.Done()
		f.pass(nc, rest, t)
	default:
		greeting{f, nc}.Run(t)
	}
}

// Close ends it.
func (a *arrival) Close() error {
	if a.left != nil {
		a.left()
	}
	return unix.Close(a.fd)
}

func (a *arrival) take() (fd int, left func()) { return a.fd, a.left }

func (a *arrival) ordinary() (net.Conn, error) {
	// Of another descriptor of the same connection: this one is closed in any case.
	file := os.NewFile(uintptr(a.fd), "")
	nc, err := net.FileConn(file)
	_ = file.Close()
	if err == nil && nc.RemoteAddr() == nil { // it has ended meanwhile
		err = errors.Join(net.ErrClosed, nc.Close())
	}
	if err != nil {
		if a.left != nil {
			a.left()
		}
		return nil, err
	}
	if tcp, ok := nc.(*net.TCPConn); ok && a.listener.gate != nil {
		return a.listener.gate.Admitted(tcp, a.peer), nil
	}
	return nc, nil
}

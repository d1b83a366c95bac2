package wsconn

import (
	"io"
	"net"
	"net/netip"
)

// Gate is a listener that lets connections of TCP in by limits of its own. Where the system
// can, a Front accepts in its place and asks it.
type Gate interface {
	net.Listener
	// Below is where it accepts from.
	Below() net.Listener
	// Enter lets a client in, whose place is given back by left, which is called once; or it
	// tells what to answer before hanging up, in which case left is nil.
	Enter(peer netip.AddrPort) (left func(), refusal string)
	// Admitted is the connection that Accept would have given of one that has entered. It
	// gives the place back when it is closed, instead of left.
	Admitted(nc *net.TCPConn, peer netip.AddrPort) net.Conn
}

// link is a connection on its way to who serves it: a net.Conn or bare.
type link = io.Closer

// bare is a connection that package net knows nothing of.
type bare interface {
	link
	// take gives the descriptor, and what is to be called at its end unless that is nil.
	take() (fd int, left func())
	// ordinary makes a connection of package net's of it, which is as it would have been
	// accepted by that. On an error the connection has ended.
	ordinary() (net.Conn, error)
}

// counted is a connection that a listener counts and adds nothing else to. It hands over
// the one that it stands for, and what is to be called once that has ended.
type counted interface {
	Handover() (nc *net.TCPConn, left func())
}

//go:build !unix

package wsconn

import (
	"net"
	"net/http"

	"github.com/dashwire/dashwire/internal/lane"
)

// NewFront does nothing here: the server serves all by itself.
func NewFront(ln net.Listener, _ *http.Server, _ *lane.Lane, _ func(string) uint64) net.Listener {
	return ln
}

// fronted is not used here.
type fronted struct{ http.ResponseWriter }

func (*fronted) take() (link, []byte, error) { return nil, nil, http.ErrHijacked }

func unwrapped(nc net.Conn, early []byte) (net.Conn, []byte) { return nc, early }

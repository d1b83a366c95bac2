//go:build !linux

package wsconn

import (
	"errors"
	"net"
	"time"

	"github.com/dashwire/dashwire/internal/clock"
)

// poller is not made for this system: each connection has a goroutine that waits.
type poller struct{}

func newPoller(time.Duration, clock.Clock) (*poller, error) { return nil, errors.ErrUnsupported }

func (*poller) polled(net.Conn) polled { return nil }

func (*poller) socket(int) polled { return nil }

func (*poller) run() {}

func (*poller) close() {}

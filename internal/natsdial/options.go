// Package natsdial says how a connection to NATS behaves, for all that Dashwire makes.
package natsdial

import (
	"crypto/tls"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
)

// Config is what differs between connections.
type Config struct {
	// Name is what NATS calls the connection.
	Name string
	// CredentialsFile signs in; "" = as the address says.
	CredentialsFile string
	// TLS is how the servers are reached; nil = as the address says.
	TLS *tls.Config
	Log *slog.Logger
	// Handled may take an error of the connection; what it does not is logged. nil = takes none.
	Handled func(error) bool
}

// Options has a connection come back by itself, always, notice within some seconds that it
// is broken, and keep nothing for later while it is away.
func (c Config) Options() []nats.Option {
	list := []nats.Option{
		nats.Name(c.Name),
		nats.Timeout(5 * time.Second),
		nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(500*time.Millisecond, time.Second),
		nats.ReconnectBufSize(-1),
		nats.PingInterval(5 * time.Second), nats.MaxPingsOutstanding(2),
		nats.FlusherTimeout(5 * time.Second),
		nats.NoCallbacksAfterClientClose(),
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) {
			if c.Handled != nil && c.Handled(err) {
				return
			}
			subject := ""
			if s != nil {
				subject = s.Subject
			}
			c.Log.Error("NATS", "err", err, "subject", subject)
		}),
	}
	if c.CredentialsFile != "" {
		list = append(list, nats.UserCredentials(c.CredentialsFile))
	}
	if c.TLS != nil {
		list = append(list, nats.Secure(c.TLS))
	}
	return list
}

package natsrelay

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
)

// Options of Open; the zero value works.
type Options struct {
	// Prefix begins all subjects: tokens of letters, digits, - and _ with dots between
	// them, at most 128 bytes. "dashwire-relay" if empty. It keeps clusters on the same
	// NATS servers apart.
	Prefix string
	// CredentialsFile is a file of NATS credentials (user JWT and seed); empty = none. They
	// must allow publishing and subscribing below Prefix.
	CredentialsFile string
	// TLS is how to reach the servers by TLS; nil = as the address says.
	TLS *tls.Config
	// Name is what the servers show as the name of this connection; "dashwire-relay" if
	// empty.
	Name string
	// Logger hears what goes wrong; slog.Default() if nil.
	Logger *slog.Logger

	tune tuning
}

// tuning is what tests make small. Zero fields mean the defaults.
type tuning struct {
	incoming      int // messages that wait to be delivered (4,096)
	outgoing      int // messages that wait to be sent (8,192)
	outgoingBytes int // and their bytes (32 MiB)
}

var prefix = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

func (o Options) validate() (Options, error) {
	var errs []error
	if o.Prefix == "" {
		o.Prefix = "dashwire-relay"
	}
	if !prefix.MatchString(o.Prefix) || len(o.Prefix) > 128 {
		errs = append(errs, fmt.Errorf("the prefix is %q; it is tokens of letters, digits, - and _ with dots between them", o.Prefix))
	}
	if o.Name == "" {
		o.Name = "dashwire-relay"
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	for _, d := range []struct {
		field *int
		value int
	}{{&o.tune.incoming, 4096}, {&o.tune.outgoing, 8192}, {&o.tune.outgoingBytes, 32 << 20}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if err := errors.Join(errs...); err != nil {
		return o, fmt.Errorf("natsrelay: %w", err)
	}
	return o, nil
}

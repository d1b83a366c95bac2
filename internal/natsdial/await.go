package natsdial

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/nats-io/nats.go"
)

// pause is between two attempts.
const pause = 250 * time.Millisecond

// Await calls open until NATS answers, for as long as patience lasts, and
// returns what open returned last. The end of ctx ends it at once; an attempt that still
// runs then is left to the end of the program.
func Await[T any](ctx context.Context, log *slog.Logger, patience time.Duration, open func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	begin := time.Now()
	for attempt := 1; ; attempt++ {
		opened := make(chan result, 1)
		go func() {
			value, err := open()
			opened <- result{value, err}
		}()
		var r result
		select {
		case r = <-opened:
		case <-ctx.Done():
			return r.value, ctx.Err()
		}
		switch waited := time.Since(begin).Round(100 * time.Millisecond); {
		case r.err == nil && attempt > 1:
			log.Info("NATS answers", "after", waited)
			return r.value, nil
		case r.err == nil || !mayComeUp(r.err):
			return r.value, r.err
		case waited+pause > patience:
			return r.value, fmt.Errorf("NATS did not answer within %s; are the addresses right, and do its servers run? %w", patience, r.err)
		case attempt == 1:
			log.Warn("NATS does not answer yet; waiting for it", "for", patience, "err", r.err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return r.value, ctx.Err()
		}
	}
}

// mayComeUp tells errors of servers that are away or just starting from those that
// waiting does not mend, such as credentials or certificates that are not taken.
func mayComeUp(err error) bool {
	var alert tls.AlertError
	if errors.As(err, &alert) {
		return false
	}
	var dial *net.OpError
	var name *net.DNSError
	return errors.Is(err, nats.ErrNoServers) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, io.EOF) ||
		errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &dial) || errors.As(err, &name)
}

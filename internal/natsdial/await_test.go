package natsdial

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

func TestAwait_IsBounded(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	calls := 0
	_, err := Await(t.Context(), log, 2*pause, func() (int, error) {
		calls++
		return 0, fmt.Errorf("connect: %w", nats.ErrNoServers)
	})
	if !errors.Is(err, nats.ErrNoServers) || !strings.Contains(err.Error(), "did not answer within 500ms") || calls < 2 {
		t.Errorf("after %d calls: %v", calls, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Await(ctx, log, time.Hour, func() (int, error) { return 0, nats.ErrNoServers })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of ctx: %v", err)
	}
}

package dashwire

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/dispatch"
	"github.com/dashwire/dashwire/internal/httpapi"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/observe"
	"github.com/dashwire/dashwire/webhook"
)

// webhooksWithin bounds what New does for new targets: a cursor for each dashboard.
const webhooksWithin = 5 * time.Minute

// openWebhooks makes the dispatcher and has it listen beside the app's own hooks.
func (s *Server) openWebhooks(cfg *Config) error {
	ctx, cancel := context.WithTimeout(context.Background(), webhooksWithin)
	defer cancel()
	d, err := dispatch.New(ctx, dispatch.Config{
		Webhooks: cfg.Webhooks, Journal: cfg.Journal, Clock: clock.Real{}, Jitter: rand.Float64, NewID: newID,
		Log: cfg.Log, Hooks: cfg.Hooks,
	})
	if err != nil {
		return fmt.Errorf("webhooks: %w", err)
	}
	cfg.Hooks = observe.Join(cfg.Hooks, d.Listen())
	s.webhooks = d
	return nil
}

// heard is who is told where logs have come to; nil = nobody.
func (s *Server) heard() func(string, journal.Position) {
	if s.webhooks == nil {
		return nil
	}
	return s.webhooks.Heard
}

// operatedWebhooks is what operators work with; nil = nothing.
func (s *Server) operatedWebhooks() httpapi.Webhooks {
	if s.webhooks == nil {
		return nil
	}
	return s.webhooks
}

// runWebhooks begins to send. The function that it returns ends it and waits.
func (s *Server) runWebhooks(now context.Context) (end func()) {
	if s.webhooks == nil {
		return func() {}
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.webhooks.Run(ctx, now)
	}()
	return func() {
		stop()
		<-ended
	}
}

// Webhooks tells how the targets of Config.Webhooks do, in their order.
func (s *Server) Webhooks(ctx context.Context) ([]webhook.State, error) {
	if s.webhooks == nil {
		return nil, nil
	}
	return s.webhooks.States(ctx)
}

package dashwire

import (
	"context"
	"time"

	"github.com/dashwire/dashwire/audit"
	"github.com/dashwire/dashwire/observe"
)

// act tells of what an administrator did, and returns once it is written down.
func (s *Server) act(ctx context.Context, a observe.Action) error {
	s.tell(&a)
	if s.cfg.Audit == nil {
		return nil
	}
	return s.cfg.Audit.Record(ctx, a)
}

// signInRefused tells of bad credentials.
func (s *Server) signInRefused(a observe.Action) {
	s.tell(&a)
	if s.cfg.Audit != nil {
		s.cfg.Audit.Refused(a)
	}
}

func (s *Server) tell(a *observe.Action) {
	a.Time = time.Now()
	if f := s.cfg.Hooks.Action; f != nil {
		f(*a)
	}
}

// readActs reads the audit log, nil if none is kept.
func (c *Config) readActs() func(context.Context, audit.Query) (audit.Page, error) {
	if c.Audit == nil {
		return nil
	}
	return c.Audit.Read
}

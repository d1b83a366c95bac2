package dashwire

import (
	"context"
	"time"

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

// auditFile is where the audit log is, "" if none is kept.
func (c *Config) auditFile() string {
	if c.Audit == nil {
		return ""
	}
	return c.Audit.Path()
}

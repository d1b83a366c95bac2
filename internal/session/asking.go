package session

import (
	"context"

	"github.com/dashwire/dashwire/auth"
)

// asking is the context of what is asked about rights while a message is worked on. Only of
// an Authorizer that may have to wait is the transport told.
func (s *Session) asking() context.Context {
	if s.server.watcher == nil {
		return s.server.ctx
	}
	if s.asks == nil {
		s.asks = s.telling() // made once: it costs two allocations
	}
	return s.asks
}

// telling is a context in which whoever waits tells the transport so, if that is a Host.
func (s *Session) telling() context.Context {
	h, ok := s.transport.(Host)
	if !ok {
		return s.server.ctx
	}
	return auth.OnWaiting(s.server.ctx, func() func() { return s.server.cfg.Hub.Pause(h) })
}

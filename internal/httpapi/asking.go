package httpapi

import (
	"context"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/lane"
)

// waiting has whoever waits leave the place of a turn meanwhile. It implements room.Host.
type waiting struct{ turn *lane.Turn }

func (w waiting) Pausing()  { w.turn.Leave() }
func (w waiting) Resuming() { w.turn.Return() }

// asking is the context of what is asked about rights, in the request's goroutine. Only of
// an Authorizer that may have to wait is the lane told.
func (q *request) asking() context.Context {
	if _, waits := q.api.cfg.Authorizer.(auth.Watcher); !waits {
		return q.r.Context()
	}
	return q.telling()
}

// telling is a context in which whoever waits leaves the request's place meanwhile.
func (q *request) telling() context.Context {
	return auth.OnWaiting(q.r.Context(), q.pause)
}

// pause leaves the place until resume is called.
func (q *request) pause() (resume func()) { return q.api.cfg.Hub.Pause(waiting{q.turn}) }

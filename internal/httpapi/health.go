package httpapi

import (
	_ "embed"
	"errors"
	"net/http"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/journal"
)

// health is what the probes answer.
type health struct {
	Status string `json:"status"`
}

// healthz says that the process is alive (H4).
func (q *request) healthz() *problem {
	return q.answerValue(http.StatusOK, health{"ok"})
}

// readyz says whether the server should get traffic (H4). What a journal says of its
// trouble is told; else the log has why.
func (q *request) readyz() *problem {
	if q.api.cfg.Sessions.Draining() {
		return problemf(board.CodeUnavailable, "the server is shutting down")
	}
	if ready := q.api.cfg.Ready; ready != nil {
		if err := ready(); err != nil {
			why := "the server cannot serve at the moment; its log says why"
			var trouble *journal.Trouble
			if errors.As(err, &trouble) {
				why = "the server cannot serve at the moment: " + trouble.Text
			}
			return refused(&board.Error{Code: board.CodeUnavailable, Message: why, Cause: err})
		}
	}
	return q.answerValue(http.StatusOK, health{"ready"})
}

// stats answers the numbers of the server.
func (q *request) stats() *problem {
	if q.api.cfg.Stats == nil {
		return q.answerValue(http.StatusOK, struct {
			Rooms    any `json:"rooms"`
			Sessions any `json:"sessions"`
		}{q.api.cfg.Hub.Stats(), q.api.cfg.Sessions.Stats()})
	}
	return q.answerValue(http.StatusOK, q.api.cfg.Stats())
}

// metrics answers what Prometheus reads.
func (q *request) metrics() *problem {
	if q.api.cfg.Metrics == nil {
		return problemf(board.CodeNotFound, "this server has no metrics; /api/stats has numbers as JSON")
	}
	q.api.cfg.Metrics.ServeHTTP(q.w, q.r)
	return nil
}

// description is the interface for programs, OpenAPI 3.1.
//
//go:embed openapi.json
var description []byte

// openAPI answers the description.
func (q *request) openAPI() *problem {
	q.w.Header().Set("Cache-Control", "no-cache")
	q.answer(http.StatusOK, description)
	return nil
}

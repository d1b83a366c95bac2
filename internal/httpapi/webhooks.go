package httpapi

import (
	"context"
	"errors"
	"math"
	"net/http"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/webhook"
)

// Webhooks is what operators see of webhook targets and do with them. An error that
// wraps webhook.ErrNoTarget says that there is no such target; any other, that the store
// does not answer.
type Webhooks interface {
	States(ctx context.Context) ([]webhook.State, error)
	// Enable sends again to a target that was disabled, and at once what waits.
	Enable(ctx context.Context, target string) error
	// Dead lists dead letters after a number; DeadLetter is one with its body.
	Dead(ctx context.Context, target string, after int64, limit int) ([]webhook.DeadLetter, error)
	DeadLetter(ctx context.Context, target, id string) (webhook.DeadLetter, bool, error)
	// RetryDead has one dead letter sent again, or all with "", and tells how many.
	RetryDead(ctx context.Context, target, id string) (int, error)
	DropDead(ctx context.Context, target, id string) (bool, error)
}

// webhookTarget is a target in the list of them.
type webhookTarget struct {
	Name       string              `json:"name"`
	Host       string              `json:"host"`
	Status     string              `json:"status"`
	Events     []webhook.EventType `json:"events"`
	Dashboards []string            `json:"dashboards"`
	Behind     int                 `json:"behind"`
	Oldest     *time.Time          `json:"oldest"`
	Sent       uint64              `json:"sent"`
	Failed     uint64              `json:"failed"`
	GivenUp    uint64              `json:"givenUp"`
	Dropped    uint64              `json:"dropped"`
	Dead       int                 `json:"dead"`

	LastSuccess *time.Time      `json:"lastSuccess"`
	LastFailure *webhookFailure `json:"lastFailure"`
}

type webhookFailure struct {
	At     time.Time `json:"at"`
	Status int       `json:"status,omitzero"`
	Error  string    `json:"error"`
}

// moment is a time of an answer, nil for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

// listWebhooks answers how the targets do.
func (q *request) listWebhooks() *problem {
	out := struct {
		Targets []webhookTarget `json:"targets"`
	}{[]webhookTarget{}}
	if q.api.cfg.Webhooks == nil {
		return q.answerValue(http.StatusOK, out)
	}
	states, err := q.api.cfg.Webhooks.States(q.r.Context())
	if err != nil {
		return webhookProblem(err)
	}
	for _, s := range states {
		t := webhookTarget{
			Name: s.Name, Host: s.Host, Status: s.Status, Events: s.Events, Dashboards: s.Dashboards,
			Behind: s.Behind, Oldest: moment(s.Oldest), LastSuccess: moment(s.LastSuccess),
			Sent: s.Sent, Failed: s.Failed, GivenUp: s.GivenUp, Dropped: s.Dropped, Dead: s.Dead,
		}
		if len(t.Dashboards) == 0 {
			t.Dashboards = []string{"*"}
		}
		if at := moment(s.LastFailure); at != nil {
			t.LastFailure = &webhookFailure{*at, s.LastStatus, s.LastError}
		}
		out.Targets = append(out.Targets, t)
	}
	return q.answerValue(http.StatusOK, out)
}

// webhookProblem is the answer to what went wrong with webhooks.
func webhookProblem(err error) *problem {
	if errors.Is(err, webhook.ErrNoTarget) {
		return problemf(board.CodeNotFound, "there is no such webhook target: /api/admin/webhooks lists them")
	}
	return refused(&board.Error{Code: board.CodeUnavailable, Message: "the store of webhooks does not answer at the moment; try again", Cause: err})
}

// noDeadLetter is the answer to a message that is no dead letter.
func noDeadLetter() *problem {
	return problemf(board.CodeNotFound, "the target has no such dead letter; it may have been delivered meanwhile")
}

// webhookTarget is the target in the path.
func (q *request) webhookTarget() (Webhooks, string, *problem) {
	name, p := q.pathID("target", "target")
	if p != nil {
		return nil, "", p
	}
	if q.api.cfg.Webhooks == nil {
		return nil, "", webhookProblem(webhook.ErrNoTarget)
	}
	return q.api.cfg.Webhooks, name, nil
}

// webhookMessage is the target and the message in the path.
func (q *request) webhookMessage() (hooks Webhooks, target, id string, p *problem) {
	if hooks, target, p = q.webhookTarget(); p != nil {
		return nil, "", "", p
	}
	id, p = q.pathID("message", "message")
	return hooks, target, id, p
}

// enableWebhook lets a target have what waits for it, now.
func (q *request) enableWebhook() *problem {
	hooks, target, p := q.webhookTarget()
	if p != nil {
		return p
	}
	if err := hooks.Enable(q.r.Context(), target); err != nil {
		return webhookProblem(err)
	}
	if p := q.did("webhook.enabled", details("target", target)); p != nil {
		return p
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// deadLetter is a message that was given up.
type deadLetter struct {
	ID           string            `json:"id"`
	Type         webhook.EventType `json:"type"`
	DashboardID  string            `json:"dashboardId,omitzero"`
	Epoch        string            `json:"epoch,omitzero"`
	After        uint64            `json:"after"`
	Version      uint64            `json:"version"`
	Attempts     int               `json:"attempts"`
	FirstAttempt *time.Time        `json:"firstAttempt"`
	LastAttempt  *time.Time        `json:"lastAttempt"`
	Status       int               `json:"status,omitzero"`
	Error        string            `json:"error"`
	Bytes        int               `json:"bytes"`
	// Requested is true while another attempt is to come.
	Requested bool              `json:"requested"`
	Body      jsontext.RawValue `json:"body,omitzero"`
}

func described(d webhook.DeadLetter) deadLetter {
	return deadLetter{
		ID: d.ID, Type: d.Type, DashboardID: d.DashboardID, Epoch: d.Epoch, After: d.After, Version: d.Version,
		Attempts: d.Attempts, FirstAttempt: moment(d.FirstAttempt), LastAttempt: moment(d.LastAttempt),
		Status: d.Status, Error: d.Error, Bytes: d.Size, Requested: d.Requested, Body: jsontext.RawValue(d.Body),
	}
}

// listDead answers a page of dead letters, the oldest first, without their bodies.
func (q *request) listDead() *problem {
	hooks, target, p := q.webhookTarget()
	if p != nil {
		return p
	}
	limit, p := q.number("limit", 1, pageMax, pageDefault)
	if p != nil {
		return p
	}
	after, p := q.number("after", 0, math.MaxInt, 0)
	if p != nil {
		return p
	}
	list, err := hooks.Dead(q.r.Context(), target, int64(after), limit+1)
	if err != nil {
		return webhookProblem(err)
	}
	out := struct {
		Letters []deadLetter `json:"letters"`
		Next    *int64       `json:"next"`
	}{Letters: []deadLetter{}}
	if len(list) > limit {
		list = list[:limit]
		out.Next = &list[limit-1].Number
	}
	for _, d := range list {
		out.Letters = append(out.Letters, described(d))
	}
	return q.answerValue(http.StatusOK, out)
}

// getDead answers one dead letter with what it would have told.
func (q *request) getDead() *problem {
	hooks, target, id, p := q.webhookMessage()
	if p != nil {
		return p
	}
	d, ok, err := hooks.DeadLetter(q.r.Context(), target, id)
	if err != nil {
		return webhookProblem(err)
	}
	if !ok {
		return noDeadLetter()
	}
	return q.answerValue(http.StatusOK, described(d))
}

// requested is how many dead letters are sent again.
type requested struct {
	Messages int `json:"messages"`
}

// retryAllDead has all dead letters of a target sent again, one after the other.
func (q *request) retryAllDead() *problem {
	hooks, target, p := q.webhookTarget()
	if p != nil {
		return p
	}
	n, err := hooks.RetryDead(q.r.Context(), target, "")
	if err != nil {
		return webhookProblem(err)
	}
	if p := q.did("webhook.retried", details("target", target, "messages", number(n))); p != nil {
		return p
	}
	return q.answerValue(http.StatusAccepted, requested{n})
}

// retryDead has one dead letter sent again.
func (q *request) retryDead() *problem {
	hooks, target, id, p := q.webhookMessage()
	if p != nil {
		return p
	}
	n, err := hooks.RetryDead(q.r.Context(), target, id)
	if err != nil {
		return webhookProblem(err)
	}
	if n == 0 {
		return noDeadLetter()
	}
	if p := q.did("webhook.retried", details("target", target, "message", id)); p != nil {
		return p
	}
	return q.answerValue(http.StatusAccepted, requested{n})
}

// dropDead removes a dead letter.
func (q *request) dropDead() *problem {
	hooks, target, id, p := q.webhookMessage()
	if p != nil {
		return p
	}
	ok, err := hooks.DropDead(q.r.Context(), target, id)
	if err != nil {
		return webhookProblem(err)
	}
	if !ok {
		return noDeadLetter()
	}
	if p := q.did("webhook.dropped", details("target", target, "message", id)); p != nil {
		return p
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

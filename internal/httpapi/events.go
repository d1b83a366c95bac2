package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/session"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// events is the reading half of a session as Server-Sent Events (H2).
func (q *request) events() *problem {
	if q.r.Method == http.MethodHead {
		return problemf(board.CodeBadMessage, "an event stream has no HEAD: use GET").with(http.StatusMethodNotAllowed)
	}
	var ids []string // each once, in the order asked for
	most := q.api.cfg.Limits.Dashboards
	for _, id := range q.query()["dashboardId"] {
		if len(ids) <= most && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) > most {
		return problemf(board.CodeLimitExceeded, "a stream follows at most %d dashboards (limits.dashboards)", most).at("dashboardId").over(board.LimitDashboards)
	}
	possible := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return board.CheckID("dashboard", id) != nil })
	if len(possible) == 0 && len(ids) > 0 {
		return refused(board.CheckID("dashboard", ids[0]).At("dashboardId"))
	}
	client := q.query().Get("clientId")
	if client != "" {
		if err := board.CheckID("client", client); err != nil {
			return refused(err.At("clientId"))
		}
	}
	from, p := q.resumeFrom()
	if p != nil {
		return p
	}
	if p := q.countConnect(); p != nil {
		return p
	}
	if p := q.checkSeen(possible); p != nil {
		return p
	}
	m := session.Meta{
		RemoteAddr: q.remote, Address: q.address, Transport: "sse", OneWay: true, Principal: q.principal, ClientID: client,
	}
	if p := q.takePlace(&m); p != nil {
		return p
	}

	h := q.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	t := newStream(q.w, q.api.cfg.Clock, q.turn)
	s := q.api.cfg.Sessions.Open(t, m)
	for _, id := range ids {
		err := board.CheckID("dashboard", id)
		if err == nil {
			err = s.Subscribe(&wire.SyncRequest{DashboardID: id, Since: from.find(id)})
		}
		if err != nil {
			t.tell(wire.AppendNack(nil, "", err.At("dashboardId:"+strings.ToValidUTF8(id, "\uFFFD")), 0, q.api.cfg.Clock.Now()))
		}
	}
	q.turn.Leave()
	code, reason := t.run(q.r.Context(), s)
	if t.stalled {
		s.Limited(observe.LimitStalled)
	}
	s.Closed(code, reason)
	return nil
}

// resumeFrom is where the client's last stream broke off: Last-Event-ID, which a
// browser sends by itself, else since.
func (q *request) resumeFrom() (cursor, *problem) {
	id := q.r.Header.Get("Last-Event-ID")
	if id == "" {
		id = q.query().Get("since")
	}
	if id == "" {
		return nil, nil
	}
	return parseCursor(id)
}

// checkSeen refuses a stream of which the client may see no dashboard at all; of
// several, those that it may not see are refused in the stream.
func (q *request) checkSeen(ids []string) *problem {
	var first *problem
	for _, id := range ids {
		_, _, p := q.visible(id, auth.Viewer)
		if p == nil {
			return nil
		}
		if first == nil {
			first = p
		}
	}
	return first
}

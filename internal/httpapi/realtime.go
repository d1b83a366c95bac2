package httpapi

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/session"
	"github.com/dashwire/dashwire/internal/wire"
)

// realtime opens a WebSocket (C1), or tells how to (H1).
func (q *request) realtime() *problem {
	if upgrades(q.r) {
		return q.upgrade()
	}
	a := q.api
	if err := q.signIn(false); err != nil {
		// A browser sends its cookie unasked, also one whose token has ended: a page has to
		// learn here that it should sign in anew.
		if err.Code != board.CodeUnauthenticated || q.signed() || q.source != auth.FromCookie {
			return refused(err)
		}
	}
	if p := q.count(1, 0); p != nil {
		return p
	}
	b := a.base(q.r)
	scheme := "ws"
	if b.scheme == "https" {
		scheme = "wss"
	}
	now := a.cfg.Clock.Now()
	dst := append([]byte(nil), `{"status":"`...)
	if a.cfg.Sessions.Draining() {
		dst = append(dst, "draining"...)
	} else {
		dst = append(dst, "ok"...)
	}
	dst = appendQuoted(append(dst, `","wsUrl":`...), scheme+"://"+b.host+q.servedAt())
	dst = append(dst, `,"protocol":1,"user":`...)
	if q.signedIn {
		dst = appendQuoted(dst, q.principal.UserID)
	} else {
		dst = append(dst, "null"...)
	}
	dst = strconv.AppendBool(append(dst, `,"signIn":{"required":`...), a.cfg.Authenticator != nil)
	dst = strconv.AppendBool(append(dst, `,"cookie":`...), a.cookieSignIn())
	dst = append(dst, `},"heartbeat":{`...)
	dst = wire.AppendHeartbeat(dst, a.cfg.HeartbeatEvery, a.cfg.HeartbeatTimeout)
	dst = append(dst, `},"limits":{`...)
	dst = wire.AppendLimits(dst, a.cfg.Limits)
	dst = append(dst, `},"serverTime":"`...)
	dst = append(now.UTC().AppendFormat(dst, timeFormat), `"}`...)
	q.answer(http.StatusOK, dst)
	return nil
}

// servedAt is the path of this request as the client wrote it: an app may serve the
// interface below a prefix that it takes off.
func (q *request) servedAt() string {
	asked, _, _ := strings.Cut(q.r.RequestURI, "?")
	if strings.HasPrefix(asked, "/") && strings.HasSuffix(asked, q.r.URL.Path) {
		return asked
	}
	return q.r.URL.Path
}

// timeFormat is how the protocol writes an instant.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// upgrade hands the request over to become a WebSocket. Bad credentials do not fail
// it: the session hears of them (C2).
func (q *request) upgrade() *problem {
	cfg := &q.api.cfg
	if cfg.Upgrade == nil {
		return problemf(board.CodeBadMessage, "this server has no WebSocket; use POST /api/realtime and GET /api/realtime/events").with(http.StatusNotImplemented)
	}
	if p := q.countConnect(); p != nil {
		return p
	}
	m := session.Meta{RemoteAddr: q.remote, Address: q.address, Transport: "websocket"}
	switch err := q.signIn(true); {
	case err != nil && err.Code == board.CodeInvalidID:
		return refused(err)
	case err != nil:
		m.SignInError = err
	case q.signedIn:
		m.Principal = q.principal
	}
	if p := q.takePlace(&m); p != nil {
		return p
	}
	cfg.Upgrade(q.w, q.r, m)
	return nil
}

// takePlace takes a place for a session, or refuses one too many (C8).
func (q *request) takePlace(m *session.Meta) *problem {
	retryAfter, err := q.api.cfg.Sessions.Admit(m)
	if err != nil {
		p := refused(err)
		p.retryAfter = retryAfter
		return p
	}
	return nil
}

// syncBody is the body of POST /api/realtime.
type syncBody struct {
	Type       string                `json:"type"`
	ClientID   *string               `json:"clientId"`
	Operations []jsontext.RawValue   `json:"operations"`
	Since      map[string]*sinceBody `json:"since"`
}

// sinceBody is the last version that a client has of a dashboard.
type sinceBody struct {
	Epoch   *string `json:"epoch"`
	Version *uint64 `json:"version"`
}

// since holds one to the protocol.
func (s *sinceBody) since(dashboardID string) (*wire.Since, *problem) {
	if err := board.CheckID("dashboard", dashboardID); err != nil {
		return nil, refused(err.At("since"))
	}
	if s == nil {
		return nil, nil
	}
	if s.Epoch == nil || len(*s.Epoch) > board.MaxID || s.Version == nil || *s.Version > maxVersion {
		return nil, problemf(board.CodeBadVersion, "since is an object from dashboard to {epoch, version}: send both, or null for all of it").at("since." + dashboardID)
	}
	return &wire.Since{Epoch: *s.Epoch, Version: *s.Version}, nil
}

// sync carries out ops and catches up, in one request (H1).
func (q *request) sync() *problem {
	limits := &q.api.cfg.Limits
	data, p := q.body(max(limits.DocumentBytes, limits.MessageBytes), typeJSON)
	if p != nil {
		return p
	}
	body, p := decodeSync(data)
	if p != nil {
		return p
	}
	client := ""
	if body.ClientID != nil {
		if client = *body.ClientID; client != "" {
			if err := board.CheckID("client", client); err != nil {
				return refused(err.At("clientId"))
			}
		}
	}
	since := make(map[string]*wire.Since, len(body.Since))
	for id, s := range body.Since {
		if since[id], p = s.since(id); p != nil {
			return p
		}
	}
	switch {
	case len(body.Operations) > limits.Operations:
		return problemf(board.CodeLimitExceeded, "a request has at most %d operations (limits.operations): send several", limits.Operations).at("operations").over(board.LimitOperations)
	case len(since) > limits.Dashboards:
		return problemf(board.CodeLimitExceeded, "a request asks for at most %d dashboards (limits.dashboards): send several", limits.Dashboards).at("since").over(board.LimitDashboards)
	}
	if p := q.count(len(body.Operations), 0); p != nil {
		return p
	}
	results := q.operations(body.Operations, client)
	updates, failed := q.updates(since)

	dst := append([]byte(nil), `{"results":[`...)
	dst = append(dst, bytes.Join(results, []byte{','})...)
	dst = append(dst, `],"updates":{`...)
	dst = append(dst, bytes.Join(updates, []byte{','})...)
	dst = append(dst, '}')
	if len(failed) > 0 {
		dst = append(dst, `,"failed":{`...)
		dst = append(dst, bytes.Join(failed, []byte{','})...)
		dst = append(dst, '}')
	}
	q.answer(http.StatusOK, append(dst, '}'))
	return nil
}

// syncDepth is how deep the body of SYNC may nest: a message, and what is around it.
const syncDepth = 64 + 3

func decodeSync(data []byte) (body syncBody, p *problem) {
	if jsontext.Deeper(data, syncDepth) {
		return body, problemf(board.CodeBadMessage, "the body nests deeper than %d: flatten it", syncDepth).over(board.LimitDepth)
	}
	if err := jsontext.Decode(data, &body); err != nil {
		return body, badBody(err)
	}
	if body.Type != "SYNC" {
		return body, problemf(board.CodeUnknownType, `the type must be SYNC: send {"type": "SYNC", "operations": […]}`).at("type")
	}
	return body, nil
}

// operations carries envelopes out, in order, and gives the answers. All are put in
// line before the first answer is waited for, so that they share an append.
func (q *request) operations(list []jsontext.RawValue, client string) [][]byte {
	type waiting struct {
		id     string
		answer <-chan room.Answer
	}
	var line []waiting
	for _, text := range list {
		id, answer := q.operation(text, client)
		if answer != nil {
			line = append(line, waiting{id, answer})
		}
	}
	results := make([][]byte, len(line))
	for i, w := range line {
		results[i] = q.result(w.id, q.await(w.answer))
	}
	return results
}

// operation takes one envelope in. The channel is nil for what is not answered.
func (q *request) operation(text []byte, client string) (id string, answer <-chan room.Answer) {
	refuse := func(err *board.Error) (string, <-chan room.Answer) {
		c := make(chan room.Answer, 1)
		c <- room.Answer{Refusal: err}
		return id, c
	}
	limits := q.api.cfg.Limits
	if len(text) > limits.MessageBytes {
		id = wire.PeekID(text)
		return refuse(board.Errorf(board.CodeTooLarge, "a message has at most %d bytes (limits.messageBytes)", limits.MessageBytes).Over(board.LimitMessageBytes))
	}
	m, err := wire.Decode(text, limits)
	id = m.ID
	if f := q.api.cfg.Hooks.Message; f != nil {
		f(q.observed(), m.Type, len(text))
	}
	if err != nil {
		return refuse(err)
	}
	switch {
	case m.Op != nil:
		m.Op.Author = board.Author{UserID: q.principal.UserID, ClientID: m.OpClient}
		if m.OpClient == "" {
			m.Op.Author.ClientID = client
		}
		return id, q.begin(q.r.Context(), m.Op)
	case m.Data != nil:
		err = q.api.cfg.Sessions.Feed(q.asking(), q.principal, m.Data)
	case m.Presence != nil:
		err = q.present(m.Presence)
	default:
		err = board.Errorf(board.CodeUnknownType, "operations takes ops, PRESENCE and WIDGET_DATA; catch up with since, and subscribe by GET /api/realtime/events").At("type")
	}
	if err != nil {
		return refuse(err)
	}
	return id, nil
}

// present shows the state of the stream that the request speaks for (H2).
func (q *request) present(m *wire.Presence) *board.Error {
	id := q.r.Header.Get(sessionHeader)
	if id == "" {
		return board.Errorf(board.CodeBadMessage, "PRESENCE is of a session: send the header %s with the sessionId of your event stream", sessionHeader)
	}
	return q.api.cfg.Sessions.Present(q.asking(), q.principal, id, m)
}

// result is the answer to one op as a message.
func (q *request) result(id string, a room.Answer) []byte {
	now := q.api.cfg.Clock.Now()
	switch {
	case a.Refusal != nil:
		q.api.cfg.Hooks.Refuse(q.observed(), a.Refusal)
		retryAfter := time.Duration(0)
		if a.Refusal.Code == board.CodeUnavailable {
			retryAfter = unavailableRetry
		}
		return wire.AppendNack(nil, id, a.Refusal, retryAfter, now)
	case a.Conflict != nil:
		return wire.AppendConflict(nil, id, a.Conflict, now)
	}
	return wire.AppendAck(nil, id, wire.Ack{
		DashboardID: a.Op.DashboardID, Epoch: a.Epoch, Durability: string(a.Durability), Of: a.Ack,
	}, now)
}

// updates brings the client up to date, as members by dashboard; those that fail come
// with the payload of a NACK.
func (q *request) updates(since map[string]*wire.Since) (updates, failed [][]byte) {
	ctx := q.r.Context()
	for id, s := range since {
		role, err := auth.Require(q.asking(), q.api.cfg.Authorizer, q.principal, id, auth.Viewer)
		var text []byte
		if err == nil {
			text, err = q.api.cfg.Hub.Payload(ctx, room.SubscribeRequest{DashboardID: id, Since: s, Role: role, Host: waiting{q.turn}})
		}
		key := append(appendQuoted(nil, id), ':')
		if err != nil {
			failed = append(failed, append(key, payloadOf(q.result("", room.Answer{Refusal: err}))...))
			continue
		}
		updates = append(updates, append(key, text...))
	}
	return updates, failed
}

package httpapi

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// problem is a refusal on its way to the client as a problem document (H5, RFC 9457).
type problem struct {
	err *board.Error
	// status is that of the code unless the request asks for another (412).
	status int
	// conflict is what clashed, if a person has to decide (M6).
	conflict   *board.Conflict
	retryAfter time.Duration
	allow      string // of a 405
}

// unavailableRetry is when a client may come back after UNAVAILABLE.
const unavailableRetry = 2 * time.Second

// refused makes a problem of a refusal, nil of nil.
func refused(err *board.Error) *problem {
	if err == nil {
		return nil
	}
	p := &problem{err: err, status: wire.HTTPStatus(err.Code)}
	if p.status == http.StatusServiceUnavailable {
		p.retryAfter = unavailableRetry
	}
	return p
}

// problemf makes a problem with the status of its code.
func problemf(code board.Code, format string, args ...any) *problem {
	return refused(board.Errorf(code, format, args...))
}

// with gives the problem another status than its code has.
func (p *problem) with(status int) *problem {
	p.status = status
	return p
}

// at names the place that the problem is about.
func (p *problem) at(path string) *problem {
	p.err = p.err.At(path)
	return p
}

// over names the limit that the problem is for.
func (p *problem) over(l board.Limit) *problem {
	p.err = p.err.Over(l)
	return p
}

// clashed is the answer to an op that a person has to decide about.
func clashed(c *board.Conflict) *problem {
	p := problemf(board.CodeConflict, "others have changed the same since: see conflict, decide, and send it again with %s: %d", baseHeader, c.Version)
	p.conflict = c
	return p
}

// internal hides an error behind the request's id, under which it is logged.
func (q *request) internal(err error) *problem {
	q.api.cfg.Log.Error("http: internal", "err", err, "id", q.ID(), "route", q.route)
	if f := q.api.cfg.Hooks.Error; f != nil {
		f(err, q.ID())
	}
	return problemf(board.CodeInternal, "something went wrong on the server; tell its operator this id: %s", q.ID())
}

// observed is who asks, for hooks.
func (q *request) observed() observe.Session {
	return observe.Session{UserID: q.principal.UserID, RemoteAddr: q.remote}
}

// fail answers with a problem document.
func (q *request) fail(p *problem) {
	a := q.api
	a.cfg.Hooks.Refuse(q.observed(), p.err)
	if cause := errors.Unwrap(p.err); cause != nil && p.status >= http.StatusInternalServerError {
		level, attrs := slog.LevelError, []any{"code", p.err.Code, "err", cause, "id", q.ID(), "route", q.route}
		switch more, ok := a.refusals.Now(a.cfg.Clock.Now()); {
		case !ok:
			level = slog.LevelDebug
		case more > 0:
			attrs = append(attrs, "more", more)
		}
		a.cfg.Log.Log(q.r.Context(), level, "http: refused", attrs...)
	}
	h := q.w.Header()
	noPage(h)
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Del("ETag")
	h.Del("Content-Disposition")
	switch p.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
		if a, ok := a.cfg.RequestAuthenticator.(acceptsSignatures); ok {
			h.Set("Accept-Signature", a.AcceptSignature(q.r))
		}
	case http.StatusMethodNotAllowed:
		h.Set("Allow", p.allow)
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
	}
	q.w.WriteHeader(p.status)
	q.send(appendProblem(nil, p, q.ID()))
}

// appendProblem encodes a problem document.
func appendProblem(dst []byte, p *problem, requestID string) []byte {
	dst = append(dst, `{"type":"about:blank","title":`...)
	dst = appendQuoted(dst, http.StatusText(p.status))
	dst = append(dst, `,"status":`...)
	dst = strconv.AppendInt(dst, int64(p.status), 10)
	dst = appendQuoted(append(dst, `,"code":`...), string(p.err.Code))
	dst = appendQuoted(append(dst, `,"detail":`...), p.err.Message)
	dst = append(dst, `,"retryable":`...)
	dst = strconv.AppendBool(dst, wire.Retryable(p.err.Code))
	if p.err.Path != "" {
		dst = appendQuoted(append(dst, `,"path":`...), p.err.Path)
	}
	if p.err.Current != "" {
		dst = append(append(dst, `,"current":`...), p.err.Current...)
	}
	if len(p.err.Results) > 0 {
		dst = board.AppendResults(append(dst, `,"results":`...), p.err.Results)
	}
	if p.conflict != nil {
		dst = board.AppendConflict(append(dst, `,"conflict":`...), p.conflict)
	}
	dst = appendQuoted(append(dst, `,"requestId":`...), requestID)
	return append(dst, '}')
}

// appendQuoted appends s as a JSON string; what is no UTF-8 in it becomes U+FFFD.
func appendQuoted(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

// shown quotes text from outside for a message, in ASCII and shortened.
func shown(s string) string {
	const most = 128
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strconv.QuoteToASCII(s)
}

// logged is what shown gives without its quotes, for a value in the log: a handler adds them where they are needed.
func logged(s string) string {
	quoted := shown(s)
	return quoted[1 : len(quoted)-1]
}

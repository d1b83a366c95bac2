package httpapi

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
)

// errKeyRevoked is what a key is answered with whose user was revoked.
var errKeyRevoked = &board.Error{
	Code:    board.CodeUnauthenticated,
	Message: "the user of this key was revoked: ask the operator of this server",
	Cause:   auth.ErrUnauthenticated,
}

// acceptsSignatures is a RequestAuthenticator that can tell what a signature must cover,
// as a value of Accept-Signature (RFC 9421, section 5.1).
type acceptsSignatures interface {
	AcceptSignature(r *http.Request) string
}

// signed reports whether the request is to be judged by its signature (RFC 9421). A
// request that has one is judged by nothing else: what is wrong with a signature must
// not be made good by a token beside it.
func (q *request) signed() bool {
	h := q.r.Header
	return q.api.cfg.RequestAuthenticator != nil &&
		(len(h.Values("Signature-Input")) > 0 || len(h.Values("Signature")) > 0)
}

// howToSignIn tells somebody who has not what to send.
func (q *request) howToSignIn() string {
	if q.api.cfg.RequestAuthenticator != nil {
		return "send a token as Authorization: Bearer, or sign the request"
	}
	return "send a token as Authorization: Bearer"
}

// signInSigned signs in whoever has signed the request, and reads its body.
func (q *request) signInSigned() *board.Error {
	asked := q.asAsked()
	ctl := http.NewResponseController(q.w)
	if asked.ContentLength != 0 {
		_ = ctl.SetReadDeadline(q.api.cfg.Clock.Now().Add(bodyWithin)) // where it can be set
		asked.Body = http.MaxBytesReader(q.w, q.r.Body, int64(q.maxBody()))
	}
	p, err := q.api.cfg.RequestAuthenticator.AuthenticateRequest(asked)
	if asked.ContentLength != 0 {
		_ = ctl.SetReadDeadline(time.Time{})
		q.r.Body = asked.Body
	}
	var told *board.Error
	switch {
	case err == nil && q.api.cfg.Sessions.Revoked(&p):
		return errKeyRevoked
	case err == nil:
		q.principal, q.signedIn = auth.SignedIn(p), true
		return nil
	case errors.As(err, &told):
		return told
	case errors.Is(err, auth.ErrUnauthenticated):
		return &board.Error{Code: board.CodeUnauthenticated, Message: "the signature of the request is not good: sign it anew", Cause: err}
	}
	return &board.Error{Code: board.CodeUnavailable, Message: "the signature cannot be checked at the moment; try again", Cause: err}
}

// asAsked is the request with scheme, host and path as the client used them: an app may
// serve the interface below a prefix that it takes off.
func (q *request) asAsked() *http.Request {
	r, b := *q.r, q.api.base(q.r)
	u, err := url.ParseRequestURI(r.RequestURI)
	if err != nil {
		own := *r.URL
		u = &own
	}
	u.Scheme, u.Host, r.Host, r.URL = b.scheme, b.host, b.host, u
	return &r
}

// maxBody bounds the body of any request, in bytes: that of an import is the largest.
func (q *request) maxBody() int {
	return max(2*q.api.cfg.Limits.DocumentBytes, q.api.cfg.Limits.MessageBytes)
}

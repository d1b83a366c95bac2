package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/session"
)

// maxCookie is the size, in bytes of name and value, up to which browsers keep a cookie
// (RFC 6265bis, section 5.6). They drop a larger one without a word.
const maxCookie = 4096

// cookieSignIn reports whether pages can sign in by a cookie (H7).
func (a *API) cookieSignIn() bool { return a.cfg.Authenticator != nil && a.cfg.AuthCookie != "" }

// signInBody is the body of POST /api/sign-in.
type signInBody struct {
	Token *string `json:"token"`
}

// signInByCookie checks a token and has the browser keep it as a cookie that no script can
// read (H7). A token that was good before has no say: another user may sign in.
func (q *request) signInByCookie() *problem {
	if !q.api.cookieSignIn() {
		return noCookieSignIn()
	}
	if p := q.count(1, int(max(q.r.ContentLength, 0))); p != nil {
		return p
	}
	// Nobody has signed in yet: this is all that a stranger may have held.
	var body signInBody
	if p := q.decode(&body, session.UnsignedBytes, false); p != nil {
		return p
	}
	if body.Token == nil || *body.Token == "" {
		return problemf(board.CodeBadMessage, "there is no token: send the one to sign in with").at("token")
	}
	token := *body.Token
	who, err := q.authenticate(auth.Credentials{Token: token, Source: auth.FromCookie, RemoteAddr: q.remote})
	if err != nil {
		return refused(err)
	}
	cookie := q.newCookie(token)
	switch {
	case len(cookie.Name)+len(token) > maxCookie:
		return problemf(board.CodeTooLarge, "the token has %d bytes, which browsers do not keep as a cookie: send it as Authorization: Bearer, or have one made of at most %d",
			len(token), maxCookie-len(cookie.Name)).at("token")
	case cookie.Valid() != nil || strings.ContainsAny(token, ` ,"`):
		return problemf(board.CodeInvalidValue, "the token has characters that no cookie can hold: send it as Authorization: Bearer").at("token")
	}
	if !who.Expires.IsZero() {
		left := who.Expires.Sub(q.api.cfg.Clock.Now())
		if left < time.Second { // it is good still by the leeway between clocks alone
			return refused(errTokenWrong(auth.ErrUnauthenticated))
		}
		cookie.MaxAge = int(left / time.Second)
	}
	q.principal, q.signedIn = auth.SignedIn(who), true
	q.api.cfg.Log.Info("http: somebody signed in by a cookie", "user", logged(who.UserID), "remote", q.remote, "id", q.ID())
	return q.setCookie(cookie)
}

// signOut has the browser forget the cookie. The token itself stays good until it ends or
// is revoked, and so do sessions that it has opened.
func (q *request) signOut() *problem {
	if !q.api.cookieSignIn() {
		return noCookieSignIn()
	}
	cookie := q.newCookie("")
	cookie.MaxAge = -1
	return q.setCookie(cookie)
}

func noCookieSignIn() *problem {
	return problemf(board.CodeNotFound, "nobody signs in by a cookie on this server; its operator can name one (--auth-cookie, Config.AuthCookie)")
}

// newCookie is a cookie for this server alone. Where the client came by plain HTTP it
// cannot be kept to TLS, unless its name demands that.
func (q *request) newCookie(token string) *http.Cookie {
	name := q.api.cfg.AuthCookie
	return &http.Cookie{
		Name: name, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: q.api.base(q.r).scheme == "https" || strings.HasPrefix(name, "__Host-") || strings.HasPrefix(name, "__Secure-"),
	}
}

func (q *request) setCookie(cookie *http.Cookie) *problem {
	http.SetCookie(q.w, cookie)
	q.w.Header().Set("Cache-Control", "no-store")
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// authenticate finds out whose a token is.
func (q *request) authenticate(c auth.Credentials) (auth.Principal, *board.Error) {
	p, err := q.checkToken(c)
	return p, q.signInRefused(err, string(c.Source))
}

func (q *request) checkToken(c auth.Credentials) (auth.Principal, *board.Error) {
	if len(c.Token) > auth.MaxToken {
		return auth.Principal{}, errTokenTooLong
	}
	p, err := q.api.cfg.Authenticator.Authenticate(q.telling(), c)
	switch {
	case err == nil && q.api.cfg.Sessions.Revoked(&p):
		return auth.Principal{}, errTokenRevoked
	case err == nil:
		return p, nil
	case errors.Is(err, auth.ErrUnauthenticated):
		return auth.Principal{}, errTokenWrong(err)
	case errors.Is(err, context.Canceled) && q.r.Context().Err() != nil:
		return auth.Principal{}, &board.Error{Code: board.CodeUnavailable, Message: "the request ended before the sign-in was checked"}
	}
	return auth.Principal{}, &board.Error{Code: board.CodeUnavailable, Message: "sign-in cannot be checked at the moment; try again", Cause: err}
}

func errTokenWrong(cause error) *board.Error {
	return &board.Error{
		Code:    board.CodeUnauthenticated,
		Message: "the token is wrong or too old: sign in again", Cause: cause,
	}
}

package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// tokenParam is the query parameter for a token, where a setting allows it (C2).
const tokenParam = "token"

// errTokenTooLong is what a longer one is answered with.
var errTokenTooLong = &board.Error{
	Code:    board.CodeUnauthenticated,
	Message: "a token has at most 8192 bytes: sign in again",
	Limit:   observe.LimitTokenBytes,
	Cause:   auth.ErrUnauthenticated,
}

// errTokenRevoked is what one is answered with that an administrator has revoked.
var errTokenRevoked = &board.Error{
	Code:    board.CodeUnauthenticated,
	Message: "the token was revoked: sign in again",
	Cause:   auth.ErrUnauthenticated,
}

// errSeveralTokens is what several tokens of one kind are answered with: which of them
// counts must not depend on who reads the request, a proxy or the server. Another site of
// the same domain can set a second cookie (RFC 6265, section 8.6).
var errSeveralTokens = &board.Error{
	Code:    board.CodeUnauthenticated,
	Message: "the request has several tokens of one kind: send one (of cookies, delete the one that is not yours)",
	Cause:   auth.ErrUnauthenticated,
}

// errTokenInURL is what a token in the URL is answered with (C2).
var errTokenInURL = &board.Error{
	Code:    board.CodeUnauthenticated,
	Message: "a token in the URL ends up in logs and histories: send it as Authorization: Bearer",
	Cause:   auth.ErrUnauthenticated,
}

// bearer is the token of the Authorization header, "" if there is none.
func (q *request) bearer() string {
	scheme, token, _ := strings.Cut(q.r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// cookie is the token of the cookie, "" if there is none.
func (q *request) cookie() string {
	if q.api.cfg.AuthCookie == "" {
		return ""
	}
	c, err := q.r.Cookie(q.api.cfg.AuthCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// severalCookies reports whether there are cookies of the name for the token that differ.
func (q *request) severalCookies() bool {
	all := q.r.CookiesNamed(q.api.cfg.AuthCookie)
	return slices.ContainsFunc(all, func(c *http.Cookie) bool { return c.Value != all[0].Value })
}

// subprotocol is the token beside dashwire.v1 in the offered subprotocols, "" if
// there is none; several = there are others beside it.
func (q *request) subprotocol() (token string, several bool) {
	ours := false
	for _, line := range q.r.Header.Values("Sec-Websocket-Protocol") {
		for offer := range strings.SplitSeq(line, ",") {
			offer = strings.TrimSpace(offer)
			if offer == wire.Subprotocol {
				ours = true
			} else if t, ok := strings.CutPrefix(offer, "bearer."); ok {
				several = several || token != "" && t != token
				token = t
			}
		}
	}
	if !ours {
		return "", false
	}
	return token, several
}

// credentials are the first of those that the request has (C2); an empty token means
// that it has none.
func (q *request) credentials(upgrade bool) (auth.Credentials, *board.Error) {
	c := auth.Credentials{RemoteAddr: q.remote}
	if len(q.r.Header.Values("Authorization")) > 1 {
		c.Source = auth.FromHeader
		return c, errSeveralTokens
	}
	if c.Token = q.bearer(); c.Token != "" {
		c.Source = auth.FromHeader
		return c, nil
	}
	if upgrade {
		var several bool
		if c.Token, several = q.subprotocol(); c.Token != "" {
			c.Source = auth.FromSubprotocol
			if several {
				return c, errSeveralTokens
			}
			return c, nil
		}
	}
	if c.Token = q.cookie(); c.Token != "" {
		c.Source = auth.FromCookie
		if q.severalCookies() {
			return c, errSeveralTokens
		}
		return c, nil
	}
	if c.Token = q.query().Get(tokenParam); c.Token != "" {
		c.Source = auth.FromQuery
		if !q.api.cfg.TokenInURL {
			return c, errTokenInURL
		}
	}
	return c, nil
}

// signIn finds out whose request it is. Without credentials signedIn stays false.
func (q *request) signIn(upgrade bool) *board.Error {
	if q.api.cfg.Authenticator == nil {
		return q.signInLocal()
	}
	if q.signed() {
		return q.signInRefused(q.signInSigned(), "signature")
	}
	c, refusal := q.credentials(upgrade)
	q.source = c.Source
	if refusal != nil || c.Token == "" {
		return q.signInRefused(refusal, string(c.Source))
	}
	p, err := q.authenticate(c)
	if err != nil {
		return err
	}
	q.principal, q.signedIn = auth.SignedIn(p), true
	return nil
}

// signInLocal signs in whoever ?userId= names, as the owner of everything (C1).
func (q *request) signInLocal() *board.Error {
	userID := q.query().Get("userId")
	if userID == "" {
		userID = auth.Anonymous
	}
	if len(userID) > board.MaxID || !utf8.ValidString(userID) || strings.ContainsFunc(userID, unicode.IsControl) {
		return board.Errorf(board.CodeInvalidID, "userId has at most %d bytes of plain text: send another", board.MaxID).At("userId")
	}
	q.signedIn = true
	switch here := loopbackAddr(hostOf(q.r.RemoteAddr)); {
	case userID != auth.Anonymous:
		q.principal = local(userID, here)
	case here:
		q.principal = q.api.anonymousHere
	default:
		q.principal = q.api.anonymous
	}
	return nil
}

// local is an owner of everything, as all are where sign-in is off.
func local(userID string, admin bool) *auth.Principal {
	return &auth.Principal{UserID: userID, Grants: []auth.Grant{{Pattern: "*", Role: auth.Owner}}, Admin: admin}
}

// requireSignIn refuses requests of nobody.
func (q *request) requireSignIn() *problem {
	if err := q.signIn(false); err != nil {
		if err.Code == board.CodeUnauthenticated {
			if p := q.api.limits.take(q.addressKey(), q.api.cfg.Clock.Now(), 1, 0); p != nil {
				return p
			}
		}
		return refused(err)
	}
	if !q.signedIn {
		return problemf(board.CodeUnauthenticated, "sign in: %s", q.howToSignIn())
	}
	return nil
}

// requireAdmin lets only operators pass (H4).
func (q *request) requireAdmin() *problem {
	if p := q.requireSignIn(); p != nil {
		return p
	}
	switch {
	case q.principal.Admin:
		return nil
	case q.api.cfg.Authenticator == nil:
		return problemf(board.CodeForbidden, "sign-in is off on this server, so this is for programs on the same machine")
	}
	return problemf(board.CodeForbidden, "this is for operators: it needs a token with the claim dashwire.admin")
}

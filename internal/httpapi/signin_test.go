package httpapi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/session"
)

// cookied has people sign in by the cookie "session" too.
func cookied(c *Config) { c.Authenticator, c.AuthCookie = people, "session" }

const (
	own        = "http://server.example"
	ownHost    = "server.example"
	signInPath = "/api/sign-in"
)

// signIn is a page's sign-in by a token.
func (n *node) signIn(token string, lines ...header) *reply {
	n.t.Helper()
	return n.do("POST", signInPath, `{"token":"`+token+`"}`, append([]header{host(ownHost), from(own)}, lines...)...)
}

// cookieOf is the one cookie that a reply sets.
func cookieOf(r *reply) *http.Cookie {
	r.t.Helper()
	all := (&http.Response{Header: r.Header}).Cookies()
	if len(all) != 1 {
		r.t.Fatalf("cookies %v", all)
	}
	return all[0]
}

func TestH7_APageSignsInByACookie(t *testing.T) {
	n := start(t, cookied)
	page := []header{host(ownHost), from(own)}
	n.do("GET", "/api/realtime", "", page...).want(200).has("null", "user").has("true", "signIn", "required").has("true", "signIn", "cookie")

	in := n.signIn("ana").want(http.StatusNoContent)
	c := cookieOf(in)
	if c.Name != "session" || c.Value != "ana" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" ||
		c.Secure || c.MaxAge != 0 {
		t.Errorf("cookie %+v", c)
	}
	if len(in.Body) > 0 || in.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("answer %q %v", in.Body, in.Header)
	}
	kept := cookie(c.Name + "=" + c.Value)
	n.do("GET", "/api/realtime", "", append(page, kept)...).want(200).has(`"ana"`, "user")
	n.do("POST", "/api/dashboards", `{"id":"team-1"}`, append(page, kept)...).want(201)
	// Another user on the same browser takes the cookie over.
	if c := cookieOf(n.signIn("bo", kept).want(http.StatusNoContent)); c.Value != "bo" {
		t.Errorf("cookie %+v", c)
	}

	out := cookieOf(n.do("POST", "/api/sign-out", "", append(page, kept)...).want(http.StatusNoContent))
	if out.Name != "session" || out.Value != "" || out.MaxAge != -1 || out.Path != "/" || !out.HttpOnly || out.SameSite != http.SameSiteStrictMode {
		t.Errorf("cookie %+v", out)
	}
}

func TestH7_WhatSignsNobodyIn(t *testing.T) {
	n := start(t, cookied)
	for _, tc := range []struct {
		name, body string
		status     int
		code       board.Code
		lines      []header
	}{
		{"H7 a wrong token", `{"token":"nobody"}`, 401, board.CodeUnauthenticated, nil},
		{"H7 a wrong token beside a good header", `{"token":"nobody"}`, 401, board.CodeUnauthenticated, []header{as("ana")}},
		{"H7 a token longer than any", `{"token":"` + strings.Repeat("x", auth.MaxToken+1) + `"}`, 401, board.CodeUnauthenticated, nil},
		{"H7 a directory that is away", `{"token":"broken"}`, 503, board.CodeUnavailable, nil},
		{"H7 no token", `{}`, 400, board.CodeBadMessage, nil},
		{"H7 an empty token", `{"token":""}`, 400, board.CodeBadMessage, nil},
		{"H7 a token that is no text", `{"token":1}`, 400, board.CodeBadMessage, nil},
		{"H7 a member too many", `{"token":"ana","user":"bo"}`, 400, board.CodeBadMessage, nil},
		{"H7 no JSON", `token=ana`, 400, board.CodeBadMessage, nil},
		{"H7 a form of a page", `{"token":"ana"}`, 415, board.CodeBadMessage, []header{{"Content-Type", "text/plain"}}},
		{"H6 another site signs a victim in", `{"token":"ana"}`, 403, board.CodeForbidden, []header{from("http://evil.example")}},
		{"H6 a page without an origin", `{"token":"ana"}`, 403, board.CodeForbidden, []header{from("null")}},
		{"H6 a cookie and no origin", `{"token":"ana"}`, 403, board.CodeForbidden, []header{from(""), cookie("session=bo")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := n.in(t).do("POST", signInPath, tc.body, append([]header{host(ownHost), from(own)}, tc.lines...)...).refused(tc.status, tc.code)
			if c := got.Header.Values("Set-Cookie"); len(c) > 0 {
				t.Errorf("a cookie is set: %v", c)
			}
		})
	}
	n.do("POST", "/api/sign-out", "", host(ownHost), from("http://evil.example"), cookie("session=ana")).refused(403, board.CodeForbidden)
	if text := n.log.String(); strings.Contains(text, "xxxx") {
		t.Error("a token is in the log")
	}
}

func TestH7_OnlyWhereACookieIsNamed(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"H7 no cookie": signedIn, "H7 sign-in is off": func(c *Config) { c.AuthCookie = "session" },
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, change)
			n.do("POST", signInPath, `{"token":"ana"}`).refused(404, board.CodeNotFound)
			n.do("POST", "/api/sign-out", "").refused(404, board.CodeNotFound)
			required := `"signIn":{"required":true,"cookie":false}`
			if name != "H7 no cookie" {
				required = `"signIn":{"required":false,"cookie":false}`
			}
			if got := n.do("GET", "/api/realtime", "").want(200); !strings.Contains(string(got.Body), required) {
				t.Errorf("%s", got.Body)
			}
		})
	}
}

// signs is an Authenticator by a function.
type signs func(token string) (auth.Principal, error)

func (f signs) Authenticate(_ context.Context, c auth.Credentials) (auth.Principal, error) {
	return f(c.Token)
}

func TestH7_TheCookieLastsAsLongAsTheToken(t *testing.T) {
	clock := &movable{}
	ends := clock.Now().Add(time.Hour)
	n := start(t, func(c *Config) {
		cookied(c)
		c.Clock = clock
		c.Authenticator = signs(func(string) (auth.Principal, error) {
			return auth.Principal{UserID: "ana", TokenID: "t-1", Expires: ends, IssuedAt: ends.Add(-time.Hour)}, nil
		})
	})
	if c := cookieOf(n.signIn("t").want(204)); c.MaxAge < 3500 || c.MaxAge > 3600 {
		t.Errorf("Max-Age %d", c.MaxAge)
	}
	clock.add(time.Hour) // the leeway between clocks lets it in still
	n.signIn("t").refused(401, board.CodeUnauthenticated)
}

func TestH7_ATokenThatNoCookieCanHold(t *testing.T) {
	n := start(t, func(c *Config) {
		cookied(c)
		c.Authenticator = signs(func(string) (auth.Principal, error) { return auth.Principal{UserID: "ana"}, nil })
	})
	n.signIn(strings.Repeat("x", maxCookie)).refused(413, board.CodeTooLarge)
	n.signIn(strings.Repeat("x", maxCookie-len("session"))).want(204)
	for _, token := range []string{"a b", "a,b", `a\"b`, "a;b", `a\\b`, "ä", `a\u0000b`, `a\r\nSet-Cookie: x=y`} {
		n.signIn(token).refused(400, board.CodeInvalidValue)
	}
}

func TestH7_TheCookieIsKeptToTLS(t *testing.T) {
	secure := func(cookieName string, lines ...header) bool {
		n := start(t, func(c *Config) {
			cookied(c)
			c.AuthCookie = cookieName
			c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		})
		return cookieOf(n.do("POST", signInPath, `{"token":"ana"}`, append([]header{host(ownHost)}, lines...)...).want(204)).Secure
	}
	if secure("session") {
		t.Error("Secure over plain HTTP, where the browser would drop the cookie")
	}
	if !secure("session", header{"X-Forwarded-Proto", "https"}) {
		t.Error("not Secure over https")
	}
	if !secure("__Host-session") || !secure("__Secure-session") {
		t.Error("the name demands Secure")
	}
}

func TestH7_RevokedAndEndedCookies(t *testing.T) {
	n := start(t, func(c *Config) {
		cookied(c)
		known := tokens{"ana": {UserID: "ana", TokenID: "t-1"}}
		c.Authenticator = known
	})
	page := []header{host(ownHost), from(own), cookie("session=ana")}
	n.do("GET", "/api/realtime", "", page...).want(200).has(`"ana"`, "user")
	if _, err := n.sessions.RevokeToken(t.Context(), "t-1"); err != nil {
		t.Fatal(err)
	}
	n.signIn("ana").refused(401, board.CodeUnauthenticated)
	n.do("GET", "/api/dashboards", "", page...).refused(401, board.CodeUnauthenticated)
	// A page learns that it may sign in anew, whatever its cookie holds.
	n.do("GET", "/api/realtime", "", page...).want(200).has("null", "user").has("true", "signIn", "cookie")
	n.do("GET", "/api/realtime", "", host(ownHost), from(own), cookie("session=wrong")).want(200).has("null", "user")
	n.do("GET", "/api/realtime", "", as("wrong")).refused(401, board.CodeUnauthenticated)
	n.do("GET", "/api/realtime", "", host(ownHost), cookie("session=broken")).refused(503, board.CodeUnavailable)
}

func TestH7_AWebSocketByTheCookie(t *testing.T) {
	var got *session.Meta
	n := start(t, func(c *Config) {
		cookied(c)
		c.Upgrade = func(w http.ResponseWriter, _ *http.Request, m session.Meta) {
			got = &m
			w.WriteHeader(http.StatusTeapot)
		}
	})
	c := cookieOf(n.signIn("cy").want(204))
	upgrade := header{"Upgrade", "websocket"}
	n.do("GET", "/api/realtime", "", upgrade, host(ownHost), from(own), cookie(c.Name+"="+c.Value)).want(http.StatusTeapot)
	if got == nil || got.Principal == nil || got.Principal.UserID != "cy" {
		t.Errorf("meta %+v", got)
	}
	n.do("GET", "/api/realtime", "", upgrade, host(ownHost), from("http://evil.example"), cookie(c.Name+"="+c.Value)).refused(403, board.CodeForbidden)
	n.do("GET", "/api/realtime", "", upgrade, host(ownHost), cookie(c.Name+"="+c.Value)).refused(403, board.CodeForbidden)
}

// TestC3_RevokedWhileTheBodyCame: a body that is held back does not save its token.
func TestC3_RevokedWhileTheBodyCame(t *testing.T) {
	n := start(t, func(c *Config) {
		c.Authenticator = tokens{"ana": {UserID: "ana", TokenID: "1", Grants: []auth.Grant{{Pattern: "*", Role: auth.Owner}}}}
	})
	conn := n.dial()
	defer conn.Close()
	fmt.Fprint(conn, "POST /api/dashboards HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ana\r\nContent-Length: 13\r\n"+
		"Connection: close\r\nExpect: 100-continue\r\n\r\n")
	answers := bufio.NewReader(conn)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, " 100 ") { // it has let the request in
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := n.sessions.RevokeToken(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, `{"id":"late"}`)
	rest, err := io.ReadAll(answers)
	if err != nil || !strings.Contains(string(rest), "HTTP/1.1 401 ") || !strings.Contains(string(rest), "revoked") {
		t.Errorf("%s, %v", rest, err)
	}
}

package httpapi

import (
	"errors"
	"net/http"
	"testing"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/session"
)

func TestC2_TheFirstCredentialsCount(t *testing.T) {
	upgrade := header{"Upgrade", "websocket"}
	protocol := func(s string) header { return header{"Sec-Websocket-Protocol", s} }
	for _, tc := range []struct {
		name  string
		path  string
		lines []header
		inURL bool
		user  string // "" = nobody, "!" = refused
	}{
		{"C2 nothing", "", nil, false, ""},
		{"C2 the header", "", []header{as("ana")}, false, "ana"},
		{"C2 the header in other case", "", []header{{"Authorization", "bearer ana"}}, false, "ana"},
		{"C2 another scheme is none of ours", "", []header{{"Authorization", "Basic YTpi"}}, false, ""},
		{"C2 a wrong token", "", []header{as("nobody")}, false, "!"},
		{"C2 the subprotocol", "", []header{protocol("dashwire.v1, bearer.bo")}, false, "bo"},
		{"C2 the subprotocol alone is no pair", "", []header{protocol("bearer.bo")}, false, ""},
		{"C2 the cookie", "", []header{cookie("session=cy"), from("http://server.example")}, false, "cy"},
		{"C2 the header before the subprotocol", "", []header{protocol("dashwire.v1, bearer.bo"), as("ana")}, false, "ana"},
		{"C2 the subprotocol before the cookie", "", []header{protocol("bearer.bo,dashwire.v1"), cookie("session=cy"), from("http://server.example")}, false, "bo"},
		{"C2 a wrong header is not made good by a cookie", "", []header{as("nobody"), cookie("session=cy"), from("http://server.example")}, false, "!"},
		{"C2 two headers", "", []header{as("ana"), as("ana")}, false, "!"},
		{"C2 two headers of which one is another scheme", "", []header{{"Authorization", "Basic YTpi"}, as("ana")}, false, "!"},
		{"C2 two tokens beside the subprotocol", "", []header{protocol("dashwire.v1, bearer.bo, bearer.ana")}, false, "!"},
		{"C2 two tokens beside the subprotocol, in two lines", "", []header{protocol("dashwire.v1, bearer.bo"), protocol("bearer.ana")}, false, "!"},
		{"C2 the same token twice", "", []header{protocol("bearer.bo, dashwire.v1, bearer.bo")}, false, "bo"},
		{"C2 two cookies", "", []header{cookie("session=cy; a=b; session=bo"), from("http://server.example")}, false, "!"},
		{"C2 two cookies in two lines", "", []header{cookie("session=cy"), cookie("session=bo"), from("http://server.example")}, false, "!"},
		{"C2 the same cookie twice", "", []header{cookie("session=cy; session=cy"), from("http://server.example")}, false, "cy"},
		{"C2 a second cookie of another name", "", []header{cookie("session=cy; Session=bo"), from("http://server.example")}, false, "cy"},
		{"C2 the header before two cookies", "", []header{as("ana"), cookie("session=cy; session=bo"), from("http://server.example")}, false, "ana"},
		{"C2 a token in the URL is refused", "?token=ana", nil, false, "!"},
		{"C2 a token in the URL by a setting", "?token=ana", nil, true, "ana"},
		{"C2 the header before the URL", "?token=ana", []header{as("bo")}, false, "bo"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got *session.Meta
			n := start(t, func(c *Config) {
				c.Authenticator, c.AuthCookie, c.TokenInURL = people, "session", tc.inURL
				c.Upgrade = func(w http.ResponseWriter, _ *http.Request, m session.Meta) {
					got = &m
					w.WriteHeader(http.StatusTeapot)
				}
			})
			n.do("GET", "/api/realtime"+tc.path, "", append(tc.lines, upgrade, host("server.example"))...).want(http.StatusTeapot)
			switch {
			case tc.user == "!":
				if !errors.Is(got.SignInError, auth.ErrUnauthenticated) || got.Principal != nil {
					t.Errorf("meta %+v, want a refusal for the session to tell", got)
				}
			case got.SignInError != nil:
				t.Error(got.SignInError)
			case tc.user == "" && got.Principal != nil:
				t.Errorf("signed in as %v", got.Principal)
			case tc.user != "" && (got.Principal == nil || got.Principal.UserID != tc.user):
				t.Errorf("principal %v, want %s", got.Principal, tc.user)
			}
			if got.Transport != "websocket" || got.RemoteAddr != "127.0.0.1" {
				t.Errorf("meta %+v", got)
			}
		})
	}
}

func TestC2_RESTNeedsAToken(t *testing.T) {
	n := start(t, signedIn)
	got := n.do("GET", "/api/dashboards", "").refused(401, board.CodeUnauthenticated)
	if got.Header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("header %v", got.Header)
	}
	n.do("GET", "/api/dashboards", "", as("nobody")).refused(401, board.CodeUnauthenticated)
	n.do("GET", "/api/dashboards?token=ana", "").refused(401, board.CodeUnauthenticated)
	n.do("GET", "/api/dashboards", "", as("ana")).want(200)
	n.do("GET", "/api/realtime", "", as("nobody")).refused(401, board.CodeUnauthenticated)
	gone := n.do("GET", "/api/dashboards", "", as("broken")).refused(503, board.CodeUnavailable)
	if gone.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestP1_RolesOverREST(t *testing.T) {
	for _, tc := range []struct {
		name         string
		method, path string
		body         string
		role         auth.Role
	}{
		{"P1 read", "GET", "/api/dashboards/team-1", "", auth.Viewer},
		{"P1 history", "GET", "/api/dashboards/team-1/history", "", auth.Viewer},
		{"P1 an old version", "GET", "/api/dashboards/team-1/versions/1", "", auth.Viewer},
		{"P1 names", "GET", "/api/dashboards/team-1/versions", "", auth.Viewer},
		{"P1 export", "GET", "/api/dashboards/team-1/export", "", auth.Viewer},
		{"P1 a live value", "PUT", "/api/dashboards/team-1/widgets/cpu/data", `{"data":1}`, auth.Feeder},
		{"P1 patch a widget", "PATCH", "/api/dashboards/team-1/widgets/cpu", `{"a":1}`, auth.Editor},
		{"P1 put a widget", "PUT", "/api/dashboards/team-1/widgets/cpu", `{"a":1}`, auth.Editor},
		{"P1 delete a widget", "DELETE", "/api/dashboards/team-1/widgets/cpu", "", auth.Editor},
		{"P1 settings", "PATCH", "/api/dashboards/team-1/settings", `{"a":1}`, auth.Editor},
		{"P1 move", "PATCH", "/api/dashboards/team-1/layouts/main", `{"moved":{"cpu":{"x":3}}}`, auth.Editor},
		{"P1 set the layout", "PUT", "/api/dashboards/team-1/layouts/main", `{"columns":12}`, auth.Editor},
		{"P1 name a version", "PUT", "/api/dashboards/team-1/versions/1", `{"name":"first"}`, auth.Editor},
		{"P1 take a name away", "DELETE", "/api/dashboards/team-1/versions/1", "", auth.Editor},
		{"P1 create", "POST", "/api/dashboards", `{"id":"team-new"}`, auth.Editor},
		{"P1 duplicate", "POST", "/api/dashboards/team-1/duplicate", `{"id":"team-copy"}`, auth.Editor},
		{"P1 import", "POST", "/api/dashboards/import?id=team-in", `{"widgets":{}}`, auth.Owner},
		{"P1 import in its place", "POST", "/api/dashboards/import?id=team-1&replace=true", `{"widgets":{}}`, auth.Owner},
		{"P1 restore", "POST", "/api/dashboards/team-1/restore", `{"toVersion":1}`, auth.Owner},
		{"P1 delete", "DELETE", "/api/dashboards/team-1", "", auth.Owner},
		{"P1 undelete", "POST", "/api/dashboards/team-gone/undelete", "", auth.Owner},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := start(t, signedIn)
			n.create("team-1", as("ana"))
			n.create("team-gone", as("ana"))
			n.do("DELETE", "/api/dashboards/team-gone", "", as("ana")).want(200)
			for user, role := range map[string]auth.Role{"cy": auth.Viewer, "fay": auth.Feeder, "bo": auth.Editor} {
				if role < tc.role {
					n.do(tc.method, tc.path, tc.body, as(user)).refused(403, board.CodeForbidden)
				}
			}
			n.do(tc.method, tc.path, tc.body, as("dot")).refused(404, board.CodeNotFound)
			who := map[auth.Role]string{auth.Viewer: "cy", auth.Feeder: "fay", auth.Editor: "bo", auth.Owner: "ana"}[tc.role]
			if got := n.do(tc.method, tc.path, tc.body, as(who)); got.Status >= 300 {
				t.Errorf("%s: %d %s", who, got.Status, got.Body)
			}
		})
	}
}

func TestR6_AbsentAndForbiddenLookAlike(t *testing.T) {
	n := start(t, signedIn)
	n.create("team-1", as("ana"))
	for _, path := range []string{
		"/api/dashboards/%s", "/api/dashboards/%s/history", "/api/dashboards/%s/versions/1",
		"/api/dashboards/%s/versions", "/api/dashboards/%s/export", "/api/realtime/events?dashboardId=%s",
	} {
		t.Run("R6 "+path, func(t *testing.T) {
			get := func(id, user string) string {
				p := replaceID(path, id)
				r := n.in(t).do("GET", p, "", as(user)).refused(404, board.CodeNotFound)
				return anonymous(r, id)
			}
			forbidden := get("team-1", "dot") // there, and not to be seen
			absent := get("team-9", "cy")     // not there, and visible if it were
			nowhere := get("nothing", "dot")
			if forbidden != absent || forbidden != nowhere {
				t.Errorf("answers differ:\n%s\n%s\n%s", forbidden, absent, nowhere)
			}
		})
	}
	// To those who may edit it, it is an empty document at version 0.
	n.do("GET", "/api/dashboards/team-9", "", as("bo")).want(200).has("0", "version").has(`""`, "epoch").has("{}", "widgets")
	n.do("PATCH", "/api/dashboards/team-9/settings", `{"title":"x"}`, as("bo"), ifMatch(`":0"`)).want(200).has("1", "version")
}

func TestP2_EverybodyGetsTheSameBytes(t *testing.T) {
	n := start(t, signedIn)
	n.create("team-1", as("ana"))
	n.do("PATCH", "/api/dashboards/team-1/widgets/cpu", `{"secret":"s","owner":"ana"}`, as("ana")).want(200)
	for _, path := range []string{"", "/history", "/versions/2", "/versions", "/export"} {
		owners := n.do("GET", "/api/dashboards/team-1"+path, "", as("ana")).want(200)
		for _, user := range []string{"bo", "fay", "cy"} {
			if got := n.do("GET", "/api/dashboards/team-1"+path, "", as(user)).want(200); string(got.Body) != string(owners.Body) {
				t.Errorf("%s: %s reads\n%s\nthe owner\n%s", path, user, got.Body, owners.Body)
			}
		}
	}
}

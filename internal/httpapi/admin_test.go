package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/observe"
)

func TestH4_OperatorsOnly(t *testing.T) {
	n := start(t, func(c *Config) {
		signedIn(c)
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("dashwire_sessions 0\n")) })
	})
	for _, tc := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"H4 stats", "GET", "/api/stats", "", 200},
		{"H4 metrics", "GET", "/metrics", "", 200},
		{"H4 rights", "POST", "/api/admin/rights", `{}`, 200},
		{"H4 revoke", "POST", "/api/admin/revoke", `{"jti":"none"}`, 200},
		{"H4 sessions", "GET", "/api/admin/sessions", "", 200},
		{"H4 messages", "POST", "/api/admin/messages", `{"name":"x"}`, 202},
		{"H4 disconnect", "DELETE", "/api/admin/sessions/none", "", 404},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := n.in(t)
			n.do(tc.method, tc.path, tc.body).refused(401, board.CodeUnauthenticated)
			n.do(tc.method, tc.path, tc.body, as("ana")).refused(403, board.CodeForbidden)
			n.do(tc.method, tc.path, tc.body, as("op")).want(tc.status)
			// A listener of their own asks for nothing, and serves nothing else.
			w := httptest.NewRecorder()
			r := httptest.NewRequest(tc.method, tc.path, strings.NewReader(tc.body))
			if n.api.Admin().ServeHTTP(w, r); w.Code != tc.status {
				t.Errorf("own listener: %d %s", w.Code, w.Body)
			}
		})
	}
	w := httptest.NewRecorder()
	if n.api.Admin().ServeHTTP(w, httptest.NewRequest("GET", "/api/dashboards", nil)); w.Code != 404 {
		t.Errorf("dashboards on the operators' listener: %d", w.Code)
	}
}

func TestH4_WithoutSignInLoopbackIsTheOperator(t *testing.T) {
	n := start(t, func(c *Config) { c.Insecure = true })
	n.do("GET", "/api/stats", "").want(200)
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/api/stats", nil)
	r.RemoteAddr = "192.0.2.7:1234"
	if n.api.ServeHTTP(w, r); w.Code != 403 {
		t.Errorf("from elsewhere: %d %s", w.Code, w.Body)
	}
}

func TestH4_Probes(t *testing.T) {
	var down error
	n := start(t, func(c *Config) {
		signedIn(c)
		c.Ready = func() error { return down }
	})
	n.do("GET", "/healthz", "").want(200).has(`"ok"`, "status")
	n.do("GET", "/readyz", "").want(200)
	down = errors.New("disk /secret/path is full")
	got := n.do("GET", "/readyz", "").refused(503, board.CodeUnavailable)
	if strings.Contains(string(got.Body), "secret") {
		t.Errorf("the answer tells too much: %s", got.Body)
	}
	if !strings.Contains(n.log.String(), "secret") {
		t.Error("the log does not say why")
	}
	n.do("GET", "/healthz", "").want(200)
	n.do("HEAD", "/healthz", "").want(200)
}

func TestW4_MessagesOfTheApp(t *testing.T) {
	n := start(t, func(c *Config) { c.Authenticator = people })
	n.create("team-1", as("ana"))
	ana := n.listen("/api/realtime/events?dashboardId=team-1", as("ana"))
	anaID := ana.next().Payload.SessionID
	ana.next()
	bo := n.listen("/api/realtime/events", as("bo"))
	boID := bo.next().Payload.SessionID
	say := func(body, sessions string) {
		t.Helper()
		n.do("POST", "/api/admin/messages", body, as("op")).want(202).has(sessions, "sessions")
	}
	heard := func(l *listener, name string) {
		t.Helper()
		if e := l.next(); e.Type != "APP_MESSAGE" || e.Payload.Name != name {
			t.Errorf("event %+v, want %s", e, name)
		}
	}
	say(`{"name":"all","data":{"n":1}}`, "2")
	say(`{"name":"bo","userId":"bo"}`, "1")
	say(`{"name":"on","dashboardId":"team-1"}`, "1")
	say(`{"name":"not ana","except":"`+anaID+`"}`, "1")
	say(`{"name":"nobody","userId":"bo","except":"`+boID+`"}`, "0")
	say(`{"name":"last"}`, "2")
	for _, name := range []string{"all", "on", "last"} {
		heard(ana, name)
	}
	for _, name := range []string{"all", "bo", "not ana", "last"} {
		heard(bo, name)
	}
	n.do("POST", "/api/admin/messages", `{}`, as("op")).refused(400, board.CodeBadMessage)
	n.do("POST", "/api/admin/messages", `{"name":"x","userId":"a","dashboardId":"b"}`, as("op")).refused(400, board.CodeBadMessage)

	n.do("GET", "/api/admin/sessions?user=bo", "", as("op")).want(200).has(`"`+boID+`"`, "sessions", 0, "sessionId").has("", "sessions", 1, "sessionId")
	n.do("DELETE", "/api/admin/sessions/"+boID, "", as("op")).want(204)
	if e := bo.next(); e.Type != "DISCONNECT" || e.Payload.Code != 4403.0 {
		t.Errorf("event %+v", e)
	}
	n.do("DELETE", "/api/admin/sessions/"+anaID+"?reconnect=true", "", as("op")).want(204)
	if e := ana.next(); e.Type != "DISCONNECT" || e.Payload.Code != 1012.0 {
		t.Errorf("event %+v", e)
	}
}

// changing is an Authorizer whose answers a test changes.
type changing struct{ roles sync.Map }

func (c *changing) Role(_ context.Context, p auth.Principal, _ string) (auth.Role, error) {
	role, _ := c.roles.Load(p.UserID)
	r, _ := role.(auth.Role)
	return r, nil
}

func TestP4_RightsAreReadAnewWhenAnOperatorSaysSo(t *testing.T) {
	rights := &changing{}
	rights.roles.Store("ana", auth.Owner)
	rights.roles.Store("bo", auth.Editor)
	n := start(t, func(c *Config) {
		signedIn(c)
		c.Authorizer = rights
	})
	n.create("team-1", as("ana"))
	l := n.listen("/api/realtime/events?dashboardId=team-1", as("bo"))
	l.next()
	l.next()
	rights.roles.Store("bo", auth.Viewer)
	n.do("POST", "/api/admin/rights", `{"userId":"bo"}`, as("op")).want(200).has("1", "sessions")
	if e := l.next(); e.Type != "SYNC_UPDATE" || e.Payload.Role != "viewer" {
		t.Errorf("event %+v", e)
	}
	n.do("PATCH", "/api/dashboards/team-1/settings", `{"a":1}`, as("bo")).refused(403, board.CodeForbidden)
	rights.roles.Delete("bo")
	n.do("POST", "/api/admin/rights", "", as("op")).want(200).has("1", "sessions")
	if e := l.next(); e.Type != "SYNC_UPDATE" || e.Payload.Closed != "forbidden" {
		t.Errorf("event %+v", e)
	}
	n.do("GET", "/api/dashboards/team-1", "", as("bo")).refused(404, board.CodeNotFound)
}

func TestH4_RevokedTokensOpenNothing(t *testing.T) {
	long := time.Now().Add(time.Hour)
	before, later := time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	grants := []auth.Grant{{Pattern: "*", Role: auth.Owner}}
	n := start(t, func(c *Config) {
		c.Authenticator = tokens{
			"ana-1": {UserID: "ana", Grants: grants, Expires: long, TokenID: "1", IssuedAt: before},
			"ana-2": {UserID: "ana", Grants: grants, Expires: long, TokenID: "2", IssuedAt: before},
			"ana-3": {UserID: "ana", Grants: grants, Expires: long, TokenID: "3", IssuedAt: later},
			"bo":    {UserID: "bo", Grants: grants, Expires: long, TokenID: "4", IssuedAt: before},
			"op":    {UserID: "op", Admin: true, Expires: long, TokenID: "5", IssuedAt: before},
		}
	})
	n.create("ops", as("ana-1"))
	l := n.listen("/api/realtime/events?dashboardId=ops", as("ana-1"))
	l.next()
	l.next()
	n.do("POST", "/api/admin/revoke", `{"jti":"1"}`, as("op")).want(200).has("1", "sessions")
	if e := l.next(); e.Type != "DISCONNECT" || e.Payload.Code != 4401.0 {
		t.Errorf("event %+v", e)
	}
	n.do("GET", "/api/dashboards/ops", "", as("ana-1")).refused(401, board.CodeUnauthenticated)
	n.do("GET", "/api/realtime/events", "", as("ana-1")).refused(401, board.CodeUnauthenticated)
	n.do("GET", "/api/dashboards/ops", "", as("ana-2")).want(200)
	n.do("POST", "/api/admin/revoke", `{"userId":"ana"}`, as("op")).want(200).has("0", "sessions")
	n.do("GET", "/api/dashboards/ops", "", as("ana-2")).refused(401, board.CodeUnauthenticated)
	for _, still := range []string{"ana-3", "bo"} {
		n.do("GET", "/api/dashboards/ops", "", as(still)).want(200)
	}
	for _, body := range []string{`{}`, `{"jti":"1","userId":"ana"}`, `{"jti":7}`, `{"user":"ana"}`, `[]`, ``} {
		n.do("POST", "/api/admin/revoke", body, as("op")).refused(400, board.CodeBadMessage)
	}
	for _, body := range []string{`{"jti":""}`, `{"userId":""}`, `{"jti":"` + strings.Repeat("x", 257) + `"}`} {
		n.do("POST", "/api/admin/revoke", body, as("op")).refused(400, board.CodeInvalidID)
	}
	n.do("POST", "/api/admin/revoke", `{"userId":"op"}`, as("op")).want(200)
	n.do("GET", "/api/stats", "", as("op")).refused(401, board.CodeUnauthenticated)
}

// TestC3_ARevocationThatIsNotStoredIsNoSuccess: it counts, is written down, and is told to
// be in danger.
func TestC3_ARevocationThatIsNotStoredIsNoSuccess(t *testing.T) {
	var acts []string
	n := start(t, func(c *Config) {
		c.Authenticator = tokens{"ana": {UserID: "ana", TokenID: "1"}, "op": {UserID: "op", Admin: true}}
		c.Act = func(_ context.Context, a observe.Action) error {
			acts = append(acts, a.Name+" "+a.Details["jti"]+" "+a.Details["sessions"])
			return nil
		}
		c.Revoke = func(ctx context.Context, r auth.Revocation) (int, *board.Error) {
			if _, ok := ctx.Deadline(); !ok || r.TokenID != "1" || r.UserID != "" || r.At.IsZero() {
				t.Errorf("asked for %+v", r)
			}
			return 3, &board.Error{Code: board.CodeUnavailable, Message: "it could not be stored"}
		}
	})
	p := n.do("POST", "/api/admin/revoke", `{"jti":"1"}`, as("op")).refused(503, board.CodeUnavailable)
	if p.Header.Get("Retry-After") == "" || !slices.Equal(acts, []string{"tokens.revoked 1 3"}) {
		t.Errorf("%v, written down %q", p.Header, acts)
	}
}

func TestH5_FaultsOfTheServerShowAnIDOnly(t *testing.T) {
	n := start(t, func(c *Config) {
		c.Pages = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the secret") })
		c.Stats = func() any { return func() {} }
	})
	got := n.do("GET", "/page", "").refused(500, board.CodeInternal)
	id := unquoted(t, got.at("requestId"))
	if strings.Contains(string(got.Body), "secret") || !strings.Contains(n.log.String(), "the secret") || !strings.Contains(n.log.String(), "id="+id) {
		t.Errorf("answer %s, log %s", got.Body, n.log)
	}
	n.do("GET", "/api/stats", "").refused(500, board.CodeInternal)
}

func TestH5_EveryAnswerIsSafeToLookAt(t *testing.T) {
	n := start(t, nil)
	n.create("ops")
	for _, path := range []string{"/api/dashboards/ops", "/api/nothing", "/api/dashboards/ops/export", "/healthz"} {
		h := n.do("GET", path, "").Header
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" || !strings.Contains(h.Get("Content-Type"), "json") {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestC8_FailedSignInsAreCounted(t *testing.T) {
	n := start(t, func(c *Config) {
		c.Authenticator = tokens{"ana": auth.Principal{UserID: "ana"}}
		c.RequestsPerSecond, c.RequestBurst, c.Clock = 1, 3, standing()
	})
	for range 3 {
		n.do("GET", "/api/dashboards", "", as("guess")).refused(401, board.CodeUnauthenticated)
	}
	n.do("GET", "/api/dashboards", "", as("guess")).refused(429, board.CodeRateLimited)
	n.do("GET", "/api/dashboards", "", as("ana")).want(200)
}

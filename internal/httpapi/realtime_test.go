package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

func TestH1_Discovery(t *testing.T) {
	n := start(t, nil)
	got := n.do("GET", "/api/realtime", "").want(200).has(`"ok"`, "status").has("1", "protocol").
		has(`"ws://`+strings.TrimPrefix(n.url, "http://")+`/api/realtime"`, "wsUrl").
		has("25000", "heartbeat", "intervalMs").has("10000", "heartbeat", "timeoutMs").
		has("1048576", "limits", "messageBytes").has("500", "limits", "operations")
	if got.at("serverTime") == "" {
		t.Error("no serverTime")
	}
	// Below a prefix of the app.
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/live/api/realtime?userId=a", nil)
	r.Host = "localhost"
	http.StripPrefix("/live", n.api).ServeHTTP(w, r)
	(&reply{t: t, Status: w.Code, Body: w.Body.Bytes()}).want(200).has(`"ws://localhost/live/api/realtime"`, "wsUrl")
}

func TestH1_SyncCarriesOpsOutAndCatchesUp(t *testing.T) {
	n := start(t, nil)
	n.create("ops")
	epoch := n.do("GET", "/api/dashboards/ops", "").at("epoch")
	// As plain curl sends it.
	n.do("POST", "/api/realtime", `{"type":"SYNC","operations":[]}`, header{"Content-Type", "application/x-www-form-urlencoded"}).
		want(200).has("[]", "results").has("{}", "updates")

	body := `{"type":"SYNC","clientId":"tab-1","operations":[
		{"type":"WIDGET_UPDATE","id":"op-1","payload":{"dashboardId":"ops","widgetId":"cpu","set":{"/title":"one"}}},
		{"type":"WIDGET_UPDATE","payload":{"dashboardId":"ops","widgetId":"cpu","set":{"/title":"two"}}},
		{"type":"WIDGET_UPDATE","id":"op-3","payload":{"dashboardId":"ops","widgetId":"cpu","baseVersion":1,"policy":"reject","clientId":"tab-2","set":{"/title":"three"}}},
		{"type":"WIDGET_UPDATE","id":"op-4","payload":{"dashboardId":"ops","widgetId":"gone","set":{"/title":"x"}}},
		{"type":"PING","id":"op-5","payload":{}},
		{"type":"NOTHING","id":"op-6","payload":{}},
		{"type":"DASHBOARD_UPDATE","id":"op-7","payload":{"dashboardId":"ops","set":{"/title":"Ops"}}}
	],"since":{"ops":{"epoch":` + epoch + `,"version":1},"new":null}}`
	got := n.do("POST", "/api/realtime", body).want(200)
	for i, want := range []struct{ answer, id, code string }{
		{`"ACK"`, `"op-1"`, ""},
		{`"NACK"`, "", `"BAD_MESSAGE"`},
		{`"NACK"`, `"op-3"`, `"CONFLICT"`},
		{`"CONFLICT_DETECTED"`, `"op-4"`, ""},
		{`"NACK"`, `"op-5"`, `"UNKNOWN_TYPE"`},
		{`"NACK"`, `"op-6"`, `"UNKNOWN_TYPE"`},
		{`"ACK"`, `"op-7"`, ""},
	} {
		got.has(want.answer, "results", i, "type").has(want.id, "results", i, "correlationId").has(want.code, "results", i, "payload", "code")
	}
	got.has("2", "results", 0, "payload", "version").has("false", "results", 0, "payload", "inStream").
		has("3", "results", 6, "payload", "version").
		has(`"one"`, "results", 2, "payload", "current").
		has(`"delta"`, "updates", "ops", "mode").has("3", "updates", "ops", "version").
		has(`"op-1"`, "updates", "ops", "entries", 0, "id").has(`"tab-1"`, "updates", "ops", "entries", 0, "payload", "author", "clientId").
		has(`"op-7"`, "updates", "ops", "entries", 1, "id").
		has(`"snapshot"`, "updates", "new", "mode").has("0", "updates", "new", "version").has("[]", "updates", "ops", "presence")
}

func TestH1_UpdatesThatFailAreNamed(t *testing.T) {
	n := start(t, signedIn)
	n.create("team-1", as("ana"))
	n.do("POST", "/api/realtime", `{"type":"SYNC","since":{"team-1":null,"other":null}}`, as("cy")).want(200).
		has(`"snapshot"`, "updates", "team-1", "mode").has(`"NOT_FOUND"`, "failed", "other", "code").has("", "updates", "other")
}

func TestH1_AnswersComeWhole(t *testing.T) {
	n := start(t, nil)
	var widgets strings.Builder
	for i := range 12 {
		if i > 0 {
			widgets.WriteByte(',')
		}
		widgets.WriteString(`"w` + strconv.Itoa(i) + `":{"text":"` + strings.Repeat("x", 50<<10) + `"}`)
	}
	n.do("POST", "/api/dashboards", `{"id":"big","document":{"widgets":{`+widgets.String()+`}}}`).want(201)
	got := n.do("POST", "/api/realtime", `{"type":"SYNC","since":{"big":null}}`).want(200).has("", "updates", "big", "parts")
	for i := range 12 {
		if got.at("updates", "big", "document", "widgets", "w"+strconv.Itoa(i)) == "" {
			t.Fatalf("w%d is missing", i)
		}
	}
}

func TestH1_BadBodies(t *testing.T) {
	n := start(t, func(c *Config) {
		c.Limits = wire.Limits{Operations: 2, MessageBytes: 1000, DocumentBytes: 10_000, Dashboards: 1}
	})
	op := `{"type":"WIDGET_UPDATE","id":"a","payload":{"dashboardId":"ops","widgetId":"w","set":{"/a":"`
	for _, tc := range []struct {
		name, body string
		status     int
		code       board.Code
	}{
		{"H1 nothing", "", 400, board.CodeBadMessage},
		{"H1 no JSON", "type=SYNC", 400, board.CodeBadMessage},
		{"H1 no object", "[]", 400, board.CodeBadMessage},
		{"H1 two values", `{"type":"SYNC"} {}`, 400, board.CodeBadMessage},
		{"H1 a key twice", `{"type":"SYNC","type":"SYNC"}`, 400, board.CodeBadMessage},
		{"H1 no type", `{"operations":[]}`, 400, board.CodeUnknownType},
		{"H1 another type", `{"type":"CONNECT","operations":[]}`, 400, board.CodeUnknownType},
		{"H1 operations are no list", `{"type":"SYNC","operations":{}}`, 400, board.CodeBadMessage},
		{"H1 since is no object", `{"type":"SYNC","since":[]}`, 400, board.CodeBadMessage},
		{"H1 since without an epoch", `{"type":"SYNC","since":{"ops":{"version":1}}}`, 400, board.CodeBadVersion},
		{"H1 since too high", `{"type":"SYNC","since":{"ops":{"epoch":"","version":9007199254740992}}}`, 400, board.CodeBadVersion},
		{"H1 since of a bad id", `{"type":"SYNC","since":{"a/b":null}}`, 400, board.CodeInvalidID},
		{"H1 a bad clientId", `{"type":"SYNC","clientId":"a b"}`, 400, board.CodeInvalidID},
		{"H1 too deep", `{"type":"SYNC","operations":[` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `]}`, 400, board.CodeBadMessage},
		{"D5 too many operations", `{"type":"SYNC","operations":[{},{},{}]}`, 409, board.CodeLimitExceeded},
		{"D5 too many dashboards", `{"type":"SYNC","since":{"a":null,"b":null}}`, 409, board.CodeLimitExceeded},
		{"D5 too long", `{"type":"SYNC","x":"` + strings.Repeat("x", 10_000) + `"}`, 413, board.CodeTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n.in(t).do("POST", "/api/realtime", tc.body).refused(tc.status, tc.code)
		})
	}
	n.do("POST", "/api/realtime", `{"type":"SYNC","operations":[`+op+strings.Repeat("x", 1000)+`"}}},`+op+`"}}}]}`).want(200).
		has(`"TOO_LARGE"`, "results", 0, "payload", "code").has(`"a"`, "results", 0, "correlationId").
		has(`"CONFLICT_DETECTED"`, "results", 1, "type")
}

func TestH1_ContentTypes(t *testing.T) {
	n := start(t, nil)
	const body = `{"type":"SYNC","operations":[]}`
	form := header{"Content-Type", "text/plain"}
	for _, tc := range []struct {
		name  string
		lines []header
		want  int
	}{
		{"H1 plain curl", []header{form}, 200},
		{"H1 no content type", []header{{"Content-Type", ""}}, 200},
		{"H1 a page", []header{form, from(n.url)}, 415},
		{"H1 a browser", []header{form, {"Sec-Fetch-Site", "same-origin"}}, 415},
		{"H1 a cookie", []header{form, cookie("a=b")}, 415},
		{"H1 a page with JSON", []header{from(n.url), {"Content-Type", "application/json; charset=utf-8"}}, 200},
		{"H1 a page with what only looks like JSON", []header{from(n.url), {"Content-Type", "application/jsonx"}}, 415},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := n.in(t).do("POST", "/api/realtime", body, tc.lines...).want(tc.want)
			if tc.want == 415 {
				got.refused(415, board.CodeBadMessage)
			}
		})
	}
	n.do("PATCH", "/api/dashboards/x/settings", `{"a":1}`, from(n.url), header{"Content-Type", "application/merge-patch+json"}).want(200)
	n.do("PATCH", "/api/dashboards/x/settings", `{"a":1}`, from(n.url), form).refused(415, board.CodeBadMessage)
}

func TestC8_TheRateIsForTheWholeRequest(t *testing.T) {
	n := start(t, func(c *Config) {
		signedIn(c)
		c.RequestsPerSecond, c.RequestBurst, c.Clock = 1, 5, standing()
	})
	op := func(i int) string {
		return `{"type":"DASHBOARD_UPDATE","id":"r` + strconv.Itoa(i) + `","payload":{"dashboardId":"team-1","set":{"/n":` + strconv.Itoa(i) + `}}}`
	}
	n.do("POST", "/api/realtime", `{"type":"SYNC","operations":[`+op(1)+`,`+op(2)+`]}`, as("ana")).want(200).has("2", "results", 1, "payload", "version")
	got := n.do("POST", "/api/realtime", `{"type":"SYNC","operations":[`+op(3)+`,`+op(4)+`,`+op(5)+`]}`, as("ana")).refused(429, board.CodeRateLimited)
	if s, err := strconv.Atoi(got.Header.Get("Retry-After")); err != nil || s < 1 {
		t.Errorf("Retry-After %q", got.Header.Get("Retry-After"))
	}
	n.do("GET", "/api/dashboards/team-1", "", as("bo")).want(200).has("2", "version") // another user, and nothing of the batch
}

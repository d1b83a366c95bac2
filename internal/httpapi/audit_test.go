package httpapi

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/audit"
	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/observe"
)

// audited has acts written to a file of the test.
func audited(t *testing.T, change func(*Config)) (*node, *audit.Log) {
	t.Helper()
	l, err := audit.Open(filepath.Join(t.TempDir(), "a.jsonl"), audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return start(t, func(c *Config) {
		c.Act, c.SignInRefused, c.ReadActs = l.Record, l.Refused, l.Read
		if change != nil {
			change(c)
		}
	}), l
}

// whats are the words of all entries of an answer.
func (r *reply) whats() string {
	r.t.Helper()
	var page struct{ Entries []struct{ What string } }
	r.into(&page)
	var all []string
	for _, e := range page.Entries {
		all = append(all, e.What)
	}
	return strings.Join(all, " | ")
}

func TestH3_AuditOfADashboard(t *testing.T) {
	named := tokens{}
	for name, p := range people {
		p.TokenID = "jti-" + name
		named[name] = p
	}
	n, _ := audited(t, func(c *Config) { c.Authenticator = named })
	const d = "/api/dashboards/team-1"
	n.create("team-1", as("ana"), client("tab"))
	n.do("PATCH", d+"/widgets/cpu", `{"config":{"unit":"load"}}`, as("bo"), key("op-2"), onBase("1")).want(200)
	n.do("PATCH", d+"/widgets/cpu", `{"config":{"unit":"%"}}`, as("ana"), onBase("1"), header{policyHeader, "overwrite"}).want(200)
	n.do("PATCH", d+"/settings", `{"title":"Prod"}`, as("bo")).want(200)

	const title, over, unit, made = `renamed the dashboard to "Prod"`, `set unit of "CPU" to "%" (over unit of bo)`, `set unit of "CPU" to "load"`, `created the dashboard with 1 widget`
	for query, want := range map[string][]string{
		"":                                       {title, over, unit, made},
		"?user=bo":                               {title, unit},
		"?widget=cpu":                            {over, unit, made},
		"?widget=cpu&path=/config":               {over, unit, made},
		"?path=/title":                           {title, made},
		"?type=DASHBOARD_UPDATE":                 {title},
		"?after=2":                               {title, over},
		"?after=9":                               nil,
		"?overwrote=true":                        {over},
		"?blind=true":                            {title, made},
		"?until=2020-01-01T00:00:00Z":            nil,
		"?since=2020-01-01T00:00:00Z&limit=1000": {title, over, unit, made},
	} {
		if got := n.do("GET", d+"/audit"+query, "", as("cy")).want(200).whats(); got != strings.Join(want, " | ") {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	// A viewer does not learn through which credentials; an administrator does.
	if got := n.do("GET", d+"/audit", "", as("cy")); strings.Contains(string(got.Body), "jti-") || got.at("entries", 3, "client") != `"tab"` {
		t.Errorf("a viewer reads %s", got.Body)
	}
	all := n.do("GET", "/api/admin/audit", "", as("op")).want(200)
	all.has(`"token:jti-bo"`, "entries", 2, "via").has(`"op-2"`, "entries", 2, "id").has(`2`, "entries", 2, "version").
		has(`"bo"`, "entries", 2, "user").has(`"team-1"`, "entries", 2, "dashboard").has(`"load"`, "entries", 2, "change", "widgets", "cpu", "set", "/config/unit").
		has(`"bo"`, "entries", 1, "overwrote", 0, "author", "userId").has(`true`, "entries", 0, "blind").has(`null`, "next").has(`false`, "trimmed")
	n.do("GET", "/api/admin/audit", "", as("ana")).refused(403, board.CodeForbidden)
	n.do("GET", d+"/audit", "", as("dot")).refused(404, board.CodeNotFound)
	n.do("GET", d+"/audit", "").refused(401, board.CodeUnauthenticated)

	// After it is deleted and made anew, only administrators read what was before.
	n.do("DELETE", d, "", as("ana"), ifMatch("*")).want(200)
	n.do("GET", d+"/audit", "", as("cy")).refused(404, board.CodeNotFound)
	n.create("team-1", as("ana"))
	if got := n.do("GET", d+"/audit", "", as("cy")).want(200).whats(); got != made {
		t.Errorf("of the new epoch: %s", got)
	}
	old := placeCursorOf(t, n.do("GET", "/api/admin/audit?dashboard=team-1&limit=3", "", as("op")).want(200))
	if got := n.do("GET", d+"/audit?cursor="+old, "", as("cy")).want(200).whats(); got != "" {
		t.Errorf("by a cursor into the epoch before, a viewer reads %s", got)
	}
	if got := n.do("GET", "/api/admin/audit?dashboard=team-1", "", as("op")).whats(); !strings.HasPrefix(got, made+" | deleted the dashboard | "+title) {
		t.Errorf("an administrator reads %s", got)
	}
}

func placeCursorOf(t *testing.T, r *reply) string {
	t.Helper()
	var page struct{ Next *string }
	r.into(&page)
	if page.Next == nil {
		t.Fatalf("there is no next page: %s", r.Body)
	}
	return *page.Next
}

func TestH3_AuditRefusesWhatItDoesNotKnow(t *testing.T) {
	n, _ := audited(t, nil)
	n.create("ops")
	for _, query := range []string{
		"path=config", "type=PING", "since=yesterday", "until=1", "blind=maybe", "format=xml", "limit=0", "limit=1001", "after=x",
		"cursor=x", "cursor=b3RoZXIgMw", "cursor=" + strings.Repeat("A", 5000),
	} {
		n.do("GET", "/api/dashboards/ops/audit?"+query, "").want(400)
	}
	n.do("GET", "/api/admin/audit?source=all", "").want(400)
	n.do("GET", "/api/admin/audit?dashboard=a%20b", "").want(400)
	bare := start(t, nil)
	bare.do("GET", "/api/admin/audit?source=admin", "").refused(404, board.CodeNotFound)
}

func TestH4_ActsOfAdministratorsAreWrittenDown(t *testing.T) {
	n, _ := audited(t, signedIn)
	n.do("POST", "/api/admin/messages", `{"name":"hello","data":"private","userId":"ana"}`, as("op")).want(202)
	n.do("POST", "/api/admin/rights", `{}`, as("op")).want(200)
	n.do("POST", "/api/admin/revoke", `{"userId":"bo"}`, as("op")).want(200)
	l := n.listen("/api/realtime/events", as("ana"))
	session := l.next().Payload.SessionID
	n.do("DELETE", "/api/admin/sessions/"+session+"?reconnect", "", as("op")).want(204)
	n.do("GET", "/api/dashboards", "", as("secret-of-nobody")).refused(401, board.CodeUnauthenticated)

	got := n.do("GET", "/api/admin/audit?source=admin", "", as("op")).want(200)
	want := []string{
		"sign-in refused: by header, why the token is wrong or too old: sign in again",
		"session disconnected: reconnect true, session " + session + ", user ana",
		"tokens revoked: sessions 0, user bo",
		"rights reread: sessions 0",
		"message sent: name hello, user ana",
	}
	if got.whats() != strings.Join(want, " | ") {
		t.Errorf("%s", got.whats())
	}
	got.has(`"op"`, "entries", 1, "user").has(`"127.0.0.1"`, "entries", 0, "remote").has(`1`, "entries", 4, "seq")
	for _, secret := range []string{"secret-of-nobody", "private"} {
		if strings.Contains(string(got.Body), secret) {
			t.Errorf("%q is in the audit: %s", secret, got.Body)
		}
	}
	// Following: only what came after.
	var page struct{ Newest string }
	got.into(&page)
	n.do("POST", "/api/admin/rights", `{"userId":"ana"}`, as("op")).want(200)
	more := n.do("GET", "/api/admin/audit?source=admin&after="+page.Newest, "", as("op")).want(200)
	if more.whats() != "rights reread: sessions 0, user ana" && more.whats() != "rights reread: sessions 1, user ana" {
		t.Errorf("after that: %s", more.whats())
	}
	n.do("GET", "/api/admin/audit?source=admin", "", as("ana")).refused(403, board.CodeForbidden)
}

func TestH4_AnActThatCannotBeWrittenDownIsNotAnsweredAsDone(t *testing.T) {
	n, l := audited(t, signedIn)
	l.Close()
	for path, body := range map[string]string{
		"/api/admin/messages": `{"name":"x","data":1}`, "/api/admin/rights": `{}`, "/api/admin/revoke": `{"userId":"bo"}`,
	} {
		n.do("POST", path, body, as("op")).refused(503, board.CodeUnavailable)
	}
}

func TestH4_WhoIsNotAskedToSignInIsMarked(t *testing.T) {
	n, l := audited(t, signedIn)
	r := n.request("POST", "/api/admin/rights", `{}`)
	r.RequestURI, r.RemoteAddr = r.URL.Path, "127.0.0.1:1"
	w := newRecorder()
	n.api.Admin().ServeHTTP(w, r)
	p, err := l.Read(t.Context(), audit.Query{})
	if err != nil || len(p.Lines) != 1 || p.Lines[0].Via != adminListener || p.Lines[0].User != "" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestH4_AuditAsLinesAndAsATable(t *testing.T) {
	n, l := audited(t, func(c *Config) {
		c.Authenticator = tokens{"evil": {UserID: "-1+cmd", Admin: true, Grants: []auth.Grant{{Pattern: "*", Role: auth.Owner}}}}
	})
	n.create("ops", as("evil"))
	for range 4 {
		n.do("PATCH", "/api/dashboards/ops/settings", `{"title":"=HYPERLINK(\"x\")\n,`+time.Now().String()+`"}`, as("evil")).want(200)
	}
	path, lines := "/api/admin/audit?format=ndjson&limit=2", 0
	for path != "" {
		r := n.do("GET", path, "", as("evil")).want(200)
		if got := r.Header.Get("Content-Type"); got != "application/x-ndjson" {
			t.Fatalf("content type %s", got)
		}
		for s := bufio.NewScanner(strings.NewReader(string(r.Body))); s.Scan(); lines++ {
			var line auditLine
			if err := json.Unmarshal(s.Bytes(), &line); err != nil || line.User != "-1+cmd" {
				t.Fatalf("%v: %s", err, s.Text())
			}
		}
		link := r.Header.Get("Link")
		path, _, _ = strings.Cut(strings.TrimPrefix(link, "<"), `>; rel="next"`)
		if link != "" && !strings.Contains(path, "format=ndjson") {
			t.Fatalf("the next page is %s", link)
		}
	}
	if lines != 5 {
		t.Errorf("%d lines in all pages", lines)
	}
	r := n.do("GET", "/api/admin/audit?format=csv", "", as("evil")).want(200)
	rows, err := csv.NewReader(strings.NewReader(string(r.Body))).ReadAll()
	if err != nil || len(rows) != 6 {
		t.Fatalf("%v: %s", err, r.Body)
	}
	for _, row := range rows {
		for i, text := range row {
			if text != "" && strings.ContainsAny(text[:1], "=+-@") {
				t.Errorf("column %s is a formula: %s", rows[0][i], text)
			}
		}
	}
	if err := l.Record(t.Context(), observe.Action{Name: "x", Details: map[string]string{"a": "b"}}); err != nil {
		t.Fatal(err)
	}
	table := string(n.do("GET", "/api/admin/audit?format=csv&source=admin", "", as("evil")).want(200).Body)
	if !strings.Contains(table, `,admin,,,,,,,,x,x: a b,1,,,"{""a"":""b""}"`) {
		t.Errorf("%s", table)
	}
}

// The cursor of a page is opaque and goes into an address as it is.
func TestH3_AuditPagesByCursor(t *testing.T) {
	n, _ := audited(t, nil)
	for _, id := range []string{"b", "a", "c"} {
		n.create(id)
		n.do("PATCH", "/api/dashboards/"+id+"/settings", `{"title":"`+id+`"}`).want(200)
	}
	var got []string
	cursor := ""
	for range 10 {
		r := n.do("GET", "/api/admin/audit?limit=1&cursor="+cursor, "").want(200)
		got = append(got, strings.Trim(r.at("entries", 0, "dashboard"), `"`)+r.at("entries", 0, "version"))
		if r.at("next") == "null" {
			break
		}
		cursor = placeCursorOf(t, r)
		if cursor != url.QueryEscape(cursor) {
			t.Fatalf("cursor %s", cursor)
		}
	}
	if text := strings.Join(got, " "); text != "a2 a1 b2 b1 c2 c1" {
		t.Errorf("read %s", text)
	}
}

// recorder is a ResponseWriter without a connection.
type recorder struct {
	header http.Header
	status int
}

func newRecorder() *recorder                    { return &recorder{header: make(http.Header)} }
func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }

// TestC8_AnAuditCountsWhatItLooksAt: whoever asks for what is not there cannot keep the
// server busy.
func TestC8_AnAuditCountsWhatItLooksAt(t *testing.T) {
	n, _ := audited(t, func(c *Config) { c.RequestsPerSecond, c.RequestBurst, c.Clock = 1, 30, standing() })
	n.create("ops", client("c"))
	for i := range 20 {
		n.do("PATCH", "/api/dashboards/ops/settings?userId=u"+strconv.Itoa(i), `{"n":`+strconv.Itoa(i)+`}`).want(200)
	}
	asked := 0
	for n.do("GET", "/api/dashboards/ops/audit?user=nobody&userId=cy", "").Status == http.StatusOK {
		if asked++; asked == 30 {
			t.Fatal("30 requests that look at 21 entries each count as 30 requests")
		}
	}
	if asked < 5 {
		t.Errorf("only %d requests were answered", asked)
	}
}

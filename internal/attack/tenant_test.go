package attack

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// operation is one thing that somebody may try with a dashboard.
type operation struct {
	method, path, body string // {id} stands for the dashboard
	lines              []string
}

// operations are all that REST has for one dashboard, more than one way for some.
var operations = []operation{
	{"GET", "/api/dashboards/{id}", "", nil},
	{"HEAD", "/api/dashboards/{id}", "", nil},
	{"GET", "/api/dashboards/{id}", "", []string{"If-None-Match: *"}},
	{"DELETE", "/api/dashboards/{id}", "", nil},
	{"DELETE", "/api/dashboards/{id}", "", []string{"If-Match: *"}},
	{"DELETE", "/api/dashboards/{id}", "", []string{`If-Match: "x:1"`}},
	{"POST", "/api/dashboards/{id}/undelete", "", nil},
	{"POST", "/api/dashboards/{id}/duplicate", `{}`, nil},
	{"POST", "/api/dashboards/{id}/duplicate", `{"id":"b-copy","version":1}`, nil},
	{"POST", "/api/dashboards/b-own/duplicate", `{"id":"{id}"}`, nil},
	{"POST", "/api/dashboards/{id}/restore", `{"toVersion":1}`, nil},
	{"POST", "/api/dashboards/{id}/restore", `{"toVersion":999}`, nil},
	{"GET", "/api/dashboards/{id}/export", "", nil},
	{"GET", "/api/dashboards/{id}/export?format=grafana", "", nil},
	{"GET", "/api/dashboards/{id}/history", "", nil},
	{"GET", "/api/dashboards/{id}/history?order=asc&after=0&limit=1", "", nil},
	{"GET", "/api/dashboards/{id}/audit", "", nil},
	{"GET", "/api/dashboards/{id}/audit?limit=1", "", []string{"Accept: application/x-ndjson"}},
	{"GET", "/api/dashboards/{id}/versions", "", nil},
	{"GET", "/api/dashboards/{id}/versions/1", "", nil},
	{"GET", "/api/dashboards/{id}/versions/0", "", nil},
	{"GET", "/api/dashboards/{id}/versions/999", "", nil},
	{"PUT", "/api/dashboards/{id}/versions/1", `{"name":"mine"}`, nil},
	{"DELETE", "/api/dashboards/{id}/versions/1", "", nil},
	{"PATCH", "/api/dashboards/{id}/settings", `{"title":"mine"}`, nil},
	{"PATCH", "/api/dashboards/{id}/settings", `{"title":"mine"}`, []string{"If-Match: *"}},
	{"PUT", "/api/dashboards/{id}/layouts/main", `{"columns":12}`, nil},
	{"PATCH", "/api/dashboards/{id}/layouts/main", `{"moved":{"cpu":{"x":1}}}`, nil},
	{"PUT", "/api/dashboards/{id}/widgets/cpu", `{"title":"mine"}`, nil},
	{"PUT", "/api/dashboards/{id}/widgets/new", `{"title":"mine"}`, []string{"If-None-Match: *"}},
	{"PATCH", "/api/dashboards/{id}/widgets/cpu", `{"title":"mine"}`, nil},
	{"PATCH", "/api/dashboards/{id}/widgets/none", `{"title":"mine"}`, nil},
	{"DELETE", "/api/dashboards/{id}/widgets/cpu", "", nil},
	{"PUT", "/api/dashboards/{id}/widgets/cpu/data", `{"data":1}`, nil},
	{"POST", "/api/dashboards", `{"id":"{id}"}`, nil},
	{"POST", "/api/dashboards/import?id={id}", `{"document":{"settings":{},"widgets":{},"layouts":{}}}`, nil},
	{"POST", "/api/dashboards/import?id={id}&replace", `{"document":{"settings":{},"widgets":{},"layouts":{}}}`, nil},
	{"POST", "/api/dashboards/import", `{"id":"{id}","document":{"settings":{},"widgets":{},"layouts":{}}}`, nil},
	{"POST", "/api/dashboards/import", `{"uid":"{id}","title":"T","panels":[],"schemaVersion":39}`, nil},
	{"GET", "/api/realtime/events?dashboardId={id}", "", nil},
	{"POST", "/api/realtime", `{"type":"SYNC","since":{"{id}":null}}`, nil},
	{"POST", "/api/realtime", `{"type":"SYNC","since":{"{id}":{"epoch":"x","version":1}}}`, nil},
	{"POST", "/api/admin/messages", `{"name":"hello","dashboardId":"{id}"}`, nil},
}

// messages are all that a session may send about one dashboard.
var messages = []struct{ kind, payload string }{
	{"SYNC_REQUEST", `{"dashboardId":"{id}"}`},
	{"SYNC_REQUEST", `{"dashboardId":"{id}","since":{"epoch":"","version":0}}`},
	{"SYNC_REQUEST", `{"dashboardId":"{id}","since":{"epoch":"x","version":99}}`},
	{"SYNC_REQUEST", `{"dashboardId":"{id}","unsubscribe":true}`},
	{"WIDGET_UPDATE", `{"dashboardId":"{id}","widgetId":"cpu","set":{"/title":"mine"}}`},
	{"WIDGET_UPDATE", `{"dashboardId":"{id}","widgetId":"cpu","baseVersion":99,"set":{"/title":"mine"}}`},
	{"WIDGET_UPDATE", `{"dashboardId":"{id}","widgetId":"new","create":true}`},
	{"WIDGET_UPDATE", `{"dashboardId":"{id}","widgetId":"old","restore":true}`},
	{"WIDGET_DELETE", `{"dashboardId":"{id}","widgetId":"cpu"}`},
	{"WIDGET_BATCH", `{"dashboardId":"{id}","operations":[{"type":"WIDGET_DELETE","widgetId":"cpu"}]}`},
	{"LAYOUT_UPDATE", `{"dashboardId":"{id}","moved":{"cpu":{"x":1}}}`},
	{"LAYOUT_RESTORE", `{"dashboardId":"{id}","toVersion":1}`},
	{"DASHBOARD_UPDATE", `{"dashboardId":"{id}","set":{"/title":"mine"}}`},
	{"CONFLICT_RESOLVED", `{"dashboardId":"{id}","widgetId":"cpu","conflictId":"c","baseVersion":1,"choice":"theirs"}`},
	{"PRESENCE", `{"dashboardId":"{id}","state":{"name":"me"}}`},
	{"WIDGET_DATA", `{"dashboardId":"{id}","widgetId":"cpu","data":1}`},
	{"WIDGET_DATA", `{"dashboardId":"{id}","values":{"cpu":{"data":1},"none":{"data":2}}}`},
}

// varying are the parts of an answer that are another each time.
var varying = regexp.MustCompile(`"requestId":"[^"]*"|"timestamp":"[^"]*"|"serverTime":"[^"]*"`)

// shape is an answer without what varies, and without the id that was asked for.
func shape(a *answer, id string) string {
	names := make([]string, 0, len(a.header))
	for name := range a.header {
		names = append(names, name)
	}
	slices.Sort(names)
	return fmt.Sprintf("%d %v %s %s", a.status, names, a.header.Get("Retry-After"),
		strings.ReplaceAll(varying.ReplaceAllString(a.body, ""), id, "{id}"))
}

// tries tries all operations on a dashboard as somebody, and returns what came back.
func (x *target) tries(id, token string) (all []string) {
	x.t.Helper()
	for _, o := range operations {
		fill := func(s string) string { return strings.ReplaceAll(s, "{id}", id) }
		all = append(all, o.method+" "+o.path+" "+o.body+" "+strings.Join(o.lines, " ")+": "+
			shape(x.call(o.method, fill(o.path), fill(o.body), append(o.lines, bearer(token), "Content-Type: application/json")...), id))
	}
	s := x.signIn(token, "tries-"+id)
	for i, m := range messages {
		payload := strings.ReplaceAll(m.payload, "{id}", id)
		envelope := fmt.Sprintf(`{"type":%q,"id":"op-%d","payload":%s}`, m.kind, i, payload)
		s.send(envelope)
		s.send(fmt.Sprintf(`{"type":"PING","id":"after-%d"}`, i))
		got := ""
		s.until("PONG", func(in *message) bool {
			if in.CorrelationID == fmt.Sprintf("after-%d", i) {
				return true
			}
			got += in.raw
			return false
		})
		all = append(all, m.kind+" "+m.payload+": "+strings.ReplaceAll(varying.ReplaceAllString(got, ""), id, "{id}"))
		if m.kind != "SYNC_REQUEST" {
			all = append(all, "POST "+m.kind+" "+m.payload+": "+
				shape(x.call("POST", "/api/realtime", `{"type":"SYNC","operations":[`+envelope+`]}`, bearer(token)), id))
		}
	}
	return all
}

// TestAttack_51_GuessingIDs: of a dashboard that is there and of one that is not,
// somebody who may see neither gets the same answer, byte for byte, to whatever may be
// asked. How long the answers take is only reported.
func TestAttack_51_GuessingIDs(t *testing.T) {
	x := attacked(t)
	x.create("a-secret", "")
	x.create("b-own", "")
	for _, grants := range [][]string{{"b-*=owner"}, {"b-*=viewer"}, {}} {
		who := token(t, "bo", grants...)
		there, absent := x.tries("a-secret", who), x.tries("a-absent", who)
		for i := range there {
			if there[i] != absent[i] {
				t.Errorf("with %v\nthere:  %s\nabsent: %s", grants, there[i], absent[i])
			}
		}
	}
	took := func(id string) time.Duration {
		var all []time.Duration
		for range 50 {
			begun := time.Now()
			x.call("GET", "/api/dashboards/"+id, "", bearer(token(t, "bo")))
			all = append(all, time.Since(begun))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	t.Logf("median: there %s, absent %s", took("a-secret"), took("a-absent"))

	seen := map[string]bool{}
	for range 20 {
		var made struct{ ID string }
		a := x.must(http.StatusCreated, "POST", "/api/dashboards", `{}`, bearer(token(t, "root", "*=owner")))
		if err := json.Unmarshal([]byte(a.body), &made); err != nil {
			t.Fatal(err)
		}
		if seen[made.ID] || len(made.ID) < 22 { // 128 bits as base64
			t.Errorf("the server made the id %q", made.ID)
		}
		seen[made.ID] = true
	}
}

// TestAttack_52_OperationsOfAnotherTenant: nothing that the interface can do with a
// dashboard reaches one of another tenant; its document, history and readers notice
// nothing. The interface's own description says what there is, so nothing new is missed.
func TestAttack_52_OperationsOfAnotherTenant(t *testing.T) {
	x := attacked(t)
	x.create("a-ops", "")
	x.create("a-gone", "")
	x.create("b-own", "")
	root := bearer(token(t, "root", "*=owner"))
	x.must(http.StatusNoContent, "PUT", "/api/dashboards/a-ops/widgets/cpu/data", `{"data":"value-of-a"}`, root)
	x.must(http.StatusOK, "PUT", "/api/dashboards/a-ops/versions/1", `{"name":"name-of-a"}`, root)
	x.must(http.StatusOK, "DELETE", "/api/dashboards/a-gone", "", root)

	reader := x.signIn(token(t, "ana", "a-*=owner"), "reader")
	reader.sync("a-ops").is(t, "SYNC_RESPONSE")
	reader.send(`{"type":"PRESENCE","id":"p","payload":{"dashboardId":"a-ops","state":"presence-of-a"}}`)
	reader.until("its own presence", func(m *message) bool { return m.Type == "PRESENCE" })

	before := x.must(http.StatusOK, "GET", "/api/dashboards/a-ops/history", "", root).body
	for _, id := range []string{"a-ops", "a-gone"} {
		for _, role := range []string{"viewer", "feeder", "editor", "owner"} {
			for _, got := range x.tries(id, token(t, "bo-"+role, "b-*="+role)) {
				what, got, _ := strings.Cut(got, ": ")
				for _, of := range []string{"-of-a", "ana", "root", "CPU", "reader"} {
					if strings.Contains(got, of) {
						t.Errorf("%s as %s of another tenant tells %q: %s", what, role, of, got)
					}
				}
				refused := strings.HasPrefix(got, "404 ") || strings.Contains(got, `"code":"NOT_FOUND"`) || strings.HasPrefix(got, "403 ") && strings.HasPrefix(what, "POST /api/admin/")
				harmless := strings.Contains(what, `"unsubscribe":true`) || strings.Contains(got, `"code":"UNKNOWN_TYPE"`) || strings.Contains(got, "send the header Dashwire-Session")
				if !refused && !harmless {
					t.Errorf("%s as %s of another tenant: %s", what, role, got)
				}
			}
		}
	}
	if after := x.must(http.StatusOK, "GET", "/api/dashboards/a-ops/history", "", root).body; after != before {
		t.Errorf("the history of a-ops has changed:\n%s\n%s", before, after)
	}
	reader.send(`{"type":"PING","id":"last"}`)
	for {
		m, err := reader.read()
		if err != nil {
			t.Fatal(err)
		}
		if m.CorrelationID == "last" {
			break
		}
		t.Errorf("a reader of a-ops hears %s", m.raw)
	}
	x.must(http.StatusOK, "POST", "/api/dashboards/a-gone/undelete", "", root)

	covered := func(method, path string) bool {
		return slices.ContainsFunc(operations, func(o operation) bool {
			at, _, _ := strings.Cut(o.path, "?")
			matches := regexp.MustCompile("^" + placeholder.ReplaceAllString(path, "[^/]+") + "$").MatchString(at)
			return matches && o.method == method
		})
	}
	for _, o := range x.described() {
		if strings.HasPrefix(o.path, "/api/dashboards/{id}") && !covered(o.method, o.path) {
			t.Errorf("%s %s is not tried on another tenant: add it to operations", o.method, o.path)
		}
	}
}

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// described are all operations that the interface says it has.
func (x *target) described() (all []operation) {
	x.t.Helper()
	var api struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal([]byte(x.must(http.StatusOK, "GET", "/api/openapi.json", "").body), &api); err != nil {
		x.t.Fatal(err)
	}
	for path, methods := range api.Paths {
		for method := range methods {
			if method != "parameters" {
				all = append(all, operation{strings.ToUpper(method), path, "", nil})
			}
		}
	}
	if len(all) < 30 {
		x.t.Fatalf("the interface describes only %d operations", len(all))
	}
	return all
}

// TestAttack_53_MoreThanARoleAllows: a viewer writes nothing, an editor does nothing
// that is for owners, and nobody speaks in the name of another.
func TestAttack_53_MoreThanARoleAllows(t *testing.T) {
	x := attacked(t)
	x.create("ops", "")
	viewer := x.signIn(token(t, "vic", "ops=viewer"), "viewer")
	viewer.sync("ops").is(t, "SYNC_RESPONSE")
	for i, m := range messages {
		payload := strings.ReplaceAll(m.payload, "{id}", "ops")
		if m.kind == "SYNC_REQUEST" || m.kind == "PRESENCE" || strings.Contains(payload, `"baseVersion":99`) {
			continue
		}
		viewer.ask(m.kind, payload).nack(t, "a viewer's "+m.kind, "FORBIDDEN")
		a := x.must(http.StatusOK, "POST", "/api/realtime", fmt.Sprintf(`{"type":"SYNC","operations":[{"type":%q,"id":"o%d","payload":%s}]}`, m.kind, i, payload), bearer(token(t, "vic", "ops=viewer")))
		if !strings.Contains(a.body, `"FORBIDDEN"`) {
			t.Errorf("a viewer's %s by POST: %s", m.kind, a.body)
		}
	}
	editor := bearer(token(t, "ed", "ops=editor"))
	for _, o := range []operation{
		{"DELETE", "/api/dashboards/ops", "", nil},
		{"POST", "/api/dashboards/ops/undelete", "", nil},
		{"POST", "/api/dashboards/ops/restore", `{"toVersion":1}`, nil},
		{"POST", "/api/dashboards/import?id=ops&replace", `{"document":{"settings":{},"widgets":{},"layouts":{}}}`, nil},
	} {
		x.call(o.method, o.path, o.body, editor).refused(t, o.method+" "+o.path+" as an editor", http.StatusForbidden, "FORBIDDEN")
	}
	operators := 0
	for _, o := range x.described() {
		if strings.HasPrefix(o.path, "/api/admin/") || o.path == "/api/stats" || o.path == "/metrics" {
			operators++
			path := placeholder.ReplaceAllString(o.path, "any")
			x.call(o.method, path, "", editor).refused(t, o.method+" "+path+" as an editor", http.StatusForbidden, "FORBIDDEN")
			x.call(o.method, path, "").refused(t, o.method+" "+path+" as nobody", http.StatusUnauthorized, "UNAUTHENTICATED")
		}
	}
	if operators < 7 {
		t.Errorf("only %d operations are for operators", operators)
	}

	// In another's name: E1, W3. What others hear names who is signed in.
	s := x.signIn(token(t, "ed", "ops=editor"), "mine")
	s.sync("ops").is(t, "SYNC_RESPONSE")
	s.send(`{"type":"WIDGET_UPDATE","id":"spoof","userId":"root","timestamp":"1999-01-01T00:00:00.000Z","payload":{"dashboardId":"ops","widgetId":"cpu","userId":"root","author":{"userId":"root","clientId":"root"},"set":{"/title":"spoofed"}}}`)
	entry := viewer.until("the entry", func(m *message) bool { return m.ID == "spoof" })
	s.send(`{"type":"PRESENCE","id":"p","userId":"root","payload":{"dashboardId":"ops","userId":"root","sessionId":"S1","clientId":"root","state":{"name":"Ed"}}}`)
	presence := viewer.until("the presence", func(m *message) bool { return m.Type == "PRESENCE" })
	for _, m := range []*message{entry, presence} {
		if strings.Contains(m.raw, `"root"`) || strings.Contains(m.raw, "1999") || !strings.Contains(m.raw, `"userId":"ed"`) {
			t.Errorf("spoofed: %s", m.raw)
		}
	}
	// A stream's presence is only for its own user (H2).
	var of struct{ SessionID string }
	s.ask("CONNECT", `{"clientId":"mine"}`).in(t, &of)
	a := x.must(http.StatusOK, "POST", "/api/realtime", `{"type":"SYNC","operations":[{"type":"PRESENCE","id":"p2","payload":{"dashboardId":"ops","state":{"name":"Vic"}}}]}`,
		bearer(token(t, "vic", "ops=viewer")), "Dashwire-Session: "+of.SessionID)
	if !strings.Contains(a.body, `"NOT_FOUND"`) {
		t.Errorf("presence for a session of somebody else: %s", a.body)
	}
}

// TestAttack_202_ListsTellOfNobodyElse: a list by page names no dashboard of another
// tenant, not in its cursor either, however many lie in between.
func TestAttack_202_ListsTellOfNobodyElse(t *testing.T) {
	x := attacked(t)
	for i := range 5 {
		x.create(fmt.Sprintf("a-%d", i), "")
		x.create(fmt.Sprintf("b-%d", i), "")
		x.create(fmt.Sprintf("c-%d", i), "")
	}
	who := bearer(token(t, "cy", "a-*=viewer", "c-*=viewer"))
	var seen []string
	for cursor := ""; ; {
		a := x.must(http.StatusOK, "GET", "/api/dashboards?limit=5&cursor="+cursor, "", who)
		var page struct {
			Dashboards []struct{ ID string }
			Next       *string
		}
		if err := json.Unmarshal([]byte(a.body), &page); err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Dashboards {
			seen = append(seen, d.ID)
		}
		if page.Next == nil {
			break
		}
		cursor = *page.Next
		if plain, err := base64.RawURLEncoding.DecodeString(cursor); err != nil || strings.Contains(string(plain), "b-") {
			t.Errorf("the cursor tells %q, %v", plain, err)
		}
	}
	if want := []string{"a-0", "a-1", "a-2", "a-3", "a-4", "c-0", "c-1", "c-2", "c-3", "c-4"}; !slices.Equal(seen, want) {
		t.Errorf("listed %v, want %v", seen, want)
	}
	if a := x.must(http.StatusOK, "GET", "/api/dashboards?q=b-", "", who); strings.Contains(a.body, `"b-`) {
		t.Errorf("found by searching: %s", a.body)
	}
}

package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
)

// roles are people by what they may do on team-*; op is an operator and nothing else.
var roles = []struct {
	user string
	role auth.Role
}{{"dot", auth.None}, {"op", auth.None}, {"cy", auth.Viewer}, {"fay", auth.Feeder}, {"bo", auth.Editor}, {"ana", auth.Owner}}

// matrix says what each route takes. In path and body, ID is the dashboard that it is about
// and NEW one that is not there yet. A route that is not here fails the test.
var matrix = []struct {
	route, query, body string
	least              auth.Role
	deleted            bool // it is about a deleted dashboard
}{
	{"GET /api/realtime/events", "?dashboardId=ID", "", auth.Viewer, false},
	{"POST /api/dashboards", "", `{"id":"NEW"}`, auth.Editor, false},
	{"POST /api/dashboards/import", "?id=NEW", `{"widgets":{}}`, auth.Owner, false},
	{"POST /api/dashboards/import", "?replace&id=ID", `{"widgets":{}}`, auth.Owner, false},
	{"GET /api/dashboards/{id}", "", "", auth.Viewer, false},
	{"DELETE /api/dashboards/{id}", "", "", auth.Owner, false},
	{"POST /api/dashboards/{id}/undelete", "", "", auth.Owner, true},
	{"POST /api/dashboards/{id}/duplicate", "", `{"id":"NEW"}`, auth.Editor, false},
	{"POST /api/dashboards/{id}/restore", "", `{"toVersion":1}`, auth.Owner, false},
	{"GET /api/dashboards/{id}/export", "", "", auth.Viewer, false},
	{"GET /api/dashboards/{id}/history", "", "", auth.Viewer, false},
	{"GET /api/dashboards/{id}/audit", "", "", auth.Viewer, false},
	{"GET /api/dashboards/{id}/versions", "", "", auth.Viewer, false},
	{"GET /api/dashboards/{id}/versions/{version}", "", "", auth.Viewer, false},
	{"PUT /api/dashboards/{id}/versions/{version}", "", `{"name":"first"}`, auth.Editor, false},
	{"DELETE /api/dashboards/{id}/versions/{version}", "", "", auth.Editor, false},
	{"PATCH /api/dashboards/{id}/settings", "", `{"a":1}`, auth.Editor, false},
	{"PUT /api/dashboards/{id}/layouts/{breakpoint}", "", `{"columns":12}`, auth.Editor, false},
	{"PATCH /api/dashboards/{id}/layouts/{breakpoint}", "", `{"moved":{"cpu":{"x":3}}}`, auth.Editor, false},
	{"PUT /api/dashboards/{id}/widgets/{widget}", "", `{"a":1}`, auth.Editor, false},
	{"PATCH /api/dashboards/{id}/widgets/{widget}", "", `{"a":1}`, auth.Editor, false},
	{"DELETE /api/dashboards/{id}/widgets/{widget}", "", "", auth.Editor, false},
	{"PUT /api/dashboards/{id}/widgets/{widget}/data", "", `{"data":1}`, auth.Feeder, false},
}

// forNobodyInParticular are routes that are about no one dashboard, with the test that
// proves what they show of them.
var forNobodyInParticular = map[string]string{
	"GET /api/realtime": "TestC2_TheFirstCredentialsCount", "POST /api/realtime": "TestR6_OneRequestOfManyOps",
	"GET /api/dashboards":   "TestR6_CursorsTellNoIDs",
	"POST /api/sign-in":     "TestH7_WhatSignsNobodyIn",
	"POST /api/sign-out":    "TestH7_WhatSignsNobodyIn",
	"GET /healthz":          "TestH4",
	"GET /readyz":           "TestH4",
	"GET /api/openapi.json": "TestH4",
}

// TestP1_EveryRouteHasARole: endpoint × role, each at a dashboard of its own. Who lacks the
// role is refused, who has it is not, and whoever may not even see a dashboard gets the very
// same answer for one that is there, one that was deleted and one that is not there (R6).
func TestP1_EveryRouteHasARole(t *testing.T) {
	n := start(t, signedIn)
	serial := 0
	fresh := func() string {
		serial++
		return fmt.Sprintf("team-%06d", serial)
	}
	listed := map[string]bool{}
	for _, m := range matrix {
		listed[m.route] = true
		method, pattern, _ := strings.Cut(m.route, " ")
		ask := func(n *node, user, id, made string, more ...header) *reply {
			n.t.Helper()
			path := strings.NewReplacer("{id}", id, "{version}", "1", "{breakpoint}", "main", "{widget}", "cpu").Replace(pattern)
			in := strings.NewReplacer("ID", id, "NEW", made)
			return n.do(method, path+in.Replace(m.query), in.Replace(m.body), append(more, as(user))...)
		}
		there := func() string {
			id := fresh()
			n.create(id, as("ana"))
			if m.deleted {
				n.do("DELETE", "/api/dashboards/"+id, "", as("ana")).want(200)
			}
			return id
		}
		for _, who := range roles {
			t.Run(fmt.Sprintf("P1 %s%s as %s", m.route, m.query, who.user), func(t *testing.T) {
				n := n.in(t)
				id, made := there(), fresh()
				if m.route == "GET /api/realtime/events" && who.role >= m.least {
					n.listen("/api/realtime/events?dashboardId="+id, as(who.user))
					return
				}
				got := ask(n, who.user, id, made)
				switch {
				case who.role == auth.None:
					got.refused(404, board.CodeNotFound)
				case who.role < m.least:
					got.refused(403, board.CodeForbidden)
				case got.Status >= 300:
					t.Fatalf("%d %s", got.Status, got.Body)
				}
				if who.role > auth.None {
					return
				}
				for _, more := range [][]header{nil, {ifMatch("*")}, {ifMatch(`"a:1"`)}, {onBase("1")}, {onBase("99")}, {key("once")}, {{"If-None-Match", "*"}}} {
					gone := fresh()
					n.create(gone, as("ana"))
					n.do("DELETE", "/api/dashboards/"+gone, "", as("ana")).want(200)
					answers := map[string]string{}
					for name, id := range map[string]string{"there": id, "deleted": gone, "absent": fresh()} {
						r := ask(n, who.user, id, id, more...)
						answers[name] = strings.ReplaceAll(anonymous(r.refused(404, board.CodeNotFound), id), made, "ID")
					}
					if answers["there"] != answers["absent"] || answers["deleted"] != answers["absent"] {
						t.Errorf("with %v answers differ: %v", more, answers)
					}
				}
			})
		}
	}
	for _, r := range routes {
		name := r.method + " " + r.pattern
		switch {
		case listed[name], forNobodyInParticular[name] != "":
		case r.access == forAdmins:
			path := strings.NewReplacer("{session}", "none", "{target}", "none", "{message}", "none").Replace(r.pattern)
			for _, who := range roles {
				got := n.do(r.method, path, "", as(who.user))
				if who.user == "op" {
					if got.Status == 401 || got.Status == 403 {
						t.Errorf("%s as an operator: %d %s", name, got.Status, got.Body)
					}
					continue
				}
				got.refused(403, board.CodeForbidden)
			}
			n.do(r.method, path, "").refused(401, board.CodeUnauthenticated)
		default:
			t.Errorf("%s is in no table: say what role it takes, or which test proves what it shows", name)
		}
	}
}

// TestR6_OneRequestOfManyOps: every op in one request, answered alike for a dashboard that
// is there and one that is not, to who may see neither; and by role to who may.
func TestR6_OneRequestOfManyOps(t *testing.T) {
	n := start(t, signedIn)
	n.create("team-1", as("ana"))
	ops := []struct {
		op    string
		least auth.Role
	}{
		{`{"type":"WIDGET_UPDATE","id":"o1","payload":{"dashboardId":"$ID","widgetId":"cpu","set":{"/a":1}}}`, auth.Editor},
		{`{"type":"WIDGET_UPDATE","id":"o2","payload":{"dashboardId":"$ID","widgetId":"w2","create":true,"set":{"/a":1}}}`, auth.Editor},
		{`{"type":"WIDGET_DELETE","id":"o3","payload":{"dashboardId":"$ID","widgetId":"w2"}}`, auth.Editor},
		{`{"type":"WIDGET_BATCH","id":"o4","payload":{"dashboardId":"$ID","operations":[{"type":"WIDGET_UPDATE","widgetId":"cpu","set":{"/b":1}}]}}`, auth.Editor},
		{`{"type":"LAYOUT_UPDATE","id":"o5","payload":{"dashboardId":"$ID","moved":{"cpu":{"x":3}}}}`, auth.Editor},
		{`{"type":"LAYOUT_RESTORE","id":"o6","payload":{"dashboardId":"$ID","toVersion":1}}`, auth.Editor},
		{`{"type":"DASHBOARD_UPDATE","id":"o7","payload":{"dashboardId":"$ID","set":{"/a":1}}}`, auth.Editor},
		{`{"type":"CONFLICT_RESOLVED","id":"o8","payload":{"dashboardId":"$ID","conflictId":"c","widgetId":"cpu","baseVersion":1,"choice":"mine","set":{"/a":2}}}`, auth.Editor},
		{`{"type":"WIDGET_DATA","id":"o9","payload":{"dashboardId":"$ID","widgetId":"cpu","data":1,"mode":"replace"}}`, auth.Feeder},
	}
	var list []string
	for _, o := range ops {
		list = append(list, o.op)
	}
	body := `{"type":"SYNC","operations":[` + strings.Join(list, ",") + `],"since":{"$ID":null}}`
	send := func(user, id string) (results map[string]string, whole string) {
		t.Helper()
		r := n.do("POST", "/api/realtime", strings.ReplaceAll(body, "$ID", id), as(user)).want(200)
		var got struct {
			Results []struct {
				CorrelationID string
				Payload       struct{ Code, Message string }
			}
			Updates, Failed map[string]json.RawMessage
		}
		r.into(&got)
		results = map[string]string{}
		for _, one := range got.Results {
			results[one.CorrelationID] = one.Payload.Code
			whole += strings.ReplaceAll(fmt.Sprintln(one.CorrelationID, one.Payload), id, "ID")
		}
		for _, m := range []map[string]json.RawMessage{got.Updates, got.Failed} {
			whole += strings.ReplaceAll(fmt.Sprintln(len(m), string(m[id])), id, "ID")
		}
		return results, whole
	}
	for _, user := range []string{"dot", "op"} {
		codes, there := send(user, "team-1")
		_, absent := send(user, "team-9")
		if there != absent {
			t.Errorf("%s: answers differ:\n%s\n%s", user, there, absent)
		}
		for _, o := range []string{"o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8", "o9"} {
			if codes[o] != "NOT_FOUND" {
				t.Errorf("%s: %s is answered %q", user, o, codes[o])
			}
		}
	}
	for _, who := range roles[2:] {
		codes, _ := send(who.user, "team-1")
		for i, o := range ops {
			if code := codes[fmt.Sprintf("o%d", i+1)]; (code == "FORBIDDEN") != (who.role < o.least) || code == "NOT_FOUND" || code == "UNAUTHENTICATED" {
				t.Errorf("%s: %s is answered %q", who.user, o.op, code)
			}
		}
	}
	// Presence is a session's, and of a token that may see the dashboard.
	l := n.listen("/api/realtime/events?dashboardId=team-1", as("cy"))
	session := l.next().Payload.SessionID
	show := `{"type":"SYNC","operations":[{"type":"PRESENCE","id":"p","payload":{"dashboardId":"team-1","state":{}}}]}`
	n.do("POST", "/api/realtime", show, as("dot"), header{sessionHeader, session}).want(200).has(`"NOT_FOUND"`, "results", 0, "payload", "code")
	n.do("POST", "/api/realtime", show, as("cy"), header{sessionHeader, session}).want(200).has("[]", "results")
}

// slowRights is an Authorizer that has to wait for its answers.
type slowRights struct {
	auth.Grants
	asked, most, now int
	mu               sync.Mutex
	once             sync.Once
	together         chan struct{} // closed once several are asked at the same time
	broken           string        // the dashboard whose rights cannot be found out
}

func (s *slowRights) Role(ctx context.Context, p auth.Principal, id string) (auth.Role, error) {
	s.mu.Lock()
	s.asked++
	s.now++
	s.most = max(s.most, s.now)
	if s.now == rolesAtOnce {
		s.once.Do(func() { close(s.together) })
	}
	broken := s.broken
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.now--
		s.mu.Unlock()
	}()
	if strings.HasPrefix(id, "slow-") {
		select {
		case <-s.together:
		case <-ctx.Done():
			return auth.None, ctx.Err()
		}
	}
	if id == broken {
		return auth.None, errors.New("the app is away")
	}
	return s.Grants.Role(ctx, p, id)
}

func (s *slowRights) Watch(auth.Principal, string, func()) (stop func()) { return func() {} }
func (s *slowRights) Forget(string)                                      {}

// TestP1_ListingAsksSeveralAtATime: rights that have to be waited for are asked for side by
// side, and one that cannot be found out refuses the list as a whole.
func TestP1_ListingAsksSeveralAtATime(t *testing.T) {
	rights := &slowRights{together: make(chan struct{})}
	n := start(t, func(c *Config) {
		c.Authenticator = tokens{"ana": {UserID: "ana", Grants: []auth.Grant{{Pattern: "*", Role: auth.Owner}}}, "bo": {UserID: "bo", Grants: []auth.Grant{{Pattern: "slow-1*", Role: auth.Viewer}}}}
	})
	for i := range 20 {
		n.create(fmt.Sprintf("slow-%02d", i), as("ana"))
	}
	n = startOn(t, n.api.cfg.Journal, func(c *Config) {
		c.Authenticator, c.Authorizer = n.api.cfg.Authenticator, rights
	})
	var list struct{ Dashboards []struct{ ID, Role string } }
	n.do("GET", "/api/dashboards", "", as("bo")).want(200).into(&list)
	if len(list.Dashboards) != 10 || list.Dashboards[0].ID != "slow-10" || list.Dashboards[0].Role != "viewer" {
		t.Errorf("%+v", list)
	}
	if rights.asked != 20 || rights.most != rolesAtOnce {
		t.Errorf("asked %d, %d at a time", rights.asked, rights.most)
	}
	rights.mu.Lock()
	rights.broken = "slow-05"
	rights.mu.Unlock()
	n.do("GET", "/api/dashboards", "", as("bo")).refused(503, board.CodeUnavailable)
}

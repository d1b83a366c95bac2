package httpapi

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"github.com/dashwire/dashwire/board"
)

// describedOf reads openapi.json: its validator, and "METHOD /path" of all it describes.
func describedOf(t *testing.T) (validator.Validator, []string) {
	t.Helper()
	doc, err := libopenapi.NewDocument(description)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	t.Cleanup(v.Release)
	model, err := doc.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for path, item := range model.Model.Paths.PathItems.FromOldest() {
		for method := range item.GetOperations().FromOldest() {
			list = append(list, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(list)
	return v, list
}

func TestH4_TheDescriptionIsValidAndWhole(t *testing.T) {
	v, list := describedOf(t)
	if ok, errs := v.ValidateDocument(); !ok {
		for _, e := range errs {
			t.Errorf("%s: %s", e.Message, e.Reason)
			for _, s := range e.SchemaValidationErrors {
				t.Errorf("  %s at %s", s.Reason, s.FieldPath)
			}
		}
	}
	var served []string
	for _, r := range routes {
		served = append(served, r.method+" "+r.pattern)
	}
	slices.Sort(served)
	if !slices.Equal(list, served) {
		t.Errorf("openapi.json describes\n%s\nserved is\n%s", strings.Join(list, "\n"), strings.Join(served, "\n"))
	}
}

// exchange is one request with its answer, held against the description.
func (n *node) exchange(v validator.Validator, method, path, body string, lines ...header) *reply {
	n.t.Helper()
	r := n.request(method, path, body, lines...)
	resp, err := noRedirects.Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		// It does not end; the events have tests of their own.
		resp.Body = io.NopCloser(strings.NewReader(""))
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	again := n.request(method, path, body, lines...)
	resp.Body = io.NopCloser(bytes.NewReader(text))
	check := v.ValidateHttpRequestResponse
	if resp.StatusCode >= 400 {
		check = v.ValidateHttpResponse // what was refused need not be as described
	}
	if ok, errs := check(again, resp); !ok && len(text) > 0 {
		for _, e := range errs {
			n.t.Errorf("%s %s: %s: %s", method, path, e.Message, e.Reason)
			for _, s := range e.SchemaValidationErrors {
				n.t.Errorf("  %s at %s", s.Reason, s.FieldPath)
			}
		}
		n.t.Errorf("  answer %d %s", resp.StatusCode, text)
	}
	return &reply{t: n.t, Status: resp.StatusCode, Header: resp.Header, Body: text}
}

func TestH3_AnswersAreAsDescribed(t *testing.T) {
	v, list := describedOf(t)
	n, _ := audited(t, func(c *Config) {
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			_, _ = w.Write([]byte("dashwire_sessions 0\n"))
		})
		c.Import = func([]byte) (*Imported, *board.Error) {
			return &Imported{Document: &board.Document{Settings: "{}"}, Title: "G", SuggestedID: "g", Notes: []string{"a"}, Drawn: 1, Kept: 2}, nil
		}
		c.Webhooks = someWebhooks(t)
		c.Export = func(*board.Document) ([]byte, *board.Error) { return []byte(`{"panels":[]}`), nil }
	})
	l := n.listen("/api/realtime/events?clientId=tab-9&userId=ana")
	session := l.next().Payload.SessionID
	const d = "/api/dashboards/ops"
	merge := header{"Content-Type", "application/merge-patch+json"}
	seen := map[string]bool{}
	for _, x := range []struct {
		op, path, body string
		lines          []header
		status         int
	}{
		{"GET /api/realtime", "", "", nil, 200},
		{"POST /api/sign-in", "", `{"token":"ana"}`, nil, 404}, // sign-in is off
		{"POST /api/sign-out", "", "", nil, 404},
		{"POST /api/dashboards", "", `{"id":"ops","title":"Ops","document":{"settings":{"a":null},"widgets":{"cpu":{"title":"CPU"},"disk":{}},"layouts":{"main":{"columns":12,"items":{"cpu":{"x":1,"y":1,"w":2,"h":2}}}}}}`, []header{key("a-1")}, 201},
		{"POST /api/dashboards", "", `{"id":"ops"}`, nil, 409},
		{"POST /api/dashboards", "", `{"id":null}`, nil, 201},
		{"GET /api/dashboards", "", "", nil, 200},
		{"GET /api/dashboards", "?limit=1&q=o", "", nil, 200},
		{"GET /api/dashboards/{id}", d, "", nil, 200},
		{"GET /api/dashboards/{id}", "/api/dashboards/none", "", nil, 200},
		{"GET /api/dashboards/{id}", d, "", []header{{"If-None-Match", "*"}}, 304},
		{"PATCH /api/dashboards/{id}/widgets/{widget}", d + "/widgets/cpu", `{"title":"x","config":{"a":[1,null]}}`, []header{merge, onBase("1"), client("c"), {policyHeader, "ask"}}, 200},
		{"PATCH /api/dashboards/{id}/widgets/{widget}", d + "/widgets/cpu", `{"title":"y"}`, []header{merge, onBase("1"), {policyHeader, "ask"}}, 409},
		{"PATCH /api/dashboards/{id}/widgets/{widget}", d + "/widgets/cpu", `{"title":"y"}`, []header{merge, onBase("1"), {policyHeader, "overwrite"}}, 200},
		{"PATCH /api/dashboards/{id}/widgets/{widget}", d + "/widgets/cpu", `{"title":"y"}`, []header{merge, ifMatch(`"a:1"`)}, 412},
		{"PATCH /api/dashboards/{id}/widgets/{widget}", d + "/widgets/gone", `{"title":"y"}`, []header{merge}, 409},
		{"PUT /api/dashboards/{id}/widgets/{widget}", d + "/widgets/more", `{"type":"text"}`, nil, 200},
		{"PUT /api/dashboards/{id}/widgets/{widget}/data", d + "/widgets/more/data", `{"data":[1,2],"mode":"append","window":5}`, nil, 204},
		{"DELETE /api/dashboards/{id}/widgets/{widget}", d + "/widgets/more", "", nil, 200},
		{"PATCH /api/dashboards/{id}/settings", d + "/settings", `{"title":"Other"}`, []header{merge}, 200},
		{"PATCH /api/dashboards/{id}/layouts/{breakpoint}", d + "/layouts/main", `{"moved":{"cpu":{"x":3},"nothing":{"x":1}}}`, nil, 200},
		{"PATCH /api/dashboards/{id}/layouts/{breakpoint}", d + "/layouts/main", `{"moved":{"cpu":{"x":0.5}}}`, nil, 400},
		{"PUT /api/dashboards/{id}/layouts/{breakpoint}", d + "/layouts/phone", `{"columns":2,"compact":"none","items":{"cpu":{"x":0,"y":0,"w":2,"h":2,"static":true}}}`, nil, 200},
		{"PUT /api/dashboards/{id}/versions/{version}", d + "/versions/2", `{"name":"good"}`, nil, 200},
		{"GET /api/dashboards/{id}/versions/{version}", d + "/versions/2", "", nil, 200},
		{"GET /api/dashboards/{id}/versions", d + "/versions", "", nil, 200},
		{"DELETE /api/dashboards/{id}/versions/{version}", d + "/versions/2", "", nil, 200},
		{"GET /api/dashboards/{id}/history", d + "/history", "", nil, 200},
		{"GET /api/dashboards/{id}/history", d + "/history?limit=2&order=asc&after=1", "", nil, 200},
		{"GET /api/dashboards/{id}/audit", d + "/audit?user=anonymous&widget=cpu&path=/config&type=WIDGET_UPDATE,WIDGET_BATCH&since=2020-01-01T00:00:00Z&until=2100-01-01T00:00:00Z&limit=10", "", nil, 200},
		{"GET /api/dashboards/{id}/audit", d + "/audit?overwrote=true&blind=false&after=1", "", nil, 200},
		{"GET /api/admin/audit", "?limit=1&dashboard=ops", "", nil, 200},
		{"GET /api/admin/audit", "?format=ndjson", "", nil, 200},
		{"GET /api/admin/audit", "?format=csv&source=edits", "", nil, 200},
		{"POST /api/dashboards/{id}/restore", d + "/restore", `{"toVersion":1}`, nil, 200},
		{"POST /api/dashboards/{id}/duplicate", d + "/duplicate", `{"id":"ops2","title":"Two"}`, nil, 201},
		{"GET /api/dashboards/{id}/export", d + "/export", "", nil, 200},
		{"GET /api/dashboards/{id}/export", d + "/export?format=grafana", "", nil, 200},
		{"POST /api/dashboards/import", "?id=in", `{"widgets":{}}`, nil, 201},
		{"POST /api/dashboards/import", "?id=in&replace=true", `{"widgets":{"a":{}}}`, nil, 200},
		{"POST /api/dashboards/import", "", `{"panels":[]}`, nil, 201},
		{"POST /api/realtime", "", `{"type":"SYNC","operations":[{"type":"WIDGET_UPDATE","id":"s-1","payload":{"dashboardId":"ops","widgetId":"cpu","set":{"/title":"z"}}},{},{"type":"WIDGET_UPDATE","id":"s-2","payload":{"dashboardId":"ops","widgetId":"gone","set":{"/title":"z"}}}],"since":{"ops":null,"in":{"epoch":"","version":0}}}`, []header{{sessionHeader, session}}, 200},
		{"GET /api/realtime/events", "?dashboardId=ops", "", nil, 200},
		{"DELETE /api/dashboards/{id}", d, "", []header{ifMatch("*")}, 200},
		{"POST /api/dashboards/{id}/undelete", d + "/undelete", "", nil, 200},
		{"GET /api/dashboards", "?deleted=true", "", nil, 200},
		{"GET /api/stats", "", "", nil, 200},
		{"GET /metrics", "", "", nil, 200},
		{"POST /api/admin/messages", "", `{"name":"x","data":[1],"userId":"ana"}`, nil, 202},
		{"POST /api/admin/rights", "", `{"userId":"ana"}`, nil, 200},
		{"POST /api/admin/revoke", "", `{"userId":"ana"}`, nil, 400}, // sign-in is off
		{"GET /api/admin/audit", "?source=admin", "", nil, 200},
		{"GET /api/admin/sessions", "?user=ana", "", nil, 200},
		{"DELETE /api/admin/sessions/{session}", "/api/admin/sessions/" + session, "", nil, 204},
		{"DELETE /api/admin/sessions/{session}", "/api/admin/sessions/none?reconnect=true", "", nil, 404},
		{"GET /api/admin/webhooks", "", "", nil, 200},
		{"POST /api/admin/webhooks/{target}/enable", "/api/admin/webhooks/a/enable", "", nil, 204},
		{"GET /api/admin/webhooks/{target}/dead", "/api/admin/webhooks/a/dead?limit=1", "", nil, 200},
		{"GET /api/admin/webhooks/{target}/dead", "/api/admin/webhooks/b/dead", "", nil, 404},
		{"POST /api/admin/webhooks/{target}/dead/retry", "/api/admin/webhooks/a/dead/retry", "", nil, 202},
		{"GET /api/admin/webhooks/{target}/dead/{message}", "/api/admin/webhooks/a/dead/msg_1", "", nil, 200},
		{"POST /api/admin/webhooks/{target}/dead/{message}/retry", "/api/admin/webhooks/a/dead/msg_1/retry", "", nil, 202},
		{"DELETE /api/admin/webhooks/{target}/dead/{message}", "/api/admin/webhooks/a/dead/msg_1", "", nil, 204},
		{"DELETE /api/admin/webhooks/{target}/dead/{message}", "/api/admin/webhooks/a/dead/msg_1", "", nil, 404},
		{"GET /healthz", "", "", nil, 200},
		{"GET /readyz", "", "", nil, 200},
		{"GET /api/openapi.json", "", "", nil, 200},
	} {
		method, pattern, _ := strings.Cut(x.op, " ")
		path := x.path
		if !strings.HasPrefix(path, "/") {
			path = pattern + path
		}
		n.exchange(v, method, path, x.body, x.lines...).want(x.status)
		seen[x.op] = true
	}
	for _, op := range list {
		if !seen[op] {
			t.Errorf("%s is described and not tried", op)
		}
	}
	if len(seen) != len(list) {
		t.Errorf("tried %v", slices.Sorted(maps.Keys(seen)))
	}
}

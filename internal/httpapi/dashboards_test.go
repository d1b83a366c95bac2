package httpapi

import (
	"testing"
	"time"

	"github.com/dashwire/dashwire/board"
)

func TestH3_DashboardsOverREST(t *testing.T) {
	n := start(t, nil)
	made := n.create("ops").has(`"ops"`, "id").has("1", "version").has(`"memory"`, "durability")
	if got := made.Header.Get("Location"); got != "/api/dashboards/ops" {
		t.Errorf("Location %q", got)
	}
	got := n.do("GET", "/api/dashboards/ops", "").want(200).
		has(`"Operations"`, "settings", "title").has(`"CPU"`, "widgets", "cpu", "title").
		has("24", "layouts", "main", "columns").has("6", "layouts", "main", "items", "cpu", "w")
	tag := got.Header.Get("ETag")
	if tag != `"`+unquoted(t, got.at("epoch"))+`:1"` {
		t.Errorf("ETag %s of %s", tag, got.Body)
	}
	same := n.do("GET", "/api/dashboards/ops", "", header{"If-None-Match", `"x:1", W/` + tag}).want(304)
	if len(same.Body) > 0 || same.Header.Get("ETag") != tag {
		t.Errorf("304 with %q and ETag %q", same.Body, same.Header.Get("ETag"))
	}
	n.do("POST", "/api/dashboards", `{"id":"ops"}`).refused(409, board.CodeExists)

	n.do("PATCH", "/api/dashboards/ops/widgets/cpu", `{"config":{"unit":null,"max":1.10}}`).want(200).
		has(`"applied"`, "status").has("2", "version").has("false", "inStream")
	n.do("GET", "/api/dashboards/ops", "", header{"If-None-Match", tag}).want(200).
		has(`{"max":1.10}`, "widgets", "cpu", "config")
	n.do("PUT", "/api/dashboards/ops/widgets/disk", `{"type":"text"}`).want(200).has("3", "version")
	n.do("PUT", "/api/dashboards/ops/widgets/disk", `{"type":"gauge"}`).want(200).has("4", "version")
	n.do("PUT", "/api/dashboards/ops/widgets/disk", `{"type":"gauge"}`).want(200).has(`"unchanged"`, "status")
	n.do("DELETE", "/api/dashboards/ops/widgets/cpu", "").want(200).has("5", "version")
	n.do("PATCH", "/api/dashboards/ops/settings", `{"tags":["a"]}`).want(200).has("6", "version")
	n.do("PATCH", "/api/dashboards/ops/layouts/main", `{"moved":{"disk":{"x":6}}}`).want(200).has("7", "version")
	n.do("PUT", "/api/dashboards/ops/layouts/phone", `{"columns":2,"compact":"vertical","items":{"disk":{"x":0,"y":0,"w":2,"h":3}}}`).want(200).has("8", "version")
	n.do("GET", "/api/dashboards/ops", "").want(200).
		has("2", "layouts", "phone", "columns").has("6", "layouts", "main", "items", "disk", "x").
		has(`{"disk":{"type":"gauge"}}`, "widgets")

	n.do("POST", "/api/dashboards/ops/duplicate", `{"id":"ops2"}`).want(201).has(`"ops2"`, "id")
	n.do("GET", "/api/dashboards/ops2", "").want(200).has(`"Copy of Operations"`, "settings", "title").
		has(`{"disk":{"type":"gauge"}}`, "widgets").has("1", "version")
	n.do("GET", "/api/dashboards", "").want(200).has(`"ops"`, "dashboards", 0, "id").
		has(`"Operations"`, "dashboards", 0, "title").has(`"ops2"`, "dashboards", 1, "id").has("null", "next")
}

func unquoted(t *testing.T, s string) string {
	t.Helper()
	if len(s) < 2 || s[0] != '"' {
		t.Fatalf("%s is no string", s)
	}
	return s[1 : len(s)-1]
}

func TestR9_DeletedDashboardsComeBack(t *testing.T) {
	c := &movable{}
	n := start(t, func(cfg *Config) { cfg.Clock = c })
	n.create("ops")
	n.do("POST", "/api/dashboards/ops/undelete", "").refused(409, board.CodeExists)
	n.do("DELETE", "/api/dashboards/ops", "").want(200).has("2", "version")
	n.do("DELETE", "/api/dashboards/ops", "").refused(404, board.CodeNotFound)
	n.do("GET", "/api/dashboards", "").want(200).has("[]", "dashboards")
	n.do("GET", "/api/dashboards?deleted=true", "").want(200).has(`"ops"`, "dashboards", 0, "id")
	n.do("POST", "/api/dashboards/ops/undelete", "", key("back-1")).want(200).has("3", "version")
	n.do("POST", "/api/dashboards/ops/undelete", "", key("back-1")).want(200).has("3", "version")
	n.do("GET", "/api/dashboards/ops", "").want(200).has(`"CPU"`, "widgets", "cpu", "title").has("3", "version")

	n.do("DELETE", "/api/dashboards/ops", "").want(200)
	c.add(31 * 24 * time.Hour)
	n.do("POST", "/api/dashboards/ops/undelete", "").refused(410, board.CodeGone)
	n.do("GET", "/api/dashboards?deleted=true", "").want(200).has("[]", "dashboards")
	n.create("ops").has("1", "version")
	n.do("POST", "/api/dashboards/never/undelete", "").refused(404, board.CodeNotFound)
}

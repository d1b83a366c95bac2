package httpapi

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
)

func TestH3_ConditionsOfWrites(t *testing.T) {
	n := start(t, nil)
	n.create("ops")
	tag := n.do("GET", "/api/dashboards/ops", "").Header.Get("ETag")
	const path = "/api/dashboards/ops/widgets/cpu"
	first := n.do("PATCH", path, `{"title":"a"}`, ifMatch(tag)).want(200).has("2", "version")
	if first.Header.Get("ETag") == "" || first.Header.Get("ETag") == tag {
		t.Errorf("ETag %q after %q", first.Header.Get("ETag"), tag)
	}
	n.do("PATCH", path, `{"title":"b"}`, ifMatch(tag)).refused(412, board.CodeConflict)
	n.do("PATCH", path, `{"title":"b"}`, ifMatch(`W/`+tag)).refused(412, board.CodeConflict)
	n.do("PATCH", path, `{"title":"b"}`, ifMatch(`"other:2"`)).refused(412, board.CodeConflict)
	n.do("PATCH", path, `{"title":"b"}`, ifMatch(tag+", "+first.Header.Get("ETag"))).want(200).has("3", "version")
	n.do("PATCH", path, `{"title":"c"}`, ifMatch("*")).want(200).has("4", "version")
	n.do("PATCH", "/api/dashboards/new/settings", `{"title":"c"}`, ifMatch("*")).refused(412, board.CodeConflict)

	// Dashwire-Base merges: another path is no clash, the same one is.
	n.do("PATCH", path, `{"color":"red"}`, onBase("1")).want(200).has(`"merged"`, "status")
	n.do("PATCH", path, `{"title":"d"}`, onBase(tag), header{policyHeader, "reject"}).refused(409, board.CodeConflict).has(`"c"`, "current")
	n.do("PATCH", path, `{"title":"d"}`, onBase("1"), header{policyHeader, "ask"}).refused(409, board.CodeConflict).
		has(`"/title"`, "conflict", "fields", 0, "path").has(`"d"`, "conflict", "fields", 0, "mine").has(`"c"`, "conflict", "fields", 0, "theirs").
		has("5", "conflict", "version")
	n.do("PATCH", path, `{"title":"d"}`, onBase("1"), header{policyHeader, "overwrite"}).want(200).has(`"c"`, "overwrote", 0, "value")
	n.do("PATCH", path, `{"title":"d"}`, onBase("99")).refused(400, board.CodeBadVersion)
	n.do("PATCH", path, `{"title":"d"}`, onBase("-1")).refused(400, board.CodeBadVersion)
	n.do("PATCH", path, `{"title":"d"}`, header{policyHeader, "maybe"}).refused(400, board.CodeInvalidValue).has(`"`+policyHeader+`"`, "path")
	n.do("PATCH", "/api/dashboards/ops/widgets/gone", `{"title":"d"}`).refused(409, board.CodeConflict).has(`"deleted"`, "conflict", "kind")
}

// A PUT that must not replace anything says so in the way of HTTP.
func TestM9_PutOnlyCreates(t *testing.T) {
	n := start(t, nil)
	n.create("ops")
	const path = "/api/dashboards/ops/widgets/new"
	only := header{"If-None-Match", "*"}
	n.do("PUT", path, `{"title":"first"}`, only, header{keyHeader, "k1"}).want(200).has(`"first"`, "change", "widgets", "new", "value", "title")
	n.do("PUT", path, `{"title":"second"}`, only).refused(412, board.CodeExists)
	n.do("PUT", path, `{"title":"first"}`, only, header{keyHeader, "k1"}).want(200).has("2", "version") // M8
	n.do("GET", "/api/dashboards/ops", "").has(`"first"`, "widgets", "new", "title")
	n.do("PUT", path, `{"title":"third"}`, header{"If-None-Match", `"x:1"`}).refused(400, board.CodeBadMessage).has(`"If-None-Match"`, "path")
	n.do("PUT", path, `{"title":"third"}`).want(200).has("3", "version")
	n.do("PUT", "/api/dashboards/fresh/widgets/a", `{}`, only).want(200).has("1", "version")
}

func TestM3_AClientDoesNotClashWithItself(t *testing.T) {
	n := start(t, nil)
	n.create("ops")
	const path = "/api/dashboards/ops/widgets/cpu"
	strict := header{policyHeader, "reject"}
	n.do("PATCH", path, `{"title":"a"}`, onBase("1"), strict, client("tab-1")).want(200)
	n.do("PATCH", path, `{"title":"b"}`, onBase("1"), strict, client("tab-1")).want(200)
	n.do("PATCH", path, `{"title":"c"}`, onBase("1"), strict, client("tab-2")).refused(409, board.CodeConflict)
	n.do("PATCH", path, `{"title":"c"}`, onBase("1"), strict).refused(409, board.CodeConflict)
	n.do("PATCH", path, `{"title":"c"}`, client("a b")).refused(400, board.CodeInvalidID)
}

func TestM8_IdempotencyKeyIsTheOpID(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log.db")
	t.Run("M8 before a restart", func(t *testing.T) {
		j, err := sqlitejournal.Open(file, sqlitejournal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = j.Close() }) // after the server's
		n := startOn(t, j, nil)
		n.create("ops", key("make")).has(`"disk"`, "durability")
		n.create("ops", key("make")).has("1", "version")
		n.do("PATCH", "/api/dashboards/ops/widgets/cpu", `{"title":"a"}`, key("op-1")).want(200).has("2", "version")
		n.do("PATCH", "/api/dashboards/ops/widgets/cpu", ` { "title" : "a" } `, key("op-1")).want(200).has("2", "version").has(`"applied"`, "status")
		n.do("PATCH", "/api/dashboards/ops/widgets/cpu", `{"title":"b"}`, key("op-1")).refused(409, board.CodeIDReused)
		n.do("PATCH", "/api/dashboards/ops/widgets/cpu", `{"title":"a"}`, key("op-1"), onBase("1")).refused(409, board.CodeIDReused)
		n.do("PATCH", "/api/dashboards/ops/widgets/cpu", `{"title":"a"}`, key("a b")).refused(400, board.CodeInvalidID)
		// Another user's ids are their own.
		n.do("PATCH", "/api/dashboards/ops/widgets/cpu?userId=ana", `{"title":"c"}`, key("op-1")).want(200).has("3", "version")
		n.do("PUT", "/api/dashboards/ops/versions/2", `{"name":"good"}`, key("name")).want(200).has("4", "version")
		n.do("PUT", "/api/dashboards/ops/versions/2", `{"name":"good"}`, key("name")).want(200).has("4", "version")
		n.do("POST", "/api/dashboards/ops/restore", `{"toVersion":2}`, key("back")).want(200).has("5", "version")
	})
	t.Run("M8 after it, and by the message that a session would send", func(t *testing.T) {
		j, err := sqlitejournal.Open(file, sqlitejournal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = j.Close() }) // after the server's
		n := startOn(t, j, nil)
		n.do("PATCH", "/api/dashboards/ops/widgets/cpu", `{"title":"a"}`, key("op-1")).want(200).has("2", "version")
		n.do("POST", "/api/dashboards/ops/restore", `{"toVersion":2}`, key("back")).want(200).has("5", "version")
		message := `{"type":"SYNC","operations":[{"id":"op-1","age":7,"type":"WIDGET_UPDATE","payload":{"widgetId":"cpu","dashboardId":"ops","changes":{"title":"a"}}}]}`
		n.do("POST", "/api/realtime", message).want(200).
			has("2", "results", 0, "payload", "version").has(`"applied"`, "results", 0, "payload", "status")
		n.do("POST", "/api/realtime", strings.Replace(message, `"a"}`, `"z"}`, 1)).want(200).has(`"ID_REUSED"`, "results", 0, "payload", "code")
		n.do("GET", "/api/dashboards/ops", "").want(200).has("5", "version").has(`"a"`, "widgets", "cpu", "title")
	})
}

func TestD4_BodiesAreHeldAgainstTheRules(t *testing.T) {
	n := start(t, nil)
	n.create("ops")
	deep := func(depth int) string { return strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth) }
	for _, tc := range []struct {
		name, method, path, body string
		status                   int
		code                     board.Code
		where                    string
	}{
		{"D4 a widget as deep as may be", "PUT", "/widgets/w", deep(32), 200, "", ""},
		{"D4 a widget that is deeper", "PUT", "/widgets/w", deep(33), 400, board.CodeInvalidValue, `""`},
		{"D4 a patch that is deeper", "PATCH", "/widgets/cpu", deep(33), 400, board.CodeInvalidValue, ""},
		{"D4 a forbidden key", "PATCH", "/widgets/cpu", `{"config":{"__proto__":{"x":1}}}`, 400, board.CodeInvalidValue, `"/config/__proto__"`},
		{"D4 a key twice", "PATCH", "/widgets/cpu", `{"a":1,"a":2}`, 400, board.CodeInvalidValue, `"/a"`},
		{"D4 half a surrogate", "PATCH", "/widgets/cpu", `{"a":"\ud800"}`, 400, board.CodeInvalidValue, `"/a"`},
		{"D4 invalid UTF-8", "PATCH", "/widgets/cpu", "{\"a\":\"\xff\"}", 400, board.CodeInvalidValue, `"/a"`},
		{"D4 a long number", "PATCH", "/widgets/cpu", `{"a":` + strings.Repeat("1", 65) + `}`, 400, board.CodeInvalidValue, `"/a"`},
		{"D4 no JSON", "PATCH", "/widgets/cpu", `{"a":1`, 400, board.CodeBadMessage, ""},
		{"D4 a body that would break out of its envelope", "PATCH", "/widgets/cpu", `{}},"policy":"overwrite","x":{}`, 400, board.CodeBadMessage, ""},
		{"D4 no object", "PATCH", "/widgets/cpu", `[1]`, 400, board.CodeBadMessage, ""},
		{"D4 a widget is an object", "PUT", "/widgets/cpu", `null`, 400, board.CodeBadMessage, ""},
		{"D2 a widget's id", "PUT", "/widgets/__proto__", `{}`, 400, board.CodeInvalidID, ""},
		{"D2 a breakpoint's id", "PATCH", "/layouts/a~b", `{}`, 400, board.CodeInvalidID, ""},
		{"L7 no such breakpoint", "PATCH", "/layouts/tv", `{"columns":3}`, 404, board.CodeNotFound, ""},
		{"L2 a rectangle with fractions", "PATCH", "/layouts/main", `{"moved":{"cpu":{"x":0.5}}}`, 400, board.CodeInvalidLayout, ""},
		{"L1 an unknown member", "PATCH", "/layouts/main", `{"mvoed":{}}`, 400, board.CodeBadMessage, ""},
		{"W1 no data", "PUT", "/widgets/cpu/data", `{"mode":"replace"}`, 400, board.CodeInvalidValue, `"data"`},
		{"W1 an unknown member", "PUT", "/widgets/cpu/data", `{"value":1}`, 400, board.CodeBadMessage, ""},
		{"W1 no such widget", "PUT", "/widgets/gone/data", `{"data":1}`, 404, board.CodeNotFound, ""},
		{"W1 points that are none", "PUT", "/widgets/cpu/data", `{"data":1,"mode":"append"}`, 400, board.CodeInvalidValue, `"data"`},
		{"W2 a value too large", "PUT", "/widgets/cpu/data", `{"data":"` + strings.Repeat("x", 65<<10) + `"}`, 413, board.CodeTooLarge, `"data"`},
		{"D5 a body too large", "PUT", "/widgets/cpu", `{"a":"` + strings.Repeat("x", 1<<20) + `"}`, 413, board.CodeTooLarge, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := n.in(t).do(tc.method, "/api/dashboards/ops"+tc.path, tc.body)
			if tc.code == "" {
				got.want(tc.status)
				return
			}
			got.refused(tc.status, tc.code)
			if tc.where != "" && tc.where != `""` {
				got.has(tc.where, "path")
			}
		})
	}
	n.do("GET", "/api/dashboards/__proto__", "").refused(400, board.CodeInvalidID)
}

func TestD3_NumbersKeepTheirDigitsOverREST(t *testing.T) {
	n := start(t, nil)
	n.create("ops")
	const value = `{"a":1.10,"b":1e400,"c":123456789012345678901234567890,"d":-0}`
	n.do("PUT", "/api/dashboards/ops/widgets/n", value).want(200)
	if got := string(n.do("GET", "/api/dashboards/ops", "").Body); !strings.Contains(got, value) {
		t.Errorf("%s is not in %s", value, got)
	}
}

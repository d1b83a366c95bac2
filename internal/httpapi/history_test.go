package httpapi

import (
	"strconv"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/board"
)

func TestH3_HistoryByPage(t *testing.T) {
	n := start(t, nil)
	n.create("ops")
	for v := 2; v <= 7; v++ {
		n.do("PATCH", "/api/dashboards/ops/widgets/cpu", `{"n":`+strconv.Itoa(v)+`}`).want(200)
	}
	walk := func(order, bound string, want ...string) {
		t.Helper()
		query := "?limit=3&order=" + order
		var got []string
		for range 4 {
			page := n.do("GET", "/api/dashboards/ops/history"+query, "").want(200).has("7", "version").has("0", "horizon")
			for i := range 3 {
				if v := page.at("entries", i, "payload", "version"); v != "" && v != "null" {
					got = append(got, v)
				}
			}
			next := page.at("next")
			if next == "null" {
				break
			}
			query = "?limit=3&order=" + order + "&" + bound + "=" + next
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: %v, want %v", order, got, want)
		}
	}
	walk("desc", "before", "7", "6", "5", "4", "3", "2", "1")
	walk("asc", "after", "1", "2", "3", "4", "5", "6", "7")
	entry := n.do("GET", "/api/dashboards/ops/history?limit=1", "").want(200)
	entry.has(`"WIDGET_UPDATE"`, "entries", 0, "type").has("true", "entries", 0, "payload", "blind").
		has("7", "entries", 0, "payload", "change", "widgets", "cpu", "set", "/n").has("7", "next")
	n.do("GET", "/api/dashboards/ops/history?before=0", "").want(200).has("[]", "entries")
	n.do("GET", "/api/dashboards/ops/history?order=asc&after=99", "").want(200).has("[]", "entries").has("null", "next")
	for _, bad := range []string{"limit=0", "limit=201", "limit=x", "order=up", "before=x", "order=asc&after=-1"} {
		if got := n.do("GET", "/api/dashboards/ops/history?"+bad, ""); got.Status != 400 {
			t.Errorf("%s: %d", bad, got.Status)
		}
	}
	n.do("GET", "/api/dashboards/none/history", "").want(200).has("[]", "entries")
}

func TestH3_VersionsNamesAndRestore(t *testing.T) {
	n := start(t, nil)
	n.create("ops")
	n.do("PATCH", "/api/dashboards/ops/widgets/cpu", `{"title":"two"}`).want(200)
	n.do("PUT", "/api/dashboards/ops/widgets/disk", `{"title":"three"}`).want(200)
	old := n.do("GET", "/api/dashboards/ops/versions/2", "").want(200).has("2", "version").has(`"two"`, "widgets", "cpu", "title").has("", "widgets", "disk")
	if !strings.HasSuffix(old.Header.Get("ETag"), `:2"`) {
		t.Errorf("ETag %s", old.Header.Get("ETag"))
	}
	n.do("GET", "/api/dashboards/ops/versions/0", "").want(200).has("{}", "widgets")
	n.do("GET", "/api/dashboards/ops/versions/4", "").refused(400, board.CodeBadVersion)
	n.do("GET", "/api/dashboards/ops/versions/x", "").refused(400, board.CodeBadVersion)

	n.do("PUT", "/api/dashboards/ops/versions/2?userId=ana", `{"name":"before the \"move\""}`).want(200).has("4", "version")
	n.do("PUT", "/api/dashboards/ops/versions/3", `{"name":"later"}`).want(200)
	n.do("GET", "/api/dashboards/ops/versions", "").want(200).
		has("3", "versions", 0, "version").has(`"before the \"move\""`, "versions", 1, "name").has(`"ana"`, "versions", 1, "by")
	n.do("GET", "/api/dashboards/ops", "").want(200).has(`"later"`, "settings", "versions", "3", "name")
	n.do("DELETE", "/api/dashboards/ops/versions/3", "").want(200)
	n.do("DELETE", "/api/dashboards/ops/versions/3", "").want(200).has(`"unchanged"`, "status")
	n.do("PUT", "/api/dashboards/ops/versions/77", `{"name":"x"}`).refused(400, board.CodeBadVersion)
	n.do("PUT", "/api/dashboards/ops/versions/2", `{"name":""}`).refused(400, board.CodeInvalidValue)

	n.do("POST", "/api/dashboards/ops/restore", `{"toVersion":2}`).want(200).has("7", "version")
	n.do("GET", "/api/dashboards/ops", "").want(200).has("", "widgets", "disk").has(`"two"`, "widgets", "cpu", "title").
		has(`"before the \"move\""`, "settings", "versions", "2", "name") // a restore keeps the names
	n.do("GET", "/api/dashboards/ops/history?limit=1", "").want(200).has(`"WIDGET_BATCH"`, "entries", 0, "type")
	n.do("POST", "/api/dashboards/ops/restore", `{"toVersion":99}`).refused(400, board.CodeBadVersion)
	n.do("POST", "/api/dashboards/ops/restore", `{}`).refused(400, board.CodeBadVersion)
	n.do("POST", "/api/dashboards/none/restore", `{"toVersion":1}`).refused(404, board.CodeNotFound)
	n.do("POST", "/api/dashboards/ops/duplicate", `{"id":"copy"}`).want(201)
	n.do("GET", "/api/dashboards/copy/versions", "").want(200).has("[]", "versions")
	n.do("POST", "/api/dashboards/ops/duplicate", `{"id":"then","title":"As it was","version":3}`).want(201).has("1", "version")
	n.do("GET", "/api/dashboards/then", "").want(200).has(`"As it was"`, "settings", "title").
		has(string(n.do("GET", "/api/dashboards/ops/versions/3", "").want(200).at("widgets")), "widgets")
	n.do("POST", "/api/dashboards/ops/duplicate", `{"id":"never","version":99}`).refused(400, board.CodeBadVersion)
	n.do("POST", "/api/dashboards/ops/duplicate", `{"id":"never","version":0}`).refused(400, board.CodeBadVersion)
	// People may write what they like where the names are.
	n.do("PATCH", "/api/dashboards/ops/settings", `{"versions":{"2":7,"x":{"name":"y"}}}`).want(200)
	n.do("GET", "/api/dashboards/ops/versions", "").want(200).has("[]", "versions")
}

func TestH3_ExportAndImport(t *testing.T) {
	n := start(t, func(c *Config) {
		c.Import = func(data []byte) (*Imported, *board.Error) {
			if !strings.Contains(string(data), "panels") {
				return nil, board.Errorf(board.CodeBadMessage, "no dashboard of Grafana")
			}
			return &Imported{
				Document: &board.Document{Settings: `{"title":"Grafana's"}`, Widgets: map[string]board.Value{"panel-1": `{"type":"graph"}`}},
				Title:    "Grafana's", SuggestedID: "from-grafana", Notes: []string{"one panel is only kept"}, Kept: 1,
			}, nil
		}
		c.Export = func(d *board.Document) ([]byte, *board.Error) {
			return []byte(`{"panels":` + strconv.Itoa(len(d.Widgets)) + `}`), nil
		}
	})
	n.create("a:1")
	n.do("PUT", "/api/dashboards/a:1/versions/1", `{"name":"first"}`).want(200)
	file := n.do("GET", "/api/dashboards/a:1/export", "").want(200).has(`"dashwire.dashboard"`, "format").has("1", "formatVersion").has(`"CPU"`, "document", "widgets", "cpu", "title")
	if got := file.Header.Get("Content-Disposition"); got != `attachment; filename="a_1.dashwire.json"` {
		t.Errorf("Content-Disposition %s", got)
	}
	n.do("POST", "/api/dashboards/import", string(file.Body)).refused(409, board.CodeExists)
	n.do("POST", "/api/dashboards/import?id=b", string(file.Body)).want(201).has(`"b"`, "id").has("1", "drawn").has("[]", "notes")
	n.do("GET", "/api/dashboards/b", "").want(200).has(`"CPU"`, "widgets", "cpu", "title").has("", "settings", "versions")
	n.do("PUT", "/api/dashboards/b/widgets/more", `{}`).want(200)
	n.do("POST", "/api/dashboards/import?id=b&replace=true", string(file.Body)).want(200).has("3", "version")
	n.do("GET", "/api/dashboards/b", "").want(200).has("", "widgets", "more")
	// A document as it is read, too.
	n.do("POST", "/api/dashboards/import?id=c", string(n.do("GET", "/api/dashboards/b", "").Body)).want(201)

	n.do("GET", "/api/dashboards/b/export?format=grafana", "").want(200).has("1", "panels")
	n.do("GET", "/api/dashboards/b/export?format=pdf", "").refused(400, board.CodeBadMessage)
	n.do("GET", "/api/dashboards/none/export", "").refused(404, board.CodeNotFound)
	n.do("POST", "/api/dashboards/import", `{"panels":[]}`).want(201).has(`"from-grafana"`, "id").
		has(`"one panel is only kept"`, "notes", 0).has("1", "kept").has(`"Grafana's"`, "title")
	// Nobody asked for that id, so the next file gets a free one; sent again, it is the same one (M8).
	n.do("POST", "/api/dashboards/import", `{"panels":[]}`).want(201).has(`"from-grafana-2"`, "id")
	n.do("DELETE", "/api/dashboards/from-grafana-2", "").want(200)
	for range 2 {
		n.do("POST", "/api/dashboards/import", `{"panels":[3]}`, key("again")).want(201).has(`"from-grafana-2"`, "id")
	}
	n.do("POST", "/api/dashboards/import", `{"panels":[]}`).want(201).has(`"from-grafana-3"`, "id")
	n.do("POST", "/api/dashboards/import?id=from-grafana", `{"panels":[]}`).refused(409, board.CodeExists)
	n.do("POST", "/api/dashboards/import?replace=true", `{"panels":[]}`).want(200).has(`"from-grafana"`, "id")
	n.do("POST", "/api/dashboards/import", `{"something":1}`).refused(400, board.CodeBadMessage)
	n.do("POST", "/api/dashboards/import", `[]`).refused(400, board.CodeBadMessage)
	n.do("POST", "/api/dashboards/import", `{"format":"dashwire.dashboard","formatVersion":2,"document":{"widgets":{}}}`).refused(400, board.CodeInvalidValue)
	// A file that has lost its document empties no dashboard.
	n.do("POST", "/api/dashboards/import", `{"format":"dashwire.dashboard","formatVersion":2,"board":{}}`).refused(400, board.CodeInvalidValue).has(`"/formatVersion"`, "path")
	n.do("POST", "/api/dashboards/import?id=b&replace=true", `{"format":"dashwire.dashboard","formatVersion":1,"id":"b"}`).refused(400, board.CodeInvalidValue).has(`"/document"`, "path")
	n.do("POST", "/api/dashboards/import", `{"widgets":{"a/b":{}}}`).refused(400, board.CodeInvalidID)
	n.do("POST", "/api/dashboards/import", `{"widgets":{"w":`+strings.Repeat(`{"a":`, 33)+`1`+strings.Repeat("}", 33)+`}}`).refused(400, board.CodeInvalidValue)
}

func TestH3_CreatedIDsCannotBeGuessed(t *testing.T) {
	n := start(t, nil)
	seen := map[string]bool{}
	for range 20 {
		id := unquoted(t, n.do("POST", "/api/dashboards", "").want(201).at("id"))
		if len(id) < 26 || seen[id] || board.CheckID("dashboard", id) != nil {
			t.Errorf("id %q", id)
		}
		seen[id] = true
	}
	n.do("POST", "/api/dashboards", `{"id":"a/b"}`).refused(400, board.CodeInvalidID)
	n.do("POST", "/api/dashboards", `{"name":"x"}`).refused(400, board.CodeBadMessage)
	n.do("POST", "/api/dashboards", `{"document":{"widgets":[]}}`).refused(400, board.CodeInvalidValue).has(`"/document/widgets"`, "path")
}

func TestH3_ListByPage(t *testing.T) {
	n := start(t, signedIn)
	for i := range 7 {
		n.create("team-"+strconv.Itoa(i), as("ana"))
	}
	var got []string
	cursor := ""
	for range 5 {
		page := n.do("GET", "/api/dashboards?limit=3&cursor="+cursor, "", as("cy")).want(200)
		for i := range 3 {
			if id := page.at("dashboards", i, "id"); id != "" && id != "null" {
				got = append(got, unquoted(t, id))
			}
		}
		if page.at("next") == "null" {
			break
		}
		cursor = unquoted(t, page.at("next"))
	}
	if strings.Join(got, " ") != "team-0 team-1 team-2 team-3 team-4 team-5 team-6" {
		t.Errorf("listed %v", got)
	}
	n.do("GET", "/api/dashboards", "", as("dot")).want(200).has("[]", "dashboards")
	n.do("GET", "/api/dashboards?q=TEAM-3", "", as("cy")).want(200).has(`"team-3"`, "dashboards", 0, "id").has("", "dashboards", 1, "id").has(`"viewer"`, "dashboards", 0, "role")
	n.do("GET", "/api/dashboards?cursor=!", "", as("cy")).refused(400, board.CodeBadMessage)
	// Only owners see what can be brought back.
	n.do("DELETE", "/api/dashboards/team-3", "", as("ana")).want(200)
	n.do("GET", "/api/dashboards?deleted=true", "", as("bo")).want(200).has("[]", "dashboards")
	n.do("GET", "/api/dashboards?deleted=true", "", as("ana")).want(200).has(`"team-3"`, "dashboards", 0, "id").
		has(n.do("GET", "/api/dashboards/team-2", "", as("ana")).at("settings", "title"), "dashboards", 0, "title").has("1", "dashboards", 0, "widgets")
	n.do("GET", "/api/dashboards?deleted=true&q=TEAM-3", "", as("ana")).want(200).has(`"team-3"`, "dashboards", 0, "id")
	n.do("GET", "/api/dashboards?deleted=perhaps", "", as("ana")).refused(400, board.CodeBadMessage)
}

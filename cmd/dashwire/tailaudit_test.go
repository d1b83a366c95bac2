package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestTail_Audit tells of entries and of what operators did, by filters, as it happens,
// and from a file.
func TestTail_Audit(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "--no-demo", "--data", "x.db")
	edit := func(user, widget, body string) {
		fetch(t, "PATCH", p.url+"/api/dashboards/ops/widgets/"+widget+"?userId="+user, body, http.Header{"Dashwire-Base": {"1"}})
	}
	fetch(t, "PUT", p.url+"/api/dashboards/ops/widgets/cpu?userId=ana", `{"type":"gauge","title":"CPU"}`, nil)
	edit("bo", "cpu", `{"config":{"unit":"%"}}`)

	tail := start(t, command(t, dir, "tail", "--audit", "--server", p.url))
	at := `^\d\d:\d\d:\d\d  `
	tail.wait(regexp.MustCompile(at + `\(server\)     +1  \S+ +server started: .*--data x.db.*$`))
	tail.wait(regexp.MustCompile(at + `ops +1  ana        created the dashboard with 1 widget  \[blind\]$`))
	tail.wait(regexp.MustCompile(at + `ops +2  bo         set unit of "CPU" to "%"$`))
	edit("bo", "cpu", `{"title":"Load"}`)
	tail.wait(regexp.MustCompile(at + `ops +3  bo         renamed "CPU" to "Load"$`))
	fetch(t, "POST", p.url+"/api/admin/rights?userId=op", `{"userId":"ana"}`, nil)
	tail.wait(regexp.MustCompile(at + `\(server\) +2  op         rights reread: sessions 0, user ana  \[127\.0\.0\.1\]$`))
	fetch(t, "PUT", p.url+"/api/dashboards/new/widgets/cpu?userId=ana", `{"type":"gauge"}`, nil)
	tail.wait(regexp.MustCompile(at + `new +1  ana        created the dashboard with 1 widget  \[blind\]$`))
	tail.stopQuietly()

	what := func(flags ...string) string {
		t.Helper()
		out := must(t, dir, append([]string{"tail", "--no-follow"}, flags...)...)
		return strings.TrimSpace(regexp.MustCompile(`(?m)^\d\S+ +(?:[a-z(]\S* +)?\d+  (\S+) +`).ReplaceAllString(out, "$1: "))
	}
	for name, c := range map[string]struct {
		flags []string
		want  string
	}{
		"a user":             {[]string{"ops", "--user", "bo"}, "bo: set unit of \"CPU\" to \"%\"\nbo: renamed \"CPU\" to \"Load\""},
		"a path":             {[]string{"ops", "--path", "/config/unit"}, `bo: set unit of "CPU" to "%"`},
		"a type":             {[]string{"--type", "WIDGET_UPDATE", "--user", "bo", "-n", "1"}, `bo: renamed "CPU" to "Load"`},
		"a time":             {[]string{"ops", "--since", "1h", "--until", "2020-01-01"}, ""},
		"an operator":        {[]string{"--user", "op"}, "op: rights reread: sessions 0, user ana  [127.0.0.1]"},
		"nothing before now": {[]string{"ops", "--audit", "-n", "0"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := what(append(c.flags, "--server", p.url)...); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	var line struct{ User, Dashboard, What string }
	out := must(t, dir, "tail", "ops", "--json", "-n", "1", "--no-follow", "--server", p.url)
	if err := json.Unmarshal([]byte(out), &line); err != nil {
		t.Fatal(err)
	}
	if line.User != "bo" || line.Dashboard != "ops" || line.What == "" {
		t.Errorf("as JSON: %+v", line)
	}
	for _, wrong := range [][]string{{"--audit", "ops", "--since", "2"}, {"--until", "never"}, {"ops", "--path", "config"}, {"ops", "--type", "PING"}} {
		if r := dash(t, dir, append(append([]string{"tail", "--no-follow"}, wrong...), "--server", p.url)...); r.code == 0 || r.err == "" {
			t.Errorf("%q: exit code %d, %s%s", wrong, r.code, r.out, r.err)
		}
	}
	p.stop()
	if got := what("--audit", "--data", "x.db", "-n", "3"); got != "op: rights reread: sessions 0, user ana  [127.0.0.1]\nana: created the dashboard with 1 widget  [blind]\nnobody: server stopped" {
		t.Errorf("from a file: %q", got)
	}
	for _, text := range strings.Split(strings.TrimSpace(must(t, dir, "tail", "--json", "--no-follow", "--data", "x.db")), "\n") {
		if !json.Valid([]byte(text)) {
			t.Errorf("this is no JSON: %s", text)
		}
	}
}

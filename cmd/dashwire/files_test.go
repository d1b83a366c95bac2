package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
)

// grafanaFiles are real dashboards.
var grafanaFiles = []string{"node-exporter-full.json", "haproxy.json"}

func grafanaFile(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../grafana/testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func value(t *testing.T, data []byte) board.Value {
	t.Helper()
	v, bad := board.ParseValue(data)
	if bad != nil {
		t.Fatal(bad)
	}
	return v
}

var importedAs = regexp.MustCompile(`(?m)^\S+: imported as (\S+)`)

// TestD3_GrafanaThereAndBack: through a server and through a data file, by both of
// our formats, every value of a real dashboard comes back.
func TestD3_GrafanaThereAndBack(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "--no-demo")
	for _, place := range []struct {
		name  string
		flags []string
	}{
		{"server", []string{"--server", p.url}},
		{"file", []string{"--data", "other.db"}},
	} {
		for _, file := range grafanaFiles {
			t.Run(place.name+" "+file, func(t *testing.T) {
				original := value(t, readFile(t, grafanaFile(t, file)))
				id := importedAs.FindStringSubmatch(must(t, dir, append([]string{"import", grafanaFile(t, file)}, place.flags...)...))[1]

				must(t, dir, append([]string{"export", id, "--format", "grafana", "-o", "back.json"}, place.flags...)...)
				if back := value(t, readFile(t, filepath.Join(dir, "back.json"))); !back.Equal(original) {
					t.Errorf("%s differs after the way there and back", file)
				}
				if text := readFile(t, filepath.Join(dir, "back.json")); !bytes.HasPrefix(text, []byte("{\n  ")) {
					t.Errorf("not written for people: %.60s", text)
				}

				must(t, dir, append([]string{"export", id, "-o", "own.json"}, place.flags...)...)
				must(t, dir, append([]string{"import", "own.json", "--id", id + "-copy"}, place.flags...)...)
				out := must(t, dir, append([]string{"export", id + "-copy", "--format", "grafana"}, place.flags...)...)
				if back := value(t, []byte(out)); !back.Equal(original) {
					t.Errorf("%s differs after the way through our own format", file)
				}
			})
		}
	}
	p.stop()
	if out := must(t, dir, "check"); !strings.Contains(out, "all is well") {
		t.Error(out)
	}
}

func TestImport_Existing(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "one.json"), `{"widgets": {"a": {"type": "text"}}}`)
	write(t, filepath.Join(dir, "two.json"), `{"widgets": {"b": {"type": "text"}}}`)
	must(t, dir, "import", "one.json", "--id", "ops", "--data", "d.db")
	r := dash(t, dir, "import", "two.json", "--id", "ops", "--data", "d.db")
	if r.code != 1 || !strings.Contains(r.err, `there is a dashboard "ops" already: choose another id with --id, or pass --replace`) {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
	must(t, dir, "import", "two.json", "--id", "ops", "--replace", "--data", "d.db")
	if out := must(t, dir, "export", "ops", "--data", "d.db"); !strings.Contains(out, `"b"`) || strings.Contains(out, `"a"`) {
		t.Errorf("not replaced: %s", out)
	}
	out := must(t, dir, "tail", "ops", "--data", "d.db")
	if !strings.Contains(out, "created the dashboard with 1 widget") || !strings.Contains(out, "added text b; deleted a") {
		t.Errorf("the history says: %s", out)
	}
}

// TestImport_BadFilesKeepNobodyOut: each file is told of by itself.
func TestImport_BadFilesKeepNobodyOut(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "bad.json"), `{"widgets": `)
	write(t, filepath.Join(dir, "deep.json"), `{"widgets": {"a": {"config": `+strings.Repeat(`{"x":`, 40)+`1`+strings.Repeat(`}`, 40)+`}}}`)
	write(t, filepath.Join(dir, "good.json"), `{"id": "good", "document": {"widgets": {"a": {"type": "text"}}}}`)
	r := dash(t, dir, "import", "bad.json", "deep.json", "good.json", "--data", "d.db")
	if r.code != 1 || !strings.Contains(r.out, "good.json: imported as good") {
		t.Errorf("exit code %d: %s", r.code, r.out)
	}
	for _, name := range []string{"bad.json", "deep.json"} {
		if !strings.Contains(r.err, "dashwire: "+name+": ") {
			t.Errorf("nothing is said of %s: %s", name, r.err)
		}
	}
}

func TestImport_StandardInput(t *testing.T) {
	dir := t.TempDir()
	cmd := command(t, dir, "import", "-", "--id", "piped", "--data", "d.db")
	cmd.Stdin = strings.NewReader(`{"widgets": {"a": {"type": "text"}}}`)
	if r := finish(t, cmd); r.code != 0 || !strings.Contains(r.out, "imported as piped") {
		t.Errorf("exit code %d: %s%s", r.code, r.out, r.err)
	}
}

// TestImport_FindsTheServer: without flags it goes where serve listens by the same
// settings, and to the file when nothing does.
func TestImport_FindsTheServer(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "ops.json"), `{"id": "ops", "document": {"widgets": {"a": {"type": "text"}}}}`)
	p := serve(t, dir, "--no-demo")
	cmd := command(t, dir, "import", "ops.json")
	cmd.Env = append(cmd.Env, "DASHWIRE_LISTEN="+strings.TrimPrefix(p.url, "http://"))
	if r := finish(t, cmd); r.code != 0 || !strings.Contains(r.out, "into "+p.url) {
		t.Errorf("exit code %d: %s%s", r.code, r.out, r.err)
	}
	p.stop()
	cmd = command(t, dir, "export", "ops")
	cmd.Env = append(cmd.Env, "DASHWIRE_LISTEN="+strings.TrimPrefix(p.url, "http://"))
	if r := finish(t, cmd); r.code != 0 || !strings.Contains(r.out, `"id": "ops"`) {
		t.Errorf("exit code %d: %s%s", r.code, r.out, r.err)
	}
}

// TestTarget_SomethingElse: a program that is no Dashwire is not written to.
func TestTarget_SomethingElse(t *testing.T) {
	dir := t.TempDir()
	cmd := command(t, dir, "export", "ops", "--server", "http://"+stranger(t))
	if r := finish(t, cmd); r.code == 0 || !strings.Contains(r.err, "not to be Dashwire") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
	write(t, filepath.Join(dir, "ops.json"), `{"widgets": {}}`)
	cmd = command(t, dir, "import", "ops.json")
	cmd.Env = append(cmd.Env, "DASHWIRE_LISTEN="+stranger(t))
	if r := finish(t, cmd); r.code == 0 || !strings.Contains(r.err, "Dashwire") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}

// TestR1_RestoreBeginsNewEpochs: content stays, epochs change, and a client that has
// seen more is told.
func TestR1_RestoreBeginsNewEpochs(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "--no-demo")
	fetch(t, "PUT", p.url+"/api/dashboards/ops/widgets/cpu", `{"type":"gauge","title":"CPU"}`, nil)
	fetch(t, "PUT", p.url+"/api/dashboards/gone/widgets/cpu", `{"type":"gauge","title":"Gone"}`, nil)
	fetch(t, "DELETE", p.url+"/api/dashboards/gone", "", nil)
	if out := must(t, dir, "backup", "copy.db"); !strings.Contains(out, "copied to copy.db and checked") {
		t.Error(out)
	}
	fetch(t, "PUT", p.url+"/api/dashboards/ops/widgets/disk", `{"type":"gauge"}`, nil) // not in the backup
	type head struct {
		Epoch   string         `json:"epoch"`
		Version uint64         `json:"version"`
		Widgets map[string]any `json:"widgets"`
	}
	var before, after head
	decode(t, fetch(t, "GET", p.url+"/api/dashboards/ops", "", nil), &before)
	p.stop()

	if r := dash(t, dir, "restore", "copy.db"); r.code != 2 || !strings.Contains(r.err, "dashwire.db is there") {
		t.Errorf("over a file that is there: exit code %d: %s", r.code, r.err)
	}
	if out := must(t, dir, "restore", "copy.db", "--data", "new.db"); !strings.Contains(out, "restored from copy.db, 2 dashboards") {
		t.Error(out)
	}
	if out := must(t, dir, "check", "--data", "new.db"); !strings.Contains(out, "all is well (2 dashboards, 6 entries)") {
		t.Error(out)
	}
	p = serve(t, dir, "--no-demo", "--data", "new.db")
	decode(t, fetch(t, "GET", p.url+"/api/dashboards/ops", "", nil), &after)
	if after.Epoch == before.Epoch || after.Version != 1 || len(after.Widgets) != 1 {
		t.Errorf("restored as %+v, it was %+v", after, before)
	}
	since := `{"type":"SYNC","since":{"ops":{"epoch":"` + before.Epoch + `","version":2}}}`
	if body := string(fetch(t, "POST", p.url+"/api/realtime", since, nil)); !strings.Contains(body, `"mode":"snapshot"`) {
		t.Errorf("a client with the old epoch gets %s", body)
	}
	var gone head
	fetch(t, "POST", p.url+"/api/dashboards/gone/undelete", "", nil)
	decode(t, fetch(t, "GET", p.url+"/api/dashboards/gone", "", nil), &gone)
	if len(gone.Widgets) != 1 {
		t.Errorf("the deleted one came back with %v", gone.Widgets)
	}
	p.stop()
}

// TestR1_RestoreDropsNamesOfVersions: the new epoch has none of the versions that they
// name. A dashboard that holds nothing but names is restored too.
func TestR1_RestoreDropsNamesOfVersions(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "--no-demo")
	fetch(t, "POST", p.url+"/api/dashboards", `{"id":"ops","title":"Ops"}`, nil)
	fetch(t, "PUT", p.url+"/api/dashboards/ops/versions/1", `{"name":"as it began"}`, nil)
	fetch(t, "PATCH", p.url+"/api/dashboards/ops/settings", `{"tags":["kept"]}`, nil)
	fetch(t, "POST", p.url+"/api/dashboards", `{"id":"bare","title":"Bare"}`, nil)
	fetch(t, "PUT", p.url+"/api/dashboards/bare/versions/1", `{"name":"empty"}`, nil)
	fetch(t, "PATCH", p.url+"/api/dashboards/bare/settings", `{"title":null}`, nil)
	p.stop()
	must(t, dir, "backup", "copy.db")
	must(t, dir, "restore", "copy.db", "--data", "new.db")
	p = serve(t, dir, "--no-demo", "--data", "new.db")
	for _, id := range []string{"ops", "bare"} {
		if list := string(fetch(t, "GET", p.url+"/api/dashboards/"+id+"/versions", "", nil)); list != `{"versions":[]}` {
			t.Errorf("%s has names of versions: %s", id, list)
		}
	}
	doc := string(fetch(t, "GET", p.url+"/api/dashboards/ops", "", nil))
	if strings.Contains(doc, `"versions"`) || !strings.Contains(doc, `"tags":["kept"]`) {
		t.Errorf("restored as %s", doc)
	}
	p.stop()
}

func TestBackup_DoesNotOverwrite(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir, "--no-demo").stop()
	write(t, filepath.Join(dir, "copy.db"), "precious")
	if r := dash(t, dir, "backup", "copy.db"); r.code == 0 || !strings.Contains(r.err, "copy.db exists") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
	if got := string(readFile(t, filepath.Join(dir, "copy.db"))); got != "precious" {
		t.Errorf("the file is now %q", got)
	}
}

// TestR7_CheckFindsDamage in one dashboard, and names no other.
func TestR7_CheckFindsDamage(t *testing.T) {
	dir := t.TempDir()
	for _, id := range []string{"well", "hurt"} {
		write(t, filepath.Join(dir, id+".json"), `{"id": "`+id+`", "document": {"widgets": {"a": {"title": "title of `+id+`"}}}}`)
		must(t, dir, "import", id+".json", "--data", "d.db")
	}
	if out := must(t, dir, "check", "--data", "d.db"); !strings.Contains(out, "d.db: all is well (2 dashboards, 2 entries).") {
		t.Fatal(out)
	}
	path := filepath.Join(dir, "d.db")
	data := readFile(t, path)
	damaged := bytes.ReplaceAll(data, []byte("title of hurt"), []byte("title of hurl"))
	if bytes.Equal(data, damaged) {
		t.Fatal("the title is not in the file")
	}
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	r := dash(t, dir, "check", "--data", "d.db")
	if r.code != 1 || !regexp.MustCompile(`(?m)^hurt .* DAMAGED: `).MatchString(r.out) ||
		!regexp.MustCompile(`(?m)^well .* ok$`).MatchString(r.out) || !strings.Contains(r.out, "DAMAGED in 1 place") {
		t.Errorf("exit code %d:\n%s%s", r.code, r.out, r.err)
	}
}

// TestD6_CheckKnowsSnapshotsOfBefore: one that lists op ids is what the log folds to too, unless
// it says something else.
func TestD6_CheckKnowsSnapshotsOfBefore(t *testing.T) {
	const of = "../../board/testdata/format1"
	records := bytes.Split(bytes.TrimSpace(readFile(t, of+".log")), []byte("\n"))
	snapshot := bytes.TrimSpace(readFile(t, of+".snapshot"))
	for _, c := range []struct {
		name string
		data []byte
		says string
	}{
		{"as it was", snapshot, "all is well"},
		{"another title", bytes.Replace(snapshot, []byte(`{"title":9}`), []byte(`{"title":8}`), 1), "not what the log folds to"},
		{"another op id", bytes.Replace(snapshot, []byte(`"last"`), []byte(`"lest"`), 1), "not what the log folds to"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			j, err := sqlitejournal.Open(filepath.Join(dir, "d.db"), sqlitejournal.Options{})
			if err != nil {
				t.Fatal(err)
			}
			a := journal.Append{DashboardID: "ops", Records: records, Summary: []byte(`{"epoch":"e1","version":9,"widgets":1}`)}
			_, err = j.Append(t.Context(), a)
			save := j.SaveSnapshot(t.Context(), "ops", journal.Snapshot{Position: 9, Data: c.data})
			if err := errors.Join(err, save, j.Close()); err != nil {
				t.Fatal(err)
			}
			if r := dash(t, dir, "check", "--data", "d.db"); !strings.Contains(r.out, c.says) {
				t.Errorf("exit code %d:\n%s%s", r.code, r.out, r.err)
			}
		})
	}
}

// TestCheck_WhileAServerRuns looks at a live file without disturbing it.
func TestCheck_WhileAServerRuns(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "--no-demo")
	fetch(t, "PUT", p.url+"/api/dashboards/ops/widgets/cpu", `{"type":"gauge"}`, nil)
	if out := must(t, dir, "check"); !regexp.MustCompile(`(?m)^ops +1 +1 +0  ok$`).MatchString(out) {
		t.Error(out)
	}
	fetch(t, "PUT", p.url+"/api/dashboards/ops/widgets/disk", `{"type":"gauge"}`, nil)
	p.stop()
}

// TestTail follows live, history first.
func TestTail(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "--no-demo")
	put := func(path, body string) { fetch(t, "PUT", p.url+path+"?userId=ana", body, nil) }
	put("/api/dashboards/ops/widgets/cpu", `{"type":"gauge","title":"CPU"}`)
	put("/api/dashboards/ops/widgets/disk", `{"type":"gauge","title":"Disk"}`)

	tail := start(t, command(t, dir, "tail", "--server", p.url))
	line := func(what string) *regexp.Regexp {
		return regexp.MustCompile(`^\d\d:\d\d:\d\d  ops +` + what + `$`)
	}
	tail.wait(line(`1  ana        created the dashboard with 1 widget`))
	tail.wait(line(`2  ana        added gauge "Disk"`))
	fetch(t, "PATCH", p.url+"/api/dashboards/ops/widgets/cpu?userId=bo", `{"title":"CPU load"}`, nil)
	tail.wait(line(`3  bo         renamed "CPU" to "CPU load"`))
	fetch(t, "PATCH", p.url+"/api/dashboards/ops/widgets/cpu?userId=bo", `{"config":{"unit":"%"}}`, nil)
	tail.wait(line(`4  bo         set unit of "CPU load" to "%"`))
	fetch(t, "DELETE", p.url+"/api/dashboards/ops/widgets/disk?userId=bo", "", nil)
	tail.wait(line(`5  bo         deleted "Disk"`))
	// A dashboard made meanwhile is noticed.
	put("/api/dashboards/new/widgets/cpu", `{"type":"gauge","title":"CPU"}`)
	tail.wait(regexp.MustCompile(`^\d\d:\d\d:\d\d  new +1  ana        created the dashboard with 1 widget$`))
	fetch(t, "DELETE", p.url+"/api/dashboards/ops?userId=bo", "", nil)
	tail.wait(regexp.MustCompile(`ops .*deleted`))
	tail.stopQuietly()

	// Whoever comes after that is told so, and of a dashboard that never was, that.
	gone := regexp.MustCompile(`the dashboard ops was deleted \d{4}-\d\d-\d\d \d\d:\d\d:\d\d by bo`)
	never := regexp.MustCompile(`there is no dashboard never`)
	for _, c := range []struct {
		want *regexp.Regexp
		args []string
	}{
		{gone, []string{"tail", "ops", "--no-follow", "--server", p.url}},
		{gone, []string{"tail", "ops", "--no-follow", "--audit", "--server", p.url}},
		{gone, []string{"tail", "ops", "--data", "dashwire.db"}},
		{never, []string{"tail", "never", "--no-follow", "--server", p.url}},
		{never, []string{"tail", "never", "--data", "dashwire.db"}},
	} {
		if r := dash(t, dir, c.args...); r.code != 1 || !c.want.MatchString(r.err) || r.out != "" {
			t.Errorf("%q: exit code %d: %s%s", c.args, r.code, r.out, r.err)
		}
	}
	tail = start(t, command(t, dir, "tail", "ops", "--server", p.url))
	deadline := time.After(patience)
	for said := regexp.MustCompile(`(?m)^Following .*; ` + gone.String()); !said.MatchString(tail.errs.String()); {
		select {
		case <-time.Tick(10 * time.Millisecond):
		case <-deadline:
			t.Fatalf("it does not say that it waits: %s", tail.errs.String())
		}
	}
	put("/api/dashboards/ops/widgets/cpu", `{"type":"gauge","title":"CPU"}`)
	tail.wait(regexp.MustCompile(`1  ana        created the dashboard with 1 widget$`))
	tail.stopQuietly()
	p.stop()
}

// TestTail_Since looks back from a version, and by number.
func TestTail_Since(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "--no-demo")
	for _, w := range []string{"a", "b", "c", "d"} {
		fetch(t, "PUT", p.url+"/api/dashboards/ops/widgets/"+w, `{"type":"gauge"}`, nil)
	}
	for _, c := range []struct {
		name  string
		flags []string
		want  string
	}{
		{"version", []string{"--since", "2"}, "added gauge c\nadded gauge d\n"},
		{"number", []string{"-n", "1"}, "added gauge d\n"},
		{"time", []string{"--since", "1h"}, "created the dashboard with 1 widget\nadded gauge b\nadded gauge c\nadded gauge d\n"},
		{"nothing since", []string{"--since", "4"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := must(t, dir, append([]string{"tail", "ops", "--no-follow", "--server", p.url}, c.flags...)...)
			got := regexp.MustCompile(`(?m)^.*  anonymous +`).ReplaceAllString(regexp.MustCompile(`(?m)^(\S+ +\d+  )\S+ +`).ReplaceAllString(out, ""), "")
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	if r := dash(t, dir, "tail", "other", "--no-follow", "--server", p.url); r.code != 1 || !strings.Contains(r.err, "no dashboard other") {
		t.Errorf("of one that is not there: exit code %d: %s", r.code, r.err)
	}
	p.stop()
}

// measuring starts a measurement of a server and a tail of it, and returns when the first
// edit is made.
func measuring(t *testing.T, dir, url string) (bench, tail *process) {
	t.Helper()
	bench = start(t, command(t, dir, "bench", "--server", url, "--scenario", "paced", "--readers", "2", "--rate", "5", "--duration", "5m"))
	tail = start(t, command(t, dir, "tail", "--server", url))
	tail.wait(regexp.MustCompile(`bench-\S+ +\d+  anonymous  (set|changed) .*`))
	return bench, tail
}

// TestBench_StopsAndCleansUp: Ctrl-C ends a measurement, and nothing is left behind.
func TestBench_StopsAndCleansUp(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "--no-demo")
	b, tail := measuring(t, dir, p.url)
	b.signal(syscall.SIGINT)
	if lines, code := b.end(); code != 1 || len(lines) > 0 || b.errs.String() != "dashwire: stopped before the end\n" {
		t.Errorf("exit code %d: %q %s", code, lines, b.errs.String())
	}
	if body := string(fetch(t, "GET", p.url+"/api/dashboards", "", nil)); !strings.Contains(body, `"dashboards":[]`) {
		t.Errorf("left behind: %s", body)
	}
	tail.signal(syscall.SIGINT)
	tail.end()
	p.stop()
}

// TestBench_TheServerIsKilled: that is told, and no fault of what it did.
func TestBench_TheServerIsKilled(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "--no-demo")
	b, tail := measuring(t, dir, p.url)
	p.signal(syscall.SIGKILL)
	if lines, code := b.end(); code != 1 || len(lines) > 0 || !strings.Contains(b.errs.String(), "while it was measured") {
		t.Errorf("exit code %d: %q %s", code, lines, b.errs.String())
	}
	tail.signal(syscall.SIGINT)
	tail.end()
}

// TestBench_WritesResults as a table and as JSON.
func TestBench_WritesResults(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "--no-demo")
	out := must(t, dir, "bench", "--server", p.url, "--scenario", "paced", "--readers", "3", "--duration", "300ms", "--json", "r.json")
	if !regexp.MustCompile(`(?m)^paced: 1 dashboard, 1 editor, 100 edits a second, 3 readers, 0 s\n  edits acknowledged +[\d.]+  /s$`).MatchString(out) {
		t.Errorf("the table is\n%s", out)
	}
	var reports []struct {
		Scenario string `json:"scenario"`
		Numbers  []struct {
			Name  string  `json:"name"`
			Value float64 `json:"value"`
		} `json:"numbers"`
		Faults []string `json:"faults"`
	}
	decode(t, readFile(t, filepath.Join(dir, "r.json")), &reports)
	if len(reports) != 1 || reports[0].Scenario != "paced" || len(reports[0].Numbers) < 8 || len(reports[0].Faults) != 0 {
		t.Errorf("the file says %+v", reports)
	}
	p.stop()
}

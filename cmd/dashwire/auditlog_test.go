package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/dashwire/dashwire/audit"
	"github.com/dashwire/dashwire/observe"
)

func TestPresentableSettings(t *testing.T) {
	for _, c := range []struct {
		name  string
		value any
		want  string
	}{
		{"listen", "127.0.0.1:3000", "127.0.0.1:3000"},
		{"trust-proxy", []string{"10.0.0.0/8", "::1"}, "10.0.0.0/8 ::1"},
		{"jwt-secret-file", []string{"a.secret"}, "a.secret"},
		{"webhook-secret", "hunter2", "(set)"},
		{"nats", "nats://me:hunter2@example.com:4222?token=hunter2", "nats://example.com:4222"},
		{"nats", "nats://me:hun%ter2@example.com", "(set)"},
		{"drain", span(10e9), "10s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &kong.Flag{Value: &kong.Value{Name: c.name, Target: reflect.ValueOf(c.value)}}
			if got := presentable(f); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestAuditLog_CommandsWriteIntoIt: what is done to the data file without the server is
// written down beside it, and check finds lines that are missing.
func TestAuditLog_CommandsWriteIntoIt(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir, "--data", "x.db", "--no-demo")
	must(t, dir, "backup", "y.db", "--data", "x.db")
	s.stop()
	path := filepath.Join(dir, "x.audit.jsonl")
	p, err := audit.Read(t.Context(), path, audit.Query{})
	if err != nil || len(p.Lines) != 3 {
		t.Fatalf("%+v, %v", p, err)
	}
	for i, want := range []string{"server.stopped", "backup.made", "server.started"} {
		if p.Lines[i].Name != want {
			t.Errorf("line %d is %+v, want %s", i, p.Lines[i], want)
		}
	}
	if d := p.Lines[2].Details; d["--data"] != "x.db" || d["version"] == "" {
		t.Errorf("the settings are %v", d)
	}
	if out := must(t, dir, "check", "--data", "x.db"); !strings.Contains(out, "x.audit.jsonl: the chain holds (3 lines") {
		t.Errorf("check says %s", out)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	if err := os.WriteFile(path, []byte(lines[0]+lines[2]), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := dash(t, dir, "check", "--data", "x.db"); r.code != 1 || !strings.Contains(r.out, "line 3 follows on line 1") {
		t.Errorf("check of a log without its second line says %d: %s", r.code, r.out)
	}
}

// TestAuditLog_ElsewhereAndLong: the commands find an audit log that is not beside the data
// file, write into it without putting files aside, and read all of it.
func TestAuditLog_ElsewhereAndLong(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "log"), 0o700); err != nil {
		t.Fatal(err)
	}
	serve(t, dir, "--no-demo", "--audit-log", "./log/a.jsonl").stop()
	path := filepath.Join(dir, "log", "a.jsonl")
	l, err := audit.Open(path, audit.Options{MaxBytes: 128 << 10, Keep: 100})
	if err != nil {
		t.Fatal(err)
	}
	const many = 2500 // more than two pages of a thousand, in several files
	for range many {
		l.Note(observe.Action{Name: "token.revoked", UserID: "op"})
	}
	l.Close()
	must(t, dir, "backup", "b.db", "--audit-log", "log/a.jsonl")
	out := must(t, dir, "tail", "--audit", "--no-follow", "--data", "dashwire.db", "--since", "1h", "--audit-log", "./log/a.jsonl")
	if n := strings.Count(out, "token revoked"); n != many {
		t.Errorf("%d lines are told, want %d", n, many)
	}
	if !strings.Contains(out, "backup made") {
		t.Error("the backup is not told of")
	}
	if exists(filepath.Join(dir, "dashwire.audit.jsonl")) {
		t.Error("a log was made beside the data file")
	}
	if r := dash(t, dir, "tail", "--audit", "--no-follow", "--data", "dashwire.db", "--audit-log", "off"); r.code != 0 || strings.Contains(r.out, "(server)") {
		t.Errorf("without an audit log, exit code %d: %s%s", r.code, r.out, r.err)
	}
}

// The settings that were given are written down, by whatever way, and no default.
func TestH4_TheStartTellsWhatWasSet(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "settings.yaml"), "max-widgets: 7\n")
	cmd := command(t, dir, "serve", "--listen", "127.0.0.1:0", "--no-demo", "--config", "settings.yaml")
	cmd.Env = append(cmd.Environ(), "DASHWIRE_MAX_OPERATIONS=8")
	p := start(t, cmd)
	p.wait(readyLine)
	p.stop()
	page, err := audit.Read(t.Context(), filepath.Join(dir, "dashwire.audit.jsonl"), audit.Query{
		Match: func(l *audit.Line) bool { return l.Name == "server.started" },
	})
	if err != nil || len(page.Lines) != 1 {
		t.Fatalf("%+v, %v", page, err)
	}
	got := page.Lines[0].Details
	if got["--max-widgets"] != "7" || got["--max-operations"] != "8" || got["--listen"] != "127.0.0.1:0" {
		t.Errorf("settings are missing: %v", got)
	}
	if _, there := got["--max-dashboards"]; there || len(got) > 6 {
		t.Errorf("defaults are told: %v", got)
	}
}

package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/dashwire/dashwire/internal/jsontext"
)

func TestHelp_FitsAScreen(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		most int
	}{
		{"the program", []string{"--help"}, 24},
		{"no arguments", nil, 24},
		{"serve", []string{"serve", "--help"}, 40},
		{"import", []string{"import", "--help"}, 24},
		{"export", []string{"export", "--help"}, 24},
		{"tail", []string{"tail", "--help"}, 24},
		{"bench", []string{"bench", "--help"}, 24},
		{"token", []string{"token", "--help"}, 24},
		{"webhooks", []string{"webhooks", "--help"}, 24},
		{"backup", []string{"backup", "--help"}, 24},
		{"restore", []string{"restore", "--help"}, 24},
		{"check", []string{"check", "--help"}, 24},
		{"new-epochs", []string{"new-epochs", "--help"}, 24},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := must(t, t.TempDir(), c.args...)
			lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
			if len(lines) > c.most {
				t.Errorf("%d lines, at most %d fit:\n%s", len(lines), c.most, out)
			}
			for _, l := range lines {
				if n := utf8.RuneCountInString(l); n > 90 {
					t.Errorf("a line of %d columns: %s", n, l)
				}
			}
			if len(c.args) == 2 && !strings.Contains(out, "\nExample: dashwire "+c.name) {
				t.Errorf("no example:\n%s", out)
			}
			if !strings.Contains(out, "Usage: dashwire") {
				t.Errorf("no usage:\n%s", out)
			}
		})
	}
}

// TestRefusals: what is wrong is said in one line, with what to do, and exit code 2.
func TestRefusals(t *testing.T) {
	busy := taken(t)
	_, busyPort, _ := net.SplitHostPort(busy)
	for _, c := range []struct {
		name   string
		config string // dashwire.yaml
		env    []string
		args   []string
		want   []string // parts of the line
	}{
		{"unknown command", "", nil, []string{"sevre"}, []string{"no command sevre", `did you mean "serve"; the commands are`, "serve, import, export, tail", "check"}},
		{"a command like no other", "", nil, []string{"foo"}, []string{"no command foo", "serve, import, export, tail", "check"}},
		{"unknown flag", "", nil, []string{"serve", "--lisen", ":1"}, []string{"--lisen", `did you mean "--listen"?`, "dashwire serve --help"}},
		{"missing argument", "", nil, []string{"export"}, []string{"<id>", "dashwire export --help"}},
		{"bad duration", "", nil, []string{"serve", "--drain", "soon"}, []string{"--drain", `"soon" is no time; write it like 10s`}},
		{"negative duration", "", nil, []string{"serve", "--heartbeat=-1s"}, []string{"--heartbeat", `"-1s" is no time`}},
		{"bad size", "", nil, []string{"serve", "--max-message", "large"}, []string{"--max-message", `"large" is no size; write it like 4MiB`}},
		{"a message too large for any", "", nil, []string{"serve", "--max-message", "4GiB"}, []string{"--max-message", "below 2GiB"}},
		{"little memory", "", nil, []string{"serve", "--memory-limit", "1"}, []string{"--memory-limit", "at least 32MiB"}},
		{"a hurried heartbeat", "", nil, []string{"serve", "--heartbeat", "1ns"}, []string{"--heartbeat 1ns", "at least 100ms"}},
		{"a hurried answer", "", nil, []string{"serve", "--heartbeat-timeout", "0s"}, []string{"--heartbeat-timeout 0s", "at least 100ms"}},
		{"messages of nothing", "", nil, []string{"serve", "--max-message", "10"}, []string{"--max-message", "at least 4KiB"}},
		{"dashboards of nothing", "", nil, []string{"serve", "--max-document", "1"}, []string{"--max-document", "at least 4KiB"}},
		{"nothing held", "", nil, []string{"serve", "--held-bytes", "1"}, []string{"--held-bytes", "at least 1MiB"}},
		{"no room for a message", "", nil, []string{"serve", "--incoming-bytes", "1MiB"}, []string{"--incoming-bytes", "twice --max-message"}},
		{"no connections", "", nil, []string{"serve", "--connections-per-address", "0"}, []string{"--connections-per-address 0", "at least 1"}},
		{"a stream of nothing", "", nil, []string{"serve", "--nats-stream", "x"}, []string{"--nats-stream does nothing without --nats"}},
		{"replicas of nothing", "", nil, []string{"serve", "--nats-replicas", "1"}, []string{"--nats-replicas does nothing without --nats"}},
		{"two replicas", "", nil, []string{"serve", "--nats", "nats://127.0.0.1:1", "--nats-replicas", "2"}, []string{"--nats-replicas 2", "1, 3 or 5"}},
		{"bad number", "", nil, []string{"serve", "--max-widgets", "x"}, []string{"--max-widgets", `"x"`}},
		{"a bad level", "", nil, []string{"serve", "--log-level", "loud"}, []string{"--log-level", `"loud" is no level; write debug`}},
		{"a negative number after a space", "", nil, []string{"serve", "--sessions-per-user", "-1"}, []string{"--sessions-per-user -1", "at least 1"}},
		{"a negative window", "", nil, []string{"serve", "--window", "-1"}, []string{"--window", "not negative"}},
		{"a negative history", "", nil, []string{"serve", "--keep-entries", "-1"}, []string{"--keep-entries -1", "leave it out"}},
		{"bad choice", "", nil, []string{"serve", "--log-format", "xml"}, []string{"--log-format", "text", "json", "xml"}},
		{"bad variable", "", []string{"DASHWIRE_DRAIN=soon"}, []string{"serve"}, []string{"DASHWIRE_DRAIN", `"soon" is no time`}},
		{"port taken", "", nil, []string{"serve", "--listen", busy}, []string{"port " + busyPort + " is taken", "--listen 127.0.0.1:"}},
		{"operators' port taken", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", busy}, []string{"port " + busyPort + " is taken", "--admin-listen 127.0.0.1:"}},
		{"a port alone", "", nil, []string{"serve", "--listen", "8080"}, []string{"write 127.0.0.1:8080"}},
		{"operators' port alone", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "3001"}, []string{"--admin-listen", "write 127.0.0.1:3001"}},
		{"a port that is none", "", nil, []string{"serve", "--listen", "127.0.0.1:99999"}, []string{`"99999" is no port`, "65535"}},
		{"no port", "", nil, []string{"serve", "--listen", "localhost"}, []string{"write it like 127.0.0.1:3000"}},
		{"C1: other machines without sign-in", "", nil, []string{"serve", "--listen", "0.0.0.0:0"}, []string{"no sign-in", "127.0.0.1", "--jwt-secret-file", "--insecure"}},
		{"C1: all addresses", "", nil, []string{"serve", "--listen", ":0"}, []string{"no sign-in", "--insecure"}},
		{"C1: operators' listener for others", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "0.0.0.0:0"}, []string{"--admin-listen", "--insecure"}},
		{"M12: less history than the window", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--window", "20000", "--keep-age", "24h"}, []string{"--window 20000", "--keep-age"}},
		{"C8: more sessions than descriptors", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--max-sessions", "100000000"}, []string{"--max-sessions 100000000 needs 100000200 file descriptors", "ulimit -n"}},
		{"H6: no origin", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--allow-origin", "example.com"}, []string{`--allow-origin: "example.com" is no origin`, "https://app.example.com"}},
		{"no network", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--trust-proxy", "proxy"}, []string{`"proxy" is no network`}},
		{"unknown key", "listen: 127.0.0.1:0\nlisen: x\n", nil, []string{"serve", "--config", "dashwire.yaml"}, []string{`dashwire.yaml:2: unknown key "lisen"; did you mean "listen"?`}},
		{"key with underscore", "max_widgets: 7\n", nil, []string{"serve", "--config", "dashwire.yaml"}, []string{`dashwire.yaml:1: unknown key "max_widgets"; did you mean "max-widgets"?`}},
		{"key of nothing", "colour: blue\n", nil, []string{"serve", "--config", "dashwire.yaml"}, []string{`unknown key "colour"`, "dashwire serve --help"}},
		{"key twice", "drain: 1s\ndrain: 2s\n", nil, []string{"serve", "--config", "dashwire.yaml"}, []string{"dashwire.yaml:2", "drain"}},
		{"key without value", "drain:\n", nil, []string{"serve", "--config", "dashwire.yaml"}, []string{"dashwire.yaml:1: drain: there is no value"}},
		{"keys in a value", "drain:\n  seconds: 3\n", nil, []string{"serve", "--config", "dashwire.yaml"}, []string{"dashwire.yaml:1: drain: a value is wanted"}},
		{"no number in the file", "max-widgets: lots\n", nil, []string{"serve", "--config", "dashwire.yaml"}, []string{`dashwire.yaml:1: --max-widgets: want a whole number, not "lots"`}},
		{"one address twice", "", nil, []string{"serve", "--listen", "127.0.0.1:4999", "--admin-listen", "127.0.0.1:4999"}, []string{"--admin-listen and --listen", "another port"}},
		{"bad value in the file", "max-widgets: 5\ndrain: soon\n", nil, []string{"serve", "--config", "dashwire.yaml"}, []string{`dashwire.yaml:2: --drain: "soon" is no time`}},
		{"a list as file", "- a\n", nil, []string{"serve", "--config", "dashwire.yaml"}, []string{"dashwire.yaml:1: settings are written as key: value"}},
		{"no YAML", "a: [\n", nil, []string{"serve", "--config", "dashwire.yaml"}, []string{"dashwire.yaml:"}},
		{"no such file", "", nil, []string{"serve", "--config", "missing.yaml"}, []string{"missing.yaml", "cannot be read"}},
		{"file by variable", "lisen: x\n", []string{"DASHWIRE_CONFIG=dashwire.yaml"}, []string{"serve"}, []string{`dashwire.yaml:1: unknown key "lisen"`}},
		{"folder that is not there", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--data", "no/such/dashwire.db"}, []string{"folder", "does not exist"}},
		{"data that is something else", "x: 1", nil, []string{"serve", "--listen", "127.0.0.1:0", "--data", "dashwire.yaml"}, []string{"dashwire.yaml", "no Dashwire journal"}},
		{"C2: no such secret", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--jwt-secret-file", "missing"}, []string{"sign-in: ", "missing", "dashwire token --new-secret"}},
		{"C2: an empty secret", "\n", nil, []string{"serve", "--listen", "127.0.0.1:0", "--jwt-secret-file", "dashwire.yaml"}, []string{"dashwire.yaml: the file is empty", "at least 32"}},
		{"C2: a secret that is too short", "secret", nil, []string{"serve", "--listen", "127.0.0.1:0", "--jwt-secret-file", "dashwire.yaml"}, []string{"6 bytes", "at least 32"}},
		{"C2: no keys in it", "secret", nil, []string{"serve", "--listen", "127.0.0.1:0", "--jwt-keys", "dashwire.yaml"}, []string{"no public key"}},
		{"C2: keys from elsewhere without TLS", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--jwt-keys", "http://id.example.com/jwks.json"}, []string{"https://"}},
		{"C2: two addresses", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--jwt-keys", "https://a.example.com/,https://b.example.com/"}, []string{"two addresses"}},
		{"C2: none is no algorithm", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--jwt-keys", "https://a.example.com/", "--jwt-algorithm", "none"}, []string{`"none" is no algorithm`}},
		{"C2: too much leeway", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--jwt-keys", "https://a.example.com/", "--jwt-leeway", "6m"}, []string{"leeway", "5m"}},
		{"C2: an issuer alone", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--jwt-issuer", "x"}, []string{"--jwt-issuer does nothing", "--jwt-secret-file"}},
		{"C2: a cookie alone", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--auth-cookie", "x"}, []string{"--auth-cookie does nothing"}},
		{"C2: no name of a cookie", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--jwt-keys", "https://a.example.com/", "--auth-cookie", "a b"}, []string{`"a b" is no name for a cookie`}},
		{"TLS: a certificate alone", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--tls-cert", "x"}, []string{"--tls-cert and --tls-key belong together"}},
		{"TLS: files that are not there", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--tls-cert", "x", "--tls-key", "y"}, []string{"--tls-cert: the certificate cannot be read"}},
		{"TLS: files and domains", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--tls-cert", "x", "--tls-key", "y", "--acme-domain", "a.example.com"}, []string{"exclude each other"}},
		{"TLS: no domain", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--acme-domain", "*.example.com,localhost,127.0.0.1"}, []string{`"*.example.com" is no name`, `"localhost"`, `"127.0.0.1"`}},
		{"TLS: no directory", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--acme-domain", "a.example.com", "--acme-directory", "http://acme.example.com"}, []string{"no address of an ACME directory"}},
		{"TLS: an address without a domain", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--acme-email", "a@example.com"}, []string{"do nothing without --acme-domain"}},
		{"TLS: a redirect to nowhere", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--redirect-listen", "127.0.0.1:0"}, []string{"does nothing without TLS"}},
		{"P1: an app without sign-in", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--authorize-url", "http://127.0.0.1:1"}, []string{"does nothing without sign-in"}},
		{"P1: a secret without an app", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--authorize-hmac-file", "x"}, []string{"do nothing without --authorize-url"}},
		{"P1: an app without TLS", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--jwt-keys", "https://a.example.com/", "--authorize-url", "http://app.example.com/rights"}, []string{"--authorize-url", "use https"}},
		{"P1: two secrets", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--jwt-keys", "https://a.example.com/", "--authorize-url", "https://app.example.com/", "--authorize-hmac-file", "x", "--authorize-token-file", "y"}, []string{"exclude each other"}},
		{"P1: a secret that is not there", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--jwt-keys", "https://a.example.com/", "--authorize-url", "https://app.example.com/", "--authorize-hmac-file", "missing"}, []string{"--authorize-hmac-file", "missing"}},
		{"C2: no file of signing keys", "", nil, []string{"serve", "--listen", "127.0.0.1:0", "--signing-keys", "missing"}, []string{"--signing-keys", "missing"}},
		{"a token of nobody", "", nil, []string{"token", "--secret-file", "dashwire.yaml"}, []string{"--user"}},
		{"a token without secret", "", nil, []string{"token", "--user", "ana"}, []string{"--secret-file", "--new-secret"}},
		{"a token with a secret that is not there", "", nil, []string{"token", "--user", "ana", "--secret-file", "missing"}, []string{"no secret missing", "--new-secret"}},
		{"a token with a short secret", "secret", nil, []string{"token", "--user", "ana", "--secret-file", "dashwire.yaml"}, []string{"6 bytes"}},
		{"a token of no user id", "12345678901234567890123456789012", nil, []string{"token", "--user", "a b", "--secret-file", "dashwire.yaml"}, []string{`"a b" is no user id`}},
		{"a token with an unknown role", "", nil, []string{"token", "--user", "ana", "--secret-file", "x", "--grant", "ops=admin"}, []string{`"admin" is no role`, "viewer, feeder, editor or owner"}},
		{"a token with a wrong pattern", "", nil, []string{"token", "--user", "ana", "--secret-file", "x", "--grant", "*ops=viewer"}, []string{`"*ops" names no dashboards`}},
		{"a token with half a grant", "", nil, []string{"token", "--user", "ana", "--secret-file", "x", "--grant", "ops"}, []string{"write it like ops=editor"}},
		{"a token granted twice", "12345678901234567890123456789012", nil, []string{"token", "--user", "ana", "--secret-file", "dashwire.yaml", "--grant", "ops=viewer,ops=owner"}, []string{"granted twice"}},
		{"a token without time", "", nil, []string{"token", "--user", "ana", "--secret-file", "x", "--expires", "0s"}, []string{"--expires"}},
		{"a token by another algorithm", "", nil, []string{"token", "--user", "ana", "--secret-file", "x", "--algorithm", "none"}, []string{"--algorithm", "none"}},
		{"nobody listens", "", nil, []string{"bench", "--server", "http://127.0.0.1:1"}, []string{"no server listens on http://127.0.0.1:1", "dashwire serve", "--server"}},
		{"two places", "", nil, []string{"export", "ops", "--server", "http://localhost:1", "--data", "a.db"}, []string{"--server and --data name two places"}},
		{"no server address", "", nil, []string{"export", "ops", "--server", "localhost:3000"}, []string{"write it like http://localhost:3000"}},
		{"neither server nor file", "", []string{"DASHWIRE_LISTEN=127.0.0.1:1"}, []string{"export", "ops"}, []string{"no server runs on http://127.0.0.1:1", "--server", "--data"}},
		{"no file to import", "", nil, []string{"import", "missing.json"}, []string{"missing.json"}},
		{"one id for two files", "", nil, []string{"import", "a.json", "b.json", "--id", "x"}, []string{"one by one"}},
		{"no data file to check", "", nil, []string{"check", "--data", "missing.db"}, []string{"missing.db"}},
		{"no data file to copy", "", nil, []string{"backup", "x.db", "--data", "missing.db"}, []string{"missing.db"}},
		{"no file to import at all", "", nil, []string{"import"}, []string{"missing <file>", "dashwire import --help"}},
		{"no servers to begin epochs on", "", nil, []string{"new-epochs"}, []string{"missing flags: --nats=URL,… ("}},
		{"no backup", "", nil, []string{"restore", "missing.db"}, []string{"there is no backup missing.db"}},
		{"a version of all dashboards", "", nil, []string{"tail", "--since", "41"}, []string{"is a version", "10m"}},
		{"no time", "", nil, []string{"tail", "--since", "lately"}, []string{`"lately" is no time and no version`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if c.config != "" {
				write(t, filepath.Join(dir, "dashwire.yaml"), c.config)
			}
			cmd := command(t, dir, c.args...)
			cmd.Env = append(cmd.Env, c.env...)
			r := finish(t, cmd)
			if r.code != 2 {
				t.Errorf("exit code %d, want 2", r.code)
			}
			if r.out != "" {
				t.Errorf("on standard output: %q", r.out)
			}
			if !strings.HasPrefix(r.err, "dashwire: ") || strings.Count(r.err, "\n") != 1 {
				t.Errorf("not one line: %q", r.err)
			}
			for _, part := range c.want {
				if !strings.Contains(r.err, part) {
					t.Errorf("%q does not say %q", r.err, part)
				}
			}
		})
	}
}

// TestSettings_FlagBeforeVariableBeforeFile tells by the limits that a server tells.
func TestSettings_FlagBeforeVariableBeforeFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "dashwire.yaml"), `# settings
max-widgets: 11
max-operations: 12
max-dashboards: 13
max-document: 2MiB
allow-origin:
  - https://a.example.com
  - https://b.example.com
demo: false
`)
	cmd := command(t, dir, "serve", "--listen", "127.0.0.1:0", "--config", "dashwire.yaml", "--max-dashboards", "33")
	cmd.Env = append(cmd.Env, "DASHWIRE_MAX_OPERATIONS=22", "DASHWIRE_MAX_DASHBOARDS=23")
	p := start(t, cmd)
	p.url = p.wait(readyLine)[1]
	var got struct {
		Limits struct {
			MessageBytes  int `json:"messageBytes"`
			DocumentBytes int `json:"documentBytes"`
			Widgets       int `json:"widgets"`
			Operations    int `json:"operations"`
			Dashboards    int `json:"dashboards"`
		} `json:"limits"`
	}
	decode(t, fetch(t, "GET", p.url+"/api/realtime", "", nil), &got)
	for _, l := range []struct {
		name      string
		got, want int
	}{
		{"default", got.Limits.MessageBytes, 1 << 20},
		{"file", got.Limits.Widgets, 11},
		{"file, with a unit", got.Limits.DocumentBytes, 2 << 20},
		{"variable before file", got.Limits.Operations, 22},
		{"flag before both", got.Limits.Dashboards, 33},
	} {
		if l.got != l.want {
			t.Errorf("%s: %d, want %d", l.name, l.got, l.want)
		}
	}
	for origin, want := range map[string]int{"https://a.example.com": 201, "https://b.example.com": 201, "https://c.example.com": 403} {
		r := request(t, "POST", p.url+"/api/dashboards", `{}`)
		r.Header.Set("Origin", origin)
		r.Header.Set("Content-Type", "application/json")
		if status, body := send(t, r); status != want {
			t.Errorf("from %s: %d, want %d: %s", origin, status, want, body)
		}
	}
	p.stop()
}

// TestData_OneProcess: a second server and a direct import are told who has the file.
func TestData_OneProcess(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "--no-demo")
	write(t, filepath.Join(dir, "ops.json"), `{"widgets": {}}`)
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"serve", []string{"serve", "--listen", "127.0.0.1:0"}, "in use"},
		{"import", []string{"import", "ops.json", "--data", "dashwire.db"}, "--server"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := dash(t, dir, c.args...)
			if r.code != 2 || !strings.Contains(r.err, c.want) || strings.Count(r.err, "\n") != 1 {
				t.Errorf("exit code %d: %s", r.code, r.err)
			}
		})
	}
	p.stop()
}

// TestData_ReadOnly: as a user who may not write, a server says so and does not begin.
func TestData_ReadOnly(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir, "--no-demo").stop()
	for _, name := range []string{"dashwire.db", "dashwire.db-lock"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o444); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
	cmd := command(t, dir, "serve", "--listen", "127.0.0.1:0")
	if os.Getuid() == 0 {
		openTo(t, dir)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	r := finish(t, cmd)
	if r.code != 2 || !strings.Contains(r.err, "may not be written") || strings.Count(r.err, "\n") != 1 {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}

// openTo lets every user reach a folder.
func openTo(t *testing.T, dir string) {
	t.Helper()
	for d := filepath.Dir(dir); d != "/" && d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func request(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func send(t *testing.T, r *http.Request) (int, []byte) {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body
}

// fetch fails unless the request succeeds.
func fetch(t *testing.T, method, url, body string, header http.Header) []byte {
	t.Helper()
	r := request(t, method, url, body)
	for k, v := range header {
		r.Header[k] = v
	}
	status, answer := send(t, r)
	if status >= 300 {
		t.Fatalf("%s %s: %d: %s", method, url, status, answer)
	}
	return answer
}

func decode(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := jsontext.Decode(data, into); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
}

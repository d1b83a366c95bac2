package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// sink takes webhook messages: the op ids of each dashboard, in order, repetitions left out.
type sink struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	ops    map[string][]string
	gaps   []string // their reasons
	change chan struct{}
}

func newSink(t *testing.T) *sink {
	s := &sink{status: 200, ops: map[string][]string{}, change: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the server was killed
		}
		var m struct {
			Data struct {
				DashboardID string
				Entries     []struct{ ID string }
				Reason      string
			}
		}
		if err := json.Unmarshal(body, &m); err != nil {
			t.Errorf("%v in %s", err, body)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.status == 200 {
			if m.Data.Reason != "" {
				s.gaps = append(s.gaps, m.Data.Reason)
			}
			for _, e := range m.Data.Entries {
				if id := m.Data.DashboardID; !slices.Contains(s.ops[id], e.ID) {
					s.ops[id] = append(s.ops[id], e.ID)
				}
			}
		}
		close(s.change)
		s.change = make(chan struct{})
		w.WriteHeader(s.status)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) answers(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

// hears waits until the ops of a dashboard have arrived, all and in order.
func (s *sink) hears(t *testing.T, dashboard string, want []string) {
	t.Helper()
	over := time.After(patience)
	for {
		s.mu.Lock()
		got, change := slices.Clone(s.ops[dashboard]), s.change
		s.mu.Unlock()
		if slices.Equal(got, want) {
			return
		}
		select {
		case <-change:
		case <-over:
			t.Fatalf("%s: %d ops arrived, want %d:\n%v\n%v", dashboard, len(got), len(want), got, want)
		}
	}
}

// edit commits one entry over REST.
func edit(t *testing.T, url, dashboard, id string) {
	t.Helper()
	fetch(t, "PUT", url+"/api/dashboards/"+dashboard+"/widgets/w-"+id, `{"type":"text"}`, http.Header{"Idempotency-Key": {id}})
}

// TestWebhooks_Kill9LosesNothing kills the real server between and amid messages: what was
// acknowledged arrives at last, in the order of each dashboard.
func TestWebhooks_Kill9LosesNothing(t *testing.T) {
	dir := t.TempDir()
	s := newSink(t)
	write(t, filepath.Join(dir, "hooks.yaml"), fmt.Sprintf(
		"targets:\n- name: audit\n  url: %s/hook\n  secrets: [%s]\n  allow-networks: [127.0.0.1]\n  retry: 2ms\n  retry-longest: 20ms\n", s.URL, hookSecret))
	want := map[string][]string{}
	n := 0
	for round := range 6 {
		p := start(t, command(t, dir, "serve", "--listen", "127.0.0.1:0", "--no-demo", "--webhooks", "hooks.yaml"))
		p.url = p.wait(readyLine)[1]
		if p.wait(regexp.MustCompile(`^Webhooks to (.+)$`))[1] != "1 target" {
			t.Error("the greeting counts wrong")
		}
		s.answers([]int{200, 500, 200}[round%3])
		for i := range 60 {
			n++
			dashboard, id := fmt.Sprint("d", i%3), fmt.Sprint("op-", n)
			edit(t, p.url, dashboard, id)
			want[dashboard] = append(want[dashboard], id)
		}
		p.signal(syscall.SIGKILL)
		p.end()
	}
	s.answers(200)
	p := start(t, command(t, dir, "serve", "--listen", "127.0.0.1:0", "--no-demo", "--webhooks", "hooks.yaml"))
	p.url = p.wait(readyLine)[1]
	for dashboard, ops := range want {
		s.hears(t, dashboard, ops)
	}
	p.stop()
	info, err := os.Stat(filepath.Join(dir, "dashwire.db-webhooks"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the store: %v %v", info, err)
	}
}

// TestWebhooks_ARestoredBackupIsToldAsAGap: after it comes the new epoch from its start.
func TestWebhooks_ARestoredBackupIsToldAsAGap(t *testing.T) {
	dir := t.TempDir()
	s := newSink(t)
	write(t, filepath.Join(dir, "hooks.yaml"), fmt.Sprintf(
		"targets: [{name: audit, url: %s, secrets: [%s], allow-networks: [127.0.0.1]}]\n", s.URL, hookSecret))
	p := serve(t, dir, "--no-demo", "--webhooks", "hooks.yaml")
	edit(t, p.url, "ops", "one")
	must(t, dir, "backup", "copy.db")
	edit(t, p.url, "ops", "two")
	edit(t, p.url, "ops", "three")
	s.hears(t, "ops", []string{"one", "two", "three"})
	p.stop()
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(filepath.Join(dir, "dashwire.db"+end)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	must(t, dir, "restore", "copy.db")
	p = serve(t, dir, "--no-demo", "--webhooks", "hooks.yaml")
	edit(t, p.url, "ops", "four")
	over := time.After(patience)
	for {
		s.mu.Lock()
		gaps, ops, change := slices.Clone(s.gaps), slices.Clone(s.ops["ops"]), s.change
		s.mu.Unlock()
		// one, two, three, what the restore wrote, four
		if len(ops) == 5 && ops[4] == "four" {
			if !slices.Equal(gaps, []string{"rewound"}) {
				t.Errorf("the gaps are %v", gaps)
			}
			break
		}
		select {
		case <-change:
		case <-over:
			t.Fatalf("%v arrived, and gaps %v", ops, gaps)
		}
	}
	p.stop()
}

// TestWebhooks_OperatorsSeeAndRetry is the command over a target that fails.
func TestWebhooks_OperatorsSeeAndRetry(t *testing.T) {
	dir := t.TempDir()
	s := newSink(t)
	s.answers(400)
	write(t, filepath.Join(dir, "secret"), hookSecret+"\n")
	write(t, filepath.Join(dir, "hooks.yaml"), fmt.Sprintf(
		"targets:\n- {name: audit, url: '%s/token-in-path', secret-files: [secret], allow-networks: [127.0.0.0/8], retry: 1ms, retry-longest: 2ms, give-up: 1ms}\n", s.URL))
	p := serve(t, dir, "--no-demo", "--webhooks", "hooks.yaml", "--admin-listen", "127.0.0.1:0")
	operators := p.wait(regexp.MustCompile(`^Operators on (http://\S+)/api/stats and /metrics$`))[1]
	edit(t, p.url, "ops", "first")
	row := regexp.MustCompile(`(?m)^audit +http://127\S+ +active +0 +1 +the receiver answered 400 Bad Request$`)
	var out string
	for over := time.Now().Add(patience); ; {
		if out = must(t, dir, "webhooks", "--server", p.url); row.MatchString(out) {
			break
		}
		if time.Now().After(over) {
			t.Fatalf("no dead letter:\n%s", out)
		}
	}
	if strings.Contains(out, "token-in-path") {
		t.Errorf("it shows what may be secret:\n%s", out)
	}
	out = must(t, dir, "webhooks", "audit", "--server", p.url)
	letter := regexp.MustCompile(`(?m)^(msg_\w+) +ops +1 +\d+ +\S+ \S+ +the receiver answered 400 Bad Request$`).FindStringSubmatch(out)
	if letter == nil {
		t.Fatalf("the dead letters are\n%s", out)
	}
	if out := must(t, dir, "webhooks", "audit", "--show", letter[1], "--server", p.url); !strings.Contains(out, `"dashboard.committed"`) {
		t.Errorf("it shows %s", out)
	}
	text := string(fetch(t, "GET", operators+"/metrics", "", nil))
	for _, want := range []string{
		`dashwire_webhook_dead{target="audit"} 1`, `dashwire_webhook_lag_seconds{target="audit"} 0`,
		`dashwire_webhook_given_up_total{target="audit"} 1`, `dashwire_webhook_attempts_total{result="failed",target="audit"}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
	s.answers(200)
	must(t, dir, "webhooks", "audit", "--retry", letter[1], "--server", p.url)
	s.hears(t, "ops", []string{"first"})
	for over := time.Now().Add(patience); !strings.Contains(must(t, dir, "webhooks", "audit", "--server", p.url), "no dead letters"); {
		if time.Now().After(over) {
			t.Fatal("the dead letter stays")
		}
	}
	must(t, dir, "webhooks", "audit", "--enable", "--server", p.url)
	must(t, dir, "webhooks", "audit", "--retry", "all", "--server", p.url)
	for _, args := range [][]string{{"other"}, {"audit", "--drop", "msg_none"}, {"audit", "--retry", "msg_none"}} {
		if r := dash(t, dir, append(append([]string{"webhooks"}, args...), "--server", p.url)...); r.code != 1 || !strings.Contains(r.err, "NOT_FOUND") {
			t.Errorf("%v: %+v", args, r)
		}
	}
	if r := dash(t, dir, "webhooks", "--retry", "all"); r.code != 2 || !strings.Contains(r.err, "name the target") {
		t.Errorf("%+v", r)
	}
	p.stop()
	if strings.Contains(p.errs.String(), hookSecret) || strings.Contains(p.errs.String(), "token-in-path") {
		t.Errorf("the log shows what is secret: %s", p.errs.String())
	}
}

func TestWebhooks_NewSecret(t *testing.T) {
	if out := must(t, t.TempDir(), "webhooks", "--new-secret"); !regexp.MustCompile(`^whsec_[A-Za-z0-9+/]{43}=\n$`).MatchString(out) {
		t.Errorf("%q", out)
	}
}

func TestParseWebhooks_Refuses(t *testing.T) {
	one := func(more string) string {
		return "targets:\n- {name: a, url: 'https://example.com/', secrets: [" + hookSecret + "]" + more + "}\n"
	}
	if targets, err := parseWebhooks([]byte(one(", from: start, events: [conflict.detected], give-up: 2d, proxy: 'http://p:1'"))); err != nil || !targets[0].FromStart || targets[0].GiveUp != 48*time.Hour {
		t.Fatalf("%+v %v", targets, err)
	}
	for name, tt := range map[string]struct{ text, want string }{
		"an empty file":   {"", "no targets"},
		"no YAML":         {"targets: [", "line 1"},
		"an unknown key":  {one(", secret: x"), "line 2"},
		"no secret":       {"targets: [{name: a, url: 'https://example.com/'}]", "0 secrets"},
		"a bad secret":    {"targets: [{name: a, url: 'https://example.com/', secrets: [geheim]}]", "--new-secret"},
		"no such file":    {"targets: [{name: a, url: 'https://example.com/', secret-files: [/none/such]}]", "cannot be read"},
		"a bad from":      {one(", from: then"), "now, or start"},
		"a bad network":   {one(", allow-networks: [here]"), "10.0.0.0/8"},
		"a bad time":      {one(", give-up: soon"), "give-up"},
		"a bad event":     {one(", events: [x]"), "dashboard.committed"},
		"the same twice":  {one("") + "- {name: a, url: 'https://example.com/', secrets: [" + hookSecret + "]}\n", "same name"},
		"plain":           {"targets: [{name: a, url: 'http://example.com/', secrets: [" + hookSecret + "]}]", "https://"},
		"a user in a url": {"targets: [{name: a, url: 'https://u:p@example.com/', secrets: [" + hookSecret + "]}]", "neither a user"},
	} {
		_, err := parseWebhooks([]byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want it to say %q", name, err, tt.want)
		} else if strings.Contains(err.Error(), hookSecret[6:]) || strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%s: the error holds a secret: %v", name, err)
		}
	}
}

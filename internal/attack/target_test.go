package attack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/auth/jwtauth"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := removeBinary(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// patience is how long a test waits for what must come.
const patience = time.Minute

// secret signs the tokens of a target.
const secret = "an attacker does not have this secret, not even its length"

// target is a server that a test attacks: a whole one behind a real listener, over a
// data file, with sign-in by tokens.
type target struct {
	*dashwire.Server
	t    testing.TB
	URL  string
	addr string // host:port
	data string // path of the data file
	log  *recorder
}

// attacked starts a target that ends with the test. The configuration may be changed
// before.
func attacked(t testing.TB, change ...func(*dashwire.Config)) *target {
	t.Helper()
	x := &target{t: t, data: filepath.Join(t.TempDir(), "dashwire.db"), log: &recorder{}}
	j, err := sqlitejournal.Open(x.data, sqlitejournal.Options{Logger: x.log.logger()})
	if err != nil {
		t.Fatal(err)
	}
	cfg := dashwire.Config{Journal: j, Log: x.log.logger(), Drain: -1}
	for _, f := range change {
		f(&cfg)
	}
	if cfg.Authenticator == nil {
		cfg.Authenticator = door(t, jwtauth.Config{SecretFiles: []string{file(t, "secret", secret)}, Log: x.log.logger()})
	}
	if x.Server, err = dashwire.New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- x.Run(ctx) }()
	front := httptest.NewServer(x.Server)
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		front.CloseClientConnections() // of attackers that hold on
		front.Close()
		if err := j.Close(); err != nil {
			t.Errorf("closing the data file: %v", err)
		}
	})
	x.URL, x.addr = front.URL, front.Listener.Addr().String()
	x.untilReady()
	return x
}

// door is sign-in by tokens.
func door(t testing.TB, cfg jwtauth.Config) *jwtauth.Authenticator {
	t.Helper()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	d, err := jwtauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// file writes a file of the test and returns its path.
func file(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// token signs somebody in for an hour. Each grant is a pattern of dashboards and a role,
// such as "ops=editor" or "a-*=owner".
func token(t testing.TB, user string, grants ...string) string {
	t.Helper()
	return mint(t, auth.Principal{UserID: user, Expires: time.Now().Add(time.Hour), Grants: parse(t, grants)})
}

func parse(t testing.TB, grants []string) (list []auth.Grant) {
	t.Helper()
	for _, text := range grants {
		pattern, name, _ := strings.Cut(text, "=")
		role, ok := auth.ParseRole(name)
		if !ok {
			t.Fatalf("%q is no grant", text)
		}
		list = append(list, auth.Grant{Pattern: pattern, Role: role})
	}
	return list
}

func mint(t testing.TB, p auth.Principal) string {
	t.Helper()
	text, err := jwtauth.Mint{Secret: []byte(secret)}.Token(p)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   string
}

// code is that of a problem document, "" if the body is none.
func (a *answer) code() string {
	var p struct {
		Code string `json:"code"`
	}
	if a.header.Get("Content-Type") != "application/problem+json" || json.Unmarshal([]byte(a.body), &p) != nil {
		return ""
	}
	return p.Code
}

// refused fails unless the answer is a problem document with a status and a code.
func (a *answer) refused(t testing.TB, what string, status int, code string) {
	t.Helper()
	if a.status != status || a.code() != code {
		t.Errorf("%s: got %d %s, want %d with the code %s", what, a.status, a.body, status, code)
	}
}

// bearer is the header line that shows a token.
func bearer(token string) string { return "Authorization: Bearer " + token }

// call sends a request with header lines ("Name: value") and reads the answer whole.
func (x *target) call(method, path, body string, lines ...string) *answer {
	x.t.Helper()
	return call(x.t, method, x.URL+path, body, lines...)
}

func call(t testing.TB, method, url, body string, lines ...string) *answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
		if name == "Host" {
			r.Host = value
		}
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &answer{res.StatusCode, res.Header, string(text)}
}

// client keeps no connections, follows no redirects and has no cookies of its own.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// must is call, and fails unless the answer has a status.
func (x *target) must(status int, method, path, body string, lines ...string) *answer {
	x.t.Helper()
	a := x.call(method, path, body, lines...)
	if a.status != status {
		x.t.Fatalf("%s %s: %d %s, want %d", method, path, a.status, a.body, status)
	}
	return a
}

// untilReady waits until the server says that it is ready: while the machine is busy with an
// attack, its disk may be too slow to say so at once.
func (x *target) untilReady() {
	x.t.Helper()
	eventually(x.t, "the server to be ready", func() bool { return x.call("GET", "/readyz", "").status == http.StatusOK })
}

// healthy fails unless the server still answers, and edits are still taken: the end of
// most attacks.
func (x *target) healthy() {
	x.t.Helper()
	x.untilReady()
	id := fmt.Sprintf("healthy-%d", time.Now().UnixNano())
	x.must(http.StatusCreated, "POST", "/api/dashboards", `{"id":"`+id+`"}`, bearer(token(x.t, "checker", "healthy-*=owner")))
}

// recorder keeps the log of a server.
type recorder struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *recorder) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(r, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Write implements io.Writer.
func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

// String is all of the log so far.
func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

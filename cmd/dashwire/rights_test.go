package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth/httpsig"
)

// TestP1_AnAppInAnotherLanguage: the command asks it, proves who asks, keeps to its answers,
// and asks anew when an operator says so; the secret is replaced while the server runs.
func TestP1_AnAppInAnotherLanguage(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, "token", "--new-secret", "--secret-file", "secret")
	secrets := []string{strings.Repeat("first-", 8), strings.Repeat("second", 8)}
	write(t, filepath.Join(dir, "app.secret"), secrets[0]+"\n")
	var verifiers []*httpsig.Verifier
	for _, s := range secrets {
		key, err := httpsig.NewKey("dashwire", httpsig.HMACSHA256, []byte(s))
		if err != nil {
			t.Fatal(err)
		}
		v, err := httpsig.NewVerifier(httpsig.Config{Keys: []httpsig.Key{key}, Since: time.Now().Add(-time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		verifiers = append(verifiers, v)
	}
	var mu sync.Mutex
	role, secret, tokenIDs := "owner", 0, map[string]bool{}
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		r.URL.Scheme, r.URL.Host = "http", r.Host
		if _, err := verifiers[secret].Verify(r); err != nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		var q struct{ UserID, TokenID, DashboardID string }
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q.DashboardID != "ops" {
			t.Errorf("asked %+v, %v", q, err)
		}
		tokenIDs[q.TokenID] = true
		fmt.Fprintf(w, `{"role":%q,"maxAgeSeconds":3600}`, role)
	}))
	defer app.Close()
	p := serve(t, dir, "--jwt-secret-file", "secret", "--authorize-url", app.URL+"/rights", "--authorize-hmac-file", "app.secret", "--drain", "100ms")
	token := func(args ...string) string {
		t.Helper()
		return strings.TrimSpace(must(t, dir, append([]string{"token", "--secret-file", "secret"}, args...)...))
	}
	ana, op := token("--user", "ana", "--grant", "*=viewer"), token("--user", "op", "--admin")
	status := func(method, path, body, token string) int {
		t.Helper()
		r := request(t, method, p.url+path, body)
		r.Header.Set("Authorization", "Bearer "+token)
		got, _ := send(t, r)
		return got
	}
	change := func(f func()) {
		mu.Lock()
		defer mu.Unlock()
		f()
	}
	const widget = "/api/dashboards/ops/widgets/cpu"
	if got := status("PUT", widget, `{"type":"gauge"}`, ana); got != 200 {
		t.Fatalf("status %d, although the app says owner", got)
	}
	change(func() { role = "none" })
	if got := status("GET", "/api/dashboards/ops", "", ana); got != 200 {
		t.Errorf("status %d: the answer was to count for an hour", got)
	}
	if got := status("POST", "/api/admin/rights", `{"userId":"ana"}`, op); got != 200 {
		t.Fatalf("status %d", got)
	}
	if got := status("GET", "/api/dashboards/ops", "", ana); got != 404 {
		t.Errorf("status %d, although the app says none", got)
	}
	// Another secret on both sides.
	change(func() { role, secret = "editor", 1 })
	status("POST", "/api/admin/rights", `{}`, op)
	if got := status("GET", "/api/dashboards/ops", "", ana); got != 503 {
		t.Errorf("status %d of a question that the app refuses", got)
	}
	temporary := filepath.Join(dir, "new")
	write(t, temporary, secrets[1])
	if err := os.Rename(temporary, filepath.Join(dir, "app.secret")); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	for deadline := time.Now().Add(patience); status("GET", "/api/dashboards/ops", "", ana) != 200; {
		if time.Now().After(deadline) {
			t.Fatalf("the new secret is not used\n%s", p.errs.String())
		}
		<-time.After(20 * time.Millisecond) // a user may ask only so often
	}
	if got := status("DELETE", "/api/dashboards/ops", "", ana); got != 403 {
		t.Errorf("status %d of an editor's deletion", got)
	}
	change(func() {
		if len(tokenIDs) != 1 || tokenIDs[""] {
			t.Errorf("the questions name the tokens %v", tokenIDs)
		}
	})
	r := request(t, "GET", p.url+"/metrics", "")
	r.Header.Set("Authorization", "Bearer "+op)
	if _, body := send(t, r); !strings.Contains(string(body), "dashwire_rights_asked_total ") || strings.Contains(string(body), "dashwire_rights_failed_total 0") {
		t.Errorf("metrics:\n%s", body)
	}
	p.stop()
	if text := p.errs.String(); strings.Contains(text, "first-") || strings.Contains(text, "second") && strings.Contains(text, secrets[1]) {
		t.Errorf("the log has a secret: %s", text)
	}
}

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth/httpsig"
)

// TestC2_KeysOfAnIssuer: a JWKS by its address, and settings from a file.
func TestC2_KeysOfAnIssuer(t *testing.T) {
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"e","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	}))
	t.Cleanup(issuer.Close)
	dir := t.TempDir()
	must(t, dir, "token", "--new-secret", "--secret-file", "secret")
	write(t, filepath.Join(dir, "dashwire.yaml"), `
jwt-secret-file: [secret]
jwt-keys: [`+issuer.URL+`/jwks.json]
jwt-algorithm: [HS256, EdDSA]
jwt-issuer: https://id.example.com
jwt-audience: [dashwire]
jwt-claim: https://example.com/roles
jwt-user-claim: name
jwt-leeway: 5s
`)
	p := serve(t, dir, "--config", "dashwire.yaml", "--drain", "100ms")
	plain := p.token("--user", "ana", "--grant", "ops=viewer")
	if status, _ := p.call(plain, "GET", "/api/dashboards", ""); status != 401 {
		t.Errorf("without issuer and audience: %d", status)
	}
	cmd := command(t, dir, "token", "--secret-file", "secret", "--user", "ana", "--grant", "ops=owner", "--issuer", "https://id.example.com", "--audience", "dashwire,other")
	cmd.Env = append(cmd.Env, "DASHWIRE_JWT_USER_CLAIM=name", "DASHWIRE_JWT_CLAIM=https://example.com/roles")
	r := finish(t, cmd)
	if status, body := p.call(strings.TrimSpace(r.out), "PUT", "/api/dashboards/ops/widgets/cpu", `{"type":"text"}`); status != 200 {
		t.Errorf("%d %s %s", status, body, r.err)
	}
	p.stop()
}

// TestC2_SigningKeysSwitchSignInOn: a program with a key is somebody, others are nobody.
func TestC2_SigningKeysSwitchSignInOn(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "keys.yaml"), "keys:\n- {id: cron-1, algorithm: hmac-sha256, key: "+signingSecret+", user: cron, dashboards: {ops: feeder}}\n")
	p := serve(t, dir, "--signing-keys", "keys.yaml", "--drain", "100ms")
	p.wait(regexp.MustCompile(`^Sign-in is on: `))
	if status, body := p.call("", "GET", "/api/dashboards?userId=cron", ""); status != 401 || !strings.Contains(body, "sign the request") {
		t.Errorf("without a signature: %d %s", status, body)
	}
	key, err := httpsig.ParseKey("cron-1", httpsig.HMACSHA256, signingSecret)
	if err != nil {
		t.Fatal(err)
	}
	r := request(t, "GET", p.url+"/api/dashboards", "")
	r.Body, r.ContentLength = nil, 0
	if err := httpsig.Sign(r, key, httpsig.SignOptions{}); err != nil {
		t.Fatal(err)
	}
	// For some seconds after its start the server cannot know what it has seen before.
	if status, body := send(t, r); status != 200 && status != 503 {
		t.Errorf("signed: %d %s", status, body)
	}
	p.stop()
}

func TestToken_NewSecret(t *testing.T) {
	dir := t.TempDir()
	r := dash(t, dir, "token", "--new-secret", "--secret-file", "secret")
	if r.code != 0 || r.out != "" || !strings.Contains(r.err, "--jwt-secret-file secret") {
		t.Fatalf("%+v", r)
	}
	path := filepath.Join(dir, "secret")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v", info.Mode())
	}
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if r := dash(t, dir, "token", "--new-secret", "--secret-file", "secret", "--user", "ana"); r.code != 2 || !strings.Contains(r.err, "is there already") {
		t.Errorf("a second time: %+v", r)
	}
	if again, err := os.ReadFile(path); err != nil || string(again) != string(first) {
		t.Error("the secret has changed")
	}
	other := dash(t, dir, "token", "--new-secret", "--secret-file", "other", "--user", "ana", "--algorithm", "HS512")
	if other.code != 0 || strings.Count(other.out, ".") != 2 {
		t.Errorf("%+v", other)
	}
	if second, err := os.ReadFile(filepath.Join(dir, "other")); err != nil || string(second) == string(first) {
		t.Errorf("two secrets are the same (%v)", err)
	}
}

// TestC2_ASecretIsReplacedWhileTheServerRuns: by SIGHUP, and a bad one changes nothing.
func TestC2_ASecretIsReplacedWhileTheServerRuns(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, "token", "--new-secret", "--secret-file", "secret")
	p := serve(t, dir, "--jwt-secret-file", "secret", "--drain", "100ms")
	token := func() string {
		t.Helper()
		return strings.TrimSpace(must(t, dir, "token", "--secret-file", "secret", "--user", "ana", "--grant", "*=owner"))
	}
	status := func(token string) int {
		t.Helper()
		r := request(t, "GET", p.url+"/api/dashboards", "")
		r.Header.Set("Authorization", "Bearer "+token)
		got, _ := send(t, r)
		return got
	}
	before := token()
	if got := status(before); got != 200 {
		t.Fatalf("status %d", got)
	}
	if err := os.Remove(filepath.Join(dir, "secret")); err != nil {
		t.Fatal(err)
	}
	must(t, dir, "token", "--new-secret", "--secret-file", "secret")
	after := token()
	if got := status(after); got != 401 {
		t.Fatalf("status %d before it was read", got)
	}
	p.signal(syscall.SIGHUP)
	for deadline := time.Now().Add(patience); status(after) != 200; {
		if time.Now().After(deadline) {
			t.Fatalf("the new secret is not read\n%s", p.errs.String())
		}
	}
	if got := status(before); got != 401 {
		t.Errorf("status %d for a token of the old secret", got)
	}
	p.stop()
}

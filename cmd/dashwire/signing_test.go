package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth/httpsig"
)

const signingSecret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

func TestC2_SigningKeysInAFile(t *testing.T) {
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	yamlText := "# who may send\nkeys:\n  - id: sensor-7\n    algorithm: ed25519\n    key: |\n      " +
		strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n      ") +
		"\n    user: sensors\n    dashboards: { \"team-*\": feeder, ops: viewer }\n" +
		"  - { id: deploy, algorithm: hmac-sha256, key: " + signingSecret + ", user: deploy, admin: true }\n"
	jsonText := `{"keys": [{"id": "a", "algorithm": "hmac-sha256", "key": "` + signingSecret + `", "user": "ana", "dashboards": {"*": "owner"}}]}`
	for want, text := range map[int]string{2: yamlText, 1: jsonText} {
		if keys, people, err := parseSigningKeys([]byte(text)); err != nil || len(keys) != want || len(people) != want {
			t.Errorf("%d keys, %v, want %d of\n%s", len(keys), err, want, text)
		}
	}
}

func TestC2_SigningKeysThatAreWrong(t *testing.T) {
	key := func(change string) string {
		return "keys:\n- {id: a, algorithm: hmac-sha256, key: " + signingSecret + ", user: ana, " + change + "}\n"
	}
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":         {"", "there are no keys"},
		"no keys":         {"keys: []", "there are no keys"},
		"no YAML":         {"keys: [", "line 1"},
		"unknown member":  {key("grants: {}"), "line 2"},
		"unknown list":    {"key: []", "line 1"},
		"a list of texts": {"keys: [a]", "line 1"},
		"twice":           {key("admin: true, admin: false"), "line 2"},
		"two ids":         {key("") + "- {id: a, algorithm: hmac-sha256, key: " + signingSecret + ", user: bo}\n", `two keys have the id "a"`},
		"unknown role":    {key("dashboards: {ops: boss}"), `key 1: "a": dashboards`},
		"a bad pattern":   {key("dashboards: {'*x': editor}"), `key 1: "a": dashboards`},
		"admin as text":   {key("admin: sure"), "line 2"},
		"no user":         {"keys: [{id: a, algorithm: hmac-sha256, key: " + signingSecret + "}]", "needs a user"},
		"a user in lines": {`keys: [{id: a, algorithm: hmac-sha256, key: ` + signingSecret + `, user: "a\nb"}]`, "needs a user"},
		"nobody":          {"keys: [{id: a, algorithm: hmac-sha256, key: " + signingSecret + ", user: anonymous}]", "needs a user"},
		"no id":           {"keys: [{algorithm: hmac-sha256, key: " + signingSecret + ", user: ana}]", "key id"},
		"a short secret":  {"keys: [{id: a, algorithm: hmac-sha256, key: c2VjcmV0, user: ana}]", "6 bytes"},
		"no secret":       {"keys: [{id: a, algorithm: hmac-sha256, key: 'secret!', user: ana}]", "no base64"},
		"no algorithm":    {"keys: [{id: a, key: " + signingSecret + ", user: ana}]", "PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			keys, people, err := parseSigningKeys([]byte(tt.text))
			if err == nil {
				_, err = takeIn(nil, keys, people)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("%v, want it to say %q", err, tt.want)
			}
			if strings.Contains(err.Error(), signingSecret) || strings.Contains(err.Error(), "secret!") {
				t.Errorf("the error holds the secret: %v", err)
			}
		})
	}
	if err := (&signingKeys{path: filepath.Join(t.TempDir(), "none")}).read(); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("a file that is not there: %v", err)
	}
	broken := filepath.Join(t.TempDir(), "keys.yaml")
	if err := os.WriteFile(broken, []byte("keys: []"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&signingKeys{path: broken}).read(); err == nil || !strings.Contains(err.Error(), broken+": there are no keys") {
		t.Errorf("a file without keys: %v", err)
	}
}

// TestC2_AServerThatTakesSignedRequests is the command with a file of keys and nothing
// else: signed requests are taken once and unchanged, others are nobody's.
func TestC2_AServerThatTakesSignedRequests(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "keys.yaml"), "keys:\n"+
		"- {id: deploy, algorithm: hmac-sha256, key: "+signingSecret+", user: deploy, dashboards: {ops: editor}}\n")
	p := serve(t, dir, "--signing-keys", "keys.yaml", "--drain", "100ms")
	p.wait(regexp.MustCompile(`^Sign-in is on: `))
	key, err := httpsig.ParseKey("deploy", httpsig.HMACSHA256, signingSecret)
	if err != nil {
		t.Fatal(err)
	}
	// By a clock that is as far ahead as is forgiven, so that the wait below is short.
	ahead := 5 * time.Second
	signed := func(method, path, body string) *http.Request {
		t.Helper()
		r := request(t, method, p.url+path, body)
		if err := httpsig.Sign(r, key, httpsig.SignOptions{Created: time.Now().Add(ahead)}); err != nil {
			t.Fatal(err)
		}
		return r
	}
	again := func(r *http.Request, body string) *http.Request {
		t.Helper()
		c := request(t, r.Method, r.URL.String(), body)
		c.Header = r.Header.Clone()
		return c
	}
	// At first it asks to wait, since it cannot know what was taken before it began.
	for deadline := time.Now().Add(patience); ; {
		status, body := send(t, signed("PUT", "/api/dashboards/ops/widgets/cpu", `{"type":"gauge"}`))
		if status == 200 {
			break
		}
		if status != 503 || time.Now().After(deadline) {
			t.Fatalf("%d %s", status, body)
		}
	}
	patch := signed("PATCH", "/api/dashboards/ops/widgets/cpu", `{"title":"Load"}`)
	for _, step := range []struct {
		name string
		r    *http.Request
		want int
	}{
		{"a widget", patch, 200},
		{"the same again", again(patch, `{"title":"Load"}`), 401},
		{"another body", again(signed("PATCH", "/api/dashboards/ops/widgets/cpu", `{"title":"Load"}`), `{"title":"Evil"}`), 401},
		{"a live value", signed("PUT", "/api/dashboards/ops/widgets/cpu/data", `{"data":42}`), 204},
		{"beyond its rights", signed("DELETE", "/api/dashboards/ops", ""), 403},
		{"another dashboard", signed("GET", "/api/dashboards/eu", ""), 404},
		{"unsigned", request(t, "GET", p.url+"/api/dashboards/ops?userId=deploy", ""), 401},
	} {
		if status, body := send(t, step.r); status != step.want {
			t.Errorf("%s: %d, want %d: %s", step.name, status, step.want, body)
		}
	}
	p.stop()
	if strings.Contains(p.errs.String(), signingSecret) {
		t.Errorf("the log has the secret: %s", p.errs.String())
	}
}

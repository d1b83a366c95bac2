package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
		if _, n, err := parseSigningKeys([]byte(text)); err != nil || n != want {
			t.Errorf("%d keys, %v, want %d of\n%s", n, err, want, text)
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
			_, _, err := parseSigningKeys([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("%v, want it to say %q", err, tt.want)
			}
			if strings.Contains(err.Error(), signingSecret) || strings.Contains(err.Error(), "secret!") {
				t.Errorf("the error holds the secret: %v", err)
			}
		})
	}
	if _, _, err := readSigningKeys(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("a file that is not there: %v", err)
	}
	broken := filepath.Join(t.TempDir(), "keys.yaml")
	if err := os.WriteFile(broken, []byte("keys: []"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := readSigningKeys(broken); err == nil || !strings.Contains(err.Error(), broken+": there are no keys") {
		t.Errorf("a file without keys: %v", err)
	}
}

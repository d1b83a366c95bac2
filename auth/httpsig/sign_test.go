package httpsig

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
)

func TestSign_CoversWhatAServerAsksFor(t *testing.T) {
	_, private := rfcKeys(t)
	r := put(t)
	if err := Sign(r, private[edKey], SignOptions{Created: noon, Nonce: "n-1"}); err != nil {
		t.Fatal(err)
	}
	want := `sig=("@method" "@authority" "@path" "@query" "content-digest" "content-type" "idempotency-key")` +
		`;created=1795435200;nonce="n-1";alg="ed25519";keyid="test-key-ed25519"`
	if got := r.Header.Get("Signature-Input"); got != want {
		t.Errorf("Signature-Input is\n%s\nwant\n%s", got, want)
	}
	if got, err := io.ReadAll(r.Body); err != nil || string(got) != body {
		t.Errorf("the body is %q, %v afterwards", got, err)
	}
}

func TestSign_GivesABodyBackThatCanBeReadOnce(t *testing.T) {
	g := newRig(t, nil)
	r := put(t)
	r.GetBody = nil
	g.sign(t, r, hmacKey, SignOptions{})
	if _, err := g.Verify(r); err != nil {
		t.Fatal(err)
	}
}

func TestSign_Refuses(t *testing.T) {
	public, private := rfcKeys(t)
	for name, err := range map[string]error{
		"a public key":        Sign(put(t), public[edKey], SignOptions{}),
		"no key":              Sign(put(t), Key{}, SignOptions{}),
		"an absent field":     Sign(put(t), private[edKey], SignOptions{Components: []string{"x-none"}}),
		"a broken component":  Sign(put(t), private[edKey], SignOptions{Components: []string{`"x-none`}}),
		"a response's":        Sign(put(t), private[edKey], SignOptions{Components: []string{"@status"}}),
		"a label":             Sign(put(t), private[edKey], SignOptions{Label: "No Label"}),
		"a nonce with breaks": Sign(put(t), private[edKey], SignOptions{Nonce: "a\nb"}),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestNewKey_BindsAKeyToItsAlgorithm(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secret := make([]byte, 32)
	for _, tt := range []struct {
		name      string
		id        string
		algorithm Algorithm
		material  any
	}{
		{"no id", "", Ed25519, ed},
		{"an id with a break", "a\nb", Ed25519, ed},
		{"a long id", strings.Repeat("k", maxKeyID+1), Ed25519, ed},
		{"another algorithm", "k", ECDSAP256, ed},
		{"an unknown algorithm", "k", "rsa-pss-sha512", ed},
		{"no algorithm", "k", "", secret},
		{"another curve", "k", ECDSAP256, p384},
		{"another curve's public key", "k", ECDSAP256, &p384.PublicKey},
		{"a short secret", "k", HMACSHA256, secret[:31]},
		{"a public key as a secret", "k", HMACSHA256, ed.Public()},
		{"bytes as a public key", "k", Ed25519, secret},
		{"a short public key", "k", Ed25519, ed25519.PublicKey(secret[:31])},
		{"a short private key", "k", Ed25519, ed25519.PrivateKey(secret)},
		{"nothing", "k", Ed25519, nil},
	} {
		if k, err := NewKey(tt.id, tt.algorithm, tt.material); err == nil || k.ID() != "" {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	k, err := NewKey("k", HMACSHA256, secret)
	if err != nil || k.ID() != "k" || k.Algorithm() != HMACSHA256 {
		t.Fatalf("%v, %v", k, err)
	}
	before, err := k.sign(nil)
	if err != nil {
		t.Fatal(err)
	}
	secret[0]++
	if !k.verify(nil, before) {
		t.Error("the key changes with the bytes that it was made of")
	}
}

func TestParseKey_Refuses(t *testing.T) {
	v := readVectors(t)
	for _, tt := range []struct {
		name      string
		algorithm Algorithm
		text      string
	}{
		{"nothing", Ed25519, ""},
		{"no PEM", Ed25519, "AAAA"},
		{"two blocks", Ed25519, v.Keys[1].Public + "\n" + v.Keys[1].Public},
		{"another kind of key", Ed25519, v.Keys[0].Public},
		{"a certificate", Ed25519, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"},
		{"damaged", Ed25519, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"},
		{"a secret that is no base64", HMACSHA256, "secret!"},
	} {
		_, err := ParseKey("k", tt.algorithm, tt.text)
		if err == nil {
			t.Errorf("%s: no error", tt.name)
		} else if tt.text != "" && strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: the error holds the key: %v", tt.name, err)
		}
	}
}

func TestC2_AuthenticatorKnowsWhoHoldsAKey(t *testing.T) {
	g := newRig(t, nil)
	a := NewAuthenticator(g.Verifier, map[string]auth.Principal{edKey: {UserID: "cron"}})
	if p, err := a.AuthenticateRequest(g.signed(t)); err != nil || p.UserID != "cron" {
		t.Errorf("%v, %v", p, err)
	}
	for name, tt := range map[string]struct {
		r    func() *SignOptions
		key  string
		code board.Code
	}{
		"stale":         {func() *SignOptions { return &SignOptions{Created: noon.Add(-time.Hour)} }, edKey, board.CodeUnauthenticated},
		"nobody's key":  {func() *SignOptions { return &SignOptions{} }, hmacKey, board.CodeUnauthenticated},
		"too long ones": {func() *SignOptions { return &SignOptions{Nonce: strings.Repeat("n", 300)} }, edKey, board.CodeTooLarge},
	} {
		p, err := a.AuthenticateRequest(g.sign(t, put(t), tt.key, *tt.r()))
		var refusal *board.Error
		if !errors.As(err, &refusal) || refusal.Code != tt.code || p.UserID != "" {
			t.Errorf("%s: %v, %v", name, p, err)
		}
		if errors.Is(err, auth.ErrUnauthenticated) != (tt.code == board.CodeUnauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

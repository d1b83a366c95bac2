package httpsig

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// rig is a verifier of the RFC's keys, with a clock that a test sets.
type rig struct {
	*Verifier
	private map[string]Key
	now     time.Time
}

const (
	edKey   = "test-key-ed25519"
	ecKey   = "test-key-ecc-p256"
	hmacKey = "test-shared-secret"
)

func newRig(t testing.TB, change func(*Config)) *rig {
	t.Helper()
	public, private := rfcKeys(t)
	g := &rig{private: private, now: noon}
	cfg := Config{
		Keys: []Key{public[edKey], public[ecKey], public[hmacKey]},
		Now:  func() time.Time { return g.now }, Since: noon.Add(-time.Hour),
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if g.Verifier, err = NewVerifier(cfg); err != nil {
		t.Fatal(err)
	}
	return g
}

const body = `{"data":42}`

// put is a request to send a live value, not yet signed.
func put(t testing.TB) *http.Request {
	t.Helper()
	r, err := http.NewRequest("PUT", "https://dash.example.com/api/dashboards/ops/widgets/cpu/data?a=b", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "op-1")
	return r
}

func (g *rig) sign(t testing.TB, r *http.Request, keyID string, o SignOptions) *http.Request {
	t.Helper()
	if o.Created.IsZero() {
		o.Created = g.now
	}
	if err := Sign(r, g.private[keyID], o); err != nil {
		t.Fatal(err)
	}
	return r
}

func (g *rig) signed(t testing.TB) *http.Request {
	t.Helper()
	return g.sign(t, put(t), edKey, SignOptions{})
}

func reasonOf(err error) Reason {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal.Reason
	}
	return ""
}

func TestC2_ASignedRequestNamesItsKey(t *testing.T) {
	g := newRig(t, nil)
	for _, key := range []string{edKey, ecKey, hmacKey} {
		t.Run(key, func(t *testing.T) {
			for name, r := range map[string]*http.Request{
				"with a body":    put(t),
				"without a body": request(t, "GET", "https://dash.example.com"),
			} {
				g.sign(t, r, key, SignOptions{})
				if got, err := g.Verify(r); err != nil || got != key {
					t.Errorf("%s: signed by %q, %v", name, got, err)
				}
				if r.Body == nil {
					continue
				}
				if got, err := io.ReadAll(r.Body); err != nil || string(got) != body {
					t.Errorf("the body is %q, %v afterwards", got, err)
				}
			}
		})
	}
}

func TestC2_WhatMayBeCovered(t *testing.T) {
	g := newRig(t, nil)
	full := []string{"content-digest", "content-type", "idempotency-key"}
	for name, components := range map[string][]string{
		"target URI":      {"@method", "@target-uri"},
		"parts":           {"@query", "@path", "@authority", "@method"},
		"more":            {"@method", "@target-uri", "@scheme", "@request-target", "@authority", "host", "content-length", `"@query-param";name="a"`},
		"digest strictly": {"@method", "@target-uri", `"content-digest";sf`},
		"type as bytes":   {"@method", "@target-uri", `"content-type";bs`},
	} {
		t.Run(name, func(t *testing.T) {
			list := components
			for _, f := range full {
				if !strings.Contains(strings.Join(components, " "), f) {
					list = append(list, f)
				}
			}
			r := g.sign(t, put(t), ecKey, SignOptions{Components: list, Expires: g.now.Add(time.Second), Tag: "t", Label: "x-1"})
			r.RequestURI = r.URL.RequestURI() // as a server has it
			if key, err := g.Verify(r); err != nil || key != ecKey {
				t.Errorf("signed by %q, %v", key, err)
			}
		})
	}
}

// TestC2_AttacksOnSignedRequests changes good requests, each in one way.
func TestC2_AttacksOnSignedRequests(t *testing.T) {
	cover := func(leaveOut string) SignOptions {
		var o SignOptions
		for _, c := range []string{"@method", "@authority", "@path", "@query", "content-digest", "content-type", "idempotency-key"} {
			if c != leaveOut {
				o.Components = append(o.Components, c)
			}
		}
		return o
	}
	edit := func(field, old, replacement string) func(*testing.T, *rig, *http.Request) {
		return func(t *testing.T, _ *rig, r *http.Request) {
			text := r.Header.Get(field)
			if !strings.Contains(text, old) {
				t.Fatalf("%s has no %s: %s", field, old, text)
			}
			r.Header.Set(field, strings.Replace(text, old, replacement, 1))
		}
	}
	set := func(field string, lines ...string) func(*testing.T, *rig, *http.Request) {
		return func(_ *testing.T, _ *rig, r *http.Request) { r.Header[field] = lines }
	}
	add := func(field, line string) func(*testing.T, *rig, *http.Request) {
		return func(_ *testing.T, _ *rig, r *http.Request) { r.Header.Add(field, line) }
	}
	replaceBody := func(text string) func(*testing.T, *rig, *http.Request) {
		return func(_ *testing.T, _ *rig, r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(text))
			r.ContentLength = int64(len(text))
		}
	}
	tests := []struct {
		name    string
		options SignOptions
		key     string // "" = the Ed25519 key
		attack  func(*testing.T, *rig, *http.Request)
		want    Reason
	}{
		{name: "@method left out", options: cover("@method"), want: Uncovered},
		{name: "@authority left out", options: cover("@authority"), want: Uncovered},
		{name: "@path left out", options: cover("@path"), want: Uncovered},
		{name: "@query left out", options: cover("@query"), want: Uncovered},
		{name: "content-digest left out", options: cover("content-digest"), want: Uncovered},
		{name: "content-type left out", options: cover("content-type"), want: Uncovered},
		{name: "Idempotency-Key left out", options: cover("idempotency-key"), want: Uncovered},
		{name: "nothing covered", options: SignOptions{Components: []string{}}, want: Uncovered},
		{
			name: "a parameter in the place of the query", want: Uncovered,
			options: SignOptions{Components: append(cover("@query").Components, `"@query-param";name="a"`)},
		},
		{
			name: "one digest of the field", want: Uncovered,
			options: SignOptions{Components: append(cover("content-digest").Components, `"content-digest";key="sha-256"`)},
		},
		{name: "a precondition added", attack: set("If-Match", `"k3J9-1"`), want: Uncovered},

		{name: "another method", attack: func(_ *testing.T, _ *rig, r *http.Request) { r.Method = "DELETE" }, want: Unproven},
		{name: "another path", attack: func(_ *testing.T, _ *rig, r *http.Request) { r.URL.Path = "/api/dashboards/eu/widgets/cpu/data" }, want: Unproven},
		{name: "the same path escaped", attack: func(_ *testing.T, _ *rig, r *http.Request) { r.URL.RawPath = "/api/dashboards/ops/widgets/cp%75/data" }, want: Unproven},
		{name: "another query", attack: func(_ *testing.T, _ *rig, r *http.Request) { r.URL.RawQuery = "a=c" }, want: Unproven},
		{name: "query taken away", attack: func(_ *testing.T, _ *rig, r *http.Request) { r.URL.RawQuery = "" }, want: Unproven},
		{name: "another server", attack: func(_ *testing.T, _ *rig, r *http.Request) { r.Host = "other.example.com" }, want: Unproven},
		{name: "another port", attack: func(_ *testing.T, _ *rig, r *http.Request) { r.Host = "dash.example.com:8443" }, want: Unproven},
		{name: "a covered field changed", attack: set("Idempotency-Key", "op-2"), want: Unproven},
		{name: "a covered field twice", attack: add("Idempotency-Key", "op-2"), want: Unproven},
		{name: "a covered field split in two", attack: set("Content-Type", "application", "json"), want: Unproven},
		{name: "a covered field taken away", attack: set("Idempotency-Key"), want: Component},
		{name: "the type taken away", attack: set("Content-Type"), want: Component},

		{name: "body changed", attack: replaceBody(`{"data":43}`), want: Digest},
		{name: "body longer", attack: replaceBody(body + " "), want: Digest},
		{name: "body taken away", attack: replaceBody(""), want: Digest},
		{name: "body and digest changed", want: Unproven, attack: func(t *testing.T, g *rig, r *http.Request) {
			replaceBody("{}")(t, g, r)
			r.Header.Set("Content-Digest", digestOf([]byte("{}")))
		}},
		{name: "digest added", attack: add("Content-Digest", "sha-512=:AA==:"), want: Unproven},
		{name: "body over the limit", want: TooLarge, attack: func(t *testing.T, g *rig, r *http.Request) {
			g.cfg.MaxBody = int64(len(body)) - 1
		}},
		{name: "body breaks off", want: Broken, attack: func(_ *testing.T, _ *rig, r *http.Request) {
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), &brokenReader{}))
		}},

		{name: "made 61 s ago", options: SignOptions{Created: noon.Add(-61 * time.Second)}, want: Stale},
		{name: "made in 6 s", options: SignOptions{Created: noon.Add(6 * time.Second)}, want: Stale},
		{name: "made in 1970", options: SignOptions{Created: time.Unix(0, 0)}, want: Stale},
		{name: "expired", options: SignOptions{Created: noon.Add(-9 * time.Second), Expires: noon}, want: Stale},
		{name: "created changed", attack: edit("Signature-Input", fmt.Sprintf("created=%d", noon.Unix()), fmt.Sprintf("created=%d", noon.Unix()+1)), want: Unproven},
		{name: "created taken away", attack: edit("Signature-Input", fmt.Sprintf(";created=%d", noon.Unix()), ""), want: Uncovered},
		{name: "created as text", attack: edit("Signature-Input", "created=", `created="1";x=`), want: Malformed},
		{name: "created with a fraction", attack: edit("Signature-Input", "created=", "created=1.5;x="), want: Malformed},
		{name: "created beyond all numbers", attack: edit("Signature-Input", "created=", "created=99999999999999999999;x="), want: Malformed},
		{name: "expires as text", attack: edit("Signature-Input", ";nonce", `;expires="1";nonce`), want: Malformed},
		{name: "expires added", attack: edit("Signature-Input", ";nonce", fmt.Sprintf(";expires=%d;nonce", noon.Unix()+9)), want: Unproven},
		{name: "nonce changed", attack: edit("Signature-Input", `nonce="`, `nonce="x`), want: Unproven},
		{name: "nonce taken away", attack: edit("Signature-Input", "nonce=", "x-nonce="), want: Uncovered},
		{name: "nonce empty", attack: edit("Signature-Input", "nonce=", `nonce="";x=`), want: Uncovered},
		{name: "nonce as bytes", attack: edit("Signature-Input", "nonce=", "nonce=:AA==:;x="), want: Malformed},
		{name: "nonce too long", options: SignOptions{Nonce: strings.Repeat("n", maxNonce+1)}, want: TooLarge},
		{name: "the nonce of another request", want: Replayed, attack: func(t *testing.T, g *rig, r *http.Request) {
			o := SignOptions{Nonce: "n-1", Created: g.now}
			first := request(t, "GET", "https://dash.example.com/")
			if err := Sign(first, g.private[edKey], o); err != nil {
				t.Fatal(err)
			}
			if _, err := g.Verify(first); err != nil {
				t.Fatal(err)
			}
			if err := Sign(r, g.private[edKey], o); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "replayed", want: Replayed, attack: func(t *testing.T, g *rig, r *http.Request) {
			if _, err := g.Verify(r); err != nil {
				t.Fatal(err)
			}
		}},

		{name: "keyid taken away", attack: edit("Signature-Input", "keyid=", "x-keyid="), want: Uncovered},
		{name: "keyid unknown", attack: edit("Signature-Input", `keyid="test-`, `keyid="no-`), want: Unproven},
		{name: "keyid of another key", attack: edit("Signature-Input", edKey, hmacKey), want: Unproven},
		{name: "keyid with a path", attack: edit("Signature-Input", edKey, "../../etc/passwd"), want: Unproven},
		{name: "keyid as a token", attack: edit("Signature-Input", `keyid="`+edKey+`"`, "keyid=a"), want: Malformed},
		{name: "keyid too long", attack: edit("Signature-Input", edKey, strings.Repeat("k", maxKeyID+1)), want: TooLarge},
		{name: "alg of another key", attack: edit("Signature-Input", `alg="ed25519"`, `alg="hmac-sha256"`), want: Unproven},
		{name: "alg unknown", attack: edit("Signature-Input", `alg="ed25519"`, `alg="none"`), want: Unproven},
		{name: "alg as a token", attack: edit("Signature-Input", `alg="ed25519"`, `alg=ed25519`), want: Malformed},
		{name: "alg taken away", attack: edit("Signature-Input", `;alg="ed25519"`, ""), want: Unproven},
		{name: "an HMAC made with a public key", want: Unproven, attack: func(t *testing.T, g *rig, r *http.Request) {
			forged, err := NewKey(edKey, HMACSHA256, []byte(g.private[edKey].ed25519Public))
			if err != nil {
				t.Fatal(err)
			}
			if err := Sign(r, forged, SignOptions{Created: g.now}); err != nil {
				t.Fatal(err)
			}
		}},

		{name: "nothing", want: Unsigned, attack: func(_ *testing.T, _ *rig, r *http.Request) {
			r.Header.Del("Signature-Input")
			r.Header.Del("Signature")
		}},
		{name: "no input", attack: set("Signature-Input"), want: Unsigned},
		{name: "empty input", attack: set("Signature-Input", ""), want: Unsigned},
		{name: "no signature", attack: set("Signature"), want: Malformed},
		{name: "empty signature", attack: set("Signature", ""), want: Malformed},
		{name: "wrong label", attack: edit("Signature", "sig=", "other="), want: Malformed},
		{name: "signature as text", attack: set("Signature", `sig="AA=="`), want: Malformed},
		{name: "signature as a list", attack: set("Signature", `sig=(:AA==:)`), want: Malformed},
		{name: "empty bytes", attack: set("Signature", `sig=::`), want: Unproven},
		{name: "cut short", attack: set("Signature", `sig=:AAAA:`), want: Unproven},
		{name: "no base64", attack: set("Signature", `sig=:A:`), want: Malformed},
		{name: "no dictionary", attack: set("Signature-Input", `("@method")`), want: Malformed},
		{name: "cut off", attack: set("Signature-Input", `sig=("@method"`), want: Malformed},
		{name: "an item", attack: set("Signature-Input", `sig="@method";created=1`), want: Malformed},
		{name: "bytes above ASCII", attack: edit("Signature-Input", edKey, "\u00e9"), want: Malformed},
		{name: "a component twice", attack: edit("Signature-Input", `"@method"`, `"@method" "@method"`), want: Malformed},
		{name: "a component in upper case", attack: edit("Signature-Input", `"@method"`, `"@Method"`), want: Component},
		{name: "a component of a response", attack: edit("Signature-Input", `"@method"`, `"@method" "@status"`), want: Component},
		{name: "components without end", attack: edit("Signature-Input", `"@method"`, `"@method" `+strings.Repeat(`"x" `, maxComponents)), want: TooLarge},
		{name: "components in another order", attack: edit("Signature-Input", `"@method" "@authority"`, `"@authority" "@method"`), want: Unproven},
		{name: "parameters in another order", attack: edit("Signature-Input", fmt.Sprintf(`;created=%d`, noon.Unix()), fmt.Sprintf(`;x;created=%d`, noon.Unix())), want: Unproven},
		{name: "huge input", attack: add("Signature-Input", `big="`+strings.Repeat("x", maxHeader)+`"`), want: TooLarge},
		{name: "huge signature", attack: add("Signature", `big=:`+strings.Repeat("AAAA", maxHeader/4)+`:`), want: TooLarge},
		{name: "a hundred lines", want: TooLarge, attack: func(_ *testing.T, _ *rig, r *http.Request) {
			for i := range 100 {
				r.Header.Add("Signature-Input", fmt.Sprintf(`s%d=("@method");note="%s"`, i, strings.Repeat("x", 100)))
			}
		}},

		{name: "input twice under one label", want: Malformed, attack: func(_ *testing.T, _ *rig, r *http.Request) {
			r.Header.Add("Signature-Input", r.Header.Get("Signature-Input"))
		}},
		{name: "signature twice under one label", attack: add("Signature", "sig=:AAAA:"), want: Malformed},
		{name: "a bad signature before the good one", want: Ambiguous, attack: func(_ *testing.T, _ *rig, r *http.Request) {
			r.Header["Signature-Input"] = []string{`evil=();created=1;keyid="x";nonce="y"`, r.Header.Get("Signature-Input")}
			r.Header["Signature"] = []string{"evil=:AAAA:", r.Header.Get("Signature")}
		}},
		{name: "a bad signature after the good one", want: Ambiguous, attack: func(_ *testing.T, _ *rig, r *http.Request) {
			r.Header.Add("Signature-Input", `evil=();created=1;keyid="x";nonce="y"`)
			r.Header.Add("Signature", "evil=:AAAA:")
		}},
		{name: "two good signatures", want: Ambiguous, attack: func(t *testing.T, g *rig, r *http.Request) {
			if err := Sign(r, g.private[hmacKey], SignOptions{Label: "two", Created: g.now}); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "a signature without input", attack: add("Signature", "evil=:AAAA:"), want: Ambiguous},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newRig(t, nil)
			key := tt.key
			if key == "" {
				key = edKey
			}
			r := g.sign(t, put(t), key, tt.options)
			if tt.attack != nil {
				tt.attack(t, g, r)
			}
			got, err := g.Verify(r)
			if reasonOf(err) != tt.want || got != "" {
				t.Errorf("%q, %v (%s), want it refused as %q", got, err, reasonOf(err), tt.want)
			}
			unauthenticated := tt.want != TooLarge && tt.want != Broken && tt.want != Unknowable
			if errors.Is(err, auth.ErrUnauthenticated) != unauthenticated {
				t.Errorf("%v: it says nobody is signed in: %t", err, !unauthenticated)
			}
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestC2_DigestsThatBindNothing(t *testing.T) {
	g := newRig(t, nil)
	for name, field := range map[string]string{
		"unknown algorithm":    "md5=:AA==:",
		"empty":                "",
		"one of two is wrong":  digestOf([]byte(body)) + ", sha-512=:AAAA:",
		"text":                 `sha-256="x"`,
		"a list":               `sha-256=(:AA==:)`,
		"no dictionary":        "=",
		"the same one twice":   digestOf([]byte(body)) + ", " + digestOf([]byte(body)),
		"the last one is good": "sha-256=:AAAA:, " + digestOf([]byte(body)),
	} {
		t.Run(name, func(t *testing.T) {
			r := put(t)
			r.Header.Set("Content-Digest", field)
			g.sign(t, r, edKey, SignOptions{})
			if _, err := g.Verify(r); reasonOf(err) != Digest && reasonOf(err) != Malformed {
				t.Errorf("%v", err)
			}
		})
	}
	r := put(t)
	r.Header.Set("Content-Digest", "md5=:AA==:, "+digestOf([]byte(body)))
	if _, err := g.Verify(g.sign(t, r, edKey, SignOptions{})); err != nil {
		t.Errorf("a known digest beside an unknown one: %v", err)
	}
}

func TestC2_ABodyOfUnknownLengthIsBoundToo(t *testing.T) {
	g := newRig(t, nil)
	plain := SignOptions{Components: []string{"@method", "@target-uri"}}
	r := g.sign(t, request(t, "POST", "https://dash.example.com/"), edKey, plain)
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader("x")), -1
	if _, err := g.Verify(r); reasonOf(err) != Uncovered {
		t.Errorf("a body that nobody signed: %v", err)
	}
	r = g.sign(t, request(t, "POST", "https://dash.example.com/"), edKey, plain)
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader("")), -1
	if _, err := g.Verify(r); err != nil {
		t.Errorf("a body without a byte: %v", err)
	}
}

func TestC2_ATagChoosesAmongSignatures(t *testing.T) {
	g := newRig(t, func(c *Config) { c.Tag = "dashwire" })
	r := g.sign(t, put(t), edKey, SignOptions{Tag: "dashwire"})
	r.Header.Add("Signature-Input", `proxy=("@method");created=1;keyid="p";tag="proxy"`)
	r.Header.Add("Signature", "proxy=:AAAA:")
	if key, err := g.Verify(r); err != nil || key != edKey {
		t.Errorf("signed by %q, %v", key, err)
	}
	for name, o := range map[string][]SignOptions{
		"no tag":         {{}},
		"another tag":    {{Tag: "other"}},
		"twice that tag": {{Tag: "dashwire"}, {Tag: "dashwire", Label: "two"}},
	} {
		r := put(t)
		for _, one := range o {
			g.sign(t, r, edKey, one)
		}
		if _, err := g.Verify(r); reasonOf(err) != Unsigned && reasonOf(err) != Ambiguous {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestC2_ANonceIsGoodOnceForAllConcurrentRequests(t *testing.T) {
	g := newRig(t, nil)
	first := g.signed(t)
	var passed, replayed atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			r := first.Clone(t.Context())
			r.Body = io.NopCloser(strings.NewReader(body))
			switch _, err := g.Verify(r); {
			case err == nil:
				passed.Add(1)
			case reasonOf(err) == Replayed:
				replayed.Add(1)
			}
		})
	}
	wg.Wait()
	if passed.Load() != 1 || replayed.Load() != 15 {
		t.Errorf("%d passed and %d were replayed, want 1 and 15", passed.Load(), replayed.Load())
	}
}

func TestC2_ANonceIsRememberedUntilItsSignatureIsTooOld(t *testing.T) {
	g := newRig(t, nil)
	r := g.sign(t, request(t, "GET", "https://dash.example.com/"), edKey, SignOptions{Created: g.now.Add(5 * time.Second)})
	if _, err := g.Verify(r); err != nil {
		t.Fatal(err)
	}
	for range 65 {
		g.now = g.now.Add(time.Second)
		if _, err := g.Verify(r); reasonOf(err) != Replayed {
			t.Fatalf("at %s: %v", g.now, err)
		}
	}
	g.now = g.now.Add(time.Second)
	if _, err := g.Verify(r); reasonOf(err) != Stale {
		t.Fatalf("at %s: %v", g.now, err)
	}
	other := g.sign(t, request(t, "GET", "https://dash.example.com/"), edKey, SignOptions{})
	if _, err := g.Verify(other); err != nil {
		t.Fatal(err)
	}
	if n := (*g.keys.Load())[edKey].nonces; len(n.seen) != 1 || len(n.made) != 1 {
		t.Errorf("%d nonces of %d seconds are remembered, want those of the last request", len(n.seen), len(n.made))
	}
}

func TestC2_AFullMemoryForgetsNothing(t *testing.T) {
	g := newRig(t, func(c *Config) { c.MaxNonces = 2 })
	first := g.sign(t, request(t, "GET", "https://dash.example.com/"), edKey, SignOptions{})
	get := func() error {
		_, err := g.Verify(g.sign(t, request(t, "GET", "https://dash.example.com/"), edKey, SignOptions{}))
		return err
	}
	if _, err := g.Verify(first); err != nil {
		t.Fatal(err)
	}
	if err := get(); err != nil {
		t.Fatal(err)
	}
	if err := get(); reasonOf(err) != Unknowable {
		t.Fatalf("the third: %v", err)
	}
	if _, err := g.Verify(first); reasonOf(err) != Replayed {
		t.Fatalf("the first again: %v", err)
	}
	if _, err := g.Verify(g.sign(t, request(t, "GET", "https://dash.example.com/"), hmacKey, SignOptions{})); err != nil {
		t.Errorf("another key: %v", err)
	}
	g.now = g.now.Add(61 * time.Second)
	if err := get(); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestC2_NothingFromBeforeTheStartIsTaken(t *testing.T) {
	g := newRig(t, func(c *Config) { c.Since = time.Time{} })
	get := func() error {
		_, err := g.Verify(g.sign(t, request(t, "GET", "https://dash.example.com/"), edKey, SignOptions{}))
		return err
	}
	before := g.sign(t, request(t, "GET", "https://dash.example.com/"), edKey, SignOptions{Created: g.now.Add(5 * time.Second)})
	for range 6 {
		if err := get(); reasonOf(err) != Unknowable || errors.Is(err, auth.ErrUnauthenticated) {
			t.Fatalf("%s after the start: %v", g.now.Sub(noon), err)
		}
		g.now = g.now.Add(time.Second)
	}
	if err := get(); err != nil {
		t.Fatalf("%s after the start: %v", g.now.Sub(noon), err)
	}
	if _, err := g.Verify(before); reasonOf(err) != Unknowable {
		t.Errorf("one that a server before this could have taken: %v", err)
	}
}

func TestC2_AClockThatIsSetBackOpensNoReplay(t *testing.T) {
	g := newRig(t, nil)
	r := g.sign(t, request(t, "GET", "https://dash.example.com/"), edKey, SignOptions{})
	if _, err := g.Verify(r); err != nil {
		t.Fatal(err)
	}
	g.now = g.now.Add(time.Hour)
	if _, err := g.Verify(g.sign(t, request(t, "GET", "https://dash.example.com/"), edKey, SignOptions{})); err != nil {
		t.Fatal(err)
	}
	g.now = noon.Add(time.Second)
	if _, err := g.Verify(r); reasonOf(err) != Unknowable {
		t.Errorf("the first again: %v", err)
	}
}

func TestC2_ABadRequestUsesUpNoNonce(t *testing.T) {
	g := newRig(t, nil)
	good := g.signed(t)
	bad := good.Clone(t.Context())
	bad.Method = "DELETE"
	if _, err := g.Verify(bad); reasonOf(err) != Unproven {
		t.Fatal(err)
	}
	if _, err := g.Verify(good); err != nil {
		t.Error(err)
	}
}

func TestNewVerifier_NamesWhatIsWrong(t *testing.T) {
	_, private := rfcKeys(t)
	key := private[edKey]
	for name, cfg := range map[string]Config{
		"no keys":           {},
		"zero key":          {Keys: []Key{{}}},
		"an id twice":       {Keys: []Key{key, key}},
		"short age":         {Keys: []Key{key}, MaxAge: time.Millisecond},
		"negative":          {Keys: []Key{key}, MaxAhead: -1},
		"negative body":     {Keys: []Key{key}, MaxBody: -1},
		"negative nonces":   {Keys: []Key{key}, MaxNonces: -1},
		"field upper case":  {Keys: []Key{key}, Fields: []string{"If-Match"}},
		"field with spaces": {Keys: []Key{key}, Fields: []string{"if match"}},
	} {
		if _, err := NewVerifier(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestC2_ASignatureNeedNotNameItsAlgorithm(t *testing.T) {
	g := newRig(t, nil)
	r := request(t, "GET", "https://dash.example.com/")
	input := fmt.Sprintf(`("@method" "@target-uri");keyid="%s";created=%d;nonce="n";of-no-meaning`, hmacKey, noon.Unix())
	list := parseList(t, input)
	all, err := components(list)
	if err != nil {
		t.Fatal(err)
	}
	base, err := signatureBase(r, all, list)
	if err != nil {
		t.Fatal(err)
	}
	sig, _ := g.private[hmacKey].sign(base)
	r.Header.Set("Signature-Input", " sig = "+input)
	r.Header.Set("Signature", bytesOf([]string{string(sig)}))
	if _, err := g.Verify(r); reasonOf(err) != Malformed {
		t.Errorf("space around the equals sign: %v", err)
	}
	r.Header.Set("Signature-Input", "  sig="+input+" ")
	r.Header.Set("Signature", "sig="+bytesOf([]string{string(sig)}))
	if key, err := g.Verify(r); err != nil || key != hmacKey {
		t.Errorf("signed by %q, %v", key, err)
	}
}

package jwtauth

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// noon is when the tests take place.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const testSecret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// place is what a test signs in to.
type place struct {
	t    *testing.T
	door *Authenticator
	log  *bytes.Buffer
}

// file writes a file of the test.
func file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func enter(t *testing.T, cfg Config) *place {
	t.Helper()
	p := &place{t: t, log: &bytes.Buffer{}}
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return noon }
	}
	cfg.Log = slog.New(slog.NewTextHandler(p.log, nil))
	var err error
	if p.door, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	return p
}

// bySecret checks tokens with testSecret.
func bySecret(t *testing.T) *place {
	t.Helper()
	return enter(t, Config{SecretFiles: []string{file(t, "secret", []byte(testSecret+"\n"))}})
}

func (p *place) signIn(token string) (auth.Principal, error) {
	return p.door.Authenticate(p.t.Context(), auth.Credentials{Token: token, Source: auth.FromHeader, RemoteAddr: "192.0.2.1"})
}

// refused fails unless a token is refused for a reason, which the log has without the token.
func (p *place) refused(token, reason string) {
	p.t.Helper()
	p.log.Reset()
	who, err := p.signIn(token)
	if !errors.Is(err, auth.ErrUnauthenticated) || !strings.Contains(err.Error(), reason) {
		p.t.Fatalf("signed in as %+v, error %v; want refused: %s", who, err, reason)
	}
	if !reflect.DeepEqual(who, auth.Principal{}) {
		p.t.Errorf("refused, and still %+v", who)
	}
	if line := p.log.String(); strings.Count(line, "\n") != 1 || !strings.Contains(line, "remote=192.0.2.1") {
		p.t.Errorf("log: %q", line)
	}
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 16 && strings.Contains(p.log.String()+err.Error(), part) {
			p.t.Errorf("the token is told: %s %v", p.log, err)
		}
	}
}

// sign makes a token of header and claims as text.
func sign(t *testing.T, header, claims string, with func(text string) []byte) string {
	t.Helper()
	text := b64([]byte(header)) + "." + b64([]byte(claims))
	return text + "." + b64(with(text))
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func hs256(secret []byte) func(string) []byte {
	return func(text string) []byte {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
}

func rs256(t *testing.T, k *rsa.PrivateKey) func(string) []byte {
	return func(text string) []byte {
		sum := sha256.Sum256([]byte(text))
		signature, err := rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
}

// pemOf is a public key in PEM form.
func pemOf(t testing.TB, public any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// jwkOf is a public key as a JWK.
func jwkOf(t testing.TB, public any, id string) []byte {
	t.Helper()
	k, err := jwkset.NewJWKFromKey(public, jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: id, USE: jwkset.UseSig}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := jsontext.Encode(k.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func newRSA(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// good are claims that nothing is wrong with.
func good(more string) string {
	return fmt.Sprintf(`{"sub":"ana","exp":%d%s}`, noon.Add(time.Hour).Unix(), more)
}

const hsHeader = `{"alg":"HS256","typ":"JWT"}`

func TestP1_RolesComeFromTheToken(t *testing.T) {
	p := bySecret(t)
	claims := good(fmt.Sprintf(`,"iat":%d,"jti":"t-1","dashwire":{"dashboards":{"ops":"editor","team-*":"viewer","*":"feeder"},"admin":true}`, noon.Unix()))
	who, err := p.signIn(sign(t, hsHeader, claims, hs256([]byte(testSecret))))
	want := auth.Principal{
		UserID: "ana", Admin: true, Expires: noon.Add(time.Hour).Local(), TokenID: "t-1", IssuedAt: noon.Local(),
		Grants: []auth.Grant{{Pattern: "*", Role: auth.Feeder}, {Pattern: "ops", Role: auth.Editor}, {Pattern: "team-*", Role: auth.Viewer}},
	}
	if err != nil || !reflect.DeepEqual(who, want) {
		t.Errorf("signed in as %+v, %v; want %+v", who, err, want)
	}
	if p.log.Len() > 0 {
		t.Errorf("log: %s", p.log)
	}
	who, err = p.signIn(sign(t, hsHeader, good(""), hs256([]byte(testSecret))))
	if err != nil || who.UserID != "ana" || who.Admin || len(who.Grants) > 0 || who.RoleOn("ops") != auth.None {
		t.Errorf("without the claim: %+v, %v", who, err)
	}
}

// TestP1_MalformedRightsGiveNothing: what is not understood is refused and told.
func TestP1_MalformedRightsGiveNothing(t *testing.T) {
	for _, c := range []struct{ name, claim, reason string }{
		{"unknown role", `{"dashboards":{"ops":"admin"}}`, `"admin" is no role`},
		{"role in capitals", `{"dashboards":{"ops":"Editor"}}`, `"Editor" is no role`},
		{"empty role", `{"dashboards":{"ops":""}}`, "is no role"},
		{"role of another type", `{"dashboards":{"ops":3}}`, "object from dashboards to roles"},
		{"role in a list", `{"dashboards":{"ops":["owner"]}}`, "object from dashboards to roles"},
		{"role null", `{"dashboards":{"ops":null}}`, "is no role"},
		{"one of two roles unknown", `{"dashboards":{"a":"viewer","b":"root"}}`, `"root" is no role`},
		{"pattern with a star inside", `{"dashboards":{"a*b":"viewer"}}`, "names no dashboards"},
		{"pattern with two stars", `{"dashboards":{"a**":"viewer"}}`, "names no dashboards"},
		{"pattern empty", `{"dashboards":{"":"viewer"}}`, "names no dashboards"},
		{"pattern with a slash", `{"dashboards":{"a/b":"viewer"}}`, "names no dashboards"},
		{"pattern in other letters", `{"dashboards":{"opś":"viewer"}}`, "names no dashboards"},
		{"pattern as a regular expression", `{"dashboards":{".*|":"viewer"}}`, "names no dashboards"},
		{"dashboards a list", `{"dashboards":["ops"]}`, "object from dashboards to roles"},
		{"dashboards null", `{"dashboards":null}`, "is null"},
		{"admin text", `{"admin":"true"}`, "true or false"},
		{"admin 1", `{"admin":1}`, "true or false"},
		{"admin null", `{"admin":null}`, "is null"},
		{"unknown member", `{"dashboards":{"ops":"owner"},"readOnly":true}`, `"readOnly" is not known`},
		{"member in capitals", `{"Admin":true}`, `"Admin" is not known`},
		{"claim a list", `[]`, "must be an object"},
		{"claim null", `null`, "must be an object"},
		{"claim text", `"owner"`, "must be an object"},
		{"claim true", `true`, "must be an object"},
	} {
		t.Run("P1 "+c.name, func(t *testing.T) {
			p := bySecret(t)
			p.refused(sign(t, hsHeader, good(`,"dashwire":`+c.claim), hs256([]byte(testSecret))), c.reason)
			if !strings.Contains(p.log.String(), "level=WARN") {
				t.Errorf("log: %s", p.log)
			}
		})
	}
}

// TestC2_Attacks are tokens that must open nothing.
func TestC2_Attacks(t *testing.T) {
	rsaKey, other := newRSA(t), newRSA(t)
	public := pemOf(t, rsaKey.Public())
	jwk := jwkOf(t, rsaKey.Public(), "k1")
	evil := jwkOf(t, other.Public(), "k1")
	at := func(d time.Duration) int64 { return noon.Add(d).Unix() }
	claims := good(`,"iss":"https://id.example","aud":"dashwire"`)
	p := enter(t, Config{
		Algorithms: []string{"HS256", "RS256"}, SecretFiles: []string{file(t, "secret", []byte(testSecret))},
		KeyFiles: []string{file(t, "keys.json", jwk)}, Issuer: "https://id.example", Audience: []string{"dashwire", "other"},
	})
	secret, right, wrong := hs256([]byte(testSecret)), rs256(t, rsaKey), rs256(t, other)
	none := func(string) []byte { return nil }
	with := func(exp, more string) string {
		return `{"sub":"ana","iss":"https://id.example","aud":"dashwire","exp":` + exp + more + `}`
	}
	hour := fmt.Sprint(at(time.Hour))
	rs := `{"alg":"RS256","kid":"k1"}`

	for _, ok := range []struct{ name, token string }{
		{"by secret", sign(t, hsHeader, claims, secret)},
		{"by key", sign(t, rs, claims, right)},
		{"without kid", sign(t, `{"alg":"RS256"}`, claims, right)},
		{"aud as a list", sign(t, rs, `{"sub":"ana","iss":"https://id.example","aud":["x","other"],"exp":`+hour+`}`, right)},
		{"expired within the leeway", sign(t, rs, with(fmt.Sprint(at(-29*time.Second)), ""), right)},
		{"nbf within the leeway", sign(t, rs, with(hour, fmt.Sprintf(`,"nbf":%d,"iat":%[1]d`, at(29*time.Second))), right)},
		{"jwk, jku, x5u and x5c in the header do not count", sign(t, `{"alg":"RS256","kid":"k1","jku":"http://127.0.0.1:1/","x5u":"http://127.0.0.1:1/","x5c":["x"],"jwk":`+string(evil)+`}`, claims, right)},
		{"nested claims of others", sign(t, rs, with(hour, `,"x":{"y":[{"z":null}]}`), right)},
	} {
		t.Run("good: "+ok.name, func(t *testing.T) {
			if who, err := p.signIn(ok.token); err != nil || who.UserID != "ana" {
				t.Errorf("%+v, %v", who, err)
			}
		})
	}

	tampered := sign(t, rs, claims, right)
	parts := strings.Split(tampered, ".")
	for _, c := range []struct{ name, token, reason string }{
		{"alg none", sign(t, `{"alg":"none"}`, claims, none), "not allowed"},
		{"alg None", sign(t, `{"alg":"None"}`, claims, none), "algorithm is not known"},
		{"alg nOnE, signed", sign(t, `{"alg":"nOnE"}`, claims, secret), "algorithm is not known"},
		{"alg empty", sign(t, `{"alg":""}`, claims, secret), "algorithm is not known"},
		{"alg absent", sign(t, `{}`, claims, secret), "algorithm is not known"},
		{"alg a list", sign(t, `{"alg":["HS256"]}`, claims, secret), "alg that is no text"},
		{"alg null", sign(t, `{"alg":null}`, claims, secret), "alg that is no text"},
		{"alg in small letters", sign(t, `{"alg":"hs256"}`, claims, secret), "algorithm is not known"},
		{"alg not allowed", sign(t, `{"alg":"HS512"}`, claims, secret), "not allowed"},
		{"HS256 with the public key as PEM", sign(t, `{"alg":"HS256"}`, claims, hs256(public)), "signature is wrong"},
		{"HS256 with the public key as PEM, trimmed", sign(t, `{"alg":"HS256"}`, claims, hs256(bytes.TrimSpace(public))), "signature is wrong"},
		{"HS256 with the public key as JWK", sign(t, `{"alg":"HS256","kid":"k1"}`, claims, hs256(jwk)), "signature is wrong"},
		{"HS256 with the modulus", sign(t, `{"alg":"HS256","kid":"k1"}`, claims, hs256(rsaKey.N.Bytes())), "signature is wrong"},
		{"HS256 with an empty secret", sign(t, hsHeader, claims, hs256(nil)), "signature is wrong"},
		{"RS256 header, signed by secret", sign(t, rs, claims, secret), "signature is wrong"},
		{"another key", sign(t, rs, claims, wrong), "signature is wrong"},
		{"another key, brought along", sign(t, `{"alg":"RS256","kid":"k1","jwk":`+string(evil)+`}`, claims, wrong), "signature is wrong"},
		{"another key, brought along without kid", sign(t, `{"alg":"RS256","jwk":`+string(evil)+`}`, claims, wrong), "signature is wrong"},
		{"wrong kid", sign(t, `{"alg":"RS256","kid":"k2"}`, claims, right), "not known here"},
		{"kid with a path", sign(t, `{"alg":"RS256","kid":"../../../../dev/null"}`, claims, right), "not known here"},
		{"kid with SQL", sign(t, `{"alg":"RS256","kid":"k1' OR '1'='1"}`, claims, right), "not known here"},
		{"kid a number", sign(t, `{"alg":"RS256","kid":1}`, claims, right), "kid that is no text"},
		{"kid null", sign(t, `{"alg":"RS256","kid":null}`, claims, right), "kid that is no text"},
		{"crit", sign(t, `{"alg":"RS256","kid":"k1","crit":["exp"]}`, claims, right), "crit"},
		{"crit empty", sign(t, `{"alg":"RS256","kid":"k1","crit":[]}`, claims, right), "crit"},
		{"crit with b64", sign(t, `{"alg":"RS256","kid":"k1","b64":false,"crit":["b64"]}`, claims, right), "crit"},
		{"alg twice", sign(t, `{"alg":"none","alg":"RS256","kid":"k1"}`, claims, right), "twice"},
		{"claim twice", sign(t, rs, with(hour, `,"sub":"root"`), right), "twice"},
		{"claim twice by an escape", sign(t, rs, with(hour, `,"\u0073ub":"root"`), right), "twice"},
		{"role twice", sign(t, rs, with(hour, `,"dashwire":{"dashboards":{"ops":"viewer","ops":"owner"}}`), right), "twice"},
		{"no signature", parts[0] + "." + parts[1] + ".", "signature is wrong"},
		{"signature cut", tampered[:len(tampered)-2], "signature is wrong"},
		{"claims changed", parts[0] + "." + b64([]byte(good(`,"iss":"https://id.example","aud":"dashwire","x":1`))) + "." + parts[2], "signature is wrong"},
		{"two parts", parts[0] + "." + parts[1], "three parts"},
		{"four parts", tampered + ".x", "three parts"},
		{"a million dots", strings.Repeat(".", 1<<20), "longer than"},
		{"8,000 dots", strings.Repeat(".", 8000), "three parts"},
		{"one MiB", tampered + strings.Repeat("A", 1<<20), "longer than"},
		{"a byte too long", strings.Repeat("A", MaxTokenBytes+1), "longer than"},
		{"empty", "", "three parts"},
		{"empty parts", "..", "no JSON objects"},
		{"padded", parts[0] + "=." + parts[1] + "." + parts[2], "base64url"},
		{"line break in a part", parts[0][:4] + "\n" + parts[0][4:] + "." + parts[1] + "." + parts[2], "base64url"},
		{"line break in the signature", parts[0] + "." + parts[1] + "." + parts[2][:4] + "\r\n" + parts[2][4:], "base64url"},
		{"standard base64", base64.StdEncoding.EncodeToString([]byte(rs+"??>")) + "." + parts[1] + "." + parts[2], "base64url"},
		{"other letters", "éé." + parts[1] + "." + parts[2], "base64url"},
		{"NUL", parts[0] + "\x00." + parts[1] + "." + parts[2], "base64url"},
		{"header a list", sign(t, `[]`, claims, right), "no JSON objects"},
		{"header null", sign(t, `null`, claims, right), "no JSON objects"},
		{"claims null", sign(t, rs, `null`, right), "no JSON objects"},
		{"claims a list", sign(t, rs, `[1]`, right), "no JSON objects"},
		{"claims and more", sign(t, rs, claims+`{}`, right), "no JSON objects"},
		{"claims no UTF-8", sign(t, rs, with(hour, ",\"x\":\"\xff\""), right), "no JSON objects"},
		{"a lone surrogate", sign(t, rs, with(hour, `,"x":"\ud800"`), right), "no JSON objects"},
		{"deeply nested", sign(t, rs, with(hour, `,"x":`+strings.Repeat("[", 2000)+strings.Repeat("]", 2000)), right), "no JSON objects"},

		{"no exp", sign(t, rs, `{"sub":"ana","iss":"https://id.example","aud":"dashwire"}`, right), "lacks a claim"},
		{"exp null", sign(t, rs, with(`null`, ""), right), "malformed"},
		{"exp text", sign(t, rs, with(`"`+hour+`"`, ""), right), "malformed"},
		{"exp negative", sign(t, rs, with(`-1`, ""), right), "malformed"},
		{"exp beyond all time", sign(t, rs, with(`1e300`, ""), right), "malformed"},
		{"exp beyond all numbers", sign(t, rs, with(`1e400`, ""), right), "malformed"},
		{"exp a list", sign(t, rs, with(`[`+hour+`]`, ""), right), "malformed"},
		{"expired", sign(t, rs, with(fmt.Sprint(at(-time.Hour)), ""), right), "it has ended"},
		{"expired, at the edge of the leeway", sign(t, rs, with(fmt.Sprint(at(-30*time.Second)), ""), right), "it has ended"},
		{"nbf in the future", sign(t, rs, with(hour, fmt.Sprintf(`,"nbf":%d`, at(31*time.Second))), right), "nbf"},
		{"nbf text", sign(t, rs, with(hour, `,"nbf":"now"`), right), "malformed"},
		{"iat in the future", sign(t, rs, with(hour, fmt.Sprintf(`,"iat":%d`, at(31*time.Second))), right), "iat"},
		{"iat null", sign(t, rs, with(hour, `,"iat":null`), right), "malformed"},
		{"another issuer", sign(t, rs, `{"sub":"ana","iss":"https://id.example.evil","aud":"dashwire","exp":`+hour+`}`, right), "another issuer"},
		{"issuer with a slash", sign(t, rs, `{"sub":"ana","iss":"https://id.example/","aud":"dashwire","exp":`+hour+`}`, right), "another issuer"},
		{"no issuer", sign(t, rs, `{"sub":"ana","aud":"dashwire","exp":`+hour+`}`, right), "lacks a claim"},
		{"issuer a list", sign(t, rs, `{"sub":"ana","iss":["https://id.example"],"aud":"dashwire","exp":`+hour+`}`, right), "malformed"},
		{"another audience", sign(t, rs, `{"sub":"ana","iss":"https://id.example","aud":"dash","exp":`+hour+`}`, right), "another audience"},
		{"audiences of others", sign(t, rs, `{"sub":"ana","iss":"https://id.example","aud":["a","b"],"exp":`+hour+`}`, right), "another audience"},
		{"no audience", sign(t, rs, `{"sub":"ana","iss":"https://id.example","exp":`+hour+`}`, right), "lacks a claim"},
		{"audience an empty list", sign(t, rs, `{"sub":"ana","iss":"https://id.example","aud":[],"exp":`+hour+`}`, right), "lacks a claim"},
		{"audience an object", sign(t, rs, `{"sub":"ana","iss":"https://id.example","aud":{"dashwire":1},"exp":`+hour+`}`, right), "malformed"},
	} {
		t.Run("C2 "+c.name, func(t *testing.T) {
			p := &place{t: t, door: p.door, log: p.log}
			p.door.lines.used = 0
			p.refused(c.token, c.reason)
		})
	}
}

func TestD2_UserIDs(t *testing.T) {
	p := bySecret(t)
	for _, c := range []struct{ name, sub, reason string }{
		{"D2 absent", ``, "no user id in it"},
		{"D2 empty", `"sub":"",`, "no user id in it"},
		{"D2 null", `"sub":null,`, "is no text"},
		{"D2 a number", `"sub":7,`, "is no text"},
		{"D2 with a space", `"sub":"ana b",`, "is no user id"},
		{"D2 an address", `"sub":"ana@example.com",`, "is no user id"},
		{"D2 other letters", `"sub":"ａｎａ",`, "is no user id"},
		{"D2 right to left", `"sub":"ana\u202e",`, "is no user id"},
		{"D2 line break", `"sub":"ana\nlevel=ERROR",`, "is no user id"},
		{"D2 escape sequence", `"sub":"\u001b[31mana",`, "is no user id"},
		{"D2 prototype", `"sub":"__proto__",`, "is no user id"},
		{"D2 dots", `"sub":"..",`, "is no user id"},
		{"D2 too long", `"sub":"` + strings.Repeat("a", 129) + `",`, "is no user id"},
		{"C8 anonymous is not counted, so nobody is it", `"sub":"anonymous",`, "nobody who can sign in"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &place{t: t, door: p.door, log: p.log}
			p.door.lines.used = 0
			p.refused(sign(t, hsHeader, fmt.Sprintf(`{%s"exp":%d}`, c.sub, noon.Add(time.Hour).Unix()), hs256([]byte(testSecret))), c.reason)
			if strings.ContainsAny(strings.TrimSuffix(p.log.String(), "\n"), "\n\x1b") {
				t.Errorf("log: %q", p.log)
			}
		})
	}
}

func TestClaimsBySetting(t *testing.T) {
	p := enter(t, Config{
		SecretFiles: []string{file(t, "secret", []byte(testSecret))},
		UserClaim:   "preferred_username", RightsClaim: "https://example.com/dashwire",
	})
	claims := good(`,"preferred_username":"bo","dashwire":{"admin":true},"https://example.com/dashwire":{"dashboards":{"ops":"viewer"}}`)
	who, err := p.signIn(sign(t, hsHeader, claims, hs256([]byte(testSecret))))
	if err != nil || who.UserID != "bo" || who.Admin || who.RoleOn("ops") != auth.Viewer {
		t.Errorf("%+v, %v", who, err)
	}
	p.refused(sign(t, hsHeader, good(""), hs256([]byte(testSecret))), "no user id in it")
}

// TestAlgorithms: each algorithm is checked with a key of its kind.
func TestAlgorithms(t *testing.T) {
	rsaKey := newRSA(t)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curves := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}
	for _, algorithm := range asymmetric {
		t.Run(algorithm, func(t *testing.T) {
			var private crypto.Signer = rsaKey
			if curve := curves[algorithm]; curve != nil {
				if private, err = ecdsa.GenerateKey(curve, rand.Reader); err != nil {
					t.Fatal(err)
				}
			} else if algorithm == "EdDSA" {
				private = edKey
			}
			token, err := jwt.NewWithClaims(jwt.GetSigningMethod(algorithm), jwt.MapClaims{"sub": "ana", "exp": noon.Add(time.Hour).Unix()}).SignedString(private)
			if err != nil {
				t.Fatal(err)
			}
			for form, content := range map[string][]byte{
				"PEM": pemOf(t, private.Public()), "JWK": jwkOf(t, private.Public(), "a"),
				"JWKS": []byte(`{"keys":[` + string(jwkOf(t, private.Public(), "a")) + `]}`),
			} {
				p := enter(t, Config{Algorithms: []string{algorithm}, KeyFiles: []string{file(t, "key", content)}})
				if who, err := p.signIn(token); err != nil || who.UserID != "ana" {
					t.Errorf("%s: %+v, %v", form, who, err)
				}
			}
		})
	}
	for i, algorithm := range symmetric {
		t.Run(algorithm, func(t *testing.T) {
			long := []byte(testSecret)[:32+16*i]
			token, err := Mint{Secret: long, Algorithm: algorithm}.Token(auth.Principal{UserID: "ana", Expires: noon.Add(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			p := enter(t, Config{Algorithms: []string{algorithm}, SecretFiles: []string{file(t, "secret", long)}})
			if who, err := p.signIn(token); err != nil || who.UserID != "ana" {
				t.Errorf("%+v, %v", who, err)
			}
			if _, err := (Mint{Secret: long[1:], Algorithm: algorithm}).Token(auth.Principal{UserID: "ana", Expires: noon}); err == nil {
				t.Error("a shorter secret was taken")
			}
		})
	}
}

// TestTwoSecretsServeWhileOneReplacesTheOther, so that nobody has to sign in anew.
func TestTwoSecretsServeWhileOneReplacesTheOther(t *testing.T) {
	older, newer := []byte(strings.Repeat("o", 32)), []byte(strings.Repeat("n", 32))
	p := enter(t, Config{SecretFiles: []string{file(t, "older", older), file(t, "newer", newer)}})
	for _, secret := range [][]byte{older, newer} {
		if _, err := p.signIn(sign(t, hsHeader, good(""), hs256(secret))); err != nil {
			t.Error(err)
		}
	}
	p.refused(sign(t, hsHeader, good(""), hs256([]byte(strings.Repeat("x", 32)))), "signature is wrong")
}

// TestNew_Refuses settings that cannot be meant.
func TestNew_Refuses(t *testing.T) {
	secret := file(t, "secret", []byte(testSecret))
	rsaKey := newRSA(t)
	public := file(t, "public.pem", pemOf(t, rsaKey.Public()))
	der, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	private := file(t, "private.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"no key", Config{}, "no key"},
		{"none", Config{SecretFiles: []string{secret}, Algorithms: []string{"none"}}, `"none" is no algorithm`},
		{"small letters", Config{SecretFiles: []string{secret}, Algorithms: []string{"hs256"}}, `"hs256" is no algorithm`},
		{"both kinds without a choice", Config{SecretFiles: []string{secret}, KeyFiles: []string{public}}, "name the algorithms"},
		{"secret of no use", Config{SecretFiles: []string{secret}, Algorithms: []string{"RS256"}}, "the secret is of no use"},
		{"key of no use", Config{KeyFiles: []string{public}, Algorithms: []string{"HS256"}}, "the RSA key is of no use"},
		{"key of no use for a curve", Config{KeyFiles: []string{public}, Algorithms: []string{"ES256"}}, "the RSA key is of no use"},
		{"public key as secret", Config{SecretFiles: []string{public}}, "no secret"},
		{"secret as key", Config{KeyFiles: []string{secret}}, "no public key"},
		{"private key", Config{KeyFiles: []string{private}}, "private key"},
		{"private JWK", Config{KeyFiles: []string{file(t, "d.json", []byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`))}}, "private key"},
		{"short secret", Config{SecretFiles: []string{file(t, "short", []byte("password"))}}, "8 bytes"},
		{"short secret for HS512", Config{SecretFiles: []string{file(t, "half", []byte(testSecret[:40]))}, Algorithms: []string{"HS512"}}, "of no use"},
		{"short key", Config{KeyFiles: []string{file(t, "small.pem", pemOf(t, small.Public()))}}, "1024 bits"},
		{"no file", Config{SecretFiles: []string{secret + ".no"}}, "no such file"},
		{"empty JWKS", Config{KeyFiles: []string{file(t, "e.json", []byte(`{"keys":[]}`))}}, "no key in it"},
		{"JWK of no kind", Config{KeyFiles: []string{file(t, "k.json", []byte(`{"kty":"x"}`))}}, "key 1"},
		{"JWKS with a key twice", Config{KeyFiles: []string{file(t, "t.json", []byte(`{"keys":[],"keys":[]}`))}}, "JSON"},
		{"key for encryption", Config{KeyFiles: []string{file(t, "enc.json", bytes.Replace(jwkOf(t, rsaKey.Public(), ""), []byte(`"sig"`), []byte(`"enc"`), 1))}}, "enc"},
		{"http elsewhere", Config{KeySetURL: "http://id.example/jwks.json"}, "https://"},
		{"file as URL", Config{KeySetURL: "file:///etc/passwd"}, "https://"},
		{"URL with a password", Config{KeySetURL: "https://a:b@id.example/"}, "https://"},
		{"look-alike of this machine", Config{KeySetURL: "http://localhost.id.example/"}, "https://"},
		{"leeway", Config{SecretFiles: []string{secret}, Leeway: 6 * time.Minute}, "leeway"},
		{"refresh", Config{SecretFiles: []string{secret}, RefreshEvery: time.Second}, "once a minute"},
		{"one claim for two", Config{SecretFiles: []string{secret}, UserClaim: "dashwire"}, "cannot hold"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := New(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestLogIsBounded: guessing fills no disk, and what was left out is counted.
func TestLogIsBounded(t *testing.T) {
	now := noon
	p := enter(t, Config{SecretFiles: []string{file(t, "secret", []byte(testSecret))}, Now: func() time.Time { return now }})
	for range 100 {
		if _, err := p.signIn("guess"); !errors.Is(err, auth.ErrUnauthenticated) {
			t.Fatal(err)
		}
	}
	if n := strings.Count(p.log.String(), "\n"); n != linesAtAll {
		t.Errorf("%d lines", n)
	}
	now = now.Add(linesIn)
	p.log.Reset()
	if _, err := p.signIn("guess"); err == nil || !strings.Contains(p.log.String(), "notLogged=90") {
		t.Errorf("%v, %s", err, p.log)
	}
}

// FuzzToken: whatever a token looks like, it is refused unless it was signed.
func FuzzToken(f *testing.F) {
	mint := Mint{Secret: []byte(testSecret)}
	token, err := mint.Token(auth.Principal{UserID: "ana", Expires: noon.Add(time.Hour), Grants: []auth.Grant{{Pattern: "*", Role: auth.Owner}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token, hsHeader, good(`,"dashwire":{"dashboards":{"ops":"editor"}}`))
	f.Add("a.b.c", `{"alg":"none"}`, good(`,"dashwire":{"dashboards":{"ops":"root"}}`))
	f.Add("..", `{"alg":"HS256","crit":[]}`, `{"exp":1e400}`)
	f.Add("", `{"alg":"HS256","kid":"\u0000"}`, `{"sub":["ana"],"exp":9e15,"aud":{}}`)
	path := filepath.Join(f.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(testSecret), 0o600); err != nil {
		f.Fatal(err)
	}
	door, err := New(Config{SecretFiles: []string{path}, Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw, header, claims string) {
		if p, err := door.Authenticate(context.Background(), auth.Credentials{Token: raw}); err == nil && raw != token {
			t.Fatalf("%q signs in as %+v", raw, p)
		} else if err != nil && !errors.Is(err, auth.ErrUnauthenticated) {
			t.Fatal(err)
		}
		// Signed, so that what comes after the signature is reached.
		p, err := door.Authenticate(context.Background(), auth.Credentials{Token: sign(t, header, claims, hs256([]byte(testSecret)))})
		switch {
		case err == nil && (checkUser(p.UserID) != nil || p.Expires.Before(noon.Add(-30*time.Second))):
			t.Fatalf("%s signs in as %+v", claims, p)
		case err != nil && !errors.Is(err, auth.ErrUnauthenticated):
			t.Fatal(err)
		}
	})
}

// FuzzKeyFile: whatever a file of keys or an issuer shows, it is refused or gives keys
// of a kind that checks tokens; nothing that is fetched is a secret.
func FuzzKeyFile(f *testing.F) {
	k := newRSA(f)
	f.Add(jwkOf(f, k.Public(), "a"))
	f.Add(pemOf(f, k.Public()))
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AAAA"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},{"kty":"OKP","crv":"Ed25519","x":"AA"}]}`))
	f.Add([]byte(`{"kty":"RSA","n":"AQ","e":"AQAB","d":"AQ","x5c":["AA=="]}`))
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"))
	all := slices.Concat(symmetric, asymmetric)
	r := &remote{allowed: all, log: slog.New(slog.DiscardHandler)}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, parse := range []func([]byte) ([]found, error){parseKeyFile, parsePEM} {
			list, err := parse(data)
			if err != nil && len(list) > 0 {
				t.Fatalf("%v, and still %d keys", err, len(list))
			}
			for _, one := range list {
				if k, err := fit(one, all); err == nil && len(k.algorithms) == 0 {
					t.Fatalf("a key that checks nothing: %+v", k)
				}
			}
		}
		if list, err := split(data); err == nil {
			for _, k := range r.usable(list) {
				if _, secret := k.material.([]byte); secret {
					t.Fatalf("a secret from the net: %q", data)
				}
			}
		}
	})
}

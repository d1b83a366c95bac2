package attack

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/auth/jwtauth"
)

// rsaKey is made once: that takes a while.
var rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func issuerKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	k, err := rsaKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func pemOf(t testing.TB, k *rsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// forge makes a token of a header and claims as text.
func forge(header, claims string, sign func(text string) []byte) string {
	text := b64([]byte(header)) + "." + b64([]byte(claims))
	return text + "." + b64(sign(text))
}

func unsigned(string) []byte { return nil }

func bySecret(secret string) func(string) []byte {
	return func(text string) []byte {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
}

func byKey(t testing.TB, k *rsa.PrivateKey) func(string) []byte {
	return func(text string) []byte {
		sum := sha256.Sum256([]byte(text))
		signature, err := rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
}

// everything are the claims of an owner of all, for an hour.
func everything(more string) string {
	return fmt.Sprintf(`{"sub":"mallory","dashwire":{"dashboards":{"*":"owner"},"admin":true},"exp":%d%s}`, time.Now().Add(time.Hour).Unix(), more)
}

// keyed is a target that checks tokens by an RSA key and by a secret side by side,
// which is where the two could be confused.
func keyed(t *testing.T) *target {
	return attacked(t, func(c *dashwire.Config) {
		c.Authenticator = door(t, jwtauth.Config{
			Algorithms: []string{"RS256", "HS256"}, SecretFiles: []string{file(t, "secret", secret)},
			KeyFiles: []string{file(t, "key.pem", pemOf(t, issuerKey(t)))},
		})
	})
}

// keptOut fails unless a token opens nothing, in any of the ways in which it may come.
func (x *target) keptOut(name, token string) {
	x.t.Helper()
	x.call("GET", "/api/dashboards", "", bearer(token)).refused(x.t, name, http.StatusUnauthorized, "UNAUTHENTICATED")
	x.call("GET", "/api/stats", "", bearer(token)).refused(x.t, name+", for operators", http.StatusUnauthorized, "UNAUTHENTICATED")
	x.open(bearer(token)).closed(name+", over WebSocket", 4401)
	x.open("Sec-WebSocket-Protocol: dashwire.v1, bearer."+token).closed(name+", as a subprotocol", 4401)
	s := x.open()
	s.send(`{"type":"CONNECT","id":"1","payload":{"token":"` + token + `"}}`)
	s.closed(name+", in CONNECT", 4401)
}

// letIn fails unless a token is a good one, so that keptOut proves something.
func (x *target) letIn(name, token string) {
	x.t.Helper()
	if a := x.call("GET", "/api/dashboards", "", bearer(token)); a.status != http.StatusOK {
		x.t.Fatalf("%s: %d %s", name, a.status, a.body)
	}
}

// TestAttack_44_AlgorithmTricks: what a token's header says about algorithms gives
// nobody anything; a public key is no secret.
func TestAttack_44_AlgorithmTricks(t *testing.T) {
	x := keyed(t)
	right, mac, public := byKey(t, issuerKey(t)), bySecret(secret), pemOf(t, issuerKey(t))
	x.letIn("by the key", forge(`{"alg":"RS256"}`, everything(""), right))
	x.letIn("by the secret", forge(`{"alg":"HS256"}`, everything(""), mac))
	for _, c := range []struct{ name, token string }{
		{"none", forge(`{"alg":"none"}`, everything(""), unsigned)},
		{"None", forge(`{"alg":"None"}`, everything(""), unsigned)},
		{"nOnE, and a signature", forge(`{"alg":"nOnE"}`, everything(""), right)},
		{"no alg", forge(`{}`, everything(""), mac)},
		{"a list", forge(`{"alg":["RS256","HS256"]}`, everything(""), right)},
		{"null", forge(`{"alg":null}`, everything(""), right)},
		{"a number", forge(`{"alg":256}`, everything(""), right)},
		{"twice", forge(`{"alg":"none","alg":"RS256"}`, everything(""), right)},
		{"not allowed here", forge(`{"alg":"HS512"}`, everything(""), mac)},
		{"HS256 by the public key", forge(`{"alg":"HS256"}`, everything(""), bySecret(public))},
		{"HS256 by the public key, trimmed", forge(`{"alg":"HS256"}`, everything(""), bySecret(strings.TrimSpace(public)))},
		{"HS256 by the modulus", forge(`{"alg":"HS256"}`, everything(""), bySecret(string(issuerKey(t).N.Bytes())))},
		{"HS256 by nothing", forge(`{"alg":"HS256"}`, everything(""), bySecret(""))},
		{"RS256 by the secret", forge(`{"alg":"RS256"}`, everything(""), mac)},
		{"crit of something unknown", forge(`{"alg":"RS256","crit":["exp2"],"exp2":1}`, everything(""), right)},
		{"crit, empty", forge(`{"alg":"RS256","crit":[]}`, everything(""), right)},
		{"payload not encoded", forge(`{"alg":"RS256","b64":false,"crit":["b64"]}`, everything(""), right)},
		{"no signature", strings.TrimRight(forge(`{"alg":"RS256"}`, everything(""), unsigned), ".") + "."},
	} {
		x.keptOut(c.name, c.token)
	}
	x.healthy()
}

// TestAttack_45_KeysThatAHeaderBrings: nothing that a header says about keys is looked
// at: no key of its own, no address, no file.
func TestAttack_45_KeysThatAHeaderBrings(t *testing.T) {
	x := keyed(t)
	var asked atomic.Int32
	trap := listen(t, func(conn net.Conn) { asked.Add(1) })
	evil, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	jwk := fmt.Sprintf(`{"kty":"RSA","n":%q,"e":"AQAB"}`, b64(evil.N.Bytes()))
	own := byKey(t, evil)
	// An empty file and the data file: an attacker knows what stands in the first.
	empty := file(t, "empty", "")
	for _, c := range []struct{ name, header string }{
		{"jwk", `"jwk":` + jwk},
		{"jku", `"jku":"http://` + trap + `/jwks.json"`},
		{"x5u", `"x5u":"http://` + trap + `/cert.pem"`},
		{"x5c", `"x5c":["` + base64.StdEncoding.EncodeToString([]byte("no certificate")) + `"]`},
		{"kid, an address", `"kid":"http://` + trap + `/key"`},
		{"all at once", `"kid":"k","jwk":` + jwk + `,"jku":"http://` + trap + `/"`},
	} {
		x.keptOut(c.name, forge(`{"alg":"RS256",`+c.header+`}`, everything(""), own))
	}
	for _, c := range []struct{ name, kid, secret string }{
		{"kid, a path to an empty file", empty, ""},
		{"kid, a path upwards", "../../../../../../dev/null", ""},
		{"kid, SQL", "x' UNION SELECT 'key", "key"},
		{"kid, a command", "x|sleep 10", ""},
		{"kid, NUL", `a\u0000b`, ""},
		{"kid, long", strings.Repeat("k", 4000), ""},
		{"kid, a long path", strings.Repeat("../", 1000) + "dev/null", ""},
	} {
		x.keptOut(c.name, forge(`{"alg":"HS256","kid":"`+filepath.ToSlash(c.kid)+`"}`, everything(""), bySecret(c.secret)))
	}
	// A kid does not make a good token worse where keys have no names, nor a bad one better.
	x.letIn("kid, and the key", forge(`{"alg":"RS256","kid":"../../etc/passwd","jku":"http://`+trap+`/"}`, everything(""), byKey(t, issuerKey(t))))
	if n := asked.Load(); n > 0 {
		t.Errorf("the server has connected to an address of a token %d times", n)
	}
	x.healthy()
}

// listen takes connections on loopback until the test ends.
func listen(t testing.TB, serve func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return l.Addr().String()
}

// TestAttack_46_HugeTokens: a token of thousands of dots, or of a megabyte, is refused
// before anything is computed with it, wherever it comes from.
func TestAttack_46_HugeTokens(t *testing.T) {
	x := attacked(t)
	for name, text := range map[string]string{
		"8,000 dots":            strings.Repeat(".", 8000),
		"a byte too long":       strings.Repeat("A", 8<<10+1),
		"200,000 dots":          strings.Repeat(".", 200_000),
		"a good one, continued": token(t, "ana", "*=owner") + strings.Repeat("A", 200_000),
	} {
		x.call("GET", "/api/dashboards", "", bearer(text)).refused(t, name, http.StatusUnauthorized, "UNAUTHENTICATED")
		x.open(bearer(text)).closed(name+", over WebSocket", 4401)
	}
	// What is longer than any header never reaches the server's own code.
	if a := x.call("GET", "/api/dashboards", "", bearer(strings.Repeat(".", 2<<20))); a.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("two million dots: %d", a.status)
	}
	// A CONNECT may carry a token of 16 KiB, since that is how long a first message is.
	for name, text := range map[string]string{"dots": strings.Repeat(".", 15_000), "letters": strings.Repeat("A", 15_000)} {
		s := x.open()
		s.send(`{"type":"CONNECT","id":"1","payload":{"token":"` + text + `"}}`)
		s.closed("in CONNECT: "+name, 4401)
	}
	x.healthy()
}

// TestAttack_47_ClaimsThatDoNotHold: times outside of their bounds, and tokens made for
// somebody else's server.
func TestAttack_47_ClaimsThatDoNotHold(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	x := attacked(t, func(c *dashwire.Config) {
		c.Authenticator = door(t, jwtauth.Config{
			SecretFiles: []string{file(t, "secret", secret)}, Now: func() time.Time { return noon },
			Issuer: "https://id.example", Audience: []string{"dashwire"},
		})
	})
	at := func(d time.Duration) string { return fmt.Sprint(noon.Add(d).Unix()) }
	made := func(members ...string) string {
		return forge(`{"alg":"HS256"}`, `{"sub":"mallory","dashwire":{"dashboards":{"*":"owner"}},`+strings.Join(members, ",")+`}`, bySecret(secret))
	}
	iss, aud, exp := `"iss":"https://id.example"`, `"aud":"dashwire"`, `"exp":`+at(time.Hour)
	x.letIn("whole", made(iss, aud, exp))
	x.letIn("one of several audiences", made(iss, `"aud":["x","dashwire"]`, exp))
	x.letIn("29 s too old", made(iss, aud, `"exp":`+at(-29*time.Second)))
	x.letIn("29 s too early", made(iss, aud, exp, `"nbf":`+at(29*time.Second), `"iat":`+at(29*time.Second)))
	for _, c := range []struct{ name, token string }{
		{"30 s too old", made(iss, aud, `"exp":`+at(-30*time.Second))},
		{"a year too old", made(iss, aud, `"exp":`+at(-365*24*time.Hour))},
		{"31 s too early (nbf)", made(iss, aud, exp, `"nbf":`+at(31*time.Second))},
		{"31 s too early (iat)", made(iss, aud, exp, `"iat":`+at(31*time.Second))},
		{"no end", made(iss, aud)},
		{"an end of null", made(iss, aud, `"exp":null`)},
		{"an end as text", made(iss, aud, `"exp":"`+at(time.Hour)+`"`)},
		{"an end beyond all time", made(iss, aud, `"exp":1e300`)},
		{"two ends", made(iss, aud, `"exp":`+at(-time.Hour), exp)},
		{"no issuer", made(aud, exp)},
		{"an issuer that begins alike", made(`"iss":"https://id.example.evil"`, aud, exp)},
		{"a list of issuers", made(`"iss":["https://id.example"]`, aud, exp)},
		{"no audience", made(iss, exp)},
		{"another audience", made(iss, `"aud":"dash"`, exp)},
		{"an audience of others", made(iss, `"aud":["a","b"]`, exp)},
		{"an empty audience", made(iss, `"aud":[]`, exp)},
		{"two users", made(iss, aud, exp, `"sub":"root"`)},
		{"an unknown right", forge(`{"alg":"HS256"}`, `{"sub":"m","dashwire":{"root":true},`+iss+","+aud+","+exp+`}`, bySecret(secret))},
		{"an unknown role", forge(`{"alg":"HS256"}`, `{"sub":"m","dashwire":{"dashboards":{"*":"root"}},`+iss+","+aud+","+exp+`}`, bySecret(secret))},
		{"a user who is nobody", forge(`{"alg":"HS256"}`, `{"sub":"anonymous",`+iss+","+aud+","+exp+`}`, bySecret(secret))},
	} {
		x.keptOut(c.name, c.token)
	}
}

// TestAttack_50_TokenInTheURL: a token in the URL is refused, and appears neither in an
// answer nor in the log. It does not count beside a header either.
func TestAttack_50_TokenInTheURL(t *testing.T) {
	x := attacked(t)
	owner := token(t, "ana", "*=owner")
	in := "?token=" + url.QueryEscape(owner)
	for _, path := range []string{"/api/dashboards", "/api/realtime", "/api/realtime/events", "/api/stats"} {
		a := x.call("GET", path+in, "")
		a.refused(t, path, http.StatusUnauthorized, "UNAUTHENTICATED")
		if strings.Contains(a.body, owner[:20]) || a.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %s, Referrer-Policy %q", path, a.body, a.header.Get("Referrer-Policy"))
		}
	}
	x.call("POST", "/api/dashboards"+in, `{"id":"x"}`).refused(t, "writing", http.StatusUnauthorized, "UNAUTHENTICATED")
	x.open("/api/realtime"+in).closed("over WebSocket", 4401)

	viewer := bearer(token(t, "vic", "ops=viewer"))
	x.call("POST", "/api/dashboards"+in, `{"id":"ops"}`, viewer).refused(t, "beside a header of less", http.StatusForbidden, "FORBIDDEN")
	if strings.Contains(x.log.String(), owner[:20]) {
		t.Error("the token stands in the log")
	}
}

// TestAttack_203_StolenTokenTakenBack: a token that an operator has revoked opens
// nothing, and its sessions end.
func TestAttack_203_StolenTokenTakenBack(t *testing.T) {
	x := attacked(t)
	stolen := mint(t, auth.Principal{
		UserID: "ana", TokenID: "laptop", Expires: time.Now().Add(time.Hour), IssuedAt: time.Now(), Grants: parse(t, []string{"*=owner"}),
	})
	operator := bearer(mint(t, auth.Principal{UserID: "root", Admin: true, Expires: time.Now().Add(time.Hour)}))
	thief := x.signIn(stolen, "thief")
	x.letIn("before", stolen)
	x.call("POST", "/api/admin/revoke", `{"jti":"laptop"}`, bearer(stolen)).refused(t, "who is no operator", http.StatusForbidden, "FORBIDDEN")
	x.must(http.StatusOK, "POST", "/api/admin/revoke", `{"jti":"laptop"}`, operator)
	thief.closed("the thief's session", 4401)
	x.keptOut("after", stolen)
	x.letIn("another token of the user", token(t, "ana", "*=owner"))
}

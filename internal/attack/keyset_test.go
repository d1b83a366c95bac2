package attack

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/auth/jwtauth"
)

// issuer shows keys to servers, or whatever else a test wants.
type issuer struct {
	*httptest.Server
	serve atomic.Pointer[http.HandlerFunc]
	asked atomic.Int32
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		(*i.serve.Load())(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) does(serve http.HandlerFunc) { i.serve.Store(&serve) }

// shows makes the issuer show the test's key under a name.
func (i *issuer) shows(t *testing.T, kid string) {
	k := issuerKey(t)
	set := fmt.Sprintf(`{"keys":[{"kty":"RSA","use":"sig","kid":%q,"n":%q,"e":%q}]}`, kid,
		b64(k.N.Bytes()), base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.E)).Bytes()))
	i.does(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, set) })
}

// hand is a clock that a test moves.
type hand struct {
	noon time.Time
	by   atomic.Int64
}

func newHand() *hand                 { return &hand{noon: time.Now()} }
func (h *hand) now() time.Time       { return h.noon.Add(time.Duration(h.by.Load())) }
func (h *hand) move(d time.Duration) { h.by.Add(int64(d)) }
func (h *hand) claims(of string) string {
	return fmt.Sprintf(`{"sub":%q,"dashwire":{"dashboards":{"*":"owner"}},"exp":%d}`, of, h.noon.Add(1000*time.Hour).Unix())
}

// TestAttack_49_HostileIssuer: an issuer that is away, slow, huge or sends elsewhere
// opens nothing and stops nobody who has signed in: what is known of its keys serves on.
func TestAttack_49_HostileIssuer(t *testing.T) {
	clock := newHand()
	signed := func(kid string) string {
		return forge(fmt.Sprintf(`{"alg":"RS256","kid":%q}`, kid), clock.claims("ana"), byKey(t, issuerKey(t)))
	}
	inside := atomic.Int32{}
	trap := listen(t, func(net.Conn) { inside.Add(1) })
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	for name, serve := range map[string]http.HandlerFunc{
		"away":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"no keys": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"keys":[]}`) },
		"huge":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat(" ", 1<<20)+`{"keys":[]}`) },
		"deep":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("[", 60_000)) },
		"a secret": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"keys":[{"kty":"oct","k":%q}]}`, b64([]byte(secret)))
		},
		"redirects": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+trap+"/", http.StatusFound)
		},
		"breaks off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "500")
			fmt.Fprint(w, `{"keys":[`)
		},
		"says nothing": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			x := attacked(t, func(c *dashwire.Config) {
				cfg := jwtauth.Config{KeySetURL: i.URL, Now: clock.now}
				if name == "says nothing" { // how long a fetch may take is held down, so that the test is short
					cfg.Transport = &http.Transport{ResponseHeaderTimeout: 2 * time.Second, DisableKeepAlives: true}
				}
				c.Authenticator = door(t, cfg)
			})
			// Before any key is known: not let in, and told to try again, since the token
			// may be a good one. The server itself is well.
			i.does(serve)
			x.call("GET", "/api/dashboards", "", bearer(signed("k1"))).refused(t, "no key yet", http.StatusServiceUnavailable, "UNAVAILABLE")
			x.untilReady()

			clock.move(10 * time.Minute)
			i.shows(t, "k1")
			x.letIn("the issuer is well", signed("k1"))
			open := x.signIn(signed("k1"), "c1")
			i.does(serve)
			clock.move(11 * time.Minute) // the keys are old now
			x.letIn("with the keys known so far", signed("k1"))
			x.call("GET", "/api/dashboards", "", bearer(signed("k2"))).refused(t, "an unknown key", http.StatusUnauthorized, "UNAUTHENTICATED")
			open.ask("PING", `{}`).is(t, "PONG")
			x.untilReady()
		})
	}
	if n := inside.Load(); n > 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
}

// TestAttack_204_FloodOfUnknownKeys: 10,000 tokens, each of another key, make the server
// ask the issuer no more than once a minute; a key that is new is found all the same.
func TestAttack_204_FloodOfUnknownKeys(t *testing.T) {
	clock := newHand()
	i := newIssuer(t)
	i.shows(t, "k1")
	d := door(t, jwtauth.Config{KeySetURL: i.URL, Now: clock.now})
	x := attacked(t, func(c *dashwire.Config) { c.Authenticator = d })
	signed := func(kid string) string {
		return forge(fmt.Sprintf(`{"alg":"RS256","kid":%q}`, kid), clock.claims("ana"), byKey(t, issuerKey(t)))
	}
	x.letIn("the issuer's key", signed("k1"))
	for n := range 10_000 {
		forged := forge(fmt.Sprintf(`{"alg":"RS256","kid":"k%d"}`, n+2), clock.claims("ana"), unsigned)
		if n%100 == 0 { // through the door
			if a := x.call("GET", "/api/dashboards", "", bearer(forged)); a.status != http.StatusUnauthorized && a.status != http.StatusTooManyRequests {
				t.Fatalf("%d %s", a.status, a.body)
			}
			continue
		}
		if _, err := d.Authenticate(t.Context(), auth.Credentials{Token: forged, Source: auth.FromHeader}); err == nil {
			t.Fatal("signed in by a key that nobody has")
		}
	}
	if n := i.asked.Load(); n != 1 {
		t.Errorf("the issuer was asked %d times", n)
	}
	i.shows(t, "k9")
	clock.move(time.Minute)
	x.letIn("the new key", signed("k9"))
	if n := i.asked.Load(); n != 2 {
		t.Errorf("the issuer was asked %d times, want 2", n)
	}
}

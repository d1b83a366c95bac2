package httpapi

import (
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/auth/httpsig"
	"github.com/dashwire/dashwire/board"
)

// signer signs requests under one key.
type signer struct {
	t   *testing.T
	key httpsig.Key
}

func newSigner(t *testing.T, id string) signer {
	t.Helper()
	key, err := httpsig.NewKey(id, httpsig.Ed25519, ed25519.NewKeyFromSeed([]byte(strings.Repeat(id[:1], ed25519.SeedSize))))
	if err != nil {
		t.Fatal(err)
	}
	return signer{t, key}
}

func (s signer) sign(r *http.Request) *http.Request {
	s.t.Helper()
	if err := httpsig.Sign(r, s.key, httpsig.SignOptions{}); err != nil {
		s.t.Fatal(err)
	}
	return r
}

// takesSigned has the server take requests of two programs: feed, which may send
// values, and edit, which may edit and is an operator; both beside tokens of people.
func takesSigned(t *testing.T, change func(*Config)) (n *node, feed, edit signer) {
	t.Helper()
	feed, edit = newSigner(t, "feed"), newSigner(t, "edit")
	v, err := httpsig.NewVerifier(httpsig.Config{
		Keys: []httpsig.Key{feed.key, edit.key}, Since: time.Now().Add(-time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	n = start(t, func(c *Config) {
		signedIn(c)
		c.RequestAuthenticator = httpsig.NewAuthenticator(v, map[string]auth.Principal{
			"feed": {UserID: "sensor", Grants: []auth.Grant{{Pattern: "team-*", Role: auth.Feeder}}},
			"edit": {UserID: "deploy", Grants: []auth.Grant{{Pattern: "team-*", Role: auth.Editor}}, Admin: true},
		})
		if change != nil {
			change(c)
		}
	})
	n.create("team-1", as("ana"))
	return n, feed, edit
}

const (
	cpuData = "/api/dashboards/team-1/widgets/cpu/data"
	cpu     = "/api/dashboards/team-1/widgets/cpu"
)

func TestC2_ASignedRequestIsTheKeyHolders(t *testing.T) {
	n, feed, edit := takesSigned(t, nil)
	n.send(feed.sign(n.request("PUT", cpuData, `{"data":42}`))).want(204)
	n.send(edit.sign(n.request("PATCH", cpu, `{"title":"Load"}`, key("op-1")))).want(200).has(`"applied"`, "status")
	n.do("GET", "/api/dashboards/team-1", "", as("cy")).want(200).has(`"Load"`, "widgets", "cpu", "title")
	n.do("GET", "/api/dashboards/team-1/history", "", as("cy")).want(200).has(`"deploy"`, "entries", 0, "userId")
	n.send(edit.sign(n.request("GET", "/api/dashboards/team-1?x=%41", ""))).want(200)
	n.send(edit.sign(n.request("GET", "/api/realtime", ""))).want(200).has(`"deploy"`, "user")
	n.send(edit.sign(n.request("GET", "/api/stats", ""))).want(200).has("1", "rooms", "values")
}

func TestP1_ASignedRequestHasTheRightsOfItsKey(t *testing.T) {
	n, feed, edit := takesSigned(t, nil)
	n.send(feed.sign(n.request("PATCH", cpu, `{"title":"Load"}`))).refused(403, board.CodeForbidden)
	n.send(edit.sign(n.request("DELETE", "/api/dashboards/team-1", ""))).refused(403, board.CodeForbidden)
	n.send(edit.sign(n.request("GET", "/api/dashboards/ops", ""))).refused(404, board.CodeNotFound)
	n.send(feed.sign(n.request("GET", "/api/admin/sessions", ""))).refused(403, board.CodeForbidden)
	n.send(edit.sign(n.request("GET", "/api/admin/sessions", ""))).want(200)
}

func TestC2_ASignedRequestIsTakenOnceAndUnchanged(t *testing.T) {
	n, _, edit := takesSigned(t, nil)
	signed := func() *http.Request { return edit.sign(n.request("PATCH", cpu, `{"title":"Load"}`, key("op-1"))) }
	again := func(r *http.Request, body string) *http.Request {
		t.Helper()
		c := n.request(r.Method, r.URL.RequestURI(), body)
		c.Header = r.Header.Clone()
		return c
	}
	replayed := signed()
	n.send(replayed).want(200)
	n.send(again(replayed, `{"title":"Load"}`)).refused(401, board.CodeUnauthenticated)

	for name, r := range map[string]*http.Request{
		"body changed": again(signed(), `{"title":"Evil"}`),
		"body added":   again(edit.sign(n.request("DELETE", cpu, "")), `{}`),
		"body left out": func() *http.Request {
			r := signed()
			c := n.request(r.Method, r.URL.RequestURI(), "")
			c.Header = r.Header
			return c
		}(),
		"another method": func() *http.Request {
			r := signed()
			r.Method = "PUT"
			return r
		}(),
		"another widget": func() *http.Request {
			r := signed()
			r.URL.Path = "/api/dashboards/team-1/widgets/mem"
			return r
		}(),
		"another op id": func() *http.Request {
			r := signed()
			r.Header.Set(keyHeader, "op-2")
			return r
		}(),
		"a base added": func() *http.Request {
			r := signed()
			r.Header.Set(baseHeader, "1")
			return r
		}(),
		"a policy added": func() *http.Request {
			r := signed()
			r.Header.Set(policyHeader, "overwrite")
			return r
		}(),
		"another server": func() *http.Request {
			r := signed()
			r.Host = "localhost"
			return r
		}(),
		"the token of somebody beside a bad signature": func() *http.Request {
			r := signed()
			r.Header.Set("Signature", "sig=:AAAA:")
			r.Header.Set("Authorization", "Bearer ana")
			return r
		}(),
		"a signature without anything": n.request("GET", "/api/dashboards/team-1", "", header{"Signature", "sig=:AAAA:"}, as("ana")),
		"a key that nobody has":        newSigner(t, "unknown").sign(n.request("GET", "/api/dashboards/team-1", "")),
	} {
		t.Run(name, func(t *testing.T) { n.in(t).send(r).refused(401, board.CodeUnauthenticated) })
	}
	n.do("GET", cpu[:len(cpu)-len("/widgets/cpu")], "", as("cy")).want(200).has(`"Load"`, "widgets", "cpu", "title")
}

func TestC2_ARefusedSignatureTellsWhatToDo(t *testing.T) {
	n, feed, _ := takesSigned(t, nil)
	r := n.request("GET", "/api/dashboards/team-1", "")
	if err := httpsig.Sign(r, feed.key, httpsig.SignOptions{Components: []string{"@method"}}); err != nil {
		t.Fatal(err)
	}
	if p := n.send(r).refused(401, board.CodeUnauthenticated); !strings.Contains(p.at("detail"), "must cover @target-uri") {
		t.Errorf("it says %s", p.Body)
	}
	if p := n.do("GET", "/api/dashboards/team-1", "").refused(401, board.CodeUnauthenticated); !strings.Contains(p.at("detail"), "sign the request") {
		t.Errorf("without any: %s", p.Body)
	}
}

func TestC2_ABodyThatIsSignedIsBounded(t *testing.T) {
	n, _, edit := takesSigned(t, func(c *Config) { c.Limits.DocumentBytes, c.Limits.MessageBytes = 64<<10, 64<<10 })
	n.send(edit.sign(n.request("PUT", cpu, strings.Repeat(" ", 129<<10)))).refused(413, board.CodeTooLarge)
	unknown := edit.sign(n.request("PATCH", cpu, `{"title":"A"}`))
	unknown.ContentLength = -1 // in chunks
	n.send(unknown).want(200)
}

func TestH6_ASignedRequestNeedsNoOrigin(t *testing.T) {
	n, _, edit := takesSigned(t, func(c *Config) { c.AuthCookie = "session" })
	n.do("PATCH", cpu, `{"title":"A"}`, cookie("session=ana")).refused(403, board.CodeForbidden)
	n.send(edit.sign(n.request("PATCH", cpu, `{"title":"B"}`, cookie("session=ana")))).want(200)
	n.send(edit.sign(n.request("PATCH", cpu, `{"title":"C"}`, from("https://evil.example")))).refused(403, board.CodeForbidden)
}

func TestC2_SignaturesMeanNothingWhereTheyAreNotTaken(t *testing.T) {
	n := start(t, signedIn)
	n.create("team-1", as("ana"))
	s := newSigner(t, "edit")
	n.send(s.sign(n.request("GET", "/api/dashboards/team-1", ""))).refused(401, board.CodeUnauthenticated)
	n.send(s.sign(n.request("GET", "/api/dashboards/team-1", "", as("ana")))).want(200)
}

// TestC2_ASignatureIsJudgedByWhatTheClientAskedFor goes through a proxy that ends TLS,
// and a mount that takes a prefix off.
func TestC2_ASignatureIsJudgedByWhatTheClientAskedFor(t *testing.T) {
	n, _, edit := takesSigned(t, func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	mounted := http.StripPrefix("/dash", n.api)
	ask := func(remote string) int {
		r := httptest.NewRequest("GET", "https://dash.example.com/dash/api/dashboards/team-1?a=b", nil)
		if err := httpsig.Sign(r, edit.key, httpsig.SignOptions{Components: []string{"@method", "@target-uri"}}); err != nil {
			t.Fatal(err)
		}
		r.URL.Scheme, r.URL.Host, r.RequestURI = "", "", "/dash/api/dashboards/team-1?a=b"
		r.Host, r.TLS = "127.0.0.1:3000", (*tls.ConnectionState)(nil)
		r.Header.Set("X-Forwarded-Proto", "https")
		r.Header.Set("X-Forwarded-Host", "dash.example.com")
		r.RemoteAddr = remote
		w := httptest.NewRecorder()
		mounted.ServeHTTP(w, r)
		return w.Code
	}
	if got := ask("10.1.2.3:4"); got != 200 {
		t.Errorf("through the proxy: %d", got)
	}
	if got := ask("192.0.2.1:4"); got != 401 {
		t.Errorf("from somebody who says to be a proxy: %d", got)
	}
}

// refusesAll is a RequestAuthenticator that gives one error.
type refusesAll struct{ err error }

func (f refusesAll) AuthenticateRequest(*http.Request) (auth.Principal, error) {
	return auth.Principal{}, f.err
}

func TestC2_OwnRequestAuthenticators(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
		code   board.Code
	}{
		{auth.ErrUnauthenticated, 401, board.CodeUnauthenticated},
		{errors.New("the directory is away"), 503, board.CodeUnavailable},
		{board.Errorf(board.CodeForbidden, "not on Sundays"), 403, board.CodeForbidden},
	} {
		n := start(t, func(c *Config) {
			signedIn(c)
			c.RequestAuthenticator = refusesAll{tt.err}
		})
		p := n.do("GET", "/api/dashboards/team-1", "", header{"Signature", "sig=:AA==:"}).refused(tt.status, tt.code)
		if strings.Contains(string(p.Body), "directory") {
			t.Errorf("it tells %s", p.Body)
		}
	}
}

func TestC3_ARevokedUsersKeyIsNoGood(t *testing.T) {
	n, feed, edit := takesSigned(t, nil)
	n.send(feed.sign(n.request("PUT", cpuData, `{"data":1}`))).want(204)
	if _, refusal := n.sessions.RevokeUser(t.Context(), "sensor"); refusal != nil {
		t.Fatal(refusal)
	}
	n.send(feed.sign(n.request("PUT", cpuData, `{"data":2}`))).refused(401, board.CodeUnauthenticated)
	n.send(edit.sign(n.request("PUT", cpuData, `{"data":3}`))).want(204)
}

// TestC2_AfterAStartSignedRequestsHaveToWait: what was taken before it is not known.
func TestC2_AfterAStartSignedRequestsHaveToWait(t *testing.T) {
	s := newSigner(t, "edit")
	v, err := httpsig.NewVerifier(httpsig.Config{Keys: []httpsig.Key{s.key}})
	if err != nil {
		t.Fatal(err)
	}
	n := start(t, func(c *Config) {
		signedIn(c)
		c.RequestAuthenticator = httpsig.NewAuthenticator(v, nil)
	})
	p := n.send(s.sign(n.request("GET", "/api/dashboards/team-1", ""))).refused(503, board.CodeUnavailable)
	if p.Header.Get("Retry-After") == "" || !strings.Contains(p.at("detail"), "sign again in") {
		t.Errorf("Retry-After is %q: %s", p.Header.Get("Retry-After"), p.Body)
	}
}

package httpapi

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/session"
)

func TestC1_WithoutSignInOnlyThisMachine(t *testing.T) {
	for _, tc := range []struct {
		name     string
		lines    []header
		insecure bool
		want     int
	}{
		{"C1 localhost", []header{host("localhost:8080")}, false, 200},
		{"C1 a name under localhost", []header{host("app.localhost")}, false, 200},
		{"C1 IPv4 loopback", []header{host("127.0.0.1:1")}, false, 200},
		{"C1 all of 127", []header{host("127.9.9.9")}, false, 200},
		{"C1 IPv6 loopback", []header{host("[::1]:8080")}, false, 200},
		{"C1 upper case", []header{host("LOCALHOST")}, false, 200},
		{"C1 another name", []header{host("evil.example")}, false, 403},
		{"C1 a name that begins like localhost", []header{host("localhost.evil.example")}, false, 403},
		{"C1 an address of the network", []header{host("192.168.1.5:8080")}, false, 403},
		{"C1 the unspecified address", []header{host("0.0.0.0")}, false, 403},
		{"C1 X-Forwarded-For", []header{{"X-Forwarded-For", "10.0.0.1"}}, false, 403},
		{"C1 Via", []header{{"Via", "1.1 proxy"}}, false, 403},
		{"C1 X-Real-IP", []header{{"X-Real-IP", "10.0.0.1"}}, false, 403},
		{"C1 any X-Forwarded header", []header{{"X-Forwarded-Server", "a"}}, false, 403},
		{"C1 Forwarded", []header{{"Forwarded", "for=10.0.0.1"}}, false, 403},
		{"C1 another name with insecure", []header{host("evil.example"), {"Forwarded", "for=10.0.0.1"}}, true, 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := start(t, func(c *Config) { c.Insecure = tc.insecure })
			for _, path := range []string{"/api/realtime", "/api/dashboards", "/healthz", "/api/openapi.json", "/nowhere"} {
				want := tc.want
				if path == "/nowhere" && want == 200 {
					want = 404
				}
				got := n.do("GET", path, "", tc.lines...).want(want)
				if want == 403 {
					got.refused(403, board.CodeForbidden)
				}
			}
		})
	}
}

func TestC1_UserIDNamesTheUserWithoutSignIn(t *testing.T) {
	n := start(t, nil)
	n.do("GET", "/api/realtime?userId=ana", "").want(200).has(`"ana"`, "user")
	n.do("GET", "/api/realtime", "").want(200).has(`"anonymous"`, "user")
	n.do("GET", "/api/realtime?userId=a%0Ab", "").refused(400, board.CodeInvalidID)
	n.create("ops")
	n.do("PATCH", "/api/dashboards/ops/widgets/cpu?userId=ana", `{"title":"x"}`).want(200)
	n.do("GET", "/api/dashboards/ops/history", "").want(200).
		has(`"ana"`, "entries", 0, "payload", "author", "userId").
		has(`"anonymous"`, "entries", 1, "payload", "author", "userId")

	n = start(t, signedIn)
	n.do("GET", "/api/realtime?userId=ana", "").want(200).has("null", "user")
	n.do("GET", "/api/realtime?userId=ana", "", as("bo")).want(200).has(`"bo"`, "user")
}

func TestH6_Origins(t *testing.T) {
	allowed := func(c *Config) {
		c.AllowedOrigins = []string{"https://app.example.com", "http://Dev.Example:3000", "https://xn--bcher-kva.example"}
		c.Authenticator, c.AuthCookie = people, "session"
	}
	for _, tc := range []struct {
		name   string
		origin string
		want   int
	}{
		{"H6 own origin", "http://server.example:8080", 201},
		{"H6 own origin in upper case", "HTTP://Server.Example:8080", 201},
		{"H6 a listed origin", "https://app.example.com", 201},
		{"H6 a listed origin with its default port", "https://app.example.com:443", 201},
		{"H6 a listed origin in other case", "http://dev.example:3000", 201},
		{"H6 a listed origin in punycode", "https://xn--bcher-kva.example", 201},
		{"H6 null", "null", 403},
		{"H6 nothing like an origin", "app.example.com", 403},
		{"H6 another", "https://evil.example", 403},
		{"H6 one that begins alike", "https://app.example.com.evil.example", 403},
		{"H6 one that ends alike", "https://evil-app.example.com", 403},
		{"H6 another scheme", "http://app.example.com", 403},
		{"H6 another port", "https://app.example.com:8443", 403},
		{"H6 own host by another port", "http://server.example", 403},
		{"H6 own host by another scheme", "https://server.example:8080", 403},
		{"H6 with a path", "https://app.example.com/", 403},
		{"H6 with a user", "https://app.example.com@evil.example", 403},
		{"H6 two at once", "https://app.example.com, https://evil.example", 403},
		{"H6 letters that look alike", "https://bücher.example", 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			upgraded := 0
			n := start(t, func(c *Config) {
				allowed(c)
				c.Upgrade = func(w http.ResponseWriter, _ *http.Request, _ session.Meta) {
					upgraded++
					w.WriteHeader(http.StatusTeapot)
				}
			})
			got := n.do("POST", "/api/dashboards", `{"id":"team-1"}`, host("server.example:8080"), from(tc.origin), as("ana")).want(tc.want)
			upgrade := n.do("GET", "/api/realtime", "", host("server.example:8080"), from(tc.origin), header{"Upgrade", "WebSocket"})
			if tc.want == 403 && got.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("an origin that is refused may read why")
			}
			if tc.want == 201 {
				if upgrade.want(http.StatusTeapot); upgraded != 1 {
					t.Error("not upgraded")
				}
				return
			}
			got.refused(403, board.CodeForbidden)
			upgrade.refused(403, board.CodeForbidden)
			if upgraded != 0 {
				t.Error("upgraded all the same")
			}
			if log := n.log.String(); !strings.Contains(log, "AllowedOrigins") || strings.Contains(log, "ü") {
				t.Errorf("the log does not name the setting, or quotes raw input: %s", log)
			} else if strings.Contains(log, `="\"`) {
				t.Errorf("a value is quoted twice: %s", log)
			}
			// Reading is not changing.
			n.do("GET", "/api/dashboards", "", from(tc.origin), as("ana")).want(200)
		})
	}
}

func TestH6_NoOriginIsFineUnlessACookieSignsIn(t *testing.T) {
	n := start(t, func(c *Config) { c.Authenticator, c.AuthCookie = people, "session" })
	const body = `{"id":"team-1"}`
	n.do("POST", "/api/dashboards", body, cookie("session=ana")).refused(403, board.CodeForbidden)
	n.do("GET", "/api/realtime", "", cookie("session=ana"), header{"Upgrade", "websocket"}).refused(403, board.CodeForbidden)
	n.do("POST", "/api/dashboards", body, cookie("session=ana"), from("https://evil.example")).refused(403, board.CodeForbidden)
	n.do("POST", "/api/dashboards", body, cookie("session=ana"), from(n.url)).want(201)
	n.do("PATCH", "/api/dashboards/team-1/settings", body, cookie("session=nobody"), as("ana")).want(200)
	n.do("GET", "/api/dashboards", "", cookie("session=ana")).want(200)
	if log := n.log.String(); !strings.Contains(log, "cookie") {
		t.Errorf("nothing in the log: %s", log)
	}
}

func TestH6_BehindATrustedProxy(t *testing.T) {
	proxied := []header{{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "dash.example"}, {"X-Forwarded-For", "203.0.113.9, 127.0.0.1"}, from("https://dash.example"), as("ana")}
	n := start(t, func(c *Config) {
		signedIn(c)
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	n.do("POST", "/api/dashboards", `{"id":"team-1"}`, proxied...).want(201)
	n.do("GET", "/api/realtime", "", proxied...).want(200).has(`"wss://dash.example/api/realtime"`, "wsUrl")

	n = start(t, signedIn)
	n.do("POST", "/api/dashboards", `{"id":"team-1"}`, proxied...).refused(403, board.CodeForbidden)
}

func TestH6_OddPathsReachNothing(t *testing.T) {
	n := start(t, nil)
	for _, path := range []string{
		"/%61pi/realtime", "//api/realtime", "/api/realtime/../realtime", "/api//realtime", "/api/./realtime",
		"/api/realtime/", "/api/dashboards/", "/api/dashboards/a%2Fb", "/api/dashboards/%6Fps", "/api/nothing", "/api",
	} {
		t.Run(path, func(t *testing.T) {
			n.in(t).raw("GET "+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").refused(404, board.CodeNotFound)
		})
	}
}

// An id that cannot be one is said to be so, however it is escaped.
func TestD2_AnIDInAPathThatNeedsEscapes(t *testing.T) {
	n := start(t, nil)
	for _, path := range []string{"/api/dashboards/my%20board", "/api/dashboards/ops/widgets/a%2Fb"} {
		if got := n.do("PUT", path, `{}`).refused(404, board.CodeNotFound); !strings.Contains(string(got.Body), "an id has A–Z a–z 0–9 . _ : - only") {
			t.Errorf("%s: %s", path, got.Body)
		}
	}
}

func TestH5_OtherMethods(t *testing.T) {
	n := start(t, nil)
	got := n.do("DELETE", "/api/dashboards", "").refused(405, board.CodeBadMessage)
	if allow := got.Header.Get("Allow"); allow != "GET, POST, HEAD" {
		t.Errorf("Allow: %s", allow)
	}
	n.do("BREW", "/api/realtime", "").refused(405, board.CodeBadMessage)
	n.do("OPTIONS", "/api/realtime", "", from("https://evil.example")).refused(405, board.CodeBadMessage)
}

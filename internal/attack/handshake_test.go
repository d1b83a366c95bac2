package attack

import (
	"strings"
	"testing"

	"github.com/dashwire/dashwire"
)

// TestAttack_01_ForeignOrigin: a page elsewhere does not get a connection, whoever is
// signed in by its browser.
func TestAttack_01_ForeignOrigin(t *testing.T) {
	x := besieged(t)
	for range 3 {
		res, _ := x.say(x.handshake("Origin: https://evil.example", bearer(token(t, "mallory", "*=owner"))) + "\r\n")
		if res.StatusCode != 403 {
			t.Errorf("status %s", res.Status)
		}
	}
	x.refuses("FORBIDDEN", 3)
}

// TestAttack_02_OriginsThatLookAllowed: scheme, host and port count exactly, but for case.
func TestAttack_02_OriginsThatLookAllowed(t *testing.T) {
	x := besieged(t, func(c *dashwire.Config) {
		c.AllowedOrigins = []string{"https://good.example", "https://good.example:8443", "https://xn--mnchen-3ya.example"}
	})
	who := bearer(token(t, "mallory", "*=owner"))
	for origin, status := range map[string]int{
		"https://good.example":           101,
		"HTTPS://GOOD.Example":           101,
		"https://good.example:443":       101,
		"https://good.example:8443":      101,
		"https://xn--mnchen-3ya.example": 101,
		"http://" + x.addr:               101,

		"null":                                 403,
		"":                                     403,
		"https://good.example.evil.io":         403,
		"https://evil.io/https://good.example": 403,
		"https://good.example@evil.io":         403,
		"https://evil.io#https://good.example": 403,
		"https://evil.io?https://good.example": 403,
		"https://notgood.example":              403,
		"https://good.example.":                403,
		"https://good.example/":                403,
		"http://good.example":                  403,
		"https://good.example:444":             403,
		"https://good.example:80":              403,
		"wss://good.example":                   403,
		"//good.example":                       403,
		"good.example":                         403,
		"https://good.example https://evil.io": 403,
		"https://good.example,https://evil.io": 403,
		"https://goo\u0434.example":            403, // a Cyrillic letter
		"https://m\u00fcnchen.example":         403,
		"https://good\u3002example":            403, // an ideographic full stop
		"file://":                              403,
	} {
		res, _ := x.say(x.handshake("Origin: "+origin, who) + "\r\n")
		if res.StatusCode != status {
			t.Errorf("%q: status %s, want %d", origin, res.Status, status)
		}
		if status == 403 {
			x.refuses("FORBIDDEN", 1)
		}
	}
	res, _ := x.say(x.handshake("Origin: https://good.example", "Origin: https://evil.io", who) + "\r\n")
	if res.StatusCode != 403 {
		t.Errorf("two origins: status %s", res.Status)
	}
}

// TestAttack_03_CookieWithoutOrigin: what a browser adds by itself does not count unless it
// also says for which page.
func TestAttack_03_CookieWithoutOrigin(t *testing.T) {
	x := besieged(t, func(c *dashwire.Config) { c.AuthCookie = "session" })
	who := token(t, "mallory", "*=owner")
	for _, c := range []struct {
		name   string
		lines  []string
		status int
	}{
		{"a cookie alone", []string{"Cookie: session=" + who}, 403},
		{"a cookie and a bad origin", []string{"Origin: null", "Cookie: session=" + who}, 403},
		{"a cookie and our origin", []string{"Origin: http://" + x.addr, "Cookie: session=" + who}, 101},
		{"a bearer token", []string{bearer(who)}, 101},
		{"a subprotocol", []string{"Sec-WebSocket-Protocol: dashwire.v1, bearer." + who}, 101},
		{"nothing yet", nil, 101},
	} {
		if res, _ := x.say(x.handshake(c.lines...) + "\r\n"); res.StatusCode != c.status {
			t.Errorf("%s: status %s, want %d", c.name, res.Status, c.status)
		}
	}
	x.refuses("FORBIDDEN", 2)
}

// TestAttack_04_PathsWrittenOddly: no spelling of the path goes around the check of the
// origin.
func TestAttack_04_PathsWrittenOddly(t *testing.T) {
	x := besieged(t)
	bad := x.handshake("Origin: https://evil.example") + "\r\n"
	for _, path := range []string{
		"/%61pi/realtime", "//api/realtime", "/api/realtime/../realtime", "/api//realtime", "/api/./realtime", "/api/realtime/",
		"/api/realtime/.", "/api/%72ealtime", "/api%2Frealtime", "/api/realtime%00", "/API/realtime", "/api/realtime;x", "/api/realtime%2e",
		"/x/../api/realtime", "/api/realtime\\", "http://" + x.addr + "//api/realtime",
	} {
		res, _ := x.say(strings.Replace(bad, "GET /api/realtime ", "GET "+path+" ", 1))
		switch res.StatusCode {
		case 301, 307, 308, 400, 403, 404:
		default:
			t.Errorf("%s: status %s", path, res.Status)
		}
	}
	x.refuses("NOT_FOUND", 5)
	if n := x.metrics()["dashwire_sessions"]; n != 2 {
		t.Errorf("%v sessions are open", n)
	}
}

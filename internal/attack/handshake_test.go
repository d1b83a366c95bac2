package attack

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

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

// TestAttack_05_BrokenHandshakes: what is not a handshake of version 13 with one good key
// is refused before anything is opened.
func TestAttack_05_BrokenHandshakes(t *testing.T) {
	x := besieged(t)
	const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	who := bearer(token(t, "mallory", "*=owner"))
	for _, c := range []struct {
		name, old, new string
		status         int
	}{
		{"no key", key, "", 400},
		{"an empty key", "dGhlIHNhbXBsZSBub25jZQ==", "", 400},
		{"a short key", "dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", 400},
		{"a long key", "dGhlIHNhbXBsZSBub25jZQ==", strings.Repeat("dGhl", 4000), 400},
		{"a key that is no base64", "dGhlIHNhbXBsZSBub25jZQ==", "!!" + poison, 400},
		{"two keys", key, key + key, 400},
		{"version 8", "Version: 13", "Version: 8", 426},
		{"version 13 among others", "Version: 13", "Version: 13, 8", 426},
		{"a version that is no number", "Version: 13", "Version: " + poison, 426},
		{"no version", "Sec-WebSocket-Version: 13\r\n", "", 426},
		{"no connection header", "Connection: Upgrade\r\n", "", 426},
		{"POST", "GET /", "POST /", 403},
		{"HTTP/1.0", "HTTP/1.1", "HTTP/1.0", 400},
	} {
		res, _ := x.say(strings.Replace(x.handshake(who), c.old, c.new, 1) + "\r\n")
		if res.StatusCode != c.status && (c.name != "POST" || res.StatusCode == 101) {
			t.Errorf("%s: status %s, want %d", c.name, res.Status, c.status)
		}
		if v := res.Header.Get("Sec-WebSocket-Version"); (res.StatusCode == 426) != (v == "13") {
			t.Errorf("%s: Sec-WebSocket-Version is %q", c.name, v)
		}
	}
	x.refuses("BAD_MESSAGE", 12)
}

// TestAttack_06_Heads: a head of a request is bounded, and what two servers could read in
// two ways is refused.
func TestAttack_06_Heads(t *testing.T) {
	x := besiegedProcess(t)
	plain := "GET /api/realtime HTTP/1.1\r\nHost: " + x.addr + "\r\n"
	for _, c := range []struct {
		name, request string
		status        int
	}{
		{"2,000 headers", plain + strings.Repeat("X-"+poison+": 0123456789012345678901234\r\n", 2000) + "\r\n", 431},
		{"one header of a megabyte", plain + "X-A: " + strings.Repeat(poison, 1<<20/len(poison)) + "\r\n\r\n", 431},
		{"a name of a megabyte", plain + strings.Repeat(poison, 1<<20/len(poison)) + ": x\r\n\r\n", 431},
		{"a path of a megabyte", "GET /" + strings.Repeat(poison, 1<<20/len(poison)) + " HTTP/1.1\r\nHost: x\r\n\r\n", 431},
		{"two hosts", plain + "Host: evil.example\r\n\r\n", 400},
		{"no host", "GET /api/realtime HTTP/1.1\r\n\r\n", 400},
		{"a host with a space", "GET /api/realtime HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
		{"a carriage return in a header", plain + "X-A: b\rX-C: d\r\n\r\n", 400},
		{"a NUL in a header", plain + "X-A: b\x00c\r\n\r\n", 400},
		{"a space before the colon", plain + "Content-Length : 5\r\n\r\n", 400},
		{"a folded header at the front", "GET /api/realtime HTTP/1.1\r\n X-A: b\r\nHost: x\r\n\r\n", 400},
		{"two lengths", plain + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
		{"a version that is none", "GET /api/realtime HTTP/9.9\r\nHost: x\r\n\r\n", 505},
		{"no HTTP at all", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + poison + "\r\n\r\n", 400},
	} {
		res, s := x.say(c.request)
		if res.StatusCode != c.status {
			t.Errorf("%s: status %s, want %d", c.name, res.Status, c.status)
		}
		if s.gone(); t.Failed() {
			t.Fatalf("after %s", c.name)
		}
	}
}

// TestAttack_07_ListsOfExtensions: what is offered is read in linear time; nothing that is
// not known is agreed on.
func TestAttack_07_ListsOfExtensions(t *testing.T) {
	x := besieged(t)
	who := bearer(token(t, "mallory", "arena*=owner"))
	for name, line := range map[string]string{
		"32 KiB of spaces":         "Sec-WebSocket-Protocol: dashwire.v1," + strings.Repeat(" ", 32<<10) + "x",
		"32 KiB of commas":         "Sec-WebSocket-Protocol: dashwire.v1" + strings.Repeat(",", 32<<10),
		"32 KiB of protocols":      "Sec-WebSocket-Protocol: dashwire.v1" + strings.Repeat(", bearer.x", 3<<10),
		"names of a prototype":     "Sec-WebSocket-Extensions: constructor, __proto__; a=b, prototype",
		"a window of 99 bits":      "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99",
		"32 KiB of extensions":     "Sec-WebSocket-Extensions: " + strings.Repeat("permessage-deflate,", 1700),
		"quotes that never end":    `Sec-WebSocket-Extensions: permessage-deflate; x="` + strings.Repeat(`\"`, 8<<10),
		"upgrades to many things":  "Upgrade: " + strings.Repeat("h2c, ", 6<<10) + "websocket",
		"connections of many kind": "Connection: " + strings.Repeat("close, ", 4<<10) + "upgrade",
	} {
		s := x.open(who, line)
		s.read()
		if s.lives(); t.Failed() {
			t.Fatalf("after %s", name)
		}
	}
	res, _ := x.say(x.handshake(who, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits", "Sec-WebSocket-Protocol: graphql-ws, dashwire.v9") + "\r\n")
	for _, h := range []string{"Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"} {
		if got := res.Header.Get(h); got != "" || res.StatusCode != 101 {
			t.Errorf("status %s, %s: %q", res.Status, h, got)
		}
	}
	x.counts(`dashwire_sessions_opened_total{transport="websocket"}`, 10)
}

// TestAttack_08_SlowHeads: connections that send their head byte by byte are cut off,
// and others connect meanwhile.
func TestAttack_08_SlowHeads(t *testing.T) {
	t.Parallel()
	x := besiegedProcess(t)
	const sockets = 200
	var ended sync.WaitGroup
	for i := range sockets {
		s := x.dial()
		ended.Go(func() {
			drip := time.NewTicker(200 * time.Millisecond)
			defer drip.Stop()
			stop := make(chan struct{})
			defer close(stop)
			go func() {
				for _, b := range []byte(x.handshake("X-Padding: " + strings.Repeat("x", 4000))) {
					s.raw([]byte{b})
					select {
					case <-drip.C:
					case <-stop:
						return
					}
				}
			}()
			s.gone()
		})
		if i%20 == 0 { // others do not wait
			x.open().read()
		}
	}
	ended.Wait()
	x.signIn(token(t, "mallory", "arena*=owner"), "later").lives()
}

// TestAttack_09_NeverSignsIn: a connection without a token is closed after ten seconds
// (C2), and takes little meanwhile.
func TestAttack_09_NeverSignsIn(t *testing.T) {
	t.Parallel()
	x := besiegedProcess(t)
	const sockets = 100
	all := make([]*socket, sockets)
	for i := range all {
		all[i] = x.open()
		all[i].read()
		switch i % 4 {
		case 1: // only signs of life
			all[i].ask("PING", "{}").is(t, "PONG")
		case 2: // ops that are refused
			all[i].ask("SYNC_REQUEST", `{"dashboardId":"honest"}`).nack(t, "before sign-in", "UNAUTHENTICATED")
		case 3: // a message of 64 KiB, of which all but a byte comes
			all[i].raw(head(fin|opText, 64<<10))
			all[i].raw(make([]byte, 64<<10-1))
		}
	}
	for i, s := range all {
		if i%4 == 3 {
			s.wait()
			_, err := s.read()
			var e ended
			if !errors.As(err, &e) {
				_, err = s.read() // DISCONNECT came first
			}
			if !errors.As(err, &e) || e.code != 4401 && e.code != 1008 {
				t.Errorf("a message that does not end: %v", err)
			}
			continue
		}
		s.shut("no token", 4401)
	}
	x.closes(4401, sockets*3/4)
	x.refuses("UNAUTHENTICATED", sockets/4)
}

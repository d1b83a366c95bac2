package httpapi

import (
	"io"
	"net/http"
	"net/netip"
	"testing"
)

// TestH6_AnswersAreNoPages: whatever is answered cannot be framed, run, sniffed or taken into
// another site's page, and tells no other site where it was found.
func TestH6_AnswersAreNoPages(t *testing.T) {
	n := start(t, func(c *Config) {
		cookied(c)
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "dashwire_sessions 0\n") })
	})
	n.create("team-1", as("ana"))
	upgrade := header{"Upgrade", "websocket"}
	for _, tc := range []struct {
		method, path, body string
		status             int
		lines              []header
	}{
		{"GET", "/api/realtime", "", 200, nil},
		{"GET", "/api/realtime", "", 501, []header{upgrade}},
		{"GET", "/api/realtime", "", 403, []header{upgrade, from("https://evil.example")}},
		{"GET", "/api/dashboards/team-1", "", 200, []header{as("ana")}},
		{"GET", "/api/dashboards/team-1", "", 304, []header{as("ana"), {"If-None-Match", "*"}}},
		{"GET", "/api/dashboards/team-1/export", "", 200, []header{as("ana")}},
		{"GET", "/api/dashboards/team-1", "", 404, []header{as("dot")}},
		{"GET", "/api/dashboards/team-1", "", 401, nil},
		{"DELETE", "/api/dashboards/team-1", "", 403, []header{as("bo")}},
		{"POST", "/api/dashboards", "{", 400, []header{as("bo")}},
		{"POST", "/api/sign-in", `{"token":"ana"}`, 204, nil},
		{"BREW", "/api/dashboards", "", 405, nil},
		{"GET", "/api/nothing", "", 404, nil},
		{"GET", "/api//realtime", "", 404, nil},
		{"GET", "/metrics", "", 200, []header{as("op")}},
		{"GET", "/healthz", "", 200, nil},
		{"GET", "/nothing", "", 404, nil}, // there are no pages here
	} {
		h := n.do(tc.method, tc.path, tc.body, tc.lines...).want(tc.status).Header
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := h.Values(name); len(got) != 1 || got[0] != want {
				t.Errorf("%s %s (%d): %s is %q", tc.method, tc.path, tc.status, name, got)
			}
		}
	}
}

// TestH6_PagesHaveAPolicyOfTheirOwn: what an app serves beside the interface is its own affair.
func TestH6_PagesHaveAPolicyOfTheirOwn(t *testing.T) {
	n := start(t, func(c *Config) {
		c.Pages = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<p>") })
	})
	h := n.do("GET", "/", "").want(200).Header
	if h.Get("Content-Security-Policy") != "" || h.Get("Cross-Origin-Resource-Policy") != "" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%v", h)
	}
	if h := n.do("GET", "/", "", host("evil.example")).want(403).Header; h.Get("Content-Security-Policy") == "" {
		t.Errorf("a refusal in the place of a page: %v", h)
	}
}

// TestC1_NamesThatAreNotThisMachine: with sign-in off, a page elsewhere cannot reach the
// server through its visitor's browser, by whatever name it finds for this machine.
func TestC1_NamesThatAreNotThisMachine(t *testing.T) {
	n := start(t, nil)
	for name, status := range map[string]int{
		"localhost": 200, "LOCALHOST.": 200, "dash.localhost:3000": 200, "127.0.0.1:3000": 200, "127.9.9.9": 200, "[::1]:3000": 200, "[::ffff:127.0.0.1]": 200,
		"evil.example": 403, "localhost.evil.example": 403, "127.0.0.1.nip.io": 403, "evil.example:3000": 403, "0.0.0.0:3000": 403, "[::]:3000": 403,
		"127.1": 403, "2130706433": 403, "0x7f.0.0.1": 403, "localhost@evil.example": 403, "evillocalhost": 403, "169.254.169.254": 403,
	} {
		got := n.raw("GET /api/realtime HTTP/1.1\r\nHost: " + name + "\r\nConnection: close\r\n\r\n")
		if got.Status != status && !(status == 403 && got.Status == 400) { // net/http refuses what is no host
			t.Errorf("Host %s: %d, want %d", name, got.Status, status)
		}
	}
	for name, request := range map[string]string{
		"none":            "GET /api/realtime HTTP/1.0\r\n\r\n",
		"another in full": "GET http://evil.example/api/realtime HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
		"two":             "GET /api/realtime HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
		"by a proxy":      "GET /api/realtime HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 127.0.0.1\r\nConnection: close\r\n\r\n",
		"by another":      "GET /api/realtime HTTP/1.1\r\nHost: localhost\r\nforwarded: for=127.0.0.1\r\nConnection: close\r\n\r\n",
	} {
		if got := n.raw(request); got.Status != 403 && got.Status != 400 {
			t.Errorf("Host %s: %d", name, got.Status)
		}
	}
}

// TestH6_WhatProxiesSay: only the last word counts, and only of a proxy that is trusted.
func TestH6_WhatProxiesSay(t *testing.T) {
	n := start(t, func(c *Config) {
		signedIn(c)
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	})
	for _, tc := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"one", []string{"203.0.113.9"}, "203.0.113.9"},
		{"through our own", []string{"203.0.113.9, 10.1.2.3"}, "203.0.113.9"},
		{"what the client made up", []string{"10.9.9.9, 127.0.0.1, 203.0.113.9, 10.1.2.3"}, "203.0.113.9"},
		{"a line of the client's", []string{"198.51.100.7", "203.0.113.9"}, "203.0.113.9"},
		{"a line of the client's and many hops", []string{"198.51.100.7, 127.0.0.1", "203.0.113.9, 10.0.0.1", "10.0.0.2"}, "203.0.113.9"},
		{"with a port", []string{"203.0.113.9:4711"}, "203.0.113.9"},
		{"IPv6", []string{"[2001:db8::1]:443, fd00::1"}, "2001:db8::1"},
		{"IPv4 in IPv6", []string{"::ffff:203.0.113.9, ::ffff:10.0.0.1"}, "203.0.113.9"},
		{"no address at the end", []string{"203.0.113.9, unknown"}, "127.0.0.1"},
		{"no address before our own", []string{"203.0.113.9, _hidden, 10.0.0.1"}, "10.0.0.1"},
		{"a zone", []string{"fe80::1%eth0"}, "fe80::1%eth0"},
		{"nothing in it", []string{"203.0.113.9,"}, "127.0.0.1"},
		{"an empty line", []string{""}, "127.0.0.1"},
		{"an injection", []string{"203.0.113.9\" OR 1=1"}, "127.0.0.1"},
		{"our own alone", []string{"10.0.0.1, 10.0.0.2"}, "10.0.0.1"},
		{"no line", nil, "127.0.0.1"},
	} {
		t.Run("H6 address: "+tc.name, func(t *testing.T) {
			r := n.in(t).request("GET", "/", "")
			for _, l := range tc.lines {
				r.Header.Add("X-Forwarded-For", l)
			}
			if got := n.api.behind(r, "127.0.0.1"); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
			if got := n.api.behind(r, "203.0.113.200"); got != "203.0.113.200" {
				t.Errorf("a stranger is believed: %s", got)
			}
		})
	}
	for _, tc := range []struct {
		name         string
		proto, hosts []string
		want         string
	}{
		{"both", []string{"https"}, []string{"dash.example"}, "https://dash.example"},
		{"a line of the client's", []string{"http", "https"}, []string{"evil.example", "dash.example"}, "https://dash.example"},
		{"a list", []string{"http, https"}, []string{"evil.example, dash.example:8443"}, "https://dash.example:8443"},
		{"another scheme", []string{"javascript"}, nil, "http://own.example"},
		{"in other case", []string{"HTTPS"}, nil, "http://own.example"},
		{"IPv6", []string{"https"}, []string{"[2001:db8::1]:8443"}, "https://[2001:db8::1]:8443"},
		{"a path", nil, []string{"evil.example/x"}, "http://own.example"},
		{"a user", nil, []string{"own.example@evil.example"}, "http://own.example"},
		{"a quote", nil, []string{`evil"><script>`}, "http://own.example"},
		{"a query", nil, []string{"evil.example?x"}, "http://own.example"},
		{"nothing", []string{""}, []string{""}, "http://own.example"},
	} {
		t.Run("H6 origin: "+tc.name, func(t *testing.T) {
			r := n.in(t).request("GET", "/", "", host("own.example"))
			r.RemoteAddr = "127.0.0.1:4711"
			for _, v := range tc.proto {
				r.Header.Add("X-Forwarded-Proto", v)
			}
			for _, v := range tc.hosts {
				r.Header.Add("X-Forwarded-Host", v)
			}
			if got := n.api.base(r).origin(); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
			r.RemoteAddr = "203.0.113.200:4711"
			if got := n.api.base(r).origin(); got != "http://own.example" {
				t.Errorf("a stranger is believed: %s", got)
			}
		})
	}
}

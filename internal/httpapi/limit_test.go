package httpapi

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/ratelimit"
	"github.com/dashwire/dashwire/internal/session"
	"github.com/dashwire/dashwire/observe"
)

// counted collects the limits that were hit.
type counted struct {
	mu     sync.Mutex
	limits []observe.Limit
}

func (c *counted) hooks() observe.Hooks {
	return observe.Hooks{Limited: func(l observe.Limit, _ observe.Session) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.limits = append(c.limits, l)
	}}
}

func (c *counted) times(l observe.Limit) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, hit := range c.limits {
		if hit == l {
			n++
		}
	}
	return n
}

// proxy is where the tests' proxies stand: this machine.
var proxy = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}

func TestC8_WhichAddressCounts(t *testing.T) {
	counts := func(s string) ratelimit.Address { return ratelimit.AddressOf(netip.MustParseAddr(s)) }
	for _, c := range []struct {
		name            string
		peer, forwarded string
		trusted, local  bool // settings
		want            ratelimit.Address
	}{
		{name: "somebody", peer: "192.0.2.1:1", want: counts("192.0.2.1")},
		{name: "a household", peer: "[2001:db8::7]:1", want: counts("2001:db8::1")},
		{name: "this machine", peer: "127.0.0.1:1"},
		{name: "this machine by IPv6", peer: "[::1]:1"},
		{name: "this machine, counted", peer: "127.0.0.1:1", local: true, want: counts("127.0.0.1")},
		{name: "a header from somebody", peer: "192.0.2.1:1", forwarded: "198.51.100.9", trusted: true, want: counts("192.0.2.1")},
		{name: "behind a proxy", peer: "10.0.0.1:1", forwarded: "198.51.100.9", trusted: true, want: counts("198.51.100.9")},
		{name: "behind a proxy on this machine", peer: "127.0.0.1:1", forwarded: "198.51.100.9", trusted: true, want: counts("198.51.100.9")},
		{name: "behind two proxies", peer: "10.0.0.1:1", forwarded: "198.51.100.9, 10.0.0.2", trusted: true, want: counts("198.51.100.9")},
		{name: "what the client wrote there itself", peer: "10.0.0.1:1", forwarded: "127.0.0.1, 198.51.100.9", trusted: true, want: counts("198.51.100.9")},
		{name: "a proxy itself", peer: "10.0.0.1:1", trusted: true},
		{name: "a proxy itself, counted", peer: "10.0.0.1:1", trusted: true, local: true, want: counts("10.0.0.1")},
		{name: "a proxy that is not named", peer: "10.0.0.1:1", forwarded: "198.51.100.9", want: counts("10.0.0.1")},
		{name: "a socket in the file system", peer: "@"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &API{cfg: Config{CountLocal: c.local}}
			if c.trusted {
				a.cfg.TrustedProxies = proxy
			}
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = c.peer
			if c.forwarded != "" {
				r.Header.Set("X-Forwarded-For", c.forwarded)
			}
			if _, got := a.client(r); got != c.want {
				t.Errorf("counts as %x, want %x", got, c.want)
			}
		})
	}
}

// TestC8_RequestsPerAddress: whoever asks from an address, the address as a whole has a
// rate, and others have theirs.
func TestC8_RequestsPerAddress(t *testing.T) {
	var hit counted
	n := start(t, func(c *Config) {
		signedIn(c)
		c.TrustedProxies, c.RequestsPerAddress, c.Hooks, c.Clock = proxy, 5, hit.hooks(), standing()
	})
	from := func(addr string) header { return header{"X-Forwarded-For", addr} }
	ask := func(addr, user string) int {
		return n.do("GET", "/api/dashboards", "", from(addr), as(user)).Status
	}
	passed := map[string]int{}
	for i := range 40 {
		user := []string{"ana", "bo", "nobody"}[i%3]
		// One household has as many addresses as it likes.
		for _, addr := range []string{"192.0.2.1", fmt.Sprintf("2001:db8::%x", i+1)} {
			if status := ask(addr, user); status != http.StatusTooManyRequests {
				passed[addr[:4]]++
			}
		}
	}
	for addr, n := range passed {
		if n != 10 { // the burst
			t.Errorf("%d requests of %s passed, want 10", n, addr)
		}
	}
	if ask("192.0.2.2", "ana") != http.StatusOK {
		t.Error("another address is refused")
	}
	refusal := n.do("GET", "/api/dashboards", "", from("192.0.2.1"), as("ana")).refused(429, board.CodeRateLimited)
	if refusal.Header.Get("Retry-After") == "" {
		t.Errorf("header %v", refusal.Header)
	}
	if got, want := hit.times(observe.LimitRequestsPerAddress), 81-passed["192."]-passed["2001"]; got != want {
		t.Errorf("%d were counted, %d refused", got, want)
	}
	// Probes of the operator are answered whatever happens.
	if got := n.do("GET", "/healthz", "", from("192.0.2.1")).Status; got != http.StatusOK {
		t.Errorf("/healthz: status %d", got)
	}
	// This machine is not counted, a proxy without a client is not either.
	for range 100 {
		if got := n.do("GET", "/api/openapi.json", "").Status; got != http.StatusOK {
			t.Fatalf("status %d", got)
		}
	}
}

// TestC8_ConnectsPerAddress: upgrades and event streams of one address have a rate.
func TestC8_ConnectsPerAddress(t *testing.T) {
	var hit counted
	var opened []string
	n := start(t, func(c *Config) {
		signedIn(c)
		c.TrustedProxies, c.ConnectsPerAddress, c.Hooks, c.Clock = proxy, 1, hit.hooks(), standing()
		c.Upgrade = func(w http.ResponseWriter, _ *http.Request, m session.Meta) {
			opened = append(opened, m.RemoteAddr)
		}
	})
	connect := func(addr string) *reply {
		return n.do("GET", "/api/realtime", "", header{"Upgrade", "websocket"}, header{"X-Forwarded-For", addr}, as("ana"))
	}
	for range 10 {
		connect("192.0.2.1")
	}
	connect("192.0.2.2")
	if len(opened) != 6 || !slices.Contains(opened, "192.0.2.2") {
		t.Errorf("opened %q, want five of the one and one of the other", opened)
	}
	connect("192.0.2.1").refused(429, board.CodeRateLimited)
	n.do("GET", "/api/realtime/events", "", header{"X-Forwarded-For", "192.0.2.1"}, as("ana")).refused(429, board.CodeRateLimited)
	if got, want := hit.times(observe.LimitConnectsPerAddress), 12-(len(opened)-1); got != want {
		t.Errorf("%d were counted, %d refused", got, want)
	}
}

// TestC8_RatesAreKeptInBoundedMemory: not even who has very many addresses makes the
// server hold more than a fixed number of buckets.
func TestC8_RatesAreKeptInBoundedMemory(t *testing.T) {
	cfg := Config{}
	cfg.defaultRates()
	l := newLimiter(&cfg)
	now := clock.Real{}.Now()
	for i := range 4 * mostKeys {
		l.take(fmt.Sprint("addr:", i), now, 1, 1)
		l.perAddress.Take(ratelimit.Address(i+1), now, 1)
		l.connects.Take(ratelimit.Address(i+1), now, 1)
	}
	for name, n := range map[string]int{
		"requests": l.requests.Len(), "bytes": l.bytes.Len(), "addresses": l.perAddress.Len(), "connects": l.connects.Len(),
	} {
		if n > mostKeys {
			t.Errorf("%s: %d buckets", name, n)
		}
	}
}

// TestC8_ABodyOfAnUpgradeKeepsNoConnection, whatever the request is refused for.
func TestC8_ABodyOfAnUpgradeKeepsNoConnection(t *testing.T) {
	late := &movable{}
	late.add(restWithin/50 - restWithin) // so that the time for the rest is nearly over
	n := start(t, func(c *Config) {
		c.Clock = late
		c.Upgrade = func(http.ResponseWriter, *http.Request, session.Meta) { t.Error("upgraded") }
	})
	for name, head := range map[string]string{
		"a WebSocket":         "GET /api/realtime HTTP/1.1\r\nConnection: Upgrade",
		"one of a bad origin": "GET /api/realtime HTTP/1.1\r\nConnection: Upgrade\r\nOrigin: https://evil.example",
		"another path":        "POST /api/dashboards HTTP/1.1",
		"no path of ours":     "GET /page HTTP/1.1",
	} {
		for _, body := range []string{"Content-Length: 1000", "Transfer-Encoding: chunked"} {
			t.Run(name+", "+body, func(t *testing.T) {
				conn := n.in(t).dial()
				defer conn.Close()
				fmt.Fprintf(conn, "%s\r\nHost: localhost\r\nUpgrade: websocket\r\n%s\r\n\r\n", head, body)
				answer, err := io.ReadAll(conn)
				if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
					t.Errorf("%q, %v", answer, err)
				}
			})
		}
	}
}

package dashwire_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
	"github.com/dashwire/dashwire/observe"
)

// limited is a server whose limits were hit.
type limited struct {
	t    *testing.T
	srv  *dashwire.Server
	addr string

	mu   sync.Mutex
	hits map[observe.Limit]int
	more chan struct{} // a token after each hit and each end of a session
}

func (l *limited) wake() {
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// byName signs people in by their names, as owners of everything.
type byName struct{}

func (byName) Authenticate(_ context.Context, c auth.Credentials) (auth.Principal, error) {
	if c.Token == "wrong" {
		return auth.Principal{}, auth.ErrUnauthenticated
	}
	return auth.Principal{UserID: c.Token, Grants: []auth.Grant{{Pattern: "*", Role: auth.Owner}}}, nil
}

// limit runs a server on a file, behind proxies on this machine, so that a test speaks
// from any address.
func limit(t *testing.T, change func(*dashwire.Config)) *limited {
	t.Helper()
	l := &limited{t: t, hits: make(map[observe.Limit]int), more: make(chan struct{}, 1)}
	j, err := sqlitejournal.Open(filepath.Join(t.TempDir(), "boards.db"), sqlitejournal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	cfg := dashwire.Config{
		Journal: j, Authenticator: byName{}, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Hooks: observe.Hooks{
			Limited: func(name observe.Limit, _ observe.Session) {
				l.mu.Lock()
				l.hits[name]++
				l.mu.Unlock()
				l.wake()
			},
			Disconnect: func(observe.Session, int, string) { l.wake() },
		},
	}
	change(&cfg)
	srv, web := serve(t, cfg)
	l.srv, l.addr = srv, web.Listener.Addr().String()
	return l
}

// hit waits until a limit was hit n times in all, and fails if it was hit more often.
func (l *limited) hit(name observe.Limit, n int) {
	l.t.Helper()
	timeout := time.After(time.Minute)
	for {
		l.mu.Lock()
		got := l.hits[name]
		l.mu.Unlock()
		if got == n {
			return
		}
		if got > n {
			l.t.Errorf("%s was hit %d times, want %d", name, got, n)
			return
		}
		select {
		case <-l.more:
		case <-timeout:
			l.t.Fatalf("%s was hit %d times, want %d", name, got, n)
		}
	}
}

// gone waits until so many sessions are left.
func (l *limited) gone(left int) {
	l.t.Helper()
	timeout := time.After(time.Minute)
	for l.srv.Stats().Sessions.Sessions != left {
		select {
		case <-l.more:
		case <-timeout:
			l.t.Fatalf("%d sessions, want %d", l.srv.Stats().Sessions.Sessions, left)
		}
	}
}

func TestC8_SessionsPerAddress(t *testing.T) {
	l := limit(t, func(c *dashwire.Config) { c.SessionsPerAddress = 3 })
	var open []*socket
	for i := range 3 {
		open = append(open, l.admitted("192.0.2.1", fmt.Sprint("user-", i)))
		l.admitted(fmt.Sprintf("2001:db8::%d", i+1), "ana")
	}
	l.refused("192.0.2.1", "user-4", http.StatusTooManyRequests)
	l.refused("2001:db8::ffff", "bo", http.StatusTooManyRequests) // the same household
	l.admitted("2001:db8:0:1::1", "bo")
	l.admitted("192.0.2.2", "bo")
	l.hit(observe.LimitSessionsPerAddress, 2)

	// A stream counts too.
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+l.addr+"/api/realtime/events?dashboardId=ops", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Forwarded-For", "192.0.2.1")
	r.Header.Set("Authorization", "Bearer ana")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a stream: status %d", res.StatusCode)
	}

	open[0].leave()
	l.gone(7)
	l.admitted("192.0.2.1", "user-4")
	l.refused("192.0.2.1", "user-5", http.StatusTooManyRequests)
}

func TestC8_LoopbackAndProxiesAreNotCounted(t *testing.T) {
	for _, counted := range []bool{false, true} {
		t.Run(fmt.Sprint("counted ", counted), func(t *testing.T) {
			l := limit(t, func(c *dashwire.Config) { c.SessionsPerAddress, c.CountLocal = 2, counted })
			l.admitted("127.0.0.1", "ana") // named as the address of a proxy
			l.admitted("127.0.0.1", "ana")
			if counted {
				l.refused("127.0.0.1", "ana", http.StatusTooManyRequests)
			} else {
				l.admitted("127.0.0.1", "ana")
			}
		})
	}
}

func TestC8_SessionsThatHaveNotSignedIn(t *testing.T) {
	l := limit(t, func(c *dashwire.Config) { c.UnsignedSessions, c.UnsignedPerAddress = 5, 3 })
	const here, there = "192.0.2.1", "192.0.2.2"
	var waiting []*socket
	for range 3 {
		waiting = append(waiting, l.admitted(here, ""))
	}
	l.refused(here, "", http.StatusTooManyRequests)
	l.hit(observe.LimitUnsignedPerAddress, 1)
	l.admitted(here, "ana") // who signs in with the request takes no such place
	for range 2 {
		waiting = append(waiting, l.admitted(there, ""))
	}
	l.admitted(there, "ana")

	// Signing in gives the place back, and so does leaving.
	waiting[0].send(`{"type":"CONNECT","id":"c","payload":{"token":"bo"}}`)
	waiting[0].until("CONNECT")
	waiting = append(waiting, l.admitted(here, ""))
	l.refused(here, "", http.StatusTooManyRequests)
	waiting[4].leave()
	l.gone(7)
	l.admitted(there, "")
	// An upgrade that is no handshake takes nothing.
	for range 10 {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+l.addr+"/api/realtime", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Upgrade", "websocket")
		r.Header.Set("X-Forwarded-For", "192.0.2.3")
		r.Header.Set("Authorization", "Bearer ana")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusUpgradeRequired {
			t.Fatalf("status %d", res.StatusCode)
		}
	}
	l.admitted("192.0.2.3", "ana")
}

// TestC8_ManyAtOnceDoNotSlipThrough: requests that come at the same moment find the
// places that the others have taken.
func TestC8_ManyAtOnceDoNotSlipThrough(t *testing.T) {
	l := limit(t, func(c *dashwire.Config) { c.MaxSessions = 5 })
	var wg sync.WaitGroup
	var mu sync.Mutex
	admitted := 0
	for i := range 40 {
		wg.Go(func() {
			conn, err := net.Dial("tcp", l.addr)
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { conn.Close() })
			fmt.Fprintf(conn, "GET /api/realtime HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nAuthorization: Bearer u%d\r\n\r\n", i)
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if strings.Contains(line, " 101 ") {
				admitted++
			}
		})
	}
	wg.Wait()
	if admitted != 5 {
		t.Errorf("%d sessions, want 5", admitted)
	}
	l.hit(observe.LimitSessions, 35)
}

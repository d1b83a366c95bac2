package httpapi

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/lane"
)

// crowd signs people in and notes how many were at it at once.
type crowd struct {
	auth.Authenticator
	now, most atomic.Int64
}

func (c *crowd) Authenticate(ctx context.Context, credentials auth.Credentials) (auth.Principal, error) {
	n := c.now.Add(1)
	defer c.now.Add(-1)
	for old := c.most.Load(); n > old && !c.most.CompareAndSwap(old, n); old = c.most.Load() {
	}
	for range 1000 { // let the others come
		runtime.Gosched()
	}
	return c.Authenticator.Authenticate(ctx, credentials)
}

// oneTurn has requests share one place, which is taken from nobody.
func oneTurn(c *Config) {
	signedIn(c)
	c.Lane = lane.New(1, 1000*time.Hour)
}

// together does requests at once, each of which must be answered 200.
func (n *node) together(count int, request func(i int) *http.Request) *sync.WaitGroup {
	all := &sync.WaitGroup{}
	for i := range count {
		all.Go(func() {
			r, err := noRedirects.Do(request(i))
			if err != nil {
				n.t.Error(err)
				return
			}
			defer r.Body.Close()
			if r.StatusCode != http.StatusOK {
				n.t.Errorf("status %d", r.StatusCode)
			}
		})
	}
	return all
}

// TestC8_RequestsTakeTurns: however many have come, so many are worked on as the lane has
// places.
func TestC8_RequestsTakeTurns(t *testing.T) {
	var at *crowd
	n := start(t, func(c *Config) {
		oneTurn(c)
		at = &crowd{Authenticator: c.Authenticator}
		c.Authenticator = at
	})
	n.together(32, func(int) *http.Request { return n.request(http.MethodGet, "/api/dashboards", "", as("ana")) }).Wait()
	if most := at.most.Load(); most != 1 {
		t.Errorf("%d at once in one place", most)
	}
}

// TestC8_WaitingLeavesThePlace: a body that does not come, and a stream that goes on, keep
// nobody from a turn; probes need none.
func TestC8_WaitingLeavesThePlace(t *testing.T) {
	var l *lane.Lane
	n := start(t, func(c *Config) {
		oneTurn(c)
		l = c.Lane
	})
	n.do(http.MethodPut, "/api/dashboards/team-a/widgets/w", `{"title":"x"}`, as("bo")).want(http.StatusOK)

	address := strings.TrimPrefix(n.url, "http://")
	for _, c := range []struct{ name, request, answer string }{
		{
			"a body", "POST /api/dashboards HTTP/1.1\r\nHost: " + address + "\r\nAuthorization: Bearer bo\r\nContent-Type: application/json\r\n" +
				"Content-Length: 10\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1 100 Continue",
		},
		{"a stream", "GET /api/realtime/events?dashboardId=team-a HTTP/1.1\r\nHost: " + address + "\r\nAuthorization: Bearer bo\r\n\r\n", "HTTP/1.1 200 OK"},
	} {
		nc, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		if _, err := nc.Write([]byte(c.request)); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(nc).ReadString('\n'); err != nil || strings.TrimSpace(line) != c.answer {
			t.Fatalf("%s: answered %q %v", c.name, line, err)
		}
		n.do(http.MethodGet, "/api/dashboards", "", as("bo")).want(http.StatusOK)
	}

	turn := l.Enter(0)
	defer turn.Leave()
	n.do(http.MethodGet, "/healthz", "").want(http.StatusOK)
}

package attack

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
)

// calm starts a target that anything may be sent to, at any rate.
func calm(f *testing.F) (x *target, who string) {
	f.Helper()
	x = attacked(f, func(c *dashwire.Config) {
		c.SessionsPerUser, c.MessagesPerSecond, c.MessageBurst = 10_000, 1_000_000, 1_000_000
	})
	return x, token(f, "mallory", "*=owner")
}

// connect opens a connection for one input.
func connect(t *testing.T, x *target) *socket {
	t.Helper()
	c, err := net.Dial("tcp", x.addr)
	if err != nil {
		t.Fatal(err)
	}
	s := &socket{t: t, conn: c, in: bufio.NewReader(c)}
	s.wait()
	return s
}

// begin opens a session for one input.
func begin(t *testing.T, x *target, who string) *socket {
	t.Helper()
	s := connect(t, x)
	s.raw([]byte(x.handshake(bearer(who)) + "\r\n"))
	if res := s.response(); res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the upgrade got %s", res.Status)
	}
	if m, err := s.read(); err != nil || m.Type != "CONNECT" {
		t.Fatalf("the first message is %v %v", m, err)
	}
	return s
}

// orderly fails unless a connection has ended as the protocol has it: with a known code,
// or without a word because this side has ended it.
func orderly(t *testing.T, err error) {
	t.Helper()
	var e ended
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		t.Fatalf("the server waits: %v", err)
	case !errors.As(err, &e):
		var bad *json.SyntaxError
		if errors.As(err, &bad) || strings.Contains(err.Error(), "a frame of") {
			t.Fatalf("the server sends what is no message: %v", err)
		}
	case e.code < 1000, e.code == 1004, e.code == 1006, e.code >= 1015 && e.code < 3000, e.code >= 5000:
		t.Fatalf("closed with %d", e.code) // a client's own code comes back, if it may be sent
	}
}

// FuzzConnection: whatever bytes come on a session, its end is orderly and soon, and the
// server goes on.
func FuzzConnection(f *testing.F) {
	f.Add(masked(fin|opText, []byte(`{"type":"PING","id":"1"}`)))
	f.Add(join(masked(opText, []byte("{")), masked(fin|opPing, []byte("x")), masked(fin|opContinuation, []byte("}"))))
	f.Add(masked(fin|opBinary, nil))
	f.Add(goodbye(1000, "bye"))
	f.Add(head(fin|opText, 1<<20))
	f.Add([]byte("\x81\x02{}"))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add(bytes.Repeat(masked(fin|opPing, nil), 100))
	x, who := calm(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 64<<10 {
			return
		}
		s := begin(t, x, who)
		defer s.conn.Close()
		s.raw(data)
		if err := s.conn.(*net.TCPConn).CloseWrite(); err != nil {
			return // the server has hung up, and reset the connection
		}
		for {
			if _, err := s.read(); err != nil {
				orderly(t, err)
				return
			}
		}
	})
}

// FuzzMessage: whatever text comes, what follows it is answered, or the session ends in an
// orderly way; it is no fault of the server.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{
		`{"type":"WIDGET_UPDATE","id":"o","payload":{"dashboardId":"ops","widgetId":"w","create":true,"set":{"/config/a":[1,2]},"layout":{"x":1,"y":2,"w":3,"h":4}}}`,
		`{"type":"WIDGET_UPDATE","id":"o","payload":{"dashboardId":"ops","widgetId":"w","baseVersion":1,"policy":"skip","prev":{"/a":1},"unset":["/a"]}}`,
		`{"type":"WIDGET_BATCH","id":"o","payload":{"dashboardId":"ops","atomic":false,"operations":[{"type":"WIDGET_DELETE","widgetId":"w"},{"type":"LAYOUT_UPDATE","moved":{"w":{"x":1}}}]}}`,
		`{"type":"LAYOUT_UPDATE","id":"o","payload":{"dashboardId":"ops","breakpoint":"b","create":true,"columns":3,"compact":"none","moved":{"w":{"y":100000}}}}`,
		`{"type":"LAYOUT_RESTORE","id":"o","payload":{"dashboardId":"ops","toVersion":1}}`,
		`{"type":"DASHBOARD_UPDATE","id":"o","payload":{"dashboardId":"ops","changes":{"title":"x","tags":null}}}`,
		`{"type":"CONFLICT_RESOLVED","id":"o","payload":{"dashboardId":"ops","widgetId":"w","conflictId":"c","baseVersion":1,"choice":"mine","restore":true}}`,
		`{"type":"SYNC_REQUEST","id":"o","payload":{"dashboardId":"ops","since":{"epoch":"","version":0}}}`,
		`{"type":"PRESENCE","id":"o","payload":{"dashboardId":"ops","state":{"name":"x"}}}`,
		`{"type":"WIDGET_DATA","id":"o","payload":{"dashboardId":"ops","values":{"w":{"data":[[1,2]],"mode":"append","window":3}}}}`,
		`{"type":"CONNECT","id":"o","payload":{"clientId":"c","token":"x","heartbeat":"app"}}`,
		`{"type":"DISCONNECT","id":"o"}`,
	} {
		f.Add(s)
	}
	x, who := calm(f)
	var s *socket
	f.Cleanup(func() {
		if s != nil {
			s.conn.Close()
		}
	})
	inputs := 0
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 64<<10 {
			return
		}
		if s == nil {
			s = begin(t, x, who)
		}
		s.t = t
		s.wait()
		inputs++
		end := fmt.Sprint("end-of-input-", inputs)
		s.raw(join(masked(fin|opText, []byte(text)), masked(fin|opText, []byte(`{"type":"PING","id":"`+end+`"}`))))
		for giveUp := time.Now().Add(patience); time.Now().Before(giveUp); {
			m, err := s.read()
			if err != nil {
				orderly(t, err)
				s.conn.Close()
				s = nil
				return
			}
			switch {
			case m.Type == "NACK" && m.code() == "INTERNAL":
				t.Fatalf("a fault of the server: %s", m.raw)
			case m.Type == "PONG" && m.CorrelationID == end:
				return
			}
		}
		t.Fatal("the session is not answered any more")
	})
}

// FuzzRequest: whatever bytes come instead of a request, the answer is HTTP and no fault of
// the server.
func FuzzRequest(f *testing.F) {
	x, who := calm(f)
	for _, s := range []string{
		x.handshake(bearer(who)) + "\r\n",
		"GET /api/dashboards?limit=1&cursor=%00 HTTP/1.1\r\nHost: x\r\n" + bearer(who) + "\r\n\r\n",
		"POST /api/realtime HTTP/1.1\r\nHost: x\r\n" + bearer(who) + "\r\nContent-Length: 15\r\n\r\n{\"type\":\"SYNC\"}",
		"PATCH /api/dashboards/ops/widgets/w HTTP/1.1\r\nHost: x\r\n" + bearer(who) + "\r\nDashwire-Base: 1\r\nContent-Length: 2\r\n\r\n{}",
		"PUT /api/dashboards/ops/layouts/main HTTP/1.1\r\nHost: x\r\n" + bearer(who) + "\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"GET /api/realtime/events?dashboardId=ops HTTP/1.1\r\nHost: x\r\nLast-Event-ID: b3BzIGUgMQo\r\n\r\n",
		"GET /healthz HTTP/1.0\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 64<<10 {
			return
		}
		s := connect(t, x)
		defer s.conn.Close()
		s.raw(data)
		if err := s.conn.(*net.TCPConn).CloseWrite(); err != nil {
			return
		}
		res, err := http.ReadResponse(s.in, nil)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			t.Fatalf("the server waits: %v", err)
		case err != nil:
			return // it may hang up on what is no request
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("the answer does not end: %v", err)
		}
		if res.StatusCode == http.StatusInternalServerError {
			t.Fatalf("a fault of the server: %s", text)
		}
	})
}

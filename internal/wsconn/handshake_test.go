package wsconn

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/dashwire/dashwire/internal/session"
)

// endpoint is an HTTP server that upgrades every request.
type endpoint struct {
	*httptest.Server
	group    *Group
	sessions chan *recorder // those that have opened
}

func newEndpoint(t *testing.T, tls bool) *endpoint {
	t.Helper()
	e := &endpoint{group: NewGroup(Config{}), sessions: make(chan *recorder, 32)}
	e.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// An error has been answered: the tests look at the answer.
		_ = e.group.Upgrade(w, r, 0, func(tr session.Transport) Session {
			rec := newRecorder()
			e.sessions <- rec
			return rec.open(tr)
		})
	}))
	if tls {
		e.StartTLS()
	} else {
		e.Start()
	}
	t.Cleanup(func() {
		e.Close()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = e.group.Shutdown(ctx) // cuts off what is left
	})
	return e
}

const goodHandshake = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// ask sends a request as it stands and returns the answer.
func (e *endpoint) ask(t *testing.T, request string) (*http.Response, net.Conn) {
	t.Helper()
	c, err := net.Dial("tcp", e.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, request+"\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp, c
}

func TestC1_Handshake(t *testing.T) {
	e := newEndpoint(t, false)
	resp, _ := e.ask(t, goodHandshake)
	if resp.StatusCode != 101 {
		t.Fatalf("status %d", resp.StatusCode)
	}
	for name, want := range map[string]string{
		"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
		"Sec-WebSocket-Protocol": "", "Sec-WebSocket-Extensions": "",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// No extension is agreed on, however it is offered: nothing that a client sends is ever
// inflated.
func TestE5_CompressionIsDeclined(t *testing.T) {
	e := newEndpoint(t, false)
	for _, offer := range []string{
		"permessage-deflate",
		"permessage-deflate; client_max_window_bits; server_no_context_takeover",
		"permessage-deflate; server_max_window_bits=99",
		"x-webkit-deflate-frame, permessage-deflate",
		"__proto__, constructor",
	} {
		t.Run(offer, func(t *testing.T) {
			resp, _ := e.ask(t, goodHandshake+"Sec-WebSocket-Extensions: "+offer+"\r\n")
			if resp.StatusCode != 101 {
				t.Fatalf("status %d", resp.StatusCode)
			}
			if got := resp.Header.Values("Sec-WebSocket-Extensions"); len(got) > 0 {
				t.Errorf("agreed on %q", got)
			}
		})
	}
}

func TestC1_RefusedHandshakes(t *testing.T) {
	e := newEndpoint(t, false)
	for _, c := range []struct {
		name     string
		old, new string
		status   int
	}{
		{"row 5: no key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400},
		{"row 5: short key", "dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", 400},
		{"row 5: key is no base64", "dGhlIHNhbXBsZSBub25jZQ==", "!!hlIHNhbXBsZSBub25jZQ==", 400},
		{"row 5: two keys", "Sec-WebSocket-Version", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version", 400},
		{"row 5: version 8", "Version: 13", "Version: 8", 426},
		{"row 5: no version", "Sec-WebSocket-Version: 13\r\n", "", 426},
		{"two versions", "Version: 13\r\n", "Version: 13\r\nSec-WebSocket-Version: 8\r\n", 426},
		{"no upgrade", "Upgrade: websocket\r\n", "", 426},
		{"upgrade to something else", "Upgrade: websocket", "Upgrade: h2c", 426},
		{"no connection header", "Connection: keep-alive, Upgrade\r\n", "", 426},
		{"POST", "GET /", "POST /", 405},
		{"HTTP/1.0", "HTTP/1.1", "HTTP/1.0", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, _ := e.ask(t, strings.Replace(goodHandshake, c.old, c.new, 1))
			if resp.StatusCode != c.status {
				t.Errorf("status %d, want %d", resp.StatusCode, c.status)
			}
			if v := resp.Header.Get("Sec-WebSocket-Version"); (c.status == 426) != (v == "13") {
				t.Errorf("Sec-WebSocket-Version is %q", v)
			}
		})
	}
	if n := e.group.Len(); n != 0 {
		t.Errorf("%d connections were opened", n)
	}
}

func TestC2_Subprotocol(t *testing.T) {
	e := newEndpoint(t, false)
	for _, c := range []struct{ name, offered, want string }{
		{"none", "", ""},
		{"ours", "Sec-WebSocket-Protocol: dashwire.v1\r\n", "dashwire.v1"},
		{"with a token, which is not echoed", "Sec-WebSocket-Protocol: dashwire.v1, bearer.abc\r\n", "dashwire.v1"},
		{"in a second header", "Sec-WebSocket-Protocol: other\r\nSec-WebSocket-Protocol: dashwire.v1\r\n", "dashwire.v1"},
		{"only others", "Sec-WebSocket-Protocol: graphql-ws\r\n", ""},
		{"row 7: 32 KiB of spaces", "Sec-WebSocket-Protocol: a," + strings.Repeat(" ", 32<<10) + "dashwire.v1\r\n", "dashwire.v1"},
		{"row 7: 32 KiB of commas", "Sec-WebSocket-Protocol: " + strings.Repeat(",", 32<<10) + "\r\n", ""},
		{"row 7: extensions named like a prototype", "Sec-WebSocket-Extensions: constructor, __proto__; a=b\r\n", ""},
		{"row 7: a window of 99 bits", "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99\r\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, _ := e.ask(t, goodHandshake+c.offered)
			if resp.StatusCode != 101 || resp.Header.Get("Sec-WebSocket-Protocol") != c.want {
				t.Errorf("status %d, subprotocol %q, want %q", resp.StatusCode, resp.Header.Get("Sec-WebSocket-Protocol"), c.want)
			}
			if ext := resp.Header.Get("Sec-WebSocket-Extensions"); ext != "" {
				t.Errorf("agreed on %q", ext)
			}
			within(t, e.sessions, "the session")
		})
	}
}

func TestC1_BytesBehindTheHandshakeAreNotLost(t *testing.T) {
	e := newEndpoint(t, false)
	e.ask(t, goodHandshake+"\r\n"+string(text("early"))+string(text("birds"))[:7])
	rec := within(t, e.sessions, "the session")
	if got := within(t, rec.messages, "the message"); got != "early" {
		t.Errorf("got %q", got)
	}
}

// Every client library does this; TLS takes the path that blocks.
func TestC1_LibraryClientOverTLS(t *testing.T) {
	e := newEndpoint(t, true)
	dialer := ws.Dialer{TLSConfig: e.Client().Transport.(*http.Transport).TLSClientConfig, Protocols: []string{"dashwire.v1"}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, _, hs, err := dialer.Dial(ctx, "wss"+strings.TrimPrefix(e.URL, "https"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if hs.Protocol != "dashwire.v1" {
		t.Errorf("subprotocol %q", hs.Protocol)
	}
	rec := within(t, e.sessions, "the session")
	for i := range 20 {
		msg := fmt.Sprintf("%d%s", i, strings.Repeat("x", 5000))
		if _, err := c.Write(text(msg)); err != nil {
			t.Fatal(err)
		}
		if got := within(t, rec.messages, "a message"); got != msg {
			t.Fatalf("got %.20q", got)
		}
		rec.send([]byte(msg))
		if f, err := readFrame(c); err != nil || string(f.Payload) != msg {
			t.Fatalf("got %.20q, %v", f.Payload, err)
		}
	}
	if _, err := c.Write(closing(1000, "")); err != nil {
		t.Fatal(err)
	}
	if f, err := readFrame(c); err != nil || f.Header.OpCode != ws.OpClose {
		t.Errorf("got %v, %v", f.Header.OpCode, err)
	}
	if end := within(t, rec.closed, "Closed"); end.code != 1000 {
		t.Errorf("closed %d", end.code)
	}
}

func TestC7_NoUpgradeDuringShutdown(t *testing.T) {
	e := newEndpoint(t, false)
	if err := e.group.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if resp, _ := e.ask(t, goodHandshake); resp.StatusCode != 503 {
		t.Errorf("status %d", resp.StatusCode)
	}
}

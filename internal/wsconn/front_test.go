//go:build unix

package wsconn

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dashwire/dashwire/internal/lane"
)

// oneKey has all clients wait in one line.
func oneKey(string) uint64 { return 0 }

// fronting makes a server behind a front; its handler tells by X-By whether net/http
// carried the request.
func fronting(t *testing.T, handler http.HandlerFunc) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		by := "front"
		if r.Context().Value(http.ServerContextKey) != nil {
			by = "net/http"
		}
		w.Header().Set("X-By", by)
		handler(w, r)
	})}
	f := NewFront(ln, s, lane.Shared(), oneKey)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(f) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// write sends pieces of a request one by one, each once the one before has been read.
func write(t *testing.T, addr string, pieces ...string) (*http.Response, *bufio.Reader, net.Conn) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	for _, p := range pieces {
		if _, err := io.WriteString(c, p); err != nil {
			t.Fatal(err)
		}
	}
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp, in, c
}

func TestFront_LeavesTheRestToTheServer(t *testing.T) {
	addr := fronting(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s", r.Method, r.RequestURI, body)
	})
	up := goodHandshake
	for _, c := range []struct{ name, request, by string }{
		{"a WebSocket", up + "\r\n", "front"},
		{"with a query", strings.Replace(up, "GET /", "GET /a/b?c=d%20e", 1) + "\r\n", "front"},
		{"another address", strings.Replace(up, "Host: x", "Host: [::1]:3000", 1) + "\r\n", "front"},
		{"no upgrade", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "net/http"},
		{"an upgrade to something else", strings.Replace(up, "websocket", "h2c", 1) + "\r\n", "net/http"},
		{"another method", strings.Replace(up, "GET", "POST", 1) + "\r\n", "net/http"},
		{"with a body", up + "Content-Length: 5\r\n\r\nhello", "net/http"},
		{"with no body, expressly", up + "Content-Length: 0\r\n\r\n", "net/http"},
		{"with chunks", up + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "net/http"},
		{"HTTP/1.0", strings.Replace(up, "HTTP/1.1", "HTTP/1.0", 1) + "\r\n", "net/http"},
		{"a header over two lines", up + "X-A: b\r\n c\r\n\r\n", "net/http"},
		{"lines that end with LF alone", strings.ReplaceAll(up+"\r\n", "\r\n", "\n") + "\r\n\r\n", "net/http"},
		{"a byte beyond ASCII", up + "X-A: \xc3\xa4\r\n\r\n", "net/http"},
		{"closing", strings.Replace(up, "keep-alive, Upgrade", "close, Upgrade", 1) + "\r\n", "net/http"},
		{"expecting", up + "Expect: 100-continue\r\n\r\n", "net/http"},
		{"a longer head than is read at once", up + "X-A: " + strings.Repeat("a", readSize) + "\r\n\r\n", "net/http"},
		// These net/http refuses by itself.
		{"no host", strings.Replace(up, "Host: x\r\n", "", 1) + "\r\n", ""},
		{"two hosts", up + "Host: y\r\n\r\n", ""},
		{"a host that is none", strings.Replace(up, "Host: x", "Host: x y", 1) + "\r\n", ""},
		{"a space before a colon", up + "X-A : b\r\n\r\n", ""},
		{"a control character", up + "X-A: b\x01\r\n\r\n", ""},
		{"a carriage return alone", up + "X-A: b\rc\r\n\r\n", ""},
		{"two lengths", up + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, _, _ := write(t, addr, c.request)
			if got := resp.Header.Get("X-By"); got != c.by {
				t.Errorf("carried by %q, want %q (status %d)", got, c.by, resp.StatusCode)
			}
			if want := map[bool]int{true: 200, false: 400}[c.by != ""]; resp.StatusCode/100 != want/100 && resp.StatusCode != 417 {
				t.Errorf("status %d", resp.StatusCode)
			}
		})
	}
}

// A connection that is not the front's goes on as any other: several requests, in whatever
// pieces they come.
func TestFront_ConnectionsGoOn(t *testing.T) {
	read := make(chan string)
	addr := fronting(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		read <- string(body)
		w.WriteHeader(http.StatusNoContent)
	})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	for i, request := range []string{
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nagain",
	} {
		for _, b := range []byte(request) {
			if _, err := c.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		if got := <-read; got != request[len(request)-5:] {
			t.Errorf("request %d came with %q", i, got)
		}
		if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != 204 || resp.Header.Get("X-By") != "net/http" {
			t.Fatalf("answer %d: %v %v", i, resp, err)
		}
	}
}

// TestC2_FrontRefuses: what the handler refuses is answered whole, and ends.
func TestC2_FrontRefuses(t *testing.T) {
	long := strings.Repeat("no ", 10_000)
	addr := fronting(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/panic":
			panic(http.ErrAbortHandler)
		case "/nothing":
		default:
			w.Header().Set("Retry-After", "7")
			http.Error(w, long, http.StatusTooManyRequests)
		}
	})
	resp, _, c := write(t, addr, goodHandshake+"\r\n")
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != long+"\n" || resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "7" || !resp.Close ||
		resp.Header.Get("Date") == "" {
		t.Errorf("%d %v %d bytes %v", resp.StatusCode, resp.Header, len(body), err)
	}
	if _, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("then: %v", err)
	}
	if resp, _, _ := write(t, addr, strings.Replace(goodHandshake, "GET /", "GET /nothing", 1)+"\r\n"); resp.StatusCode != 200 || resp.ContentLength != 0 {
		t.Errorf("a handler that says nothing: %d", resp.StatusCode)
	}
	c, err = net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, strings.Replace(goodHandshake, "GET /", "GET /panic", 1)+"\r\n"); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("a handler that gives up: %d bytes, %v", n, err)
	}
}

// TestC1_FrontOpensSessions: the WebSocket works, also where the request comes byte by
// byte, and with a frame right behind it.
func TestC1_FrontOpensSessions(t *testing.T) {
	g := NewGroup(Config{})
	sessions := make(chan *recorder, 8)
	addr := fronting(t, func(w http.ResponseWriter, r *http.Request) {
		rec := newRecorder()
		rec.hello = "welcome"
		if err := g.Upgrade(w, r, 0, rec.open); err != nil {
			t.Error(err)
		}
		sessions <- rec
	})
	frame := string(text("hello"))
	whole := goodHandshake + "\r\n" + frame
	var single []string
	for _, b := range []byte(whole) {
		single = append(single, string([]byte{b}))
	}
	for _, c := range []struct {
		name   string
		pieces []string
	}{
		{"at once", []string{whole}},
		{"the frame later", []string{goodHandshake + "\r\n", frame}},
		{"byte by byte", single},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, in, _ := write(t, addr, c.pieces...)
			if resp.StatusCode != 101 {
				t.Fatalf("status %d", resp.StatusCode)
			}
			got := make([]byte, len("\x81\x07welcome"))
			if _, err := io.ReadFull(in, got); err != nil || string(got) != "\x81\x07welcome" {
				t.Fatalf("%q %v", got, err)
			}
			if m := <-(<-sessions).messages; m != "hello" {
				t.Errorf("the session got %q", m)
			}
			g.mu.Lock()
			defer g.mu.Unlock()
			for c := range g.conns {
				if g.poller != nil && c.poll == nil {
					t.Error("the poller does not wait for it")
				}
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := g.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) { // nil: they had ended
		t.Error(err)
	}
}

// watchedConn counts as the listener of dashwire serve does.
type watchedConn struct {
	*net.TCPConn
	mu    sync.Mutex
	noted int
	read  []error
}

func (c *watchedConn) Raw() *net.TCPConn                { return c.TCPConn }
func (c *watchedConn) Handover() (*net.TCPConn, func()) { return c.TCPConn, func() {} }

func (c *watchedConn) Note(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.noted += n
}

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.noted += max(n, 0)
	c.read = append(c.read, err)
	return n, err
}

type watchedListener struct {
	net.Listener
	conns chan *watchedConn
}

func (l watchedListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &watchedConn{TCPConn: nc.(*net.TCPConn)}
	l.conns <- c
	return c, nil
}

// TestFront_Watched: who watches over a connection hears of every byte that goes to the
// server, and of a request that never comes.
func TestFront_Watched(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conns := make(chan *watchedConn, 2)
	s := &http.Server{ReadHeaderTimeout: 30 * time.Millisecond, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	f := NewFront(watchedListener{ln, conns}, s, lane.Shared(), oneKey)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(f) }()
	request := "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	write(t, ln.Addr().String(), request)
	if c := <-conns; c.count() != len(request) {
		t.Errorf("it heard of %d bytes of %d", c.count(), len(request))
	}
	silent, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		t.Error("a client that is silent was answered")
	}
	c := <-conns
	c.mu.Lock()
	var late net.Error
	if len(c.read) != 1 || !errors.As(c.read[0], &late) || !late.Timeout() {
		t.Errorf("of a silent client it heard %v", c.read)
	}
	c.mu.Unlock()
	s.Close()
	<-ended
}

func (c *watchedConn) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.noted
}

// TestFront_Closes: closing ends who has said nothing yet, and waits for nobody.
func TestFront_Closes(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conns := make(chan *watchedConn, 1)
	f := NewFront(watchedListener{ln, conns}, &http.Server{}, lane.Shared(), oneKey)
	silent, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	<-conns
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still there")
	}
	if _, err := f.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accepting then: %v", err)
	}
}

// FuzzFront: a request that the front takes is one that net/http takes too, and reads in
// the same way.
func FuzzFront(f *testing.F) {
	f.Add([]byte(goodHandshake + "\r\n"))
	f.Add([]byte(goodHandshake + "Origin: http://x\r\nCookie: a=b\r\n\r\n"))
	f.Add([]byte("GET //x/../y?q#f HTTP/1.1\r\nHost: a:1\r\nUpgrade: a, websocket\r\nConnection: upgrade\r\n\r\n"))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n: a\r\n\r\n"))
	f.Fuzz(func(t *testing.T, head []byte) {
		head, _, whole := cutHead(head)
		if !whole {
			return
		}
		mine := upgradeOf(bytes.Clone(head))
		if mine == nil {
			return
		}
		var theirs *http.Request
		here, there := net.Pipe()
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { theirs = r }))
		s.Listener.Close()
		s.Listener = &once{conn: there, closed: make(chan struct{})}
		s.Start()
		go func() { _, _ = here.Write(head) }()
		_, _ = http.ReadResponse(bufio.NewReader(here), nil)
		here.Close()
		s.Close()
		if theirs == nil {
			t.Fatalf("net/http refuses %q", head)
		}
		if mine.Method != theirs.Method || mine.RequestURI != theirs.RequestURI || mine.Host != theirs.Host || mine.Proto != theirs.Proto ||
			!reflect.DeepEqual(mine.URL, theirs.URL) || !reflect.DeepEqual(mine.Header, theirs.Header) {
			t.Errorf("of %q: %v %v %q, net/http %v %v %q", head, mine.URL, mine.Header, mine.Host, theirs.URL, theirs.Header, theirs.Host)
		}
	})
}

// once is a listener to which one connection comes.
type once struct {
	conn   net.Conn
	closed chan struct{}
}

func (l *once) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *once) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (l *once) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

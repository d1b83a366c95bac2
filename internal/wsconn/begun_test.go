//go:build unix

package wsconn

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dashwire/dashwire/internal/lane"
)

// work is a turn's.
type work func()

func (w work) Run(*lane.Turn) { w() }

// turned serves behind a front whose lane has one place, which is taken from nobody, and
// calls state as a server's ConnState.
func turned(t *testing.T, state func(l *lane.Lane, s http.ConnState), handler func(l *lane.Lane, w http.ResponseWriter, r *http.Request)) (l *lane.Lane, addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = lane.New(1, 1000*time.Hour)
	s := &http.Server{
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler(l, w, r) }),
		ConnState: func(_ net.Conn, s http.ConnState) { state(l, s) },
	}
	f := NewFront(ln, s, l, oneKey)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(f) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return l, ln.Addr().String()
}

// exchange sends a request on a connection and reads its answer.
func exchange(t *testing.T, c net.Conn, in *bufio.Reader, pieces ...string) string {
	t.Helper()
	for _, p := range pieces {
		if _, err := io.WriteString(c, p); err != nil {
			t.Fatal(err)
		}
	}
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestC8_RequestsAreReadInTurn: the head of a request is taken apart while its connection
// has a place, also of the second request; a handler that is not ours has none, and neither
// has a connection on which nothing happens.
func TestC8_RequestsAreReadInTurn(t *testing.T) {
	var mu sync.Mutex
	var order []string
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, what)
	}
	other := make(chan struct{}, 1)
	l, addr := turned(t, func(l *lane.Lane, s http.ConnState) {
		if s != http.StateActive {
			return
		}
		l.Go(7, work(func() {
			note("other")
			other <- struct{}{}
		}))
		for range 1000 { // let it come, if it can
			runtime.Gosched()
		}
		note("read")
	}, func(*lane.Lane, http.ResponseWriter, *http.Request) { <-other })
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	for range 2 {
		exchange(t, c, in, "GET /a HTTP/1.1\r\nHo", "st: x\r\n\r\n")
		l.Enter(7).Leave()
	}
	if want := []string{"read", "other", "read", "other"}; !slices.Equal(order, want) {
		t.Errorf("the order was %q, want %q", order, want)
	}
}

// TestC8_AHandlerContinuesTheTurn: a handler of ours goes on in the turn of the reading
// until its answer is written, leaves it while it waits for the body, and may take the
// connection over.
func TestC8_AHandlerContinuesTheTurn(t *testing.T) {
	l, addr := turned(t, func(*lane.Lane, http.ConnState) {}, func(l *lane.Lane, w http.ResponseWriter, r *http.Request) {
		turn, lent := l.Continue(r.Context(), 0)
		if !lent {
			t.Error("the turn is not that of the reading")
		}
		turn.Leave()
		if r.URL.Path == "/over" {
			nc, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer nc.Close()
			_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
			_ = rw.Flush()
			_, _ = io.CopyN(nc, rw, 4)
			l.Enter(7).Leave() // reading gave nobody a place
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		turn.Return()
		_, _ = w.Write(body)
	})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	for range 2 {
		if body := exchange(t, c, in, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n", "ab", "cd"); body != "abcd" {
			t.Errorf("answered %q", body)
		}
		l.Enter(7).Leave() // the answer is out, and its turn is over
	}
	if body := exchange(t, c, in, "POST /over HTTP/1.1\r\nHost: x\r\n\r\n", "efgh"); body != "efgh" {
		t.Errorf("answered %q", body)
	}
}

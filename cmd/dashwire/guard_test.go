package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/client"
	"github.com/dashwire/dashwire/observe"
)

// hits is how often a limit was hit, as the server's metrics tell.
func hits(t *testing.T, p *process, l observe.Limit) int {
	t.Helper()
	text := fetch(t, "GET", p.url+"/metrics", "", nil)
	m := regexp.MustCompile(`(?m)^dashwire_limits_total\{limit="` + string(l) + `"\} (\d+)$`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("no limit %s in the metrics", l)
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// dial connects to a server and sends something.
func dial(t *testing.T, p *process, send string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	// Who is refused at once may find the connection closed.
	_, _ = io.WriteString(conn, send)
	return conn
}

// host is where a server listens.
func (p *process) host() string {
	return strings.Replace(strings.TrimPrefix(p.url, "http://"), "localhost", "127.0.0.1", 1)
}

// status reads the status of an answer, 0 if the connection ends without one.
func status(t *testing.T, conn net.Conn) int {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatal("no answer and no end")
		}
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

const getHealth = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

// TestC8_FewDescriptors: however many connect, the sessions that are there go on, the data
// file is written, and once the crowd has gone the server takes new sessions.
func TestC8_FewDescriptors(t *testing.T) {
	dir := t.TempDir()
	cmd := command(t, dir)
	cmd.Path, cmd.Args = "/bin/sh", []string{
		"sh", "-c", `ulimit -n 256; exec "$0" "$@"`, binary, "serve", "--listen", "127.0.0.1:0", "--no-demo", "--drain", "0s",
	}
	if _, err := exec.LookPath(cmd.Path); err != nil {
		t.Fatal(err)
	}
	p := start(t, cmd)
	p.url = p.wait(readyLine)[1]
	if n := p.wait(regexp.MustCompile(`^Room for (\d+) sessions \(256 file descriptors; `))[1]; n != "128" {
		t.Errorf("room for %s sessions", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	there, err := client.Dial(ctx, client.Options{URL: p.url, UserID: "ana"})
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	edit := func(i int) {
		t.Helper()
		op := client.Op{ID: fmt.Sprint("op-", i), DashboardID: "ops", WidgetID: fmt.Sprint("w", i), Type: client.WidgetUpdate, Create: true}
		if a, err := there.Do(ctx, op); err != nil || a.Ack == nil {
			t.Fatalf("edit %d: %+v, %v", i, a, err)
		}
	}
	edit(0)

	var crowd []net.Conn
	answers := map[int]int{}
	for i := range 400 {
		conn := dial(t, p, "GET / HTTP/1.1\r\n") // and no more
		crowd = append(crowd, conn)
		if i%40 == 39 {
			edit(i)
		}
	}
	for _, conn := range crowd {
		answers[status(t, conn)]++ // the head never comes, so that each ends by itself
	}
	// Room for 192 connections, of which one is the session's and few are idle.
	if answers[http.StatusServiceUnavailable] < 200 || answers[http.StatusServiceUnavailable] > 230 {
		t.Errorf("the crowd was answered %v, want some 209 times 503", answers)
	}
	edit(1000)
	other, err := client.Dial(ctx, client.Options{URL: p.url, UserID: "bo"})
	if err != nil {
		t.Fatalf("after the crowd has gone: %v", err)
	}
	defer other.Close()
	if n := hits(t, p, observe.LimitConnections); n != answers[http.StatusServiceUnavailable] {
		t.Errorf("%d were counted, %d refused", n, answers[http.StatusServiceUnavailable])
	}
}

// TestC8_SlowAndLongHeads: a head that does not come in time or is too long ends its
// connection, and each is counted; who is merely idle is not.
func TestC8_SlowAndLongHeads(t *testing.T) {
	p := serve(t, t.TempDir(), "--no-demo", "--drain", "0s")
	idle := dial(t, p, getHealth)
	if got := status(t, idle); got != http.StatusOK {
		t.Fatalf("status %d", got)
	}
	silent := dial(t, p, "")
	slow := dial(t, p, "GET / HTTP/1.1\r\nHost: localhost\r\n")
	second := dial(t, p, getHealth)
	if got := status(t, second); got != http.StatusOK {
		t.Fatalf("status %d", got)
	}
	if _, err := io.WriteString(second, "GET / HT"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { // a byte a second does not help
		defer close(ended)
		for {
			select {
			case <-time.After(time.Second):
			case <-t.Context().Done():
				return
			}
			if _, err := io.WriteString(slow, "X"); err != nil {
				return
			}
		}
	}()
	if got := status(t, dial(t, p, "GET / HTTP/1.1\r\nHost: localhost\r\nX: "+strings.Repeat("x", 2*maxHeader)+"\r\n\r\n")); got != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a long head: status %d", got)
	}
	var many strings.Builder
	for i := range 8000 {
		fmt.Fprintf(&many, "X-%d: 1234567\r\n", i)
	}
	if got := status(t, dial(t, p, "GET / HTTP/1.1\r\nHost: localhost\r\n"+many.String()+"\r\n")); got != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a head of many lines: status %d", got)
	}
	for name, conn := range map[string]net.Conn{"silent": silent, "slow": slow, "slow the second time": second} {
		if _, err := io.Copy(io.Discard, conn); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: %v", name, err)
		}
	}
	<-ended
	if n := hits(t, p, observe.LimitHeaderTime); n != 3 {
		t.Errorf("%d slow heads were counted, want 3", n)
	}
	if n := hits(t, p, observe.LimitHeaderBytes); n != 2 {
		t.Errorf("%d long heads were counted, want 2", n)
	}
	if _, err := io.WriteString(idle, getHealth); err != nil {
		t.Fatal(err)
	}
	if got := status(t, idle); got != http.StatusOK {
		t.Errorf("an idle connection: status %d", got)
	}
}

func TestC8_ConnectionsPerAddress(t *testing.T) {
	p := serve(t, t.TempDir(), "--no-demo", "--drain", "0s", "--count-local", "--connections-per-address", "3")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var open []io.Closer
	for range 2 {
		conn := dial(t, p, getHealth)
		if got := status(t, conn); got != http.StatusOK {
			t.Fatalf("status %d", got)
		}
		open = append(open, conn)
	}
	session, err := client.Dial(ctx, client.Options{URL: p.url, UserID: "ana"})
	if err != nil {
		t.Fatal(err)
	}
	open = append(open, session)
	for i, conn := range open {
		if got := status(t, dial(t, p, getHealth)); got != http.StatusTooManyRequests {
			t.Errorf("one more: status %d", got)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(patience); ; { // until the server has noticed
			again := dial(t, p, getHealth)
			if got := status(t, again); got == http.StatusOK {
				break // and it takes the place
			}
			if time.Now().After(end) {
				t.Fatalf("the place of connection %d, which has ended, is not free again", i)
			}
		}
	}
}

// TestC8_NoHTTP2: the server speaks HTTP/1 alone, whatever is asked for.
func TestC8_NoHTTP2(t *testing.T) {
	p := serve(t, t.TempDir(), "--no-demo", "--drain", "0s")
	conn := dial(t, p, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+string([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0}))
	answer, err := io.ReadAll(conn)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(answer, []byte("HTTP/1.1 4")) && !bytes.HasPrefix(answer, []byte("HTTP/1.1 5")) {
		t.Errorf("the preface of HTTP/2 was answered %q", answer)
	}
	upgrade := dial(t, p, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
	if got := status(t, upgrade); got != http.StatusOK {
		t.Errorf("an upgrade to HTTP/2: status %d, want it passed over", got)
	}
}

package dashwire_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"runtime"
	"runtime/debug"
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

// socket is one WebSocket by hand.
type socket struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// connect asks for a WebSocket from an address and returns it, or the status that
// refuses; token may be empty.
func (l *limited) connect(from, token string) (*socket, *http.Response) {
	l.t.Helper()
	conn, err := net.Dial("tcp", l.addr)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		l.t.Fatal(err)
	}
	head := "GET /api/realtime HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nX-Forwarded-For: " + from + "\r\n"
	if token != "" {
		head += "Authorization: Bearer " + token + "\r\n"
	}
	if _, err := io.WriteString(conn, head+"\r\n"); err != nil {
		l.t.Fatal(err)
	}
	s := &socket{t: l.t, conn: conn, in: bufio.NewReader(conn)}
	res, err := http.ReadResponse(s.in, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return nil, res
	}
	s.until("CONNECT")
	return s, nil
}

// admitted opens a session, or fails.
func (l *limited) admitted(from, token string) *socket {
	l.t.Helper()
	s, refused := l.connect(from, token)
	if refused != nil {
		l.t.Fatalf("%s %s: status %d", from, token, refused.StatusCode)
	}
	return s
}

// refused fails unless a session is refused with a status, and told when to come back.
func (l *limited) refused(from, token string, status int) {
	l.t.Helper()
	_, res := l.connect(from, token)
	switch {
	case res == nil:
		l.t.Errorf("%s %s: a session, want status %d", from, token, status)
	case res.StatusCode != status || res.Header.Get("Retry-After") == "":
		l.t.Errorf("%s %s: status %d, Retry-After %q, want %d", from, token, res.StatusCode, res.Header.Get("Retry-After"), status)
	}
}

// write sends one frame, masked.
func (s *socket) write(first byte, payload []byte) {
	s.t.Helper()
	head := []byte{first}
	switch n := len(payload); {
	case n < 126:
		head = append(head, 0x80|byte(n))
	case n < 1<<16:
		head = binary.BigEndian.AppendUint16(append(head, 0x80|126), uint16(n))
	default:
		head = binary.BigEndian.AppendUint64(append(head, 0x80|127), uint64(n))
	}
	head = append(head, 0, 0, 0, 0) // a mask that changes nothing
	// The server may have hung up; what it said before tells.
	_, _ = s.conn.Write(append(head, payload...))
}

func (s *socket) send(format string, args ...any) {
	s.t.Helper()
	s.write(0x81, fmt.Appendf(nil, format, args...))
}

// next is the next message, or the close code.
func (s *socket) next() (message map[string]any, code int) {
	s.t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		s.t.Fatal(err)
	}
	size := int(head[1])
	if n := map[int]int{126: 2, 127: 8}[size]; n > 0 {
		long := make([]byte, 8)
		if _, err := io.ReadFull(s.in, long[8-n:]); err != nil {
			s.t.Fatal(err)
		}
		size = int(binary.BigEndian.Uint64(long))
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(s.in, payload); err != nil {
		s.t.Fatal(err)
	}
	switch head[0] & 0xf {
	case 1:
		if err := json.Unmarshal(payload, &message); err != nil {
			s.t.Fatal(err)
		}
	case 8:
		code = int(binary.BigEndian.Uint16(payload))
	}
	return message, code
}

// until reads up to a message of a type and returns its payload.
func (s *socket) until(kind string) map[string]any {
	s.t.Helper()
	for {
		m, code := s.next()
		if code != 0 {
			s.t.Fatalf("closed with %d instead of %s", code, kind)
		}
		if m["type"] == kind {
			return m["payload"].(map[string]any)
		}
	}
}

// closed reads up to the close and fails unless it has a code.
func (s *socket) closed(code int) {
	s.t.Helper()
	for {
		if _, got := s.next(); got == code {
			return
		} else if got != 0 {
			s.t.Errorf("closed with %d, want %d", got, code)
			return
		}
	}
}

// leave ends the session as its client does, and waits until the server has.
func (s *socket) leave() {
	s.t.Helper()
	s.send(`{"type":"DISCONNECT","id":"bye"}`)
	s.closed(1000)
	s.conn.Close()
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

// roomForTests is the memory that a server of withMemory may take.
const roomForTests = 128 << 20

// withMemory is a server with room for so much beside what the process uses already, base
// bytes.
func withMemory(t *testing.T) (base int, l *limited) {
	t.Helper()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	base = int(m.Sys - m.HeapReleased)
	return base, limit(t, func(c *dashwire.Config) { c.MemoryLimit = int64(base + roomForTests) })
}

// TestC8_ShortOfMemory: before there is none left, new sessions are refused; those that
// are there go on, and new ones are taken once there is memory again.
func TestC8_ShortOfMemory(t *testing.T) {
	base, l := withMemory(t)
	there := l.admitted("192.0.2.1", "ana")
	there.send(`{"type":"SYNC_REQUEST","id":"sync","payload":{"dashboardId":"ops"}}`)
	there.until("SYNC_RESPONSE")

	ballast := make([]byte, (base+roomForTests)*7/8-base) // between the two shares
	runtime.GC()                                          // so that it is known to be in use
	l.eventually("refused", func(status int) bool { return status == http.StatusServiceUnavailable })
	l.hit(observe.LimitMemory, 1)
	there.send(`{"type":"WIDGET_UPDATE","id":"op","payload":{"dashboardId":"ops","widgetId":"cpu","create":true}}`)
	there.until("ACK")
	// Nor does what takes much: a dashboard more, a long message, a long request.
	there.send(`{"type":"SYNC_REQUEST","id":"follow","payload":{"dashboardId":"other"}}`)
	long := strings.Repeat("x", 70<<10)
	there.send(`{"type":"WIDGET_UPDATE","id":"long","payload":{"dashboardId":"ops","widgetId":"cpu","set":{"/config/text":%q}}}`, long)
	for _, what := range []string{"opens no more dashboards", "a message of this size"} {
		nack := there.until("NACK")
		if nack["code"] != "UNAVAILABLE" || nack["retryable"] != true || !strings.Contains(fmt.Sprint(nack["message"]), what) {
			t.Errorf("got %v, want that the server %s", nack, what)
		}
	}
	if status := l.request("POST", "/api/dashboards", `{"id":"long","document":{"text":"`+long+`"}}`); status != http.StatusServiceUnavailable {
		t.Errorf("a long request got %d", status)
	}
	if status := l.request("PATCH", "/api/dashboards/ops/widgets/cpu", `{"title":"short"}`); status != http.StatusOK {
		t.Errorf("a short request got %d", status)
	}
	runtime.KeepAlive(ballast)

	ballast = nil
	runtime.GC()
	l.eventually("admitted", func(status int) bool { return status == http.StatusSwitchingProtocols })
}

// TestC8_SessionsAreShed: where memory runs out although no new sessions are taken, those
// that came last are sent away to come back later, until there is enough again.
func TestC8_SessionsAreShed(t *testing.T) {
	_, l := withMemory(t)
	first := l.admitted("192.0.2.1", "ana")
	var later []*socket
	for range 4 {
		later = append(later, l.admitted("192.0.2.1", "bo"))
	}
	ballast := make([]byte, 2*roomForTests)
	newest := later[len(later)-1]
	if bye := newest.until("DISCONNECT"); bye["code"] != 1013.0 || bye["reconnect"] == nil {
		t.Errorf("got %v", bye)
	}
	newest.closed(1013)
	runtime.KeepAlive(ballast)
	ballast = nil
	runtime.GC()
	// Who was first may still be there: what it asks for is answered, or it is told.
	first.send(`{"type":"PING","id":"p"}`)
	for {
		m, code := first.next()
		if m["type"] == "PONG" || code == 1013 {
			break
		}
		if code != 0 {
			t.Fatalf("closed with %d", code)
		}
	}
	l.eventually("admitted", func(status int) bool { return status == http.StatusSwitchingProtocols })
}

// request sends one to the server as ana and returns the status of the answer.
func (l *limited) request(method, path, body string) int {
	l.t.Helper()
	r, err := http.NewRequestWithContext(l.t.Context(), method, "http://"+l.addr+path, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer ana")
	r.Header.Set("Content-Type", "application/merge-patch+json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		l.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// eventually opens sessions until one is answered as it should be: what is in use is not
// measured for each.
func (l *limited) eventually(what string, ok func(status int) bool) {
	l.t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		s, res := l.connect("192.0.2.1", "bo")
		status := http.StatusSwitchingProtocols
		if res != nil {
			status = res.StatusCode
		} else {
			s.leave()
		}
		if ok(status) {
			return
		}
		if time.Now().After(end) {
			l.t.Fatalf("status %d: no session was %s", status, what)
		}
	}
}

// TestC2_LittleIsHeldBeforeSignIn: what a client sends before somebody has signed in is
// held up to 16 KiB, however much is announced.
func TestC2_LittleIsHeldBeforeSignIn(t *testing.T) {
	l := limit(t, func(*dashwire.Config) {})
	s := l.admitted("192.0.2.1", "")
	s.send(`{"type":"PING","id":"small","payload":%q}`, strings.Repeat("x", 15<<10))
	s.until("NACK") // a payload is an object; it was read
	s.send(`{"type":"PING","id":"large","payload":%q}`, strings.Repeat("x", 17<<10))
	if got := s.until("NACK"); got["code"] != "TOO_LARGE" || !strings.Contains(got["message"].(string), "16384") {
		t.Errorf("got %v", got)
	}
	l.hit(observe.LimitUnsignedMessageBytes, 1)
}

// TestR5_HeldBytesIsASetting: a client that does not read is closed once more is held for
// it than the server may hold, and the others go on.
func TestR5_HeldBytesIsASetting(t *testing.T) {
	l := limit(t, func(c *dashwire.Config) { c.HeldBytes, c.BytesPerSecond = 1, 1<<30 })
	editor, frozen := l.admitted("192.0.2.1", "ana"), l.admitted("192.0.2.2", "ben")
	editor.send(`{"type":"WIDGET_UPDATE","id":"c","payload":{"dashboardId":"ops","widgetId":"w","create":true}}`)
	editor.until("ACK")
	frozen.send(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`)
	frozen.until("SYNC_RESPONSE")
	long := strings.Repeat("x", 200<<10)
	held := func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.hits[observe.LimitHeldBytes] > 0
	}
	for i := 0; !held(); i++ {
		if i == 200 { // far more than the buffers of both sockets
			t.Fatal("40 MB wait for a client that reads nothing, and 1 byte may be held")
		}
		editor.send(`{"type":"WIDGET_UPDATE","id":"e%d","payload":{"dashboardId":"ops","widgetId":"w","policy":"overwrite","set":{"/title":"%d %s"}}}`, i, i, long)
		editor.until("ACK")
	}
	l.gone(1)
	editor.send(`{"type":"PING","id":"p"}`)
	editor.until("PONG")
}

// TestC2_WhatIsHeldOfUnfinishedMessages: before sign-in a socket costs no more than the
// bytes that have come, up to 16 KiB, and next to nothing of a message that is too long.
func TestC2_WhatIsHeldOfUnfinishedMessages(t *testing.T) {
	const sockets = 200
	l := limit(t, func(c *dashwire.Config) { c.UnsignedPerAddress = sockets })
	var open []*socket
	for range sockets {
		open = append(open, l.admitted("192.0.2.1", ""))
	}
	inUse := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // pools are emptied by the second
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	// A ping in the middle of the message: its pong tells that all before it was read.
	part := make([]byte, 15<<10)
	for i := range part {
		part[i] = 'x'
	}
	send := func(first byte) {
		for _, s := range open {
			s.write(first, part)
			s.write(0x89, nil)
		}
		for _, s := range open {
			var pong [2]byte
			if _, err := io.ReadFull(s.in, pong[:]); err != nil || pong[0] != 0x8a {
				t.Fatalf("%x, %v", pong, err)
			}
		}
	}
	before := inUse()
	send(0x01) // text that goes on
	if each := (inUse() - before) / sockets; each > 20<<10 {
		t.Errorf("%d bytes are held for each socket, of which %d have come", each, len(part))
	}
	for range 3 {
		send(0x00) // it has become too long
	}
	if each := (inUse() - before) / sockets; each > 2<<10 {
		t.Errorf("%d bytes are held for each socket whose message is too long", each)
	}
}

package dashwire_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/observe"
)

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

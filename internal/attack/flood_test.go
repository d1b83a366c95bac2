package attack

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/dashwire/dashwire"
)

// TestAttack_10_ManyConnections: of one address, of one user, without a token: each has an
// end, and who is within it goes on.
func TestAttack_10_ManyConnections(t *testing.T) {
	x := besieged(t, func(c *dashwire.Config) {
		c.CountLocal, c.SessionsPerAddress, c.UnsignedPerAddress, c.SessionsPerUser = true, 30, 8, 5
	})
	tooMany := func(what string, lines ...string) {
		t.Helper()
		res, _ := x.say(x.handshake(lines...) + "\r\n")
		if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %s, Retry-After %q", what, res.Status, res.Header.Get("Retry-After"))
		}
	}
	var held []*socket
	for range 8 {
		held = append(held, x.open())
	}
	for range 20 {
		tooMany("one more without a token")
	}
	ana := token(t, "ana", "arena*=owner")
	for i := range 5 {
		held = append(held, x.signIn(ana, fmt.Sprint(i)))
	}
	for range 5 {
		s := x.open(bearer(ana))
		s.closed("one more of a user", 4429)
		s.conn.Close() // so that the server need not wait for an answer
	}
	for i := 0; len(held) < 30-honestSessions; i++ {
		held = append(held, x.signIn(token(t, fmt.Sprint("user-", i), "arena*=owner"), "c"))
	}
	for range 20 {
		tooMany("one more of an address", bearer(token(t, "bo", "arena*=owner")))
	}
	for _, s := range held[8:] {
		s.lives()
		s.conn.Close()
	}
	eventually(t, "the sessions to end", func() bool { return x.metrics()["dashwire_sessions"] <= 8+honestSessions })
	x.signIn(token(t, "bo", "arena*=owner"), "c").lives()

	x.counts(`dashwire_limits_total{limit="unsigned-sessions-per-address"}`, 20)
	x.counts(`dashwire_limits_total{limit="sessions-per-address"}`, 20)
	x.counts(`dashwire_limits_total{limit="sessions-per-user"}`, 5)
	x.closes(4429, 5)
}

// honestSessions is how many sessions the honest user has.
const honestSessions = 2

// TestAttack_10_AFullServer: one session too many for the server gets 503.
func TestAttack_10_AFullServer(t *testing.T) {
	const room = 10
	x := besieged(t, func(c *dashwire.Config) { c.MaxSessions = room })
	who := bearer(token(t, "mallory", "arena*=owner"))
	for range room - honestSessions {
		x.open(who)
	}
	for range 20 {
		res, _ := x.say(x.handshake(who) + "\r\n")
		if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
			t.Errorf("one more: %s, Retry-After %q", res.Status, res.Header.Get("Retry-After"))
		}
	}
	x.counts(`dashwire_limits_total{limit="sessions"}`, 20)
}

// TestAttack_43_OverTheRate: a session that is too fast is read more slowly, loses nothing,
// and is closed after ten seconds without a pause; requests over the rate get 429 (C8).
func TestAttack_43_OverTheRate(t *testing.T) {
	t.Parallel()
	x := besiegedProcess(t, "--messages-per-second", "400", "--message-burst", "400")
	who := token(t, "mallory", "arena*=owner")
	const sockets, ops = 4, 800
	var flood sync.WaitGroup
	for i := range sockets { // many dashboards, one user
		s := x.signIn(who, fmt.Sprint(i))
		s.wait()
		flood.Go(func() {
			for k := range ops {
				s.raw(masked(fin|opText, fmt.Appendf(nil,
					`{"type":"DASHBOARD_UPDATE","id":"f%d-%d","payload":{"dashboardId":"arena-%d","set":{"/n":%d}}}`, i, k, i, k)))
			}
		})
		flood.Go(func() {
			for k := range uint64(ops) {
				m, err := s.read()
				if err != nil || m.Type != "ACK" || m.fields().Version != k+1 {
					t.Errorf("op %d of flood %d: %v %v", k, i, m, err)
					return
				}
			}
		})
	}
	flood.Wait()

	s := x.signIn(who, "on-and-on")
	s.wait()
	stop := make(chan struct{})
	go func() {
		// Many in one write, so that a busy machine makes no pause in the flood.
		ping := bytes.Repeat(masked(fin|opText, []byte(`{"type":"PING","id":"p"}`)), 100)
		for {
			select {
			case <-stop:
				return
			default:
				s.raw(ping)
			}
		}
	}()
	for {
		_, err := s.read()
		if err == nil {
			s.wait()
			continue
		}
		if e := (ended{}); !errors.As(err, &e) || e.code != 4429 {
			t.Errorf("on and on: %v, want a close with 4429", err)
		}
		break
	}
	close(stop)
	s.conn.Close()

	body := `{"type":"SYNC","operations":[` + strings.Repeat(`{"type":"X","id":"x"},`, 499) + `{"type":"X","id":"x"}]}`
	limited := false
	for range 100 {
		a := x.call("POST", "/api/realtime", body, bearer(who))
		if a.status == http.StatusTooManyRequests {
			if limited = true; a.code() != "RATE_LIMITED" || a.header.Get("Retry-After") == "" {
				t.Errorf("over the rate: %s, Retry-After %q", a.body, a.header.Get("Retry-After"))
			}
			break
		}
	}
	if !limited {
		t.Error("no request was over the rate")
	}
	x.closes(4429, 1)
	x.counts(`dashwire_limits_total{limit="session-rate-too-long"}`, 1)
	x.refuses("RATE_LIMITED", 1)
}

// TestAttack_101_StrangersFillThePlaces: whoever opens sessions and does not sign in keeps
// others out for a second at most, although those sign in by a message too (C8).
func TestAttack_101_StrangersFillThePlaces(t *testing.T) {
	const places = 5
	x := besieged(t, func(c *dashwire.Config) { c.UnsignedSessions = places })
	var strangers []*socket
	for range places {
		strangers = append(strangers, x.open())
	}
	who := token(t, "ana", "arena*=owner")
	for i := range places {
		eventually(t, "a place for who signs in", func() bool {
			res, s := x.say(x.handshake() + "\r\n")
			if res.StatusCode != http.StatusSwitchingProtocols {
				if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
					t.Errorf("refused with %s", res.Status)
				}
				s.conn.Close()
				return false
			}
			s.until("CONNECT", func(m *message) bool { return m.Type == "CONNECT" })
			s.ask("CONNECT", fmt.Sprintf(`{"clientId":"c%d","token":%q}`, i, who)).is(t, "CONNECT")
			s.lives()
			return true
		})
	}
	strangers[0].shut("who has waited longest", 1013)
	x.closes(1013, 1)
	x.counts(`dashwire_limits_total{limit="unsigned-sessions"}`, 1)
}

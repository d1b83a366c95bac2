package attack

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
)

// TestAttack_27_ConnectionsThatBreak: resets, ends in the middle of a frame and clients
// that have gone without a word leave nothing behind; a stream cut into single bytes is
// read like another.
func TestAttack_27_ConnectionsThatBreak(t *testing.T) {
	x := besieged(t, func(c *dashwire.Config) { c.HeartbeatEvery, c.HeartbeatTimeout = time.Second, 4*time.Second })
	who := token(t, "mallory", "arena*=owner")
	for i := range 60 {
		s := x.signIn(who, fmt.Sprint(i))
		s.ask("SYNC_REQUEST", `{"dashboardId":"arena"}`).is(t, "SYNC_RESPONSE")
		whole := masked(fin|opText, []byte(retitle("cut", "x")))
		s.raw(whole[:1+i%(len(whole)-1)])
		if i%2 == 0 {
			if err := s.conn.(*net.TCPConn).SetLinger(0); err != nil { // closing resets
				t.Error(err)
			}
		}
		if i%3 == 0 {
			if err := s.conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Error(err)
			}
			s.gone()
		}
		s.conn.Close()
	}
	s := x.dial()
	for _, b := range []byte(x.handshake(bearer(who)) + "\r\n" + string(masked(opText, []byte(`{"type":"PING",`))) + string(masked(fin|opContinuation, []byte(`"id":"slow"}`)))) {
		s.raw([]byte{b})
	}
	if res := s.response(); res.StatusCode != 101 {
		t.Fatalf("byte by byte: %s", res.Status)
	}
	s.reply("slow").is(t, "PONG")

	silent := x.open(bearer(who)) // and answers no ping
	silent.wait()
	for {
		opcode, payload, err := silent.frame()
		if err != nil {
			t.Fatalf("silent: %v", err)
		}
		if opcode == opClose {
			if code := int(payload[0])<<8 | int(payload[1]); code != 4408 {
				t.Errorf("a client that is silent was closed with %d, want 4408", code)
			}
			break
		}
	}
	x.closes(1006, 60)
	x.closes(4408, 1)
}

// TestAttack_28_ReadersThatNeverRead: each is a cursor and holds little; the others and
// the writer go on, and who reads again or comes back is at the head at once (R5).
func TestAttack_28_ReadersThatNeverRead(t *testing.T) {
	x := besieged(t)
	s := x.arena()
	x.fresh(s)
	const readers, edits, size = 20, 120, 64 << 10
	who := token(t, "mallory", "arena*=owner")
	small := net.Dialer{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if e := c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 8<<10) }); e != nil {
			return e
		}
		return err
	}}
	slow := make([]*socket, readers)
	began := time.Now()
	for i := range slow {
		slow[i] = x.dialBy(&small)
		slow[i].raw([]byte(x.handshake(bearer(who)) + "\r\n"))
		slow[i].response()
		slow[i].ask("SYNC_REQUEST", `{"dashboardId":"arena"}`).is(t, "SYNC_RESPONSE")
	}
	blob := strings.Repeat("x", size)
	for i := range edits {
		s.send(retitle(fmt.Sprint("big-", i), fmt.Sprint(i, blob)))
		s.reply(fmt.Sprint("big-", i)).is(t, "ACK")
	}
	head := uint64(edits + 1)
	x.honest.check()
	if held := x.Stats().Sessions.HeldBytes; held > readers<<20 {
		t.Errorf("%d bytes are held for %d readers", held, readers)
	}
	back := slices.Clone(slow[readers/2:])
	for i, r := range slow[:readers/2] { // some read on
		r.wait()
		stuck := time.Since(began) >= 30*time.Second // on a busy machine: it may have been closed (4413)
		at := uint64(1)
		for at < head {
			m, err := r.read()
			if err != nil && stuck {
				back = append(back, r)
				break
			}
			if err != nil {
				t.Fatalf("reader %d at version %d: %v", i, at, err)
			}
			f := m.fields()
			if m.Type != "SYNC_RESPONSE" && f.Version != at+1 && f.From != at {
				t.Fatalf("reader %d hears after version %d: %.200s", i, at, m.raw)
			}
			at = f.Version
		}
	}
	epoch := ""
	for _, r := range back { // the others come back
		r.conn.Close()
		again := x.signIn(who, "back")
		m := again.ask("SYNC_REQUEST", `{"dashboardId":"arena","since":{"epoch":"`+epoch+`","version":2}}`).is(t, "SYNC_RESPONSE")
		if epoch = m.fields().Epoch; m.fields().Version != head {
			t.Errorf("who comes back is at version %d, want %d", m.fields().Version, head)
		}
		again.conn.Close()
	}
	x.keeps = 16 << 20
}

// TestAttack_29_Storms: hundreds connect, subscribe and leave at once, again and again.
func TestAttack_29_Storms(t *testing.T) {
	x := besieged(t)
	s := x.arena()
	x.fresh(s)
	const callers, calls = 8, 60
	var storm sync.WaitGroup
	for i := range callers {
		who := token(t, fmt.Sprint("caller-", i), "arena*=owner")
		storm.Go(func() {
			for k := range calls {
				c := x.dial()
				c.raw([]byte(x.handshake(bearer(who)) + "\r\n" + string(masked(fin|opText, []byte(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"arena"}}`)))))
				switch k % 4 {
				case 0: // not even the answer is waited for
				case 1:
					if res := c.response(); res.StatusCode != 101 {
						t.Errorf("status %s", res.Status)
					}
				default:
					c.response()
					c.reply("s").is(t, "SYNC_RESPONSE")
				}
				if k%3 == 0 {
					_ = c.conn.(*net.TCPConn).SetLinger(0) // closing then resets, else it does not
				}
				c.conn.Close()
			}
		})
	}
	storm.Wait()
	s.lives()
	x.counts(`dashwire_sessions_opened_total{transport="websocket"}`, callers*calls/2)
}

// TestAttack_41_FromAFutureThatNeverWas: who knows more than the log gets all of it anew
// and is told so (R1).
func TestAttack_41_FromAFutureThatNeverWas(t *testing.T) {
	x := besieged(t)
	s := x.arena()
	x.fresh(s)
	first := s.ask("SYNC_REQUEST", `{"dashboardId":"arena"}`).fields()
	for _, c := range []struct {
		name, since string
		rewound     bool
	}{
		{"a version ahead", `{"epoch":"` + first.Epoch + `","version":2}`, true},
		{"far ahead", `{"epoch":"` + first.Epoch + `","version":9007199254740991}`, true},
		{"another epoch", `{"epoch":"of-a-backup","version":1}`, false},
		{"another epoch, ahead", `{"epoch":"of-a-backup","version":99}`, false},
	} {
		m := s.ask("SYNC_REQUEST", `{"dashboardId":"arena","since":`+c.since+`}`).is(t, "SYNC_RESPONSE")
		f := m.fields()
		if f.Mode != "snapshot" || f.Version != 1 || f.Rewound != c.rewound || f.Document.Widgets["w"] == nil {
			t.Errorf("%s: %s", c.name, m.raw)
		}
	}
	for name, since := range map[string]string{
		"a negative version": `{"epoch":"` + first.Epoch + `","version":-1}`,
		"a fraction":         `{"epoch":"` + first.Epoch + `","version":1.5}`,
		"2^53":               `{"epoch":"` + first.Epoch + `","version":9007199254740992}`,
		"a long epoch":       `{"epoch":"` + strings.Repeat("e", 129) + `","version":1}`,
		"no version":         `{"epoch":"` + first.Epoch + `"}`,
		"no epoch":           `{"version":1}`,
		"no object":          `"` + poison + `"`,
	} {
		m := s.ask("SYNC_REQUEST", `{"dashboardId":"arena","since":`+since+`}`)
		if code := m.code(); code != "BAD_VERSION" && code != "BAD_MESSAGE" && code != "INVALID_VALUE" {
			t.Errorf("%s: %s", name, m.raw)
		}
		x.refuses(m.code(), 1)
	}
	// Over HTTP the same is opaque, and may be anything.
	who := bearer(token(t, "mallory", "arena*=owner"))
	for _, since := range []string{
		poison, "%FF%FE", "e30", strings.Repeat("A", 32<<10), "%7B", "%7B%22arena%22:5%7D", strings.Repeat("%5B", 5000), "%7B%22__proto__%22:null%7D",
		"%7B%22arena%22:%7B%22epoch%22:%22x%22,%22version%22:-1%7D%7D",
	} {
		a := x.call("GET", "/api/realtime/events?dashboardId=arena&since="+since, "", who)
		if a.status != http.StatusBadRequest || a.code() == "" {
			t.Errorf("since=%.60s: %d %s", since, a.status, a.body)
		}
	}
}

// TestAttack_42_AnswersThatAreLost: an op whose sender is cut off before its answer, over
// and over, has one effect, and its answer in the end is the first one.
func TestAttack_42_AnswersThatAreLost(t *testing.T) {
	x := besieged(t)
	s := x.arena()
	x.fresh(s)
	who := token(t, "mallory", "arena*=owner")
	for i := range 40 {
		c := x.signIn(who, fmt.Sprint("lost-", i))
		c.raw(masked(fin|opText, []byte(retitle("lost", "once"))))
		if i%2 == 0 {
			if err := c.conn.(*net.TCPConn).SetLinger(0); err != nil {
				t.Error(err)
			}
		}
		c.conn.Close()
	}
	s.send(retitle("lost", "once"))
	m := s.reply("lost").is(t, "ACK")
	if m.fields().Version != 2 || s.version() != 2 {
		t.Errorf("the answer is %s, the version %d", m.raw, s.version())
	}
	var page struct{ Entries []json.RawMessage }
	history := x.must(http.StatusOK, "GET", "/api/dashboards/arena/history", "", bearer(who))
	if err := json.Unmarshal([]byte(history.body), &page); err != nil || strings.Count(history.body, `"lost"`) != 1 {
		t.Errorf("the history is %s %v", history.body, err)
	}
}

package attack

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dashwire/dashwire"
)

// TestAttack_102_UnfinishedMessages: people who are signed in begin long messages and do not
// finish them. They hold no more than the budget together, and whoever sends a long message
// that is one is served.
func TestAttack_102_UnfinishedMessages(t *testing.T) {
	const budget, each = 8 << 20, 1<<20 - 1024
	x := besieged(t, func(c *dashwire.Config) { c.IncomingBytes = budget })
	held := func() int64 { return x.Stats().Sessions.IncomingBytes }

	part := append(head(fin|opText, each+2), make([]byte, each)...)
	wave := func(user string) (all []*socket) {
		who := token(t, user, "arena*=owner")
		for i := range 20 {
			s := x.signIn(who, fmt.Sprint(i))
			s.raw(part)
			all = append(all, s)
			if n := held(); n > budget {
				t.Errorf("%d bytes are held after %d attackers, the budget is %d", n, i+1, budget)
			}
		}
		return all
	}
	var attackers []*socket
	for _, user := range []string{"mallory", "trudy"} {
		attackers = append(attackers, wave(user)...)
	}
	eventually(t, "most of the budget to be taken", func() bool { return held() > budget/2 })

	// Somebody sends messages as long as they are.
	ana := x.signIn(token(t, "ana", "ana=owner"), "tab")
	for i := range 5 {
		id := fmt.Sprint("long-", i)
		ana.send(fmt.Sprintf(`{"type":"PING","id":%q,"payload":{"text":%q}}`, id, strings.Repeat("x", each-1024)))
		ana.reply(id).is(t, "PONG")
	}
	// Whoever is still there finishes the message, which is none, and is answered; on a busy
	// machine it may have taken over ten seconds by then (E5), and has given back what it held.
	gone, late := 0, 0
	for _, s := range attackers {
		s.wait()
		s.raw([]byte{0, 0})
		for told := false; !told; {
			m, err := s.read()
			switch {
			case err == ended{1008}:
				late, told = late+1, true
			case err != nil:
				t.Fatalf("%v instead of an answer or the end", err)
			case m.Type == "NACK":
				told = true
			case m.Type == "DISCONNECT":
				gone, told = gone+1, true
				if !strings.Contains(m.raw, `"code":1013`) || !strings.Contains(m.raw, `"afterMs"`) {
					t.Errorf("an attacker was told %s", m.raw)
				}
			}
		}
		s.conn.Close()
	}
	if gone+late < 30 || gone == 0 {
		t.Errorf("%d attackers of 40 were sent away, %d were too slow", gone, late)
	}
	eventually(t, "what was held to be given back", func() bool { return held() == 0 })
	x.counts(`dashwire_limits_total{limit="incoming-bytes"}`, gone)
	x.closes(1013, gone)
	x.closes(1008, late)
}

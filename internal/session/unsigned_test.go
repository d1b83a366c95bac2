package session

import (
	"fmt"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

// TestC8_StrangersGiveWay: who fills the places of those that have not signed in yet keeps
// nobody out for longer than a second.
func TestC8_StrangersGiveWay(t *testing.T) {
	o := options{session: func(c *Config) { c.UnsignedSessions, c.Authenticator = 3, auth.NoTokens{} }}
	bubble(t, o, func(t *testing.T, n *node) {
		knock := func() (*peer, *board.Error) {
			m := Meta{RemoteAddr: "192.0.2.1"}
			if _, err := n.server.Admit(&m); err != nil {
				return nil, err
			}
			return n.openWith(m), nil
		}
		var waiting []*peer
		for i := range 3 {
			p, err := knock()
			if err != nil {
				t.Fatalf("stranger %d: %v", i, err)
			}
			waiting = append(waiting, p)
		}
		if _, err := knock(); err == nil || err.Code != board.CodeUnavailable {
			t.Errorf("one more at once: %v", err)
		}
		after(signInGrace)
		for i, old := range waiting {
			if _, err := knock(); err != nil {
				t.Fatalf("newcomer %d after a second: %v", i, err)
			}
			after(100 * time.Millisecond)
			old.bye(wire.CloseOverloaded)
			if got := n.server.Stats().Sessions; got != 3 {
				t.Errorf("%d sessions, want 3", got)
			}
		}
		if _, err := knock(); err == nil {
			t.Error("newcomers have no second of their own")
		}
		// Who has signed in, or has left, gives no place twice.
		after(20 * time.Second) // all have been closed for not signing in
		if s := n.server.Stats(); s.Sessions != 0 || n.server.strangers.list.Len() != 0 {
			t.Errorf("%d sessions, %d strangers", s.Sessions, n.server.strangers.list.Len())
		}
		for i := range 10 {
			m := Meta{Principal: owner(fmt.Sprint("user-", i))}
			if _, err := n.server.Admit(&m); err != nil {
				t.Fatal(err)
			}
			n.openWith(m)
		}
		if got := n.server.strangers.list.Len(); got != 0 {
			t.Errorf("%d strangers among those that have signed in", got)
		}
	})
}

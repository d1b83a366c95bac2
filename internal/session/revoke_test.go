package session

import (
	"strconv"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/wire"
)

// made is a principal by a token with a name, made at an instant.
func made(user, id string, at time.Time) auth.Principal {
	p := tokenOf(user, at.Add(time.Hour))
	p.TokenID, p.IssuedAt = id, at
	return p
}

func TestC3_RevokedTokensCloseTheirSessions(t *testing.T) {
	d := door{}
	bubble(t, withDoor(d), func(t *testing.T, n *node) {
		begin := time.Now()
		first, second := n.open(ptr(made("ana", "t1", begin))), n.open(ptr(made("ana", "t2", begin)))
		bo, waiting := n.open(ptr(made("bo", "t3", begin))), n.open(nil)
		for _, p := range []*peer{first, second, bo, waiting} {
			p.want("CONNECT")
		}

		if closed, err := n.server.RevokeToken("t1"); closed != 1 || err != nil {
			t.Errorf("%d sessions closed, %v", closed, err)
		}
		if m := first.bye(wire.CloseSignIn); m.str("reconnect") != "" && m.str("reconnect") != "null" {
			t.Errorf("told to come back: %s", m.Payload)
		}
		for _, p := range []*peer{second, bo, waiting} {
			p.want("")
		}
		again := n.open(ptr(made("ana", "t1", begin)))
		again.bye(wire.CloseSignIn)

		after(10 * time.Second)
		waiting.bye(wire.CloseSignIn) // nobody signed in there
		if closed, err := n.server.RevokeUser("ana"); closed != 1 || err != nil {
			t.Errorf("%d sessions closed, %v", closed, err)
		}
		second.bye(wire.CloseSignIn)
		bo.want("")

		// Tokens from before count no more, in a client's CONNECT neither; later ones do.
		d["old"], d["undated"] = made("ana", "t4", begin.Add(9*time.Second)), made("ana", "t5", time.Time{})
		d["new"] = made("ana", "t6", time.Now().Add(time.Second))
		for token, ok := range map[string]bool{"old": false, "undated": false, "new": true} {
			p := n.open(nil)
			p.want("CONNECT")
			p.send(`{"type":"CONNECT","id":"c","payload":{"token":"%s"}}`, token)
			if ok {
				p.want("CONNECT")
			} else {
				p.bye(wire.CloseSignIn)
			}
		}
	})
}

// TestC3_RevokedWhileSigningIn: whoever signs in at the same moment is refused or closed.
func TestC3_RevokedWhileSigningIn(t *testing.T) {
	bubble(t, withDoor(door{}), func(t *testing.T, n *node) {
		p := made("ana", "t", time.Now())
		for range 50 {
			opened := make(chan *peer, 1)
			go func() { opened <- n.open(&p) }()
			if _, err := n.server.RevokeToken("t"); err != nil {
				t.Error(err)
			}
			late := <-opened
			after(time.Millisecond)
			if code := late.closedWith(); code != wire.CloseSignIn {
				t.Fatalf("closed with %d", code)
			}
		}
	})
}

// TestC3_RevocationsAreBounded: what has ended makes room, and nothing else is forgotten.
func TestC3_RevocationsAreBounded(t *testing.T) {
	bubble(t, withDoor(door{}), func(t *testing.T, n *node) {
		begin := time.Now()
		for i := range maxRevoked {
			if _, err := n.server.RevokeToken("t" + strconv.Itoa(i)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := n.server.RevokeUser("ana"); err == nil || err.Code != "LIMIT_EXCEEDED" {
			t.Errorf("error %v", err)
		}
		// The server learns the end of a revoked token when it is shown.
		shown := made("ana", "t7", begin)
		if !n.server.Revoked(&shown) {
			t.Error("not revoked")
		}
		after(time.Hour + forgetAfter + time.Second)
		if _, err := n.server.RevokeUser("ana"); err != nil {
			t.Error(err)
		}
		if other := made("bo", "t8", begin); !n.server.Revoked(&other) {
			t.Error("forgotten without need")
		}
	})
}

// TestC3_WithoutSignInNobodyIsRevoked: there are no tokens.
func TestC3_WithoutSignInNobodyIsRevoked(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		if _, err := n.server.RevokeUser("ana"); err != nil {
			t.Fatal(err)
		}
		n.open(ptr(tokenOf("ana", time.Time{}))).want("CONNECT")
	})
}

package session

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
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

		if closed, err := n.server.RevokeToken(t.Context(), "t1"); closed != 1 || err != nil {
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
		if closed, err := n.server.RevokeUser(t.Context(), "ana"); closed != 1 || err != nil {
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
			if _, err := n.server.RevokeToken(t.Context(), "t"); err != nil {
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
			if _, err := n.server.RevokeToken(t.Context(), "t"+strconv.Itoa(i)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := n.server.RevokeUser(t.Context(), "ana"); err == nil || err.Code != "LIMIT_EXCEEDED" {
			t.Errorf("error %v", err)
		}
		// The server learns the end of a revoked token when it is shown.
		shown := made("ana", "t7", begin)
		if !n.server.Revoked(&shown) {
			t.Error("not revoked")
		}
		after(time.Hour + forgetAfter + time.Second)
		if _, err := n.server.RevokeUser(t.Context(), "ana"); err != nil {
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
		if _, err := n.server.RevokeUser(t.Context(), "ana"); err != nil {
			t.Fatal(err)
		}
		n.open(ptr(tokenOf("ana", time.Time{}))).want("CONNECT")
	})
}

// remembering is a RevocationStore that can fail, and whose writes a test can hold up.
type remembering struct {
	mu     sync.Mutex
	holds  map[auth.Revocation]bool
	fails  error
	writes int
	before time.Time     // of the last Expire
	gate   chan struct{} // nil = open
}

func (s *remembering) Revocations(context.Context) ([]auth.Revocation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.holds)), s.fails
}

func (s *remembering) Revoke(_ context.Context, list ...auth.Revocation) error {
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return s.fails
	}
	for _, r := range list {
		maps.DeleteFunc(s.holds, func(o auth.Revocation, _ bool) bool { return o.UserID == r.UserID && o.TokenID == r.TokenID })
		s.holds[r] = true
		s.writes++
	}
	return nil
}

func (s *remembering) Expire(_ context.Context, before time.Time) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = before
	return 0, s.fails
}

func (s *remembering) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails = err
}

// has holds what is remembered against want.
func (s *remembering) has(t *testing.T, want ...auth.Revocation) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	same := func(a, b auth.Revocation) bool {
		return a.UserID == b.UserID && a.TokenID == b.TokenID && a.At.Equal(b.At) && a.Ends.Equal(b.Ends)
	}
	got := slices.Collect(maps.Keys(s.holds))
	if len(got) != len(want) || slices.ContainsFunc(want, func(w auth.Revocation) bool {
		return !slices.ContainsFunc(got, func(g auth.Revocation) bool { return same(g, w) })
	}) {
		t.Errorf("remembered is %v, want %v", s.holds, want)
	}
}

func withMemory(s *remembering) options {
	s.holds = make(map[auth.Revocation]bool)
	return options{session: func(c *Config) { c.Authenticator, c.Revocations = door{}, s }}
}

func TestC3_WhatIsRevokedStaysSoOverARestart(t *testing.T) {
	s := &remembering{}
	o := withMemory(s)
	bubble(t, o, func(t *testing.T, n *node) {
		begin := time.Now()
		first := n.open(ptr(made("ana", "t1", begin)))
		first.want("CONNECT")
		after(time.Second)
		if closed, err := n.server.RevokeToken(t.Context(), "t1"); closed != 1 || err != nil {
			t.Errorf("%d sessions closed, %v", closed, err)
		}
		first.bye(wire.CloseSignIn)
		if _, err := n.server.RevokeUser(t.Context(), "bo"); err != nil {
			t.Fatal(err)
		}
		// The end of the token was learned from its session.
		s.has(t, auth.Revocation{TokenID: "t1", At: begin.Add(time.Second), Ends: begin.Add(time.Hour)},
			auth.Revocation{UserID: "bo", At: begin.Add(time.Second)})
	})
	bubble(t, o, func(t *testing.T, n *node) {
		s.holds = map[auth.Revocation]bool{ // as by the clock of this bubble
			{TokenID: "t1", At: time.Now(), Ends: time.Now().Add(time.Hour)}: true, {UserID: "bo", At: time.Now()}: true,
		}
		if err := n.server.LoadRevocations(t.Context()); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		n.open(ptr(made("ana", "t1", begin))).bye(wire.CloseSignIn)
		n.open(ptr(made("bo", "t3", begin))).bye(wire.CloseSignIn)
		n.open(ptr(made("ana", "t2", begin))).want("CONNECT")
	})
	bubble(t, o, func(t *testing.T, n *node) {
		s.fail(errors.New("the disk is gone"))
		if err := n.server.LoadRevocations(t.Context()); err == nil {
			t.Error("a server begins that does not know what was revoked")
		}
	})
}

// TestC3_ARevocationThatCannotBeStored counts at once, and is stored later.
func TestC3_ARevocationThatCannotBeStored(t *testing.T) {
	s := &remembering{fails: errors.New("the disk is full")}
	bubble(t, withMemory(s), func(t *testing.T, n *node) {
		begin := time.Now()
		first := n.open(ptr(made("ana", "t1", begin)))
		first.want("CONNECT")
		closed, err := n.server.RevokeUser(t.Context(), "ana")
		if closed != 1 || err == nil || err.Code != board.CodeUnavailable {
			t.Errorf("%d sessions closed, %v", closed, err)
		}
		first.bye(wire.CloseSignIn)
		n.open(ptr(made("ana", "t1", begin))).bye(wire.CloseSignIn)
		s.has(t)
		if err := n.server.TidyRevocations(t.Context()); err == nil {
			t.Error("it is tidied up on a disk that is full")
		}
		s.fail(nil)
		if err := n.server.TidyRevocations(t.Context()); err != nil {
			t.Error(err)
		}
		s.has(t, auth.Revocation{UserID: "ana", At: begin})
	})
}

// TestC3_RevokingWaitsForTheStore: the sessions end at once, the answer comes when it is
// safe, also for the second of two who ask for the same.
func TestC3_RevokingWaitsForTheStore(t *testing.T) {
	s := &remembering{gate: make(chan struct{})}
	bubble(t, withMemory(s), func(t *testing.T, n *node) {
		s.gate = make(chan struct{}) // one of the bubble
		first := n.open(ptr(made("ana", "t1", time.Now())))
		first.want("CONNECT")
		answered := make(chan *board.Error, 2)
		for range 2 {
			go func() {
				_, err := n.server.RevokeToken(t.Context(), "t1")
				answered <- err
			}()
		}
		synctest.Wait()
		first.bye(wire.CloseSignIn)
		if len(answered) != 0 {
			t.Error("it is answered before it is stored")
		}
		close(s.gate)
		for range 2 {
			if err := <-answered; err != nil {
				t.Error(err)
			}
		}
	})
}

// TestC3_RevocationsEndWithTheirTokens, and what is learned of these is stored.
func TestC3_RevocationsEndWithTheirTokens(t *testing.T) {
	s := &remembering{}
	bubble(t, withMemory(s), func(t *testing.T, n *node) {
		begin := time.Now()
		for _, r := range []auth.Revocation{
			{TokenID: "shown", At: begin}, {TokenID: "told", At: begin, Ends: begin.Add(time.Minute)}, {UserID: "ana", At: begin},
		} {
			if _, err := n.server.Revoke(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		// Of two tokens with one id the later end counts.
		for _, hours := range []time.Duration{2, 1} {
			shown := made("bo", "shown", begin.Add(-time.Hour))
			shown.Expires = begin.Add(hours * time.Hour)
			if !n.server.Revoked(&shown) {
				t.Error("not revoked")
			}
		}
		after(time.Minute + forgetAfter + time.Second)
		if err := n.server.TidyRevocations(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := time.Now().Add(-forgetAfter); !s.before.Equal(want) {
			t.Errorf("forgotten is what ended before %v, want %v", s.before, want)
		}
		s.has(t, auth.Revocation{TokenID: "shown", At: begin, Ends: begin.Add(2 * time.Hour)},
			auth.Revocation{TokenID: "told", At: begin, Ends: begin.Add(time.Minute)}, auth.Revocation{UserID: "ana", At: begin})
		told, shown := made("bo", "told", begin), made("bo", "shown", begin)
		if n.server.Revoked(&told) || !n.server.Revoked(&shown) {
			t.Error("forgotten is another one than what has ended")
		}
	})
}

// TestC3_WhatIsKnownIsNotStoredAgain: other nodes tell all that they know, over and over.
func TestC3_WhatIsKnownIsNotStoredAgain(t *testing.T) {
	s := &remembering{}
	bubble(t, withMemory(s), func(t *testing.T, n *node) {
		said := []wire.NodeRevoked{
			{UserID: "ana", At: time.Now().UnixMilli()}, {TokenID: "t1", At: time.Now().UnixMilli()},
		}
		n.server.heardRevoked("other", said)
		n.server.heardRevoked("other", append(n.server.revoked.list(), said...))
		if s.writes != 2 {
			t.Errorf("%d were stored, want 2", s.writes)
		}
		said[1].Ends = time.Now().Add(time.Hour).UnixMilli()
		n.server.heardRevoked("other", said)
		if s.writes != 3 {
			t.Errorf("%d were stored, want 3", s.writes)
		}
	})
}

func TestC3_ARevocationIsOfAUserOrAToken(t *testing.T) {
	bubble(t, withDoor(door{}), func(t *testing.T, n *node) {
		n.open(ptr(made("ana", "", time.Now()))).want("CONNECT")
		for _, r := range []auth.Revocation{{At: time.Now()}, {UserID: "ana", TokenID: "t"}} {
			if _, err := n.server.Revoke(t.Context(), r); err == nil || err.Code != board.CodeInvalidID {
				t.Errorf("%+v: %v", r, err)
			}
		}
	})
}

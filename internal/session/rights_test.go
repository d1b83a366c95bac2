package session

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/wire"
)

// directory is an Authorizer that has to be asked, and that tells of changes.
type directory struct {
	mu      sync.Mutex
	role    map[string]auth.Role // by token, then by user
	away    bool
	delay   time.Duration
	watches map[*following]struct{}
	forgot  []string
}

type following struct {
	who, dashboard string
	changed        func()
}

func (d *directory) Role(_ context.Context, p auth.Principal, _ string) (auth.Role, error) {
	d.mu.Lock()
	away, delay := d.away, d.delay
	role, ok := d.role[p.TokenID]
	if !ok {
		role = d.role[p.UserID]
	}
	d.mu.Unlock()
	<-time.After(delay)
	if away {
		return auth.None, errors.New("the directory is away")
	}
	return role, nil
}

func (d *directory) Watch(p auth.Principal, dashboardID string, changed func()) (stop func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.watches == nil {
		d.watches = make(map[*following]struct{})
	}
	f := &following{p.UserID + p.TokenID, dashboardID, changed}
	d.watches[f] = struct{}{}
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.watches, f)
	}
}

func (d *directory) Forget(userID string) {
	d.mu.Lock()
	d.forgot = append(d.forgot, userID)
	d.mu.Unlock()
	d.tell()
}

// tell lets everybody know that something has changed.
func (d *directory) tell() {
	d.mu.Lock()
	var all []*following
	for f := range d.watches {
		all = append(all, f)
	}
	d.mu.Unlock()
	for _, f := range all {
		f.changed()
	}
}

func (d *directory) set(who string, role auth.Role) {
	d.mu.Lock()
	d.role[who] = role
	d.mu.Unlock()
	d.tell()
}

// slow makes each answer take its time.
func (d *directory) slow(delay time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.delay = delay
}

// watched is the number of watches.
func (d *directory) watched() int {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.watches)
}

func watching(t *testing.T, d *directory, f func(t *testing.T, n *node)) {
	t.Helper()
	bubble(t, options{session: func(c *Config) { c.Authorizer = d }}, f)
}

func TestP4_AChangeOfAnswerIsToldWithoutBeingAskedFor(t *testing.T) {
	d := &directory{role: map[string]auth.Role{"ana": auth.Owner, "bo": auth.Editor}}
	watching(t, d, func(t *testing.T, n *node) {
		a, b := n.join("a"), n.joinAs("bo", "b")
		a.create("ops", "cpu")
		a.follow("ops")
		b.follow("ops")
		if n := d.watched(); n != 2 {
			t.Fatalf("%d watches", n)
		}
		d.set("bo", auth.Viewer)
		if m := b.one("SYNC_UPDATE"); m.str("role") != "viewer" {
			t.Errorf("got %s", m.Payload)
		}
		a.want("")
		d.set("bo", auth.None)
		if m := b.one("SYNC_UPDATE"); m.str("closed") != "forbidden" {
			t.Errorf("got %s", m.Payload)
		}
		if n := d.watched(); n != 1 {
			t.Errorf("%d watches after the end of one", n)
		}
		// Nothing more is heard of it.
		a.title("t", "ops", "cpu", "secret")
		after(aWhile)
		a.want("ACK")
		b.want("")
		b.send(`{"type":"PRESENCE","id":"p","payload":{"dashboardId":"ops","state":{}}}`)
		b.refused("p", "NOT_FOUND")
	})
}

func TestP4_WatchesEndWithTheirSubscriptions(t *testing.T) {
	d := &directory{role: map[string]auth.Role{"ana": auth.Owner}}
	watching(t, d, func(t *testing.T, n *node) {
		p := n.join("a")
		p.create("ops", "cpu")
		p.create("eu", "cpu")
		for range 3 { // anew
			p.follow("ops")
		}
		p.follow("eu")
		if n := d.watched(); n != 2 {
			t.Errorf("%d watches of two dashboards", n)
		}
		p.send(`{"type":"SYNC_REQUEST","id":"u","payload":{"dashboardId":"ops","unsubscribe":true}}`)
		p.one("SYNC_RESPONSE")
		if n := d.watched(); n != 1 {
			t.Errorf("%d watches after unsubscribing", n)
		}
		d.set("ana", auth.None)
		p.take()
		p.send(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`)
		p.refused("s", "NOT_FOUND")
		if n := d.watched(); n != 0 {
			t.Errorf("%d watches after a refusal", n)
		}
		d.set("ana", auth.Owner)
		p.follow("ops")
		p.vanish(wire.CloseAbnormal)
		if n := d.watched(); n != 0 {
			t.Errorf("%d watches after the session", n)
		}
	})
}

func TestP4_WhoCannotBeCheckedHearsNothingMore(t *testing.T) {
	d := &directory{role: map[string]auth.Role{"ana": auth.Owner, "bo": auth.Viewer}}
	watching(t, d, func(t *testing.T, n *node) {
		a, b := n.join("a"), n.joinAs("bo", "b")
		a.create("ops", "cpu")
		b.follow("ops")
		d.mu.Lock()
		d.away = true
		d.mu.Unlock()
		// While an answer is merely asked for and refused, what there is goes on (R1).
		b.send(`{"type":"SYNC_REQUEST","id":"again","payload":{"dashboardId":"ops"}}`)
		b.refused("again", "UNAVAILABLE")
		if n := d.watched(); n != 1 {
			t.Errorf("%d watches", n)
		}
		d.tell()
		if m := b.bye(wire.CloseOverloaded); m.str("reconnect") == "" {
			t.Errorf("it is not asked back: %s", m.Payload)
		}
		a.want("")
		if n := d.watched(); n != 0 {
			t.Errorf("%d watches", n)
		}
	})
}

func TestP4_AChangeWhileSubscribingIsNotMissed(t *testing.T) {
	d := &directory{role: map[string]auth.Role{"ana": auth.Owner, "bo": auth.Viewer}}
	watching(t, d, func(t *testing.T, n *node) {
		a, b := n.join("a"), n.joinAs("bo", "b")
		a.create("ops", "cpu")
		d.slow(time.Second)
		go b.send(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`)
		after(500 * time.Millisecond)
		d.set("bo", auth.Editor) // the answer on its way is that of before
		after(5 * time.Second)
		got := b.take()
		last := got[len(got)-1]
		if role := last.str("role"); role != "editor" {
			t.Errorf("got %s", describe(got))
		}
	})
}

// renewing takes tokens of the form user.id.
type renewing struct{}

func (renewing) Authenticate(_ context.Context, c auth.Credentials) (auth.Principal, error) {
	return auth.Principal{UserID: "ana", TokenID: c.Token, Expires: time.Now().Add(time.Hour)}, nil
}

func TestC3_ANewTokenIsWatchedInThePlaceOfTheOld(t *testing.T) {
	d := &directory{role: map[string]auth.Role{"t-1": auth.Editor, "t-2": auth.Viewer, "t-3": auth.None}}
	bubble(t, options{session: func(c *Config) { c.Authorizer, c.Authenticator = d, renewing{} }}, func(t *testing.T, n *node) {
		p := n.open(nil)
		p.send(`{"type":"CONNECT","id":"1","payload":{"clientId":"a","token":"t-1"}}`)
		p.take()
		p.create("ops", "cpu")
		p.follow("ops")
		p.send(`{"type":"CONNECT","id":"2","payload":{"token":"t-2"}}`)
		if got := p.take(); got[len(got)-1].str("role") != "viewer" {
			t.Fatalf("got %s", describe(got))
		}
		if n := d.watched(); n != 1 {
			t.Errorf("%d watches", n)
		}
		d.set("t-1", auth.Owner)
		p.want("")
		d.set("t-2", auth.Feeder)
		if m := p.one("SYNC_UPDATE"); m.str("role") != "feeder" {
			t.Errorf("got %s", m.Payload)
		}
		p.send(`{"type":"CONNECT","id":"3","payload":{"token":"t-3"}}`)
		if got := p.take(); got[len(got)-1].str("closed") != "forbidden" && got[0].str("closed") != "forbidden" {
			t.Errorf("got %s", describe(got))
		}
	})
}

func TestP4_WaitingForARightHoldsUpNobodyElse(t *testing.T) {
	d := &directory{role: map[string]auth.Role{"ana": auth.Owner, "bo": auth.Owner}}
	watching(t, d, func(t *testing.T, n *node) {
		a, b := n.join("a"), n.joinAs("bo", "b")
		a.create("ops", "cpu")
		a.follow("ops")
		d.slow(5 * time.Second)
		handled := make(chan struct{})
		go func() { // the connection's own goroutine
			defer close(handled)
			b.title("t", "ops", "cpu", "slow")
		}()
		after(aWhile)
		d.slow(0)
		a.title("u", "ops", "cpu", "fast")
		after(aWhile)
		a.want("ACK")
		b.want("")
		<-handled
		after(aWhile)
		if m := a.want("WIDGET_UPDATE")[0]; m.at.Sub(m.Timestamp) >= time.Second {
			t.Errorf("an entry that came at %s is of %s", m.at, m.Timestamp)
		}
		b.want("ACK")
	})
}

func TestP4_RereadingForgetsAnswers(t *testing.T) {
	d := &directory{role: map[string]auth.Role{"ana": auth.Owner}}
	watching(t, d, func(t *testing.T, n *node) {
		p := n.join("a")
		p.create("ops", "cpu")
		p.follow("ops")
		d.mu.Lock()
		d.role["ana"] = auth.Viewer
		d.mu.Unlock()
		if looked := n.server.RereadRights("ana"); looked != 1 || len(d.forgot) != 1 || d.forgot[0] != "ana" {
			t.Errorf("looked at %d, forgot %v", looked, d.forgot)
		}
		if m := p.one("SYNC_UPDATE"); m.str("role") != "viewer" {
			t.Errorf("got %s", m.Payload)
		}
	})
}

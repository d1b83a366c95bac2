package session

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/dashwire/dashwire/auth"
)

// elsewhere is a Watcher and an Authenticator that asks another program, which answers
// once it may; what is known is answered from memory.
type elsewhere struct {
	auth.Grants
	known atomic.Bool
	asked atomic.Int64 // questions without an answer
	may   chan struct{}
}

func (e *elsewhere) ask(ctx context.Context) {
	if e.known.Load() {
		return
	}
	defer auth.Waiting(ctx)()
	e.asked.Add(1)
	<-e.may
	e.asked.Add(-1)
}

func (e *elsewhere) Role(ctx context.Context, p auth.Principal, dashboardID string) (auth.Role, error) {
	e.ask(ctx)
	return e.Grants.Role(ctx, p, dashboardID)
}

func (e *elsewhere) Authenticate(ctx context.Context, c auth.Credentials) (auth.Principal, error) {
	e.ask(ctx)
	return *owner(c.Token), nil
}

func (e *elsewhere) Watch(auth.Principal, string, func()) (stop func()) { return func() {} }
func (e *elsewhere) Forget(string)                                      {}

// placed is a peer whose messages are worked on while it has the only place of all.
type placed struct {
	*peer
	place  chan struct{} // holds one token while the place is taken
	paused *atomic.Int64 // how often anybody did
}

func (p *placed) Refused() {}

func (p *placed) Pausing() {
	p.paused.Add(1)
	<-p.place
}

func (p *placed) Resuming() { p.place <- struct{}{} }

// handle works on a message in a place.
func (p *placed) handle(format string, args ...any) {
	p.place <- struct{}{}
	p.send(format, args...)
	<-p.place
}

// TestC8_WaitingForRightsTakesNoPlace: however many wait for who knows users and rights,
// they do not keep each other from asking; what is known is not waited for.
func TestC8_WaitingForRightsTakesNoPlace(t *testing.T) {
	const crowd = 150
	e := &elsewhere{}
	bubble(t, options{session: func(c *Config) { c.Authorizer, c.Authenticator = e, e }}, func(t *testing.T, n *node) {
		place := make(chan struct{}, 1)
		var paused atomic.Int64
		var peers []*placed
		for range crowd {
			p := &placed{peer: &peer{t: t, window: -1, opened: make(chan struct{})}, place: place, paused: &paused}
			p.session = n.server.Open(p, Meta{RemoteAddr: "192.0.2.1", Transport: "websocket"})
			close(p.opened)
			peers = append(peers, p)
		}
		// All of them send the same; waits tells whether it is asked about.
		all := func(what string, waits bool, message func(i int) string) {
			t.Helper()
			e.known.Store(!waits)
			e.may = make(chan struct{})
			before := paused.Load()
			var done atomic.Int64
			for i, p := range peers {
				p.take()
				go func() {
					p.handle("%s", message(i))
					done.Add(1)
				}()
			}
			synctest.Wait()
			if waits {
				if asked := e.asked.Load(); asked != crowd {
					t.Errorf("%s: %d wait for an answer at once, want %d", what, asked, crowd)
				}
				close(e.may)
				synctest.Wait()
			}
			if n := done.Load(); n != crowd {
				t.Fatalf("%s: %d were done", what, n)
			}
			if told := paused.Load() - before; waits != (told > 0) {
				t.Errorf("%s: %d paused", what, told)
			}
		}
		one := func(message string) func(int) string { return func(int) string { return message } }

		all("sign-in", true, func(i int) string {
			return fmt.Sprintf(`{"type":"CONNECT","id":"1","payload":{"token":"user-%d"}}`, i)
		})
		create := `{"type":"WIDGET_UPDATE","id":"o-%d","payload":{"dashboardId":"ops","widgetId":"w-%d","create":true,"set":{"/title":"new"}}}`
		all("edit", true, func(i int) string { return fmt.Sprintf(create, i, i) })
		subscribe := `{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`
		all("subscription", true, one(subscribe))
		if m := peers[7].take(); len(m) != 1 || m[0].Type != "SYNC_RESPONSE" {
			t.Errorf("got %s", describe(m))
		}
		all("presence", true, one(`{"type":"PRESENCE","id":"p","payload":{"dashboardId":"ops","state":{"on":true}}}`))
		all("values", true, one(`{"type":"WIDGET_DATA","id":"v","payload":{"dashboardId":"ops","widgetId":"w-1","data":1}}`))
		all("rights anew", false, one(subscribe))
		e.known.Store(true)
	})
}

// TestP1_RightsFromMemoryTakeNoMore: where nobody may have to wait for rights, nothing is
// made for the telling.
func TestP1_RightsFromMemoryTakeNoMore(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		s := n.join("a").session
		if ctx := s.asking(); ctx != s.server.ctx || s.asks != nil {
			t.Error("a context is made for an Authorizer that answers from memory")
		}
	})
}

package session

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/memjournal"
)

// node is one server without sockets, inside a synctest bubble.
type node struct {
	t       *testing.T
	hub     *room.Hub
	server  *Server
	journal journal.Journal
	log     *strings.Builder
}

type options struct {
	journal journal.Journal
	room    func(*room.Config)
	session func(*Config)
}

// bubble runs a test on a node of its own, with the bubble's clock, and checks that
// everything has ended afterwards.
func bubble(t *testing.T, o options, f func(t *testing.T, n *node)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n, stop := start(t, o)
		defer stop()
		f(t, n)
	})
}

var serial struct {
	sync.Mutex
	n int
}

func start(t *testing.T, o options) (n *node, stop func()) {
	t.Helper()
	if o.journal == nil {
		o.journal = memjournal.New(memjournal.Options{})
	}
	n = &node{t: t, journal: o.journal, log: &strings.Builder{}}
	newID := func() string {
		serial.Lock()
		defer serial.Unlock()
		serial.n++
		return fmt.Sprintf("id-%d", serial.n)
	}
	log := slog.New(slog.NewTextHandler(n.log, nil))
	rc := room.Config{
		Journal: o.journal, Clock: clock.Real{}, Rand: rand.New(rand.NewPCG(1, 2)), NewID: newID, Log: log,
	}
	if o.room != nil {
		o.room(&rc)
	}
	n.hub = room.NewHub(rc)
	sc := Config{
		Hub: n.hub, Authorizer: auth.Grants{}, Clock: clock.Real{}, Rand: rand.New(rand.NewPCG(3, 4)), NewID: newID, Log: log,
	}
	if o.session != nil {
		o.session(&sc)
	}
	n.server = NewServer(sc)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = n.hub.Run(ctx)
	}()
	return n, func() {
		gone, now := context.WithCancel(context.Background())
		now()
		n.server.Drain(gone, 0)
		cancel()
		<-done
	}
}

// peer is a client of a node: a transport that collects what it is sent.
type peer struct {
	t       *testing.T
	session *Session

	mu     sync.Mutex
	got    []message
	writes int
	pings  int
	code   wire.CloseCode
	full   bool // takes nothing
}

type message struct {
	Type          string
	ID            string
	CorrelationID string
	Payload       json.RawMessage
}

func (m message) get(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(m.Payload, into); err != nil {
		t.Fatalf("payload of %s: %v", m.Type, err)
	}
}

// str gives a member of the payload as text, "" if it is not there.
func (m message) str(path ...string) string {
	var v any
	if err := json.Unmarshal(m.Payload, &v); err != nil {
		return "!" + err.Error()
	}
	for _, p := range path {
		obj, _ := v.(map[string]any)
		v = obj[p]
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

func (p *peer) Write(b []byte) (int, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.full {
		return 0, false
	}
	p.writes++
	taken := len(b)
	for len(b) > 0 {
		payload, rest := wire.NextFrame(b)
		var m message
		if err := json.Unmarshal(payload, &m); err != nil {
			p.t.Errorf("not JSON: %q: %v", payload, err)
		}
		m.Payload = slices.Clone(m.Payload)
		p.got = append(p.got, m)
		b = rest
	}
	return taken, true
}

func (p *peer) Ping() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pings++
}

func (p *peer) Close(code wire.CloseCode, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.code == 0 {
		p.code = code
		go p.session.Closed(code, reason)
	}
}

// take returns what has come since the last call, once everybody rests.
func (p *peer) take() []message {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	got := p.got
	p.got = nil
	return got
}

// one returns the only message that has come.
func (p *peer) one(wantType string) message {
	p.t.Helper()
	got := p.take()
	if len(got) != 1 || got[0].Type != wantType {
		p.t.Fatalf("got %s, want one %s", describe(got), wantType)
	}
	return got[0]
}

func describe(list []message) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d messages", len(list))
	for _, m := range list {
		fmt.Fprintf(&b, "\n  %s %s %.300s", m.Type, m.CorrelationID, m.Payload)
	}
	return b.String()
}

func (p *peer) send(format string, args ...any) {
	p.session.Alive()
	p.session.Handle(fmt.Appendf(nil, format, args...))
}

func owner(user string) *auth.Principal {
	return &auth.Principal{UserID: user, Grants: []auth.Grant{{Pattern: "*", Role: auth.Owner}}}
}

// open connects without naming a client.
func (n *node) open(p *auth.Principal) *peer {
	c := &peer{t: n.t}
	c.session = n.server.Open(c, Meta{RemoteAddr: "192.0.2.1", Transport: "websocket", Principal: p})
	return c
}

// join connects a client of ana's and takes its two CONNECTs.
func (n *node) join(client string) *peer { return n.joinAs("ana", client) }

func (n *node) joinAs(user, client string) *peer {
	n.t.Helper()
	c := n.open(owner(user))
	c.send(`{"type":"CONNECT","id":"c","payload":{"clientId":%q}}`, client)
	got := c.take()
	if len(got) != 2 || got[0].Type != "CONNECT" || got[1].Type != "CONNECT" || got[1].str("clientId") != client {
		n.t.Fatalf("joining: got %s", describe(got))
	}
	return c
}

// follow subscribes and returns the SYNC_RESPONSE.
func (p *peer) follow(dashboard string) message {
	p.t.Helper()
	p.send(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":%q}}`, dashboard)
	return p.one("SYNC_RESPONSE")
}

// create makes a widget and takes the ACK.
func (p *peer) create(dashboard, widget string) message {
	p.t.Helper()
	p.send(`{"type":"WIDGET_UPDATE","id":"create-%s","payload":{"dashboardId":%q,"widgetId":%q,"create":true,"set":{"/title":"new"}}}`, widget, dashboard, widget)
	return p.one("ACK")
}

// title sets a widget's title without waiting.
func (p *peer) title(id, dashboard, widget, title string) {
	p.send(`{"type":"WIDGET_UPDATE","id":%q,"payload":{"dashboardId":%q,"widgetId":%q,"set":{"/title":%q}}}`, id, dashboard, widget, title)
}

const aWhile = time.Second

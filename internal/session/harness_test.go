package session

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
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

// two runs a test on two nodes of one journal.
func two(t *testing.T, o options, f func(t *testing.T, a, b *node)) {
	t.Helper()
	if o.journal == nil {
		o.journal = memjournal.New(memjournal.Options{})
	}
	synctest.Test(t, func(t *testing.T) {
		a, stopA := start(t, o)
		defer stopA()
		b, stopB := start(t, o)
		defer stopB()
		f(t, a, b)
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
	opened  chan struct{} // closed once session is set

	mu      sync.Mutex
	partial []byte // of a frame that has not come whole
	got     []message
	writes  []write
	pings   int
	code    wire.CloseCode
	reason  string
	// window is how many bytes are taken before the connection is full; -1 = any.
	window  int
	waiting bool // was full: the session waits for Writable
	closed  bool
}

// write is one call of Write.
type write struct {
	at     time.Time
	bytes  int
	frames int
}

type message struct {
	Type          string
	ID            string
	CorrelationID string
	Timestamp     time.Time
	UserID        *string
	Payload       json.RawMessage

	raw []byte
	at  time.Time // when it came
}

// read decodes the payload.
func (m message) read(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(m.Payload, into); err != nil {
		t.Fatalf("payload of %s: %v", m.Type, err)
	}
}

// uint gives a number of the payload, 0 if it is not there.
func (m message) uint(path ...string) uint64 {
	n, _ := strconv.ParseUint(m.str(path...), 10, 64)
	return n
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
	if p.waiting || p.closed {
		p.t.Errorf("written to although the connection is full (%v) or closed (%v)", p.waiting, p.closed)
		return 0, false
	}
	n := len(b)
	if p.window >= 0 {
		n = min(n, p.window)
		p.window -= n
		p.waiting = p.window == 0
	}
	w := write{at: time.Now(), bytes: n}
	p.partial = append(p.partial, b[:n]...)
	for {
		payload, rest := wire.NextFrame(p.partial)
		if payload == nil {
			break
		}
		var m message
		if err := json.Unmarshal(payload, &m); err != nil {
			p.t.Errorf("not JSON: %q: %v", payload, err)
		}
		m.raw, m.at = slices.Clone(payload), time.Now()
		p.got = append(p.got, m)
		p.partial = rest
		w.frames++
	}
	p.partial = slices.Clone(p.partial)
	p.writes = append(p.writes, w)
	return n, !p.waiting
}

// block makes the connection take no more than n bytes from now on.
func (p *peer) block(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.window = n
}

// drink makes the connection take n more bytes, all from now on if n < 0.
func (p *peer) drink(n int) {
	p.mu.Lock()
	p.window = n
	wake := p.waiting && !p.closed
	p.waiting = false
	p.mu.Unlock()
	if wake {
		p.session.Writable()
	}
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
		p.code, p.reason = code, reason
		go p.vanish(code)
	}
}

// vanish ends the connection.
func (p *peer) vanish(code wire.CloseCode) {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	<-p.opened
	p.session.Closed(code, "")
}

// closedWith returns the code with which the server has closed, 0 if it has not.
func (p *peer) closedWith() wire.CloseCode {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.code
}

// pinged returns the number of WebSocket pings so far.
func (p *peer) pinged() int {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pings
}

// written returns the writes since the last call.
func (p *peer) written() []write {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.writes
	p.writes = nil
	return w
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
	p.session.Alive(time.Now())
	p.session.Handle(fmt.Appendf(nil, format, args...))
}

func owner(user string) *auth.Principal {
	return &auth.Principal{UserID: user, Grants: []auth.Grant{{Pattern: "*", Role: auth.Owner}}}
}

// open connects without naming a client.
func (n *node) open(p *auth.Principal) *peer {
	return n.openWith(Meta{Principal: p})
}

func (n *node) openWith(m Meta) *peer {
	c := &peer{t: n.t, window: -1}
	m.RemoteAddr = "192.0.2.1"
	if m.Transport == "" {
		m.Transport = "websocket"
	}
	c.opened = make(chan struct{})
	c.session = n.server.Open(c, m)
	close(c.opened)
	return c
}

// join connects a client of ana's and takes its two CONNECTs.
func (n *node) join(client string) *peer { return n.joinAs("ana", client) }

func (n *node) joinAs(user, client string) *peer { return n.joinWith(user, client, "") }

// joinTogether is join for a client that takes entries together (R10).
func (n *node) joinTogether(client string) *peer {
	return n.joinWith("ana", client, `,"entries":"together"`)
}

// joinWith is joinAs with more members of CONNECT, each behind a comma.
func (n *node) joinWith(user, client, more string) *peer {
	n.t.Helper()
	c := n.open(owner(user))
	c.send(`{"type":"CONNECT","id":"c","payload":{"clientId":%q%s}}`, client, more)
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

// since subscribes as one who has something already.
func (p *peer) since(dashboard, epoch string, version any) message {
	p.t.Helper()
	list := p.sinceParts(dashboard, epoch, version)
	if len(list) != 1 {
		p.t.Fatalf("got %s, want one part", describe(list))
	}
	return list[0]
}

// sinceParts is since for an answer in several parts.
func (p *peer) sinceParts(dashboard, epoch string, version any) []message {
	p.t.Helper()
	p.send(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":%q,"since":{"epoch":%q,"version":%v}}}`, dashboard, epoch, version)
	got := p.take()
	if len(got) == 0 || slices.ContainsFunc(got, func(m message) bool { return m.Type != "SYNC_RESPONSE" }) {
		p.t.Fatalf("got %s, want SYNC_RESPONSE", describe(got))
	}
	return got
}

// fill commits n entries of about size bytes each and takes the answers.
func (p *peer) fill(dashboard, widget string, n, size int) {
	p.t.Helper()
	for i := range n {
		p.title(fmt.Sprintf("%s-%s-%d-%d", dashboard, widget, n, i), dashboard, widget, fmt.Sprint(i, strings.Repeat("x", size)))
	}
	after(aWhile)
	acks := 0
	for _, m := range p.take() {
		if m.Type == "ACK" {
			acks++
		}
	}
	if acks != n {
		p.t.Fatalf("%d of %d entries were committed", acks, n)
	}
}

// title sets a widget's title without waiting.
func (p *peer) title(id, dashboard, widget, title string) {
	p.send(`{"type":"WIDGET_UPDATE","id":%q,"payload":{"dashboardId":%q,"widgetId":%q,"set":{"/title":%q}}}`, id, dashboard, widget, title)
}

// aWhile is longer than any pace, and shorter than any timeout.
const aWhile = time.Second

// after lets the bubble's time pass and everybody come to rest.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// types lists the types of messages.
func types(list []message) string {
	var b strings.Builder
	for i, m := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(m.Type)
	}
	return b.String()
}

// want fails the test unless messages of exactly these types have come.
func (p *peer) want(wantTypes string) []message {
	p.t.Helper()
	got := p.take()
	if types(got) != wantTypes {
		p.t.Fatalf("got %s\nwant %s", describe(got), wantTypes)
	}
	return got
}

// bye fails the test unless the server has said goodbye with a code and closed.
func (p *peer) bye(code wire.CloseCode) message {
	p.t.Helper()
	got := p.take()
	if len(got) == 0 || got[len(got)-1].Type != "DISCONNECT" {
		p.t.Fatalf("got %s, want a DISCONNECT as the last message", describe(got))
	}
	last := got[len(got)-1]
	if last.str("code") != fmt.Sprint(int(code)) || p.closedWith() != code {
		p.t.Fatalf("got %s and close code %d, want %d", last.Payload, p.closedWith(), code)
	}
	return last
}

// refused fails the test unless the only message is a NACK with a code.
func (p *peer) refused(correlationID, code string) message {
	p.t.Helper()
	m := p.one("NACK")
	if m.CorrelationID != correlationID || m.str("code") != code {
		p.t.Fatalf("got %s %s, want a NACK %s for %s", m.CorrelationID, m.Payload, code, correlationID)
	}
	return m
}

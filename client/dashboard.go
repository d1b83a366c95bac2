package client

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

// View is a dashboard at one version. It is immutable.
type View struct {
	Epoch    string
	Version  uint64
	Role     string
	Document *board.Document
	// Stale tells that the server was cut off from its store when it was asked, so that
	// there may be more than this (A7). The client asks again until it is not.
	Stale bool
}

// Update is what OnUpdate hears.
type Update struct {
	View View
	// Entry is what was committed by another client, or by this one on an earlier
	// connection; nil for an answer to this client, several versions at once, a
	// snapshot, or where only Role or Stale of the view changed.
	Entry *board.Entry
	// Answered is the version of an own op if this is its answer, else 0.
	Answered uint64
	// Snapshot tells that the document came whole; with Rewound the server has less
	// than the client had (R1).
	Snapshot, Rewound bool
}

// Follow says how to follow a dashboard. The functions are called in order, from the
// goroutine that reads: they must not block and must not wait for the client.
type Follow struct {
	OnUpdate   func(Update)
	OnData     func([]Value)
	OnPresence func([]Presence)
}

// Presence is one session that is on the dashboard.
type Presence = wire.PresenceState

// Dashboard is a followed dashboard: a document that stays current.
type Dashboard struct {
	client *Client
	id     string
	follow Follow

	mu      sync.Mutex
	view    View
	known   bool           // a first SYNC_RESPONSE has come
	asking  string         // id of the SYNC_REQUEST under way
	joined  *wire.SyncPart // parts that have come of an answer
	present map[string]Presence
	crowd   int // how many are present if they are too many to list
	values  map[string]Value
	state   board.Value // own presence, sent again after a reconnect
	err     error
	changed chan struct{} // closed and made anew at every change
	timer   *time.Timer   // asks again: after a refusal that may pass, or a stale answer
}

// Subscribe follows a dashboard and waits for its document. A dashboard that does not
// exist is an empty one for who may edit it (R6). Following twice is an error.
func (c *Client) Subscribe(ctx context.Context, dashboardID string, f Follow) (*Dashboard, error) {
	if err := board.CheckID("dashboard", dashboardID); err != nil {
		return nil, err
	}
	d := &Dashboard{client: c, id: dashboardID, follow: f, changed: make(chan struct{})}
	c.mu.Lock()
	switch {
	case c.err != nil:
		c.mu.Unlock()
		return nil, c.err
	case c.follows[dashboardID] != nil:
		c.mu.Unlock()
		return nil, fmt.Errorf("client: the dashboard %q is followed already", dashboardID)
	}
	c.follows[dashboardID] = d
	if c.sock != nil {
		d.request(c.sock)
	}
	c.mu.Unlock()
	if err := d.Wait(ctx, func(View) bool { return true }); err != nil {
		c.forget(d, err)
		return nil, err
	}
	return d, nil
}

// Unsubscribe stops following.
func (d *Dashboard) Unsubscribe() {
	c := d.client
	c.mu.Lock()
	if c.follows[d.id] == d && c.sock != nil {
		w := writer{b: []byte{'{'}}
		w.text("dashboardId", d.id)
		w.flag("unsubscribe", true)
		// A connection that has ended has no subscriptions.
		_ = c.sock.send(envelope(wire.TypeSyncRequest, c.nextID(), append(w.b, '}')))
	}
	c.mu.Unlock()
	c.forget(d, ErrClosed)
}

// ID is the dashboard's id.
func (d *Dashboard) ID() string { return d.id }

// View returns the dashboard as it is now.
func (d *Dashboard) View() View {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.view
}

// Wait returns once ok holds for the dashboard, or the subscription has ended. ok is
// called again after each change and must not call the client.
func (d *Dashboard) Wait(ctx context.Context, ok func(View) bool) error {
	for {
		d.mu.Lock()
		view, known, err, changed := d.view, d.known, d.err, d.changed
		d.mu.Unlock()
		switch {
		case err != nil:
			return err
		case known && ok(view):
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("client: waiting for the dashboard %q: %w", d.id, ctx.Err())
		}
	}
}

// Do asks for an op on this dashboard, like Client.Do. If op.Base is nil it is based
// on what View shows.
func (d *Dashboard) Do(ctx context.Context, op Op) (Answer, error) {
	op.DashboardID = d.id
	if op.Base == nil {
		view := d.View()
		op.Base = &view.Version
		if view.Epoch != "" {
			op.Epoch = &view.Epoch
		}
	}
	return d.client.Do(ctx, op)
}

// Present returns who is on the dashboard, and how many there are if they are too
// many to list.
func (d *Dashboard) Present() ([]Presence, int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.presentLocked(), max(d.crowd, len(d.present))
}

func (d *Dashboard) presentLocked() []Presence {
	list := slices.Collect(maps.Values(d.present))
	slices.SortFunc(list, func(a, b Presence) int { return compare(a.SessionID, b.SessionID) })
	return list
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Values returns the newest live values, by widget.
func (d *Dashboard) Values() map[string]Value {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.values)
}

// request asks for what is missing; the caller holds the client's lock or reads for
// it. Answers to older requests count no more.
func (d *Dashboard) request(sock *socket) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return
	}
	d.asking = d.client.nextID()
	d.joined = nil
	if d.timer != nil {
		d.timer.Stop()
	}
	w := writer{b: []byte{'{'}}
	w.text("dashboardId", d.id)
	if d.known {
		w.key("since")
		w.b = append(w.b, '{')
		w.value("epoch", d.view.Epoch)
		w.value("version", d.view.Version)
		w.b = append(w.b, '}')
	}
	// If the connection has ended, the next one asks again.
	_ = sock.send(envelope(wire.TypeSyncRequest, d.asking, append(w.b, '}')))
	if d.state != "" {
		d.sendPresenceLocked(sock)
	}
}

// asked tells whether a message is the request under way.
func (d *Dashboard) asked(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return id != "" && d.asking == id
}

// changedLocked wakes who waits.
func (d *Dashboard) changedLocked() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// end ends the subscription.
func (d *Dashboard) end(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.err = err
		d.changedLocked()
	}
	if d.timer != nil {
		d.timer.Stop()
	}
}

// refused is called for a NACK to the request: it is made again later, or was in vain.
func (d *Dashboard) refused(c *Client, n *wire.Nack) {
	if !n.Retryable {
		c.forget(d, n.Err)
		return
	}
	wait := n.RetryAfter
	if wait == 0 {
		wait = c.backoff(2)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.laterLocked(wait)
}

// laterLocked asks again in a while, unless the subscription has ended by then.
func (d *Dashboard) laterLocked(wait time.Duration) {
	c := d.client
	if d.timer != nil {
		d.timer.Stop()
	}
	d.timer = time.AfterFunc(wait, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.sock != nil && c.follows[d.id] == d {
			d.request(c.sock)
		}
	})
}

// staleFor is how long after a stale answer the dashboard is asked for again: not below
// this, nor from twice this on, so that not all clients of a node ask at once.
const staleFor = 4 * time.Second

// told tells OnUpdate; the lock must not be held.
func (d *Dashboard) told(u Update) {
	if f := d.follow.OnUpdate; f != nil {
		f(u)
	}
}

// next classifies a version against the one that is shown.
type next int

const (
	old   next = iota // known already
	fits              // follows at once
	gap               // something is missing
	other             // of another epoch
)

func (d *Dashboard) nextLocked(epoch string, from, to uint64) next {
	switch {
	case d.joined != nil || !d.known:
		return old // an answer is coming that holds it
	case epoch != "" && d.view.Epoch != "" && epoch != d.view.Epoch:
		return other
	case to <= d.view.Version:
		return old
	case from > d.view.Version:
		return gap
	}
	return fits
}

// moveLocked shows a newer version.
func (d *Dashboard) moveLocked(epoch string, version uint64, doc *board.Document) {
	if epoch != "" {
		d.view.Epoch = epoch
	}
	d.view.Version, d.view.Document = version, doc
	d.changedLocked()
}

// entry takes one entry of the stream.
func (d *Dashboard) entry(sock *socket, e *board.Entry) {
	d.mu.Lock()
	switch d.nextLocked(e.Epoch, e.Version-1, e.Version) {
	case old:
		d.mu.Unlock()
		return
	case gap, other:
		d.mu.Unlock()
		d.request(sock)
		return
	}
	d.moveLocked(e.Epoch, e.Version, e.Change.ApplyTo(d.view.Document))
	u := Update{View: d.view, Entry: e}
	d.mu.Unlock()
	d.told(u)
}

// rangeOf takes several versions as one.
func (d *Dashboard) rangeOf(sock *socket, r *wire.SyncUpdate) {
	d.mu.Lock()
	switch d.nextLocked(r.Epoch, r.From, r.To) {
	case old:
		d.mu.Unlock()
		return
	case gap, other:
		d.mu.Unlock()
		d.request(sock)
		return
	}
	d.moveLocked(r.Epoch, r.To, r.Change.ApplyTo(d.view.Document))
	u := Update{View: d.view}
	d.mu.Unlock()
	d.told(u)
}

// acked takes the ACK of an own op that stands in the stream; op is nil if nobody
// waits for it any more.
func (d *Dashboard) acked(sock *socket, a *wire.Ack, op *board.Op) {
	d.mu.Lock()
	fit := d.nextLocked(a.Epoch, a.Of.Version-1, a.Of.Version)
	var doc *board.Document
	if fit == fits {
		switch {
		case a.Of.Change != nil:
			doc = a.Of.Change.ApplyTo(d.view.Document)
		case op != nil:
			doc, _ = effect(op, d.view.Document)
		}
	}
	switch {
	case fit == old:
		d.mu.Unlock()
		return
	case doc == nil:
		d.mu.Unlock()
		d.request(sock)
		return
	}
	d.moveLocked(a.Epoch, a.Of.Version, doc)
	u := Update{View: d.view, Answered: a.Of.Version}
	d.mu.Unlock()
	d.told(u)
}

// sync takes a SYNC_RESPONSE, or a part of one.
func (d *Dashboard) sync(correlationID string, p *wire.SyncPart) {
	d.mu.Lock()
	if p.Mode == wire.ModeNone || (correlationID != "" && correlationID != d.asking) {
		d.mu.Unlock()
		return
	}
	if p.Part > 1 && d.joined == nil {
		d.mu.Unlock()
		return // the rest of an answer that was given up
	}
	if d.joined == nil || p.Part == 1 {
		d.joined = p
	} else {
		d.joined.Join(p)
	}
	if p.Part < p.Parts {
		d.mu.Unlock()
		return
	}
	whole := d.joined
	d.joined, d.asking = nil, ""
	if d.known && d.view.Version > 0 && whole.Version == 0 {
		d.mu.Unlock()
		d.client.forget(d, deleted(d.id)) // while there was no connection
		return
	}
	updates := d.takeLocked(whole)
	if whole.Stale && d.err == nil {
		d.laterLocked(between(staleFor, 2*staleFor))
	}
	d.mu.Unlock()
	for _, u := range updates {
		d.told(u)
	}
	d.toldPresence()
	if f := d.follow.OnData; f != nil && len(whole.Data) > 0 {
		f(whole.Data)
	}
}

// takeLocked shows what a whole answer brings and returns what to tell.
func (d *Dashboard) takeLocked(p *wire.SyncPart) (updates []Update) {
	first := !d.known
	marked := d.view.Stale != p.Stale
	d.known = true
	d.view.Role, d.view.Stale = p.Role, p.Stale
	if p.Mode == wire.ModeSnapshot {
		d.view.Epoch = p.Epoch
		d.moveLocked(p.Epoch, p.Version, p.Document)
		updates = append(updates, Update{View: d.view, Snapshot: true, Rewound: p.Rewound})
	} else {
		if first {
			d.view.Document = emptyDocument()
		}
		for _, e := range p.Entries {
			if e.Version == d.view.Version+1 {
				d.moveLocked(e.Epoch, e.Version, e.Change.ApplyTo(d.view.Document))
				updates = append(updates, Update{View: d.view, Entry: e})
			}
		}
		d.view.Epoch = p.Epoch
		d.changedLocked()
		if marked && len(updates) == 0 {
			updates = append(updates, Update{View: d.view})
		}
	}
	d.present = make(map[string]Presence, len(p.Presence))
	for _, s := range p.Presence {
		d.present[s.SessionID] = s
	}
	d.crowd = p.Count
	d.values = make(map[string]Value, len(p.Data))
	for _, v := range p.Data {
		d.values[v.WidgetID] = v
	}
	return updates
}

func emptyDocument() *board.Document {
	return &board.Document{
		Settings: "{}", Widgets: map[string]board.Value{},
		Layouts: map[string]*board.Layout{board.MainBreakpoint: {Columns: board.DefaultColumns, Compact: board.CompactVertical}},
	}
}

// role takes a new role (P4).
func (d *Dashboard) role(role string) {
	d.mu.Lock()
	d.view.Role = role
	d.changedLocked()
	u := Update{View: d.view}
	d.mu.Unlock()
	d.told(u)
}

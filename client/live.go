package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

// Value is the live value of one widget: it is in no log, and whoever looks later
// sees the newest only. Append adds the points in Data, an array, to the last Window
// ones (0 = 1,000); else Data replaces what was there.
type Value = wire.DataValue

// ErrOffline is what sending live values gives while there is no connection: they are
// worth nothing later.
var ErrOffline = errors.New("client: not connected; live values are not kept")

// SendData sends live values of a dashboard, each widget once. It does not wait for
// the server: a refusal comes as an Event.
func (c *Client) SendData(ctx context.Context, dashboardID string, values ...Value) error {
	w := writer{b: []byte{'{'}}
	w.text("dashboardId", dashboardID)
	w.key("values")
	w.b = append(w.b, '{')
	for i := range values {
		v := &values[i]
		w.key(v.WidgetID)
		w.b = append(w.b, '{')
		w.value("data", v.Data)
		if v.Append {
			w.text("mode", "append")
		}
		if v.Window > 0 {
			w.number("window", v.Window)
		}
		w.b = append(w.b, '}')
	}
	w.b = append(w.b, "}}"...)
	if w.err != nil {
		return w.err
	}
	return c.Send(ctx, envelope(wire.TypeData, c.nextID(), w.b))
}

// Send writes one message as it is, for who speaks the protocol himself: its answer
// comes to OnMessage. It waits only while much is queued.
func (c *Client) Send(ctx context.Context, message []byte) error {
	c.mu.Lock()
	sock, err := c.sock, c.err
	c.mu.Unlock()
	switch {
	case err != nil:
		return err
	case sock == nil:
		return ErrOffline
	}
	if err := sock.room(ctx); err != nil {
		return fmt.Errorf("client: waiting for the connection to take a message: %w", err)
	}
	return sock.send(message)
}

// Head finds type, id and correlationId at the front of a message as OnMessage gets
// it, without decoding the rest.
func Head(message []byte) (messageType, id, correlationID []byte) { return wire.Head(message) }

// SetPresence tells the others on the dashboard what this client is doing: any JSON,
// null for nothing. It is told again after a reconnect.
func (d *Dashboard) SetPresence(state any) {
	d.client.mu.Lock()
	sock := d.client.sock
	d.client.mu.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state = JSON(state)
	if sock != nil && d.err == nil {
		d.sendPresenceLocked(sock)
	}
}

func (d *Dashboard) sendPresenceLocked(sock *socket) {
	w := writer{b: []byte{'{'}}
	w.text("dashboardId", d.id)
	w.value("state", d.state)
	// If the connection has ended, the next one is told.
	_ = sock.send(envelope(wire.TypePresence, d.client.nextID(), append(w.b, '}')))
}

// presence takes what has changed.
func (d *Dashboard) presence(p *wire.PresenceUpdate) {
	d.mu.Lock()
	if d.present == nil {
		d.present = make(map[string]Presence)
	}
	for _, list := range [][]Presence{p.Joined, p.Changed} {
		for _, s := range list {
			d.present[s.SessionID] = s
		}
	}
	for _, id := range p.Left {
		delete(d.present, id)
	}
	if d.crowd = p.Count; len(p.Joined)+len(p.Changed)+len(p.Left) == 0 {
		clear(d.present) // too many to list
	}
	d.changedLocked()
	d.mu.Unlock()
	d.toldPresence()
}

func (d *Dashboard) toldPresence() {
	f := d.follow.OnPresence
	if f == nil {
		return
	}
	list, _ := d.Present()
	f(list)
}

// data takes live values.
func (d *Dashboard) data(values []Value) {
	d.mu.Lock()
	if d.values == nil {
		d.values = make(map[string]Value)
	}
	for _, v := range values {
		if v.Append {
			v = appended(d.values[v.WidgetID], v)
		}
		d.values[v.WidgetID] = v
	}
	d.changedLocked()
	d.mu.Unlock()
	if f := d.follow.OnData; f != nil {
		f(values)
	}
}

// appended adds points to a window and drops those that fall out of it.
func appended(was, more Value) Value {
	window := more.Window
	if window == 0 {
		window = wire.MaxPoints
	}
	var points []board.Value
	for _, v := range []board.Value{was.Data, more.Data} {
		for p := range v.Elements() {
			points = append(points, p)
		}
	}
	points = points[max(0, len(points)-window):]
	b := []byte{'['}
	for i, p := range points {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, p...)
	}
	more.Data = board.Value(append(b, ']'))
	return more
}

package client

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

// Answer is the terminal answer to an op that was not refused: exactly one of Ack
// and Conflict is set.
type Answer struct {
	DashboardID string
	Ack         *board.Ack
	Conflict    *board.Conflict
	// InStream tells that the ACK stands for its version in the stream of a followed
	// dashboard (R2). Durability is "disk", "quorum" or "memory" (A1).
	InStream   bool
	Durability string
}

// call is an op that waits for its answer.
type call struct {
	op      *board.Op
	payload []byte
	serial  uint64
	made    time.Time
	sent    bool // once: from then on its age counts
	retries int
	timer   *time.Timer // sends it again after a refusal that may pass
	done    chan struct{}

	// Written before done is closed.
	answer Answer
	err    error
}

func (k *call) finish(a Answer, err error) {
	k.answer, k.err = a, err
	close(k.done)
}

// send queues the op; its age, which is no part of its content, is told once it was
// sent before (M6).
func (k *call) send(sock *socket) {
	message := envelope(string(k.op.Type), k.op.ID, k.payload)
	if k.sent {
		message = append(message[:len(message)-1], `,"age":`...)
		message = append(strconv.AppendInt(message, time.Since(k.made).Milliseconds(), 10), '}')
	}
	k.sent = true
	// If the connection has ended the op is sent again on the next one.
	_ = sock.send(message)
}

// Do asks for an op and waits for its answer, over reconnects: it is sent with the
// same id until it has one, so it takes effect once (M8). A refusal is an error of
// type *board.Error. If ctx ends first the op may or may not have taken effect.
//
// It makes a blind write unless op.Base is set; see Dashboard.Do.
func (c *Client) Do(ctx context.Context, op Op) (Answer, error) {
	payload, decoded, err := op.encode()
	if err != nil {
		return Answer{}, err
	}
	// Waiting here, where much is queued, keeps a producer at the pace of the server.
	sock, err := c.live(ctx)
	if err != nil {
		return Answer{}, err
	}
	if err := sock.room(ctx); err != nil {
		return Answer{}, fmt.Errorf("client: waiting for the connection to take an op: %w", err)
	}
	k := &call{op: decoded, payload: payload, serial: c.serial.Add(1), made: time.Now(), done: make(chan struct{})}
	c.mu.Lock()
	switch {
	case c.err != nil:
		err = c.err
	case c.calls[decoded.ID] != nil:
		err = fmt.Errorf("client: an op with the id %q is already waiting for its answer", decoded.ID)
	default:
		c.calls[decoded.ID] = k
		if c.sock != nil {
			k.send(c.sock)
		}
	}
	c.mu.Unlock()
	if err != nil {
		return Answer{}, err
	}
	select {
	case <-k.done:
		return k.answer, k.err
	case <-ctx.Done():
		c.take(decoded.ID)
		return Answer{}, fmt.Errorf("client: op %s has no answer yet and may take effect: %w", decoded.ID, ctx.Err())
	}
}

// take removes the call of an op, nil if there is none.
func (c *Client) take(id string) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.calls[id]
	if k != nil {
		delete(c.calls, id)
		if k.timer != nil {
			k.timer.Stop()
		}
	}
	return k
}

// orderedLocked returns the calls in the order in which they were made.
func (c *Client) orderedLocked() []*call {
	list := make([]*call, 0, len(c.calls))
	for _, k := range c.calls {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b *call) int { return int(int64(a.serial - b.serial)) })
	return list
}

// answered ends a call, if there still is one.
func (c *Client) answered(id string, a Answer, err error) {
	if k := c.take(id); k != nil {
		k.finish(a, err)
	}
}

// acked brings the dashboard forward if the ACK stands in its stream, then ends the
// call.
func (c *Client) acked(sock *socket, m *wire.ServerMessage) {
	a := m.Ack
	k := c.take(m.CorrelationID)
	if a.InStream {
		var op *board.Op
		if k != nil {
			op = k.op
		}
		c.each(a.DashboardID, func(d *Dashboard) { d.acked(sock, a, op) })
	}
	if k != nil {
		k.finish(Answer{DashboardID: a.DashboardID, Ack: a.Of, InStream: a.InStream, Durability: a.Durability}, nil)
	}
}

// nacked ends a call, or sends its op again later if the refusal may pass.
func (c *Client) nacked(m *wire.ServerMessage) {
	c.mu.Lock()
	k := c.calls[m.CorrelationID]
	var d *Dashboard
	for _, f := range c.follows {
		if f.asked(m.CorrelationID) {
			d = f
		}
	}
	if k != nil && m.Nack.Retryable {
		wait := m.Nack.RetryAfter
		if wait == 0 {
			wait = c.backoff(k.retries)
		}
		k.retries++
		k.timer = time.AfterFunc(wait, func() { c.again(k) })
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	switch {
	case k != nil:
		c.answered(m.CorrelationID, Answer{}, m.Nack.Err)
	case d != nil:
		d.refused(c, m.Nack)
	default:
		c.tell(Event{Refused: m.Nack.Err})
	}
}

// again sends an op that was refused for the moment.
func (c *Client) again(k *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls[k.op.ID] == k && c.sock != nil {
		k.send(c.sock)
	}
}

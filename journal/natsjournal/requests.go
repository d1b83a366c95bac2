package natsjournal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// Why a request has no answer.
var (
	// errNotSent: the servers have not got the request.
	errNotSent = errors.New("NATS cannot be reached")
	// errNoAnswer: they may have got it.
	errNoAnswer = errors.New("NATS has not answered")
)

// requests sends requests and sorts the answers to those who wait. One subscription
// serves them all.
type requests struct {
	nc    *nats.Conn
	inbox string // ends in a dot
	sub   *nats.Subscription

	mu     sync.Mutex
	next   uint64
	calls  map[string]*call
	broken chan struct{} // closed when the connection breaks; another is made then
}

// call is a request under way. Its answers are taken off with next.
type call struct {
	r      *requests
	token  string
	broken <-chan struct{}
	wake   chan struct{} // one slot: there is something in answers

	mu      sync.Mutex
	answers []*nats.Msg
}

func newRequests(nc *nats.Conn) (*requests, error) {
	r := &requests{nc: nc, inbox: nc.NewInbox() + ".", calls: make(map[string]*call), broken: make(chan struct{})}
	sub, err := nc.Subscribe(r.inbox+"*", r.answered)
	if err != nil {
		return nil, fmt.Errorf("subscribe to answers: %w", err)
	}
	// What is asked for is bounded by those who ask.
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return nil, fmt.Errorf("subscribe to answers: %w", err)
	}
	r.sub = sub
	return r, nil
}

// disconnected lets everybody who waits know that the answer may never come.
func (r *requests) disconnected() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.broken)
	r.broken = make(chan struct{})
}

func (r *requests) answered(m *nats.Msg) {
	r.mu.Lock()
	c := r.calls[strings.TrimPrefix(m.Subject, r.inbox)]
	r.mu.Unlock()
	if c == nil {
		return // too late
	}
	c.mu.Lock()
	c.answers = append(c.answers, m)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// send sends a request. The caller ends the call, whatever comes of it.
func (r *requests) send(subject string, header nats.Header, data []byte) (*call, error) {
	c := &call{r: r, wake: make(chan struct{}, 1)}
	r.mu.Lock()
	r.next++
	c.token = fmt.Sprintf("%x", r.next)
	c.broken = r.broken
	r.calls[c.token] = c
	r.mu.Unlock()
	m := &nats.Msg{Subject: subject, Reply: r.inbox + c.token, Header: header, Data: data}
	if err := r.nc.PublishMsg(m); err != nil {
		c.end()
		return nil, fmt.Errorf("%w: %w", errNotSent, err)
	}
	return c, nil
}

// next waits for the next answer.
func (c *call) next(ctx context.Context) (*nats.Msg, error) {
	for {
		c.mu.Lock()
		if len(c.answers) > 0 {
			m := c.answers[0]
			c.answers[0] = nil
			c.answers = c.answers[1:]
			c.mu.Unlock()
			if m.Header.Get("Status") == "503" && len(m.Data) == 0 {
				return nil, fmt.Errorf("%w: %w", errNotSent, nats.ErrNoResponders)
			}
			return m, nil
		}
		c.mu.Unlock()
		select {
		case <-c.wake:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", errNoAnswer, ctx.Err())
		case <-c.broken:
			return nil, fmt.Errorf("%w: the connection broke", errNoAnswer)
		}
	}
}

func (c *call) end() {
	c.r.mu.Lock()
	delete(c.r.calls, c.token)
	c.r.mu.Unlock()
}

// ask sends a request that has one answer.
func (r *requests) ask(ctx context.Context, subject string, header nats.Header, data []byte) (*nats.Msg, error) {
	c, err := r.send(subject, header, data)
	if err != nil {
		return nil, err
	}
	defer c.end()
	return c.next(ctx)
}

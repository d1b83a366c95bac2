package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/internal/bench"
)

// Honest sessions: on each dashboard an editor and some readers.
const (
	dashboards       = 4
	readersOfEach    = 3
	honestSessions   = dashboards * (1 + readersOfEach)
	honestAddress    = "127.0.0.2"
	newcomerAddress  = "127.0.0.3"
	newcomerEvery    = 100 * time.Millisecond
	operationTimeout = 30 * time.Second
)

// honest are the sessions of people who do nothing wrong.
type honest struct {
	sockets []*socket
	pace    time.Duration // between two edits of one editor
	ended   chan struct{}
	work    sync.WaitGroup
	stopped atomic.Bool
	edits   atomic.Uint64

	server                  processor // whose time is taken
	acks, deliveries, joins bench.Histogram
	worked                  bench.Histogram // the server's processor time from an edit to its ACK
	turnedAway              atomic.Uint64   // newcomers that did not get in

	mu    sync.Mutex
	wrong []string
}

// times are what was measured in one part. The percentiles of answers and deliveries are
// the medians of those of its windows, so that one long fsync does not decide them.
type times struct {
	Ack50, Ack99, Heard50, Heard99 time.Duration
	Edits                          uint64
	// Worked99 is the processor time that the server used, for whomever, between an edit
	// and its ACK. What else the machine does has little share in it.
	Worked99 time.Duration
	// Newcomers: from dialling to the dashboard, and how many did not get there.
	Joined, TurnedAway uint64
	Join99             time.Duration
}

func (h *honest) fault(format string, args ...any) {
	if h.stopped.Load() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.wrong) < 10 {
		h.wrong = append(h.wrong, fmt.Sprintf(format, args...))
	}
}

// faults are what must not have happened.
func (h *honest) faults() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.wrong)
}

// beHonest opens the sessions and lets them work.
func beHonest(ctx context.Context, address string, server processor, rate int) (h *honest, err error) {
	h = &honest{server: server, pace: dashboards * time.Second / time.Duration(rate), ended: make(chan struct{})}
	defer func() {
		if err != nil {
			h.stop()
		}
	}()
	for i := range dashboards {
		id := "honest-" + strconv.Itoa(i)
		who, err := token(id, id)
		if err != nil {
			return h, err
		}
		open := func() (*socket, error) {
			c, err := dial(ctx, address, honestAddress, 0)
			if err != nil {
				return nil, err
			}
			h.sockets = append(h.sockets, c)
			return c, c.upgrade(address, "Authorization: Bearer "+who)
		}
		editor, err := open()
		if err != nil {
			return h, fmt.Errorf("an honest editor: %w", err)
		}
		created := make(chan struct{})
		h.work.Go(func() { h.answers(editor, created) })
		if _, err := editor.Write(frame(text, `{"type":"WIDGET_UPDATE","id":"0","payload":{"dashboardId":"`+id+`","widgetId":"w","create":true,"set":{"/title":"honest"}}}`)); err != nil {
			return h, err
		}
		select {
		case <-created:
		case <-time.After(operationTimeout):
			return h, fmt.Errorf("making the dashboard was not answered within %s", operationTimeout)
		}
		for range readersOfEach {
			reader, err := open()
			if err != nil {
				return h, fmt.Errorf("an honest reader: %w", err)
			}
			if _, err := reader.Write(frame(text, `{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"`+id+`"}}`)); err != nil {
				return h, err
			}
			h.work.Go(func() { h.follows(reader) })
		}
		h.work.Go(func() { h.edit(editor, id, time.Duration(i)*h.pace/dashboards) })
	}
	who, err := token("honest-newcomer", "honest-0")
	if err != nil {
		return h, err
	}
	h.work.Go(func() { h.newcomers(ctx, address, who) })
	return h, nil
}

// newcomers come one after another, each as a browser does: it signs in by its first
// message, wants a dashboard, and leaves.
func (h *honest) newcomers(ctx context.Context, address, who string) {
	pace := time.NewTicker(newcomerEvery)
	defer pace.Stop()
	for {
		select {
		case <-pace.C:
		case <-h.ended:
			return
		}
		began := time.Now()
		switch err := join(ctx, address, who); {
		case h.stopped.Load():
			return
		case err != nil:
			h.turnedAway.Add(1)
		default:
			h.joins.Add(time.Since(began))
		}
	}
}

// join opens a session up to the document of a dashboard.
func join(ctx context.Context, address, who string) error {
	c, err := dial(ctx, address, newcomerAddress, 0)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.SetDeadline(time.Now().Add(operationTimeout)); err != nil {
		return err
	}
	if err := c.upgrade(address); err != nil {
		return err
	}
	hello := append(frame(text, `{"type":"CONNECT","id":"c","payload":{"token":"`+who+`"}}`),
		frame(text, `{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"honest-0"}}`)...)
	if _, err := c.Write(hello); err != nil {
		return err
	}
	for {
		op, payload, err := c.next()
		switch {
		case err != nil:
			return err
		case op == goodbye:
			return errors.New("closed")
		case strings.HasPrefix(string(payload[:min(len(payload), 30)]), `{"type":"SYNC_RESPONSE"`):
			_, err := c.Write(frame(text, `{"type":"DISCONNECT","id":"d"}`))
			c.drain() // until the server has let the session go
			return err
		}
	}
}

// edit sends edits at a steady pace, which does not wait for answers. The time of sending
// is the value, and the id with what the server has worked until then.
func (h *honest) edit(c *socket, id string, after time.Duration) {
	wait := time.NewTimer(after)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-h.ended:
		return
	}
	pace := time.NewTicker(h.pace)
	defer pace.Stop()
	for {
		select {
		case <-pace.C:
		case <-h.ended:
			return
		}
		now := strconv.FormatInt(time.Now().UnixNano(), 10)
		worked, err := h.server.worked()
		if err != nil {
			h.fault("%v", err)
			return
		}
		if _, err := c.Write(frame(text, `{"type":"WIDGET_UPDATE","id":"`+now+`.`+strconv.FormatInt(int64(worked), 10)+`","payload":{"dashboardId":"`+id+`","widgetId":"w","set":{"/sent":`+now+`}}}`)); err != nil {
			h.fault("an honest editor: %v", err)
			return
		}
	}
}

// answers reads what an editor hears.
func (h *honest) answers(c *socket, created chan struct{}) {
	for {
		op, payload, err := c.next()
		if err != nil {
			h.fault("an honest editor: %v", err)
			return
		}
		if op == ping&0xf {
			_, _ = c.Write(frame(pong, payload)) // reading tells if it has ended
		}
		if op != text&0xf {
			continue
		}
		m := string(payload)
		sent, ok := bench.NumberAfter(payload, []byte(`"correlationId":"`))
		switch {
		case !strings.HasPrefix(m, `{"type":"ACK"`):
			h.fault("an honest editor was told %.300s", m)
		case ok && sent == 0:
			close(created)
		case ok:
			h.acks.Add(time.Since(time.Unix(0, int64(sent))))
			before, _ := bench.NumberAfter(payload, []byte(strconv.FormatUint(sent, 10)+"."))
			if now, err := h.server.worked(); err == nil {
				h.worked.Add(now - time.Duration(before))
			}
			h.edits.Add(1)
		}
	}
}

// follows reads what a reader hears: every version once and in order.
func (h *honest) follows(c *socket) {
	var at uint64
	for {
		op, payload, err := c.next()
		if err != nil {
			h.fault("an honest reader: %v", err)
			return
		}
		if op == ping&0xf {
			_, _ = c.Write(frame(pong, payload))
		}
		if op != text&0xf {
			continue
		}
		m := string(payload[:min(len(payload), 300)])
		version, _ := bench.NumberAfter(payload, []byte(`"version":`))
		from, ranged := bench.NumberAfter(payload, []byte(`"from":`))
		switch {
		case strings.HasPrefix(m, `{"type":"SYNC_RESPONSE"`):
		case strings.HasPrefix(m, `{"type":"SYNC_UPDATE"`) && ranged && from == at:
		case strings.HasPrefix(m, `{"type":"WIDGET_UPDATE"`) && version == at+1:
			if sent, ok := bench.NumberAfter(payload, []byte(`"/sent":`)); ok {
				h.deliveries.Add(time.Since(time.Unix(0, int64(sent))))
			}
		default:
			h.fault("an honest reader heard after version %d: %s", at, m)
		}
		at = version
	}
}

// windows is how many a part is cut into.
const windows = 4

// watch measures for a while.
func (h *honest) watch(ctx context.Context, d time.Duration) (t times, err error) {
	edits, joins, turnedAway := h.edits.Load(), h.joins.Counts(), h.turnedAway.Load()
	var ack50, ack99, heard50, heard99, worked99 []time.Duration
	for range windows {
		acks, heard, worked := h.acks.Counts(), h.deliveries.Counts(), h.worked.Counts()
		wait := time.NewTimer(d / windows)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return t, ctx.Err()
		}
		acks, heard = h.acks.Counts().Since(acks), h.deliveries.Counts().Since(heard)
		ack50, ack99 = append(ack50, acks.Quantile(0.5)), append(ack99, acks.Quantile(0.99))
		heard50, heard99 = append(heard50, heard.Quantile(0.5)), append(heard99, heard.Quantile(0.99))
		worked99 = append(worked99, h.worked.Counts().Since(worked).Quantile(0.99))
	}
	joins = h.joins.Counts().Since(joins)
	return times{
		Ack50: median(ack50), Ack99: median(ack99), Heard50: median(heard50), Heard99: median(heard99), Worked99: median(worked99),
		Edits: h.edits.Load() - edits, Joined: joins.Total(), Join99: joins.Quantile(0.99), TurnedAway: h.turnedAway.Load() - turnedAway,
	}, nil
}

// median is the one in the middle, the lower of two, of the windows in which something
// was measured; 0 if nothing was.
func median(of []time.Duration) time.Duration {
	slices.Sort(of)
	of = of[countZeros(of):]
	if len(of) == 0 {
		return 0
	}
	return of[(len(of)-1)/2]
}

func countZeros(sorted []time.Duration) int {
	n, _ := slices.BinarySearch(sorted, 1)
	return n
}

// stop ends the sessions.
func (h *honest) stop() {
	h.stopped.Store(true)
	close(h.ended)
	for _, c := range h.sockets {
		c.close()
	}
	h.work.Wait()
}

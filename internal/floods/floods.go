package main

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dashwire/dashwire/internal/bench"
)

// flood is one way of attacking with many sockets.
type flood struct {
	name, title string
	// most bounds the sockets, 0 = as many as asked for.
	most int
	// rate bounds the actions (frames, bytes, requests: what attack asks leave for) a
	// second of all sockets together.
	rate float64
	// unit is what an action sends, and frames how many of them, 0 = 1.
	unit   string
	frames int
	// attack is the life of one socket. It returns once that has ended, and is called
	// again then.
	attack func(ctx context.Context, g *gang, i int) error
}

func floodOf(name string) *flood {
	for i := range floods {
		if floods[i].name == name {
			return &floods[i]
		}
	}
	return nil
}

var floods = []flood{
	{name: "unsigned", title: "handshakes that never sign in", rate: 1000, attack: unsigned},
	{name: "heads", title: "requests whose head comes byte by byte", rate: 2000, unit: "bytes", attack: slowHeads},
	{name: "messages", title: "messages of 1 MiB that come byte by byte", rate: 2000, unit: "bytes", attack: slowMessages},
	{name: "fragments", title: "messages of empty fragments without end", rate: 5000, unit: "frames", frames: 10, attack: repeated(strings.Repeat(string(frame(continuation, "")), 10), string(frame(textBegin, "{")))},
	{name: "pings", title: "pings without end", rate: 5000, unit: "frames", frames: 10, attack: repeated(strings.Repeat(string(frame(ping, "are you there?")), 10), "")},
	{name: "bad", title: "messages that are none", rate: 5000, unit: "frames", attack: repeated(string(frame(text, `{"type":`)), "")},
	{name: "deep", title: "JSON of 100,000 brackets", rate: 200, unit: "frames", attack: repeated(string(frame(text, strings.Repeat("[", 100_000))), "")},
	{name: "oversized", title: "messages of 2 MiB", rate: 20, unit: "frames", attack: oversized},
	{name: "deaf", title: "readers that never read", most: 1000, rate: 1000, unit: "frames", attack: deaf},
	{name: "storm", title: "connecting, subscribing, leaving, again", rate: 500, unit: "sessions", attack: storm},
	{name: "rest", title: "REST requests as fast as they are answered", rate: 2000, unit: "requests", attack: rest},
	{name: "ops", title: "edits over the rate of a session", most: 10, rate: 10_000, unit: "frames", attack: ops},
	{name: "tokens", title: "tokens that are wrong", rate: 500, unit: "sessions", attack: wrongTokens},
}

// unsigned opens a session and says nothing.
func unsigned(ctx context.Context, g *gang, i int) error {
	s, err := g.dial(ctx, i, 0)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.upgrade(g.address); err != nil {
		return err
	}
	return g.hold(ctx, s)
}

// slowHeads never finishes its request.
func slowHeads(ctx context.Context, g *gang, i int) error {
	s, err := g.dial(ctx, i, 0)
	if err != nil {
		return err
	}
	defer s.close()
	g.opened.Add(1)
	for _, b := range []byte(handshake(g.address, "X-Padding: "+strings.Repeat("x", 8000))) {
		if err := g.act(ctx, s, string(b)); err != nil {
			return err
		}
	}
	return nil
}

// slowMessages announces much and sends a byte now and then.
func slowMessages(ctx context.Context, g *gang, i int) error {
	s, err := g.signIn(ctx, i, 0)
	if err != nil {
		return err
	}
	defer s.close()
	g.readers.Go(func() { g.answers(s) })
	next := string(bench.AppendMaskedHead(nil, text, 1<<20))
	for {
		if err := g.act(ctx, s, next); err != nil {
			return err
		}
		next = "{"
	}
}

// repeated sends the same over and over, on one session until that is closed.
func repeated(what, first string) func(context.Context, *gang, int) error {
	return func(ctx context.Context, g *gang, i int) error {
		s, err := g.signIn(ctx, i, 0)
		if err != nil {
			return err
		}
		defer s.close()
		g.readers.Go(func() { g.answers(s) })
		next := first + what
		for {
			if err := g.act(ctx, s, next); err != nil {
				return err
			}
			next = what
		}
	}
}

// oversized sends messages that are read and thrown away.
func oversized(ctx context.Context, g *gang, i int) error {
	s, err := g.signIn(ctx, i, 0)
	if err != nil {
		return err
	}
	defer s.close()
	g.readers.Go(func() { g.answers(s) })
	for {
		if err := g.leave(ctx); err != nil {
			return err
		}
		if _, err := s.Write(g.huge); err != nil {
			return err
		}
	}
}

// deaf follows a dashboard and reads nothing of it. The first of all fills that
// dashboard.
func deaf(ctx context.Context, g *gang, i int) error {
	s, err := g.signIn(ctx, i, 4<<10)
	if err != nil {
		return err
	}
	defer s.close()
	const board = "arena-deaf"
	if i > 0 {
		if err := g.act(ctx, s, string(frame(text, `{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"`+board+`"}}`))); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	}
	g.readers.Go(func() { g.answers(s) })
	pace := time.NewTicker(time.Second / 4)
	defer pace.Stop()
	for n := 0; ; n++ {
		create := ""
		if n == 0 {
			create = `"create":true,`
		}
		message := `{"type":"WIDGET_UPDATE","id":"` + g.id() + `","payload":{"dashboardId":"` + board + `","widgetId":"w",` + create +
			`"set":{"/fill":"` + strconv.Itoa(n) + strings.Repeat("x", 8<<10) + `"}}}`
		if err := g.act(ctx, s, string(frame(text, message))); err != nil {
			return err
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// storm opens a session, follows a dashboard and leaves without a word.
func storm(ctx context.Context, g *gang, i int) error {
	if err := g.leave(ctx); err != nil {
		return err
	}
	s, err := g.signIn(ctx, i, 0)
	if err != nil {
		return err
	}
	defer s.close()
	if _, err := s.Write(frame(text, `{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"arena-storm"}}`)); err != nil {
		return err
	}
	_, _, err = s.next()
	return err
}

// rest asks for the list of dashboards, over one connection.
func rest(ctx context.Context, g *gang, i int) error {
	s, err := g.dial(ctx, i, 0)
	if err != nil {
		return err
	}
	defer s.close()
	g.opened.Add(1)
	request := "GET /api/dashboards HTTP/1.1\r\nHost: " + g.address + "\r\nAuthorization: Bearer " + g.tokens[i] + "\r\n\r\n"
	for {
		if err := g.act(ctx, s, request); err != nil {
			return err
		}
		res, err := http.ReadResponse(s.in, nil)
		if err != nil {
			return err
		}
		g.answered(res.StatusCode)
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			return err
		}
	}
}

// ops edits a dashboard of its own without waiting for answers.
func ops(ctx context.Context, g *gang, i int) error {
	s, err := g.signIn(ctx, i, 0)
	if err != nil {
		return err
	}
	defer s.close()
	g.readers.Go(func() { g.answers(s) })
	board := "arena-ops-" + strconv.Itoa(i)
	for {
		message := `{"type":"DASHBOARD_UPDATE","id":"` + g.id() + `","payload":{"dashboardId":"` + board + `","set":{"/title":"` + g.id() + `"}}}`
		if err := g.act(ctx, s, string(frame(text, message))); err != nil {
			return err
		}
	}
}

// wrongTokens signs in with a token that somebody else has signed, by turns in the
// request and in CONNECT.
func wrongTokens(ctx context.Context, g *gang, i int) error {
	if err := g.leave(ctx); err != nil {
		return err
	}
	s, err := g.dial(ctx, i, 0)
	if err != nil {
		return err
	}
	defer s.close()
	wrong := g.tokens[i][:len(g.tokens[i])-10] + "AAAAAAAAAA"
	if i%2 == 0 {
		if err := s.upgrade(g.address, "Authorization: Bearer "+wrong); err != nil {
			return err
		}
		return g.hold(ctx, s)
	}
	if err := s.upgrade(g.address); err != nil {
		return err
	}
	if _, err := s.Write(frame(text, `{"type":"CONNECT","id":"c","payload":{"token":"`+wrong+`"}}`)); err != nil {
		return err
	}
	return g.hold(ctx, s)
}

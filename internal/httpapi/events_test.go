package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/session"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/journal/memjournal"
)

// listener is an open event stream.
type listener struct {
	t     *testing.T
	lines *bufio.Reader
	id    string // of the last event that had one
	close func()
}

// event is one event with its data as a message.
type event struct {
	Type          string
	ID            string
	CorrelationID string
	Payload       struct {
		SessionID, ClientID, UserID string
		DashboardID, Epoch, Mode    string
		Version, From               uint64
		Part, Parts                 int
		Closed, Path, Reason, Role  string
		Code                        any
		AuthRequired                bool
		Document                    *struct{ Widgets map[string]json.RawMessage }
		Entries                     []struct{ Payload struct{ Version uint64 } }
		Values                      map[string]struct{ Data json.RawMessage }
		Joined                      []struct{ SessionID, UserID string }
		Left                        []string
		Name                        string
		Data                        json.RawMessage
	}
}

func (n *node) listen(path string, lines ...header) *listener {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	r := n.request("GET", path, "", lines...).WithContext(ctx)
	resp, err := noRedirects.Do(r)
	if err != nil {
		cancel()
		n.t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		cancel()
		n.t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	l := &listener{t: n.t, lines: bufio.NewReader(resp.Body), close: func() { cancel(); _ = resp.Body.Close() }}
	n.t.Cleanup(l.close)
	return l
}

// next reads one event.
func (l *listener) next() (e event) {
	l.t.Helper()
	for {
		line, err := l.lines.ReadString('\n')
		if err != nil {
			l.t.Fatalf("the stream ended: %v", err)
		}
		switch {
		case strings.HasPrefix(line, "id: "):
			l.id = strings.TrimSpace(line[4:])
		case strings.HasPrefix(line, "data: "):
			if err := json.Unmarshal([]byte(line[6:]), &e); err != nil {
				l.t.Fatalf("%v: %s", err, line)
			}
		case line == "\n" && e.Type != "":
			return e
		case line != "\n" && line != ":\n":
			l.t.Fatalf("line %q", line)
		}
	}
}

// byType is the next n events, each of another type.
func (l *listener) byType(n int) map[string]event {
	l.t.Helper()
	got := map[string]event{}
	for range n {
		e := l.next()
		got[e.Type] = e
	}
	return got
}

// until reads events up to one of a type.
func (l *listener) until(messageType string) event {
	l.t.Helper()
	for {
		if e := l.next(); e.Type == messageType {
			return e
		}
	}
}

func TestD2_AnIdThatCannotBeKeepsNoOtherFromAStream(t *testing.T) {
	n := start(t, nil)
	n.create("ops")
	l := n.listen("/api/realtime/events?dashboardId=no%20such%FF&dashboardId=ops")
	l.next()
	got := l.byType(2)
	if e := got["NACK"]; e.Payload.Code != "INVALID_ID" || e.Payload.Path != "dashboardId:no such\uFFFD" {
		t.Errorf("events %+v", got)
	}
	if e := got["SYNC_RESPONSE"]; e.Payload.DashboardID != "ops" {
		t.Errorf("events %+v", got)
	}
}

func TestH2_EventsAreTheReadingHalf(t *testing.T) {
	n := start(t, nil)
	n.create("ops")
	n.create("eu")
	l := n.listen("/api/realtime/events?dashboardId=ops&dashboardId=eu&clientId=tab-1&userId=ana")
	hello := l.next()
	if hello.Type != "CONNECT" || hello.Payload.UserID != "ana" || hello.Payload.ClientID != "tab-1" || hello.Payload.SessionID == "" {
		t.Fatalf("first event %+v", hello)
	}
	for _, id := range []string{"ops", "eu"} {
		if e := l.next(); e.Type != "SYNC_RESPONSE" || e.Payload.DashboardID != id || e.Payload.Document == nil || e.Payload.Version != 1 {
			t.Fatalf("event %+v, want the snapshot of %s", e, id)
		}
	}
	n.do("PATCH", "/api/dashboards/eu/widgets/cpu", `{"title":"x"}`, key("op-1")).want(200)
	if e := l.next(); e.Type != "WIDGET_UPDATE" || e.ID != "op-1" || e.Payload.DashboardID != "eu" || e.Payload.Version != 2 {
		t.Fatalf("event %+v", e)
	}
	n.do("PUT", "/api/dashboards/ops/widgets/cpu/data", `{"data":42.5}`).want(204)
	if e := l.next(); e.Type != "WIDGET_DATA" || string(e.Payload.Values["cpu"].Data) != "42.5" {
		t.Fatalf("event %+v", e)
	}
	n.do("DELETE", "/api/dashboards/eu", "").want(200)
	if e := l.next(); e.Type != "SYNC_UPDATE" || e.Payload.Closed != "deleted" || e.Payload.DashboardID != "eu" {
		t.Fatalf("event %+v", e)
	}
}

func TestH2_ResumingMissesNothingAndRepeatsNothing(t *testing.T) {
	n := start(t, nil)
	n.create("ops")
	n.create("eu")
	path := "/api/realtime/events?dashboardId=ops&dashboardId=eu"
	edit := func(id string, v int) {
		t.Helper()
		n.do("PATCH", "/api/dashboards/"+id+"/widgets/cpu", `{"title":"`+strconv.Itoa(v)+`"}`).want(200).has(strconv.Itoa(v), "version")
	}
	heard := map[string][]uint64{}
	note := func(e event) {
		switch {
		case e.Type == "SYNC_RESPONSE" && e.Payload.Mode == "delta":
			for _, entry := range e.Payload.Entries {
				heard[e.Payload.DashboardID] = append(heard[e.Payload.DashboardID], entry.Payload.Version)
			}
		case e.Type == "WIDGET_UPDATE":
			heard[e.Payload.DashboardID] = append(heard[e.Payload.DashboardID], e.Payload.Version)
		case e.Type == "SYNC_RESPONSE" && e.Payload.Version != 1:
			t.Errorf("a snapshot where entries were enough: %+v", e)
		}
	}
	l := n.listen(path)
	l.next()
	note(l.next())
	note(l.next())
	// Break off after each event in turn; meanwhile both dashboards move on.
	v := 1
	for round := range 4 {
		v++
		edit("ops", v)
		note(l.next())
		edit("eu", v)
		note(l.next())
		last := l.id
		l.close()
		v++
		edit("ops", v)
		edit("eu", v)
		if round%2 == 0 {
			l = n.listen(path, header{"Last-Event-ID", last})
		} else {
			l = n.listen(path + "&since=" + url.QueryEscape(last))
		}
		if e := l.next(); e.Type != "CONNECT" {
			t.Fatalf("first event %+v", e)
		}
		note(l.next())
		note(l.next())
	}
	for _, id := range []string{"ops", "eu"} {
		for i, got := range heard[id] {
			if want := uint64(i + 2); got != want {
				t.Fatalf("%s: heard %v", id, heard[id])
			}
		}
		if len(heard[id]) != v-1 {
			t.Errorf("%s: heard %d versions of %d", id, len(heard[id]), v-1)
		}
	}
	// A client that comes from a WebSocket names its versions itself.
	epoch := unquoted(t, n.do("GET", "/api/dashboards/ops", "").at("epoch"))
	l = n.listen("/api/realtime/events?dashboardId=ops&since=" + url.QueryEscape(`{"ops":{"epoch":"`+epoch+`","version":`+strconv.Itoa(v-1)+`}}`))
	l.next()
	if e := l.next(); e.Payload.Mode != "delta" || len(e.Payload.Entries) != 1 {
		t.Errorf("answer %+v", e)
	}
}

func TestH2_AResumeInTheMiddleOfPartsBeginsThemAnew(t *testing.T) {
	part := func(i, n int) []byte {
		return wire.AppendFrame(nil, []byte(`{"type":"SYNC_RESPONSE","timestamp":"t","payload":{"dashboardId":"ops","epoch":"e","version":7,"horizon":0,"role":"owner","mode":"snapshot","part":`+
			strconv.Itoa(i)+`,"parts":`+strconv.Itoa(n)+`,"document":{}}}`))
	}
	w := &stream{}
	w.events(part(1, 2))
	if strings.Contains(string(w.out), "id:") {
		t.Errorf("an id after the first of two parts: %s", w.out)
	}
	w.events(part(2, 2))
	got, p := parseCursor(string(w.at.append(nil)))
	if p != nil || len(got) != 1 || got[0] != (place{"ops", wire.Since{Epoch: "e", Version: 7}}) {
		t.Errorf("cursor %+v, %v", got, p)
	}
}

func TestH2_CursorFollowsVersionsOnly(t *testing.T) {
	for _, tc := range []struct {
		name, message string
		moves         bool
		want          cursor
	}{
		{"an entry", `{"type":"WIDGET_UPDATE","id":"a","timestamp":"t","userId":"x\"payload\":{","payload":{"dashboardId":"ops","epoch":"e","version":9,"author":{"userId":"u","clientId":null},"change":{}}}`, true, cursor{{"ops", wire.Since{Epoch: "e", Version: 9}}}},
		{"a composed change", `{"type":"SYNC_UPDATE","timestamp":"t","payload":{"dashboardId":"ops","epoch":"e","from":3,"version":12,"change":{}}}`, true, cursor{{"ops", wire.Since{Epoch: "e", Version: 12}}}},
		{"the end of a dashboard", `{"type":"SYNC_UPDATE","timestamp":"t","payload":{"dashboardId":"ops","closed":"deleted"}}`, true, cursor{}},
		{"a role", `{"type":"SYNC_UPDATE","timestamp":"t","payload":{"dashboardId":"ops","role":"viewer"}}`, false, cursor{{"ops", wire.Since{Epoch: "e", Version: 8}}}},
		{"an empty dashboard", `{"type":"SYNC_RESPONSE","timestamp":"t","payload":{"dashboardId":"ops","epoch":"","version":0,"horizon":0,"role":"owner","mode":"snapshot","document":{}}}`, true, cursor{{"ops", wire.Since{}}}},
		{"an answer", `{"type":"ACK","correlationId":"a","timestamp":"t","payload":{"dashboardId":"ops","version":99,"inStream":false}}`, false, cursor{{"ops", wire.Since{Epoch: "e", Version: 8}}}},
		{"values", `{"type":"WIDGET_DATA","timestamp":"t","payload":{"dashboardId":"ops","values":{"epoch":{"data":1},"version":{"data":2}}}}`, false, cursor{{"ops", wire.Since{Epoch: "e", Version: 8}}}},
		{"an app's message", `{"type":"APP_MESSAGE","timestamp":"t","payload":{"name":"x","data":{"dashboardId":"ops","epoch":"z","version":1}}}`, false, cursor{{"ops", wire.Since{Epoch: "e", Version: 8}}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := cursor{{"ops", wire.Since{Epoch: "e", Version: 8}}}
			if moves := c.follow([]byte(tc.message)); moves != tc.moves {
				t.Errorf("follow = %v", moves)
			}
			if len(c) != len(tc.want) || len(c) > 0 && c[0] != tc.want[0] {
				t.Errorf("cursor %+v, want %+v", c, tc.want)
			}
		})
	}
}

func FuzzCursor(f *testing.F) {
	f.Add(`{"type":"A","payload":{"dashboardId":"ops","epoch":"e","version":9,"x":{}}}`)
	f.Add(`{"payload":{"dashboardId":"a\`)
	f.Add(`b3BzIGUgOQo`)
	f.Add(`{"ops":{"epoch":"e","version":1}}`)
	f.Fuzz(func(t *testing.T, s string) {
		var c cursor
		c.follow([]byte(s))
		if c, p := parseCursor(s); p == nil && !strings.HasPrefix(s, "{") {
			again, p := parseCursor(string(c.append(nil)))
			if p != nil || len(again) != len(c) {
				t.Errorf("%+v comes back as %+v, %v", c, again, p)
			}
		}
	})
}

func TestH2_PresenceAndValuesOfAStream(t *testing.T) {
	n := start(t, signedIn)
	n.create("team-1", as("ana"))
	l := n.listen("/api/realtime/events?dashboardId=team-1", as("fay"))
	id := l.next().Payload.SessionID
	l.next()
	body := `{"type":"SYNC","operations":[
		{"type":"PRESENCE","id":"p1","payload":{"dashboardId":"team-1","state":{"name":"Fay"}}},
		{"type":"WIDGET_DATA","id":"d1","payload":{"dashboardId":"team-1","widgetId":"cpu","data":7}}]}`
	n.do("POST", "/api/realtime", body, as("fay"), header{sessionHeader, id}).want(200).has("[]", "results")
	var joined, data bool
	for !joined || !data {
		switch e := l.next(); e.Type {
		case "PRESENCE":
			joined = len(e.Payload.Joined) == 1 && e.Payload.Joined[0].SessionID == id && e.Payload.Joined[0].UserID == "fay"
		case "WIDGET_DATA":
			data = string(e.Payload.Values["cpu"].Data) == "7"
		}
	}
	// Another user's session, none, and a session that is not there.
	n.do("POST", "/api/realtime", body, as("ana"), header{sessionHeader, id}).want(200).
		has(`"NOT_FOUND"`, "results", 0, "payload", "code").has(`"p1"`, "results", 0, "correlationId")
	n.do("POST", "/api/realtime", body, as("fay")).want(200).has(`"BAD_MESSAGE"`, "results", 0, "payload", "code")
	n.do("POST", "/api/realtime", body, as("cy"), header{sessionHeader, "nobody"}).want(200).
		has(`"NOT_FOUND"`, "results", 0, "payload", "code").has(`"FORBIDDEN"`, "results", 1, "payload", "code")
}

func TestH2_WhatMayNotBeSeenIsRefused(t *testing.T) {
	n := start(t, signedIn)
	n.create("team-1", as("ana"))
	n.do("GET", "/api/realtime/events?dashboardId=team-1", "").refused(401, board.CodeUnauthenticated)
	n.do("GET", "/api/realtime/events?dashboardId=a/b", "", as("ana")).refused(400, board.CodeInvalidID)
	n.do("GET", "/api/realtime/events?dashboardId=a/b&dashboardId=..", "", as("ana")).refused(400, board.CodeInvalidID)
	n.do("GET", "/api/realtime/events?dashboardId=team-1&since=!", "", as("ana")).refused(400, board.CodeBadVersion)
	l := n.listen("/api/realtime/events?dashboardId=other&dashboardId=team-1", as("cy"))
	l.next()
	got := l.byType(2)
	if e := got["NACK"]; e.Payload.Code != "NOT_FOUND" || e.Payload.Path != "dashboardId:other" {
		t.Errorf("events %+v", got)
	}
	if e := got["SYNC_RESPONSE"]; e.Payload.DashboardID != "team-1" {
		t.Errorf("events %+v", got)
	}
}

func TestC7_StreamsEndWhenTheServerDrains(t *testing.T) {
	n := start(t, nil)
	l := n.listen("/api/realtime/events")
	l.next()
	n.sessions.Drain(context.Background(), 0)
	if e := l.next(); e.Type != "DISCONNECT" {
		t.Errorf("event %+v", e)
	}
	if line, err := l.lines.ReadString('\n'); err == nil {
		t.Errorf("more after the end: %q", line)
	}
	n.do("GET", "/readyz", "").refused(503, board.CodeUnavailable)
	n.do("GET", "/api/realtime", "").want(200).has(`"draining"`, "status")
}

func TestC4_AQuietStreamGetsComments(t *testing.T) {
	c := &movable{}
	n := start(t, func(cfg *Config) { cfg.Clock = c })
	l := n.listen("/api/realtime/events")
	l.next()
	c.add(26 * time.Second)
	line, err := l.lines.ReadString('\n')
	if err != nil || line != ":\n" {
		t.Errorf("line %q, %v", line, err)
	}
}

func TestC8_ManySessions(t *testing.T) {
	n := startWith(t, memjournal.New(memjournal.Options{}), func(c *Config) {
		c.Upgrade = func(http.ResponseWriter, *http.Request, session.Meta) { t.Error("upgraded") }
	}, func(c *session.Config) { c.MaxSessions = 1 })
	l := n.listen("/api/realtime/events")
	l.next()
	got := n.do("GET", "/api/realtime/events", "").refused(503, board.CodeUnavailable)
	if got.Header.Get("Retry-After") != "10" {
		t.Errorf("header %v", got.Header)
	}
	n.do("GET", "/api/realtime", "", header{"Upgrade", "websocket"}).refused(503, board.CodeUnavailable)
}

func TestC3_AStreamEndsWithItsToken(t *testing.T) {
	c := &movable{}
	n := start(t, func(cfg *Config) {
		cfg.Clock = c
		cfg.Authenticator = tokens{"short": auth.Principal{UserID: "ana", Expires: time.Now().Add(time.Minute)}}
	})
	l := n.listen("/api/realtime/events", as("short"))
	l.next()
	if e := l.next(); e.Type != "CONNECT" || !e.Payload.AuthRequired {
		t.Errorf("event %+v", e)
	}
	c.add(90 * time.Second)
	if e := l.until("DISCONNECT"); !strings.Contains(e.Payload.Reason, "token") {
		t.Errorf("event %+v", e)
	}
}

package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/session"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/memjournal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is a server on a port of its own.
type node struct {
	t        *testing.T
	api      *API
	hub      *room.Hub
	sessions *session.Server
	url      string
	log      *safeBuffer
}

// tokens is an Authenticator that knows its principals by their tokens.
type tokens map[string]auth.Principal

func (a tokens) Authenticate(_ context.Context, c auth.Credentials) (auth.Principal, error) {
	if c.Token == "broken" {
		return auth.Principal{}, fmt.Errorf("the directory is away")
	}
	p, ok := a[c.Token]
	if !ok {
		return p, fmt.Errorf("%w: unknown token", auth.ErrUnauthenticated)
	}
	return p, nil
}

// people are signed in by their names; team-1 is what they share.
var people = tokens{
	"ana": {UserID: "ana", Grants: []auth.Grant{{Pattern: "team-*", Role: auth.Owner}}},
	"bo":  {UserID: "bo", Grants: []auth.Grant{{Pattern: "team-*", Role: auth.Editor}}},
	"fay": {UserID: "fay", Grants: []auth.Grant{{Pattern: "team-*", Role: auth.Feeder}}},
	"cy":  {UserID: "cy", Grants: []auth.Grant{{Pattern: "team-*", Role: auth.Viewer}}},
	"dot": {UserID: "dot"},
	"op":  {UserID: "op", Admin: true},
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// movable is the machine's clock plus what a test adds.
type movable struct {
	clock.Real
	mu    sync.Mutex
	ahead time.Duration
}

func (m *movable) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Now().Add(m.ahead)
}

func (m *movable) add(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ahead += d
}

// still is a clock that stands: a rate gives what it has at first and nothing more, however
// long a test takes. It is ahead by an hour, so that no deadline is met.
type still struct {
	clock.Real
	at time.Time
}

func standing() still { return still{at: time.Now().Add(time.Hour)} }

func (s still) Now() time.Time { return s.at }

// start runs a server until the test ends; change may alter its settings.
func start(t *testing.T, change func(*Config)) *node {
	t.Helper()
	return startOn(t, memjournal.New(memjournal.Options{}), change)
}

func startOn(t *testing.T, j journal.Journal, change func(*Config)) *node {
	t.Helper()
	return startWith(t, j, change, func(*session.Config) {})
}

func startWith(t *testing.T, j journal.Journal, change func(*Config), sessions func(*session.Config)) *node {
	t.Helper()
	n := &node{t: t, log: &safeBuffer{}}
	var mu sync.Mutex
	serial := 0
	cfg := Config{
		Journal: j, Authorizer: auth.Grants{}, Clock: clock.Real{}, Log: slog.New(slog.NewTextHandler(n.log, nil)),
		NewID: func() string {
			mu.Lock()
			defer mu.Unlock()
			serial++
			return fmt.Sprintf("made-%d", serial)
		},
	}
	if change != nil {
		change(&cfg)
	}
	cfg.Limits = cfg.Limits.WithDefaults()
	n.hub = room.NewHub(room.Config{
		Journal: j, Clock: cfg.Clock, Rand: rand.New(rand.NewPCG(1, 2)), NewID: cfg.NewID, Log: cfg.Log,
		Limits: board.Limits{DocumentBytes: cfg.Limits.DocumentBytes, Widgets: cfg.Limits.Widgets, Operations: cfg.Limits.Operations},
	})
	sc := session.Config{
		Hub: n.hub, Authenticator: cfg.Authenticator, Authorizer: cfg.Authorizer, Clock: cfg.Clock,
		Rand: rand.New(rand.NewPCG(3, 4)), NewID: cfg.NewID, Log: cfg.Log, Limits: cfg.Limits,
	}
	sessions(&sc)
	n.sessions = session.NewServer(sc)
	cfg.Hub, cfg.Sessions = n.hub, n.sessions
	n.api = New(cfg)
	server := httptest.NewServer(n.api)
	n.url = server.URL

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = n.hub.Run(ctx)
	}()
	t.Cleanup(func() {
		gone, now := context.WithCancel(context.Background())
		now()
		n.sessions.Drain(gone, 0)
		server.CloseClientConnections()
		server.Close()
		cancel()
		<-done
	})
	return n
}

// signedIn has people sign in.
func signedIn(c *Config) { c.Authenticator = people }

// reply is an answer that has been read.
type reply struct {
	t      *testing.T
	Status int
	Header http.Header
	Body   []byte
}

// header is a line of a request.
type header struct{ name, value string }

func as(user string) header      { return header{"Authorization", "Bearer " + user} }
func key(id string) header       { return header{keyHeader, id} }
func onBase(v string) header     { return header{baseHeader, v} }
func ifMatch(tag string) header  { return header{"If-Match", tag} }
func from(origin string) header  { return header{"Origin", origin} }
func client(id string) header    { return header{clientHeader, id} }
func host(name string) header    { return header{"Host", name} }
func cookie(value string) header { return header{"Cookie", value} }

func (n *node) request(method, path, body string, lines ...header) *http.Request {
	n.t.Helper()
	var b io.Reader
	if body != "" {
		b = strings.NewReader(body)
	}
	r, err := http.NewRequest(method, n.url+path, b)
	if err != nil {
		n.t.Fatal(err)
	}
	if body != "" && !slices.ContainsFunc(lines, func(h header) bool { return h.name == "Content-Type" }) {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range lines {
		switch {
		case h.name == "Host":
			r.Host = h.value
		case h.value == "":
			r.Header.Del(h.name)
		default:
			r.Header.Add(h.name, h.value)
		}
	}
	return r
}

func (n *node) do(method, path, body string, lines ...header) *reply {
	n.t.Helper()
	return n.send(n.request(method, path, body, lines...))
}

// noRedirects answers a redirect as it is.
var noRedirects = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (n *node) send(r *http.Request) *reply {
	n.t.Helper()
	resp, err := noRedirects.Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return &reply{t: n.t, Status: resp.StatusCode, Header: resp.Header, Body: body}
}

// dial connects to the server for a minute at most.
func (n *node) dial() net.Conn {
	n.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(n.url, "http://"))
	if err == nil {
		err = conn.SetDeadline(time.Now().Add(time.Minute))
	}
	if err != nil {
		n.t.Fatal(err)
	}
	return conn
}

// raw sends bytes as they are.
func (n *node) raw(text string) *reply {
	n.t.Helper()
	conn := n.dial()
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		n.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return &reply{t: n.t, Status: resp.StatusCode, Header: resp.Header, Body: body}
}

// in is the same server for a subtest.
func (n *node) in(t *testing.T) *node {
	return &node{t: t, api: n.api, hub: n.hub, sessions: n.sessions, url: n.url, log: n.log}
}

// want checks the status and gives the reply on.
func (r *reply) want(status int) *reply {
	r.t.Helper()
	if r.Status != status {
		r.t.Fatalf("status %d, want %d: %s", r.Status, status, r.Body)
	}
	return r
}

// refused checks that the reply is a problem document with a status and code.
func (r *reply) refused(status int, code board.Code) *reply {
	r.t.Helper()
	r.want(status)
	if got := r.Header.Get("Content-Type"); got != "application/problem+json" {
		r.t.Fatalf("content type %q: %s", got, r.Body)
	}
	var p struct {
		Type, Title, Code, Detail, RequestID string
		Status                               int
	}
	r.into(&p)
	if p.Code != string(code) || p.Status != status || p.Title != http.StatusText(status) || p.Type != "about:blank" || p.Detail == "" || p.RequestID == "" {
		r.t.Fatalf("problem %s, want %s", r.Body, code)
	}
	return r
}

func (r *reply) into(v any) {
	r.t.Helper()
	if err := json.Unmarshal(r.Body, v); err != nil {
		r.t.Fatalf("%v: %s", err, r.Body)
	}
}

// at gives a member of the reply as JSON text, by a path of keys and indexes.
func (r *reply) at(path ...any) string {
	r.t.Helper()
	var v any
	dec := json.NewDecoder(bytes.NewReader(r.Body))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		r.t.Fatalf("%v: %s", err, r.Body)
	}
	for _, step := range path {
		switch k := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			member, there := m[k]
			if !there {
				return ""
			}
			v = member
		case int:
			list, _ := v.([]any)
			if k >= len(list) {
				return ""
			}
			v = list[k]
		}
	}
	text, err := json.Marshal(v)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// has checks a member of the reply.
func (r *reply) has(want string, path ...any) *reply {
	r.t.Helper()
	if got := r.at(path...); got != want {
		r.t.Fatalf("%v is %s, want %s, in %s", path, got, want, r.Body)
	}
	return r
}

// create makes a dashboard with one widget.
func (n *node) create(id string, lines ...header) *reply {
	n.t.Helper()
	return n.do("POST", "/api/dashboards", `{"id":"`+id+`","title":"Operations","document":{"widgets":{"cpu":{"type":"gauge","title":"CPU","config":{"unit":"%"}}}}}`, lines...).want(201)
}

// replaceID puts an id in the place of %s.
func replaceID(path, id string) string { return strings.Replace(path, "%s", id, 1) }

// anonymous is the whole of an answer, header and body, without what tells two
// requests apart.
func anonymous(r *reply, id string) string {
	var body map[string]any
	r.into(&body)
	delete(body, "requestId")
	r.Header.Del("Date")
	r.Header.Del("Content-Length")
	text, err := json.Marshal([]any{r.Status, r.Header, body})
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), id, "ID")
}

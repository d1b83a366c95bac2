package dashwire_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/auth/callout"
	"github.com/dashwire/dashwire/auth/httpsig"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/client"
)

// directory is the app: it knows roles, and checks who asks.
type directory struct {
	t        *testing.T
	verifier *httpsig.Verifier

	mu    sync.Mutex
	roles map[string]string // by user; "" = the app fails
	age   int               // of answers, in seconds
}

func (d *directory) set(user, role string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.roles[user] = role
}

func (d *directory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.URL.Scheme, r.URL.Host = "http", r.Host
	if _, err := d.verifier.Verify(r); err != nil {
		d.t.Errorf("the question is not signed: %v", err)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	var q struct{ UserID, DashboardID string }
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &q); err != nil {
		d.t.Error(err)
	}
	d.mu.Lock()
	role, age := d.roles[q.UserID], d.age
	d.mu.Unlock()
	if role == "" {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, `{"role":%q,"maxAgeSeconds":%d}`, role, age)
}

// namesakes signs people in by their names.
type namesakes struct{}

func (namesakes) Authenticate(_ context.Context, c auth.Credentials) (auth.Principal, error) {
	return auth.Principal{UserID: c.Token}, nil
}

// asks runs a server that asks an app for rights, over HTTP.
func asks(t *testing.T, age int, roles map[string]string) (*dashwire.Server, *directory, func(user string, heard ...func(client.Event)) *client.Client) {
	t.Helper()
	key, err := httpsig.NewKey("dashwire", httpsig.HMACSHA256, []byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := httpsig.NewVerifier(httpsig.Config{Keys: []httpsig.Key{key}, Since: time.Now().Add(-time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	d := &directory{t: t, verifier: verifier, roles: roles, age: age}
	app := httptest.NewServer(d)
	t.Cleanup(app.Close)
	rights, err := callout.New(callout.Config{
		URL: app.URL, Log: slog.New(slog.DiscardHandler),
		Prepare: func(r *http.Request) error { return httpsig.Sign(r, key, httpsig.SignOptions{}) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rights.Close)
	srv, web := serve(t, dashwire.Config{Authenticator: namesakes{}, Authorizer: rights, Log: slog.New(slog.DiscardHandler)})
	return srv, d, func(user string, heard ...func(client.Event)) *client.Client {
		t.Helper()
		o := client.Options{URL: web.URL, Token: user}
		if len(heard) > 0 {
			o.OnEvent = heard[0]
		}
		c, err := client.Dial(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
}

func subscribe(t *testing.T, c *client.Client, id string) *client.Dashboard {
	t.Helper()
	d, err := c.Subscribe(t.Context(), id, client.Follow{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func isCode(err error, code board.Code) bool {
	var refusal *board.Error
	return errors.As(err, &refusal) && refusal.Code == code
}

// within waits for what P4 gives five seconds for; the deadline is there for a test that
// would wait for ever.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestP4_AnAppThatIsAskedChangesItsMind(t *testing.T) {
	srv, app, dial := asks(t, 1, map[string]string{"ana": "owner", "bo": "viewer", "cy": "none"})
	// What the app does in its own process is not asked for.
	if _, err := srv.Submit(t.Context(), dashwire.App("setup"), []byte(createCPU)); err != nil {
		t.Fatal(err)
	}
	a, b := subscribe(t, dial("ana"), "ops"), subscribe(t, dial("bo"), "ops")
	if _, err := dial("cy").Subscribe(t.Context(), "ops", client.Follow{}); !isCode(err, board.CodeNotFound) {
		t.Errorf("cy: %v", err)
	}
	title := func(d *client.Dashboard, text string) error {
		_, err := d.Do(t.Context(), client.Op{Type: client.WidgetUpdate, WidgetID: "cpu", Set: map[string]any{"/title": text}})
		return err
	}
	if err := title(b, "mine"); !isCode(err, board.CodeForbidden) {
		t.Errorf("a viewer's edit: %v", err)
	}
	// The answers end by themselves, are asked for anew, and the change is told.
	app.set("bo", "editor")
	if err := b.Wait(within(t), func(v client.View) bool { return v.Role == "editor" }); err != nil {
		t.Fatal(err)
	}
	if err := title(b, "ours"); err != nil {
		t.Fatal(err)
	}
	app.set("bo", "none")
	if err := b.Wait(within(t), func(client.View) bool { return false }); !isCode(err, board.CodeForbidden) {
		t.Errorf("bo: %v", err)
	}
	if err := title(a, "secret"); err != nil {
		t.Fatal(err)
	}
	if v := b.View(); v.Version != 2 {
		t.Errorf("bo has heard version %d after the end", v.Version)
	}
}

func TestP4_AnAdministratorHasTheAppAskedAnew(t *testing.T) {
	srv, app, dial := asks(t, 3600, map[string]string{"ana": "owner", "bo": "editor"})
	a, b := subscribe(t, dial("ana"), "ops"), subscribe(t, dial("bo"), "ops")
	app.set("ana", "viewer")
	app.set("bo", "viewer")
	if n := srv.RereadRights("bo"); n != 1 {
		t.Errorf("%d sessions", n)
	}
	if err := b.Wait(within(t), func(v client.View) bool { return v.Role == "viewer" }); err != nil {
		t.Fatal(err)
	}
	if v := a.View(); v.Role != "owner" {
		t.Errorf("ana is %s already", v.Role)
	}
	srv.RereadRights("")
	if err := a.Wait(within(t), func(v client.View) bool { return v.Role == "viewer" }); err != nil {
		t.Fatal(err)
	}
}

func TestP4_AnAppThatIsAwayGrantsNothing(t *testing.T) {
	srv, app, dial := asks(t, 1, map[string]string{"ana": "owner"})
	sentAway := make(chan error, 100)
	c := dial("ana", func(e client.Event) {
		if e.State == client.Waiting {
			sentAway <- e.Err
		}
	})
	d := subscribe(t, c, "ops")
	app.set("ana", "")
	// The session ends, and comes back; what it asks for then has to wait.
	select {
	case err := <-sentAway:
		if err == nil || !strings.Contains(err.Error(), "rights cannot be checked") {
			t.Errorf("sent away with %v", err)
		}
	case <-within(t).Done():
		t.Fatal("nothing is heard of an app that is away")
	}
	if _, err := srv.Submit(t.Context(), auth.Principal{UserID: "ana"}, []byte(createCPU)); !isCode(err, board.CodeUnavailable) {
		t.Errorf("an op: %v", err)
	}
	app.set("ana", "editor")
	if err := d.Wait(within(t), func(v client.View) bool { return v.Role == "editor" }); err != nil {
		t.Fatal(err)
	}
}

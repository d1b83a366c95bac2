package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/journal/memjournal"
	"github.com/dashwire/dashwire/webhook"
	"github.com/dashwire/dashwire/webhook/sqlitestore"
)

// signed gives the headers of a message.
func signed(t *testing.T, secret, id string, at time.Time, body string) http.Header {
	t.Helper()
	s, err := webhook.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", fmt.Sprint(at.Unix()))
	h.Set("webhook-signature", s.Sign(id, at, []byte(body)))
	return h
}

// TestVerifier holds the receiver against forged, old, cut and repeated messages.
func TestVerifier(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	old, fresh := webhook.NewSecret(), webhook.NewSecret()
	v, err := newVerifier([]string{fresh, old}, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"type":"x"}`
	good := func() http.Header { return signed(t, fresh, "msg_1", now, body) }
	set := func(name, value string) func(http.Header) {
		return func(h http.Header) { h.Set(name, value) }
	}
	for _, tc := range []struct {
		name   string
		header http.Header
		change func(http.Header)
		body   string
		ok     bool
	}{
		{"a good one", good(), nil, body, true},
		{"by the old secret", signed(t, old, "msg_1", now, body), nil, body, true},
		{"by both", good(), func(h http.Header) {
			h.Set("webhook-signature", signed(t, webhook.NewSecret(), "msg_1", now, body).Get("webhook-signature")+" "+h.Get("webhook-signature"))
		}, body, true},
		{"beside a signature of another kind", good(), func(h http.Header) {
			h.Set("webhook-signature", "v1a,AAAA "+h.Get("webhook-signature"))
		}, body, true},
		{"five minutes old", signed(t, fresh, "msg_1", now.Add(-tolerance), body), nil, body, true},
		{"older", signed(t, fresh, "msg_1", now.Add(-tolerance-time.Second), body), nil, body, false},
		{"from the future", signed(t, fresh, "msg_1", now.Add(tolerance+time.Second), body), nil, body, false},
		{"by another secret", signed(t, webhook.NewSecret(), "msg_1", now, body), nil, body, false},
		{"another body", good(), nil, body + " ", false},
		{"another id", good(), set("webhook-id", "msg_2"), body, false},
		{"another time", good(), set("webhook-timestamp", fmt.Sprint(now.Unix()+1)), body, false},
		{"no time", good(), set("webhook-timestamp", "soon"), body, false},
		{"no id", good(), set("webhook-id", ""), body, false},
		{"no signature", good(), set("webhook-signature", ""), body, false},
		{"a signature cut short", good(), func(h http.Header) { h.Set("webhook-signature", h.Get("webhook-signature")[:20]) }, body, false},
		{"a MAC of four bytes", good(), func(h http.Header) {
			mac, _ := base64.StdEncoding.DecodeString(h.Get("webhook-signature")[3:])
			h.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac[:4]))
		}, body, false},
		{"an empty MAC", good(), set("webhook-signature", "v1,"), body, false},
		{"no version", good(), func(h http.Header) { h.Set("webhook-signature", h.Get("webhook-signature")[3:]) }, body, false},
	} {
		if tc.change != nil {
			tc.change(tc.header)
		}
		if err := v.check(tc.header, []byte(tc.body)); (err == nil) != tc.ok || err != nil && !errors.Is(err, errForged) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}

	worked := 0
	work := func() error { worked++; return nil }
	failing := errors.New("not now")
	if err := v.once(good(), []byte(body), func() error { return failing }); !errors.Is(err, failing) {
		t.Errorf("%v", err)
	}
	for range 3 {
		if err := v.once(good(), []byte(body), work); err != nil {
			t.Fatal(err)
		}
	}
	if worked != 1 {
		t.Errorf("the work of one message was done %d times", worked)
	}
	now = now.Add(2*tolerance + time.Second)
	if err := v.once(signed(t, fresh, "msg_3", now, body), []byte(body), work); err != nil || len(v.seen) != 1 {
		t.Errorf("%v; %d ids are remembered", err, len(v.seen))
	}
	for _, secrets := range [][]string{nil, {"x"}, {"whsec_AAAA"}} {
		if _, err := newVerifier(secrets, time.Now); err == nil {
			t.Errorf("the secrets %q are taken", secrets)
		}
	}
}

// lines collects what is printed.
type lines struct {
	mu     sync.Mutex
	text   string
	change chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text += string(p)
	close(l.change)
	l.change = make(chan struct{})
	return len(p), nil
}

// TestReceiver has a real server tell it of edits.
func TestReceiver(t *testing.T) {
	secret := webhook.NewSecret()
	check, err := newVerifier([]string{secret}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	out := &lines{change: make(chan struct{})}
	hook := httptest.NewServer(&receiver{check: check, out: out, told: make(map[string]uint64)})
	defer hook.Close()
	key, err := webhook.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "hooks.db"))
	if err != nil {
		t.Fatal(err)
	}
	srv, err := dashwire.New(dashwire.Config{
		Journal: memjournal.New(memjournal.Options{}), Drain: -1, Log: slog.New(slog.DiscardHandler),
		Webhooks: webhook.Config{Store: store, Targets: []webhook.Target{{
			Name: "example", URL: hook.URL, Secrets: []webhook.Secret{key}, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx) }()
	defer func() {
		stop()
		if err := errors.Join(<-ended, store.Close()); err != nil {
			t.Error(err)
		}
	}()
	for i := range 3 {
		edit := fmt.Sprintf(`{"type":"WIDGET_UPDATE","id":"op-%d","payload":{"dashboardId":"ops","widgetId":"w%[1]d","create":true}}`, i)
		if _, err := srv.Submit(ctx, dashwire.App("ana"), []byte(edit)); err != nil {
			t.Fatal(err)
		}
	}
	const want = "ops version 1: WIDGET_UPDATE by ana\nops version 2: WIDGET_UPDATE by ana\nops version 3: WIDGET_UPDATE by ana\n"
	for over := time.After(time.Minute); ; {
		out.mu.Lock()
		text, change := out.text, out.change
		out.mu.Unlock()
		if text == want {
			return
		}
		select {
		case <-change:
		case <-over:
			t.Fatalf("it printed\n%s", text)
		}
	}
}

func TestReceiver_RefusesOthers(t *testing.T) {
	check, err := newVerifier([]string{webhook.NewSecret()}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	out := &lines{change: make(chan struct{})}
	w := httptest.NewRecorder()
	(&receiver{check: check, out: out}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"type":"x"}`)))
	if w.Code != http.StatusUnauthorized || out.text != "" {
		t.Errorf("%d, and it printed %q", w.Code, out.text)
	}
}

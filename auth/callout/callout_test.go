package callout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/dashwire/dashwire/auth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ auth.Watcher = (*Authorizer)(nil)

// ana asks about ops.
var ana = auth.Principal{UserID: "ana", TokenID: "t-1"}

// app is an app on a port of its own.
func app(t *testing.T, h http.HandlerFunc, change func(*Config)) *Authorizer {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	cfg := Config{URL: srv.URL + "/rights", Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

func TestP1_TheAppIsAsked(t *testing.T) {
	var got []*http.Request
	var bodies []string
	a := app(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got, bodies = append(got, r), append(bodies, string(body))
		_, _ = io.WriteString(w, `{"role":"editor","maxAgeSeconds":10,"more":[]}`)
	}, func(c *Config) {
		c.Prepare = func(r *http.Request) error { r.Header.Set("Authorization", "Bearer s3cret"); return nil }
	})
	for range 3 {
		if role, err := a.Role(t.Context(), ana, "ops"); role != auth.Editor || err != nil {
			t.Fatal(role, err)
		}
	}
	if role, err := a.Role(t.Context(), auth.Principal{UserID: "bo"}, "ops"); role != auth.Editor || err != nil {
		t.Fatal(role, err)
	}
	if len(got) != 2 {
		t.Fatalf("%d questions", len(got))
	}
	r := got[0]
	if r.Method != "POST" || r.URL.Path != "/rights" || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Authorization") != "Bearer s3cret" {
		t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
	}
	if bodies[0] != `{"userId":"ana","tokenId":"t-1","dashboardId":"ops"}` || bodies[1] != `{"userId":"bo","dashboardId":"ops"}` {
		t.Errorf("bodies %s", bodies)
	}
}

func TestP1_WhatIsAnAnswer(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		role       auth.Role
		counts     time.Duration // 0 = no answer
	}{
		{"P1 a role", `{"role":"viewer"}`, auth.Viewer, 30 * time.Second},
		{"P1 owner", `{"role":"owner","maxAgeSeconds":90}`, auth.Owner, 90 * time.Second},
		{"P1 none", `{"role":"none","maxAgeSeconds":60}`, auth.None, time.Minute},
		{"P1 null is none", `{"role":null}`, auth.None, 30 * time.Second},
		{"P1 a second at least", `{"role":"feeder","maxAgeSeconds":0}`, auth.Feeder, time.Second},
		{"P1 an hour at most", `{"role":"feeder","maxAgeSeconds":1e300}`, auth.Feeder, time.Hour},
		{"P1 parts of a second", `{"role":"feeder","maxAgeSeconds":1.5}`, auth.Feeder, 1500 * time.Millisecond},
		{"P1 no role", `{}`, 0, 0},
		{"P1 an empty role", `{"role":""}`, 0, 0},
		{"P1 another role", `{"role":"admin"}`, 0, 0},
		{"P1 a role in other case", `{"role":"Owner"}`, 0, 0},
		{"P1 a role that is no text", `{"role":4}`, 0, 0},
		{"P1 an age below nothing", `{"role":"owner","maxAgeSeconds":-1}`, 0, 0},
		{"P1 an age that is text", `{"role":"owner","maxAgeSeconds":"60"}`, 0, 0},
		{"P1 two roles", `{"role":"viewer","role":"owner"}`, 0, 0},
		{"P1 a list", `["owner"]`, 0, 0},
		{"P1 a text", `"owner"`, 0, 0},
		{"P1 null", `null`, 0, 0},
		{"P1 nothing", ``, 0, 0},
		{"P1 a page", `<html>owner</html>`, 0, 0},
		{"P1 something behind it", `{"role":"owner"}{}`, 0, 0},
		{"P1 too long", `{"role":"owner","more":"` + strings.Repeat("x", maxAnswer) + `"}`, 0, 0},
		{"P1 too deep", `{"role":"owner","more":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := app(t, says(tc.body), nil)
			role, err := a.Role(t.Context(), ana, "ops")
			if tc.counts == 0 {
				if role != auth.None || err == nil {
					t.Fatalf("%v %v, want an error", role, err)
				}
				return
			}
			if err != nil || role != tc.role {
				t.Fatal(role, err)
			}
			got, err := a.parse([]byte(tc.body))
			if err != nil || got.counts != tc.counts {
				t.Errorf("counts %s, want %s (%v)", got.counts, tc.counts, err)
			}
		})
	}
}

func TestP1_WhatIsNoAnswer(t *testing.T) {
	elsewhere := httptest.NewServer(says(`{"role":"owner"}`))
	defer elsewhere.Close()
	hang := make(chan struct{})
	defer close(hang)
	for name, h := range map[string]http.HandlerFunc{
		"P1 a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
		"P1 a redirect with a role": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(307)
			_, _ = io.WriteString(w, `{"role":"owner"}`)
		},
		"P1 a refusal": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(403)
			_, _ = io.WriteString(w, `{"role":"owner"}`)
		},
		"P1 created": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(201)
			_, _ = io.WriteString(w, `{"role":"owner"}`)
		},
		"P1 a fault": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"P1 it breaks off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"role":"owner"}`)
		},
		"P1 it hangs": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		},
		"P1 the body hangs": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"role":"owner"`)
			w.(http.Flusher).Flush()
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := app(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				h(w, r)
			}, func(c *Config) { c.Timeout = 200 * time.Millisecond })
			if role, err := a.Role(t.Context(), ana, "ops"); role != auth.None || err == nil || errors.Is(err, auth.ErrUnauthenticated) {
				t.Errorf("%v %v", role, err)
			}
			if s := a.Stats(); s.Asked != 1 || s.Failed != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
	t.Run("P1 nobody is there", func(t *testing.T) {
		a := app(t, says(""), func(c *Config) { c.URL = "http://127.0.0.1:1/?key=s3cret" })
		if _, err := a.Role(t.Context(), ana, "ops"); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Error(err)
		}
	})
	t.Run("P1 the question cannot be signed", func(t *testing.T) {
		a := app(t, says(`{"role":"owner"}`), func(c *Config) { c.Prepare = func(*http.Request) error { return errors.New("no key") } })
		if role, err := a.Role(t.Context(), ana, "ops"); role != auth.None || err == nil {
			t.Error(role, err)
		}
	})
}

func TestConfig(t *testing.T) {
	for _, tc := range []struct {
		cfg Config
		bad string // "" = good
	}{
		{Config{URL: "http://127.0.0.1:8081/rights"}, ""},
		{Config{URL: "http://localhost:8081"}, ""},
		{Config{URL: "http://[::1]:8081"}, ""},
		{Config{URL: "https://app.example.com/rights?x=1"}, ""},
		{Config{URL: "http://app.internal/rights", Plain: true}, ""},
		{Config{URL: "http://app.internal/rights"}, "use https"},
		{Config{URL: "http://localhost.evil.example/rights"}, "use https"},
		{Config{URL: "https://u:p4ss@app.example.com"}, "in a header"},
		{Config{URL: ""}, "no address"},
		{Config{URL: "unix:///run/app"}, "no address"},
		{Config{URL: "https://app.example.com/#x"}, "no address"},
		{Config{URL: "https://a", Timeout: time.Minute}, "timeout"},
		{Config{URL: "https://a", Timeout: -1}, "timeout"},
		{Config{URL: "https://a", CacheFor: time.Millisecond}, "answers count"},
		{Config{URL: "https://a", CacheFor: 2 * time.Hour}, "answers count"},
		{Config{URL: "https://a", Grace: 2 * time.Hour}, "grace"},
		{Config{URL: "https://a", MaxEntries: -1}, "number of answers"},
		{Config{URL: "https://a", MaxConns: -1}, "number of connections"},
	} {
		a, err := New(tc.cfg)
		switch {
		case tc.bad == "" && err != nil:
			t.Errorf("%+v: %v", tc.cfg, err)
		case tc.bad == "":
			a.Close()
		case err == nil || !strings.Contains(err.Error(), tc.bad) || strings.Contains(err.Error(), "p4ss"):
			t.Errorf("%+v: %v, want %q", tc.cfg, err, tc.bad)
		}
	}
}

func TestP4_AnAnswerCountsUntilItsEnd(t *testing.T) {
	scripted(t, nil, func(t *testing.T, a *Authorizer, app *script) {
		a.wants(t, "ops", auth.Editor)
		app.set("none")
		after(9 * time.Second)
		a.wants(t, "ops", auth.Editor)
		after(time.Second)
		a.wants(t, "ops", auth.None)
		a.wants(t, "ops", auth.None) // none is kept like any other
		if n := app.count("ops"); n != 2 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestP4_ItFailsClosed(t *testing.T) {
	scripted(t, nil, func(t *testing.T, a *Authorizer, app *script) {
		a.wants(t, "ops", auth.Editor)
		app.set("")
		after(10 * time.Second)
		a.unknown(t, "ops")
		for range 100 { // an app that is away is not asked for each message
			a.unknown(t, "ops")
		}
		if n := app.count("ops"); n != 2 {
			t.Errorf("asked %d times", n)
		}
		app.set("viewer")
		after(failedFor)
		a.wants(t, "ops", auth.Viewer)
	})
}

func TestP4_TheGraceIsBounded(t *testing.T) {
	scripted(t, func(c *Config) { c.Grace = 20 * time.Second }, func(t *testing.T, a *Authorizer, app *script) {
		a.wants(t, "ops", auth.Editor)
		app.set("")
		after(10 * time.Second)
		a.wants(t, "ops", auth.Editor) // after the first question without an answer
		after(19 * time.Second)
		a.wants(t, "ops", auth.Editor)
		after(time.Second)
		a.unknown(t, "ops")
		// What was forgotten has no grace.
		app.set("editor")
		after(failedFor)
		a.wants(t, "ops", auth.Editor)
		app.set("")
		a.Forget("ana")
		a.unknown(t, "ops")
		a.unknown(t, "ops")
	})
}

func TestP4_OneQuestionAtATime(t *testing.T) {
	scripted(t, nil, func(t *testing.T, a *Authorizer, app *script) {
		app.change(func() { app.delay = time.Second })
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { a.wants(t, "ops", auth.Editor) })
		}
		// Another question is not held up by them, nor by who has given up.
		gone, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := a.Role(gone, ana, "ops"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		began := time.Now()
		a.wants(t, "eu", auth.Editor)
		if took := time.Since(began); took != time.Second {
			t.Errorf("the other took %s", took)
		}
		all.Wait()
		if n := app.count("ops"); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestP4_TheTimeoutIsThatOfAWait(t *testing.T) {
	scripted(t, nil, func(t *testing.T, a *Authorizer, app *script) {
		app.change(func() { app.delay = time.Minute })
		began := time.Now()
		a.unknown(t, "ops")
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("waited %s", took)
		}
	})
}

func TestP4_MemoryIsBounded(t *testing.T) {
	scripted(t, func(c *Config) { c.MaxEntries = 100 }, func(t *testing.T, a *Authorizer, app *script) {
		app.change(func() { app.age = 3600 })
		_, stop := a.watched("ops")
		defer stop()
		a.wants(t, "ops", auth.Editor)
		for i := range 1000 {
			a.wants(t, fmt.Sprintf("d-%d", i), auth.Editor)
		}
		if s := a.Stats(); s.Entries > 100 || s.Watched != 1 {
			t.Errorf("%+v", s)
		}
		a.wants(t, "ops", auth.Editor)
		if n := app.count("ops"); n != 1 {
			t.Errorf("a followed answer was dropped")
		}
	})
}

func TestP4_CloseEndsEverything(t *testing.T) {
	scripted(t, nil, func(t *testing.T, a *Authorizer, app *script) {
		told, stop := a.watched("ops")
		defer stop()
		a.wants(t, "ops", auth.Editor)
		app.change(func() { app.delay = time.Hour })
		failed := make(chan error, 1)
		go func() {
			_, err := a.Role(t.Context(), ana, "eu")
			failed <- err
		}()
		synctest.Wait()
		a.Close()
		if err := <-failed; err == nil {
			t.Error("an answer after Close")
		}
		a.unknown(t, "us")
		after(time.Minute)
		told.is(t, 0)
	})
}

func TestP4_TheLogTellsOfAnOutageOnce(t *testing.T) {
	var log bytes.Buffer
	scripted(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) }, func(t *testing.T, a *Authorizer, app *script) {
		app.set("")
		for i := range 100 {
			a.unknown(t, fmt.Sprintf("d-%d", i))
		}
		app.set("viewer")
		a.wants(t, "ops", auth.Viewer)
		synctest.Wait()
		text := log.String()
		if n := strings.Count(text, "does not tell"); n != 1 {
			t.Errorf("%d lines:\n%s", n, text)
		}
		if !strings.Contains(text, "answers again") || !strings.Contains(text, "connection refused") || strings.Contains(text, "ana") {
			t.Errorf("log:\n%s", text)
		}
	})
}

// TestC8_OnlyAQuestionIsWaitedFor: whoever has to wait for the app says so once, and who
// finds the answer in memory does not.
func TestC8_OnlyAQuestionIsWaitedFor(t *testing.T) {
	waits, waiting := 0, 0
	ctx := auth.OnWaiting(t.Context(), func() func() {
		waits++
		waiting++
		return func() { waiting-- }
	})
	asked := 0
	a := app(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = io.WriteString(w, `{"role":"editor"}`)
	}, nil)
	for range 3 {
		if role, err := a.Role(ctx, ana, "ops"); role != auth.Editor || err != nil {
			t.Fatal(role, err)
		}
		if asked != 1 || waits != 1 || waiting != 0 {
			t.Errorf("asked %d times, waited %d times, %d wait still", asked, waits, waiting)
		}
	}
}

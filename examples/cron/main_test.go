package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/journal/memjournal"
)

func TestCron(t *testing.T) {
	srv, err := dashwire.New(dashwire.Config{Journal: memjournal.New(memjournal.Options{}), Drain: -1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- srv.Run(ctx) }()
	var lost atomic.Bool
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !lost.Swap(true) { // the first answer is lost after the edit was made
			srv.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		srv.ServeHTTP(w, r)
	}))
	defer ts.Close()
	j := &job{server: ts.URL, dashboard: "jobs", widget: "backup"}

	title := func() string {
		t.Helper()
		doc, _, err := srv.Document(t.Context(), "jobs")
		if err != nil {
			t.Fatal(err)
		}
		v, _ := doc.Widgets["backup"].Get("/title")
		return string(v)
	}
	if err := j.run(t.Context(), []string{"true"}); err != nil {
		t.Fatal(err)
	}
	if got := title(); got != `"backup: went well"` {
		t.Errorf("the title is %s", got)
	}
	if _, version, _ := srv.Document(t.Context(), "jobs"); version != 1 {
		t.Errorf("M8: an edit that was sent twice made version %d", version)
	}
	if err := j.run(t.Context(), []string{"false"}); err == nil {
		t.Error("a job that failed is no error")
	}
	if got := title(); got != `"backup: exit status 1"` {
		t.Errorf("the title is %s", got)
	}
	if err := j.run(t.Context(), nil); err == nil {
		t.Error("no command is no error")
	}

	// Both values are there for who looks later (W2).
	res, err := http.Post(ts.URL+"/api/realtime", "application/json", strings.NewReader(`{"type":"SYNC","since":{"jobs":null}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	v, bad := board.ParseValue(body)
	if bad != nil {
		t.Fatal(bad)
	}
	data, _ := v.Get("/updates/jobs/data/backup/data")
	points := 0
	for range data.Elements() {
		points++
	}
	if points != 2 {
		t.Errorf("%d points: %s", points, data)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/client"
)

func do(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestEmbed(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, ln, filepath.Join(t.TempDir(), "embed.db")) }()
	url := "http://" + ln.Addr().String()

	heard := make(chan client.AppMessage, 1)
	c, err := client.Dial(t.Context(), client.Options{URL: url, OnEvent: func(e client.Event) {
		if e.App != nil {
			heard <- *e.App
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	starts, err := c.Subscribe(t.Context(), "starts", client.Follow{})
	if err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = starts.Wait(soon, func(v client.View) bool { return v.Document != nil && len(v.Document.Widgets) == 1 })
	if err != nil {
		t.Fatalf("no note of the start: %v", err)
	}

	if status, body := do(t, "GET", url+"/", ""); status != 200 || !strings.Contains(body, "version 1") {
		t.Errorf("the page of the program: %d %s", status, body)
	}
	if status, body := do(t, "PATCH", url+"/api/dashboards/starts/settings", `{"title": ""}`); status != 422 || !strings.Contains(body, "needs a title") {
		t.Errorf("P5: an empty title: %d %s", status, body)
	}
	if status, body := do(t, "PATCH", url+"/api/dashboards/starts/settings", `{"title": "Starts"}`); status != 200 {
		t.Errorf("a title: %d %s", status, body)
	}
	if status, body := do(t, "POST", url+"/announce", "lunch"); status != 200 || !strings.Contains(body, "1 sessions") {
		t.Errorf("announcing: %d %s", status, body)
	}
	select {
	case m := <-heard:
		if m.Name != "announcement" || m.Data != `{"text":"lunch"}` {
			t.Errorf("heard %+v", m)
		}
	case <-soon.Done():
		t.Error("W4: nobody heard the announcement")
	}
	if status, body := do(t, "GET", url+"/metrics", ""); status != 200 || !strings.Contains(body, "dashwire_entries_committed_total") {
		t.Errorf("/metrics: %d %.100s", status, body)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

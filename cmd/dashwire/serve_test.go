package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dashwire/dashwire/internal/wire"
)

// follow opens an event stream and hands on its messages until one passes.
func follow(t *testing.T, url string) (next func(what string, ok func(wire.ServerMessage) bool) wire.ServerMessage) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		res.Body.Close()
	})
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 16<<20)
	return func(what string, ok func(wire.ServerMessage) bool) wire.ServerMessage {
		t.Helper()
		for lines.Scan() {
			data, isData := strings.CutPrefix(lines.Text(), "data: ")
			if !isData {
				continue
			}
			m, err := wire.DecodeServer([]byte(data))
			if err != nil {
				t.Fatal(err)
			}
			if ok(m) {
				return m
			}
		}
		t.Fatalf("the stream ended without %s: %v", what, lines.Err())
		return wire.ServerMessage{}
	}
}

func isSync(m wire.ServerMessage) bool { return m.Sync != nil }

func TestServe_Greets(t *testing.T) {
	dir := t.TempDir()
	p := start(t, command(t, dir, "serve", "--listen", "127.0.0.1:0", "--no-demo", "--admin-listen", "127.0.0.1:0"))
	url := p.wait(readyLine)[1]
	host := strings.TrimPrefix(url, "http://")
	if ws := p.wait(regexp.MustCompile(`^WebSocket on (\S+)$`))[1]; ws != "ws://"+host+"/api/realtime" {
		t.Errorf("WebSocket on %s", ws)
	}
	operators := p.wait(regexp.MustCompile(`^Operators on (http://\S+)/api/stats and /metrics$`))[1]
	p.wait(regexp.MustCompile(`^Data in \./dashwire\.db \(0 dashboards, [\d.]+ kB\)$`))
	p.wait(regexp.MustCompile(`^Room for [\d,]+ sessions \([\d,]+ file descriptors; `)) // C8
	for end := time.Now().Add(patience); ; {                                            // it says that it is not while the disk keeps it waiting
		status, answer := send(t, request(t, "GET", url+"/readyz", ""))
		if status == http.StatusOK {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("not ready within %s: %d: %s", patience, status, answer)
		}
	}
	if body := string(fetch(t, "GET", operators+"/metrics", "", nil)); !strings.Contains(body, "dashwire_journal_bytes ") {
		t.Errorf("/metrics has no numbers of the journal:\n%s", body)
	}
	var stats struct {
		Process struct{ Goroutines int } `json:"process"`
	}
	decode(t, fetch(t, "GET", operators+"/api/stats", "", nil), &stats)
	p.stop()
	if p.errs.String() != "" {
		t.Errorf("noise on standard error: %s", p.errs.String())
	}
}

// TestServe_Demo: the dashboard of the machine is there and its values are real.
func TestServe_Demo(t *testing.T) {
	p := serve(t, t.TempDir(), "--drain", "100ms")
	next := follow(t, p.url+"/api/realtime/events?dashboardId=machine")
	doc := next("a snapshot", isSync).Sync.Document
	if doc == nil || len(doc.Widgets) < 10 || len(doc.Layouts["main"].Items) != len(doc.Widgets) {
		t.Fatalf("the demo dashboard is %v", doc)
	}
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if title, _ := doc.Settings.Get("/title"); string(title) != strconv.Quote(name) {
		t.Errorf("the title is %s, the machine is %s", title, name)
	}
	seen := map[string]int{}
	next("values of every kind", func(m wire.ServerMessage) bool {
		if m.Data == nil {
			return false
		}
		for _, v := range m.Data.Values {
			if _, ok := doc.Widgets[v.WidgetID]; !ok {
				t.Errorf("a value of %s, which is no widget", v.WidgetID)
			}
			seen[v.WidgetID]++
		}
		return seen["cpu"] >= 2 && seen["memory"] > 0 && seen["sessions"] > 0 && seen["host"] > 0
	})
	p.stop()
}

// TestServe_DemoGoesOnWithoutAWidget: deleting a tile does not stop the others.
func TestServe_DemoGoesOnWithoutAWidget(t *testing.T) {
	p := serve(t, t.TempDir(), "--drain", "100ms")
	next := follow(t, p.url+"/api/realtime/events?dashboardId=machine")
	next("a snapshot", isSync)
	fetch(t, "DELETE", p.url+"/api/dashboards/machine/widgets/uptime", "", nil)
	next("the deletion", func(m wire.ServerMessage) bool { return m.Entry != nil })
	for range 2 {
		next("a value of another widget", func(m wire.ServerMessage) bool {
			return m.Data != nil && slices.ContainsFunc(m.Data.Values, func(v wire.DataValue) bool { return v.WidgetID == "memory" })
		})
	}
	p.stop()
}

// TestServe_DemoIsMadeOnce: what people make of it stays, deleted too.
func TestServe_DemoIsMadeOnce(t *testing.T) {
	for _, c := range []struct {
		name, method, path, body string
		want                     []string // titles
	}{
		{"edited", "PATCH", "/api/dashboards/machine/settings", `{"title":"Mine"}`, []string{"Mine"}},
		{"deleted", "DELETE", "/api/dashboards/machine", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			p := serve(t, dir)
			fetch(t, c.method, p.url+c.path, c.body, nil)
			p.stop()

			p = serve(t, dir, "--demo")
			var list struct {
				Dashboards []struct {
					Title string `json:"title"`
				} `json:"dashboards"`
			}
			decode(t, fetch(t, "GET", p.url+"/api/dashboards", "", nil), &list)
			var titles []string
			for _, d := range list.Dashboards {
				titles = append(titles, d.Title)
			}
			if !slices.Equal(titles, c.want) {
				t.Errorf("after a restart there are %q, want %q", titles, c.want)
			}
			p.stop()
		})
	}
}

func TestServe_NoDemo(t *testing.T) {
	p := serve(t, t.TempDir(), "--no-demo")
	p.stop()
	p = serve(t, p.cmd.Dir, "--no-demo")
	if body := string(fetch(t, "GET", p.url+"/api/dashboards", "", nil)); !strings.Contains(body, `"dashboards":[]`) {
		t.Errorf("there are dashboards: %s", body)
	}
	p.stop()
}

// TestC7_SignalDrains: the first signal sends sessions away with a window to come
// back, and the server ends by itself.
func TestC7_SignalDrains(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			p := serve(t, t.TempDir(), "--no-demo", "--drain", "200ms")
			next := follow(t, p.url+"/api/realtime/events")
			next("a greeting", func(m wire.ServerMessage) bool { return m.Welcome != nil })
			p.signal(s)
			p.wait(regexp.MustCompile(`^Stopping: 1 session leaves within 200ms\.`))
			bye := next("a goodbye", func(m wire.ServerMessage) bool { return m.Goodbye != nil }).Goodbye
			if bye.Code != 1012 || !bye.Reconnect || bye.AfterMax <= 0 {
				t.Errorf("sent away with %+v", bye)
			}
			if lines, code := p.end(); code != 0 || !slices.Equal(lines, []string{"Stopped."}) {
				t.Errorf("exit code %d, %q, %s", code, lines, p.errs.String())
			}
		})
	}
}

// TestC7_SecondSignalEndsAtOnce: nobody waits for an hour of draining.
func TestC7_SecondSignalEndsAtOnce(t *testing.T) {
	p := serve(t, t.TempDir(), "--no-demo", "--drain", "1h")
	for range 3 {
		next := follow(t, p.url+"/api/realtime/events")
		next("a greeting", func(m wire.ServerMessage) bool { return m.Welcome != nil })
	}
	p.signal(syscall.SIGTERM)
	p.wait(regexp.MustCompile(`^Stopping: 3 sessions leave within 1h0m0s\. Ctrl-C again stops at once\.$`))
	p.signal(syscall.SIGTERM)
	if _, code := p.end(); code != 0 {
		t.Errorf("exit code %d: %s", code, p.errs.String())
	}
}

// TestA1_WhatWasAcknowledgedIsThereAfterARestart, by a kill without warning.
func TestA1_WhatWasAcknowledgedIsThereAfterARestart(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "--no-demo")
	for i := range 20 {
		fetch(t, "PUT", fmt.Sprintf("%s/api/dashboards/ops/widgets/w%d", p.url, i), `{"type":"text"}`, nil)
	}
	p.signal(syscall.SIGKILL)
	p.end()
	p = serve(t, dir, "--no-demo")
	var doc struct {
		Version uint64         `json:"version"`
		Widgets map[string]any `json:"widgets"`
	}
	decode(t, fetch(t, "GET", p.url+"/api/dashboards/ops", "", nil), &doc)
	if doc.Version != 20 || len(doc.Widgets) != 20 {
		t.Errorf("version %d with %d widgets, want 20 and 20", doc.Version, len(doc.Widgets))
	}
	p.stop()
}

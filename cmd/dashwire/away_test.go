package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/client"
)

// ask gets a page whatever its status.
func ask(t *testing.T, url string) (status int, header http.Header, body string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

// TestA7_ANodeWithoutAQuorum: it says so, keeps its sessions, reads on from memory, and
// is back by itself.
func TestA7_ANodeWithoutAQuorum(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	c := newNatsServers(t)
	node := serve(t, t.TempDir(), append(c.flags, "--drain", "100ms")...)
	nacks := make(chan string, 1000)
	ana, err := client.Dial(ctx, client.Options{URL: node.url, UserID: "ana", OnMessage: func(m []byte) bool {
		if kind, _, _ := client.Head(m); string(kind) == "NACK" {
			nacks <- string(m)
		}
		return false
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer ana.Close()
	d, err := ana.Subscribe(ctx, "ops", client.Follow{})
	if err != nil {
		t.Fatal(err)
	}
	session := ana.SessionID()
	edit := func(id, title string) client.Op {
		return client.Op{ID: id, Type: client.WidgetUpdate, WidgetID: "cpu", Create: id == "1", Policy: board.PolicyOverwrite, Set: map[string]any{"/title": title}}
	}
	if _, err := insist(ctx, d, edit("1", "first")); err != nil {
		t.Fatal(err)
	}
	if status, _, body := ask(t, node.url+"/readyz"); status != 200 {
		t.Fatalf("readyz before: %d %s", status, body)
	}

	for name, stopped := range map[string][]int{"no quorum": {0, 1}, "no server": {0, 1, 2}} {
		t.Run(name, func(t *testing.T) {
			for _, i := range stopped {
				c.Servers[i].Stop(t)
			}
			want := "too few of its servers are there"
			if len(stopped) == 3 {
				want = "no NATS server can be reached"
			}
			until(t, "the node says why it is not ready", func() bool {
				status, _, body := ask(t, node.url+"/readyz")
				return status == 503 && strings.Contains(body, want) && !strings.Contains(body, "127.0.0.1")
			})
			if status, _, body := ask(t, node.url+"/healthz"); status != 200 {
				t.Errorf("healthz: %d %s", status, body)
			}
			var answer client.Answer
			answered := make(chan error, 1)
			go func() { // the client sends it again until it is applied
				var err error
				answer, err = d.Do(ctx, edit(fmt.Sprint("waits", len(stopped)), "waited for "+name))
				answered <- err
			}()
			if nack := <-nacks; !strings.Contains(nack, `"UNAVAILABLE"`) || !strings.Contains(nack, `"retryable":true`) {
				t.Errorf("an edit: %s, want UNAVAILABLE", nack)
			}
			status, header, body := ask(t, node.url+"/api/dashboards/ops")
			if status != 200 || header.Get("Dashwire-Stale") != "true" || !strings.Contains(body, `"cpu"`) {
				t.Errorf("reading over HTTP: %d %v %s", status, header, body)
			}
			var seen string
			bo, err := client.Dial(ctx, client.Options{URL: node.url, UserID: "bo", OnMessage: func(m []byte) bool {
				if kind, _, _ := client.Head(m); string(kind) == "SYNC_RESPONSE" {
					seen = string(m)
				}
				return false
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer bo.Close()
			late, err := bo.Subscribe(ctx, "ops", client.Follow{})
			if err != nil || len(late.View().Document.Widgets) != 1 || !strings.Contains(seen, `"stale":true`) {
				t.Errorf("somebody new: %v %s", err, seen)
			}
			if ana.SessionID() != session {
				t.Error("the session has ended")
			}

			for _, i := range stopped {
				c.Servers[i].Start(t)
			}
			if err := <-answered; err != nil || answer.Ack == nil {
				t.Fatalf("the edit that has waited: %+v, %v", answer, err)
			}
			for len(nacks) > 0 {
				<-nacks
			}
			until(t, "the node is ready again", func() bool {
				status, _, _ := ask(t, node.url+"/readyz")
				return status == 200
			})
			if _, header, _ := ask(t, node.url+"/api/dashboards/ops"); header.Get("Dashwire-Stale") != "" {
				t.Error("what is read is still marked")
			}
			if err := late.Wait(ctx, func(v client.View) bool { return v.Version == answer.Ack.Version }); err != nil {
				t.Errorf("somebody who came meanwhile is at %d, want %d: %v", late.View().Version, answer.Ack.Version, err)
			}
			if ana.SessionID() != session {
				t.Error("the session has ended")
			}
		})
	}
	node.stop()
}

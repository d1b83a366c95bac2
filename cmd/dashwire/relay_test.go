package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dashwire/dashwire/client"
)

// follower is a client of a node with what it was told.
type follower struct {
	*client.Client
	*client.Dashboard
	mu   sync.Mutex
	apps []string
	code int
}

func followAt(t *testing.T, ctx context.Context, o client.Options, dashboard string) *follower {
	t.Helper()
	f := &follower{}
	o.OnEvent = f.hear
	c, err := client.Dial(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	f.Client = c
	if f.Dashboard, err = c.Subscribe(ctx, dashboard, client.Follow{}); err != nil {
		t.Fatal(err)
	}
	return f
}

// hear keeps what concerns no single dashboard.
func (f *follower) hear(e client.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if closed := (*client.CloseError)(nil); errors.As(e.Err, &closed) {
		f.code = closed.Code
	}
	if e.App != nil {
		f.apps = append(f.apps, e.App.Name)
	}
}

func (f *follower) names() string {
	var names []string
	list, _ := f.Present()
	for _, p := range list {
		names = append(names, p.UserID+"="+string(p.State))
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func (f *follower) sees(t *testing.T, when, want string) {
	t.Helper()
	last := ""
	defer func() {
		if t.Failed() {
			t.Logf("%s: saw %q, want %q", when, last, want)
		}
	}()
	until(t, when, func() bool { last = f.names(); return last == want })
}

func (f *follower) heardApps() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.apps, " ")
}

// closedWith is the close code that it has heard, 0 = none.
func (f *follower) closedWith() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.code
}

// TestRelay_ThreeServersOnOneCluster: what is in no log reaches the clients of all nodes,
// over real connections.
func TestRelay_ThreeServersOnOneCluster(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	servers := newNatsServers(t)
	dir := t.TempDir()
	must(t, dir, "token", "--new-secret", "--secret-file", "secret")
	token := func(user string, more ...string) string {
		return strings.TrimSpace(must(t, dir, append([]string{"token", "--secret-file", "secret", "--user", user, "--expires", "1h"}, more...)...))
	}
	var nodes []*process
	for range 3 {
		nodes = append(nodes, serve(t, dir, append(servers.flags, "--drain", "100ms", "--jwt-secret-file", "secret",
			"--data", fmt.Sprintf("node%d.db", len(nodes)))...))
	}
	op := http.Header{"Authorization": {"Bearer " + token("op", "--admin")}}
	at := func(node int, user, clientID string) *follower {
		return followAt(t, ctx, client.Options{URL: nodes[node].url, Token: token(user, "--grant", "*=owner"), ClientID: clientID}, "ops.eu")
	}
	ana, bo, cy := at(0, "ana", "a"), at(1, "bo", "b"), at(2, "cy", "c")
	for _, w := range []string{"cpu", "mem"} {
		if a, err := insist(ctx, ana.Dashboard, client.Op{ID: "make-" + w, Type: client.WidgetUpdate, WidgetID: w, Create: true}); err != nil || a.Ack == nil {
			t.Fatalf("creating: %+v, %v", a, err)
		}
	}
	all := []*follower{ana, bo, cy}

	t.Run("W3", func(t *testing.T) {
		ana.SetPresence("x")
		bo.SetPresence("y")
		for _, f := range all {
			f.sees(t, "two are present", `ana="x" bo="y"`)
		}
	})
	t.Run("W1", func(t *testing.T) {
		if err := ana.SendData(ctx, "ops.eu", client.Value{WidgetID: "cpu", Data: "71.50"}); err != nil {
			t.Fatal(err)
		}
		fetch(t, "PUT", nodes[1].url+"/api/dashboards/ops.eu/widgets/mem/data", `{"data":[1,2],"window":2}`,
			http.Header{"Authorization": {"Bearer " + token("job", "--grant", "*=feeder")}})
		for _, f := range all {
			until(t, "values have come", func() bool {
				v := f.Values()
				return v["cpu"].Data == "71.50" && v["mem"].Data == "[1,2]"
			})
		}
	})
	t.Run("W4", func(t *testing.T) {
		for _, body := range []string{`{"name":"all","data":1}`, `{"name":"bo","data":1,"userId":"bo"}`, `{"name":"ops","data":1,"dashboardId":"ops.eu"}`, `{"name":"none","data":1,"dashboardId":"ops_eu"}`, `{"name":"end","data":1}`} {
			fetch(t, "POST", nodes[2].url+"/api/admin/messages", body, op)
		}
		for _, f := range all {
			want := "all ops end"
			if f == bo {
				want = "all bo ops end"
			}
			until(t, "the messages have come", func() bool { return strings.HasSuffix(f.heardApps(), "end") })
			if got := f.heardApps(); got != want {
				t.Errorf("%s heard %q, want %q", f.UserID(), got, want)
			}
		}
	})
	t.Run("C6", func(t *testing.T) {
		again := at(2, "ana", "a")
		until(t, "the older session is closed", func() bool { return ana.closedWith() == 4409 })
		again.SetPresence("z")
		bo.sees(t, "at the other node", `ana="z" bo="y"`)
		ana = again
		all[0] = again
	})
	t.Run("H4", func(t *testing.T) {
		var stats struct {
			Cluster struct {
				Others   []struct{} `json:"others"`
				Sessions int        `json:"sessions"`
			} `json:"cluster"`
		}
		until(t, "the nodes know each other", func() bool {
			decode(t, fetch(t, "GET", nodes[0].url+"/api/stats", "", op), &stats)
			return len(stats.Cluster.Others) == 2 && stats.Cluster.Sessions == 3
		})
	})
	t.Run("W3_NATSAway", func(t *testing.T) { // NATS goes away as a whole, and comes back
		for _, s := range servers.Servers {
			s.Stop(t)
		}
		if err := cy.SendData(ctx, "ops.eu", client.Value{WidgetID: "cpu", Data: "72"}); err != nil {
			t.Fatal(err)
		}
		until(t, "who is at the same node hears it", func() bool { return ana.Values()["cpu"].Data == "72" })
		cy.SetPresence("w")
		until(t, "and sees it", func() bool { return strings.Contains(ana.names(), `cy="w"`) })
		bo.sees(t, "the others have gone stale", `bo="y"`)
		for _, s := range servers.Servers {
			s.Start(t)
		}
		servers.WaitReady(t)
		for _, f := range all {
			f.sees(t, "they are back", `ana="z" bo="y" cy="w"`)
		}
		until(t, "and so are values", func() bool { return bo.Values()["cpu"].Data == "72" })
		for _, f := range all {
			if code := f.closedWith(); code != 0 {
				t.Errorf("%s was disconnected with %d", f.UserID(), code)
			}
		}
	})
	t.Run("C3", func(t *testing.T) {
		fetch(t, "POST", nodes[0].url+"/api/admin/revoke", `{"userId":"bo"}`, op)
		until(t, "the session at another node is closed", func() bool { return bo.closedWith() == 4401 })
	})
	t.Run("W3_Ends", func(t *testing.T) {
		nodes[2].stop()
		late := at(0, "eve", "e")
		late.SetPresence("here")
		late.sees(t, "a node has ended", `eve="here"`)
	})
}

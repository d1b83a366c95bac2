package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/client"
	"github.com/dashwire/dashwire/internal/natstest"
)

// natsServers are three real NATS servers.
type natsServers struct {
	*natstest.Cluster
	// flags are those of a Dashwire server on them.
	flags []string
}

// natsCluster starts three NATS servers and returns the flags of a Dashwire server on
// them.
func natsCluster(t *testing.T) []string { return newNatsServers(t).flags }

func newNatsServers(t *testing.T) *natsServers {
	t.Helper()
	c := natstest.NewCluster(t)
	return &natsServers{c, []string{"--nats", c.URLs(), "--nats-monitor", strings.Join(c.Monitors(), ",")}}
}

// until waits for something that nothing tells of.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.After(2 * patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// join follows a dashboard at one node.
func join(t *testing.T, ctx context.Context, node *process, user, dashboard string) (*client.Client, *client.Dashboard) {
	t.Helper()
	c, err := client.Dial(ctx, client.Options{URL: node.url, UserID: user})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	d, err := c.Subscribe(ctx, dashboard, client.Follow{})
	if err != nil {
		t.Fatal(err)
	}
	return c, d
}

// insist sends an op again, the same, while the store is busy.
func insist(ctx context.Context, d *client.Dashboard, op client.Op) (client.Answer, error) {
	for {
		answer, err := d.Do(ctx, op)
		var refused *board.Error
		if ctx.Err() != nil || !errors.As(err, &refused) || refused.Code != board.CodeUnavailable {
			return answer, err
		}
	}
}

// TestA3_TwoServersOnOneCluster: two servers share the dashboards of a NATS cluster.
func TestA3_TwoServersOnOneCluster(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	flags := append(natsCluster(t), "--drain", "100ms")
	one, two := serve(t, t.TempDir(), flags...), serve(t, t.TempDir(), flags...)
	one.wait(regexp.MustCompile(`^Data in the stream dashwire on NATS 2\.\S+, 3 replicas, durability quorum \(0 dashboards\)$`))
	ana, _ := join(t, ctx, one, "ana", "ops")
	_, atOne := join(t, ctx, one, "cy", "ops")
	_, atTwo := join(t, ctx, two, "bo", "ops")

	first := client.Op{ID: "first", DashboardID: "ops", Type: client.WidgetUpdate, WidgetID: "cpu", Create: true, Set: map[string]any{"/title": "CPU"}}
	made, err := ana.Do(ctx, first)
	if err != nil || made.Ack == nil || made.Ack.Version != 1 || made.Durability != "quorum" {
		t.Fatalf("creating: %+v, %v", made, err)
	}
	err = atTwo.Wait(ctx, func(v client.View) bool { return v.Version == 1 && len(v.Document.Widgets) == 1 })
	if err != nil {
		t.Fatalf("the other node did not hear of the edit: %v", err)
	}

	// M8: the same op at the other node gets its first answer.
	again, err := client.Dial(ctx, client.Options{URL: two.url, UserID: "ana", ClientID: ana.ClientID()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { again.Close() })
	repeated, err := again.Do(ctx, first)
	if err != nil || repeated.Ack == nil || repeated.Ack.Version != 1 || repeated.InStream {
		t.Errorf("the op again at the other node: %+v, %v; want version 1", repeated, err)
	}
	first.Set = map[string]any{"/title": "other"}
	var refused *board.Error
	if _, err := again.Do(ctx, first); !errors.As(err, &refused) || refused.Code != board.CodeIDReused {
		t.Errorf("its id with other content: %v, want ID_REUSED", err)
	}

	// Writers at both nodes at once: all edits get in, in one order.
	const writers, each = 3, 20
	var wg sync.WaitGroup
	var mu sync.Mutex
	versions := map[uint64]string{1: "first"}
	for node, d := range []*client.Dashboard{atOne, atTwo} {
		for w := range writers {
			wg.Go(func() {
				for n := range each {
					id := fmt.Sprintf("%d-%d-%d", node, w, n)
					answer, err := insist(ctx, d, client.Op{
						ID: id, Type: client.WidgetUpdate, WidgetID: "cpu", Policy: board.PolicyOverwrite,
						Set: map[string]any{fmt.Sprintf("/config/%d-%d", node, w): n, "/title": id},
					})
					if err != nil || answer.Ack == nil {
						t.Errorf("%s: %+v, %v", id, answer, err)
						return
					}
					mu.Lock()
					if other := versions[answer.Ack.Version]; other != "" {
						t.Errorf("%s and %s are both version %d", other, id, answer.Ack.Version)
					}
					versions[answer.Ack.Version] = id
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	const last = 1 + 2*writers*each
	if len(versions) != last {
		t.Errorf("%d versions were acknowledged, want %d", len(versions), last)
	}
	for _, d := range []*client.Dashboard{atOne, atTwo} {
		if err := d.Wait(ctx, func(v client.View) bool { return v.Version == last }); err != nil {
			t.Fatalf("at version %d, want %d: %v", d.View().Version, last, err)
		}
	}
	a, b := string(fetch(t, "GET", one.url+"/api/dashboards/ops", "", nil)), string(fetch(t, "GET", two.url+"/api/dashboards/ops", "", nil))
	if a != b {
		t.Errorf("the nodes show different documents:\n%s\n%s", a, b)
	}
	if want := fmt.Sprintf(`"title":%q`, versions[last]); !strings.Contains(a, want) {
		t.Errorf("the document lacks %s of the last edit: %s", want, a)
	}

	// A4: a client of a node that ends goes on at another.
	one.stop()
	answer, err := insist(ctx, atTwo, client.Op{Type: client.WidgetUpdate, WidgetID: "cpu", Policy: board.PolicyOverwrite, Set: map[string]any{"/title": "end"}})
	if err != nil || answer.Ack == nil || answer.Ack.Version != last+1 {
		t.Errorf("after the other node has ended: %+v, %v", answer, err)
	}
	two.stop()
}

func TestServe_RefusesUnsafeNATS(t *testing.T) {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), MaxPayload: 8 << 20, NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(patience) {
		t.Fatal("the NATS server does not start")
	}
	flags := []string{"serve", "--listen", "127.0.0.1:0", "--nats", s.ClientURL(), "--nats-replicas", "1"}
	r := dash(t, t.TempDir(), flags...)
	if r.code != 2 || !strings.Contains(r.err, "acknowledged edits could be lost") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
	p := start(t, command(t, t.TempDir(), append(flags, "--nats-unsafe")...))
	p.wait(readyLine)
	p.wait(regexp.MustCompile(`^Data in the stream dashwire on NATS .*, 1 replica, durability memory `))
	p.stop()
}

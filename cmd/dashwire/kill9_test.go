//go:build kill9

package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/client"
	"github.com/dashwire/dashwire/internal/freeport"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
)

var kills = flag.Int("kills", 50, "how often the server is killed")

const (
	killEditors    = 40
	killDashboards = 5
)

// seen is an entry as a client was told of it.
type seen struct {
	dashboard, epoch string
	version          uint64
}

// notes are what clients were told, by op id.
type notes struct {
	mu    sync.Mutex
	acked map[string]seen // to their authors
	heard map[string]seen // to readers
	acks  atomic.Uint64
}

// TestA2_Kill9LosesNothingAcknowledged kills the real server in the middle of writing,
// again and again, while clients edit and resend what got no answer. In the end every
// acknowledged edit and every one that a reader was shown stands in the log exactly
// once (A2, M8), versions have no gap, and the file folds cleanly.
func TestA2_Kill9LosesNothingAcknowledged(t *testing.T) {
	began := time.Now()
	dir := t.TempDir()
	addr := freeport.Addresses(t, 1)[0]
	run := func() *process {
		p := start(t, command(t, dir, "serve", "--listen", addr, "--no-demo", "--messages-per-second", "100000", "--message-burst", "100000"))
		p.url = p.wait(readyLine)[1]
		return p
	}
	n := &notes{acked: make(map[string]seen), heard: make(map[string]seen)}
	p := run()

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	for i := range killDashboards {
		wg.Go(func() { n.read(ctx, t, p.url, dashboardName(i)) })
	}
	for i := range killEditors {
		wg.Go(func() { n.edit(ctx, t, p.url, i) })
	}
	rng := rand.New(rand.NewPCG(uint64(began.UnixNano()), 9))
	for k := range *kills {
		until := n.acks.Load() + uint64(50+rng.IntN(1500))
		n.waitFor(t, until)
		p.signal(syscall.SIGKILL)
		p.end()
		p = run()
		if (k+1)%10 == 0 {
			t.Logf("%d kills, %d edits acknowledged, %s", k+1, n.acks.Load(), time.Since(began).Round(time.Second))
		}
	}
	n.waitFor(t, n.acks.Load()+killEditors) // the last start serves, too
	stop()
	wg.Wait()
	p.stop()

	if out := must(t, dir, "check"); !strings.Contains(out, "all is well") {
		t.Errorf("check:\n%s", out)
	}
	entries := n.verify(t, filepath.Join(dir, "dashwire.db"))
	t.Logf("%d kills: %d edits acknowledged and %d shown to readers, all there once; %d entries; %s",
		*kills, len(n.acked), len(n.heard), entries, time.Since(began).Round(time.Second))
}

// edit makes one edit after the other, each until it has its answer.
func (n *notes) edit(ctx context.Context, t *testing.T, url string, i int) {
	c, err := client.New(client.Options{URL: url, UserID: fmt.Sprintf("editor-%d", i), ReconnectMin: 10 * time.Millisecond, ReconnectMax: 100 * time.Millisecond})
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	dashboard, widget := dashboardName(i%killDashboards), fmt.Sprintf("w%d", i)
	for k := 0; ctx.Err() == nil; k++ {
		id := fmt.Sprintf("op-%d-%d", i, k)
		a, err := c.Do(ctx, client.Op{
			Type: client.WidgetUpdate, ID: id, DashboardID: dashboard, WidgetID: widget, Create: k == 0,
			Set: map[string]any{"/title": fmt.Sprint(k)}, Policy: board.PolicyOverwrite,
		})
		if ctx.Err() != nil {
			return
		}
		if err != nil || a.Ack == nil {
			t.Errorf("%s: %+v %v", id, a, err)
			return
		}
		n.mu.Lock()
		n.acked[id] = seen{dashboard: dashboard, version: a.Ack.Version}
		n.mu.Unlock()
		n.acks.Add(1)
	}
}

// read follows a dashboard over all kills.
func (n *notes) read(ctx context.Context, t *testing.T, url, dashboard string) {
	c, err := client.New(client.Options{URL: url, UserID: "reader", ReconnectMin: 10 * time.Millisecond, ReconnectMax: 100 * time.Millisecond})
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	_, err = c.Subscribe(ctx, dashboard, client.Follow{OnUpdate: func(u client.Update) {
		if u.Snapshot && u.Rewound {
			t.Errorf("%s: the server had less than it had shown", dashboard)
		}
		if u.Entry == nil {
			return
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		at := seen{dashboard, u.Entry.Epoch, u.Entry.Version}
		if before, twice := n.heard[u.Entry.ID]; twice {
			t.Errorf("%s was heard of as %v and as %v", u.Entry.ID, before, at)
		}
		n.heard[u.Entry.ID] = at
	}})
	if err != nil {
		t.Errorf("following %s: %v", dashboard, err)
		return
	}
	<-ctx.Done()
}

// waitFor waits until so many edits were acknowledged.
func (n *notes) waitFor(t *testing.T, acks uint64) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for n.acks.Load() < acks {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d edits were acknowledged within %s, waiting for %d", n.acks.Load(), patience, acks)
		}
	}
}

// verify holds what clients were told against the logs themselves.
func (n *notes) verify(t *testing.T, path string) (entries int) {
	t.Helper()
	j, err := sqlitejournal.OpenReadOnly(path, sqlitejournal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	logged := make(map[string]seen)
	for i := range killDashboards {
		id, next := dashboardName(i), uint64(1)
		for rec, err := range j.Read(t.Context(), id, journal.Position(0)) {
			if err != nil {
				t.Fatal(err)
			}
			e, err := board.ParseRecord(rec.Data)
			if err != nil {
				t.Fatal(err)
			}
			if e.Version != next {
				t.Fatalf("%s: version %d stands where %d should", id, e.Version, next)
			}
			next++
			entries++
			at := seen{id, e.Epoch, e.Version}
			if before, twice := logged[e.ID]; twice {
				t.Errorf("%s stands in the log as %v and as %v", e.ID, before, at)
			}
			logged[e.ID] = at
		}
	}
	for id, told := range n.acked {
		if at, ok := logged[id]; !ok || at.dashboard != told.dashboard || at.version != told.version {
			t.Errorf("%s was acknowledged as %v; in the log it is %v (%v)", id, told, at, ok)
		}
	}
	for id, told := range n.heard {
		if at, ok := logged[id]; !ok || at != told {
			t.Errorf("%s was shown as %v; in the log it is %v (%v)", id, told, at, ok)
		}
	}
	if len(n.acked) < *kills*50 {
		t.Errorf("only %d edits were acknowledged", len(n.acked))
	}
	return entries
}

func dashboardName(i int) string { return fmt.Sprintf("kill-%d", i) }

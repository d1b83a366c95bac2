package chaos

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/client"
	"github.com/dashwire/dashwire/internal/natstest"
	"github.com/dashwire/dashwire/journal/natsjournal"
)

var (
	chaosSeed = flag.Uint64("chaos.seed", 0, "seed of the faults; 0 = another each time")
	chaosNets = flag.Bool("chaos.netns", true, "put each server in a network namespace if that is possible")
	chaosFor  = flag.Duration("chaos.for", 20*time.Second, "how long faults are done to a cluster")
)

// natsd and dashwire are the programs.
var natsd, dashwire string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "dashwire-chaos-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if natsd, err = natstest.Program(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dashwire = filepath.Join(dir, "dashwire")
	overlay, err := movableClock(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if out, err := exec.Command("go", "build", "-overlay", overlay, "-o", dashwire, "../../cmd/dashwire").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building dashwire: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// interruptible ends with Ctrl-C, so that namespaces are taken away.
func interruptible(t *testing.T) context.Context {
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	t.Cleanup(stop)
	return ctx
}

// TestA3_AClusterUnderFaults: what was acknowledged is there, once, in one order, and
// everybody ends with the same document.
func TestA3_AClusterUnderFaults(t *testing.T) {
	seed := *chaosSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("again with: make chaos SEED=%d", seed)
	ctx := interruptible(t)
	c := newCluster(t)
	defer func() {
		if t.Failed() {
			c.logs()
		}
	}()
	list, stop := c.beginEditing(ctx, seed)
	faults := c.torment(ctx, rand.New(rand.NewPCG(seed, 0)), *chaosFor)
	if ctx.Err() != nil {
		t.Fatal("stopped before the end")
	}
	healed := time.Now()
	c.waitReady(ctx)
	limit, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c.goOn(limit, list)
	t.Logf("all edit again %.1f s after the last fault", time.Since(healed).Seconds())
	stop()
	limit, cancel = context.WithTimeout(ctx, time.Minute)
	defer cancel()
	n := c.judge(limit, list)
	t.Logf("%d faults, %d acknowledged edits of %d clients", faults, n, editors)
	if n < 10*editors {
		t.Error("too few edits: this shows nothing")
	}
}

// TestC7_RollingUpgrade: servers are stopped and started one after another under load;
// nothing is lost, and no client hears of more than that it is to come back.
func TestC7_RollingUpgrade(t *testing.T) {
	ctx := interruptible(t)
	c := newCluster(t)
	list, stop := c.beginEditing(ctx, 1)
	limit, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for i, p := range c.nodes {
		c.goOn(limit, list)
		p.signal(syscall.SIGTERM)
		<-p.ended
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("%s ended with code %d", p.name, code)
		}
		c.goOn(limit, list) // at the others
		c.keepUp(limit, i)
	}
	c.goOn(limit, list)
	stop()
	n := c.judge(limit, list)
	for _, e := range list {
		for _, nack := range e.nacks {
			t.Errorf("%s was refused: %s", e.name, nack)
		}
	}
	t.Logf("%d acknowledged edits of %d clients", n, editors)
	if t.Failed() {
		c.logs()
	}
}

// beginEditing makes the dashboards and lets clients edit them until stop is called,
// which returns when every edit has its answer.
func (c *cluster) beginEditing(ctx context.Context, seed uint64) (list []*editor, stop func()) {
	t := c.t
	t.Helper()
	begin := time.Now()
	for n := range editors {
		list = append(list, newEditor(t, ctx, c, n, seed))
	}
	for _, d := range list[0].dashboards {
		answer, err := d.Do(ctx, client.Op{ID: "make." + d.ID(), Type: client.WidgetUpdate, WidgetID: "shared", Create: true, Set: map[string]any{"/title": "made"}})
		if err != nil || answer.Ack.Version != 1 {
			t.Fatalf("%+v, %v", answer, err)
		}
	}
	done := make(chan struct{})
	var working sync.WaitGroup
	for n, e := range list {
		working.Go(func() { e.edit(ctx, n, seed, begin, done) })
	}
	return list, func() {
		close(done)
		working.Wait()
	}
}

// goOn returns when every client has had some more edits acknowledged.
func (c *cluster) goOn(ctx context.Context, list []*editor) {
	c.t.Helper()
	const more = 5
	var before [editors]int
	for n, e := range list {
		before[n] = e.count()
	}
	for n, e := range list {
		for e.count() < before[n]+more && ctx.Err() == nil {
			wait(ctx, 20*time.Millisecond)
		}
		if e.count() < before[n]+more {
			c.t.Errorf("%s gets no edit through; what was wrong before: %q", e.name, e.wrong())
		}
	}
}

// judge compares everything, and returns how many edits were acknowledged.
func (c *cluster) judge(ctx context.Context, list []*editor) int {
	t := c.t
	t.Helper()
	var all []acked
	var history []porcupine.Operation
	for _, e := range list {
		all = append(all, e.acked...)
		history = append(history, e.history...)
	}
	c.compare(ctx, list, all)
	if result := porcupine.CheckOperationsTimeout(versions, history, time.Minute); result != porcupine.Ok {
		t.Errorf("what clients were told does not fit one order: %s", result)
	}
	for _, e := range list {
		for _, f := range e.wrong() {
			t.Errorf("%s: %s", e.name, f)
		}
	}
	return len(all)
}

// compare reads the logs past all servers, and compares what is in them with what was
// told, and with what clients and servers show.
func (c *cluster) compare(ctx context.Context, list []*editor, all []acked) {
	t := c.t
	t.Helper()
	j, err := natsjournal.Open(ctx, strings.Join(c.natsURL[:], ","), natsjournal.Options{
		SyncAlways: true, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	for n := range dashboards {
		id := dashboardID(n)
		state := board.NewState(id)
		at := make(map[string]uint64)
		for rec, err := range j.Read(ctx, id, 0) {
			if err != nil {
				t.Fatal(err)
			}
			e, err := board.ParseRecord(rec.Data)
			if err != nil {
				t.Fatal(err)
			}
			if state, err = state.Fold(e); err != nil {
				t.Fatal(err)
			}
			if other := at[e.ID]; other != 0 {
				t.Errorf("%s: %s is version %d and %d", id, e.ID, other, e.Version)
			}
			at[e.ID] = e.Version
		}
		told := 0
		for _, a := range all {
			if a.dashboard != id {
				continue
			}
			told++
			if at[a.id] != a.version {
				t.Errorf("%s: %s was acknowledged as version %d and is version %d", id, a.id, a.version, at[a.id])
			}
		}
		if uint64(told)+1 != state.Version() {
			t.Errorf("%s is at version %d, and %d edits were acknowledged after the first", id, state.Version(), told)
		}
		want := content(state.Document())
		for _, e := range list {
			d := e.dashboards[n]
			if err := d.Wait(ctx, func(v client.View) bool { return v.Version == state.Version() }); err != nil {
				t.Errorf("%s shows version %d of %s, the log ends at %d", e.name, d.View().Version, id, state.Version())
			} else if got := content(d.View().Document); got != want {
				t.Errorf("%s shows another %s:\n%s\nthe log folds to:\n%s", e.name, id, got, want)
			}
		}
		document := fmt.Sprintf(`{"id":%q,"epoch":%q,"version":%d,%s`, id, state.Epoch(), state.Version(), state.AppendDocument(nil)[1:])
		for i := range members {
			if got := c.get(ctx, i, id); got != document {
				t.Errorf("%s answers another %s:\n%s\nthe log folds to:\n%s", c.nodes[i].name, id, got, document)
			}
		}
		t.Logf("%s: version %d, SHA-256 %x", id, state.Version(), sha256.Sum256([]byte(document)))
	}
}

// get reads a dashboard from a node once it has heard of everything: an edit that
// changes nothing is answered against the newest (A3).
func (c *cluster) get(ctx context.Context, node int, id string) string {
	c.t.Helper()
	cl, err := client.Dial(ctx, client.Options{URL: c.urls[node], UserID: "reader-" + uuid.NewString()})
	if err != nil {
		c.t.Fatal(err)
	}
	defer cl.Close()
	if _, err := cl.Do(ctx, client.Op{DashboardID: id, Type: client.WidgetDelete, WidgetID: "never"}); err != nil {
		c.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.urls[node]+"/api/dashboards/"+id, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(body)
}

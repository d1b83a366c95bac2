package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/client"
)

const (
	editors    = 6
	dashboards = 2
)

func dashboardID(i int) string { return fmt.Sprint("board-", i) }

// acked is an edit that its client was told of.
type acked struct {
	dashboard, id string
	version       uint64
}

// editor is a client that edits all dashboards at whichever node answers.
type editor struct {
	name       string
	client     *client.Client
	dashboards []*client.Dashboard
	streams    map[string]*stream // by dashboard; used as messages come, one after another

	mu      sync.Mutex
	acked   []acked
	history []porcupine.Operation
	nacks   []string
	faults  []string // what must not be
}

// newEditor connects to one of the nodes, and to another when the connection breaks.
func newEditor(t *testing.T, ctx context.Context, c *cluster, n int, seed uint64) *editor {
	t.Helper()
	e := &editor{name: fmt.Sprint("user-", n), streams: make(map[string]*stream)}
	for i := range dashboards {
		e.streams[dashboardID(i)] = new(stream)
	}
	rng := rand.New(rand.NewPCG(seed, uint64(n)))
	var mu sync.Mutex
	var err error
	e.client, err = client.Dial(ctx, client.Options{
		URL: c.urls[0], UserID: e.name, OnMessage: e.hears, ReconnectMin: 50 * time.Millisecond, ReconnectMax: time.Second, HandshakeTimeout: 2 * time.Second,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			mu.Lock()
			node := rng.IntN(members)
			mu.Unlock()
			return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(c.urls[node], "http://"))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.client.Close() })
	for i := range dashboards {
		var seen uint64
		d, err := e.client.Subscribe(ctx, dashboardID(i), client.Follow{OnUpdate: func(u client.Update) {
			if u.Rewound || u.View.Version < seen {
				e.fault("%s went from version %d back to %d (rewound: %v)", dashboardID(i), seen, u.View.Version, u.Rewound)
			}
			seen = u.View.Version
		}})
		if err != nil {
			t.Fatal(err)
		}
		e.dashboards = append(e.dashboards, d)
	}
	return e
}

// hears notes what is refused, and follows the versions.
func (e *editor) hears(message []byte) bool {
	e.follows(message)
	if kind, _, _ := client.Head(message); string(kind) == "NACK" {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.nacks = append(e.nacks, string(message))
	}
	return false
}

func (e *editor) fault(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = append(e.faults, fmt.Sprintf(format, args...))
}

// edit edits until done is closed; an edit that is under way then is seen to its end.
func (e *editor) edit(ctx context.Context, number int, seed uint64, begin time.Time, done <-chan struct{}) {
	rng := rand.New(rand.NewPCG(seed, 1000+uint64(number)))
	for n := 0; ; n++ {
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(rng.IntN(20)) * time.Millisecond):
		}
		d := rng.IntN(dashboards)
		op := client.Op{
			ID: fmt.Sprintf("%s.%d", e.name, n), Type: client.WidgetUpdate, WidgetID: "shared", Policy: board.PolicyOverwrite,
			Set: map[string]any{"/config/" + e.name: n, "/title": fmt.Sprint(e.name, " ", n)},
		}
		call := time.Since(begin).Nanoseconds()
		answer, err := e.dashboards[d].Do(ctx, op)
		answered := time.Since(begin).Nanoseconds()
		if err != nil || answer.Ack == nil || answer.Durability != "quorum" {
			e.fault("%s: %+v, %v", op.ID, answer, err)
			return
		}
		e.mu.Lock()
		e.acked = append(e.acked, acked{dashboardID(d), op.ID, answer.Ack.Version})
		e.history = append(e.history, porcupine.Operation{
			ClientId: number, Input: dashboardID(d), Output: answer.Ack.Version, Call: call, Return: answered,
		})
		e.mu.Unlock()
	}
}

// wrong is what has been noted.
func (e *editor) wrong() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.faults)
}

// count is how many edits were acknowledged.
func (e *editor) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.acked)
}

// versions is a dashboard as one machine would number its edits.
var versions = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		by := make(map[string][]porcupine.Operation)
		for _, op := range history {
			by[op.Input.(string)] = append(by[op.Input.(string)], op)
		}
		var parts [][]porcupine.Operation
		for _, part := range by {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return uint64(1) }, // the widget was made
	Step: func(state, _, output any) (bool, any) {
		return output.(uint64) == state.(uint64)+1, output
	},
}

// content writes a document so that two can be compared.
func content(d *board.Document) string {
	var b strings.Builder
	fmt.Fprintln(&b, d.Settings)
	ids := make([]string, 0, len(d.Widgets))
	for id := range d.Widgets {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		fmt.Fprintln(&b, id, d.Widgets[id])
	}
	for name, l := range d.Layouts {
		fmt.Fprintf(&b, "%s %+v\n", name, *l)
	}
	return b.String()
}

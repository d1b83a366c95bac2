package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/journal/memjournal"
	"github.com/dashwire/dashwire/relay/memrelay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server runs a whole server for a test.
func server(t *testing.T) string {
	t.Helper()
	return serverOn(t, dashwire.Config{Journal: memjournal.New(memjournal.Options{})})
}

func serverOn(t *testing.T, cfg dashwire.Config) string {
	t.Helper()
	return serverBehind(t, cfg, func(h http.Handler) http.Handler { return h })
}

func serverBehind(t *testing.T, cfg dashwire.Config, front func(http.Handler) http.Handler) string {
	t.Helper()
	cfg.Drain = -1
	srv, err := dashwire.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx) }()
	ts := httptest.NewServer(front(srv))
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		ts.Close()
	})
	return ts.URL
}

func (r *Report) number(t *testing.T, name string) float64 {
	t.Helper()
	for _, n := range r.Numbers {
		if n.Name == name {
			return n.Value
		}
	}
	t.Fatalf("the report has no %q: %v", name, r.Numbers)
	return 0
}

// TestScenarios: each runs against a real server, finds nothing wrong, and leaves
// nothing behind.
func TestScenarios(t *testing.T) {
	url := server(t)
	for _, c := range []struct {
		opts Options
		more []string // numbers above 0
	}{
		{Options{Scenario: Fanout, Readers: 10, Editors: 2, InFlight: 4}, []string{"edits acknowledged", "versions delivered", "answer p99"}},
		{Options{Scenario: Edits, Dashboards: 3, InFlight: 2}, []string{"edits acknowledged", "answer p50", "versions delivered"}},
		{Options{Scenario: Edits, Dashboards: 2, Editors: 3, ReadersPerDashboard: 2}, []string{"edits acknowledged", "versions delivered"}},
		{Options{Scenario: Edits, Dashboards: 2, ReadersPerDashboard: -1}, []string{"edits acknowledged"}},
		{Options{Scenario: Edits, Dashboards: 2, Rate: 50}, []string{"edits acknowledged", "answer p99", "versions delivered"}},
		{Options{Scenario: Paced, Readers: 5, Rate: 100}, []string{"edits acknowledged", "delivery p50", "delivery p99.9"}},
		{Options{Scenario: Idle, Sessions: 20, ServerPID: os.Getpid()}, []string{"sessions", "opened", "server with them"}},
		{Options{Scenario: Connect, Editors: 4}, []string{"sessions opened", "opening p50"}},
		{Options{Scenario: Storm, Sessions: 30, Dashboards: 3, ServerPID: os.Getpid()}, []string{"all live again after", "one of them p50", "server at most"}},
		{Options{Scenario: Values, Readers: 3, Editors: 2, Widgets: 120, ServerPID: os.Getpid()}, []string{"values sent", "values heard", "lateness p50", "lateness max"}},
	} {
		t.Run(string(c.opts.Scenario), func(t *testing.T) {
			c.opts.Server, c.opts.Duration = url, 300*time.Millisecond
			report, err := Run(t.Context(), c.opts)
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Faults) > 0 {
				t.Errorf("wrong: %q", report.Faults)
			}
			for _, name := range c.more {
				if report.number(t, name) <= 0 {
					t.Errorf("%s is %v", name, report.number(t, name))
				}
			}
			if want := c.opts.Dashboards * max(c.opts.ReadersPerDashboard, 0); c.opts.ReadersPerDashboard != 0 && report.Setup["readers"] != want {
				t.Errorf("%d readers, want %d", report.Setup["readers"], want)
			}
			if c.opts.Scenario == Fanout {
				edits, heard := report.number(t, "edits acknowledged"), report.number(t, "versions delivered")
				if heard < edits || heard > 12*edits {
					t.Errorf("%v edits a second and %v versions delivered to 10 readers", edits, heard)
				}
			}
			r := mustRun(t, c.opts)
			list, err := r.request(t.Context(), "GET", "/api/dashboards", nil)
			if err != nil || strings.Contains(string(list), "bench-") {
				t.Errorf("left behind: %s %v", list, err)
			}
			r.client.CloseIdleConnections()
		})
	}
}

// TestWaitsWhereTheServerAsksForIt: what is in front of a server has had enough for a moment.
func TestWaitsWhereTheServerAsksForIt(t *testing.T) {
	var asked atomic.Int64
	at := serverBehind(t, dashwire.Config{Journal: memjournal.New(memjournal.Options{})}, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) == 1 {
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	r := mustRun(t, Options{Scenario: Idle, Server: at, Sessions: 1, Duration: time.Second})
	defer r.client.CloseIdleConnections()
	began := time.Now()
	if err := r.makeDashboard(t.Context(), r.dashboard(0), `{}`); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < time.Second || asked.Load() != 2 {
		t.Errorf("made after %s, with %d requests", took, asked.Load())
	}
	if list, err := r.request(t.Context(), "GET", "/api/dashboards", nil); err != nil || !strings.Contains(string(list), r.dashboard(0)) {
		t.Errorf("got %s, %v", list, err)
	}
}

// TestReadersAtAnotherNode: editors and feeders at one node, readers at another.
func TestReadersAtAnotherNode(t *testing.T) {
	bus, j := memrelay.NewBus(), memjournal.New(memjournal.Options{})
	var urls []string
	for range 2 {
		r := bus.Join()
		t.Cleanup(func() { r.Close() }) // after the server's own, which comes later and runs first
		urls = append(urls, serverOn(t, dashwire.Config{Journal: j, Relay: r}))
	}
	for scenario, heard := range map[Scenario]string{Paced: "delivery p50", Values: "values heard"} {
		report, err := Run(t.Context(), Options{
			Scenario: scenario, Server: urls[0], ReadersAt: urls[1], Readers: 3, Widgets: 50, Rate: 50, Duration: 300 * time.Millisecond,
		})
		if err != nil || len(report.Faults) > 0 {
			t.Fatalf("%s: %v %q", scenario, err, report.Faults)
		}
		if report.number(t, heard) <= 0 || report.Setup["nodes"] != 2 {
			t.Errorf("%s: %s is %v, setup %v", scenario, heard, report.number(t, heard), report.Setup)
		}
	}
}

// TestLarge: the dashboards are let go of before they are opened cold, which takes the
// time that a server keeps what nobody follows.
func TestLarge(t *testing.T) {
	t.Parallel()
	opts := Options{Server: server(t), Scenario: Large, Dashboards: 2, Widgets: 300, Duration: 600 * time.Millisecond, ServerPID: os.Getpid()}
	report, err := Run(t.Context(), opts)
	if err != nil || len(report.Faults) > 0 {
		t.Fatalf("%v %q", err, report.Faults)
	}
	for _, name := range []string{
		"small dashboard, each edit: edits", "large dashboard, each edit: edits", "large dashboard, each move: answer p50",
		"opening cold p50", "opening warm max", "document",
	} {
		if report.number(t, name) <= 0 {
			t.Errorf("%s is %v", name, report.number(t, name))
		}
	}
	if mib := report.number(t, "document"); mib < 0.5 || mib > 0.8 {
		t.Errorf("300 widgets of 2,000 bytes are %v MiB", mib)
	}
}

// TestViewer_FindsFaults: a value that is older than the one before it is one (W1).
func TestViewer_FindsFaults(t *testing.T) {
	r := mustRun(t, Options{Server: "http://localhost:1", Scenario: Values})
	v := &viewer{last: make([]atomic.Uint64, 12)}
	var late Histogram
	frame := func(values ...wire.DataValue) []byte { return wire.AppendData(nil, "d", values, time.Now()) }
	v.take(r, frame(wire.DataValue{WidgetID: "w3", Data: "30"}, wire.DataValue{WidgetID: "w11", Data: "31"}), &late)
	v.take(r, frame(wire.DataValue{WidgetID: "w3", Data: "30"}), &late)
	if v.heard.Load() != 3 || v.messages.Load() != 2 || v.last[3].Load() != 30 || v.last[11].Load() != 31 || len(r.faults) > 0 {
		t.Fatalf("%d values in %d messages, w3 %d, w11 %d, faults %v", v.heard.Load(), v.messages.Load(), v.last[3].Load(), v.last[11].Load(), r.faults)
	}
	v.take(r, frame(wire.DataValue{WidgetID: "w11", Data: "29"}), &late)
	if len(r.faults) != 1 {
		t.Errorf("an older value was no fault: %v", r.faults)
	}
}

// TestLastPart: a SYNC_RESPONSE in parts is whole with its last (R8).
func TestLastPart(t *testing.T) {
	doc := board.NewState("d").Decide(&board.Op{
		Type: board.TypeReplace, ID: "o", DashboardID: "d",
		Document: &board.Document{Settings: "{}", Widgets: map[string]board.Value{"a": `{"a":0,"part":1,"parts":9}`, "b": "{}", "c": "{}"}},
	}, board.Env{NewEpoch: "e"}).Next
	for _, size := range []int{0, 1} {
		parts := wire.SyncSnapshotParts("1", wire.SyncResponse{DashboardID: "d"}, wire.NewDocumentSource(doc), size, time.Now())
		if size == 1 && len(parts) < 2 {
			t.Fatal("one part")
		}
		for i, framed := range parts {
			m, _ := wire.NextFrame(framed)
			if got := lastPart(m); got != (i == len(parts)-1) {
				t.Errorf("part %d of %d: last %v: %s", i+1, len(parts), got, m)
			}
		}
	}
}

// TestRun_Stops: a run that is cancelled ends, and still cleans up.
func TestRun_Stops(t *testing.T) {
	url := server(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Run(ctx, Options{Server: url, Scenario: Fanout, Readers: 3, Duration: time.Minute, Progress: func(what string) {
		if strings.HasPrefix(what, "measuring") {
			cancel()
		}
	}})
	if err == nil {
		t.Error("a cancelled run gave a report")
	}
	opts := Options{Server: url, Scenario: Fanout}
	r := mustRun(t, opts)
	defer r.client.CloseIdleConnections()
	if list, err := r.request(t.Context(), "GET", "/api/dashboards", nil); err != nil || strings.Contains(string(list), "bench-") {
		t.Errorf("left behind: %s %v", list, err)
	}
}

func TestRun_Refuses(t *testing.T) {
	for _, c := range []struct {
		name string
		opts Options
		want string
	}{
		{"no server", Options{Server: "localhost:3000", Scenario: Fanout}, "http://localhost:3000"},
		{"no other node", Options{Server: "http://localhost:1", ReadersAt: "localhost:2", Scenario: Fanout}, `"localhost:2" is no address of a server`},
		{"no scenario", Options{Server: "http://localhost:1", Scenario: "x"}, `no scenario "x"`},
		{"too much in flight", Options{Server: "http://localhost:1", Scenario: Fanout, InFlight: 65}, "64"},
		{"too long", Options{Server: "http://localhost:1", Scenario: Fanout, Duration: time.Hour}, "10m"},
		{"negative", Options{Server: "http://localhost:1", Scenario: Fanout, Readers: -1}, "-1"},
		{"too many readers", Options{Server: "http://localhost:1", Scenario: Edits, Dashboards: 100, ReadersPerDashboard: 1 << 62}, "100000"},
		{"nobody there", Options{Server: "http://127.0.0.1:1", Scenario: Fanout}, "refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Run(t.Context(), c.opts); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want something with %q", err, c.want)
			}
		})
	}
}

// TestReader_FindsFaults: what a server must not do is seen.
func TestReader_FindsFaults(t *testing.T) {
	entry := func(v int) string {
		return fmt.Sprintf(`{"type":"WIDGET_UPDATE","id":"x","timestamp":"","payload":{"dashboardId":"d","epoch":"e","version":%d,"change":{}}}`, v)
	}
	together := func(versions ...int) string {
		var list []string
		for _, v := range versions {
			list = append(list, fmt.Sprintf(`{"version":%d,"id":"x","change":{}}`, v))
		}
		return `{"type":"SYNC_ENTRIES","timestamp":"","payload":{"dashboardId":"d","epoch":"e","entries":[` + strings.Join(list, ",") + `]}}`
	}
	span := func(from, to int) string {
		return fmt.Sprintf(`{"type":"SYNC_UPDATE","timestamp":"","payload":{"dashboardId":"d","epoch":"e","from":%d,"version":%d,"change":{}}}`, from, to)
	}
	answer := `{"type":"SYNC_RESPONSE","correlationId":"sync","timestamp":"","payload":{"dashboardId":"d","epoch":"e","version":5}}`
	for _, c := range []struct {
		name     string
		messages []string
		faults   int
		versions uint64
	}{
		{"all is well", []string{answer, entry(6), span(6, 9), entry(10)}, 0, 10},
		{"together", []string{answer, together(6, 7, 8), entry(9)}, 0, 9},
		{"one missed before some", []string{answer, together(7, 8)}, 1, 8},
		{"one missed among some", []string{answer, together(6, 8)}, 1, 8},
		{"one missed", []string{answer, entry(7)}, 1, 7},
		{"one twice", []string{answer, entry(6), entry(6)}, 1, 6},
		{"a range too early", []string{answer, span(4, 9)}, 1, 9},
		{"a range too late", []string{answer, span(6, 9)}, 1, 9},
		{"refused", []string{answer, `{"type":"NACK","timestamp":"","payload":{"code":"GONE"}}`}, 1, 5},
		{"what has no version", []string{answer, `{"type":"SYNC_UPDATE","timestamp":"","payload":{"dashboardId":"d","closed":"deleted"}}`, `{"type":"PRESENCE","payload":{}}`}, 0, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := Options{Server: "http://localhost:1", Scenario: Fanout}
			r := mustRun(t, opts)
			rd := &reader{synced: make(chan struct{})}
			for _, m := range c.messages {
				if err := rd.message(r, []byte(m), nil); err != nil {
					t.Fatal(err)
				}
			}
			if len(r.faults) != c.faults || rd.version.Load() != c.versions {
				t.Errorf("faults %v at version %d, want %d at %d", r.faults, rd.version.Load(), c.faults, c.versions)
			}
		})
	}
}

// TestKindOf holds the scanning of bytes against the protocol's own vectors.
func TestKindOf(t *testing.T) {
	for messageType, want := range map[string]kind{
		"WIDGET_UPDATE": entryKind, "WIDGET_DELETE": entryKind, "WIDGET_BATCH": entryKind, "LAYOUT_UPDATE": entryKind,
		"LAYOUT_RESTORE": entryKind, "DASHBOARD_UPDATE": entryKind, "CONFLICT_RESOLVED": entryKind,
		wire.TypeData: dataKind, wire.TypePresence: otherKind, wire.TypePong: otherKind, wire.TypePing: otherKind, wire.TypeApp: otherKind,
		wire.TypeSyncResponse: syncKind, wire.TypeSyncUpdate: rangeKind, wire.TypeSyncEntries: joinedKind, wire.TypeAck: ackKind, wire.TypeNack: nackKind,
		wire.TypeConflict: conflictKind, wire.TypeConnect: connectKind, wire.TypeDisconnect: byeKind,
	} {
		if got := kindOf([]byte(`{"type":"` + messageType + `","payload":{}}`)); got != want {
			t.Errorf("%s is taken as %d, want %d", messageType, got, want)
		}
	}
	for _, text := range []string{"", "{", `{"id":"x"}`, `{"type":"`, `{"type":"X`} {
		if got := kindOf([]byte(text)); got != otherKind {
			t.Errorf("%q is taken as %d", text, got)
		}
	}
}

// TestSerialOf reads what the server really writes.
func TestSerialOf(t *testing.T) {
	ack := wire.AppendAck(nil, "bench-1-2-37", wire.Ack{DashboardID: "d", Of: &board.Ack{Version: 41, Status: board.StatusApplied}}, time.Now())
	if n, ok := serialOf(ack); !ok || n != 37 {
		t.Errorf("%d %v of %s", n, ok, ack)
	}
	if v, ok := NumberAfter(ack, versionKey); !ok || v != 41 {
		t.Errorf("version %d %v of %s", v, ok, ack)
	}
	update := wire.AppendSyncUpdate(nil, "d", "e", 7, 12, &board.Change{}, time.Now())
	from, _ := NumberAfter(update, fromKey)
	to, _ := NumberAfter(update, versionKey)
	if kindOf(update) != rangeKind || from != 7 || to != 12 {
		t.Errorf("%d to %d of %s", from, to, update)
	}
	for _, text := range []string{"", `{"type":"ACK"}`, `{"type":"ACK","correlationId":"x"}`, `{"type":"ACK","correlationId":"x-`} {
		if n, ok := serialOf([]byte(text)); ok {
			t.Errorf("%d of %q", n, text)
		}
	}
}

// TestRun_OfAServerThatGoesAway: that it was stopped, or is gone, is no fault of what it did.
func TestRun_OfAServerThatGoesAway(t *testing.T) {
	for _, c := range []struct {
		name, want string
		killed     bool
		scenario   Scenario
	}{
		{"stopped", "the server was stopped or restarted while it was measured", false, Fanout},
		{"no longer there", "the server ended or was restarted while it was measured", true, Connect},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv, err := dashwire.New(dashwire.Config{Journal: memjournal.New(memjournal.Options{}), Drain: -1})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- srv.Run(ctx) }()
			ts := httptest.NewUnstartedServer(srv)
			ln := &killable{Listener: ts.Listener}
			ts.Listener = ln
			ts.Start()
			defer func() {
				stop()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				ts.Close()
			}()
			end := stop
			if c.killed {
				end = ln.kill
			}
			_, err = Run(t.Context(), Options{
				Server: ts.URL, Scenario: c.scenario, Readers: 5, Editors: 2, Duration: 5 * time.Minute,
				Progress: func(what string) {
					if strings.HasPrefix(what, "measuring") || c.scenario == Connect {
						end()
					}
				},
			})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// killable ends like the listener of a process that is killed.
type killable struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

// Accept implements net.Listener.
func (l *killable) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.conns = append(l.conns, c)
	}
	return c, err
}

func (l *killable) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Close()
	for _, c := range l.conns {
		c.Close()
	}
}

// TestConn_Frames takes frames of every length, cut anywhere.
func TestConn_Frames(t *testing.T) {
	small, large := []int{0, 1, 125, 126, 127, 3}, []int{0, 65535, 65536, 200_000, 3}
	for _, c := range []struct {
		want  []int
		chunk int
	}{{small, 1}, {small, 7}, {small, 1 << 20}, {large, 1000}, {large, 4096}, {large, 1 << 20}} {
		want, chunk := c.want, c.chunk
		var stream []byte
		for _, n := range want {
			stream = wire.AppendFrame(stream, bytes.Repeat([]byte{'x'}, n))
		}
		here, there := net.Pipe()
		go func() {
			for rest := stream; len(rest) > 0; {
				n := min(chunk, len(rest))
				if _, err := there.Write(rest[:n]); err != nil {
					return
				}
				rest = rest[n:]
			}
			there.Close()
		}()
		c := &conn{net: here, buf: make([]byte, 512)}
		var got []int
		var err error
		for err == nil {
			err = c.read(func(m []byte) error {
				got = append(got, len(m))
				return nil
			})
		}
		if !errors.Is(err, io.EOF) || !slices.Equal(got, want) {
			t.Errorf("in pieces of %d: %v %v, want %v", chunk, got, err, want)
		}
		here.Close()
	}
}

func mustRun(t testing.TB, o Options) *run {
	t.Helper()
	if err := o.fill(); err != nil {
		t.Fatal(err)
	}
	return newRun(&o)
}

func BenchmarkReader(b *testing.B) {
	entry := []byte(`{"type":"WIDGET_UPDATE","id":"bench-01234567-1-123456","timestamp":"2026-11-22T18:00:00.125Z","userId":"anonymous","payload":{"dashboardId":"bench-01234567-0","epoch":"01a2056c-3b66-7dbb-9929-f171422750b2","version":42,"author":{"userId":"anonymous","clientId":"bench-01234567-e1"},"change":{"widgets":{"w1":{"set":{"/sent":12345678901,"/title":"edit 123456"}}}}}}`)
	rd := &reader{synced: make(chan struct{})}
	r := mustRun(b, Options{Server: "http://localhost:1", Scenario: Fanout})
	b.ReportAllocs()
	for b.Loop() {
		rd.version.Store(41)
		if err := rd.message(r, entry, nil); err != nil {
			b.Fatal(err)
		}
	}
	if len(r.faults) > 0 {
		b.Fatal(r.faults)
	}
}

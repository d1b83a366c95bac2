package metrics_test

import (
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/metrics"
	"github.com/dashwire/dashwire/observe"
)

// limitsTotal is the counter of limits where each was hit once, and sessions twice.
func limitsTotal() string {
	names := slices.Sorted(slices.Values(observe.Limits()))
	var b strings.Builder
	b.WriteString("# HELP dashwire_limits_total Times that a limit was hit, by its name.\n# TYPE dashwire_limits_total counter\n")
	for _, l := range names {
		n := 1
		if l == observe.LimitSessions {
			n = 2
		}
		fmt.Fprintf(&b, "dashwire_limits_total{limit=%q} %d\n", string(l), n)
	}
	return b.String()
}

func TestH4_HooksBecomeMetrics(t *testing.T) {
	one := observe.Session{ID: "s1", Transport: "websocket"}
	two := observe.Session{ID: "s2", Transport: "sse", ClientID: "c"}
	for _, c := range []struct {
		name   string
		happen func(observe.Hooks)
		metric string
		want   string
	}{
		{"a session connects twice and counts once", func(h observe.Hooks) {
			h.Connect(one)
			h.Connect(observe.Session{ID: "s1", Transport: "websocket", UserID: "ana", ClientID: "tab"})
			h.Connect(two)
		}, "dashwire_sessions_opened_total", `
			# HELP dashwire_sessions_opened_total Sessions opened.
			# TYPE dashwire_sessions_opened_total counter
			dashwire_sessions_opened_total{transport="sse"} 1
			dashwire_sessions_opened_total{transport="websocket"} 1
		`},
		{"open sessions", func(h observe.Hooks) {
			h.Connect(one)
			h.Connect(two)
			h.Disconnect(one, 4408, "no sign of life")
		}, "dashwire_sessions", `
			# HELP dashwire_sessions Open sessions.
			# TYPE dashwire_sessions gauge
			dashwire_sessions 1
		`},
		{"close codes from outside make no series", func(h observe.Hooks) {
			h.Disconnect(one, 4408, "")
			h.Disconnect(one, 3999, "")
			h.Disconnect(one, 4999, "")
		}, "dashwire_sessions_closed_total", `
			# HELP dashwire_sessions_closed_total Sessions ended, by close code.
			# TYPE dashwire_sessions_closed_total counter
			dashwire_sessions_closed_total{code="4408"} 1
			dashwire_sessions_closed_total{code="other"} 2
		`},
		{"message types from outside make no series", func(h observe.Hooks) {
			h.Message(one, "WIDGET_UPDATE", 100)
			h.Message(one, "X1", 10)
			h.Message(one, "X2", 10)
		}, "dashwire_messages_received_total", `
			# HELP dashwire_messages_received_total Messages taken in.
			# TYPE dashwire_messages_received_total counter
			dashwire_messages_received_total{type="WIDGET_UPDATE"} 1
			dashwire_messages_received_total{type="other"} 2
		`},
		{"refusals by code", func(h observe.Hooks) {
			h.Refused(one, board.Errorf(board.CodeForbidden, "no"))
			h.Refused(observe.Session{}, board.Errorf(board.CodeForbidden, "no"))
		}, "dashwire_refused_total", `
			# HELP dashwire_refused_total Requests refused (NACK and REST), by code.
			# TYPE dashwire_refused_total counter
			dashwire_refused_total{code="FORBIDDEN"} 2
		`},
		{"limits by their names, each of them from the start", func(h observe.Hooks) {
			for _, l := range observe.Limits() {
				h.Limited(l, observe.Session{})
			}
			h.Limited(observe.LimitSessions, one)
		}, "dashwire_limits_total", limitsTotal()},
		{"commits by type", func(h observe.Hooks) {
			h.Commit(&board.Entry{Type: board.TypeUpdate, DashboardID: "a"})
			h.Commit(&board.Entry{Type: board.TypeUpdate, DashboardID: "b"})
			h.Commit(&board.Entry{Type: board.TypeLayout, DashboardID: "a"})
		}, "dashwire_entries_committed_total", `
			# HELP dashwire_entries_committed_total Entries made durable.
			# TYPE dashwire_entries_committed_total counter
			dashwire_entries_committed_total{type="LAYOUT_UPDATE"} 1
			dashwire_entries_committed_total{type="WIDGET_UPDATE"} 2
		`},
		{"overwrites", func(h observe.Hooks) {
			h.Commit(&board.Entry{Overwrote: make([]board.Overwrote, 3)})
		}, "dashwire_overwrites_total", `
			# HELP dashwire_overwrites_total Values that an edit replaced in a clash; all were told (M6).
			# TYPE dashwire_overwrites_total counter
			dashwire_overwrites_total 3
		`},
		{"conflicts by kind", func(h observe.Hooks) {
			h.Conflict(&board.Conflict{Kind: board.KindField})
		}, "dashwire_conflicts_total", `
			# HELP dashwire_conflicts_total Clashes that went to a person.
			# TYPE dashwire_conflicts_total counter
			dashwire_conflicts_total{kind="field"} 1
		`},
		{"records of failed appends do not count", func(h observe.Hooks) {
			h.Append("a", 5, time.Millisecond, nil)
			h.Append("a", 7, time.Millisecond, errors.New("disk full"))
		}, "dashwire_append_records_total", `
			# HELP dashwire_append_records_total Records appended to the journal.
			# TYPE dashwire_append_records_total counter
			dashwire_append_records_total 5
		`},
		{"failed appends", func(h observe.Hooks) {
			h.Append("a", 5, time.Millisecond, nil)
			h.Append("a", 7, time.Millisecond, errors.New("disk full"))
		}, "dashwire_appends_failed_total", `
			# HELP dashwire_appends_failed_total Appends to the journal that failed.
			# TYPE dashwire_appends_failed_total counter
			dashwire_appends_failed_total 1
		`},
		{"A3: an append that another node was before has not failed", func(h observe.Hooks) {
			h.Append("a", 7, time.Millisecond, fmt.Errorf("append to a: %w", journal.ErrMoved))
			h.Append("a", 7, time.Millisecond, errors.New("disk full"))
		}, "dashwire_appends_failed_total", `
			# HELP dashwire_appends_failed_total Appends to the journal that failed.
			# TYPE dashwire_appends_failed_total counter
			dashwire_appends_failed_total 1
		`},
		{"A3: appends that another node was before", func(h observe.Hooks) {
			h.Append("a", 7, time.Millisecond, fmt.Errorf("append to a: %w", journal.ErrMoved))
			h.Append("a", 7, time.Millisecond, nil)
		}, "dashwire_appends_lost_total", `
			# HELP dashwire_appends_lost_total Appends that were decided again, since another node was first.
			# TYPE dashwire_appends_lost_total counter
			dashwire_appends_lost_total 1
		`},
		{"deliveries", func(h observe.Hooks) {
			h.Deliver(3, 600)
			h.Deliver(1, 200)
		}, "dashwire_entries_delivered_total", `
			# HELP dashwire_entries_delivered_total Entries written to sessions.
			# TYPE dashwire_entries_delivered_total counter
			dashwire_entries_delivered_total 4
		`},
		{"open dashboards", func(h observe.Hooks) {
			h.RoomOpen("a", time.Millisecond)
			h.RoomOpen("b", time.Millisecond)
			h.RoomClose("a")
		}, "dashwire_dashboards_open", `
			# HELP dashwire_dashboards_open Dashboards in memory.
			# TYPE dashwire_dashboards_open gauge
			dashwire_dashboards_open 1
		`},
		{"errors", func(h observe.Hooks) { h.Error(errors.New("x"), "id-1") }, "dashwire_errors_total", `
			# HELP dashwire_errors_total Errors that the operator should know; the log names them.
			# TYPE dashwire_errors_total counter
			dashwire_errors_total 1
		`},
	} {
		t.Run(c.name, func(t *testing.T) {
			reg := prometheus.NewRegistry()
			hooks, _ := metrics.New(metrics.Options{Registry: reg})
			c.happen(hooks)
			if err := testutil.GatherAndCompare(reg, strings.NewReader(c.want), c.metric); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestH4_TimesAreHistograms(t *testing.T) {
	reg := prometheus.NewRegistry()
	hooks, _ := metrics.New(metrics.Options{Registry: reg})
	hooks.Acknowledged(3 * time.Millisecond)
	hooks.Append("a", 1, 2*time.Millisecond, nil)
	hooks.Fanout(4 * time.Millisecond)
	hooks.RoomOpen("a", time.Millisecond)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]float64{}
	for _, f := range families {
		if h := f.GetMetric()[0].GetHistogram(); h != nil && h.GetSampleCount() > 0 {
			sums[f.GetName()] = h.GetSampleSum()
		}
	}
	for name, want := range map[string]float64{
		"dashwire_ack_duration_seconds":            0.003,
		"dashwire_append_duration_seconds":         0.002,
		"dashwire_fanout_duration_seconds":         0.004,
		"dashwire_dashboard_open_duration_seconds": 0.001,
	} {
		if sums[name] != want {
			t.Errorf("%s is %v, want %v", name, sums[name], want)
		}
	}
}

func TestH4_HandlerServesAll(t *testing.T) {
	hooks, handler := metrics.New(metrics.Options{Numbers: func() []metrics.Number {
		return []metrics.Number{
			{Name: "dashwire_journal_bytes", Help: "Size.", Value: 4096},
			{Name: "dashwire_journal_commits_total", Help: "Commits.", Value: 7, Counter: true},
		}
	}})
	hooks.Acknowledged(time.Millisecond)
	rec := httptest.NewRecorder()
	handler.ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	body, _ := io.ReadAll(rec.Body)
	for _, line := range []string{
		"dashwire_journal_bytes 4096",
		"# TYPE dashwire_journal_commits_total counter",
		"dashwire_journal_commits_total 7",
		"dashwire_ack_duration_seconds_count 1",
		"go_goroutines ",
	} {
		if !strings.Contains(string(body), line) {
			t.Errorf("/metrics has no %q", line)
		}
	}
}

// TestH4_NoIDsAsLabels: however many dashboards, users and sessions there are, the
// number of series stays the same.
func TestH4_NoIDsAsLabels(t *testing.T) {
	reg := prometheus.NewRegistry()
	hooks, _ := metrics.New(metrics.Options{Registry: reg})
	happen := func(id string) {
		s := observe.Session{ID: id, UserID: id, ClientID: id, RemoteAddr: id, Transport: "websocket"}
		hooks.Connect(s)
		hooks.Message(s, "PING", 1)
		hooks.Refused(s, board.Errorf(board.CodeNotFound, "%s", id).At(id))
		hooks.Commit(&board.Entry{Type: board.TypeUpdate, DashboardID: id, ID: id})
		hooks.Conflict(&board.Conflict{Kind: board.KindField, DashboardID: id})
		hooks.Append(id, 1, 0, errors.New(id))
		hooks.RoomOpen(id, 0)
		hooks.RoomClose(id)
		hooks.Error(errors.New(id), id)
		hooks.Disconnect(s, 1000, id)
	}
	happen("a")
	before, err := testutil.GatherAndCount(reg)
	if err != nil {
		t.Fatal(err)
	}
	happen("b")
	if after, err := testutil.GatherAndCount(reg); err != nil || after != before {
		t.Errorf("%d series became %d (%v)", before, after, err)
	}
}

func BenchmarkDeliver(b *testing.B) {
	hooks, _ := metrics.New(metrics.Options{})
	b.ReportAllocs()
	for b.Loop() {
		hooks.Deliver(3, 600)
	}
}

func BenchmarkMessage(b *testing.B) {
	hooks, _ := metrics.New(metrics.Options{})
	s := observe.Session{ID: "s", Transport: "websocket"}
	b.ReportAllocs()
	for b.Loop() {
		hooks.Message(s, "WIDGET_UPDATE", 200)
	}
}

// TestH4_OpenSessionsUnderManyAtOnce: whoever comes or goes last, the number is right after.
func TestH4_OpenSessionsUnderManyAtOnce(t *testing.T) {
	reg := prometheus.NewRegistry()
	hooks, _ := metrics.New(metrics.Options{Registry: reg})
	var wg sync.WaitGroup
	for round := range 2000 {
		for i := range 8 {
			wg.Go(func() {
				s := observe.Session{ID: fmt.Sprint(i), Transport: "websocket"}
				hooks.Connect(s)
				if i != 0 {
					hooks.Disconnect(s, 1000, "")
				}
			})
		}
		wg.Wait()
		want := "# HELP dashwire_sessions Open sessions.\n# TYPE dashwire_sessions gauge\ndashwire_sessions 1\n"
		if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "dashwire_sessions"); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}

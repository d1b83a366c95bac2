package session

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/memjournal"
)

func TestR1_DeltaOrSnapshot(t *testing.T) {
	const big = 20_000
	tests := []struct {
		name    string
		since   string // of {epoch, version}
		entries int    // after the first two versions
		size    int
		mode    string
	}{
		{"everything there", "E 12", 10, 10, "delta"},
		{"some entries", "E 5", 10, 10, "delta"},
		{"from nothing", " 0", 10, 10, "delta"},
		{"another epoch", "other 5", 10, 10, "snapshot"},
		{"empty epoch with a version", " 5", 10, 10, "snapshot"},
		{"exactly 1,000", "E 3", 1000, 1, "delta"},
		{"more than 1,000", "E 2", 1000, 1, "snapshot"},
		{"larger than the document", "E 2", 3, big, "snapshot"},
		{"smaller than the document", "E 2", 1, 10, "delta"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, options{}, func(t *testing.T, n *node) {
				a := n.join("a")
				a.create("ops", "cpu")
				a.create("ops", "pad")
				if test.entries == 1000 { // a document that a thousand entries fit into
					a.send(`{"type":"DASHBOARD_UPDATE","id":"pad","payload":{"dashboardId":"ops","set":{"/pad":%q}}}`, strings.Repeat("p", 600_000))
					a.one("ACK")
				}
				a.fill("ops", "cpu", test.entries, test.size)
				b := n.join("b")
				epoch := n.epoch("ops")
				parts := strings.Split(strings.Replace(test.since, "E", epoch, 1), " ")
				list := b.sinceParts("ops", parts[0], parts[1])
				m := list[0]
				if m.str("mode") != test.mode || m.str("version") != fmt.Sprint(n.version("ops")) || m.str("epoch") != epoch {
					t.Errorf("got %.200s", m.Payload)
				}
				if test.mode == "delta" {
					type payload struct {
						Entries []struct{ Payload struct{ Version int } }
					}
					var p payload
					for _, m := range list {
						var part payload
						m.read(t, &part)
						p.Entries = append(p.Entries, part.Entries...)
					}
					from := 0
					_, _ = fmt.Sscan(parts[1], &from)
					if len(p.Entries) != int(n.version("ops"))-from {
						t.Errorf("%d entries after %d", len(p.Entries), from)
					}
					for i, e := range p.Entries {
						if e.Payload.Version != from+i+1 {
							t.Fatalf("entry %d has version %d", i, e.Payload.Version)
						}
					}
				}
			})
		})
	}
}

func (n *node) state(id string) *board.State {
	n.t.Helper()
	s, err := n.hub.State(n.t.Context(), id)
	if err != nil {
		n.t.Fatal(err)
	}
	return s
}

func (n *node) epoch(id string) string { return n.state(id).Epoch() }

func (n *node) version(id string) uint64 { return n.state(id).Version() }

func TestR1_AnswerAndSubscriptionAreOneStep(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		a := n.join("a")
		a.create("ops", "cpu")
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range 300 {
				a.title(fmt.Sprint("t", i), "ops", "cpu", fmt.Sprint(i))
			}
		}()
		var readers []*peer
		for i := range 20 {
			b := n.join(fmt.Sprint("b", i))
			b.send(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`)
			readers = append(readers, b)
			after(time.Millisecond)
		}
		<-done
		after(aWhile)
		for _, b := range readers {
			got := b.take()
			if got[0].Type != "SYNC_RESPONSE" {
				t.Fatalf("got %s", describe(got[:1]))
			}
			next := got[0].uint("version")
			for _, m := range got[1:] {
				if next++; m.uint("version") != next {
					t.Fatalf("heard %s, want version %d", m.raw, next)
				}
			}
			if next != 301 {
				t.Errorf("heard up to %d, want 301", next)
			}
		}
	})
}

func TestR1_ANodeThatIsBehindReadsTheLogFirst(t *testing.T) {
	tests := []struct {
		name  string
		since func(epoch string) (string, uint64)
		want  string
	}{
		{"newer version", func(e string) (string, uint64) { return e, 6 }, "delta"},
		{"newer epoch", func(string) (string, uint64) { return "never seen here", 3 }, "snapshot"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			j := memjournal.New(memjournal.Options{})
			two(t, options{journal: deaf{j}}, func(t *testing.T, a, b *node) {
				after(2 * time.Second) // what was appended before Follow listens is read
				pa, pb := a.join("a"), b.join("b")
				pa.create("ops", "cpu")
				if m := pb.follow("ops"); m.str("version") != "1" {
					t.Fatalf("got %s", m.Payload)
				}
				pa.fill("ops", "cpu", 5, 10)
				if b.version("ops") != 1 {
					t.Fatal("the other node has heard although it is deaf")
				}
				epoch, version := test.since(a.epoch("ops"))
				if m := b.join("c").since("ops", epoch, version); m.str("version") != "6" || m.str("mode") != test.want {
					t.Errorf("got %s", m.Payload)
				}
				after(aWhile)
				if got := pb.take(); len(got) != 5 || got[4].str("version") != "6" {
					t.Errorf("the reader who was there: %s", describe(got))
				}
			})
		})
	}
}

func TestR1_Rewound(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		a := n.join("a")
		a.create("ops", "cpu")
		if m := a.since("ops", n.epoch("ops"), 9); m.str("mode") != "snapshot" || m.str("rewound") != "true" || m.str("version") != "1" {
			t.Errorf("got %s", m.Payload)
		}
		if !strings.Contains(n.log.String(), "older copy") {
			t.Errorf("no alarm in the log: %s", n.log)
		}
	})
}

func TestR2_EveryVersionOnceInOrder(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		a, b := n.join("a"), n.join("b")
		if m := a.follow("ops"); m.str("version") != "0" || m.str("epoch") != "" || m.str("mode") == "" {
			t.Fatalf("empty dashboard: %s", m.Payload)
		}
		b.follow("ops")
		if m := a.create("ops", "cpu"); m.str("version") != "1" || m.str("inStream") != "true" || m.str("status") != "applied" {
			t.Errorf("ack: %s", m.Payload)
		}
		e := b.one("WIDGET_UPDATE")
		if e.str("version") != "1" || e.str("author", "clientId") != "a" {
			t.Errorf("entry: %s", e.Payload)
		}
		a.title("t2", "ops", "cpu", "CPU")
		b.title("t3", "ops", "cpu", "Processor")
		after(aWhile)
		for _, p := range []*peer{a, b} {
			got := p.take()
			if len(got) != 2 || got[0].str("version") != "2" || got[1].str("version") != "3" {
				t.Errorf("got %s", describe(got))
			}
		}
	})
}

// submit hands an op in without a session and returns the answer's channel.
func (n *node) submit(user, client, id, dashboard, payload string) chan room.Answer {
	n.t.Helper()
	m, err := wire.Decode(fmt.Appendf(nil, `{"type":"WIDGET_UPDATE","id":%q,"payload":%s}`, id, payload), wire.Limits{})
	if err != nil {
		n.t.Fatal(err)
	}
	return n.submitOp(user, client, m.Op)
}

func (n *node) submitOp(user, client string, op *board.Op) chan room.Answer {
	n.t.Helper()
	op.Author = board.Author{UserID: user, ClientID: client}
	authorized, err := auth.Authorize(n.t.Context(), auth.Grants{}, owner(user), op)
	if err != nil {
		n.t.Fatal(err)
	}
	answers := make(chan room.Answer, 2) // a second one would be found by the test
	n.hub.Submit(n.t.Context(), authorized, func(a room.Answer) { answers <- a })
	return answers
}

func TestR3_DeltaHoldsTheClientsOwnEntries(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, n *node) {
		a := n.join("a")
		a.create("ops", "cpu")
		a.title("lost", "ops", "cpu", "x")
		a.take() // and suppose that it never came
		b := n.join("a")
		if m := b.since("ops", n.epoch("ops"), 1); m.str("mode") != "delta" || !strings.Contains(string(m.Payload), `"id":"lost"`) {
			t.Errorf("got %s", m.Payload)
		}
	})
}

func TestR4_NobodySeesWhatIsNotStored(t *testing.T) {
	g := newGate()
	bubble(t, options{journal: g}, func(t *testing.T, n *node) {
		a, b := n.join("a"), n.join("b")
		a.create("ops", "cpu")
		a.follow("ops")
		b.follow("ops")
		g.shut()
		a.title("t", "ops", "cpu", "secret")
		a.title("u", "ops", "cpu", "secret too")
		after(aWhile)
		a.want("")
		b.want("")
		if m := n.join("c").follow("ops"); m.str("version") != "1" || strings.Contains(string(m.Payload), "secret") {
			t.Errorf("a new reader: %s", m.Payload)
		}
		if v := n.version("ops"); v != 1 {
			t.Errorf("State is at %d", v)
		}
		g.open()
		after(aWhile)
		a.want("ACK ACK")
		b.want("WIDGET_UPDATE WIDGET_UPDATE")
	})
}

func TestR7_AnUnreadableLogIsNoEmptyDashboard(t *testing.T) {
	tests := []struct {
		name  string
		fault error
	}{
		{"away", journal.ErrUnavailable},
		{"damaged", journal.ErrCorrupt},
		{"anything else", errors.New("bits fell out")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			j := &torn{Journal: memjournal.New(memjournal.Options{}), read: test.fault}
			bubble(t, options{journal: j}, func(t *testing.T, n *node) {
				p := n.join("a")
				p.send(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`)
				if m := p.refused("s", "UNAVAILABLE"); m.str("retryable") != "true" {
					t.Errorf("got %s", m.Payload)
				}
				p.title("t", "ops", "cpu", "x")
				p.refused("t", "UNAVAILABLE")
				j.set(func(j *torn) { j.read = nil })
				p.follow("ops") // and it comes back by itself
				p.create("ops", "cpu")
			})
		})
	}
}

func TestR7_ARecordOfAnUnknownKindClosesTheDashboard(t *testing.T) {
	tests := []struct{ name, record string }{
		{"newer format", `{"format":2,"entry":{}}`},
		{"nonsense", `nonsense`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			j := memjournal.New(memjournal.Options{})
			bubble(t, options{journal: j}, func(t *testing.T, n *node) {
				p := n.join("a")
				p.create("ops", "cpu")
				p.create("net", "cpu")
				p.follow("ops")
				_, err := j.Append(t.Context(), journal.Append{
					DashboardID: "ops", After: 1, Records: [][]byte{[]byte(test.record)}, Summary: []byte("{}"),
				})
				if err != nil {
					t.Fatal(err)
				}
				after(aWhile)
				// Its readers are sent away, so that nobody takes it for up to date.
				if m := p.bye(wire.CloseOverloaded); m.str("reconnect") == "" {
					t.Errorf("got %s", m.Payload)
				}
				again := n.join("a")
				again.send(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`)
				again.refused("s", "UNAVAILABLE")
				again.title("t", "ops", "cpu", "x")
				again.refused("t", "UNAVAILABLE")
				again.follow("net") // the others serve on
				again.title("t", "net", "cpu", "x")
				again.one("ACK")
			})
		})
	}
}

func TestR8_Parts(t *testing.T) {
	bubble(t, options{session: func(c *Config) { c.BytesPerSecond = 1 << 30 }}, func(t *testing.T, n *node) {
		a, b := n.join("a"), n.join("b")
		value := strings.Repeat("v", 60_000)
		for i := range 12 {
			a.send(`{"type":"WIDGET_UPDATE","id":"c%d","payload":{"dashboardId":"ops","widgetId":"w%d","create":true,"set":{"/v":%q}}}`, i, i, value)
			a.one("ACK")
		}
		a.create("ops", "cpu")
		for _, how := range []string{"snapshot", "delta"} {
			b.block(100) // so that entries come while the parts wait
			if how == "snapshot" {
				b.send(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops"}}`)
			} else {
				b.send(`{"type":"SYNC_REQUEST","id":"s","payload":{"dashboardId":"ops","since":{"epoch":%q,"version":1}}}`, n.epoch("ops"))
			}
			version := n.version("ops")
			a.title("t"+how, "ops", "cpu", how)
			after(aWhile)
			b.drink(-1)
			after(aWhile)
			got := b.take()
			parts, widgets, entries := 0, map[string]int{}, 0
			for _, m := range got {
				switch m.Type {
				case "SYNC_RESPONSE":
					var p struct {
						Part, Parts int
						Mode        string
						Version     uint64
						Document    struct{ Widgets map[string]any }
						Entries     []any
					}
					m.read(t, &p)
					parts++
					if p.Part != parts || p.Parts < 3 || p.Mode != how || p.Version != version || m.CorrelationID != "s" || len(m.raw) > 256<<10 {
						t.Errorf("part %d of %d, %s, version %d, %d bytes, for %s", p.Part, p.Parts, p.Mode, p.Version, len(m.raw), m.CorrelationID)
					}
					for id := range p.Document.Widgets {
						widgets[id]++
					}
					entries += len(p.Entries)
				case "WIDGET_UPDATE":
					if parts < 3 || m.uint("version") != version+1 {
						t.Errorf("entry %d after %d parts", m.uint("version"), parts)
					}
				}
			}
			if got[len(got)-1].Type != "WIDGET_UPDATE" || how == "snapshot" && len(widgets) != 13 || how == "delta" && entries != int(version)-1 {
				t.Errorf("%s: %d parts, %d widgets, %d entries, last is %s", how, parts, len(widgets), entries, got[len(got)-1].Type)
			}
		}
	})
}

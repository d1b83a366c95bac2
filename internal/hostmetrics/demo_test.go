package hostmetrics

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

func TestL4_DemoLayoutIsNormalised(t *testing.T) {
	doc := DemoDocument(Facts{Hostname: "box", Cores: 4})
	main := doc.Layouts[board.MainBreakpoint]
	if main.Normalise(nil) != main {
		t.Error("normalising changes the demo's layout")
	}
	if len(main.Items) != len(doc.Widgets) {
		t.Errorf("%d places for %d widgets", len(main.Items), len(doc.Widgets))
	}
	for id := range doc.Widgets {
		if _, ok := main.Items[id]; !ok {
			t.Errorf("widget %s has no place", id)
		}
		if err := board.CheckID("widget", id); err != nil {
			t.Error(err)
		}
	}
	// No holes: the rows are full.
	cells := 0
	for _, r := range main.Items {
		cells += r.W * r.H
	}
	if want := main.Columns * main.Bottom(); cells != want {
		t.Errorf("the tiles cover %d of %d cells", cells, want)
	}
}

func TestD3_DemoDocumentIsCanonical(t *testing.T) {
	for _, host := range []Facts{{}, {Hostname: "box\xff", Cores: 1}, {Hostname: "a \"b\" <c>", Cores: 96}} {
		doc := DemoDocument(host)
		for id, v := range doc.Widgets {
			sameParsed(t, id, v)
			if kind, ok := v.Get("/type"); !ok || kind.Kind() != '"' {
				t.Errorf("%s: type %s", id, kind)
			}
		}
		sameParsed(t, "settings", doc.Settings)
		if title, ok := doc.Settings.Get("/title"); !ok || title == `""` {
			t.Errorf("no title for %+v", host)
		}
	}
}

func TestW2_ValuesFitTheDemo(t *testing.T) {
	for _, cores := range []int{1, 2, 8, 9, 64, 97} {
		t.Run(fmt.Sprint(cores, " cores"), func(t *testing.T) {
			doc := DemoDocument(Facts{Hostname: "box", Cores: cores})
			s := fullSample(cores)
			fed := map[string]bool{}
			for _, v := range Values(s, ServerStats{Sessions: 3, EditsPerSecond: 1.25, AckP99: 1500 * time.Microsecond, FanoutP99: 1500 * time.Microsecond}) {
				w, ok := doc.Widgets[v.WidgetID]
				if !ok {
					t.Errorf("a value for %s, which is no widget", v.WidgetID)
					continue
				}
				if fed[v.WidgetID] {
					t.Errorf("two values for %s in one sample", v.WidgetID)
				}
				fed[v.WidgetID] = true
				sameParsed(t, v.WidgetID, v.Data)
				checkShape(t, w, v)
			}
			for id, w := range doc.Widgets {
				if kind, _ := w.Get("/type"); kind != `"text"` && !fed[id] {
					t.Errorf("nothing feeds %s", id)
				}
			}
		})
	}
}

// checkShape holds a value against the convention of the package comment.
func checkShape(t *testing.T, w board.Value, v Value) {
	t.Helper()
	kind, _ := w.Get("/type")
	if kind != `"timeseries"` {
		want := `{"value":1}`
		if kind == `"table"` {
			want = `{"columns":[],"rows":[]}`
		}
		for key := range board.Value(want).Members() {
			if _, ok := v.Data.Get(board.Pointer("/" + key)); !ok {
				t.Errorf("%s: %s has no %s", v.WidgetID, v.Data, key)
			}
		}
		if v.Mode != Replace || v.Window != 0 {
			t.Errorf("%s: mode %s, window %d", v.WidgetID, v.Mode, v.Window)
		}
		return
	}
	var points [][]*float64
	if err := jsontext.Decode([]byte(v.Data), &points); err != nil {
		t.Fatal(err)
	}
	var config struct{ Series []map[string]string }
	raw, _ := w.Get("/config/series")
	if err := jsontext.Decode([]byte(raw), &config.Series); err != nil {
		t.Fatal(err)
	}
	if len(points) != 1 || len(points[0]) != 1+len(config.Series) || *points[0][0] != float64(start.UnixMilli()) {
		t.Errorf("%s: points %s for %d series", v.WidgetID, v.Data, len(config.Series))
	}
	// The longest numbers of a window, commas between points too, fit the cache.
	if bytes := v.Window * len(v.Data); v.Mode != Append || v.Window < 1 || bytes > 64<<10 {
		t.Errorf("%s: mode %s, a window of %d points takes %d bytes", v.WidgetID, v.Mode, v.Window, bytes)
	}
}

func TestValues_WhatIsNotKnown(t *testing.T) {
	byID := map[string]Value{}
	for _, v := range Values(Sample{Time: start}, ServerStats{}) {
		byID[v.WidgetID] = v
	}
	if len(byID) != 6 {
		t.Errorf("an empty sample gives %v, want the server's five and the host", byID)
	}
	if got := byID["ack"].Data; got != `{"value":null}` {
		t.Errorf("answer time %s without edits, want null", got)
	}
	s := fullSample(2)
	s.CPU.Cores[1] = -1
	for _, v := range Values(s, ServerStats{}) {
		if v.WidgetID == "cores" && !strings.HasSuffix(string(v.Data), ",null]]") {
			t.Errorf("cores %s, want null for the one that is not known", v.Data)
		}
	}
}

func TestSizeText(t *testing.T) {
	for _, c := range []struct {
		n    uint64
		want string
	}{
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1536, "1.5 KiB"},
		{200 << 10, "200 KiB"},
		{1000 << 10, "1.0 MiB"},
		{1 << 40, "1.0 TiB"},
		{1<<64 - 1, "16.0 EiB"},
	} {
		if got := sizeText(c.n); got != c.want {
			t.Errorf("%d bytes are %q, want %q", c.n, got, c.want)
		}
	}
}

func TestAppendNumber(t *testing.T) {
	for _, c := range []struct {
		n        float64
		decimals int
		want     string
	}{
		{12.34, 1, "12.3"},
		{12, 1, "12"},
		{0.04, 1, "0"},
		{100, 0, "100"},
		{1e15, 1, "1000000000000000"},
		{-1, 1, "null"},
	} {
		if got := string(appendNumber(nil, c.n, c.decimals)); got != c.want {
			t.Errorf("%v is %q, want %q", c.n, got, c.want)
		}
	}
}

// fullSample has every part, with long numbers.
func fullSample(cores int) Sample {
	s := Sample{
		Time: start, Host: Facts{Hostname: "box", Cores: cores},
		CPU: &CPU{Total: 99.94}, Load: &Load{123.45, 123.45, 123.45},
		Memory: &Memory{Total: 3 << 40, Available: 1 << 40, Used: 2 << 40},
		Swap:   &Usage{Total: 8 << 30, Used: 1 << 30}, Disk: &Usage{Total: 9 << 40, Used: 5 << 40},
		DiskIO: &Rates{12345678901.5, 12345678901.5}, Network: &Rates{12345678901.5, 12345678901.5},
		Uptime: 1000 * time.Hour, Processes: 1234,
		Top:  []Process{{1, "init\xff", 0.04, 12 << 20}},
		Self: &Self{RSS: 40 << 20, CPU: 1.5, Goroutines: 12, Files: 9},
	}
	for range cores {
		s.CPU.Cores = append(s.CPU.Cores, 99.94)
	}
	return s
}

// sameParsed proves that a value is what parsing it gives: canonical, within D4.
func sameParsed(t *testing.T, name string, v board.Value) {
	t.Helper()
	parsed, err := board.ParseValue([]byte(v))
	if err != nil || parsed != v {
		t.Errorf("%s: %s is not canonical (%v), want %s", name, v, err, parsed)
	}
}

func TestE7_DemoIsCommittedAsItStands(t *testing.T) {
	doc := DemoDocument(Facts{Hostname: "box", Cores: 4})
	op := &board.Op{Type: board.TypeReplace, ID: "op-1", DashboardID: DemoID, Document: doc}
	d := board.NewState(DemoID).Decide(op, board.Env{NewEpoch: "e1"})
	if d.Entry == nil {
		t.Fatalf("not committed: %+v", d)
	}
	want, got := board.AppendDocument(nil, doc), board.AppendDocument(nil, d.Next.Document())
	if string(got) != string(want) {
		t.Errorf("committed as %s, want %s", got, want)
	}
}

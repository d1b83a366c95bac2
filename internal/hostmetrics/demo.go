package hostmetrics

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// DemoID is the id of the dashboard that DemoDocument describes.
const DemoID = "machine"

// demoColumns is the width of the demo's grid.
const demoColumns = 24

// maxCoreSeries bounds the lines of the chart of cores; on a machine with more
// cores a line is the mean of several.
const maxCoreSeries = 8

// note is what the demo tells a person who sees it for the first time. It says
// only what can be tried in this very page.
const note = `**This is live, and it is shared.**

1. Open this page in a second window, side by side.
2. Drag a tile, resize one, rename one: the other window follows.
3. Edit the same tile in both: nothing is lost, you are asked if it matters.
4. Stop the server, change something, start it again: the page catches up by itself.

The numbers are this machine's own.`

// widget is a demo widget with its place; see the package comment for the shape.
type widget struct {
	id     string
	place  board.Rect
	Type   string `json:"type"`
	Title  string `json:"title"`
	Config config `json:"config"`
}

type config struct {
	Unit        string      `json:"unit,omitempty"`
	Min         *int        `json:"min,omitempty"`
	Max         *int        `json:"max,omitempty"`
	Decimals    *int        `json:"decimals,omitempty"`
	Series      []series    `json:"series,omitempty"`
	Thresholds  []threshold `json:"thresholds,omitempty"`
	Text        string      `json:"text,omitempty"`
	Description string      `json:"description,omitempty"`
}

type series struct {
	Key   string `json:"key"`
	Label string `json:"label"`
}

type threshold struct {
	Value  int    `json:"value"`
	Status string `json:"status"`
}

// The scales that several widgets share.
func percentOf(attention, danger int) config {
	return config{
		Unit: "percent", Min: new(0), Max: new(100), Decimals: new(1),
		Thresholds: []threshold{{attention, "attention"}, {danger, "danger"}},
	}
}

func rateOf(series ...series) config {
	return config{Unit: "bytes/s", Min: new(0), Decimals: new(1), Series: series}
}

// DemoDocument is the dashboard of the machine as a new installation shows it. The
// widgets are those that Values feeds, and a note. Equal facts give equal documents.
func DemoDocument(host Facts) *board.Document {
	doc := &board.Document{
		Settings: encode(map[string]any{
			"title":       cmp.Or(strings.ToValidUTF8(host.Hostname, "\uFFFD"), "This machine"),
			"description": "What this machine and the server on it are doing, once a second.",
			"tags":        []string{"demo"},
		}),
		Widgets: map[string]board.Value{},
		Layouts: map[string]*board.Layout{},
	}
	items := map[string]board.Rect{}
	for _, w := range demoWidgets(host) {
		doc.Widgets[w.id] = encode(w)
		items[w.id] = w.place
	}
	doc.Layouts[board.MainBreakpoint] = &board.Layout{Columns: demoColumns, Compact: board.CompactVertical, Items: items}
	return doc
}

func demoWidgets(host Facts) []widget {
	busy := percentOf(80, 95)
	busy.Thresholds = nil
	busy.Series = []series{{"total", "all cores"}}
	cores := busy
	cores.Series = coreSeries(host.Cores)
	load := config{
		Unit: "short", Min: new(0), Decimals: new(2),
		Series:      []series{{"1m", "1 minute"}, {"5m", "5 minutes"}, {"15m", "15 minutes"}},
		Description: fmt.Sprintf("Processes that ran or waited. Above %d, the number of cores, some had to wait.", max(host.Cores, 1)),
	}
	perSecond := config{Unit: "short", Min: new(0), Decimals: new(1)}
	ack := config{
		Unit: "duration", Min: new(0), Decimals: new(3),
		Thresholds:  []threshold{{1, "danger"}},
		Description: "99 of 100 edits were stored and answered within this time.",
	}
	fanout := ack
	fanout.Description = "99 of 100 changes had been sent to everybody within this time."
	memory := config{
		Unit: "bytes", Min: new(0), Decimals: new(1),
		Series: []series{{"used", "used"}, {"available", "available"}},
	}
	return []widget{
		{id: "cpu", place: at(0, 0, 9, 8), Type: "timeseries", Title: "Processors", Config: busy},
		{id: "cores", place: at(9, 0, 9, 8), Type: "timeseries", Title: "Processors, each", Config: cores},
		{id: "note", place: at(18, 0, 6, 8), Type: "text", Title: "Try it", Config: config{Text: note}},

		{id: "sessions", place: at(0, 8, 4, 4), Type: "stat", Title: "Sessions", Config: config{Unit: "short", Min: new(0), Decimals: new(0), Description: "Open connections to this server."}},
		{id: "edits", place: at(4, 8, 4, 4), Type: "stat", Title: "Edits / s", Config: perSecond},
		{id: "deliveries", place: at(8, 8, 4, 4), Type: "stat", Title: "Deliveries / s", Config: perSecond},
		{id: "ack", place: at(12, 8, 4, 4), Type: "stat", Title: "Answer time, p99", Config: ack},
		{id: "fanout", place: at(16, 8, 4, 4), Type: "stat", Title: "Fan-out time, p99", Config: fanout},
		{id: "uptime", place: at(20, 8, 4, 4), Type: "stat", Title: "Uptime", Config: config{Unit: "duration", Decimals: new(0)}},

		{id: "memory", place: at(0, 12, 5, 7), Type: "gauge", Title: "Memory", Config: percentOf(80, 95)},
		{id: "memory-history", place: at(5, 12, 10, 7), Type: "timeseries", Title: "Memory over time", Config: memory},
		{id: "load", place: at(15, 12, 9, 7), Type: "timeseries", Title: "Load", Config: load},

		{id: "disk", place: at(0, 19, 5, 7), Type: "gauge", Title: "Disk", Config: percentOf(80, 95)},
		{id: "disk-io", place: at(5, 19, 10, 7), Type: "timeseries", Title: "Disk traffic", Config: rateOf(series{"read", "read"}, series{"written", "written"})},
		{id: "network", place: at(15, 19, 9, 7), Type: "timeseries", Title: "Network traffic", Config: rateOf(series{"received", "received"}, series{"sent", "sent"})},

		{id: "processes", place: at(0, 26, 14, 8), Type: "table", Title: "Busiest processes", Config: config{Description: "Percent of one core, over the last seconds."}},
		{id: "host", place: at(14, 26, 10, 8), Type: "table", Title: "Machine and server"},
	}
}

func at(x, y, w, h int) board.Rect { return board.Rect{X: x, Y: y, W: w, H: h} }

// coreGroups cuts cores into at most maxCoreSeries runs of equal length, the last
// one shorter: it returns the length.
func coreGroups(cores int) int { return max((cores+maxCoreSeries-1)/maxCoreSeries, 1) }

func coreSeries(cores int) []series {
	var all []series
	size := coreGroups(cores)
	for from := 0; from < max(cores, 1); from += size {
		to := min(from+size, cores) - 1
		if to <= from {
			all = append(all, series{fmt.Sprintf("core%d", from), fmt.Sprintf("core %d", from)})
		} else {
			all = append(all, series{fmt.Sprintf("core%d", from), fmt.Sprintf("cores %d–%d", from, to)})
		}
	}
	return all
}

// encode makes a value of a Go value of this package's own making, whose texts are
// valid UTF-8; of anything else it makes null.
func encode(v any) board.Value {
	data, err := jsontext.Encode(v)
	if err == nil {
		data, err = jsontext.Canonicalize(data)
	}
	if err != nil {
		return "null"
	}
	return board.Value(data)
}

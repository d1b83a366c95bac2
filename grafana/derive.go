package grafana

import (
	"github.com/dashwire/dashwire/board"
)

// derive gives the widget that a panel amounts to, without the panel's JSON: type,
// title and the options that both sides know.
func derive(panel board.Value) board.Value {
	kind := kindOf(panel)
	config := board.Value("{}")
	for _, o := range options {
		if v := o.read(panel, kind); !v.Absent() {
			config = config.With(o.ours, v)
		}
	}
	w := board.Value(`{"config":{},"title":"","type":""}`)
	return w.With("/config", config).With("/title", quote(titleOf(panel))).With("/type", quote(kind))
}

func titleOf(panel board.Value) string {
	if v, ok := panel.Get("/title"); ok {
		if s, ok := text(v); ok {
			return s
		}
	}
	return textAt(panel, "/libraryPanel/name")
}

// write gives the panel with what the widget says now: type, title and options are
// changed where the panel says something else, and nothing besides. Writing again
// changes nothing.
func write(panel, w board.Value) board.Value {
	if kind := textAt(w, "/type"); kind != kindOf(panel) {
		if name, ok := panelType(kind); ok {
			panel = panel.With("/type", quote(name))
		}
	}
	if title, _ := w.Get("/title"); title.Kind() == '"' && !title.Equal(quote(titleOf(panel))) {
		panel = panel.With("/title", title)
	}
	kind := kindOf(panel)
	for _, o := range options {
		now, _ := w.Get("/config" + o.ours)
		if now.Equal(o.read(panel, kind)) {
			continue
		}
		if next := o.write(panel, kind, now); o.read(next, kind).Equal(now) {
			panel = next
		}
	}
	return panel
}

// option is one member of config that has a counterpart in the panel.
type option struct {
	ours board.Pointer // under config
	// read gives our form of what the panel says, absent if nothing.
	read func(panel board.Value, kind string) board.Value
	// write gives the panel saying v, or nothing if v is absent. Where it cannot be
	// said, the panel comes back as it is.
	write func(panel board.Value, kind string, v board.Value) board.Value
}

const defaults board.Pointer = "/fieldConfig/defaults"

// options in the order in which they are written.
var options = []option{
	{"/unit", readUnit, writeUnit},
	{"/min", readNumber(defaults+"/min", "/gauge/minValue", "0/min"), writeAt(defaults + "/min")},
	{"/max", readNumber(defaults+"/max", "/gauge/maxValue", "0/max"), writeAt(defaults + "/max")},
	{"/decimals", readNumber(defaults+"/decimals", "/decimals", "0/decimals"), writeAt(defaults + "/decimals")},
	{"/thresholds", readThresholds, writeThresholds},
	{"/description", readText("/description"), writeAt("/description")},
	{"/text", onlyText(readText("/options/content", "/content")), writeAt("/options/content")},
	{"/mode", onlyText(readMode), writeAt("/options/mode")},
	{"/series", readSeries, keepPanel},
	{"/collapsed", readCollapsed, writeAt("/collapsed")},
}

// axis gives a member of an old graph's left axis.
func axis(panel board.Value, p board.Pointer) board.Value {
	axes, _ := panel.Get("/yaxes")
	all := elements(axes)
	if len(all) == 0 {
		return ""
	}
	v, _ := all[0].Get(p)
	return v
}

// lookUp gives the value at the first place that has one; a place "0/…" is on an
// old graph's left axis.
func lookUp(panel board.Value, kind byte, places []board.Pointer) board.Value {
	for _, p := range places {
		var v board.Value
		if p[0] == '0' {
			v = axis(panel, p[1:])
		} else {
			v, _ = panel.Get(p)
		}
		if v.Kind() == kind {
			return v
		}
	}
	return ""
}

func readNumber(places ...board.Pointer) func(board.Value, string) board.Value {
	return func(panel board.Value, _ string) board.Value { return lookUp(panel, '0', places) }
}

// readText reads a text that is not empty.
func readText(places ...board.Pointer) func(board.Value, string) board.Value {
	return func(panel board.Value, _ string) board.Value {
		if v := lookUp(panel, '"', places); v != `""` {
			return v
		}
		return ""
	}
}

// readMode reads how a text is written; absent = markdown.
func readMode(panel board.Value, kind string) board.Value {
	v := readText("/options/mode", "/mode")(panel, kind)
	if v == `"markdown"` {
		return ""
	}
	return v
}

// onlyText reads nothing from panels that are no text.
func onlyText(read func(board.Value, string) board.Value) func(board.Value, string) board.Value {
	return func(panel board.Value, kind string) board.Value {
		if kind != "text" {
			return ""
		}
		return read(panel, kind)
	}
}

func writeAt(p board.Pointer) func(board.Value, string, board.Value) board.Value {
	return func(panel board.Value, _ string, v board.Value) board.Value {
		if v.Absent() {
			return panel.Without(p)
		}
		return panel.With(p, v)
	}
}

// keepPanel leaves the panel alone: queries are Grafana's.
func keepPanel(panel board.Value, _ string, _ board.Value) board.Value { return panel }

// ourUnits by Grafana's names. Others are taken as written.
var ourUnits = map[string]string{
	"none":        "short",
	"Bps":         "bytes/s",
	"binBps":      "bytes/s",
	"s":           "duration",
	"dtdurations": "duration",
}

// grafanaUnits by our names.
var grafanaUnits = map[string]string{
	"bytes/s":  "binBps",
	"duration": "s",
}

func readUnit(panel board.Value, _ string) board.Value {
	v := lookUp(panel, '"', []board.Pointer{defaults + "/unit", "/format", "0/format"})
	name, _ := text(v)
	if name == "" {
		return ""
	}
	if unit, ok := ourUnits[name]; ok {
		return quote(unit)
	}
	return v
}

func writeUnit(panel board.Value, kind string, v board.Value) board.Value {
	if name, ok := text(v); ok {
		if unit, ok := grafanaUnits[name]; ok {
			v = quote(unit)
		}
	}
	return writeAt(defaults+"/unit")(panel, kind, v)
}

func readCollapsed(panel board.Value, kind string) board.Value {
	v, _ := panel.Get("/collapsed")
	if kind != "row" || (v != "true" && v != "false") {
		return ""
	}
	return v
}

// series is one line of a chart, see package hostmetrics for the convention.
type series struct {
	Key   string `json:"key"`
	Label string `json:"label"`
}

// readSeries names a chart's lines after its queries. A query may give many lines
// whose names are only known with the data; its pattern stands for them.
func readSeries(panel board.Value, kind string) board.Value {
	if kind != "timeseries" {
		return ""
	}
	targets, _ := panel.Get("/targets")
	var all []series
	for _, t := range elements(targets) {
		key, label := textAt(t, "/refId"), textAt(t, "/legendFormat")
		if key == "" {
			return ""
		}
		if label == "" || label == "__auto" {
			label = key
		}
		all = append(all, series{key, label})
	}
	if len(all) == 0 {
		return ""
	}
	return encode(all)
}

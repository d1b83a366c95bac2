package grafana

import (
	"strconv"
	"strings"

	"github.com/dashwire/dashwire/board"
)

// readThresholds gives the steps with the status that their colours stand for. A
// first step that is no status of its own, green or grey, is left out; another
// first step has no value.
func readThresholds(panel board.Value, kind string) board.Value {
	steps, _ := panel.Get(defaults + "/thresholds/steps")
	all := elements(steps)
	if len(all) == 0 || !showsThresholds(panel, kind) {
		return ""
	}
	if mode := textAt(panel, defaults+"/thresholds/mode"); mode != "" && mode != "absolute" {
		return "" // parts of a range that is only known with the data
	}
	ours := make([]board.Value, 0, len(all))
	for i, s := range all {
		at, _ := s.Get("/value")
		status := statusOf(textAt(s, "/color"))
		first := i == 0 && at.Kind() != '0'
		switch {
		case first && status == "ok":
			continue
		case !first && at.Kind() != '0':
			return ""
		}
		step := board.Value("{}").With("/status", quote(status))
		if !first {
			step = step.With("/value", at)
		}
		ours = append(ours, step)
	}
	if len(ours) == 0 {
		return ""
	}
	return array(ours)
}

// showsThresholds reports whether a panel colours its value by thresholds. Every
// panel that the editor has touched holds some, used or not.
func showsThresholds(panel board.Value, kind string) bool {
	switch kind {
	case "stat", "gauge", "bargauge", "table":
		mode := textAt(panel, defaults+"/color/mode")
		return mode == "" || mode == "thresholds"
	case "timeseries":
		mode := textAt(panel, defaults+"/custom/thresholdsStyle/mode")
		return mode != "" && mode != "off"
	}
	return false
}

// writeThresholds writes steps in colours that stand for our statuses.
func writeThresholds(panel board.Value, kind string, v board.Value) board.Value {
	if v.Absent() {
		return panel.Without(defaults + "/thresholds")
	}
	ours := elements(v)
	if len(ours) == 0 {
		return panel
	}
	steps := []board.Value{`{"color":"green","value":null}`}
	for i, s := range ours {
		color, known := colors[textAt(s, "/status")]
		at, has := s.Get("/value")
		if !known || (has && at.Kind() != '0') || (!has && i > 0) {
			return panel
		}
		step := board.Value("{}").With("/color", quote(color))
		if !has {
			steps[0] = step.With("/value", "null")
			continue
		}
		steps = append(steps, step.With("/value", at))
	}
	thresholds := board.Value(`{"mode":"absolute"}`).With("/steps", array(steps))
	panel = panel.With(defaults+"/thresholds", thresholds)
	if kind == "timeseries" && !showsThresholds(panel, kind) {
		panel = panel.With(defaults+"/custom/thresholdsStyle/mode", `"line"`)
	}
	return panel
}

// colors by status.
var colors = map[string]string{"ok": "green", "busy": "blue", "attention": "orange", "danger": "red"}

// statuses by Grafana's colour names, shades apart.
var statuses = map[string]string{
	"green": "ok", "blue": "busy", "purple": "busy", "yellow": "attention", "orange": "attention", "red": "danger",
}

// statusOf is what a colour says to people: red is danger, yellow and orange ask
// for attention, blue and purple are busy, all others are ok.
func statusOf(color string) string {
	if s, ok := statuses[color[strings.LastIndexByte(color, '-')+1:]]; ok {
		return s
	}
	r, g, b, ok := rgb(color)
	low, high := min(r, g, b), max(r, g, b)
	if !ok || high-low < 0x20 {
		return "ok"
	}
	// The hue in sixths of the circle, red at 0, green at 2, blue at 4.
	spread := float64(high - low)
	var hue float64
	switch high {
	case r:
		hue = float64(g-b) / spread
	case g:
		hue = 2 + float64(b-r)/spread
	default:
		hue = 4 + float64(r-g)/spread
	}
	switch {
	case hue < -0.5 || hue > 5.5: // pink
		return "danger"
	case hue < 0.35:
		return "danger"
	case hue < 1.1:
		return "attention"
	case hue < 3:
		return "ok"
	}
	return "busy"
}

// rgb reads "#e24d42", "rgb(…)" and "rgba(…)".
func rgb(color string) (r, g, b int, ok bool) {
	if hex, found := strings.CutPrefix(color, "#"); found {
		n, err := strconv.ParseUint(hex, 16, 32)
		switch {
		case err != nil:
			return 0, 0, 0, false
		case len(hex) == 8:
			n >>= 8
		case len(hex) != 6:
			return 0, 0, 0, false
		}
		return int(n >> 16 & 0xff), int(n >> 8 & 0xff), int(n & 0xff), true
	}
	_, inside, found := strings.Cut(color, "(")
	parts := strings.Split(strings.TrimSuffix(inside, ")"), ",")
	if !found || len(parts) < 3 {
		return 0, 0, 0, false
	}
	var c [3]int
	for i := range c {
		n, err := strconv.Atoi(strings.TrimSpace(parts[i]))
		if err != nil || n < 0 || n > 255 {
			return 0, 0, 0, false
		}
		c[i] = n
	}
	return c[0], c[1], c[2], true
}

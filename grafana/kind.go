package grafana

import "github.com/dashwire/dashwire/board"

// kinds are the panel types that pages draw, by the name Grafana has for them,
// older names too.
var kinds = map[string]string{
	"timeseries": "timeseries",
	"graph":      "timeseries",
	"stat":       "stat",
	"singlestat": "stat",
	"gauge":      "gauge",
	"bargauge":   "bargauge",
	"table":      "table",
	"table-old":  "table",
	"text":       "text",
	"row":        "row",
}

// unknownKind is the type of a widget whose panel has none, such as a panel of the
// library that stands elsewhere.
const unknownKind = "grafana"

// Drawn reports whether pages draw widgets of a type; others are only kept.
func Drawn(kind string) bool {
	_, ours := kinds[kind]
	return ours && kinds[kind] == kind
}

// kindOf is the widget type of a panel.
func kindOf(panel board.Value) string {
	name := textAt(panel, "/type")
	kind, ok := kinds[name]
	switch {
	case !ok && name == "":
		return unknownKind
	case !ok:
		return name
	}
	if show, _ := panel.Get("/gauge/show"); name == "singlestat" && show == "true" {
		return "gauge"
	}
	return kind
}

// panelType is Grafana's name for the panel nearest to a widget type. Ours are
// named as Grafana names its own.
func panelType(kind string) (string, bool) {
	if Drawn(kind) {
		return kind, true
	}
	return "text", false
}

// Package grafana reads Grafana dashboard JSON into a document and writes it back.
//
//	in, err := grafana.Import(body, grafana.Options{})
//	… in.Document becomes a dashboard named in.SuggestedID, people work on it …
//	body, err := grafana.Export(document)
//
// A panel is a widget, a row is one too, and gridPos is its place in the layout
// main of 24 columns. Each panel's JSON is kept whole and verbatim, so that an
// export gives back what came in; only what people changed since is different:
// titles, places, sizes, the options that both sides know, panels added and
// deleted. The package draws nothing and asks no data source.
//
// # What a widget holds
//
//	{"type": "gauge", "title": "RAM used", "config": {
//	    "unit": "percent", "min": 0, "max": 100, "decimals": 1, "thresholds": […], …
//	    "grafana":  {…},
//	    "imported": {"id": "panel-16", "index": 4, "row": "panel-261", "x": 9, "y": 1, "w": 3, "h": 4}}}
//
// Type is one of our own where pages draw it ([Drawn] tells), else Grafana's. The
// options are derived from the panel in the form that our pages use; thresholds
// name a status for Grafana's colours. Under grafana is the panel's JSON, of a row
// without the panels in it: these are widgets of their own. Under imported is what
// import made of the place. The rest of the dashboard's JSON is settings.grafana.
//
// # Rows and places
//
// In Grafana a row that is folded up keeps its panels inside it, at places from
// before it was folded. Import lays everything out as Grafana does when all rows
// are unfolded: a section is a row and what stands below it down to the next one.
// Export folds the same rows up again. A place counts as changed only if it changed
// within its section (of a row: among the folded rows), so a panel that others
// pushed along with its row comes back with the gridPos that it came with, and so
// does one whose original place overlapped another and had to be settled.
//
// # What Grafana does not know
//
// Widgets made in Dashwire become panels of the nearest type. What has no place in
// Grafana's own members stands in a member dashwire of the panel or the dashboard,
// which Grafana ignores and Import reads, so nothing is lost on the way there and
// back:
//
//	{"id": "cpu", "set": {"/config/window": 900}, "unset": ["/config/min"], "static": true}
//
// Set and unset are relative to the widget that Import would make of the panel alone.
package grafana

package wire

import (
	"fmt"
	"strings"
	"testing"
)

// messages are what clients send, written as they write it: type and id first, the payload's
// members as they come.
func messages() []struct{ name, text string } {
	var parts, places strings.Builder
	for n := range 40 {
		fmt.Fprintf(&parts, `,{"type":"WIDGET_UPDATE","widgetId":"w%d","set":{"/config/unit":"%%"}}`, n)
		fmt.Fprintf(&places, `,"w%d":{"x":%d,"y":%d}`, n, n%4*6, n/4*4)
	}
	return []struct{ name, text string }{
		{"edit", `{"type":"WIDGET_UPDATE","id":"bench-01a2056c-1-123456","payload":{"dashboardId":"bench-01a2056c-17","widgetId":"w3","policy":"overwrite","set":{"/sent":12345678901,"/title":"edit 123456"}}}`},
		{"browser", `{"type":"WIDGET_UPDATE","id":"01a2056c-3b66-7dbb-9929-f171422750b2","age":3.5,"payload":{"dashboardId":"operations","widgetId":"cpu","baseVersion":4242,"epoch":"01a2056c-3b66-7dbb-9929-f171422750b3","set":{"/title":"CPU of all hosts"},"prev":{"/title":"CPU"}}}`},
		{"object", `{"type":"WIDGET_UPDATE","id":"op-1","payload":{"dashboardId":"ops","widgetId":"cpu","set":{"/config":{"unit":"%","min":0,"max":100,"legend":{"show":true,"position":"bottom","values":["min","max","mean","last"]},"thresholds":[{"value":70,"color":"#f2c94c"},{"value":85.5,"color":"#f2994a"},{"value":95,"color":"#eb5757"}],"series":[{"expr":"avg by (host) (rate(node_cpu_seconds_total{mode!=\"idle\"}[5m])) * 100","label":"{{host}}","width":1.5}]}}}}`},
		{"escapes", `{"type": "WIDGET_UPDATE", "id": "op-1", "payload": {"dashboardId": "ops", "widgetId": "cpu", "set": {"/title": "Z\u00fcrich \u2014 \u003cload\u003e", "/config/unit": "%"}}}`},
		{"moves", `{"type":"LAYOUT_UPDATE","id":"op-1","payload":{"dashboardId":"ops","moved":{` + places.String()[1:] + `}}}`},
		{"batch", `{"type":"WIDGET_BATCH","id":"op-1","payload":{"dashboardId":"ops","operations":[` + parts.String()[1:] + `]}}`},
		{"data", `{"type":"WIDGET_DATA","id":"d-1","payload":{"dashboardId":"ops","values":{"cpu":{"data":[[1764000000123,42.5]],"mode":"append","window":100},"mem":{"data":{"used":12.5,"free":3.5},"mode":"replace"}}}}`},
		{"ping", `{"type":"PING","id":"01a2056c-3b66-7dbb-9929-f171422750b2","payload":{}}`},
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, m := range messages() {
		b.Run(m.name, func(b *testing.B) {
			data := []byte(m.text)
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := Decode(data, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendFollowing(b *testing.B) {
	entries := envelopes(42, 43)
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendFollowing(buf[:0], entries[0], entries[1])
	}
}

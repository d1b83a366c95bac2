package jsontext

import "testing"

// widget is about 2 KB, as a browser sends it.
var widget = []byte(`{"type":"timeseries","title":"CPU usage by host","config":{"unit":"%","min":0,"max":100,"legend":{"show":true,"position":"bottom","values":["min","max","mean","last"]},"thresholds":[{"value":70,"color":"#f2c94c"},{"value":85.5,"color":"#f2994a"},{"value":95,"color":"#eb5757"}],"series":[{"expr":"avg by (host) (rate(node_cpu_seconds_total{mode!=\"idle\"}[5m])) * 100","label":"{{host}}","color":"#2f80ed","axis":"left","width":1.5},{"expr":"sum by (host) (rate(node_network_receive_bytes_total[5m])) / 1024","label":"{{host}} rx","color":"#27ae60","axis":"right","width":1.5},{"expr":"sum by (host) (rate(node_network_transmit_bytes_total[5m])) / 1024","label":"{{host}} tx","color":"#9b51e0","axis":"right","width":1.5}],"axes":{"left":{"label":"per cent","format":"0.0","scale":"linear"},"right":{"label":"KiB/s","format":"0","scale":"log","base":2}},"tooltip":{"mode":"multi","sort":"desc","hideZeros":false},"links":[{"title":"Runbook","url":"https://runbooks.example.com/cpu","newTab":true},{"title":"Host overview","url":"https://dash.example.com/d/hosts?from=now-6h&to=now","newTab":false}],"transform":[{"id":"filterByName","options":{"include":{"pattern":"^prod-.*"}}},{"id":"renameByRegex","options":{"regex":"(.*)\\.example\\.com","replace":"$1"}},{"id":"calculate","options":{"mode":"reduce","reducer":"p95","alias":"95th percentile"}}],"annotations":{"deploys":{"show":true,"query":"deployments{env=\"prod\"}","color":"#bb6bd9"},"alerts":{"show":true,"query":"ALERTS{severity=~\"critical|warning\"}","color":"#eb5757"}}},"description":"Share of processor time that is not idle, averaged over five minutes. Shows each production host; the red line is where the scheduler begins to throttle batch work.","refresh":"10s","timeRange":{"from":"now-6h","to":"now","zone":"Europe/Zurich"},"tags":["prod","infrastructure","hosts"],"owner":{"team":"platform","contact":"platform@example.com","slack":"#platform-oncall"}}`)

func BenchmarkCheck(b *testing.B) {
	b.SetBytes(int64(len(widget)))
	b.ReportAllocs()
	for b.Loop() {
		if err := Check(widget, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCanonicalize(b *testing.B) {
	b.SetBytes(int64(len(widget)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Canonicalize(widget); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckedCanonical(b *testing.B) {
	canonical, err := Canonicalize(widget)
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string][]byte{"as sent": widget, "canonical": canonical} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := CheckedCanonical(text, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCheckScalar(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := Check([]byte(`"%"`), Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// table is one question, a row for each peer.
type table struct {
	scenario string
	columns  []column
	chart    string // name of the file, of the first column
}

type column struct{ number, title string }

var acknowledged = []column{{"edits/s", "acknowledged/s"}, {"ACK p99 ms", "ACK p99, ms"}, {"half: ACK p50 ms", "ACK p50 at half, ms"}, {"half: ACK p99 ms", "ACK p99 at half, ms"}}

var tables = []table{
	{"hot", []column{{"deliveries/s", "deliveries/s"}, {"edits/s", "edits/s"}, {"ACK p99 ms", "ACK p99, ms"}, {"CPU µs a delivery", "server µs a delivery"}, {"bytes a delivery", "bytes a delivery"}, {"generator CPU %", "generator busy, %"}}, "hot"},
	{"paced", []column{{"CPU µs a delivery", "server µs a delivery"}, {"delivery p50 ms", "p50, ms"}, {"delivery p99 ms", "p99, ms"}, {"deliveries a read", "deliveries a read"}}, "paced"},
	{"calm", []column{{"delivery p99 ms", "p99, ms"}, {"delivery p50 ms", "p50, ms"}, {"CPU µs a delivery", "server µs a delivery"}}, "calm"},
	{"edits", acknowledged, "edits"},
	{"pipelined", acknowledged, "pipelined"},
	{"idle", []column{{"KiB a connection", "KiB a connection"}, {"connections/s", "subscribed/s"}, {"CPU µs a handshake", "server µs each"}, {"connections", "connections"}}, "idle"},
	{"slow", []column{{"delivery p99 ms", "p99, none frozen, ms"}, {"frozen: delivery p99 ms", "p99, 50 frozen, ms"}, {"frozen: MiB more", "memory grown, MiB"}, {"thawed: ms to current", "thawed to current, ms"}, {"thawed: closed by the server", "of 50 closed"}}, ""},
}

// section is what docs/benchmarks.md says of a run, in Markdown.
func (r *record) section(charts string) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nMeasured on %s: %s. %s.\nEach number is the median of %d rounds of %g s, with the range in brackets; the rounds were interleaved.\n\n```\n%s\n```\n",
		r.Begun.Format("2 January 2006"), r.Machine, strings.Join(r.Versions, ", "), r.Rounds, r.Seconds, r.Command)
	if v := r.values("raw", "ceiling", "deliveries/s"); v != nil {
		fmt.Fprintf(&b, "\nThe generator's own ceiling: %s deliveries a second, read from a server that writes 64 ready frames at a time.\n", cell(v))
	}
	for _, t := range tables {
		if err := r.table(&b, &t, charts); err != nil {
			return "", err
		}
	}
	if len(r.Faults) > 0 {
		b.WriteString("\nWhat went wrong:\n\n")
		for _, f := range r.Faults {
			fmt.Fprintf(&b, "- %s\n", f)
		}
	}
	b.WriteByte('\n')
	return b.String(), nil
}

func (r *record) table(b *strings.Builder, t *table, charts string) error {
	s, err := scenarioOf(t.scenario)
	if err != nil {
		return err
	}
	var rows []peer
	for _, p := range peers {
		if r.has(p.name, t.scenario) {
			rows = append(rows, p)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	fmt.Fprintf(b, "\n### %s%s\n\n| |", strings.ToUpper(s.title[:1]), s.title[1:])
	for _, c := range t.columns {
		fmt.Fprintf(b, " %s |", c.title)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(t.columns)) + "\n")
	var bars []bar
	for _, p := range rows {
		fmt.Fprintf(b, "| %s |", p.title)
		for i, c := range t.columns {
			v := r.values(p.name, t.scenario, c.number)
			fmt.Fprintf(b, " %s |", cell(v))
			if i == 0 && v != nil {
				bars = append(bars, bar{label: p.title, low: v[0], value: v.median(), high: v[len(v)-1], ours: p.name == "dashwire"})
			}
		}
		b.WriteByte('\n')
	}
	if t.chart == "" {
		return nil
	}
	title := t.columns[0].title
	fmt.Fprintf(b, "\n![%s: %s](benchmarks/%s.svg)\n", s.title, title, t.chart)
	return os.WriteFile(filepath.Join(charts, t.chart+".svg"), []byte(chart(s.title, title, bars)), 0o644)
}

// cell is a median and its range.
func cell(v spread) string {
	switch len(v) {
	case 0:
		return "–"
	case 1:
		return short(v[0])
	}
	return fmt.Sprintf("%s (%s–%s)", short(v.median()), short(v[0]), short(v[len(v)-1]))
}

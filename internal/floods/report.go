package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// result is one flood.
type result struct {
	flood                 flood
	quiet, flooded, after times
	nice                  int       // of the honest sessions
	alone, beside         own       // the server, quiet and flooded
	memory                [3]uint64 // of the server alone, flooded, and after, in bytes
	attack                tally
	limited               map[string]float64 // limits that were hit, by name
	faults                []string
}

// count notes what the server has counted of the flood.
func (m *result) count(before, after map[string]float64) {
	m.limited = map[string]float64{}
	for name, n := range after {
		if limit, ok := strings.CutPrefix(name, `dashwire_limits_total{limit="`); ok && n > before[name] {
			m.limited[strings.TrimSuffix(limit, `"}`)] = n - before[name]
		}
	}
}

// ratio is how many times longer the slowest in a hundred waited.
func (m *result) ratio() (ack, heard float64) {
	return ratio(m.flooded.Ack99, m.quiet.Ack99), ratio(m.flooded.Heard99, m.quiet.Heard99)
}

func ratio(a, b time.Duration) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// String is a line of progress.
func (m *result) String() string {
	ack, heard := m.ratio()
	return fmt.Sprintf("ACK p99 %s → %s ms (×%.2f), delivery p99 %s → %s ms (×%.2f), joining p99 %s → %s ms (%d of %d not); "+
		"the server itself: ACK p99 %s → %s ms, journal p99 %s → %s ms, work until the ACK p99 %s → %s ms, %.0f → %.0f %% of a core; "+
		"%d opened, %d refused, %d %s, closed %v; %s",
		ms(m.quiet.Ack99), ms(m.flooded.Ack99), ack, ms(m.quiet.Heard99), ms(m.flooded.Heard99), heard,
		ms(m.quiet.Join99), ms(m.flooded.Join99), m.flooded.TurnedAway, m.flooded.TurnedAway+m.flooded.Joined,
		ms(m.alone.ack99), ms(m.beside.ack99), ms(m.alone.append99), ms(m.beside.append99),
		ms(m.quiet.Worked99), ms(m.flooded.Worked99), 100*m.alone.cpu, 100*m.beside.cpu,
		m.attack.Opened, m.attack.Refused, m.attack.Sent, m.flood.unit, m.attack.Closed, strings.Join(append(m.hits(), m.faults...), "; "))
}

// hits are the limits that were hit.
func (m *result) hits() []string {
	list := make([]string, 0, len(m.limited))
	for _, name := range slices.Sorted(maps.Keys(m.limited)) {
		list = append(list, fmt.Sprintf("%s %.0f", name, m.limited[name]))
	}
	return list
}

// report is a whole run.
type report struct {
	begun   time.Time
	options options
	results []result
}

func (r *report) faults() (list []string) {
	for _, m := range r.results {
		for _, f := range m.faults {
			list = append(list, m.flood.name+": "+f)
		}
	}
	return list
}

// table is the report in Markdown.
func (r *report) table() string {
	var b strings.Builder
	o := &r.options
	fmt.Fprintf(&b, "\nMeasured on %s: %d hostile sockets from %d addresses, %d honest sessions on %d dashboards with %d edits a second,\n"+
		"each part %s. The ratio is that of the 99th percentiles beside the flood and without it.\n\n",
		r.begun.Format("2 January 2006"), o.sockets, o.addresses, honestSessions, dashboards, o.rate, o.duration)
	fmt.Fprintf(&b, "Percentiles are the median of those of %d windows. The honest sessions ran at nice %s, the attackers only when nobody else did.\n", windows, r.priorities())
	b.WriteString("Joining is from dialling over signing in by a message to the document, ten times a second; behind it, how many did not get there.\n\n")
	b.WriteString("| flood | ACK p99, quiet → flooded, ms | ratio | delivery p99, ms | ratio | joining p99, ms (not joined) | sockets opened | refused | sent |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	for _, m := range r.results {
		ack, heard := m.ratio()
		sent := "nothing"
		if m.flood.unit != "" {
			sent = fmt.Sprintf("%d %s", m.attack.Sent, m.flood.unit)
		}
		fmt.Fprintf(&b, "| %s | %s → %s | %.2f | %s → %s | %.2f | %s → %s (%d of %d) | %d | %d | %s |\n",
			m.flood.title, ms(m.quiet.Ack99), ms(m.flooded.Ack99), ack, ms(m.quiet.Heard99), ms(m.flooded.Heard99), heard,
			ms(m.quiet.Join99), ms(m.flooded.Join99), m.flooded.TurnedAway, m.flooded.TurnedAway+m.flooded.Joined,
			m.attack.Opened, m.attack.Refused, sent)
	}
	b.WriteString("\nThe server itself, by its metrics: from taking an edit in to its answer, and of that the append to the journal, each of\n" +
		"everybody's edits and as its buckets tell; and what it worked for whomever, in processor time, from an honest edit's sending to\n" +
		"its ACK, which other work of the machine changes little.\n\n")
	b.WriteString("| flood | ACK p99, quiet → flooded, ms | journal p99, ms | work until the ACK p99, ms | share of its core | resident MiB: before, during, after |\n")
	b.WriteString("|---|---|---|---|---|---|\n")
	for _, m := range r.results {
		fmt.Fprintf(&b, "| %s | %s → %s | %s → %s | %s → %s | %.0f → %.0f %% | %d, %d, %d |\n",
			m.flood.title, ms(m.alone.ack99), ms(m.beside.ack99), ms(m.alone.append99), ms(m.beside.append99),
			ms(m.quiet.Worked99), ms(m.flooded.Worked99), 100*m.alone.cpu, 100*m.beside.cpu,
			m.memory[0]>>20, m.memory[1]>>20, m.memory[2]>>20)
	}
	b.WriteString("\n| flood | limits that were hit, and how often | sessions closed, by code |\n|---|---|---|\n")
	for _, m := range r.results {
		codes := make([]string, 0, len(m.attack.Closed))
		for _, code := range slices.Sorted(maps.Keys(m.attack.Closed)) {
			codes = append(codes, fmt.Sprintf("%s: %d", code, m.attack.Closed[code]))
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", m.flood.title, strings.Join(m.hits(), ", "), strings.Join(codes, ", "))
	}
	if faults := r.faults(); len(faults) > 0 {
		b.WriteString("\nWhat went wrong:\n\n")
		for _, f := range faults {
			fmt.Fprintf(&b, "- %s\n", f)
		}
	}
	b.WriteByte('\n')
	return b.String()
}

// priorities tells how the honest sessions ran.
func (r *report) priorities() string {
	said := "0 (not permitted to raise it: they wait for the attackers too, and the ratios are an upper bound)"
	if len(r.results) > 0 && r.results[0].nice < 0 {
		said = fmt.Sprint(r.results[0].nice)
	}
	return said
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond)) }

// The marks around what publish writes.
const (
	sectionBegin = "<!-- floods: written by make floods -->"
	sectionEnd   = "<!-- /floods -->"
)

// publish puts the table into its section of a file.
func (r *report) publish(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(text), sectionBegin)
	_, behind, ended := strings.Cut(rest, sectionEnd)
	if !found || !ended {
		return fmt.Errorf("%s has no section between %s and %s", path, sectionBegin, sectionEnd)
	}
	return os.WriteFile(path, []byte(before+sectionBegin+r.table()+sectionEnd+behind), 0o644)
}

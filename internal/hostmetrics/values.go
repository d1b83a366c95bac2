package hostmetrics

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dashwire/dashwire/board"
)

// Modes of a value (W1).
const (
	Replace = "replace"
	Append  = "append"
)

// window is how many points of a chart are kept: 15 minutes at one a second. The
// widest chart, with maxCoreSeries lines, then takes 51 KB of the 64 KiB that W2
// keeps for a widget.
const window = 900

// Value is one live value of one widget, as WIDGET_DATA carries it.
type Value struct {
	WidgetID string
	Mode     string // Replace or Append
	Window   int    // points to keep, of Append; else 0
	Data     board.Value
}

// ServerStats is what the server that shows the demo says about itself.
type ServerStats struct {
	Sessions            int
	EditsPerSecond      float64
	DeliveriesPerSecond float64
	AckP99              time.Duration // 0 = no edits lately
	FanoutP99           time.Duration // 0 = nobody to send changes to
}

// seconds of a time that was measured; without one NaN, which is shown as nothing.
func seconds(d time.Duration) float64 {
	if d <= 0 {
		return math.NaN()
	}
	return d.Seconds()
}

// Values maps a sample to the widgets of DemoDocument. What the sample does not
// have is left out: the page shows how old its last value is.
func Values(s Sample, own ServerStats) []Value {
	var all []Value
	point := func(id string, decimals int, numbers ...float64) {
		all = append(all, Value{WidgetID: id, Mode: Append, Window: window, Data: onePoint(s.Time, decimals, numbers)})
	}
	number := func(id string, decimals int, n float64, detail string) {
		all = append(all, Value{WidgetID: id, Mode: Replace, Data: oneNumber(n, decimals, detail)})
	}
	if s.CPU != nil {
		point("cpu", 1, s.CPU.Total)
		point("cores", 1, groupMeans(s.CPU.Cores)...)
	}
	if s.Load != nil {
		point("load", 2, s.Load.One, s.Load.Five, s.Load.Fifteen)
	}
	if m := s.Memory; m != nil {
		number("memory", 1, Usage{Total: m.Total, Used: m.Used}.Percent(), ofTotal(m.Used, m.Total))
		point("memory-history", 0, float64(m.Used), float64(m.Available))
	}
	if u := s.Disk; u != nil {
		number("disk", 1, u.Percent(), ofTotal(u.Used, u.Total))
	}
	if r := s.DiskIO; r != nil {
		point("disk-io", 0, r.In, r.Out)
	}
	if r := s.Network; r != nil {
		point("network", 0, r.In, r.Out)
	}
	if s.Uptime > 0 {
		number("uptime", 0, s.Uptime.Seconds(), "")
	}
	number("sessions", 0, float64(own.Sessions), "")
	number("edits", 1, own.EditsPerSecond, "")
	number("deliveries", 1, own.DeliveriesPerSecond, "")
	number("ack", 6, seconds(own.AckP99), "")
	number("fanout", 6, seconds(own.FanoutP99), "")
	if s.Top != nil {
		all = append(all, Value{WidgetID: "processes", Mode: Replace, Data: processTable(s.Top)})
	}
	return append(all, Value{WidgetID: "host", Mode: Replace, Data: hostTable(s)})
}

// onePoint is [[time, n, n, …]]; a number that is negative or not finite is null.
func onePoint(at time.Time, decimals int, numbers []float64) board.Value {
	b := make([]byte, 0, 16+16*len(numbers))
	b = append(b, "[["...)
	b = strconv.AppendInt(b, at.UnixMilli(), 10)
	for _, n := range numbers {
		b = append(b, ',')
		b = appendNumber(b, n, decimals)
	}
	return board.Value(append(b, "]]"...))
}

// oneNumber is {"detail": …, "value": n}.
func oneNumber(n float64, decimals int, detail string) board.Value {
	b := []byte{'{'}
	if detail != "" {
		b = append(b, `"detail":`...)
		b = append(b, encode(detail)...)
		b = append(b, ',')
	}
	b = append(b, `"value":`...)
	return board.Value(append(appendNumber(b, n, decimals), '}'))
}

// appendNumber writes n with at most so many decimals and no zeros at the end.
func appendNumber(b []byte, n float64, decimals int) []byte {
	if math.IsNaN(n) || math.IsInf(n, 0) || n < 0 {
		return append(b, "null"...)
	}
	start := len(b)
	b = strconv.AppendFloat(b, n, 'f', decimals, 64)
	if decimals == 0 {
		return b
	}
	for b[len(b)-1] == '0' && len(b) > start+1 {
		b = b[:len(b)-1]
	}
	if b[len(b)-1] == '.' {
		b = b[:len(b)-1]
	}
	return b
}

// groupMeans folds cores as coreSeries names them; a core that is not known does
// not count, a group of none is not known.
func groupMeans(cores []float64) []float64 {
	size := coreGroups(len(cores))
	var means []float64
	for from := 0; from < len(cores); from += size {
		sum, n := 0.0, 0
		for _, c := range cores[from:min(from+size, len(cores))] {
			if c >= 0 {
				sum += c
				n++
			}
		}
		if n == 0 {
			means = append(means, -1)
			continue
		}
		means = append(means, sum/float64(n))
	}
	return means
}

type table struct {
	Columns []string `json:"columns"`
	Rows    [][]any  `json:"rows"`
}

func processTable(top []Process) board.Value {
	t := table{Columns: []string{"Process", "Id", "CPU %", "Memory"}, Rows: [][]any{}}
	for _, p := range top {
		name := strings.ToValidUTF8(p.Name, "\uFFFD")
		t.Rows = append(t.Rows, []any{name, p.PID, math.Round(p.CPU*10) / 10, sizeText(p.RSS)})
	}
	return encode(t)
}

func hostTable(s Sample) board.Value {
	t := table{Columns: []string{"", ""}}
	row := func(name, value string) {
		if value != "" {
			t.Rows = append(t.Rows, []any{name, strings.ToValidUTF8(value, "\uFFFD")})
		}
	}
	h := s.Host
	row("Host", h.Hostname)
	row("System", strings.TrimSpace(cmp.Or(h.Platform, h.OS)+" "+h.Arch))
	row("Kernel", h.Kernel)
	row("Cores", strconv.Itoa(h.Cores))
	if s.Memory != nil {
		row("Memory", sizeText(s.Memory.Total))
	}
	if u := s.Swap; u != nil && u.Total > 0 {
		row("Swap", ofTotal(u.Used, u.Total))
	}
	if s.Processes > 0 {
		row("Processes", strconv.Itoa(s.Processes))
	}
	row("Built with", h.GoVersion)
	if self := s.Self; self != nil {
		row("Server memory", sizeText(self.RSS))
		if self.CPU >= 0 {
			row("Server CPU", strconv.FormatFloat(self.CPU, 'f', 1, 64)+" % of one core")
		}
		row("Goroutines", strconv.Itoa(self.Goroutines))
		if self.Files > 0 {
			row("Open files", strconv.Itoa(self.Files))
		}
	}
	return encode(t)
}

func ofTotal(used, total uint64) string { return sizeText(used) + " of " + sizeText(total) }

// sizeText writes a number of bytes for people, with three digits or so: "1.4 GiB".
func sizeText(n uint64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return strconv.FormatUint(n, 10) + " B"
	}
	f, i := float64(n)/1024, 0
	for f >= 999.5 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	decimals := 1
	if f >= 99.95 {
		decimals = 0
	}
	return fmt.Sprintf("%.*f %ciB", decimals, f, units[i])
}

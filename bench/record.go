package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// record is all that a run of rounds gave.
type record struct {
	Begun    time.Time `json:"begun"`
	Machine  string    `json:"machine"`
	Versions []string  `json:"versions"`
	Command  string    `json:"command"`
	Rounds   int       `json:"rounds"`
	Seconds  float64   `json:"seconds"`
	Results  []result  `json:"results"`
	Faults   []string  `json:"faults"`
}

func (r *record) save(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// spread are the values of one number in all rounds, ascending.
type spread []float64

func (s spread) median() float64 {
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// values of a number; nil if a peer has none of it.
func (r *record) values(peer, scenario, number string) spread {
	var s spread
	for _, x := range r.Results {
		if v, ok := x.Numbers[number]; ok && x.Peer == peer && x.Scenario == scenario {
			s = append(s, v)
		}
	}
	slices.Sort(s)
	return s
}

func (r *record) has(peer, scenario string) bool {
	return slices.ContainsFunc(r.Results, func(x result) bool { return x.Peer == peer && x.Scenario == scenario })
}

// text is all numbers, for a terminal.
func (r *record) text() string {
	var b strings.Builder
	for _, s := range scenarios {
		var numbers []string
		for _, x := range r.Results {
			for name := range x.Numbers {
				if x.Scenario == s.name && !slices.Contains(numbers, name) {
					numbers = append(numbers, name)
				}
			}
		}
		if len(numbers) == 0 {
			continue
		}
		slices.Sort(numbers)
		fmt.Fprintf(&b, "\n%s: %s\n%30s", s.name, s.title, "")
		for _, p := range peers {
			if r.has(p.name, s.name) {
				fmt.Fprintf(&b, " %16s", p.name)
			}
		}
		b.WriteByte('\n')
		for _, n := range numbers {
			fmt.Fprintf(&b, "%30s", n)
			for _, p := range peers {
				if !r.has(p.name, s.name) {
					continue
				}
				cell := "-"
				if v := r.values(p.name, s.name, n); v != nil {
					cell = short(v.median())
				}
				fmt.Fprintf(&b, " %16s", cell)
			}
			b.WriteByte('\n')
		}
	}
	for _, f := range r.Faults {
		fmt.Fprintln(&b, "FAULT", f)
	}
	return b.String()
}

// short writes a number with about three digits that count.
func short(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 10:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	step := 1.0
	for v/step >= 1000 {
		step *= 10
	}
	whole := strconv.FormatInt(int64(v/step+0.5)*int64(step), 10)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return whole
}

// machine says what it was measured on.
func machine() string {
	model, cores := "unknown processor", 0
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(line, ":")
			if strings.TrimSpace(name) == "model name" {
				model, cores = strings.TrimSpace(value), cores+1
			}
		}
	}
	var uts syscall.Utsname
	kernel := "unknown"
	if syscall.Uname(&uts) == nil {
		var b []byte
		for _, c := range uts.Release {
			if c == 0 {
				break
			}
			b = append(b, byte(c))
		}
		kernel = string(b)
	}
	load := "unknown"
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		load, _, _ = strings.Cut(string(text), " ")
	}
	return fmt.Sprintf("%s, %d cores, Linux %s, load average %s before it began", model, cores, kernel, load)
}

const (
	mark    = "<!-- peers: written by make bench-peers -->"
	markEnd = "<!-- /peers -->"
)

// pageIn gives the page that publish writes, and what stands around its section.
func pageIn(root string) (page, before, after string, err error) {
	page = filepath.Join(root, "docs", "benchmarks.md")
	text, err := os.ReadFile(page)
	if err != nil {
		return "", "", "", err
	}
	before, rest, ok1 := strings.Cut(string(text), mark)
	_, after, ok2 := strings.Cut(rest, markEnd)
	if !ok1 || !ok2 {
		return "", "", "", fmt.Errorf("%s has no section between %q and %q", page, mark, markEnd)
	}
	return page, before, after, nil
}

// publish writes the marked section of docs/benchmarks.md, and the charts.
func (r *record) publish(root string) error {
	page, before, after, err := pageIn(root)
	if err != nil {
		return err
	}
	charts := filepath.Join(root, "docs", "benchmarks")
	if err := os.MkdirAll(charts, 0o755); err != nil {
		return err
	}
	section, err := r.section(charts)
	if err != nil {
		return err
	}
	return os.WriteFile(page, []byte(before+mark+"\n"+section+markEnd+after), 0o644)
}

package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// report is what was measured.
type report struct {
	begun   time.Time
	command string
	machine string
	tables  []table
	faults  []string
}

// table is one question, a row for each arrangement.
type table struct {
	title string
	heads []string
	rows  [][]string
}

func newReport(o *options, only string) *report {
	r := &report{begun: time.Now().UTC(), machine: machine()}
	r.command = fmt.Sprintf("make bench-cluster SECONDS=%g CLUSTER_SESSIONS=%d CLUSTER_STORED=%d", o.duration.Seconds(), o.sessions, o.stored)
	if only != "" {
		r.command += " CLUSTER_PARTS=" + only
	}
	return r
}

// machine says what everything ran on.
func machine() string {
	text := fmt.Sprintf("%d cores, %s", runtime.NumCPU(), runtime.Version())
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		text += ", load average " + strings.Fields(string(load))[0] + " before it began"
	}
	if commit, err := exec.Command("git", "describe", "--always", "--dirty").Output(); err == nil {
		text += ", commit " + strings.TrimSpace(string(commit))
	}
	return text
}

// text is all tables in Markdown.
func (r *report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nMeasured on %s: %s. NATS, Dashwire and the generator shared the cores.\n\n```\n%s\n```\n", r.begun.Format("2 January 2006"), r.machine, r.command)
	for _, t := range r.tables {
		fmt.Fprintf(&b, "\n### %s\n\n| %s |\n|%s\n", t.title, strings.Join(t.heads, " | "), strings.Repeat("---|", len(t.heads)))
		for _, row := range t.rows {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		}
	}
	if len(r.faults) > 0 {
		b.WriteString("\nWhat went wrong:\n\n")
		for _, f := range r.faults {
			fmt.Fprintf(&b, "- %s\n", f)
		}
	}
	b.WriteByte('\n')
	return b.String()
}

// The marks around what publish writes.
const (
	sectionBegin = "<!-- cluster: written by make bench-cluster -->"
	sectionEnd   = "<!-- /cluster -->"
)

// publish puts the tables into their section of a file.
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
	return os.WriteFile(path, []byte(before+sectionBegin+"\n"+r.text()+sectionEnd+behind), 0o644)
}

// short writes a number with three digits.
func short(v float64) string {
	switch {
	case v >= 1000:
		digits := strconv.Itoa(int(v + 0.5))
		for i := len(digits) - 3; i > 0; i -= 3 {
			digits = digits[:i] + "," + digits[i:]
		}
		return digits
	case v >= 100 || v == float64(int(v)):
		return strconv.Itoa(int(v + 0.5))
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dashwire/dashwire/internal/bench"
)

// benchCmd measures a server.
type benchCmd struct {
	Scenario   string   `enum:"fanout,edits,paced,idle,connect,storm,values,large,shared,all" default:"all" help:"idle, storm, connect, edits, fanout, paced, values; large"`
	Server     string   `placeholder:"URL" xor:"server" help:"the server (default the one on this machine)"`
	Servers    []string `placeholder:"URL,…" xor:"server" help:"nodes of a cluster (edits, storm; scenario shared)"`
	ReadersAt  string   `placeholder:"URL" help:"another node, for the readers (fanout, edits, paced, values)"`
	Token      string   `placeholder:"TOKEN" help:"to sign in with, if the server asks; owner of bench-*"`
	Readers    int      `placeholder:"N" help:"readers of one dashboard (fanout 500, paced 200, values 50)"`
	ReadersPer int      `name:"readers-per-dashboard" placeholder:"N" default:"1" help:"readers of each dashboard, 0 for none (edits)"`
	Editors    int      `placeholder:"N" help:"editors (fanout 4, paced 1, values 4); dialers (connect 32)"`
	InFlight   int      `placeholder:"N" help:"unanswered edits of each, up to 64 (fanout 16, edits 8)"`
	Dashboards int      `placeholder:"N" help:"dashboards, each with an editor (edits, storm 100, large 5)"`
	Widgets    int      `placeholder:"N" help:"widgets of a dashboard (values and large 2000)"`
	Sessions   int      `placeholder:"N" help:"sessions that do nothing (idle, storm 1000)"`
	Rate       int      `placeholder:"N" help:"edits a second (edits, paced 100); of each value (values 10)"`
	Duration   span     `default:"10s" help:"time of measuring, for each scenario"`
	ServerPID  int      `name:"server-pid" placeholder:"PID" help:"the server's process, for its memory and time"`
	JSON       string   `name:"json" placeholder:"FILE" help:"write the results there too"`
	Listen     string   `hidden:"" default:"127.0.0.1:3000"`
}

// Help implements kong.HelpProvider.
func (benchCmd) Help() string {
	return `Measures a server that runs, with dashboards of its own (bench-…) whose history stays in
its data file. Checks that every reader hears every version once; exit code 1 if not.

dashwire bench --scenario paced --readers 500 --rate 200`
}

// Run implements the command.
func (c *benchCmd) Run(p *program) error {
	if c.ReadersPer < 0 {
		return refuse("--readers-per-dashboard is %d: give 0 for none, or more", c.ReadersPer)
	}
	switch {
	case len(c.Servers) > 0:
		c.Server = c.Servers[0]
	case c.Server == "":
		c.Server = "http://" + hereFrom(c.Listen)
	}
	t, err := (&targetFlags{Server: c.Server, Token: c.Token}).server(c.Server)
	if err != nil {
		return err
	}
	if err := t.probe(p.ctx); err != nil {
		return &notBegun{err}
	}
	scenarios := []bench.Scenario{bench.Scenario(c.Scenario)}
	if c.Scenario == "all" {
		scenarios = bench.Scenarios
	}
	var reports []*bench.Report
	faults := 0
	for _, s := range scenarios {
		report, err := c.measure(p, s)
		if err != nil {
			return err
		}
		reports = append(reports, report)
		faults += len(report.Faults)
		tellReport(p.out, report)
	}
	if c.JSON != "" {
		text, err := json.MarshalIndent(reports, "", "  ")
		if err != nil {
			return err
		}
		if err := writeFile(c.JSON, append(text, '\n')); err != nil {
			return err
		}
	}
	if faults > 0 {
		return errors.New("the server did what it must not do; see above")
	}
	return nil
}

func (c *benchCmd) measure(p *program, s bench.Scenario) (*bench.Report, error) {
	show := newProgress(p.err)
	show.every = 0
	defer show.end()
	per := c.ReadersPer
	if per == 0 {
		per = -1
	}
	return bench.Run(p.ctx, bench.Options{
		Server: c.Server, Servers: c.Servers, ReadersAt: c.ReadersAt, Token: c.Token, Scenario: s, Readers: c.Readers, ReadersPerDashboard: per, Editors: c.Editors, InFlight: c.InFlight,
		Dashboards: c.Dashboards, Sessions: c.Sessions, Duration: time.Duration(c.Duration), Rate: c.Rate, ServerPID: c.ServerPID, Widgets: c.Widgets,
		Progress: func(what string) {
			if show.tty {
				show.show("%s: %s", s, what)
			}
		},
	})
}

// tellReport prints one scenario as a table.
func tellReport(out io.Writer, r *bench.Report) {
	var setup []string
	for _, part := range []struct{ key, one, many string }{
		{"dashboards", "dashboard", "dashboards"},
		{"editors", "editor", "editors"},
		{"inFlight", "in flight each", "in flight each"},
		{"rate", "edit a second", "edits a second"},
		{"valuesRate", "value a second each", "values a second each"},
		{"readers", "reader", "readers"},
		{"sessions", "session", "sessions"},
		{"widgets", "widget each", "widgets each"},
	} {
		if n := r.Setup[part.key]; n > 0 {
			setup = append(setup, count(n, part.one, part.many))
		}
	}
	fmt.Fprintf(out, "%s: %s, %.0f s\n", r.Scenario, strings.Join(setup, ", "), r.Seconds)
	t := table{heads: []string{"", "", ">", ""}}
	for _, n := range r.Numbers {
		t.add("", n.Name, measured(n.Value), n.Unit)
	}
	t.rowsOnly(out)
	for _, f := range r.Faults {
		fmt.Fprintf(out, "  WRONG: %s\n", f)
	}
	fmt.Fprintln(out)
}

// measured writes a number with three digits or more.
func measured(f float64) string {
	switch {
	case math.Abs(f) >= 100:
		return number(int64(math.Round(f)))
	case math.Abs(f) >= 10:
		return strconv.FormatFloat(f, 'f', 1, 64)
	default:
		return strconv.FormatFloat(f, 'f', 2, 64)
	}
}

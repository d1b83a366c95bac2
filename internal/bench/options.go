package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Scenario names what is measured.
type Scenario string

// The scenarios.
const (
	Fanout  Scenario = "fanout"  // a few editors, many readers of one dashboard: deliveries a second
	Edits   Scenario = "edits"   // many dashboards, an editor and a reader each: acknowledged edits a second
	Paced   Scenario = "paced"   // edits at a fixed rate: how late readers hear of them
	Idle    Scenario = "idle"    // sessions that do nothing: memory of each
	Connect Scenario = "connect" // connecting and leaving: sessions a second
	Storm   Scenario = "storm"   // all sessions cut off and coming back at once: time until the last is live
	Values  Scenario = "values"  // live values of many widgets: how many are heard, and how late
	Shared  Scenario = "shared"  // several nodes write the same dashboard: each one's edits a second
	Large   Scenario = "large"   // dashboards as large as they may be: opening them, and an edit beside a small one's
)

// Scenarios are all of them that run on any server, in the order in which they are run:
// memory first, while the server holds nothing of the others. Large needs one that nobody
// else uses, Shared a cluster.
var Scenarios = []Scenario{Idle, Storm, Connect, Edits, Fanout, Paced, Values}

// Options of a run. Server and Scenario must be set; zero numbers mean the defaults
// of the scenario.
type Options struct {
	Server   string // http or https
	Token    string
	Scenario Scenario
	// ReadersAt is another node of the same cluster, to which readers connect (fanout, edits,
	// paced, values); "" = Server.
	ReadersAt string
	// Servers are nodes of one cluster, of which Server is the first ("" = it is). In edits
	// each dashboard is edited at one of them and read at the next; in shared all of them
	// edit the same one; in storm the sessions of the first come back at the others.
	Servers []string
	// Kill is the process of the first server, which is ended by SIGKILL to begin the storm;
	// 0 = the sessions are cut off from this side.
	Kill int

	Readers int // fanout 500, paced 200, values 50; shared one for each server; edits has ReadersPerDashboard
	// ReadersPerDashboard is for edits: 1; below 0 = none.
	ReadersPerDashboard int

	Editors    int           // fanout 4, edits and storm one for each dashboard, paced 1; shared 4 for each server; values 4 feeders; connect 32 at once
	InFlight   int           // ops of one editor without an answer: fanout 16, edits and shared 8, large 1
	Dashboards int           // edits and storm 100, large 5
	Widgets    int           // values and large 2,000
	Sessions   int           // idle and storm 1,000
	Duration   time.Duration // of measuring; of being idle, before the storm: 10 s
	// Rate is, for paced, the edits a second of all editors together: 100. Edits with a rate
	// has its editors send so many whatever the answers, instead of keeping InFlight. For
	// values it is that of each widget: 10.
	Rate int
	// ServerPID is the server's process on this machine, for its memory and processor
	// time; 0 = memory as its metrics tell, and no processor time.
	ServerPID int
	far       *url.URL // ReadersAt
	nodes     []*url.URL

	// Progress, if not nil, hears what goes on.
	Progress func(string)
}

// The bounds of a run.
const (
	mostSessions = 100_000
	mostDuration = 10 * time.Minute
)

// address reads the address of a server.
func address(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is no address of a server: write it like http://localhost:3000", text)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u, nil
}

// fillServers reads the addresses.
func (o *Options) fillServers() error {
	if len(o.Servers) == 0 {
		o.Servers = []string{o.Server}
	}
	set(&o.Server, o.Servers[0])
	several := len(o.Servers) > 1
	switch {
	case o.Server != o.Servers[0]:
		return fmt.Errorf("the first of the servers is %s and not %s: name it once", o.Servers[0], o.Server)
	case several && o.Scenario != Edits && o.Scenario != Shared && o.Scenario != Storm:
		return fmt.Errorf("%s is measured on one server; edits, shared and storm on several", o.Scenario)
	case several && o.ReadersAt != "":
		return errors.New("several servers have readers already: leave out where else they are")
	case o.Kill != 0 && (o.Scenario != Storm || !several):
		return errors.New("a server is killed in storm alone, and with others beside it where its sessions can go")
	case o.Kill != 0 && o.ServerPID != 0:
		return errors.New("a server that is killed has no memory to be measured: leave out its process for that")
	}
	for _, text := range o.Servers {
		u, err := address(text)
		if err != nil {
			return err
		}
		o.nodes = append(o.nodes, u)
	}
	if o.ReadersAt == "" {
		return nil
	}
	var err error
	o.far, err = address(o.ReadersAt)
	return err
}

// fill checks the options and sets what is left to the scenario.
func (o *Options) fill() error {
	if err := o.fillServers(); err != nil {
		return err
	}
	set(&o.Duration, 10*time.Second)
	switch o.Scenario {
	case Fanout:
		set(&o.Readers, 500)
		set(&o.Editors, 4)
		set(&o.InFlight, 16)
		o.Dashboards = 1
	case Edits:
		set(&o.Dashboards, 100)
		set(&o.Editors, o.Dashboards)
		if o.Rate == 0 {
			set(&o.InFlight, 8)
		} else {
			o.InFlight = 0
		}
		set(&o.ReadersPerDashboard, 1)
		o.Readers = 0
		if per := o.ReadersPerDashboard; per > 0 && o.Dashboards > 0 {
			// One more than there may be is as good as any other number too large.
			o.Readers = min(per, mostSessions/o.Dashboards+1) * o.Dashboards
		}
	case Shared:
		set(&o.Readers, len(o.Servers))
		set(&o.Editors, 4*len(o.Servers))
		set(&o.InFlight, 8)
		o.Dashboards = 1
	case Paced:
		set(&o.Readers, 200)
		set(&o.Editors, 1)
		set(&o.Rate, 100)
		o.Dashboards = 1
	case Idle:
		set(&o.Sessions, 1000)
		o.Dashboards = 1
	case Connect:
		set(&o.Editors, 32)
		o.Dashboards = 1
	case Storm:
		set(&o.Sessions, 1000)
		set(&o.Dashboards, min(100, o.Sessions))
		o.Editors = o.Dashboards
	case Values:
		set(&o.Readers, 50)
		set(&o.Editors, 4)
		set(&o.Rate, 10)
		set(&o.Widgets, 2000)
		o.Dashboards = 1
	case Large:
		set(&o.Dashboards, 5)
		set(&o.InFlight, 1)
		set(&o.Widgets, 2000)
	default:
		return fmt.Errorf("there is no scenario %q", o.Scenario)
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	for _, of := range []struct {
		what string
		n    int
	}{
		{"readers", o.Readers},
		{"editors", o.Editors},
		{"ops in flight", o.InFlight},
		{"dashboards", o.Dashboards},
		{"sessions", o.Sessions},
		{"a rate", o.Rate},
		{"widgets", o.Widgets},
	} {
		if of.n < 0 || of.n > mostSessions {
			return fmt.Errorf("%s: a number from 1 to %d is wanted, not %d", of.what, mostSessions, of.n)
		}
	}
	if o.InFlight > 64 {
		return errors.New("the server answers at most 64 ops of a session at once: have more editors instead of more in flight")
	}
	if o.Duration < 0 || o.Duration > mostDuration {
		return fmt.Errorf("measuring takes up to %s; this is %s", mostDuration, o.Duration)
	}
	need := o.Readers + o.Editors + o.Sessions + 50
	if limit, ok := descriptorLimit(); ok && need > limit {
		return fmt.Errorf("%d connections need more file descriptors than the limit of %d: raise it with ulimit -n", need, limit)
	}
	return nil
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Report is what a run has measured.
type Report struct {
	Scenario Scenario       `json:"scenario"`
	Server   string         `json:"server"`
	Servers  []string       `json:"servers,omitempty"` // if there are several
	Started  time.Time      `json:"started"`
	Seconds  float64        `json:"seconds"` // of measuring
	Setup    map[string]int `json:"setup"`
	Numbers  []Number       `json:"numbers"`
	// Faults are what must not happen: versions missed or heard twice, ops refused,
	// connections lost.
	Faults []string `json:"faults"`
}

// Number is one measured number.
type Number struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

func (r *Report) add(name string, value float64, unit string) {
	r.Numbers = append(r.Numbers, Number{name, value, unit})
}

// times adds percentiles, in milliseconds.
func (r *Report) times(name string, c Counts) {
	for _, q := range []struct {
		name string
		q    float64
	}{{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}} {
		r.add(name+" "+q.name, millis(c.Quantile(q.q)), "ms")
	}
}

// Run measures. The error is about measuring, also where the server went away meanwhile;
// what it did wrong stands in the report. Run returns after every connection was closed
// and what was made is deleted.
func Run(ctx context.Context, opts Options) (*Report, error) {
	err := opts.fill()
	if err != nil {
		return nil, err
	}
	r := newRun(&opts)
	var running context.Context
	running, r.gone = context.WithCancelCause(ctx)
	defer r.gone(nil)
	if err := r.setUp(running); err != nil {
		return nil, errors.Join(err, r.tearDown())
	}
	switch opts.Scenario {
	case Fanout, Edits, Paced, Shared:
		err = r.edit(running)
	case Idle:
		err = r.idle(running)
	case Connect:
		err = r.connect(running)
	case Storm:
		err = r.storm(running)
	case Values:
		err = r.values(running)
	case Large:
		err = r.large(running)
	}
	if ctx.Err() == nil && running.Err() != nil { // what else went wrong follows from that
		err = context.Cause(running)
	}
	err = errors.Join(err, r.tearDown())
	if err != nil {
		return nil, err
	}
	return &r.report, nil
}

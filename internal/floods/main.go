package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "floods:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == hostileCommand {
		return runHostile(ctx, args[1:], os.Stdin, os.Stdout)
	}
	if len(args) > 0 && args[0] == honestCommand {
		return runHonest(ctx, args[1:], os.Stdin, os.Stdout)
	}
	var o options
	var only, into string
	flags := flag.NewFlagSet("floods", flag.ContinueOnError)
	flags.StringVar(&o.server, "server", "./dashwire", "the program of the server")
	flags.IntVar(&o.sockets, "sockets", 5000, "hostile sockets of each flood, 1 to 18,000")
	flags.IntVar(&o.addresses, "addresses", 25, "loopback addresses that they come from, 1 to 250")
	flags.DurationVar(&o.duration, "duration", 10*time.Second, "how long each part counts, 100ms to 5m")
	flags.IntVar(&o.rate, "rate", 200, "honest edits a second of all, 1 to 5,000")
	flags.IntVar(&o.serverCore, "server-core", -1, "core of the server; -1 = any")
	flags.IntVar(&o.loadCore, "load-core", -1, "core of everything else; -1 = any")
	flags.StringVar(&only, "floods", "", "some of them, by comma (default all): "+names())
	flags.StringVar(&into, "into", "", "Markdown file whose section floods gets the table")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := o.choose(only); err != nil {
		return err
	}
	o.progress = os.Stderr
	r, err := o.run(ctx)
	if err != nil {
		return err
	}
	fmt.Print(r.table())
	if into != "" {
		if err := r.publish(into); err != nil {
			return err
		}
	}
	if faults := r.faults(); len(faults) > 0 {
		return errors.New(strings.Join(faults, "\n"))
	}
	return nil
}

// options of a run.
type options struct {
	server               string
	sockets, addresses   int
	duration             time.Duration
	rate                 int
	serverCore, loadCore int
	floods               []flood
	progress             io.Writer
}

// choose settles which floods there are, and holds the options against their bounds.
func (o *options) choose(only string) error {
	switch {
	case o.sockets < 1 || o.sockets > 18_000:
		return errors.New("there are 1 to 18,000 sockets: choose with -sockets")
	case o.addresses < 1 || o.addresses > 250:
		return errors.New("they come from 1 to 250 addresses: choose with -addresses")
	case o.duration < 100*time.Millisecond || o.duration > 5*time.Minute:
		return errors.New("each part counts 100ms to 5m: choose with -duration")
	case o.rate < 1 || o.rate > 5000:
		return errors.New("there are 1 to 5,000 honest edits a second: choose with -rate")
	}
	o.floods = floods
	if only == "" {
		return nil
	}
	o.floods = nil
	for name := range strings.SplitSeq(only, ",") {
		f := floodOf(name)
		if f == nil {
			return fmt.Errorf("there is no flood %q: choose from %s", name, names())
		}
		o.floods = append(o.floods, *f)
	}
	return nil
}

func names() string {
	list := make([]string, len(floods))
	for i, f := range floods {
		list[i] = f.name
	}
	return strings.Join(list, ", ")
}

// tell prints a line of progress.
func (o *options) tell(format string, args ...any) {
	fmt.Fprintf(o.progress, format+"\n", args...)
}

// run measures all floods, one after another.
func (o *options) run(ctx context.Context) (*report, error) {
	r := &report{begun: time.Now().UTC(), options: *o}
	for i, f := range o.floods {
		o.tell("%2d of %d  %s", i+1, len(o.floods), f.title)
		m, err := o.measure(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		o.tell("          %s", m)
		r.results = append(r.results, *m)
	}
	return r, nil
}

// measure is one flood: honest sessions alone, beside it, and after it.
func (o *options) measure(ctx context.Context, f flood) (m *result, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute+3*o.duration)
	defer cancel()
	s, err := o.start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	h, err := o.people(ctx, s)
	if err != nil {
		return nil, err
	}
	m = &result{flood: f, nice: h.nice}
	err = o.watch(ctx, s, h, m)
	faults, ended := h.end()
	m.faults = faults
	if err := errors.Join(err, ended); err != nil {
		return nil, err
	}
	return m, nil
}

// watch measures the parts of a flood.
func (o *options) watch(ctx context.Context, s *server, h *people, m *result) (err error) {
	if _, err := h.watch(o.duration / 5); err != nil { // to warm up
		return err
	}
	begun, err := s.served(ctx)
	if err != nil {
		return err
	}
	if m.quiet, err = h.watch(o.duration); err != nil {
		return err
	}
	before, err := s.served(ctx)
	if err != nil {
		return err
	}
	m.alone = before.since(begun)
	if m.memory[0], err = s.memory(); err != nil {
		return err
	}
	if err := o.beside(ctx, s, h, m); err != nil {
		return err
	}
	if err := s.alone(ctx, honestSessions+1); err != nil {
		return err
	}
	if m.after, err = h.watch(o.duration); err != nil {
		return err
	}
	if m.memory[2], err = s.memory(); err != nil {
		return err
	}
	after, err := s.metrics(ctx)
	if err != nil {
		return err
	}
	m.count(before.metrics, after)
	return nil
}

// beside is the part in which the flood runs.
func (o *options) beside(ctx context.Context, s *server, h *people, m *result) (err error) {
	g, err := o.attack(ctx, s, m.flood)
	if err != nil {
		return err
	}
	defer func() {
		text, ended := g.end()
		if err = errors.Join(err, ended); err != nil {
			return
		}
		if err = json.Unmarshal(text, &m.attack); err != nil {
			err = fmt.Errorf("what the attackers tell: %w: %.200s", err, text)
		}
	}()
	begun, err := s.served(ctx)
	if err != nil {
		return err
	}
	if m.flooded, err = h.watch(o.duration); err != nil {
		return err
	}
	over, err := s.served(ctx)
	if err != nil {
		return err
	}
	m.beside = over.since(begun)
	m.memory[1], err = s.memory()
	return err
}

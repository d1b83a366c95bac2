package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

// options of a run.
type options struct {
	server, natsd    string
	duration         time.Duration // of each measurement
	sessions, stored int
	parts            []part
	progress         io.Writer
}

// part is one group of measurements and of tables.
type part struct {
	name    string
	measure func(context.Context, *options, *report) error
}

var allParts = []part{
	{"edits", measureEdits},
	{"delivery", measureDelivery},
	{"shared", measureShared},
	{"storm", measureStorm},
	{"stored", measureStored},
}

func partNames() string {
	var names []string
	for _, p := range allParts {
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}

func command(ctx context.Context, args []string) error {
	o := options{progress: os.Stderr}
	var only, into string
	flags := flag.NewFlagSet("cluster", flag.ContinueOnError)
	flags.StringVar(&o.server, "server", "./dashwire", "the program of the Dashwire server")
	flags.StringVar(&o.natsd, "natsd", "tmp/cluster/natsd", "the program of the NATS server, internal/natsd")
	flags.DurationVar(&o.duration, "duration", 8*time.Second, "how long each measurement counts, 100ms to 1m")
	flags.IntVar(&o.sessions, "sessions", 5000, "sessions of the server that is killed, 1 to 9,000")
	flags.IntVar(&o.stored, "stored", 100_000, "dashboards stored, to see what they take in memory, 1 to 1,000,000")
	flags.StringVar(&only, "parts", "", "some of the parts, by comma (default all): "+partNames())
	flags.StringVar(&into, "into", "", "Markdown file whose section cluster gets the tables")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := o.choose(only); err != nil {
		return err
	}
	if into != "" {
		if _, err := os.Stat(into); err != nil {
			return err
		}
	}
	r := newReport(&o, only)
	for i, p := range o.parts {
		fmt.Fprintf(o.progress, "%d of %d: %s\n", i+1, len(o.parts), p.name)
		if err := p.measure(ctx, &o, r); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	fmt.Print(r.text())
	if into != "" {
		if err := r.publish(into); err != nil {
			return err
		}
	}
	if len(r.faults) > 0 {
		return errors.New(strings.Join(r.faults, "\n"))
	}
	return nil
}

// choose settles which parts there are, and holds the options against their bounds.
func (o *options) choose(only string) error {
	switch {
	case o.duration < 100*time.Millisecond || o.duration > time.Minute:
		return errors.New("each measurement counts 100ms to 1m: choose with -duration")
	case o.sessions < 1 || o.sessions > 9000:
		return errors.New("there are 1 to 9,000 sessions: choose with -sessions")
	case o.stored < 1 || o.stored > 1_000_000:
		return errors.New("1 to 1,000,000 dashboards are stored: choose with -stored")
	}
	o.parts = allParts
	if only == "" {
		return nil
	}
	o.parts = nil
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(allParts, func(p part) bool { return p.name == name })
		if i < 0 {
			return fmt.Errorf("there is no part %q: choose from %s", name, partNames())
		}
		o.parts = append(o.parts, allParts[i])
	}
	return nil
}

// tell prints a line of progress.
func (o *options) tell(format string, args ...any) {
	fmt.Fprintf(o.progress, "  "+format+"\n", args...)
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "load":
			return loadCommand(ctx, args[1:])
		case "run":
			return runCommand(ctx, args[1:])
		}
	}
	return errors.New("usage: bench run [flags] or bench load [flags]; -help lists the flags of each")
}

// result is what one scenario against one server gave.
type result struct {
	Peer     string             `json:"peer"`
	Scenario string             `json:"scenario"`
	Round    int                `json:"round"`
	Numbers  map[string]float64 `json:"numbers"`
	// Faults are what must not happen: versions missed, edits refused, connections lost.
	Faults []string `json:"faults"`
}

// loadCommand measures one scenario and prints the result as JSON.
func loadCommand(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	name := flags.String("dialect", "dashwire", "what the server speaks: plain, socketio, centrifuge, dashwire")
	address := flags.String("address", "127.0.0.1:3000", "where it listens")
	pid := flags.Int("pid", 0, "its process")
	which := flags.String("scenario", "hot", "what to measure")
	duration := flags.Duration("duration", 8*time.Second, "how long to count")
	connections := flags.Int("connections", 10000, "connections of idle")
	if err := flags.Parse(args); err != nil {
		return err
	}
	run := "b" + strconv.FormatInt(time.Now().UnixNano(), 36)
	d, err := dialectOf(*name, run)
	if err != nil {
		return err
	}
	at, err := netip.ParseAddrPort(*address)
	if err != nil {
		return fmt.Errorf("the address: %w", err)
	}
	s, err := scenarioOf(*which)
	if err != nil {
		return err
	}
	l, err := newLoad(d, at, run)
	if err != nil {
		return err
	}
	defer l.close()
	for i := range s.dashboards {
		l.dashboards = append(l.dashboards, run+"-"+strconv.Itoa(i))
	}
	if err := prepare(ctx, l); err != nil {
		return err
	}
	j := &job{load: l, plan: s, server: process(*pid), duration: *duration, connections: *connections, numbers: map[string]float64{}}
	if err := s.run(ctx, j); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return json.NewEncoder(os.Stdout).Encode(result{Scenario: s.name, Numbers: j.numbers, Faults: l.faultLines()})
}

func scenarioOf(name string) (scenario, error) {
	for _, s := range scenarios {
		if s.name == name {
			return s, nil
		}
	}
	return scenario{}, fmt.Errorf("there is no scenario %q", name)
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options of a run of all rounds.
type options struct {
	root, work           string
	rounds               int
	duration             time.Duration
	connections          int
	serverCore, loadCore int
	scenarios, peers     []string // empty = all
	write                bool
}

// most descriptors that a server or the generator needs beside its connections.
const spareDescriptors = 400

func runCommand(ctx context.Context, args []string) error {
	var o options
	var which, who string
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.StringVar(&o.root, "root", "..", "folder of the project")
	flags.IntVar(&o.rounds, "rounds", 3, "how often each is measured")
	flags.DurationVar(&o.duration, "duration", 8*time.Second, "how long each counts")
	flags.IntVar(&o.connections, "connections", 0, "connections of idle (default as many as descriptors allow, up to 19,000)")
	flags.IntVar(&o.serverCore, "server-core", 0, "core of the server")
	flags.IntVar(&o.loadCore, "load-core", 1, "core of the generator")
	flags.StringVar(&which, "scenarios", "", "some of them, by comma (default all): "+names(scenarios, func(s scenario) string { return s.name }))
	flags.StringVar(&who, "peers", "", "some of them, by comma (default all): "+names(peers, func(p peer) string { return p.name }))
	flags.BoolVar(&o.write, "write", true, "write docs/benchmarks.md and its charts")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if o.root, err = filepath.Abs(o.root); err != nil {
		return err
	}
	o.work = filepath.Join(o.root, "tmp", "bench-peers")
	if o.scenarios, err = chosen(which, scenarios, func(s scenario) string { return s.name }); err != nil {
		return err
	}
	if o.peers, err = chosen(who, peers, func(p peer) string { return p.name }); err != nil {
		return err
	}
	if o.rounds < 1 || o.rounds > 50 || o.duration < time.Second || o.duration > 5*time.Minute {
		return errors.New("there are 1 to 50 rounds, which count for 1s to 5m each")
	}
	if err := o.descriptors(); err != nil {
		return err
	}
	if o.write {
		if _, _, _, err := pageIn(o.root); err != nil {
			return err // not after all has been measured
		}
	}
	b, err := build(ctx, o.root, filepath.Join(o.work, "bin"))
	if err != nil {
		return err
	}
	begun, on := time.Now(), machine()
	results, err := o.measure(ctx, b)
	if err != nil {
		return err
	}
	var faults []string
	for _, r := range results {
		for _, f := range r.Faults {
			faults = append(faults, fmt.Sprintf("%s of %s, round %d: %s", r.Scenario, r.Peer, r.Round, f))
		}
	}
	rec := record{Begun: begun.UTC(), Machine: on, Versions: versions(ctx, b), Command: o.command(), Rounds: o.rounds, Seconds: o.duration.Seconds(), Results: results, Faults: faults}
	if err := rec.save(filepath.Join(o.work, "results.json")); err != nil {
		return err
	}
	fmt.Print(rec.text())
	if o.write {
		return rec.publish(o.root)
	}
	return nil
}

// measure runs all rounds: in each, every scenario, and in that every peer, beginning
// with another one each time.
func (o *options) measure(ctx context.Context, b *built) ([]result, error) {
	var results []result
	for round := 1; round <= o.rounds; round++ {
		for i := range scenarios {
			s := &scenarios[i]
			if !slices.Contains(o.scenarios, s.name) {
				continue
			}
			for k := range peers {
				p := &peers[(k+round-1)%len(peers)]
				if !slices.Contains(o.peers, p.name) || !p.runs(s.name) {
					continue
				}
				began := time.Now()
				r, err := p.measure(ctx, b, o, s)
				if err != nil {
					return nil, fmt.Errorf("%s of %s, round %d: %w", s.name, p.name, round, err)
				}
				r.Peer, r.Round = p.name, round
				results = append(results, r)
				fmt.Fprintf(os.Stderr, "round %d  %-8s %-16s %4.0f s  %s\n", round, s.name, p.name, time.Since(began).Seconds(), strings.Join(r.Faults, "; "))
			}
		}
	}
	return results, nil
}

// descriptors settles how many connections idle has.
func (o *options) descriptors() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("the limit of descriptors: %w", err)
	}
	most := int(min(limit.Max, 1<<20)) - spareDescriptors
	if o.connections == 0 {
		o.connections = min(most, 19_000)
	}
	if o.connections < 1 || o.connections > most {
		return fmt.Errorf("%d connections cannot be had with %d descriptors", o.connections, limit.Max)
	}
	return nil
}

// command is how to get the same again.
func (o *options) command() string {
	c := fmt.Sprintf("make bench-peers ROUNDS=%d SECONDS=%d", o.rounds, int(o.duration.Seconds()))
	if len(o.scenarios) < len(scenarios) {
		c += " SCENARIOS=" + strings.Join(o.scenarios, ",")
	}
	if len(o.peers) < len(peers) {
		c += " PEERS=" + strings.Join(o.peers, ",")
	}
	return c
}

func names[T any](all []T, name func(T) string) string {
	list := make([]string, len(all))
	for i, v := range all {
		list[i] = name(v)
	}
	return strings.Join(list, ", ")
}

// chosen are the names in a list by comma, or all.
func chosen[T any](list string, all []T, name func(T) string) ([]string, error) {
	var known []string
	for _, v := range all {
		known = append(known, name(v))
	}
	if list == "" {
		return known, nil
	}
	want := strings.Split(list, ",")
	for _, w := range want {
		if !slices.Contains(known, w) {
			return nil, fmt.Errorf("there is no %q: choose from %s", w, strings.Join(known, ", "))
		}
	}
	return want, nil
}

func decode(text []byte, r *result) error {
	if err := json.Unmarshal(text, r); err != nil {
		return fmt.Errorf("the generator's result: %w: %.200s", err, text)
	}
	return nil
}

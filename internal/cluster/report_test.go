package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/internal/bench"
)

func TestChoose(t *testing.T) {
	good := options{duration: time.Second, sessions: 1, stored: 1}
	for only, want := range map[string]string{"": "edits delivery shared storm stored", "storm": "storm", "stored,edits": "stored edits"} {
		o := good
		if err := o.choose(only); err != nil {
			t.Errorf("%q: %v", only, err)
		}
		var names []string
		for _, p := range o.parts {
			names = append(names, p.name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%q chooses %s, want %s", only, got, want)
		}
	}
	for name, c := range map[string]struct {
		o          options
		only, want string
	}{
		"no time":         {options{sessions: 1, stored: 1}, "", "-duration"},
		"too long":        {options{duration: 2 * time.Minute, sessions: 1, stored: 1}, "", "-duration"},
		"no sessions":     {options{duration: time.Second, stored: 1}, "", "-sessions"},
		"nothing stored":  {options{duration: time.Second, sessions: 1}, "", "-stored"},
		"an unknown part": {good, "edits,fanout", `no part "fanout": choose from edits, delivery`},
	} {
		if err := c.o.choose(c.only); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 3: "3", 0.126: "0.13", 9.994: "9.99", 12.34: "12.3", 123.4: "123", 999.4: "999", 1234.5: "1,235", 1234567: "1,234,567"} {
		if got := short(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}

// TestCells: a number that the generator did not give is a dash, and no zero.
func TestCells(t *testing.T) {
	got := numbers{"edits acknowledged": 1500, "answer p50": 0}.cells("edits acknowledged", "answer p50", "answer p99")
	if want := []string{"1,500", "0", "–"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReport_Publish(t *testing.T) {
	r := newReport(&options{duration: 2 * time.Second, sessions: 7, stored: 9}, "storm")
	r.tables = []table{{title: "Storm", heads: []string{"", "after, s"}, rows: [][]string{{"3 replicas, 3 nodes", "1.50"}}}}
	r.faults = []string{"storm: a session came back without its edits"}
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# Before\n" + sectionBegin + "\nold\n" + sectionEnd + "\nbehind\n")
	for range 2 { // again replaces it
		if err := r.publish(path); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	for _, want := range []string{
		"### Storm\n\n|  | after, s |\n|---|---|\n| 3 replicas, 3 nodes | 1.50 |\n",
		"make bench-cluster SECONDS=2 CLUSTER_SESSIONS=7 CLUSTER_STORED=9 CLUSTER_PARTS=storm\n",
		"What went wrong:\n\n- storm: a session came back without its edits\n",
	} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q stands %d times in %s", want, strings.Count(got, want), got)
		}
	}
	if !strings.HasPrefix(got, "# Before\n"+sectionBegin) || !strings.HasSuffix(got, sectionEnd+"\nbehind\n") || strings.Contains(got, "old") {
		t.Errorf("the file became %s", got)
	}
	write("# Without\n")
	if err := r.publish(path); err == nil || !strings.Contains(err.Error(), "has no section") {
		t.Errorf("into a file without the section: %v", err)
	}
}

// TestWith_TellsWhatDoesNotStart: a program that is not there is named, and nothing is left
// behind.
func TestWith_TellsWhatDoesNotStart(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	none := filepath.Join(t.TempDir(), "none")
	o := options{natsd: none, server: none, progress: io.Discard}
	err := o.with(t.Context(), arrangement{replicas: 1, nats: 1, nodes: 1}, func(context.Context, *servers) error {
		return errors.New("it ran")
	})
	if err == nil || !strings.Contains(err.Error(), "starting "+none) {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestLoad_Refused: what the generator cannot do is an error of that measurement.
func TestLoad_Refused(t *testing.T) {
	o := options{duration: time.Second}
	r := &report{}
	if _, err := o.load(t.Context(), r, "edits, 1 node", bench.Options{Scenario: "unknown"}); err == nil || !strings.HasPrefix(err.Error(), "edits, 1 node: ") {
		t.Errorf("got %v", err)
	}
}

// TestWith_TellsWhatEnds: a server that ends by itself ends what waits for it at once, and its
// last words are told, once.
func TestWith_TellsWhatEnds(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	program := func(name, script string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// Its arguments are -name … -log FILE ….
	const log = "while [ $# -gt 0 ] && [ \"$1\" != -log ]; do shift; done\n"
	broken := program("broken", log+"echo 'listening on 4222' > \"$2\"; echo 'no room for streams' >> \"$2\"; echo 'natsd: it does not start' >&2; exit 3\n")
	o := options{natsd: broken, server: broken, progress: io.Discard}
	ctx, cancel := context.WithTimeout(t.Context(), startWithin/2)
	defer cancel()
	err := o.with(ctx, arrangement{replicas: 1, nats: 1, nodes: 1}, func(context.Context, *servers) error {
		return errors.New("it ran")
	})
	if err == nil || ctx.Err() != nil {
		t.Fatalf("got %v after %v", err, ctx.Err())
	}
	for _, want := range []string{"broken -name nats1", "exit status 3", "natsd: it does not start", "no room for streams"} {
		if strings.Count(err.Error(), want) != 1 {
			t.Errorf("%q is not told once in %v", want, err)
		}
	}
}

// TestProcess_EndsWhatRuns: a server that ends later ends the measurement; one that is to be
// killed does not.
func TestProcess_EndsWhatRuns(t *testing.T) {
	ctx, lost := context.WithCancel(t.Context())
	defer lost()
	ready := regexp.MustCompile(`^ready on (\d+)`)
	long, port, err := start(ctx, lost, ready, "sh", "-c", "echo ready on 7; exec sleep 1000")
	if err != nil || port != "7" {
		t.Fatalf("%q, %v", port, err)
	}
	killed, _, err := start(ctx, lost, nil, "sleep", "1000")
	if err != nil {
		t.Fatal(err)
	}
	killed.killed.Store(true)
	if err := killed.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-killed.ended
	if err := errors.Join(killed.stop(), ctx.Err()); err != nil {
		t.Errorf("one that was to be killed: %v", err)
	}
	short, _, err := start(ctx, lost, nil, "sh", "-c", "echo out of memory >&2; exit 2")
	if err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	if err := short.stop(); err == nil || !strings.Contains(err.Error(), "has ended: exit status 2: out of memory") {
		t.Errorf("one that has ended: %v", err)
	}
	<-long.ended // with the measurement
	if err := long.stop(); err != nil {
		t.Errorf("one that was ended with the others: %v", err)
	}
}

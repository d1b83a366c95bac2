package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/internal/bench"
)

// TestBench_OnSeveralServers: the generator loads three servers on three NATS servers and finds
// nothing wrong, also when one of them is killed.
func TestBench_OnSeveralServers(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	flags := append(natsCluster(t), "--drain", "100ms", "--no-demo", "--sessions-per-user", "1000")
	dir := t.TempDir()
	var nodes []*process
	var urls []string
	for range 3 {
		n := serve(t, t.TempDir(), flags...)
		nodes, urls = append(nodes, n), append(urls, n.url)
	}
	for _, scenario := range []string{"shared", "edits"} {
		out := must(t, dir, "bench", "--scenario", scenario, "--servers", strings.Join(urls, ","), "--duration", "300ms", "--dashboards", "3")
		if !strings.Contains(out, "edits acknowledged") {
			t.Errorf("%s on three servers tells %s", scenario, out)
		}
		if scenario == "shared" && !strings.Contains(out, "node 3: edits acknowledged") {
			t.Errorf("shared does not tell of each server: %s", out)
		}
	}

	report, err := bench.Run(ctx, bench.Options{
		Scenario: bench.Storm, Servers: urls, Sessions: 30, Dashboards: 3, Kill: nodes[0].cmd.Process.Pid, Duration: time.Second,
	})
	if err != nil || len(report.Faults) > 0 {
		t.Fatalf("a storm: %v %q", err, report.Faults)
	}
	told := map[string]float64{}
	for _, n := range report.Numbers {
		told[n.Name] = n.Value
	}
	if told["all live again after"] <= 0 || told["resumed by what they missed alone"] != 100 {
		t.Errorf("a storm tells %v", told)
	}
	if err := nodes[0].cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the first server: %v, want it killed", err)
	}
}

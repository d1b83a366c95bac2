package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
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
	err := o.with(t.Context(), arrangement{replicas: 1, nats: 1, nodes: 1}, func(*servers) error {
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

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain is the processes of attackers and of honest sessions as well: floods starts
// itself for those.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == hostileCommand || os.Args[1] == honestCommand) {
		if err := command(context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// writer is the progress as the log of a test.
type writer struct{ t *testing.T }

func (w writer) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimSuffix(string(b), "\n"))
	return len(b), nil
}

// TestFloods runs each flood with a few sockets for a moment: it attacks, the honest
// sessions are measured and find nothing wrong, and nothing is left behind.
func TestFloods(t *testing.T) {
	dir := t.TempDir()
	o := options{
		server: filepath.Join(dir, "dashwire"), sockets: 12, addresses: 3, duration: 200 * time.Millisecond, rate: 100,
		serverCore: -1, loadCore: -1, progress: writer{t},
	}
	if out, err := exec.Command("go", "build", "-o", o.server, "github.com/dashwire/dashwire/cmd/dashwire").CombinedOutput(); err != nil {
		t.Fatalf("building the server: %v\n%s", err, out)
	}
	if err := o.choose(""); err != nil {
		t.Fatal(err)
	}
	r, err := o.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if faults := r.faults(); len(faults) > 0 {
		t.Errorf("wrong: %q", faults)
	}
	var joined uint64
	limits := 0
	for _, m := range r.results {
		joined += m.quiet.Joined + m.flooded.Joined + m.after.Joined
		limits += len(m.limited)
		if m.quiet.Edits+m.flooded.Edits+m.after.Edits == 0 || max(m.quiet.Ack99, m.flooded.Ack99) == 0 || max(m.quiet.Heard99, m.flooded.Heard99) == 0 {
			t.Errorf("%s: the honest sessions were not measured: %+v", m.flood.name, m)
		}
		if m.attack.Sockets == 0 || m.attack.Opened == 0 || m.flood.unit != "" && m.attack.Sent == 0 {
			t.Errorf("%s: there was no attack: %+v", m.flood.name, m.attack)
		}
		if m.alone.ack99 == 0 || m.alone.append99 == 0 {
			t.Errorf("%s: the server's own times are %+v", m.flood.name, m.alone)
		}
		if m.memory[0] == 0 || m.memory[1] == 0 || m.memory[2] == 0 {
			t.Errorf("%s: the memory is %v", m.flood.name, m.memory)
		}
	}
	if joined == 0 || limits == 0 {
		t.Errorf("%d newcomers joined, %d limits were hit", joined, limits)
	}
	page := filepath.Join(dir, "page.md")
	if err := os.WriteFile(page, []byte("before\n"+sectionBegin+"old"+sectionEnd+"\nbehind\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.publish(page); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(text); !strings.HasPrefix(got, "before\n") || !strings.HasSuffix(got, "\nbehind\n") || strings.Contains(got, "old") ||
		strings.Count(got, "\n| "+floods[0].title+" |") != 3 {
		t.Errorf("the page is %s", got)
	}
}

func TestChoose_Refuses(t *testing.T) {
	good := options{sockets: 1, addresses: 1, duration: time.Second, rate: 1}
	for name, change := range map[string]func(*options){
		"no sockets":     func(o *options) { o.sockets = 0 },
		"too many":       func(o *options) { o.sockets = 20_000 },
		"no addresses":   func(o *options) { o.addresses = 0 },
		"no time":        func(o *options) { o.duration = 0 },
		"too much time":  func(o *options) { o.duration = time.Hour },
		"nobody's edits": func(o *options) { o.rate = 0 },
	} {
		o := good
		if change(&o); o.choose("") == nil {
			t.Errorf("%s: not refused", name)
		}
	}
	o := good
	if err := o.choose("pings,x"); err == nil || !strings.Contains(err.Error(), `"x"`) {
		t.Errorf("no such flood: %v", err)
	}
	if err := o.choose("pings,deep"); err != nil || len(o.floods) != 2 {
		t.Errorf("two floods: %v %v", o.floods, err)
	}
}

func TestQuantile(t *testing.T) {
	counts := func(a, b, c, all float64) map[string]float64 {
		return map[string]float64{`x_bucket{le="0.001"}`: a, `x_bucket{le="0.002"}`: b, `x_bucket{le="0.004"}`: c, `x_bucket{le="+Inf"}`: all, `xy_bucket{le="9"}`: 7}
	}
	for _, c := range []struct {
		name          string
		q             float64
		before, after map[string]float64
		want          time.Duration
	}{
		{"in the middle of a bucket", 0.5, nil, counts(40, 60, 100, 100), 1500 * time.Microsecond},
		{"in the first", 0.2, nil, counts(40, 60, 100, 100), 500 * time.Microsecond},
		{"since a moment", 0.5, counts(40, 60, 100, 100), counts(40, 60, 110, 110), 3 * time.Millisecond},
		{"beyond the last bound", 0.99, nil, counts(1, 2, 3, 100), 4 * time.Millisecond},
		{"of none", 0.99, counts(1, 2, 3, 100), counts(1, 2, 3, 100), 0},
	} {
		if got := quantile(c.q, "x", c.before, c.after); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []time.Duration
		want time.Duration
	}{{nil, 0}, {[]time.Duration{0, 0}, 0}, {[]time.Duration{9, 0, 3, 5}, 5}, {[]time.Duration{900, 3, 1, 2}, 2}} {
		if got := median(c.of); got != c.want {
			t.Errorf("of %v: %s, want %s", c.of, got, c.want)
		}
	}
}

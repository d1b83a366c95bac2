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

// TestMain is the process of attackers as well: floods starts itself for those.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == hostileCommand {
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
		joined += m.quiet.joined + m.flooded.joined + m.after.joined
		limits += len(m.limited)
		if m.quiet.edits+m.flooded.edits+m.after.edits == 0 || max(m.quiet.ack99, m.flooded.ack99) == 0 || max(m.quiet.heard99, m.flooded.heard99) == 0 {
			t.Errorf("%s: the honest sessions were not measured: %+v", m.flood.name, m)
		}
		if m.attack.Sockets == 0 || m.attack.Opened == 0 || m.flood.name != "unsigned" && m.attack.Actions == 0 {
			t.Errorf("%s: there was no attack: %+v", m.flood.name, m.attack)
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
		strings.Count(got, "\n| "+floods[0].title+" |") != 2 {
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

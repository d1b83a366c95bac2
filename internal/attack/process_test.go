package attack

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// built is the command as people run it, built when the first test needs it.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func command(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "dashwire-attack-"); built.err != nil {
			return
		}
		build := exec.Command("go", "build", "-o", filepath.Join(built.dir, "dashwire"), "github.com/dashwire/dashwire/cmd/dashwire")
		if out, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("building the command: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "dashwire")
}

func removeBinary() error {
	if built.dir == "" {
		return nil
	}
	return os.RemoveAll(built.dir)
}

// process is a server in a process of its own.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	dir   string
	url   string
	addr  string
	lines chan string // of standard output
	errs  recorder    // of standard error
}

var readyLine = regexp.MustCompile(`^Ready on http://(\S+)$`)

// run starts the command as a server on a free port, with a secret for tokens, and
// waits until it is ready. dir holds its files; "" makes one.
func run(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	return runWithin(t, "", dir, args...)
}

// runWithin is run, after a command of the shell has set limits.
func runWithin(t *testing.T, limits, dir string, args ...string) *process {
	t.Helper()
	if dir == "" {
		dir = t.TempDir()
	}
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--jwt-secret-file", "secret"}, args...)
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	t.Cleanup(cancel)
	name := command(t)
	if limits != "" {
		name, args = "sh", append([]string{"-c", limits + ` && exec "$0" "$@"`, name}, args...)
	}
	p := &process{t: t, dir: dir, cmd: exec.CommandContext(ctx, name, args...), lines: make(chan string, 1000)}
	p.cmd.Dir = dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "DASHWIRE_") {
			p.cmd.Env = append(p.cmd.Env, v)
		}
	}
	p.cmd.Stderr = &p.errs
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // fails if it has ended
		_ = p.cmd.Wait()
		<-read
	})
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				_ = p.cmd.Wait()
				t.Fatalf("the server ended before it was ready:\n%s", p.errs.String())
			}
			if m := readyLine.FindStringSubmatch(line); m != nil {
				p.addr = strings.Replace(m[1], "localhost", "127.0.0.1", 1)
				p.url = "http://" + p.addr
				return p
			}
		case <-timeout:
			t.Fatalf("the server was not ready within %s", patience)
		}
	}
}

// end sends a signal, waits for the end of the process and returns its exit code.
func (p *process) end(s syscall.Signal) int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	for range p.lines { // what it still says
	}
	_ = p.cmd.Wait() // the exit code tells
	return p.cmd.ProcessState.ExitCode()
}

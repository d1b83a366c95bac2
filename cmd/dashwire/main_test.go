package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
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

// binary is the command as people run it, built once.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "dashwire-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binary = filepath.Join(dir, "dashwire")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the command: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// patience is how long a test waits for what must come.
const patience = time.Minute

// command makes a run of the binary in a folder of the test, without settings from
// the environment.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "DASHWIRE_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	return cmd
}

// result is what a run has left behind.
type result struct {
	out, err string
	code     int
}

func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

func dash(t *testing.T, dir string, args ...string) result {
	t.Helper()
	return finish(t, command(t, dir, args...))
}

// must runs the command and fails unless it succeeds.
func must(t *testing.T, dir string, args ...string) string {
	t.Helper()
	r := dash(t, dir, args...)
	if r.code != 0 {
		t.Fatalf("dashwire %s: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.err)
	}
	return r.out
}

// process is the command while it runs.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string // of standard output
	errs  recorder    // of standard error
	url   string      // of a server
}

// recorder keeps what a process says, for who reads it while it goes on.
type recorder struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

// String is all of it so far.
func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// start runs the command and follows what it says.
func start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, lines: make(chan string, 1000)}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = &p.errs
	if err := cmd.Start(); err != nil {
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
		_ = cmd.Process.Kill() // fails if it has ended
		_ = cmd.Wait()
		<-read
	})
	return p
}

var readyLine = regexp.MustCompile(`^Ready on (http://\S+)$`)

// serve starts a server on a free port and waits until it is ready.
func serve(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := start(t, command(t, dir, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...))
	p.url = p.wait(readyLine)[1]
	return p
}

// wait reads lines until one matches.
func (p *process) wait(pattern *regexp.Regexp) []string {
	p.t.Helper()
	timeout := time.After(patience)
	var seen []string
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				_ = p.cmd.Wait()
				p.t.Fatalf("ended without a line like %s:\n%s\n%s", pattern, strings.Join(seen, "\n"), p.errs.String())
			}
			if m := pattern.FindStringSubmatch(line); m != nil {
				return m
			}
			seen = append(seen, line)
		case <-timeout:
			p.t.Fatalf("no line like %s within %s:\n%s", pattern, patience, strings.Join(seen, "\n"))
		}
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// end waits for the end and returns the lines not read so far and the exit code.
func (p *process) end() (lines []string, code int) {
	p.t.Helper()
	for line := range p.lines {
		lines = append(lines, line)
	}
	_ = p.cmd.Wait() // the exit code tells
	return lines, p.cmd.ProcessState.ExitCode()
}

// stop ends a server as an operator does.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if lines, code := p.end(); code != 0 || len(lines) == 0 || lines[len(lines)-1] != "Stopped." {
		p.t.Fatalf("stopping: exit code %d, %q\n%s", code, lines, p.errs.String())
	}
}

// taken opens a port for the test.
func taken(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln.Addr().String()
}

// stopQuietly ends a command that has nothing to say at its end.
func (p *process) stopQuietly() {
	p.t.Helper()
	p.signal(syscall.SIGINT)
	if lines, code := p.end(); code != 0 || len(lines) > 0 {
		p.t.Errorf("stopping: exit code %d, %q\n%s", code, lines, p.errs.String())
	}
}

// stranger is a server that is no Dashwire.
func stranger(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

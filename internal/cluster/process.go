package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
)

// process is one server in a process of its own.
type process struct {
	cmd  *exec.Cmd
	said tail
	log  string // the file that it logs to, "" = what it says is all
	// killed is set before it is ended by others, who need not say how.
	killed atomic.Bool

	ended chan struct{} // closed once it has ended; then the rest is known
	how   error         // nil = with exit code 0
	alone bool          // nobody had asked for it
}

// tail keeps the first words of a program, enough to see why it failed.
type tail struct{ text []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.text = append(t.text, b[:min(len(b), 4000-len(t.text))]...)
	return len(b), nil
}

// start starts a program, which is killed when ctx ends. With a line to wait for, it returns
// what the line's group matched. lost is called if it ends before it is stopped or killed.
func start(ctx context.Context, lost func(), line *regexp.Regexp, argv ...string) (*process, string, error) {
	p := &process{cmd: exec.CommandContext(ctx, argv[0], argv[1:]...), ended: make(chan struct{})}
	p.cmd.Stderr = &p.said
	if _, err := p.cmd.StdinPipe(); err != nil { // natsd ends with it
		return nil, "", fmt.Errorf("starting %s: %w", argv[0], err)
	}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "DASHWIRE_") {
			p.cmd.Env = append(p.cmd.Env, v)
		}
	}
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, "", fmt.Errorf("starting %s: %w", argv[0], err)
	}
	found := ""
	for lines := bufio.NewScanner(out); line != nil && found == "" && lines.Scan(); {
		if m := line.FindStringSubmatch(lines.Text()); m != nil {
			found = m[1]
		}
	}
	if line != nil && found == "" {
		err := p.cmd.Wait() // its output has ended, and so it has
		return nil, "", fmt.Errorf("%s did not start: %w: %s", argv[0], errors.Join(err), p.said.text)
	}
	go func() { // ends with the process
		_, _ = io.Copy(io.Discard, out)
		p.how = p.cmd.Wait()
		p.alone = !p.killed.Load() && ctx.Err() == nil
		close(p.ended)
		if p.alone {
			lost()
		}
	}()
	return p, found, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop ends the process, which must have lived until then unless it was to be killed.
func (p *process) stop() error {
	p.killed.Store(true)
	_ = p.cmd.Process.Kill() // fails if it has ended
	<-p.ended
	if !p.alone {
		return nil
	}
	return fmt.Errorf("%s has ended: %s: %s", strings.Join(p.cmd.Args, " "), p.cmd.ProcessState, p.words())
}

// words are what the process said, and the end of its log.
func (p *process) words() string {
	const most = 4000
	said := strings.TrimSpace(string(p.said.text))
	if p.log == "" {
		return said
	}
	text, err := os.ReadFile(p.log)
	if err != nil {
		return said + "\n" + err.Error()
	}
	return said + "\n" + strings.TrimSpace(string(text[max(0, len(text)-most):]))
}

// memory is what the process has resident, in MiB.
func (p *process) memory() (float64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid()) + "/status")
	if err != nil {
		return 0, fmt.Errorf("the memory of %s: %w", p.cmd.Path, err)
	}
	_, rest, _ := strings.Cut(string(text), "\nVmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, fmt.Errorf("the memory of %s is not told", p.cmd.Path)
	}
	kb, err := strconv.ParseFloat(fields[0], 64)
	return kb / 1024, err
}

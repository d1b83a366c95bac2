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
	// killed is set before it is ended by others, who need not say how.
	killed atomic.Bool
}

// tail keeps the first words of a program, enough to see why it failed.
type tail struct{ text []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.text = append(t.text, b[:min(len(b), 4000-len(t.text))]...)
	return len(b), nil
}

// start starts a program, which is killed when ctx ends. With a line to wait for, it returns
// what the line's group matched.
func start(ctx context.Context, line *regexp.Regexp, argv ...string) (*process, string, error) {
	p := &process{cmd: exec.CommandContext(ctx, argv[0], argv[1:]...)}
	p.cmd.Stderr = &p.said
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
	go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the process
	return p, found, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop ends the process, which must have lived until then unless it was to be killed.
func (p *process) stop() error {
	err := p.cmd.Process.Kill()
	waited := p.cmd.Wait()
	if err != nil && !p.killed.Load() {
		return fmt.Errorf("%s had ended: %w: %s", p.cmd.Path, waited, p.said.text)
	}
	return nil
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

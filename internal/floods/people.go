package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// honestCommand begins the arguments of the process of honest sessions.
const honestCommand = "honest"

// honestNice is the priority that this process is given, so that it does not wait for the
// attackers, with whom it shares a core: what it measures is the server.
const honestNice = -15

// runHonest works as honest sessions do until its input ends. It says how it runs once all
// sessions are open; then each line of its input, a time, has it measure for that long and
// say what it measured; at the end it says what went wrong.
func runHonest(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet(honestCommand, flag.ContinueOnError)
	address := flags.String("address", "", "of the server")
	pid := flags.Int("server", 0, "its process")
	rate := flags.Int("rate", 1, "edits a second of all")
	if err := flags.Parse(args); err != nil {
		return err
	}
	// The kernel tells 20 less the priority.
	raw, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	if err != nil {
		return fmt.Errorf("asking for the own priority: %w", err)
	}
	h, err := beHonest(ctx, *address, processorOf(*pid), *rate)
	if err != nil {
		return err
	}
	defer h.stop()
	say := json.NewEncoder(out)
	if err := say.Encode(20 - raw); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		d, err := time.ParseDuration(lines.Text())
		if err != nil {
			return err
		}
		t, err := h.watch(ctx, d)
		if err != nil {
			return err
		}
		if err := say.Encode(t); err != nil {
			return err
		}
	}
	return say.Encode(h.faults())
}

// people are a process of honest sessions.
type people struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *json.Decoder
	err  tail
	nice int // as it was given
}

// people opens the honest sessions.
func (o *options) people(ctx context.Context, s *server) (_ *people, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &people{cmd: pinned(ctx, o.loadCore, "nice", "-n", strconv.Itoa(honestNice), self, honestCommand,
		"-address", s.address, "-server", strconv.Itoa(s.cmd.Process.Pid), "-rate", strconv.Itoa(o.rate))}
	p.cmd.Stderr = &p.err
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = json.NewDecoder(out)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the honest sessions: %w", err)
	}
	if err := p.out.Decode(&p.nice); err != nil {
		_, ended := p.end()
		return nil, errors.Join(fmt.Errorf("opening the honest sessions: %w", err), ended)
	}
	return p, nil
}

// watch has them measure for a while.
func (p *people) watch(d time.Duration) (t times, err error) {
	if _, err = io.WriteString(p.in, d.String()+"\n"); err == nil {
		err = p.out.Decode(&t)
	}
	if err != nil {
		err = fmt.Errorf("the honest sessions: %w: %s", err, p.err.text)
	}
	return t, err
}

// end has them leave and returns what went wrong for them.
func (p *people) end() (faults []string, err error) {
	err = errors.Join(p.in.Close(), p.out.Decode(&faults))
	if e := p.cmd.Wait(); e != nil {
		err = errors.Join(err, e)
	}
	if err != nil {
		err = fmt.Errorf("the honest sessions: %w: %s", err, strings.TrimSpace(string(p.err.text)))
	}
	return faults, err
}

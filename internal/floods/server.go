package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/auth/jwtauth"
)

// secret signs the tokens of a run. It guards nothing.
const secret = "floods sign their tokens with this; 32 bytes or more"

// server is the program under attack, in a process of its own.
type server struct {
	cmd       *exec.Cmd
	dir       string
	address   string // host:port
	operators string // address of /metrics
	said      tail
}

// tail keeps the first words of a program, enough to see why it failed.
type tail struct{ text []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.text = append(t.text, b[:min(len(b), 4000-len(t.text))]...)
	return len(b), nil
}

// pinned is a command that runs on one core, or on any.
func pinned(ctx context.Context, core int, argv ...string) *exec.Cmd {
	if core >= 0 {
		argv = append([]string{"taskset", "-c", strconv.Itoa(core)}, argv...)
	}
	return exec.CommandContext(ctx, argv[0], argv[1:]...)
}

var addressLine = regexp.MustCompile(`^(Ready|Operators) on http://localhost:(\d+)`)

// start runs the server over a new data file.
func (o *options) start(ctx context.Context) (_ *server, err error) {
	s := &server{}
	if s.dir, err = os.MkdirTemp("", "dashwire-floods-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(s.dir))
		}
	}()
	if err := os.WriteFile(filepath.Join(s.dir, "secret"), []byte(secret), 0o600); err != nil {
		return nil, err
	}
	program, err := filepath.Abs(o.server)
	if err != nil {
		return nil, err
	}
	s.cmd = pinned(ctx, o.serverCore, program, "serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--no-demo",
		"--data", filepath.Join(s.dir, "floods.db"), "--jwt-secret-file", filepath.Join(s.dir, "secret"), "--count-local",
		"--drain", "0s", "--log-level", "error")
	s.cmd.Stderr = &s.said
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "DASHWIRE_") {
			s.cmd.Env = append(s.cmd.Env, v)
		}
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the server: %w", err)
	}
	lines := bufio.NewScanner(out)
	for (s.address == "" || s.operators == "") && lines.Scan() {
		switch m := addressLine.FindStringSubmatch(lines.Text()); {
		case m == nil:
		case m[1] == "Ready":
			s.address = "127.0.0.1:" + m[2]
		default:
			s.operators = "127.0.0.1:" + m[2]
		}
	}
	if s.address == "" || s.operators == "" {
		return nil, errors.Join(fmt.Errorf("the server did not start: %s", s.said.text), s.cmd.Wait())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the process
	return s, nil
}

// stop ends the server, which must have lived until then.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return errors.Join(fmt.Errorf("the server has ended: %w: %s", err, s.said.text), os.RemoveAll(s.dir))
	}
	err := s.cmd.Wait()
	if err != nil {
		err = fmt.Errorf("the server: %w: %s", err, s.said.text)
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// memory is what the server has resident, in bytes.
func (s *server) memory() (uint64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0, fmt.Errorf("the server's memory: %w", err)
	}
	_, rest, found := strings.Cut(string(text), "\nVmRSS:")
	if fields := strings.Fields(rest); found && len(fields) > 0 {
		kb, err := strconv.ParseUint(fields[0], 10, 64)
		return kb << 10, err
	}
	return 0, errors.New("the server's memory is not told")
}

// metrics are the numbers of /metrics by name and labels.
func (s *server) metrics(ctx context.Context) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.operators+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	all := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil && name != "#" {
			all[name] = n
		}
	}
	return all, nil
}

// alone waits until no session is left but so many.
func (s *server) alone(ctx context.Context, sessions int) error {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for giveUp := time.After(time.Minute); ; {
		m, err := s.metrics(ctx)
		if err != nil {
			return err
		}
		if m["dashwire_sessions"] <= float64(sessions) {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-giveUp:
			return fmt.Errorf("%v sessions are still open a minute after the flood", m["dashwire_sessions"])
		}
	}
}

// token signs somebody in as the owner of dashboards by a pattern.
func token(user, pattern string) (string, error) {
	return jwtauth.Mint{Secret: []byte(secret)}.Token(auth.Principal{
		UserID: user, Expires: time.Now().Add(time.Hour), Grants: []auth.Grant{{Pattern: pattern, Role: auth.Owner}},
	})
}

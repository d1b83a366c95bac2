package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dashwire/dashwire/internal/jsontext"
)

// server is the program in a process of its own.
type server struct {
	cmd   *exec.Cmd
	url   string
	ready time.Duration // from its start
}

var readyLine = regexp.MustCompile(`^Ready on http://localhost:(\d+)`)

// start runs the server on a data file.
func start(ctx context.Context, program, file string) (*server, error) {
	program, err := filepath.Abs(program)
	if err != nil {
		return nil, err
	}
	s := &server{cmd: exec.CommandContext(ctx, program, "serve", "--listen", "127.0.0.1:0", "--no-demo", "--data", file, "--drain", "0s", "--log-level", "error")}
	s.cmd.Stderr = os.Stderr
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "DASHWIRE_") {
			s.cmd.Env = append(s.cmd.Env, v)
		}
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the server: %w", err)
	}
	lines := bufio.NewScanner(out)
	for s.url == "" && lines.Scan() {
		if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
			s.url = "http://127.0.0.1:" + m[1]
		}
	}
	s.ready = time.Since(began)
	if s.url == "" {
		return nil, errors.Join(errors.New("the server did not start"), s.cmd.Wait())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the process
	return s, nil
}

func (s *server) stop() error {
	return errors.Join(s.cmd.Process.Signal(syscall.SIGTERM), s.cmd.Wait())
}

// memory is what the server has resident, in MiB.
func (s *server) memory() (float64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0, fmt.Errorf("the server's memory: %w", err)
	}
	_, rest, _ := strings.Cut(string(text), "\nVmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, errors.New("the server's memory is not told")
	}
	kb, err := strconv.ParseFloat(fields[0], 64)
	return kb / 1024, err
}

// processor is how long threads of the server that are there have run.
func (s *server) processor() (time.Duration, error) {
	files, err := filepath.Glob("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/task/*/schedstat")
	if err != nil || len(files) == 0 {
		return 0, errors.Join(errors.New("the server's processor time is not told"), err)
	}
	var sum time.Duration
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, fmt.Errorf("the server's processor time: %w", err)
		}
		first, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("the server's processor time: %w", err)
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// get asks for a path and returns the answer and how long it took.
func (s *server) get(ctx context.Context, path string) ([]byte, time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return nil, 0, err
	}
	began := time.Now()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %.300s", path, res.Status, body)
	}
	return body, time.Since(began), err
}

// times are sorted when they are told.
type times []time.Duration

func (t times) String() string {
	slices.Sort(t)
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return fmt.Sprintf("p50 %.1f ms, min %.1f ms, max %.1f ms", ms(t[len(t)/2]), ms(t[0]), ms(t[len(t)-1]))
}

// measure tells on out what a server does with a file of so many dashboards.
func measure(ctx context.Context, out io.Writer, program, file string, dashboards int) error {
	if err := measureEmpty(ctx, out, program, file); err != nil {
		return err
	}
	s, err := start(ctx, program, file)
	if err != nil {
		return err
	}
	err = measureMany(ctx, out, s, dashboards)
	if err = errors.Join(err, s.stop()); err != nil {
		return err
	}
	return measureLogs(ctx, out, program, file)
}

// measureEmpty tells of a server without dashboards.
func measureEmpty(ctx context.Context, out io.Writer, program, file string) error {
	dir, err := os.MkdirTemp(filepath.Dir(file), "empty-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := start(ctx, program, filepath.Join(dir, "empty.db"))
	if err != nil {
		return err
	}
	memory, err := s.memory()
	fmt.Fprintf(out, "empty file: ready after %.2f s, %.1f MiB resident\n", s.ready.Seconds(), memory)
	return errors.Join(err, s.stop())
}

// measureMany lists and opens dashboards of a server that has just started.
func measureMany(ctx context.Context, out io.Writer, s *server, dashboards int) error {
	memory, err := s.memory()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d dashboards: ready after %.2f s, %.1f MiB resident\n", dashboards, s.ready.Seconds(), memory)
	var opening times
	for range min(200, dashboards) {
		_, took, err := s.get(ctx, "/api/dashboards/"+dashboardID(rand.IntN(dashboards)))
		if err != nil {
			return err
		}
		opening = append(opening, took)
	}
	fmt.Fprintln(out, "opening one of them:", opening)
	var listing times
	cursor := ""
	for range min(200, dashboards/100+1) {
		body, took, err := s.get(ctx, "/api/dashboards?limit=100&cursor="+url.QueryEscape(cursor))
		if err != nil {
			return err
		}
		listing = append(listing, took)
		var page struct {
			Next *string `json:"next"`
		}
		if err := jsontext.Decode(body, &page); err != nil {
			return err
		}
		if page.Next == nil {
			break
		}
		cursor = *page.Next
	}
	fmt.Fprintln(out, "a page of 100:", listing)
	if memory, err = s.memory(); err != nil {
		return err
	}
	fmt.Fprintf(out, "after that: %.1f MiB resident\n", memory)
	return nil
}

// measureLogs opens the short log and the long one, in turns, as the first thing that a
// server does.
func measureLogs(ctx context.Context, out io.Writer, program, file string) error {
	ids := [...]string{short, long}
	var took, worked [len(ids)]times
	for range 7 {
		for i, id := range ids {
			t, w, err := openFirst(ctx, program, file, id)
			if err != nil {
				return err
			}
			took[i], worked[i] = append(took[i], t), append(worked[i], w)
		}
	}
	for i, id := range ids {
		fmt.Fprintf(out, "opening %s: %s; processor: %s\n", id, took[i], worked[i])
	}
	return nil
}

// openFirst starts a server and tells how long it takes to open a dashboard, and how much
// of its processor's time.
func openFirst(ctx context.Context, program, file, id string) (took, worked time.Duration, err error) {
	s, err := start(ctx, program, file)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if _, _, err := s.get(ctx, "/api/dashboards/"+dashboardID(0)); err != nil { // what a process does once
		return 0, 0, err
	}
	before, err := s.processor()
	if err != nil {
		return 0, 0, err
	}
	if _, took, err = s.get(ctx, "/api/dashboards/"+id); err != nil {
		return 0, 0, err
	}
	after, err := s.processor()
	return took, after - before, err
}

//go:build faults && linux

package sqlitejournal

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/dashwire/dashwire/internal/commitlog"
	"github.com/dashwire/dashwire/journal"
)

const (
	childEnv  = "SQLITEJOURNAL_FAULT_CHILD" // the path of the journal
	countEnv  = "SQLITEJOURNAL_FAULT_COUNT" // appends for each dashboard; none: without end
	untilEnv  = "SQLITEJOURNAL_FAULT_UNTIL" // what the child goes on for after them: until it has been said
	childLogs = 8
)

// spoken is the child's stderr. Which call of many is made to fail depends on how the
// appends are grouped, so the child notices what came of it.
type spoken struct {
	until []byte // nothing: no call is made to fail
	heard atomic.Bool
}

func (s *spoken) Write(b []byte) (int, error) {
	if bytes.Contains(b, s.until) {
		s.heard.Store(true)
	}
	return os.Stderr.Write(b)
}

// childRecord is what stands at a position. It says where it belongs twice, so
// that a page boundary never splits both.
func childRecord(id string, p journal.Position) string {
	return fmt.Sprintf("<%s/%d><%s/%d>", id, p, id, p)
}

// TestFaultChild is the process that faults are done to: it appends to several
// dashboards at once and says "ack <id/position> time" after each append that returned.
func TestFaultChild(t *testing.T) {
	path := os.Getenv(childEnv)
	if path == "" {
		return
	}
	count, err := strconv.Atoi(os.Getenv(countEnv))
	if err != nil {
		count = 1 << 40
	}
	said := &spoken{until: []byte(os.Getenv(untilEnv))}
	failing := len(said.until) > 0
	said.heard.Store(!failing)
	j, err := Open(path, Options{Logger: slog.New(slog.NewTextHandler(said, nil)), tune: tuning{spreadBytes: 20_000, walPages: 60, releaseBytes: 1, log: commitlog.Options{SegmentBytes: 8 << 10}}})
	if err != nil {
		t.Fatal(err)
	}
	var logs sync.WaitGroup
	for d := range childLogs {
		logs.Go(func() {
			id := fmt.Sprint("d", d)
			head, _, err := j.Head(context.Background(), id)
			if err != nil {
				t.Error(err)
				return
			}
			for p := head + 1; p <= head+journal.Position(count) || !said.heard.Load(); p++ {
				a := appendOf(id, p-1, childRecord(id, p))
				for {
					_, err := j.Append(context.Background(), a)
					if err == nil {
						break
					}
					if !errors.Is(err, journal.ErrUnknown) && !errors.Is(err, journal.ErrUnavailable) {
						t.Errorf("append: %v", err)
						return
					}
					fmt.Fprintln(said, "again:", err)
				}
				os.Stdout.WriteString(fmt.Sprintf("ack <%s/%d> %d\n", id, p, monotonic()))
			}
		})
	}
	logs.Wait()
	switch err := j.Close(); {
	case err != nil && failing: // it was Close that met the last of the failures
		fmt.Fprintln(said, "closing:", err)
	case err != nil:
		t.Error(err)
	}
}

// monotonic is a clock that all processes share, in nanoseconds.
func monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err)
	}
	return ts.Nano()
}

// need fails the test unless the tools are there and it runs as root.
func need(t *testing.T, tools ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("this test must run as root")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is missing: apt-get install strace util-linux e2fsprogs mount", tool)
		}
	}
}

// child is a running TestFaultChild.
type child struct {
	cmd    *exec.Cmd
	acks   chan int // how many came so far; closed at the end
	stderr bytes.Buffer

	// all of it once it has ended
	heard []ack
	said  []string // besides acknowledgements
}

type ack struct {
	id       string
	position journal.Position
	at       int64 // by monotonic, after the append returned
}

// before returns what was acknowledged before a moment.
func (c *child) before(moment int64) map[string]journal.Position {
	last := make(map[string]journal.Position)
	for _, a := range c.heard {
		if a.at < moment {
			last[a.id] = a.position
		}
	}
	return last
}

func (c *child) all() map[string]journal.Position { return c.before(1<<63 - 1) }

// startChild runs the child on a journal, under the command given if any.
func startChild(t *testing.T, path string, count int, under ...string) *child {
	t.Helper()
	argv := append(under, "/proc/self/exe", "-test.run=^TestFaultChild$")
	if len(under) > 0 {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		argv[len(under)] = exe
	}
	c := &child{cmd: exec.Command(argv[0], argv[1:]...), acks: make(chan int, 1<<16)}
	c.cmd.Env = append(os.Environ(), childEnv+"="+path)
	if count > 0 {
		c.cmd.Env = append(c.cmd.Env, fmt.Sprint(countEnv, "=", count))
	}
	c.cmd.Stderr = &c.stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.acks)
		c.read(out)
	}()
	return c
}

// startFailing runs the child while calls fail as strace is told, such as "read,write:error=EIO". It
// appends count times for each dashboard, and goes on until it has said that it met a failure.
func startFailing(t *testing.T, path string, count int, until string, inject ...string) *child {
	t.Helper()
	under := []string{"env", untilEnv + "=" + until, "strace", "-f", "-qq", "-o", "/dev/null"}
	var traced []string
	for _, i := range inject {
		calls, _, _ := strings.Cut(i, ":")
		traced = append(traced, calls)
		under = append(under, "-e", "inject="+i)
	}
	return startChild(t, path, count, append(under, "-e", "trace="+strings.Join(traced, ","))...)
}

// finish waits for a child that met failures, and checks that nothing is lost and nothing is
// there twice. It appended count times or more for each dashboard.
func (c *child) finish(t *testing.T, path string, count int) {
	t.Helper()
	if err := c.end(); err != nil {
		t.Fatalf("%v\n%s", err, c.stderr.String())
	}
	if n := c.verify(t, path, c.all()); n != len(c.heard) || n < count*childLogs {
		t.Errorf("%d records, %d were acknowledged, want the same and at least %d", n, len(c.heard), count*childLogs)
	}
}

func (c *child) read(out io.Reader) {
	for s := bufio.NewScanner(out); s.Scan(); {
		var a ack
		line := strings.NewReplacer("<", "", "/", " ", ">", "").Replace(s.Text())
		if n, err := fmt.Sscanf(line, "ack %s %d %d", &a.id, &a.position, &a.at); n != 3 || err != nil {
			c.said = append(c.said, s.Text()) // the test's own output
			continue
		}
		c.heard = append(c.heard, a)
		select {
		case c.acks <- len(c.heard):
		default: // nobody counts any more
		}
	}
}

// waitAcks waits for a number of acknowledged appends.
func (c *child) waitAcks(t *testing.T, want int) {
	t.Helper()
	for n := range c.acks {
		if n >= want {
			return
		}
	}
	t.Fatalf("the child ended before %d appends:\n%s", want, c.stderr.String())
}

// kill ends the child and everything under it at once.
func (c *child) kill() {
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) // its own group; it may have ended
	c.end()
}

// end waits for the child and returns how it ended.
func (c *child) end() error {
	for range c.acks {
	}
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.Join(c.said, "\n"))
	}
	return nil
}

// verify opens the journal and checks that it holds every acknowledged append, in
// order and once. It returns how many records there are. The child has ended.
func (c *child) verify(t *testing.T, path string, acknowledged map[string]journal.Position) int {
	t.Helper()
	j, err := Open(path, Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("after the fault: %v", err)
	}
	t.Cleanup(func() { _ = j.Close() }) // again, or before the file system is taken away
	total := 0
	for d := range childLogs {
		id := fmt.Sprint("d", d)
		p := journal.Position(0)
		for r, err := range j.Read(t.Context(), id, 0) {
			if err != nil {
				t.Fatalf("after the fault: %v", err)
			}
			p++
			if r.Position != p || string(r.Data) != childRecord(id, p) {
				t.Fatalf("position %d of %s holds %q", r.Position, id, r.Data)
			}
		}
		if p < acknowledged[id] {
			t.Fatalf("%s ends at %d, but %d was acknowledged: LOST", id, p, acknowledged[id])
		}
		if last := c.all()[id]; last > 0 && p > last+1 {
			t.Fatalf("%s ends at %d, one writer that had heard of %d can have made at most one more", id, p, last)
		}
		total += int(p)
	}
	report, err := j.Check(t.Context(), nil)
	if err != nil || len(report.Damage) > 0 {
		t.Fatalf("check: %+v, %v", report, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return total
}

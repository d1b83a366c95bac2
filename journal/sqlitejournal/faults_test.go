//go:build faults && linux

package sqlitejournal

// These tests need root, strace, losetup, mkfs.ext4 and mount, and take a minute:
//
//	go test -tags faults -run Fault -v ./journal/sqlitejournal

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dashwire/dashwire/internal/commitlog"
	"github.com/dashwire/dashwire/journal"
)

const (
	childEnv  = "SQLITEJOURNAL_FAULT_CHILD" // the path of the journal
	countEnv  = "SQLITEJOURNAL_FAULT_COUNT" // appends for each dashboard; none: without end
	childLogs = 8
)

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
	j, err := Open(path, Options{Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)), tune: tuning{spreadBytes: 20_000, walPages: 60, releaseBytes: 1, log: commitlog.Options{SegmentBytes: 8 << 10}}})
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
			for p := head + 1; p <= head+journal.Position(count); p++ {
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
					os.Stderr.WriteString("again: " + err.Error() + "\n")
				}
				os.Stdout.WriteString(fmt.Sprintf("ack <%s/%d> %d\n", id, p, monotonic()))
			}
		})
	}
	logs.Wait()
	if err := j.Close(); err != nil {
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

	// of its acknowledgements: all of them once it has ended
	heard []ack
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

func (c *child) read(out io.Reader) {
	for s := bufio.NewScanner(out); s.Scan(); {
		var a ack
		line := strings.NewReplacer("<", "", "/", " ", ">", "").Replace(s.Text())
		if n, err := fmt.Sscanf(line, "ack %s %d %d", &a.id, &a.position, &a.at); n != 3 || err != nil {
			continue // the test's own output
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
	return c.cmd.Wait()
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

var (
	syscallStart = regexp.MustCompile(`^(\d+) +[0-9:.]+ (\w+)\((\d+)(.*)$`)
	syscallEnd   = regexp.MustCompile(`^(\d+) +[0-9:.]+ <\.\.\. (\w+) resumed>.*= (-?\d+)`)
	opened       = regexp.MustCompile(`^\d+ +[0-9:.]+ openat\(\w+, "([^"]*)", ([A-Z_|0]+).* = (\d+)$`)
	recordToken  = regexp.MustCompile(`<d\d+/\d+>`)
)

// A1: strace sees the durable write of every record return before its append does: one to a
// file opened with O_DSYNC.
func TestA1_FaultNothingIsAcknowledgedBeforeItIsDurable(t *testing.T) {
	need(t, "strace")
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace")
	path := filepath.Join(dir, "test.db")
	c := startChild(t, path, 100, "strace", "-f", "-tt", "-s", "10000", "-e", "trace=openat,pwrite64,write", "-o", trace)
	if err := c.end(); err != nil {
		t.Fatalf("%v\n%s", err, c.stderr.String())
	}
	c.verify(t, path, c.all())
	f, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	type call struct {
		name, fd string
		tokens   []string
	}
	open := make(map[string]call)    // by thread
	durable := make(map[string]bool) // descriptors
	synced := make(map[string]bool)  // records
	acks, syncs := 0, 0
	finish := func(c call, ok bool) {
		if c.name == "pwrite64" && ok && durable[c.fd] {
			for _, token := range c.tokens {
				synced[token] = true
			}
			syncs++
		}
	}
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if m := syscallEnd.FindStringSubmatch(s.Text()); m != nil {
			finish(open[m[1]], !strings.HasPrefix(m[3], "-"))
			delete(open, m[1])
			continue
		}
		if m := opened.FindStringSubmatch(s.Text()); m != nil {
			durable[m[3]] = strings.Contains(m[1], "-log/") && strings.Contains(m[2], "O_DSYNC")
			continue
		}
		m := syscallStart.FindStringSubmatch(s.Text())
		if m == nil {
			continue
		}
		c := call{name: m[2], fd: m[3], tokens: recordToken.FindAllString(m[4], -1)}
		switch c.name {
		case "write":
			if c.fd == "1" && strings.Contains(m[4], "ack <") {
				for _, token := range c.tokens {
					if !synced[token] {
						t.Errorf("%s was acknowledged before its write had returned: %.200s", token, s.Text())
					}
					acks++
				}
			}
		}
		if strings.HasSuffix(m[4], "<unfinished ...>") {
			open[m[1]] = c
		} else {
			finish(c, !strings.Contains(m[4], ") = -1"))
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	if acks != 100*childLogs || syncs == 0 || syncs >= acks {
		t.Errorf("saw %d acknowledged appends and %d durable writes, want %d and fewer", acks, syncs, 100*childLogs)
	}
	t.Logf("%d appends, %d durable writes: each acknowledged after its own", acks, syncs)
}

// A2: a failing fsync of the tables, or of a new segment, loses nothing and doubles nothing,
// whichever it is.
func TestA2_FaultFsyncFails(t *testing.T) {
	need(t, "strace")
	for _, when := range []string{"22+23", "24+17", "27+31"} {
		t.Run(when, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.db")
			c := startChild(t, path, 3000, "strace", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", "/dev/null",
				"-e", "inject=fsync,fdatasync:error=EIO:when="+when)
			if err := c.end(); err != nil {
				t.Fatalf("%v\n%s", err, c.stderr.String())
			}
			if n := c.verify(t, path, c.all()); n != 3000*childLogs {
				t.Errorf("%d records, want %d", n, 3000*childLogs)
			}
			n := strings.Count(c.stderr.String(), "opened again and recovered")
			t.Logf("the file was opened again %d times", n)
			if n == 0 {
				t.Error("no fsync failed")
			}
		})
	}
}

// A2: writes that fail with ENOSPC and EIO at the system call.
func TestA2_FaultWriteFails(t *testing.T) {
	need(t, "strace")
	for _, inject := range []string{"ENOSPC:when=30+31", "EIO:when=35+41", "EIO:when=40+17"} {
		t.Run(inject, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.db")
			c := startChild(t, path, 60, "strace", "-f", "-qq", "-e", "trace=pwrite64", "-o", "/dev/null", "-e", "inject=pwrite64:error="+inject)
			if err := c.end(); err != nil {
				t.Fatalf("%v\n%s", err, c.stderr.String())
			}
			if n := c.verify(t, path, c.all()); n != 60*childLogs {
				t.Errorf("%d records, want %d", n, 60*childLogs)
			}
			if !strings.Contains(c.stderr.String(), "again: ") {
				t.Error("no append met the failure")
			}
		})
	}
}

// A2: kill -9 while appending, at any moment and at an fsync.
func TestA2_FaultKill(t *testing.T) {
	need(t, "strace")
	random := rand.New(rand.NewPCG(1, 2))
	path := filepath.Join(t.TempDir(), "test.db")
	records := 0
	for range 30 {
		c := startChild(t, path, 0)
		c.waitAcks(t, 1+random.IntN(300))
		c.kill()
		records = c.verify(t, path, c.all())
	}
	t.Logf("30 kills at any moment, %d records, none lost", records)
	for n := range 10 {
		c := startChild(t, path, 0, "strace", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", "/dev/null",
			"-e", fmt.Sprint("inject=fsync,fdatasync:signal=SIGKILL:when=", 8+3*n))
		_ = c.end() // killed
		records = c.verify(t, path, c.all())
	}
	t.Logf("10 kills at an fsync, %d records, none lost", records)
}

// mount mounts something for the test.
func mount(t *testing.T, source, kind, options string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", kind, "-o", options, source, dir).CombinedOutput(); err != nil {
		t.Fatalf("mount: %v\n%s", err, out)
	}
	t.Cleanup(func() { unmount(t, dir) })
	return dir
}

func unmount(t *testing.T, dir string) {
	t.Helper()
	err := unix.Unmount(dir, 0)
	if err != nil && !errors.Is(err, unix.EINVAL) { // not mounted any more
		t.Errorf("unmount %s: %v", dir, err)
	}
}

// A2: a file system that is really full, while appending and when opening.
func TestA2_FaultFullDisk(t *testing.T) {
	need(t, "mount")
	for _, size := range []string{"1m", "2m", "4m"} {
		t.Run(size, func(t *testing.T) {
			dir := mount(t, "tmpfs", "tmpfs", "size="+size)
			path, ballast := filepath.Join(dir, "test.db"), filepath.Join(dir, "ballast")
			if err := os.WriteFile(ballast, make([]byte, 300_000), 0o600); err != nil {
				t.Fatal(err)
			}
			j := mustOpen(t, path, Options{tune: tuning{spreadBytes: 50_000, walPages: 20}})
			record := strings.Repeat("x", 5000)
			p := journal.Position(0)
			var refused error
			for refused == nil {
				if _, refused = j.Append(t.Context(), appendOf("ops", p, record)); refused == nil {
					p++
				}
			}
			for range 20 {
				_, err := j.Append(t.Context(), appendOf("ops", p, record))
				if err == nil {
					p++ // a checkpoint made room
					continue
				}
				if !errors.Is(err, journal.ErrUnavailable) || errors.Is(err, journal.ErrUnknown) || !strings.Contains(err.Error(), "free some space") {
					t.Fatalf("append to a full disk: got %v", err)
				}
				if head, _, err := j.Head(t.Context(), "ops"); err != nil || head != p {
					t.Fatalf("head is %d, %v; want %d", head, err, p)
				}
			}
			n := journal.Position(0)
			for r, err := range j.Read(t.Context(), "ops", 0) {
				if n++; err != nil || r.Position != n || string(r.Data) != record {
					t.Fatalf("read on a full disk: record %d, %v", r.Position, err)
				}
			}
			if n != p {
				t.Fatalf("read %d records on a full disk, want %d", n, p)
			}
			t.Logf("full after %d records: %v", p, refused)
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			mustAppend(t, j, "ops", p, record)
			if s := j.Stats(); s.Reopened != 0 {
				t.Errorf("the file was opened again %d times", s.Reopened)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			j = mustOpen(t, path, Options{})
			if head, _, err := j.Head(t.Context(), "ops"); err != nil || head != p+1 {
				t.Fatalf("head after opening again is %d, %v; want %d", head, err, p+1)
			}
			if report, err := j.Check(t.Context(), nil); err != nil || len(report.Damage) > 0 {
				t.Errorf("check: %+v, %v", report, err)
			}
		})
	}
	t.Run("open", func(t *testing.T) {
		dir := mount(t, "tmpfs", "tmpfs", "size=64k")
		if err := os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 60_000), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(filepath.Join(dir, "test.db"), Options{})
		if err == nil || !strings.Contains(err.Error(), "the disk is full: free some space") {
			t.Errorf("opening on a full disk: got %v", err)
		}
	})
	t.Run("read-only mount", func(t *testing.T) {
		dir := mount(t, "tmpfs", "tmpfs", "size=1m,ro")
		_, err := Open(filepath.Join(dir, "test.db"), Options{})
		if err == nil || !strings.Contains(err.Error(), "mounted read-only: choose another") {
			t.Errorf("opening on a read-only mount: got %v", err)
		}
	})
}

// extShutdown is EXT4_IOC_SHUTDOWN; with the flag 2 not even the file system's own
// log reaches the disk any more.
const extShutdown = 0x8004587d

// A2: power cuts under a live writer. What was not fsync'ed is gone afterwards.
func TestA2_FaultPowerCut(t *testing.T) {
	need(t, "losetup", "mkfs.ext4", "mount")
	const cuts = 50
	random := rand.New(rand.NewPCG(3, 4))
	image := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 128<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v\n%s", err, out)
	}
	out, err := exec.Command("losetup", "--find", "--show", image).CombinedOutput()
	if err != nil {
		t.Fatalf("losetup: %v\n%s", err, out)
	}
	device := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "-d", device).CombinedOutput(); err != nil {
			t.Errorf("losetup -d %s: %v\n%s", device, err, out)
		}
	})
	dir := mount(t, device, "ext4", "rw")
	path := filepath.Join(dir, "test.db")
	records := 0
	begin := time.Now()
	for range cuts {
		c := startChild(t, path, 0)
		c.waitAcks(t, 1+random.IntN(400))
		// An fsync that is under way while ext4 shuts down may return success for what
		// its aborted log never wrote; no machine without power answers like that. So
		// what counts is what was acknowledged before.
		moment := monotonic()
		cut(t, dir)
		c.kill()
		unmount(t, dir)
		if out, err := exec.Command("mount", "-t", "ext4", device, dir).CombinedOutput(); err != nil {
			t.Fatalf("mount after a power cut: %v\n%s", err, out)
		}
		records = c.verify(t, path, c.before(moment))
	}
	t.Logf("%d power cuts in %s: %d records, every acknowledged one there, in order, once", cuts, time.Since(begin).Round(time.Second), records)
}

// cut takes the power from the file system mounted at dir.
func cut(t *testing.T, dir string) {
	t.Helper()
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := unix.IoctlSetPointerInt(int(d.Fd()), extShutdown, 2); err != nil {
		t.Fatalf("EXT4_IOC_SHUTDOWN: %v", err)
	}
}

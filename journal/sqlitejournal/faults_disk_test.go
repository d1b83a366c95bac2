//go:build faults && linux

package sqlitejournal

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dashwire/dashwire/journal"
)

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

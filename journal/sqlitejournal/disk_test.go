//go:build linux

package sqlitejournal

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dashwire/dashwire/journal"
)

// limitPages lets the file grow no further than it is, as a full disk does; 0
// lifts the limit.
func limitPages(t *testing.T, j *Journal, pages int) {
	t.Helper()
	if pages == 0 {
		pages = 1 << 30
	}
	err := j.task(t.Context(), func(c *conn) error {
		_, err := readMax(t.Context(), c, fmt.Sprint("PRAGMA max_page_count = ", pages))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestA2_ARemovedFileTakesNoMore: a write to a file without a name succeeds and is
// lost, so it is refused until the file is back.
func TestA2_ARemovedFileTakesNoMore(t *testing.T) {
	dir := t.TempDir()
	path, aside := filepath.Join(dir, "test.db"), filepath.Join(dir, "aside.db")
	j := mustOpen(t, path, Options{})
	mustAppend(t, j, "ops", 0, "a")
	refused := func(what string) {
		t.Helper()
		if _, err := j.Append(t.Context(), appendOf("ops", 1, "b")); !errors.Is(err, journal.ErrUnavailable) || !strings.Contains(err.Error(), "removed or replaced") {
			t.Errorf("%s: got %v", what, err)
		}
		wantLog(t, j, "ops", "a")
	}
	if err := os.Rename(path, aside); err != nil {
		t.Fatal(err)
	}
	refused("removed")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("replaced")
	j.broken.Store(true) // the disk failed too: another file is not opened in its place
	if _, err := j.Append(t.Context(), appendOf("ops", 1, "b")); !errors.Is(err, journal.ErrUnavailable) {
		t.Errorf("replaced and broken: got %v", err)
	}
	if err := os.Rename(aside, path); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, j, "ops", 1, "b")
	wantLog(t, j, "ops", "a", "b")
}

func TestA2_FullDiskRefusesAndRecovers(t *testing.T) {
	for _, test := range tunings {
		t.Run(test.name, func(t *testing.T) {
			// Only the appends may find the disk full, not the close of the test.
			test.tune.idle = time.Hour
			test.tune.log.MaxBytes = 1 // room for one segment
			path := filepath.Join(t.TempDir(), "test.db")
			var log bytes.Buffer // of the one writer, read when it has ended
			j := mustOpen(t, path, Options{tune: test.tune, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			mustAppend(t, j, "ops", 0, "a", "b")
			limitPages(t, j, 1)
			big := strings.Repeat("x", 60_000)
			want := []string{"a", "b"}
			appendBig := func() error {
				_, err := j.Append(t.Context(), appendOf("ops", journal.Position(len(want)), big))
				if err == nil {
					want = append(want, big)
				}
				return err
			}
			var err error
			for err == nil { // while there is room in the commit log
				err = appendBig()
			}
			for n := range 3 {
				if !errors.Is(err, journal.ErrUnavailable) || errors.Is(err, journal.ErrUnknown) || !strings.Contains(err.Error(), "free some space") {
					t.Fatalf("append %d to a full disk: got %v", n, err)
				}
				if _, err := j.Append(t.Context(), appendOf(fmt.Sprint("new", n), 0, big)); !errors.Is(err, journal.ErrUnavailable) {
					t.Fatalf("new dashboard on a full disk: got %v", err)
				}
				saved := j.SaveSnapshot(t.Context(), "ops", journal.Snapshot{Position: 2, Data: []byte(big)})
				if !errors.Is(saved, journal.ErrUnavailable) {
					t.Fatalf("snapshot on a full disk: got %v", saved)
				}
				wantLog(t, j, "ops", want...)
				err = appendBig()
			}
			if len(want) > 6 {
				t.Errorf("%d records of 60 KB fit into 256 KiB", len(want)-2)
			}
			wantLog(t, mustOpen(t, crash(t, j), Options{}), "ops", want...)
			limitPages(t, j, 0)
			for range 9 { // the commit log is spread and used again
				if err := appendBig(); err != nil {
					t.Fatal(err)
				}
			}
			wantLog(t, j, "ops", want...)
			if s := j.Stats(); s.Refused < 9 || s.Reopened != 0 {
				t.Errorf("stats: %+v", s)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			for _, line := range []string{"the journal cannot write", "the journal writes again"} {
				if n := strings.Count(log.String(), line); n != 1 {
					t.Errorf("%q stands %d times in the log:\n%s", line, n, log.String())
				}
			}
		})
	}
}

// breakLog puts another file in the place of the writer's descriptor of the commit log, on
// which a write fails, and returns how many it replaced.
func breakLog(t *testing.T, path, by string, flags int) int {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, link := range links {
		if target, err := os.Readlink(link); err != nil || filepath.Dir(target) != logFolder(path) {
			continue
		}
		fd, err := syscall.Open(by, flags, 0)
		if err != nil {
			t.Fatal(err)
		}
		var to int
		if _, err := fmt.Sscan(filepath.Base(link), &to); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(syscall.Dup3(fd, to, syscall.O_CLOEXEC), syscall.Close(fd)); err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func TestA2_FailedFsyncIsUnknownAndRecovers(t *testing.T) {
	tests := []struct {
		name  string
		by    string // takes the place of the segment
		flags int
	}{
		{"no room where there was some", "/dev/full", syscall.O_WRONLY},
		{"writes fail", "/dev/null", syscall.O_RDONLY},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.db")
			j := mustOpen(t, path, Options{tune: tuning{idle: time.Hour}})
			want := make(map[string][]string)
			for round := range 3 {
				for n := range 20 {
					id := fmt.Sprint("d", n%3)
					mustAppend(t, j, id, journal.Position(len(want[id])), fmt.Sprint(round, " ", n))
					want[id] = append(want[id], fmt.Sprint(round, " ", n))
				}
				if breakLog(t, path, test.by, test.flags) == 0 {
					t.Fatal("found no descriptor of the commit log")
				}
				var wg sync.WaitGroup
				unknown := make([]bool, 3)
				for n := range 3 {
					wg.Go(func() {
						id := fmt.Sprint("d", n)
						a := appendOf(id, journal.Position(len(want[id])), fmt.Sprint(round, " in doubt"))
						for {
							_, err := j.Append(t.Context(), a)
							if err == nil {
								return
							}
							if !errors.Is(err, journal.ErrUnknown) {
								t.Errorf("append while the disk fails: got %v, want ErrUnknown", err)
								return
							}
							unknown[n] = true
						}
					})
				}
				wg.Wait()
				if !unknown[0] && !unknown[1] && !unknown[2] {
					t.Error("no append met the failure")
				}
				for n := range 3 {
					id := fmt.Sprint("d", n)
					want[id] = append(want[id], fmt.Sprint(round, " in doubt"))
				}
				for id, records := range want {
					wantLog(t, j, id, records...)
				}
				again := mustOpen(t, crash(t, j), Options{})
				for id, records := range want {
					wantLog(t, again, id, records...)
				}
			}
			if s := j.Stats(); s.Reopened != 3 {
				t.Errorf("the file was opened again %d times, want 3", s.Reopened)
			}
		})
	}
}

// While the file cannot be opened again nobody is told anything that may be wrong.
func TestA2_OutageKeepsDoubtOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "test.db")
	j := mustOpen(t, path, Options{tune: tuning{idle: time.Hour}})
	mustAppend(t, j, "ops", 0, "a")
	mustAppend(t, j, "net", 0, "a")
	if breakLog(t, path, "/dev/full", syscall.O_WRONLY) == 0 {
		t.Fatal("found no descriptor of the commit log")
	}
	// A file where the log's folder should be cannot be opened. The old log is moved, not
	// replaced: what it holds was confirmed.
	away := path + "-away"
	if err := os.WriteFile(away, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	exchange := func() { // in one step: the writer may try at any moment
		if err := unix.Renameat2(unix.AT_FDCWD, away, unix.AT_FDCWD, logFolder(path), unix.RENAME_EXCHANGE); err != nil {
			t.Fatal(err)
		}
	}
	exchange()
	for n := range 3 {
		if _, err := j.Append(t.Context(), appendOf("ops", 1, "b")); !errors.Is(err, journal.ErrUnknown) {
			t.Errorf("append %d in doubt: got %v, want ErrUnknown", n, err)
		}
	}
	if _, err := j.Append(t.Context(), appendOf("net", 1, "b")); !errors.Is(err, journal.ErrUnavailable) || errors.Is(err, journal.ErrUnknown) {
		t.Errorf("append of another dashboard: got %v, want ErrUnavailable", err)
	}
	// What was told stays readable, in memory and in the tables.
	wantLog(t, j, "ops", "a")
	wantLog(t, j, "net", "a")
	wantLog(t, j, "third")
	exchange()
	mustAppend(t, j, "ops", 1, "b")
	mustAppend(t, j, "net", 1, "b")
	wantLog(t, j, "ops", "a", "b")
	wantLog(t, j, "net", "a", "b")
}

package sqlitejournal

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/internal/commitlog"
	"github.com/dashwire/dashwire/journal"
)

// newestFile is the file of a commit log that begins with the latest commit.
func newestFile(t *testing.T, path string) (newest string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(logFolder(path), "*"))
	if err != nil {
		t.Fatal(err)
	}
	first := uint64(0)
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if n := binary.LittleEndian.Uint64(b[16:]); n > first {
			first, newest = n, name
		}
	}
	if newest == "" {
		t.Fatal("there is no commit log")
	}
	return newest
}

// A file of the commit log that is gone takes edits with it that were acknowledged. That is said,
// whichever file it was, and nothing is served as if it were whole.
func TestA1_AMissingFileOfTheCommitLogIsTold(t *testing.T) {
	for _, test := range []struct {
		name   string
		tune   tuning
		spread bool
	}{
		{"nothing is spread", tuning{idle: time.Hour, log: commitlog.Options{SegmentBytes: 1 << 18}}, false},
		{"some is spread", tuning{idle: time.Hour, spreadBytes: 200_000, log: commitlog.Options{SegmentBytes: 1 << 18}}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.db")
			j := mustOpen(t, path, Options{tune: test.tune})
			text := strings.Repeat("x", 20_000)
			var want []string
			crashed := ""
			for n := 0; crashed == ""; n++ {
				mustAppend(t, j, "ops", journal.Position(n), text)
				want = append(want, text)
				if n < 40 {
					continue
				}
				crashed = crash(t, j)
				if test.spread && spreadOf(t, crashed) == 0 { // that is up to the disk
					crashed = ""
				}
			}
			lost := newestFile(t, crashed)
			if err := os.Rename(lost, crashed+".away"); err != nil {
				t.Fatal(err)
			}
			_, err := Open(crashed, Options{})
			if !errors.Is(err, errNoSegment) || !strings.Contains(err.Error(), "put it back into "+logFolder(crashed)) {
				t.Errorf("opened without its newest file: %v", err)
			}
			if _, err := OpenReadOnly(crashed, Options{}); !errors.Is(err, errNoSegment) {
				t.Errorf("read without its newest file: %v", err)
			}
			if err := os.Rename(crashed+".away", lost); err != nil {
				t.Fatal(err)
			}
			again := mustOpen(t, crashed, Options{})
			wantLog(t, again, "ops", want...)
		})
	}
}

// What an earlier commit log has left in the file says nothing of the next one.
func TestA1_ANewCommitLogHasNoNewestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	j := mustOpen(t, path, Options{})
	mustAppend(t, j, "ops", 0, "a")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, path, Options{})
	again := mustOpen(t, crash(t, j), Options{})
	wantLog(t, again, "ops", "a")
	mustAppend(t, again, "ops", 1, "b")
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

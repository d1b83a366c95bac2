package sqlitejournal

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// readsRightOrFails opens a file that may be damaged and reports whether each log
// either fails or is read as it was written, or up to the damage.
func readsRightOrFails(t testing.TB, path string, want map[string][]string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	j, err := OpenReadOnly(path, Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return true
	}
	defer func() {
		if err := j.Close(); err != nil {
			t.Logf("closing a damaged file: %v", err)
		}
	}()
	right := true
	for id, records := range want {
		n := 0
		for r, err := range j.Read(ctx, id, 0) {
			if err != nil {
				break
			}
			if n >= len(records) || string(r.Data) != records[n] {
				right = false
			}
			n++
		}
	}
	if ctx.Err() != nil {
		t.Fatal("reading does not end")
	}
	return right
}

// FuzzOpen gives Open a file with some bytes changed, or any bytes at all: an
// error is fine, a panic, a hang or a wrong record is not.
func FuzzOpen(f *testing.F) {
	good, err := os.ReadFile(closedJournal(f))
	if err != nil {
		f.Fatal(err)
	}
	want := map[string][]string{}
	for _, id := range []string{"net", "ops"} {
		want[id] = []string{"first of " + id, "second of " + id, "third of " + id}
	}
	f.Add([]byte(nil), []byte(nil), 0)
	f.Add([]byte("SQLite format 3\x00"), []byte(nil), 0)
	f.Add([]byte(nil), []byte{0xff, 0, 1}, 100)
	f.Add([]byte(nil), []byte("DELETE"), 5000)
	f.Fuzz(func(t *testing.T, file, patch []byte, at int) {
		data := file
		if len(file) == 0 {
			data = slices.Clone(good)
			if at >= 0 && at < len(data) {
				copy(data[at:], patch)
			}
		}
		path := filepath.Join(t.TempDir(), "test.db")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if !readsRightOrFails(t, path, want) && len(patch) <= 4 {
			t.Error("a wrong record was read") // CRC-32C finds every change within 4 bytes
		}
		j, err := Open(path, Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return
		}
		a := journal.Append{DashboardID: "ops", After: 3, Records: [][]byte{[]byte("fourth")}}
		if _, err := j.Append(t.Context(), a); err != nil {
			t.Logf("append: %v", err)
		}
		if err := j.Close(); err != nil {
			t.Logf("close: %v", err)
		}
	})
}

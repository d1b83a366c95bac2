package sqlitejournal

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/journaltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func mustOpen(t testing.TB, path string, opts Options) *Journal {
	t.Helper()
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	j, err := Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// tunings are runs of the suite: as it comes, and with everything spread and
// checkpointed all the time.
var tunings = []struct {
	name string
	tune tuning
}{
	{"default", tuning{}},
	{"spread at once", tuning{spreadBytes: 1, spreadRows: 3, walPages: 4}},
	{"spread when idle", tuning{idle: time.Microsecond, walPages: 40}},
}

func TestConformance(t *testing.T) {
	for _, test := range tunings {
		t.Run(test.name, func(t *testing.T) {
			journaltest.Run(t, func(t *testing.T) journal.Journal {
				return mustOpen(t, filepath.Join(t.TempDir(), "test.db"), Options{tune: test.tune})
			})
		})
	}
}

func TestDurableConformance(t *testing.T) {
	for _, test := range tunings {
		t.Run(test.name, func(t *testing.T) {
			journaltest.RunDurable(t, func(t *testing.T, dir string) (journal.Journal, func()) {
				j := mustOpen(t, filepath.Join(dir, "test.db"), Options{tune: test.tune})
				return j, func() {
					if err := j.Close(); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

// sql runs statements on a file of which no journal is open.
func sql(t testing.TB, path string, statements ...string) {
	t.Helper()
	c, err := openConn(path, readWriteCreate, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if err := c.exec(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
}

// closedJournal makes a journal of two dashboards, all spread, and returns its path.
func closedJournal(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	j, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"net", "ops"} {
		mustAppend(t, j, id, 0, "first of "+id, "second of "+id, "third of "+id)
		if err := j.SaveSnapshot(t.Context(), id, journal.Snapshot{Position: 3, Data: []byte("state of " + id)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

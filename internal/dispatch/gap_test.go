package dispatch_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"testing"

	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/webhook"
)

// trimming is a journal that no longer keeps what lies before a position.
type trimming struct {
	journal.Journal
	kept journal.Position
}

func (j trimming) Read(ctx context.Context, id string, after journal.Position) iter.Seq2[journal.Record, error] {
	if after < j.kept {
		return func(yield func(journal.Record, error) bool) {
			yield(journal.Record{}, fmt.Errorf("reading %s: %w", id, journal.ErrTrimmed))
		}
	}
	return j.Journal.Read(ctx, id, after)
}

// gaps are the messages of a dashboard that tell of a gap.
func gaps(taken []delivery, dashboard string) (all []delivery) {
	for _, d := range taken {
		if d.Type == webhook.Gap && d.Data.DashboardID == dashboard {
			all = append(all, d)
		}
	}
	return all
}

func TestGap_HistoryWasTrimmedUnderTheCursor(t *testing.T) {
	for _, kept := range []journal.Position{3, 4, 20} {
		t.Run(fmt.Sprint("kept from ", kept), func(t *testing.T) {
			r := receive(t)
			defer r.srv.Close()
			w := begin(t, r.target("a"))
			want := []string{w.edit("ops"), w.edit("ops"), w.edit("ops")}
			r.hears("ops", want...)
			w.restart()
			var later []string
			for range 20 {
				later = append(later, w.edit("ops"))
			}
			w.wrap = func(j journal.Journal) journal.Journal { return trimming{j, kept} }
			w.restart(r.target("a"))
			want = append(want, later[kept-3:]...)
			taken := r.hears("ops", want...)
			told := gaps(taken, "ops")
			if kept == 3 { // the last record that was told is gone, and nothing after it
				if len(told) != 0 {
					t.Errorf("a gap is told: %+v", told)
				}
				return
			}
			if len(told) != 1 || told[0].Data.Reason != "trimmed" || told[0].Data.Last.Version != 3 || told[0].Data.Next.Version != uint64(kept)+1 {
				t.Errorf("%+v", told)
			}
		})
	}
}

// lose takes the data file away, as if it were another server's.
func (w *world) lose() {
	w.stop()
	for _, end := range []string{"", "-wal", "-shm", "-lock"} {
		if err := os.Remove(filepath.Join(w.dir, "dashwire.db"+end)); err != nil && !os.IsNotExist(err) {
			w.t.Fatal(err)
		}
	}
}

func TestGap_TheLogIsAnotherOne(t *testing.T) {
	for _, tc := range []struct {
		name  string
		edits int // in the other log, before the target is told
	}{
		{"shorter", 1},
		{"as long", 3},
		{"longer", 7},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := receive(t)
			defer r.srv.Close()
			w := begin(t, r.target("a"))
			want := []string{w.edit("ops"), w.edit("ops"), w.edit("ops")}
			w.noted("a", r.hears("ops", want...))
			w.lose()
			w.start()
			for range tc.edits {
				want = append(want, w.edit("ops"))
			}
			w.restart(r.target("a"))
			want = append(want, w.edit("ops"))
			told := gaps(r.hears("ops", want...), "ops")
			if len(told) != 1 || told[0].Data.Reason != "rewound" || told[0].Data.Last.Version != 3 || told[0].Data.Next.Version != 1 ||
				told[0].Data.Last.Epoch == told[0].Data.Next.Epoch {
				t.Errorf("%+v", told)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		r := receive(t)
		defer r.srv.Close()
		w := begin(t, r.target("a"))
		first := w.edit("ops")
		w.noted("a", r.hears("ops", first))
		w.lose()
		w.start(r.target("a"))
		taken := r.until("a gap", func(taken []delivery) bool { return len(gaps(taken, "ops")) > 0 })
		if told := gaps(taken, "ops"); told[0].Data.Reason != "rewound" || told[0].Data.Next != nil {
			t.Errorf("%+v", told)
		}
		r.hears("ops", first, w.edit("ops"))
	})
}

// TestGap_AnOlderCopyWasPutInPlace: the epoch is the same and the versions go on, but what
// was told is not what the log says now.
func TestGap_AnOlderCopyWasPutInPlace(t *testing.T) {
	r := receive(t)
	defer r.srv.Close()
	w := begin(t, r.target("a"))
	want := []string{w.edit("ops"), w.edit("ops")}
	before := r.hears("ops", want...)
	w.noted("a", before)
	w.stop()
	path := filepath.Join(w.dir, "dashwire.db")
	older, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w.start(r.target("a"))
	want = append(want, w.edit("ops"), w.edit("ops"))
	w.noted("a", r.hears("ops", want...)[len(before):])
	w.lose()
	if err := os.WriteFile(path, older, 0o600); err != nil {
		t.Fatal(err)
	}
	w.start()
	for range 3 { // one more than was told
		want = append(want, w.edit("ops"))
	}
	w.restart(r.target("a"))
	told := gaps(r.hears("ops", want...), "ops")
	if len(told) != 1 || told[0].Data.Reason != "rewound" || told[0].Data.Last.Version != 4 || told[0].Data.Next.Version != 1 {
		t.Errorf("%+v", told)
	}
}

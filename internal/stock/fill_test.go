package main

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestFill: what is stored is what a server would have stored.
func TestFill(t *testing.T) {
	const dashboards, entries = 30, 2300
	file := filepath.Join(t.TempDir(), "stock.db")
	if err := fill(t.Context(), file, dashboards, entries, func(string) {}); err != nil {
		t.Fatal(err)
	}
	j, err := sqlitejournal.Open(file, sqlitejournal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	list, err := j.List(t.Context(), "", 100)
	if err != nil || len(list) != dashboards+2 {
		t.Fatalf("%d dashboards, %v", len(list), err)
	}
	for _, info := range list {
		want := journal.Position(1)
		switch info.DashboardID {
		case short:
			want = shortEntries
		case long:
			want = entries
		}
		s := fold(t, j, info.DashboardID)
		told, err := room.ParseSummary(info.Summary)
		if err != nil || info.Head != want || s.Version() != uint64(want) || told.Version != s.Version() || told.Widgets != s.WidgetCount() || told.Epoch != s.Epoch() {
			t.Errorf("%s: head %d, version %d, listed as %+v, %v; want %d", info.DashboardID, info.Head, s.Version(), told, err, want)
		}
	}
	if snap, err := j.Snapshot(t.Context(), long, entries); err != nil || snap.Position != entries-tailEntries {
		t.Errorf("the newest snapshot is at %d: %v", snap.Position, err)
	}
}

// fold reads a dashboard as a server opens it.
func fold(t *testing.T, j journal.Journal, id string) *board.State {
	t.Helper()
	snap, err := j.Snapshot(t.Context(), id, 1<<62)
	s := board.NewState(id)
	if err == nil && len(snap.Data) > 0 {
		s, err = board.ParseSnapshot(snap.Data)
	}
	if err != nil {
		t.Fatal(err)
	}
	for rec, err := range j.Read(t.Context(), id, journal.Position(s.Position())) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := board.ParseRecord(rec.Data)
		if err == nil {
			s, err = s.Fold(e)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

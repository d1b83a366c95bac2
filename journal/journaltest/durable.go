package journaltest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/dashwire/dashwire/journal"
)

// RunDurable runs what must survive closing and opening again. open opens the
// journal kept in dir, making it the first time; close closes it, after which the
// suite does not use it. The suite opens a dir never twice at once.
func RunDurable(t *testing.T, open func(t *testing.T, dir string) (j journal.Journal, close func())) {
	t.Run("A1_EverythingSurvivesReopening", func(t *testing.T) {
		dir := t.TempDir()
		const rounds = 4
		var want []string
		for round := range rounds {
			j, closeJournal := open(t, dir)
			wantLog(t, j, "ops", 0, want...)
			for n := range 5 {
				head := journal.Position(len(want))
				a := make1("ops", head, fmt.Sprint(round, " ", n), "x")
				a.Summary = fmt.Appendf(nil, `{"round":%d}`, round)
				if err := settle(j, a); err != nil {
					t.Fatal(err)
				}
				want = append(want, fmt.Sprint(round, " ", n), "x")
			}
			must(t, j, fmt.Sprint("d", round), 0, "x")
			s := journal.Snapshot{Position: journal.Position(len(want)), Data: fmt.Append(nil, "state ", round)}
			if err := j.SaveSnapshot(t.Context(), "ops", s); err != nil {
				t.Fatal(err)
			}
			closeJournal()
		}
		j, closeJournal := open(t, dir)
		defer closeJournal()
		wantLog(t, j, "ops", 0, want...)
		wantHead(t, j, "ops", journal.Position(len(want)))
		s, err := j.Snapshot(t.Context(), "ops", 1<<40)
		if err != nil || string(s.Data) != fmt.Sprint("state ", rounds-1) {
			t.Errorf("snapshot: got %d %q, %v", s.Position, s.Data, err)
		}
		infos, err := j.List(t.Context(), "", 100)
		if err != nil || len(infos) != rounds+1 {
			t.Fatalf("list: got %v, %v", infos, err)
		}
		if last := infos[rounds]; last.DashboardID != "ops" || string(last.Summary) != fmt.Sprintf(`{"round":%d}`, rounds-1) {
			t.Errorf("list: got %+v with summary %s", last, last.Summary)
		}
	})
	t.Run("A1_RepeatIsConfirmedAfterReopening", func(t *testing.T) {
		dir := t.TempDir()
		j, closeJournal := open(t, dir)
		must(t, j, "ops", 0, "a", "b")
		closeJournal()
		j, closeJournal = open(t, dir)
		defer closeJournal()
		must(t, j, "ops", 0, "a", "b")
		if err := try(j, "ops", 0, "a", "c"); !errors.Is(err, journal.ErrMoved) {
			t.Errorf("other bytes: got %v, want ErrMoved", err)
		}
		must(t, j, "ops", 2, "c")
		wantLog(t, j, "ops", 0, "a", "b", "c")
	})
	t.Run("A4_WhereALogBeginsSurvivesReopening", func(t *testing.T) {
		dir := t.TempDir()
		j, closeJournal := open(t, dir)
		if err := settle(j, begun("ops", 5000, "a")); err != nil {
			t.Fatal(err)
		}
		if err := j.SaveSnapshot(t.Context(), "ops", journal.Snapshot{Position: 5000, Data: []byte("state")}); err != nil {
			t.Fatal(err)
		}
		closeJournal()
		j, closeJournal = open(t, dir)
		if err := settle(j, begun("ops", 5000, "a")); err != nil {
			t.Errorf("the same append again: %v", err)
		}
		must(t, j, "ops", 5001, "b")
		closeJournal()
		j, closeJournal = open(t, dir)
		defer closeJournal()
		wantHead(t, j, "ops", 5002)
		wantLog(t, j, "ops", 5000, "a", "b")
		wantTrimmed(t, j, "ops", 0)
		wantTrimmed(t, j, "ops", 4999)
		s, err := j.Snapshot(t.Context(), "ops", 1<<40)
		if err != nil || s.Position != 5000 || string(s.Data) != "state" {
			t.Errorf("snapshot: got %d %q, %v", s.Position, s.Data, err)
		}
	})
	t.Run("A1_BigRecordsSurviveReopening", func(t *testing.T) {
		dir := t.TempDir()
		big := make([]byte, 1<<20)
		for i := range big {
			big[i] = byte(i*31 + i>>11)
		}
		j, closeJournal := open(t, dir)
		must(t, j, "ops", 0, string(big), "small", string(big[:77_777]))
		closeJournal()
		j, closeJournal = open(t, dir)
		defer closeJournal()
		wantLog(t, j, "ops", 0, string(big), "small", string(big[:77_777]))
	})
}

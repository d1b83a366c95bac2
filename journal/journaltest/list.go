package journaltest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dashwire/dashwire/journal"
)

func listPages(t *testing.T, j journal.Journal) {
	want := []string{"-", ".a", "0", "00", "1", "A", "B", "Z", "_", "a", "a-", "a.", "a.b", "aa", "ab", "b", "ops", "ops:1", "z"}
	shuffled := slices.Clone(want)
	for i := range shuffled {
		k := (i*7 + 3) % len(shuffled)
		shuffled[i], shuffled[k] = shuffled[k], shuffled[i]
	}
	for _, id := range shuffled {
		must(t, j, id, 0, "x")
	}
	for _, limit := range []int{1, 2, 5, len(want), len(want) + 1, 1000} {
		var got []string
		after := ""
		for {
			page, err := j.List(t.Context(), after, limit)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) > limit {
				t.Fatalf("a page of %d has %d dashboards", limit, len(page))
			}
			for _, info := range page {
				got = append(got, info.DashboardID)
			}
			if len(page) < limit {
				break
			}
			after = page[len(page)-1].DashboardID
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: got %q, want %q", limit, got, want)
		}
	}
	page, err := j.List(t.Context(), "aaa", 2) // the id need not exist
	if err != nil || len(page) != 2 || page[0].DashboardID != "ab" || page[1].DashboardID != "b" {
		t.Errorf("list after aaa: got %v, %v", page, err)
	}
	if page, err := j.List(t.Context(), "z", 2); err != nil || len(page) != 0 {
		t.Errorf("list after the last: got %v, %v", page, err)
	}
	if page, err := j.List(t.Context(), "", 0); err != nil || len(page) != 0 {
		t.Errorf("list of none: got %v, %v", page, err)
	}
}

func listInfo(t *testing.T, j journal.Journal) {
	for n := range 3 {
		a := make1("ops", journal.Position(2*n), "a", "b")
		a.Summary = fmt.Appendf(nil, `{"title":"Zürich \"%d\"\n"}`, n)
		if err := settle(j, a); err != nil {
			t.Fatal(err)
		}
	}
	a := make1("none", 0, "a")
	a.Summary = nil
	if err := settle(j, a); err != nil {
		t.Fatal(err)
	}
	infos, err := j.List(t.Context(), "", 10)
	if err != nil || len(infos) != 2 {
		t.Fatalf("list: got %v, %v", infos, err)
	}
	if got := infos[0]; got.DashboardID != "none" || got.Head != 1 || len(got.Summary) != 0 {
		t.Errorf("got %+v", got)
	}
	ops := infos[1]
	if ops.DashboardID != "ops" || ops.Head != 6 || string(ops.Summary) != `{"title":"Zürich \"2\"\n"}` {
		t.Errorf("got %+v with summary %s", ops, ops.Summary)
	}
	records, err := collect(j, "ops", 5)
	if err != nil {
		t.Fatal(err)
	}
	if !ops.Time.Equal(records[0].Time) {
		t.Errorf("the list says %s, the last record %s", ops.Time.Format(time.RFC3339Nano), records[0].Time.Format(time.RFC3339Nano))
	}
}

package journaltest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/dashwire/dashwire/journal"
)

// begun makes an append that begins a log after a position.
func begun(id string, after journal.Position, records ...string) journal.Append {
	a := make1(id, after, records...)
	a.Begins = true
	return a
}

// wantTrimmed fails the test unless nothing can be read after a position.
func wantTrimmed(t *testing.T, j journal.Journal, id string, after journal.Position) {
	t.Helper()
	records, err := collect(j, id, after)
	if len(records) > 0 || !errors.Is(err, journal.ErrTrimmed) {
		t.Errorf("read %s after %d: got %d records, %v; want ErrTrimmed", id, after, len(records), err)
	}
}

// beginsLater takes a log over whose first records are gone.
func beginsLater(t *testing.T, j journal.Journal) {
	const base = 13_000
	a := begun("ops", base, "a", "b", "c")
	a.Summary = []byte(`{"n":1}`)
	if err := settle(j, a); err != nil {
		t.Fatal(err)
	}
	wantHead(t, j, "ops", base+3)
	for _, after := range []journal.Position{0, 1, base - 1000, base - 1} {
		wantTrimmed(t, j, "ops", after)
	}
	wantLog(t, j, "ops", base, "a", "b", "c")
	if err := settle(j, a); err != nil {
		t.Errorf("the same append again: %v", err)
	}
	for _, test := range []struct {
		name  string
		a     journal.Append
		wants error
	}{
		{"other records", begun("ops", base, "a", "b", "z"), journal.ErrMoved},
		{"an earlier beginning", begun("ops", base-1, "z", "a"), journal.ErrTrimmed},
		{"a later beginning", begun("ops", base+100, "z"), journal.ErrMoved},
		{"what is no longer kept", make1("ops", 0, "z"), journal.ErrTrimmed},
		{"a log that exists", begun("net", base, "z"), journal.ErrMoved},
		{"a log that is not to begin there", make1("new", base, "z"), journal.ErrMoved},
	} {
		if test.a.DashboardID == "net" {
			must(t, j, "net", 0, "x")
		}
		if err := settle(j, test.a); !errors.Is(err, test.wants) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.wants)
		}
	}
	wantLog(t, j, "net", 0, "x")
	wantHead(t, j, "new", 0)

	// From here on it is a log like any other.
	want := []string{"a", "b", "c"}
	for n := range 40 {
		must(t, j, "ops", base+journal.Position(len(want)), fmt.Sprint("first ", n), fmt.Sprint("second ", n))
		want = append(want, fmt.Sprint("first ", n), fmt.Sprint("second ", n))
	}
	for after := range len(want) {
		wantLog(t, j, "ops", base+journal.Position(after), want[after:]...)
	}
	for _, after := range []journal.Position{0, 1, base - 1} {
		wantTrimmed(t, j, "ops", after)
	}
	if err := settle(j, begun("first", 0, "x")); err != nil {
		t.Errorf("a log that begins with its first record: %v", err)
	}
	wantLog(t, j, "first", 0, "x")
	infos, err := j.List(t.Context(), "", 10)
	if err != nil || len(infos) != 3 || infos[2].DashboardID != "ops" || infos[2].Head != base+83 {
		t.Errorf("list: got %v, %v; want first, net and ops", infos, err)
	}

	for _, at := range []journal.Position{base, base + 50} {
		s := journal.Snapshot{Position: at, Data: fmt.Append(nil, "state at ", at)}
		if err := j.SaveSnapshot(t.Context(), "ops", s); err != nil {
			t.Fatal(err)
		}
	}
	s, err := j.Snapshot(t.Context(), "ops", base+49)
	if err != nil || s.Position != base && s.Position != 0 { // one of the same positions was saved after it
		t.Errorf("snapshot at most %d: got %d, %v", base+49, s.Position, err)
	}
	s, err = j.Snapshot(t.Context(), "ops", base+1000)
	if err != nil || s.Position != base+50 || string(s.Data) != fmt.Sprint("state at ", base+50) {
		t.Errorf("the newest snapshot: got %d %q, %v", s.Position, s.Data, err)
	}
}

// oneBeginning lets several begin the same log at once, at positions of their own.
func oneBeginning(t *testing.T, j journal.Journal) {
	const logs, writers = 6, 5
	for n := range logs {
		id := fmt.Sprint("ops", n)
		errs := make([]error, writers)
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				errs[w] = settle(j, begun(id, journal.Position(20_000*w), fmt.Sprint("of ", w)))
			})
		}
		wg.Wait()
		winner := -1
		for w, err := range errs {
			switch {
			case err == nil && winner < 0:
				winner = w
			case err == nil:
				t.Fatalf("%s: both %d and %d have begun it", id, winner, w)
			case !errors.Is(err, journal.ErrMoved) && !errors.Is(err, journal.ErrTrimmed):
				t.Fatalf("%s: %v", id, err)
			}
		}
		if winner < 0 {
			t.Fatalf("%s: nobody has begun it: %v", id, errs)
		}
		wantLog(t, j, id, journal.Position(20_000*winner), fmt.Sprint("of ", winner))
	}
}

// followBeginning hears where a log begins.
func followBeginning(t *testing.T, j journal.Journal) {
	feed := follow(t, j)
	if err := settle(j, begun("ops", 700, "a", "b")); err != nil {
		t.Fatal(err)
	}
	for d := range feed {
		if d.DashboardID != "ops" {
			continue
		}
		if d.After != 700 || len(d.Records) != 2 || string(d.Records[0]) != "a" {
			t.Errorf("heard %d records after %d", len(d.Records), d.After)
		}
		return
	}
}

package journaltest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/dashwire/dashwire/journal"
)

func unknownDashboard(t *testing.T, j journal.Journal) {
	must(t, j, "other", 0, "a")
	wantHead(t, j, "ops", 0)
	wantLog(t, j, "ops", 0)
	s, err := j.Snapshot(t.Context(), "ops", 10)
	if err != nil || s.Position != 0 || s.Data != nil {
		t.Errorf("snapshot: got %v, %v; want none", s, err)
	}
}

func readRanges(t *testing.T, j journal.Journal) {
	const n = 700 // more than a driver is likely to fetch at once
	var want []string
	for p := 0; p < n; p += 7 {
		a := journal.Append{DashboardID: "ops", After: journal.Position(p)}
		for i := range 7 {
			want = append(want, fmt.Sprint("record ", p+i))
			a.Records = append(a.Records, []byte(want[p+i]))
		}
		if err := settle(j, a); err != nil {
			t.Fatal(err)
		}
	}
	for _, after := range []int{0, 1, 6, 7, 255, 256, 257, 511, 512, n - 1, n} {
		wantLog(t, j, "ops", journal.Position(after), want[after:]...)
	}
	wantLog(t, j, "ops", n+1)
	wantLog(t, j, "ops", n+1000)

	count := 0
	for r, err := range j.Read(t.Context(), "ops", 10) {
		if err != nil {
			t.Fatal(err)
		}
		if count++; count == 5 {
			if r.Position != 15 {
				t.Errorf("the fifth record after 10 has position %d", r.Position)
			}
			break
		}
	}
	seq := j.Read(t.Context(), "ops", n-2)
	for range 2 { // a sequence may be gone through again
		got := 0
		for _, err := range seq {
			if err != nil {
				t.Fatal(err)
			}
			got++
		}
		if got != 2 {
			t.Errorf("got %d records, want 2", got)
		}
	}
}

// readDuringAppends reads while a log grows: every read must be contiguous and
// reach at least the head known before it began.
func readDuringAppends(t *testing.T, j journal.Journal) {
	const appends, readers = 120, 3
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range readers {
		wg.Go(func() {
			for {
				head, _, err := j.Head(t.Context(), "ops")
				if err != nil {
					t.Error(err)
					return
				}
				records, err := collect(j, "ops", 0)
				if err != nil {
					t.Error(err)
					return
				}
				if journal.Position(len(records)) < head {
					t.Errorf("read %d records, the head was %d before", len(records), head)
					return
				}
				for _, r := range records {
					if string(r.Data) != fmt.Sprint("record ", r.Position) {
						t.Errorf("position %d holds %q", r.Position, r.Data)
						return
					}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for p := range journal.Position(appends) {
		if err := settle(j, make1("ops", p, fmt.Sprint("record ", p+1))); err != nil {
			t.Error(err)
			break
		}
	}
	close(stop)
	wg.Wait()
}

func cancelledReads(t *testing.T, j journal.Journal) {
	must(t, j, "ops", 0, "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := j.Head(ctx, "ops"); !errors.Is(err, context.Canceled) {
		t.Errorf("head: got %v", err)
	}
	if _, err := j.List(ctx, "", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("list: got %v", err)
	}
	if _, err := j.Snapshot(ctx, "ops", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("snapshot: got %v", err)
	}
	count := 0
	for _, err := range j.Read(ctx, "ops", 0) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("read: got %v", err)
		}
		count++
	}
	if count != 1 {
		t.Errorf("read yielded %d times, want one error", count)
	}
	if err := j.Follow(ctx, func(journal.Delivery) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("follow: got %v", err)
	}
}

func snapshots(t *testing.T, j journal.Journal) {
	const n = 3 * journal.SnapshotSpacing
	a := journal.Append{DashboardID: "ops"}
	for range n {
		a.Records = append(a.Records, []byte("x"))
	}
	if err := settle(j, a); err != nil {
		t.Fatal(err)
	}
	must(t, j, "net", 0, "x")
	save := func(id string, p journal.Position, data string) {
		t.Helper()
		if err := j.SaveSnapshot(t.Context(), id, journal.Snapshot{Position: p, Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
	}
	want := func(id string, atMost, position journal.Position, data string) {
		t.Helper()
		s, err := j.Snapshot(t.Context(), id, atMost)
		if err != nil || s.Position != position || string(s.Data) != data {
			t.Errorf("snapshot of %s at most %d: got %d %.20q, %v; want %d %.20q", id, atMost, s.Position, s.Data, err, position, data)
		}
	}
	want("ops", n, 0, "")
	save("ops", 500, "first")
	save("ops", 1700, "second")
	save("net", 1, "other")
	save("ops", 2900, "third")
	want("ops", 499, 0, "")
	want("ops", 500, 500, "first")
	want("ops", 1699, 500, "first")
	want("ops", 1700, 1700, "second")
	want("ops", 2899, 1700, "second")
	want("ops", n, 2900, "third")
	want("ops", 1<<62, 2900, "third")
	want("net", 1<<62, 1, "other")
	save("ops", 2900, "third again")
	want("ops", n, 2900, "third again")
	save("ops", 2950, "newest")
	want("ops", n, 2950, "newest")
	want("ops", 1999, 1700, "second")
	big := make([]byte, 4<<20)
	for i := range big {
		big[i] = byte(i * 13 >> 3)
	}
	save("ops", n, string(big))
	want("ops", n, n, string(big))
	wantHead(t, j, "ops", n)
}

func snapshotAfterHead(t *testing.T, j journal.Journal) {
	must(t, j, "ops", 0, "a")
	err := j.SaveSnapshot(t.Context(), "ops", journal.Snapshot{Position: 2, Data: []byte("s")})
	if !errors.Is(err, journal.ErrInvalid) {
		t.Errorf("snapshot at 2 of 1: got %v, want ErrInvalid", err)
	}
	err = j.SaveSnapshot(t.Context(), "none", journal.Snapshot{Position: 1, Data: []byte("s")})
	if !errors.Is(err, journal.ErrInvalid) {
		t.Errorf("snapshot of an empty log: got %v, want ErrInvalid", err)
	}
	infos, err := j.List(t.Context(), "", 10)
	if err != nil || len(infos) != 1 {
		t.Errorf("list: got %v, %v; want ops alone", infos, err)
	}
}

// farSnapshots are looked for in a long log: fewer need be there, and these are.
func farSnapshots(t *testing.T, j journal.Journal) {
	const spans, together = 32, 8
	for p := journal.Position(0); p < spans*journal.SnapshotSpacing; p += together * journal.SnapshotSpacing {
		a := journal.Append{DashboardID: "ops", After: p}
		for range together * journal.SnapshotSpacing {
			a.Records = append(a.Records, []byte("x"))
		}
		if err := settle(j, a); err != nil {
			t.Fatal(err)
		}
	}
	near := journal.Position(spans-journal.SnapshotsNear) * journal.SnapshotSpacing
	kept := []journal.Position{1000, 9000, near - 1000, near, near + 1000, spans * journal.SnapshotSpacing}
	for _, p := range append([]journal.Position{4000, 10_000}, kept...) {
		if err := j.SaveSnapshot(t.Context(), "ops", journal.Snapshot{Position: p, Data: fmt.Append(nil, "of ", p)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range kept {
		if s, err := j.Snapshot(t.Context(), "ops", p); err != nil || s.Position != p || string(s.Data) != fmt.Sprint("of ", p) {
			t.Errorf("snapshot at %d: got %d %q, %v", p, s.Position, s.Data, err)
		}
	}
}

// readRange reads what lies between two positions, whole appends or parts of them.
func readRange(t *testing.T, j journal.Journal) {
	const n = 11
	for p := journal.Position(0); p < n; {
		var records []string
		for range min(p%4+1, n-p) {
			records = append(records, fmt.Sprint("record ", p+journal.Position(len(records))+1))
		}
		must(t, j, "ops", p, records...)
		p += journal.Position(len(records))
	}
	for after := range journal.Position(n + 1) {
		for upTo := range journal.Position(n + 1) {
			at := after
			for r, err := range journal.ReadRange(t.Context(), j, "ops", after, upTo) {
				if at++; err != nil || r.Position != at || string(r.Data) != fmt.Sprint("record ", at) {
					t.Fatalf("%d to %d: got %d %q, %v where %d belongs", after, upTo, r.Position, r.Data, err, at)
				}
			}
			if at != max(after, upTo) {
				t.Fatalf("%d to %d: it ends with %d", after, upTo, at)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for r, err := range journal.ReadRange(ctx, j, "ops", 0, n) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: got %d, %v", r.Position, err)
		}
	}
}

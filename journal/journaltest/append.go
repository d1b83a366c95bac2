package journaltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/dashwire/dashwire/journal"
)

func appendReadsBack(t *testing.T, j journal.Journal) {
	must(t, j, "ops", 0, "a")
	must(t, j, "ops", 1, "b", "c", "d")
	must(t, j, "net", 0, "x")
	d, err := j.Append(t.Context(), make1("ops", 4, "e"))
	if err != nil {
		t.Fatal(err)
	}
	if d != journal.Memory && d != journal.Disk && d != journal.Quorum {
		t.Errorf("durability is %q", d)
	}
	wantHead(t, j, "ops", 5)
	wantHead(t, j, "net", 1)
	wantLog(t, j, "ops", 0, "a", "b", "c", "d", "e")
	wantLog(t, j, "net", 0, "x")
}

func identicalRepeat(t *testing.T, j journal.Journal) {
	must(t, j, "ops", 0, "a")
	must(t, j, "ops", 1, "b", "c")
	must(t, j, "ops", 3, "d")
	tests := []struct {
		name    string
		after   journal.Position
		records []string
		moved   bool
	}{
		{"the last append", 3, []string{"d"}, false},
		{"an earlier one", 1, []string{"b", "c"}, false},
		{"the first", 0, []string{"a"}, false},
		{"the same bytes cut otherwise", 0, []string{"a", "b"}, false},
		{"up to the head", 2, []string{"c", "d"}, false},
		{"past the head", 3, []string{"d", "e"}, true},
		{"the same bytes elsewhere", 2, []string{"b"}, true},
		{"one byte else", 1, []string{"b", "C"}, true},
		{"a longer record", 3, []string{"dd"}, true},
		{"a joined record", 1, []string{"bc"}, true},
	}
	for _, test := range tests {
		err := try(j, "ops", test.after, test.records...)
		if test.moved && !errors.Is(err, journal.ErrMoved) || !test.moved && err != nil {
			t.Errorf("%s: got %v, moved should be %v", test.name, err, test.moved)
		}
	}
	wantLog(t, j, "ops", 0, "a", "b", "c", "d")
}

// started proves a journal.Starter; it proves nothing of another journal.
func started(t *testing.T, j journal.Journal) {
	s, ok := j.(journal.Starter)
	if !ok {
		return
	}
	type end struct {
		durability journal.Durability
		err        error
	}
	start := func(a journal.Append) chan end {
		told := make(chan end, 2)
		s.Start(a, func(d journal.Durability, err error) { told <- end{d, err} })
		return told
	}
	must(t, j, "ops", 0, "a")
	ends := []chan end{start(make1("ops", 1, "b", "c")), start(make1("ops", 3, "d")), start(make1("net", 0, "x"))}
	for i, told := range ends {
		e := <-told
		if _, want, err := j.Head(t.Context(), "ops"); err != nil || e.err != nil || e.durability != want {
			t.Errorf("append %d: got %q, %v; want %q, %v", i, e.durability, e.err, want, err)
		}
	}
	wantLog(t, j, "ops", 0, "a", "b", "c", "d")
	wantLog(t, j, "net", 0, "x")

	// The repeat of a stored one is not refused, one that another was before is not confirmed.
	if e := <-start(make1("ops", 3, "d")); e.err != nil && !errors.Is(e.err, journal.ErrUnknown) {
		t.Errorf("repeated: %v", e.err)
	}
	if e := <-start(make1("ops", 3, "z")); !errors.Is(e.err, journal.ErrMoved) && !errors.Is(e.err, journal.ErrUnknown) {
		t.Errorf("another one at its place: %v", e.err)
	}
	if e := <-start(journal.Append{DashboardID: "ops", After: 4}); !errors.Is(e.err, journal.ErrInvalid) {
		t.Errorf("without records: %v", e.err)
	}
	wantLog(t, j, "ops", 0, "a", "b", "c", "d")
	for i, told := range ends {
		if len(told) > 0 {
			t.Errorf("append %d was told twice", i)
		}
	}
}

func movedStoresNothing(t *testing.T, j journal.Journal) {
	must(t, j, "ops", 0, "a", "b")
	for _, after := range []journal.Position{0, 1, 3, 1000} {
		if err := try(j, "ops", after, "z"); !errors.Is(err, journal.ErrMoved) {
			t.Errorf("append after %d of 2: got %v, want ErrMoved", after, err)
		}
	}
	if err := try(j, "new", 1, "z"); !errors.Is(err, journal.ErrMoved) {
		t.Errorf("append after 1 to an empty log: got %v, want ErrMoved", err)
	}
	wantHead(t, j, "new", 0)
	wantLog(t, j, "ops", 0, "a", "b")
	must(t, j, "ops", 2, "c")
	wantLog(t, j, "ops", 2, "c")
}

// oneWinner lets several writers fight for the same log as nodes do.
func oneWinner(t *testing.T, j journal.Journal) {
	const writers, each = 6, 15
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			head := journal.Position(0)
			for n := 0; n < each; {
				a := make1("ops", head, fmt.Sprintf("%d/%d", w, n))
				err := settle(j, a)
				switch {
				case err == nil:
					n++
					head++
				case errors.Is(err, journal.ErrMoved):
					for r, err := range j.Read(t.Context(), "ops", head) {
						if err != nil {
							t.Error(err)
							return
						}
						head = r.Position
					}
				case errors.Is(err, journal.ErrUnavailable):
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	records, err := collect(j, "ops", 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != writers*each {
		t.Errorf("%d records stand in the log, want %d", len(records), writers*each)
	}
	next := make(map[string]int)
	for _, r := range records {
		w, n, _ := strings.Cut(string(r.Data), "/")
		if n != fmt.Sprint(next[w]) {
			t.Fatalf("position %d holds %s, but writer %s was at %d", r.Position, r.Data, w, next[w])
		}
		next[w]++
	}
}

func headLinearizable(t *testing.T, j journal.Journal) {
	const appends = 60
	done := make(chan journal.Position)
	go func() {
		defer close(done)
		for p := range journal.Position(appends) {
			if err := settle(j, make1("ops", p, "x")); err != nil {
				t.Error(err)
				return
			}
			done <- p + 1
		}
	}()
	for p := range done {
		got, _, err := j.Head(t.Context(), "ops")
		if err != nil || got < p {
			t.Errorf("head is %d, %v after the append of %d returned", got, err, p)
		}
	}
	wantHead(t, j, "ops", appends)
}

func headDurability(t *testing.T, j journal.Journal) {
	want, err := j.Append(t.Context(), make1("ops", 0, "a"))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"ops", "nobody"} {
		if _, got, err := j.Head(t.Context(), id); err != nil || got != want {
			t.Errorf("head of %s is %q, %v; append said %q", id, got, err, want)
		}
	}
}

func invalidAppend(t *testing.T, j journal.Journal) {
	tests := []struct {
		name string
		a    journal.Append
	}{
		{"no records", journal.Append{DashboardID: "ops"}},
		{"an empty record", make1("ops", 0, "a", "")},
		{"no id", make1("", 0, "a")},
		{"a long id", make1(strings.Repeat("x", 129), 0, "a")},
		{"a bad id", make1("a b", 0, "a")},
		{"a summary over 4 KiB", journal.Append{
			DashboardID: "ops", Records: [][]byte{{'a'}}, Summary: bytes.Repeat([]byte{' '}, journal.MaxSummary+1),
		}},
	}
	for _, test := range tests {
		if _, err := j.Append(t.Context(), test.a); !errors.Is(err, journal.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", test.name, err)
		}
	}
	wantHead(t, j, "ops", 0)
	if infos, err := j.List(t.Context(), "", 10); err != nil || len(infos) != 0 {
		t.Errorf("list: got %v, %v; want nothing", infos, err)
	}
}

// cancelledAppend cancels appends at every stage and checks that a repeat of the
// same bytes settles each one, stored once.
func cancelledAppend(t *testing.T, j journal.Journal) {
	const appends = 40
	for p := range journal.Position(appends) {
		ctx, cancel := context.WithCancel(t.Context())
		a := make1("ops", p, fmt.Sprint("r", p))
		if p%2 == 0 {
			cancel()
		}
		answer := make(chan error, 1)
		go func() {
			_, err := j.Append(ctx, a)
			answer <- err
		}()
		cancel()
		err := <-answer
		if err != nil && !errors.Is(err, journal.ErrUnknown) && !errors.Is(err, journal.ErrUnavailable) {
			t.Fatalf("cancelled append: got %v, want nil, ErrUnknown or ErrUnavailable", err)
		}
		if err := settle(j, a); err != nil {
			t.Fatalf("the same append again: %v", err)
		}
		wantHead(t, j, "ops", p+1)
	}
	records, err := collect(j, "ops", 0)
	if err != nil || len(records) != appends {
		t.Fatalf("%d records, %v; want %d", len(records), err, appends)
	}
	for _, r := range records {
		if want := fmt.Sprint("r", r.Position-1); string(r.Data) != want {
			t.Errorf("position %d holds %s, want %s", r.Position, r.Data, want)
		}
	}
}

// manyDashboards appends to many logs at once, one writer each.
func manyDashboards(t *testing.T, j journal.Journal) {
	const dashboards, each = 40, 10
	var wg sync.WaitGroup
	for d := range dashboards {
		wg.Go(func() {
			id := fmt.Sprintf("d%02d", d)
			for n := range each {
				a := make1(id, journal.Position(2*n), fmt.Sprint(id, n), fmt.Sprint(n, id))
				if err := settle(j, a); err != nil {
					t.Errorf("append to %s after %d: %v", id, a.After, err)
					return
				}
			}
		})
	}
	wg.Wait()
	for d := range dashboards {
		id := fmt.Sprintf("d%02d", d)
		var want []string
		for n := range each {
			want = append(want, fmt.Sprint(id, n), fmt.Sprint(n, id))
		}
		wantHead(t, j, id, 2*each)
		wantLog(t, j, id, 0, want...)
	}
}

func bigRecords(t *testing.T, j journal.Journal) {
	const mib = 1 << 20
	big := func(seed byte) string {
		b := make([]byte, mib)
		for i := range b {
			b[i] = byte(i>>8)*31 ^ byte(i)*7 ^ seed // all bytes, NUL and broken UTF-8 too
		}
		return string(b)
	}
	one := big(1)
	five := []string{big(2), big(3), big(4), big(5), big(6)}
	must(t, j, "ops", 0, one)
	must(t, j, "ops", 1, five...)
	if err := try(j, "ops", 1, five...); err != nil {
		t.Errorf("the same 5 MiB again: %v", err)
	}
	wantLog(t, j, "ops", 0, append([]string{one}, five...)...)
	wantLog(t, j, "ops", 4, five[3:]...)
}

func everyCharacter(t *testing.T, j journal.Journal) {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-"
	ids := []string{
		allowed, strings.Repeat("w", 128), "a.b", "a:b", "a-b", "a_b", ".a", "a.", "-", "_", ":", "...a", "A", "a",
		"0", "00", "1e9", "null",
	}
	for _, c := range allowed {
		ids = append(ids, "x"+string(c))
	}
	for _, id := range ids {
		must(t, j, id, 0, "of "+id)
	}
	for _, id := range ids {
		wantLog(t, j, id, 0, "of "+id)
		wantHead(t, j, id, 1)
	}
}

func noAliasing(t *testing.T, j journal.Journal) {
	record, summary, state := []byte("record"), []byte(`"summary"`), []byte("snapshot")
	a := journal.Append{DashboardID: "ops", Records: [][]byte{record}, Summary: summary}
	if _, err := j.Append(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if err := j.SaveSnapshot(t.Context(), "ops", journal.Snapshot{Position: 1, Data: state}); err != nil {
		t.Fatal(err)
	}
	clear(record)
	clear(summary)
	clear(state)
	for range 2 { // the second time after changing what the first gave
		records, err := collect(j, "ops", 0)
		if err != nil || len(records) != 1 || string(records[0].Data) != "record" {
			t.Fatalf("read: got %v, %v", records, err)
		}
		infos, err := j.List(t.Context(), "", 1)
		if err != nil || len(infos) != 1 || string(infos[0].Summary) != `"summary"` {
			t.Fatalf("list: got %v, %v", infos, err)
		}
		s, err := j.Snapshot(t.Context(), "ops", 1)
		if err != nil || string(s.Data) != "snapshot" {
			t.Fatalf("snapshot: got %q, %v", s.Data, err)
		}
		clear(records[0].Data)
		clear(infos[0].Summary)
		clear(s.Data)
	}
}

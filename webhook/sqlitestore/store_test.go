package sqlitestore_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dashwire/dashwire/internal/sqlitefile/sqlitefiletest"
	"github.com/dashwire/dashwire/webhook"
	"github.com/dashwire/dashwire/webhook/sqlitestore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, path string) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // again, where a test has closed it
	return s
}

// at is a time as the store keeps it.
func at(second int) time.Time { return time.UnixMilli(1_800_000_000_000 + int64(second)*1000) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestStore_KeepsEverythingOverAReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a file with % and ?.db")
	s := open(t, path)
	ctx := t.Context()
	reg := webhook.Registration{Name: "a", Dashboards: []string{"ops", "team-*"}, Address: "x", Since: at(1), Disabled: at(2)}
	cursor := webhook.Cursor{
		Target: "a", DashboardID: "ops", Position: 1 << 40, Epoch: "e", Version: 7, Sum: -5,
		Through: 9, Attempts: 2, FirstAttempt: at(3), NextAttempt: at(4), Since: at(5), Status: 500, Error: "ü",
	}
	letter := webhook.DeadLetter{
		Target: "a", ID: "msg_1", Type: webhook.Committed, DashboardID: "ops", Epoch: "e", After: 1, Version: 2,
		Attempts: 3, FirstAttempt: at(6), LastAttempt: at(7), Status: 404, Error: "no", Body: []byte(`{"a":1}`),
	}
	check(t, s.Register(ctx, reg))
	check(t, s.Register(ctx, webhook.Registration{Name: "all", Address: "y", Since: at(1)}))
	check(t, s.Save(ctx, []webhook.Cursor{cursor}, []webhook.DeadLetter{letter}))
	check(t, s.Close())
	s = open(t, path)

	regs, err := s.Registrations(ctx)
	check(t, err)
	same(t, "registrations", regs, []webhook.Registration{reg, {Name: "all", Address: "y", Since: at(1)}})
	got, err := s.Cursor(ctx, "a", "ops")
	check(t, err)
	same(t, "the cursor", got, cursor)
	got, err = s.Cursor(ctx, "a", "none")
	check(t, err)
	same(t, "no cursor", got, webhook.Cursor{Target: "a", DashboardID: "none"})
	letter.Number, letter.Size = 1, 7
	whole, ok, err := s.DeadLetter(ctx, "a", "msg_1")
	check(t, err)
	if !ok {
		t.Fatal("the dead letter is gone")
	}
	same(t, "the dead letter", whole, letter)
	letter.Body = nil
	list, err := s.Dead(ctx, "a", 0, 10)
	check(t, err)
	same(t, "the list", list, []webhook.DeadLetter{letter})

	check(t, s.Forget(ctx, "a"))
	if n, err := s.CountDead(ctx, "a"); n != 0 || err != nil {
		t.Errorf("%d dead letters of a target that was forgotten: %v", n, err)
	}
	if c, err := s.Cursor(ctx, "a", "ops"); c.Position != 0 || err != nil {
		t.Errorf("%+v %v", c, err)
	}
}

func TestStore_Retries(t *testing.T) {
	s, ctx := open(t, filepath.Join(t.TempDir(), "w.db")), t.Context()
	var cursors []webhook.Cursor
	for i, next := range []int{30, 10, 0, 20} {
		c := webhook.Cursor{Target: "a", DashboardID: fmt.Sprint("d", i), Position: 1}
		if next > 0 {
			c.NextAttempt, c.Since = at(next), at(-next)
		}
		cursors = append(cursors, c)
	}
	check(t, s.Save(ctx, append(cursors, webhook.Cursor{Target: "b", DashboardID: "d0", NextAttempt: at(1)}), nil))
	ids := func() (ids []string) {
		t.Helper()
		list, err := s.Retries(ctx, "a", 2)
		check(t, err)
		for _, c := range list {
			ids = append(ids, c.DashboardID)
		}
		return ids
	}
	same(t, "the earliest", ids(), []string{"d1", "d3"})
	n, oldest, err := s.Waiting(ctx, "a")
	check(t, err)
	if n != 3 || !oldest.Equal(at(-30)) {
		t.Errorf("%d wait since %s", n, oldest)
	}
	check(t, s.Hasten(ctx, "a", at(15)))
	list, err := s.Retries(ctx, "a", 10)
	check(t, err)
	if len(list) != 3 || !list[0].NextAttempt.Equal(at(10)) || !list[2].NextAttempt.Equal(at(15)) {
		t.Errorf("%+v", list)
	}
	page, err := s.Cursors(ctx, "a", "d0", 2)
	check(t, err)
	if len(page) != 2 || page[0].DashboardID != "d1" || page[1].DashboardID != "d2" {
		t.Errorf("%+v", page)
	}
}

func TestStore_DeadLettersAreBounded(t *testing.T) {
	s, ctx := open(t, filepath.Join(t.TempDir(), "w.db")), t.Context()
	for i := range 10 {
		check(t, s.Save(ctx, nil, []webhook.DeadLetter{
			{Target: "a", ID: fmt.Sprint("m", i), LastAttempt: at(i), Body: []byte(strings.Repeat("x", 100))},
			{Target: "b", ID: fmt.Sprint("m", i), LastAttempt: at(i), Body: []byte("x")},
		}))
	}
	left := func(target string) (ids []string) {
		t.Helper()
		list, err := s.Dead(ctx, target, 0, 100)
		check(t, err)
		for _, d := range list {
			ids = append(ids, d.ID)
		}
		return ids
	}
	for _, x := range []struct {
		name          string
		count         int
		bytes         int64
		before        time.Time
		dropped, kept int
	}{
		{"within all bounds", 10, 1000, at(0), 0, 10},
		{"too old", 10, 1000, at(2), 2, 8},
		{"too many", 6, 1000, at(0), 2, 6},
		{"too large", 6, 450, at(0), 2, 4},
	} {
		n, err := s.TrimDead(ctx, "a", x.count, x.bytes, x.before)
		check(t, err)
		if ids := left("a"); n != x.dropped || len(ids) != x.kept || ids[len(ids)-1] != "m9" {
			t.Errorf("%s: %d were dropped, %v are left", x.name, n, ids)
		}
	}
	if ids := left("b"); len(ids) != 10 {
		t.Errorf("another target has %v", ids)
	}

	n, err := s.RequestRetry(ctx, "a", "m8")
	check(t, err)
	next, ok, err := s.NextRequested(ctx, "a")
	check(t, err)
	if n != 1 || !ok || next.ID != "m8" || len(next.Body) != 100 || !next.Requested {
		t.Errorf("%d; %+v", n, next)
	}
	if n, err := s.RequestRetry(ctx, "a", ""); n != 4 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	if ok, err := s.DeleteDead(ctx, "a", "m8"); !ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	if ok, err := s.DeleteDead(ctx, "a", "m8"); ok || err != nil {
		t.Errorf("it was there twice: %v %v", ok, err)
	}
}

func TestStore_IsAFile(t *testing.T) {
	sqlitefiletest.Run(t, sqlitestore.Open, func(ctx context.Context, s *sqlitestore.Store) error {
		return s.Save(ctx, []webhook.Cursor{{Target: "a", DashboardID: "ops", Position: 1}}, nil)
	}, "targets begin anew")
}

// BenchmarkSave is what a group of cursors costs: no fsync of its own.
func BenchmarkSave(b *testing.B) {
	s, err := sqlitestore.Open(b.Context(), filepath.Join(b.TempDir(), "w.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	const group = 100
	cursors := make([]webhook.Cursor, group)
	for n := 0; b.Loop(); n++ {
		for i := range cursors {
			cursors[i] = webhook.Cursor{Target: "audit", DashboardID: fmt.Sprint("dashboard-", (n*group+i)%10000), Epoch: "k3J9k3J9k3J9", Position: 7, Version: 7, Sum: 5}
		}
		if err := s.Save(b.Context(), cursors, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/group, "µs/cursor")
}

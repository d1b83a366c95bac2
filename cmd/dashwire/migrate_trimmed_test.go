package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/client"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/natsjournal"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
)

// editedMuch makes a data file with a dashboard whose beginning was trimmed, and one that is
// whole, and returns the epoch and the version of the first.
func editedMuch(ctx context.Context, t *testing.T, dir string) (epoch string, version uint64) {
	t.Helper()
	const edits = 14_200 // more than is always kept, and two snapshots
	node := serve(t, dir, "--no-demo", "--drain", "50ms", "--messages-per-second", "1000000")
	c, err := client.Dial(ctx, client.Options{URL: node.url, UserID: "ana"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var editors sync.WaitGroup
	for e := range 100 {
		editors.Go(func() {
			for n := e; n < edits; n += 100 {
				_, err := c.Do(ctx, client.Op{
					DashboardID: "ops", ID: fmt.Sprint("ops.", n), Type: client.WidgetUpdate, WidgetID: fmt.Sprint("w", e), Create: n == e,
					Policy: board.PolicyOverwrite, Set: map[string]any{"/config/n": n},
				})
				if err != nil {
					t.Errorf("edit %d: %v", n, err)
					return
				}
			}
		})
	}
	editors.Wait()
	for n := range 3 {
		if _, err := c.Do(ctx, client.Op{DashboardID: "whole", Type: client.WidgetUpdate, WidgetID: "w", Create: n == 0, Policy: board.PolicyOverwrite, Set: map[string]any{"/config/n": n}}); err != nil {
			t.Fatal(err)
		}
	}
	d, err := c.Subscribe(ctx, "ops", client.Follow{})
	if err != nil {
		t.Fatal(err)
	}
	epoch, version = d.View().Epoch, d.View().Version
	c.Close()
	node.stop()

	node = serve(t, dir, "--no-demo", "--drain", "50ms", "--keep-entries", "12000")
	until(t, "the beginning is trimmed", func() bool { return statusOf(t, node, "/api/dashboards/ops/versions/5") == http.StatusGone })
	node.stop()
	if t.Failed() {
		t.FailNow()
	}
	return epoch, version
}

func statusOf(t *testing.T, node *process, path string) int {
	t.Helper()
	code, _ := send(t, request(t, http.MethodGet, node.url+path, ""))
	return code
}

// oldestOf is where the log of ops begins in a store.
func oldestOf(ctx context.Context, t *testing.T, store string) journal.Position {
	t.Helper()
	var j interface {
		Oldest(ctx context.Context, dashboardID string) (journal.Position, error)
		Close() error
	}
	var err error
	if file, ok := strings.CutPrefix(store, sqliteScheme); ok {
		j, err = sqlitejournal.Open(file, sqlitejournal.Options{})
	} else {
		j, err = natsjournal.Open(ctx, store, natsjournal.Options{SyncAlways: true})
	}
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	at, err := j.Oldest(ctx, "ops")
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestA4_ATrimmedLogMovesBothWays: what retention has left of a dashboard is the same on NATS
// and back in a file, and clients go on where they were.
func TestA4_ATrimmedLogMovesBothWays(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	dir := t.TempDir()
	nats := newNatsServers(t)
	epoch, newest := editedMuch(ctx, t, dir)
	begin := oldestOf(ctx, t, "sqlite:"+dir+"/dashwire.db")
	if begin < 1000 || begin > 2200 {
		t.Fatalf("the log begins after %d of %d", begin, newest)
	}
	paths := []string{
		"/api/dashboards/ops", "/api/dashboards/whole", "/api/dashboards?deleted=true",
		fmt.Sprint("/api/dashboards/ops/history?order=asc&after=", begin), fmt.Sprint("/api/dashboards/ops/history?order=asc&after=", newest-50),
		fmt.Sprint("/api/dashboards/ops/versions/", begin+1), fmt.Sprint("/api/dashboards/ops/versions/", begin+1500), fmt.Sprint("/api/dashboards/ops/versions/", newest-1),
	}
	missing := []string{"/api/dashboards/ops/versions/5", fmt.Sprint("/api/dashboards/ops/versions/", begin-1), "/api/dashboards/ops/history?order=asc&after=5"}
	look := func(node *process) (all []string) {
		t.Helper()
		for _, path := range paths {
			all = append(all, got(t, node, path))
		}
		for _, path := range missing {
			if code := statusOf(t, node, path); code != http.StatusGone {
				t.Errorf("%s, which is trimmed: status %d, want %d", path, code, http.StatusGone)
			}
		}
		return all
	}
	// resume tells how a client that has seen a version gets on.
	resume := func(node *process, version uint64) *wire.SyncPart {
		t.Helper()
		s := connect(t, node.url+"/api/realtime")
		s.send(`%s`, hello)
		s.welcomed()
		s.send(`{"type":"SYNC_REQUEST","id":"sync","payload":{"dashboardId":"ops","since":{"epoch":%q,"version":%d}}}`, epoch, version)
		return s.next("SYNC_RESPONSE", func(m wire.ServerMessage) bool { return m.Sync != nil }).Sync
	}
	resumes := func(node *process) {
		t.Helper()
		if p := resume(node, 5); p.Document == nil || p.Version != newest {
			t.Errorf("since a version that is trimmed: %d entries to version %d, want a snapshot of %d", len(p.Entries), p.Version, newest)
		}
		if p := resume(node, newest-3); p.Document != nil || len(p.Entries) != 3 {
			t.Errorf("since three versions ago: %d entries, a snapshot: %v", len(p.Entries), p.Document != nil)
		}
	}
	node := serve(t, dir, "--no-demo", "--drain", "50ms")
	before := look(node)
	resumes(node)
	node.stop()

	same := func(node *process, where string) {
		t.Helper()
		for i, text := range look(node) {
			if !sameButUpdated(text, before[i]) {
				t.Errorf("%s %s:\n%.2000s\nwas:\n%.2000s", paths[i], where, text, before[i])
			}
		}
		resumes(node)
	}
	migrate := func(from, to string) (entries, copied, sum string) {
		t.Helper()
		r := dash(t, dir, append([]string{"migrate", "--from", from, "--to", to}, nats.flags[2:]...)...)
		m := sumLine.FindStringSubmatch(r.out)
		if r.code != 0 || m == nil {
			t.Fatalf("exit code %d\n%s%s", r.code, r.out, r.err)
		}
		return m[2], m[3], m[4]
	}
	file, cluster := "sqlite:dashwire.db", nats.flags[1]
	entries, copied, sum := migrate(file, cluster)
	if want := number(newest - uint64(begin) + 3); entries != want || copied != want {
		t.Errorf("%s entries, %s copied; want %s", entries, copied, want)
	}
	if at := oldestOf(ctx, t, cluster); at != begin {
		t.Errorf("it begins after %d in NATS, after %d in the file", at, begin)
	}
	node = serve(t, t.TempDir(), append([]string{"--drain", "50ms"}, nats.flags...)...)
	same(node, "from NATS")
	node.stop()

	_, copied, back := migrate(cluster, "sqlite:back.db")
	if copied != entries || back != sum {
		t.Errorf("back: %s copied, sum %s; want %s, %s", copied, back, entries, sum)
	}
	must(t, dir, "check", "--data", "back.db")
	if at := oldestOf(ctx, t, "sqlite:"+dir+"/back.db"); at != begin {
		t.Errorf("it begins after %d in the second file, after %d in the first", at, begin)
	}
	node = serve(t, dir, "--data", "back.db", "--no-demo", "--drain", "50ms")
	same(node, "from the second file")

	// Edited here, it goes on there; what was done already is done once (M8).
	c, err := client.Dial(ctx, client.Options{URL: node.url, UserID: "ana"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answer, err := c.Do(ctx, client.Op{
		DashboardID: "ops", ID: "one-more", Type: client.WidgetUpdate, WidgetID: "w1", Policy: board.PolicyOverwrite, Set: map[string]any{"/title": "x"},
	})
	if err != nil || answer.Ack == nil || answer.Ack.Version != newest+1 {
		t.Fatalf("an edit of the copy: %+v, %v", answer, err)
	}
	c.Close()
	node.stop()
	if _, copied, _ := migrate("sqlite:back.db", cluster); copied != "1" {
		t.Errorf("%s copied of one edit", copied)
	}
}

// cutOff is a store that a copy is cut off from at a write, before or after it is done.
type cutOff struct {
	journal.Journal
	writes atomic.Int64 // left
	after  bool
}

var errCutOff = errors.New("cut off")

func (c *cutOff) write(do func() error) error {
	if c.writes.Add(-1) >= 0 {
		return do()
	}
	if c.after && c.writes.Load() == -1 {
		_ = do() // nobody is told
	}
	return errCutOff
}

func (c *cutOff) Append(ctx context.Context, a journal.Append) (d journal.Durability, err error) {
	err = c.write(func() error { d, err = c.Journal.Append(ctx, a); return err })
	return d, err
}

func (c *cutOff) SaveSnapshot(ctx context.Context, id string, s journal.Snapshot) error {
	return c.write(func() error { return c.Journal.SaveSnapshot(ctx, id, s) })
}

// fillTrimmed gives a store a log that begins after a position, with snapshots there and
// farther on, and one that is whole.
func fillTrimmed(ctx context.Context, t *testing.T, j journal.Journal, begin journal.Position) {
	t.Helper()
	for id, at := range map[string]journal.Position{"ops": begin, "whole": 0} {
		for n := range 12 {
			a := journal.Append{DashboardID: id, After: at, Begins: true, Summary: fmt.Appendf(nil, `{"n":%d}`, n)}
			for k := range 130 {
				a.Records = append(a.Records, fmt.Appendf(nil, "record %d of %s", int(at)+k+1, id))
			}
			if _, err := j.Append(ctx, a); err != nil {
				t.Fatal(err)
			}
			if n%9 == 0 && at > 0 {
				if err := j.SaveSnapshot(ctx, id, journal.Snapshot{Position: at, Data: fmt.Append(nil, "state at ", at)}); err != nil {
					t.Fatal(err)
				}
			}
			at += 130
		}
	}
}

// TestA2_ATrimmedCopyIsGoneOnWith cuts a copy off at every write, in both directions.
func TestA2_ATrimmedCopyIsGoneOnWith(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	const begin = 13_000
	s := oneNATS(t, server.Options{Port: -1})
	streams := 0
	onNATS := func() *side {
		streams++
		j, err := natsjournal.Open(ctx, s.ClientURL(), natsjournal.Options{Stream: fmt.Sprint("s", streams), Replicas: 1, SyncAlways: true, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.Close() })
		return &side{Journal: j, name: "the stream", oldest: j.Oldest, snapshots: j.Snapshots}
	}
	onFile := func() *side {
		j, err := sqlitejournal.Open(filepath.Join(t.TempDir(), "test.db"), sqlitejournal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.Close() })
		return &side{Journal: j, name: "the file", oldest: j.Oldest, snapshots: j.Snapshots}
	}
	for _, way := range []struct {
		name     string
		from, to func() *side
	}{{"from a file", onFile, onNATS}, {"from NATS", onNATS, onFile}} {
		t.Run(way.name, func(t *testing.T) {
			from := way.from()
			fillTrimmed(ctx, t, from, begin)
			run := func(to *side) (*migration, error) {
				m := &migration{from: from, to: to, show: newProgress(os.Stderr)}
				if err := m.plan(ctx); err != nil {
					t.Fatalf("what was cut off is not gone on with: %v", err)
				}
				if err := m.each(ctx, "copying", m.copy); err != nil {
					return m, err
				}
				return m, m.each(ctx, "comparing", m.compare)
			}
			cuts := 0
			for n := 0; ; n++ {
				to := way.to()
				whole := to.Journal
				cut := &cutOff{Journal: whole, after: n%2 == 1}
				cut.writes.Store(int64(n / 2))
				to.Journal = cut
				_, err := run(to)
				if err == nil {
					break
				}
				if !errors.Is(err, errCutOff) {
					t.Fatal(err)
				}
				cuts++
				to.Journal = whole
				m, err := run(to)
				if err != nil || len(m.differs) > 0 || m.entries.Load() != 2*12*130 {
					t.Fatalf("gone on with after %d writes: %d entries, %v, %v", n/2, m.entries.Load(), m.differs, err)
				}
				got, err := to.snapshots(ctx, "ops")
				if err != nil || len(got) != 2 || got[0] != begin {
					t.Fatalf("snapshots after %d writes: %d, %v", n/2, got, err)
				}
				if s, err := whole.Snapshot(ctx, "ops", begin); err != nil || string(s.Data) != fmt.Sprint("state at ", begin) {
					t.Fatalf("the snapshot after %d writes: %q, %v", n/2, s.Data, err)
				}
				if at, err := to.oldest(ctx, "ops"); err != nil || at != begin {
					t.Fatalf("it begins after %d, %v", at, err)
				}
			}
			if cuts < 2*8 {
				t.Errorf("the copy was cut off %d times", cuts)
			}
		})
	}
}

// TestA4_WhatWasTrimmedMeanwhile: a copy that lacks what the other side has let go by now
// cannot be gone on with, and one that has more than the other side is no other content.
func TestA4_WhatWasTrimmedMeanwhile(t *testing.T) {
	ctx := t.Context()
	store := func(begin journal.Position, entries int) *side {
		j, err := sqlitejournal.Open(filepath.Join(t.TempDir(), "test.db"), sqlitejournal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.Close() })
		a := journal.Append{DashboardID: "ops", After: begin, Begins: true}
		for n := range entries {
			a.Records = append(a.Records, fmt.Append(nil, int(begin)+n+1))
		}
		if _, err := j.Append(ctx, a); err != nil {
			t.Fatal(err)
		}
		for _, at := range []journal.Position{begin, 3000} {
			if err := j.SaveSnapshot(ctx, "ops", journal.Snapshot{Position: at, Data: fmt.Append(nil, at)}); err != nil && at > 0 && at <= begin+journal.Position(entries) {
				t.Fatal(err)
			}
		}
		return &side{Journal: j, name: "the other", oldest: j.Oldest, snapshots: j.Snapshots}
	}
	m := &migration{from: store(3000, 500), to: store(0, 2999), show: newProgress(os.Stderr)}
	if err := m.plan(ctx); err == nil || !strings.Contains(err.Error(), "holds an older copy of ops") {
		t.Errorf("a gap: %v", err)
	}
	for _, to := range []*side{store(0, 3100), store(2000, 1000), store(3000, 10)} {
		m = &migration{from: store(3000, 500), to: to, show: newProgress(os.Stderr)}
		if err := m.plan(ctx); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(m.each(ctx, "copying", m.copy), m.each(ctx, "comparing", m.compare)); err != nil || len(m.differs) > 0 {
			t.Errorf("an older copy: %v, %v", m.differs, err)
		}
		if head, _, err := to.Head(ctx, "ops"); err != nil || head != 3500 {
			t.Errorf("the copy ends at %d, %v", head, err)
		}
	}
	other := store(3000, 10)
	if err := other.SaveSnapshot(ctx, "ops", journal.Snapshot{Position: 3000, Data: []byte("something else")}); err != nil {
		t.Fatal(err)
	}
	m = &migration{from: store(3000, 500), to: other, show: newProgress(os.Stderr)}
	if err := errors.Join(m.plan(ctx), m.each(ctx, "copying", m.copy), m.each(ctx, "comparing", m.compare)); err != nil || len(m.differs) != 1 {
		t.Errorf("another snapshot: %v, %v", m.differs, err)
	}
}

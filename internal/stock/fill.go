package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
)

const (
	// writers append dashboards at once, so that many share one commit.
	writers = 2000
	// together is how many entries of one log go into one append.
	together = 1000
	// tailEntries is how many entries a long log has after its newest snapshot: what
	// there is on average, since a server saves one every 1,000.
	tailEntries = 500
	// snapshots is how many entries lie between the older snapshots of a long log, as a
	// server leaves them.
	snapshots = journal.SnapshotSpacingFar
	// short and long are the dashboards whose entries are counted.
	short, long = "log-short", "log-long"
	// shortEntries is how many the short one has.
	shortEntries = 1000
)

// dashboardID is the id of a stored dashboard by its number.
func dashboardID(n int) string { return fmt.Sprintf("stored-%07d", n) }

// fill makes the data file, under another name until it is whole.
func fill(ctx context.Context, file string, dashboards, entries int, progress func(string)) (err error) {
	unready := file + ".part"
	for _, name := range []string{unready, unready + "-wal", unready + "-shm", unready + "-lock"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	j, err := sqlitejournal.Open(unready, sqlitejournal.Options{})
	if err != nil {
		return err
	}
	err = errors.Join(fillAll(ctx, j, dashboards, entries, progress), j.Close())
	if err != nil {
		return err
	}
	if err := os.Remove(unready + "-lock"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Rename(unready, file)
}

func fillAll(ctx context.Context, j journal.Journal, dashboards, entries int, progress func(string)) error {
	if err := fillMany(ctx, j, dashboards, progress); err != nil {
		return err
	}
	if err := fillLog(ctx, j, short, shortEntries, progress); err != nil {
		return err
	}
	return fillLog(ctx, j, long, entries, progress)
}

// fillMany stores dashboards of one entry each.
func fillMany(ctx context.Context, j journal.Journal, n int, progress func(string)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(writers, n) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				s, record, err := begin(dashboardID(i))
				if err == nil {
					_, err = j.Append(ctx, journal.Append{DashboardID: s.ID(), Records: [][]byte{record}, Summary: summary(s)})
				}
				if err != nil {
					cancel(err)
					return
				}
				if i%50_000 == 0 {
					progress(fmt.Sprintf("%d of %d dashboards stored", i, n))
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// begin is the first entry of a dashboard of a few widgets.
func begin(id string) (*board.State, []byte, error) {
	doc := &board.Document{Settings: board.Value(`{"title":"` + id + `"}`), Widgets: make(map[string]board.Value)}
	for i := range 4 {
		doc.Widgets["w"+strconv.Itoa(i)] = `{"config":{"unit":"short"},"title":"Widget","type":"stat"}`
	}
	return decide(board.NewState(id), &board.Op{
		Type: board.TypeReplace, ID: "start", DashboardID: id, Author: board.Author{UserID: "stock", ClientID: "c"}, Document: doc, Create: true,
	})
}

// decide gives the state after an op, and its record.
func decide(s *board.State, op *board.Op) (*board.State, []byte, error) {
	d := s.Decide(op, board.Env{Now: time.Now(), NewEpoch: "stock"})
	if d.Entry == nil {
		return nil, nil, fmt.Errorf("an op of %s was not applied: %+v", op.DashboardID, d)
	}
	return d.Next, board.EncodeRecord(d.Entry).Data, nil
}

// fillLog stores a dashboard with many entries.
func fillLog(ctx context.Context, j journal.Journal, id string, entries int, progress func(string)) error {
	s, record, err := begin(id)
	if err != nil {
		return err
	}
	records := [][]byte{record}
	at := journal.Position(0)
	for n := 1; ; n++ {
		due := n == entries-tailEntries || n%snapshots == 0
		if len(records) == together || due || n == entries {
			if _, err := j.Append(ctx, journal.Append{DashboardID: id, After: at, Records: records, Summary: summary(s)}); err != nil {
				return err
			}
			at, records = journal.Position(n), records[:0]
		}
		if due {
			progress(fmt.Sprintf("%d of %d entries stored", n, entries))
			if err := j.SaveSnapshot(ctx, id, journal.Snapshot{Position: at, Data: s.AppendSnapshot(nil)}); err != nil {
				return err
			}
		}
		if n == entries {
			return nil
		}
		base := s.Version()
		s, record, err = decide(s, &board.Op{
			Type: board.TypeUpdate, ID: "op-" + strconv.Itoa(n), DashboardID: id, Author: board.Author{UserID: "stock", ClientID: "c"}, Base: &base,
			WidgetID: "w" + strconv.Itoa(n%4), Set: []board.Assignment{{Path: "/title", Value: board.Value(`"edit ` + strconv.Itoa(n) + `"`)}},
		})
		if err != nil {
			return err
		}
		records = append(records, record)
	}
}

// summary is what the list shows of a dashboard.
func summary(s *board.State) []byte {
	return fmt.Appendf(nil, `{"epoch":"%s","version":%d,"widgets":%d,"title":"%s"}`, s.Epoch(), s.Version(), s.WidgetCount(), s.ID())
}

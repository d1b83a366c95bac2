package trail

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/memjournal"
)

var began = time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)

// trimmed is a journal that keeps nothing up to a position, and cannot read one log.
type trimmed struct {
	journal.Journal
	upTo    journal.Position
	damaged string
	read    int
}

func (j *trimmed) Read(ctx context.Context, id string, after journal.Position) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		switch {
		case id == j.damaged:
			yield(journal.Record{}, journal.ErrCorrupt)
			return
		case after < j.upTo:
			yield(journal.Record{}, journal.ErrTrimmed)
			return
		}
		for rec, err := range j.Journal.Read(ctx, id, after) {
			j.read++
			if !yield(rec, err) {
				return
			}
		}
	}
}

// world is a journal with what is in it, each dashboard's newest entry first.
type world struct {
	*trimmed
	now     time.Time
	entries map[string][]*board.Entry
}

func newWorld() *world {
	w := &world{now: began, entries: make(map[string][]*board.Entry)}
	w.trimmed = &trimmed{Journal: memjournal.New(memjournal.Options{Now: func() time.Time { return w.now }})}
	return w
}

func (w *world) add(t *testing.T, id string, entries ...*board.Entry) {
	t.Helper()
	before := w.entries[id]
	var records [][]byte
	for _, e := range entries {
		e.DashboardID, e.Epoch, e.Version = id, "e", uint64(len(w.entries[id])+1)
		e.Time, e.Status = w.now.Truncate(time.Millisecond), board.StatusApplied
		if e.ID == "" {
			e.ID = fmt.Sprintf("%s-%d", id, e.Version)
		}
		if e.Change == nil {
			e.Change = &board.Change{}
		}
		records = append(records, board.EncodeRecord(e).Data)
		w.entries[id] = append([]*board.Entry{e}, w.entries[id]...)
	}
	_, err := w.Append(t.Context(), journal.Append{DashboardID: id, After: journal.Position(len(before)), Records: records, Summary: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
}

// all reads every page and holds each against its bounds.
func (w *world) all(t *testing.T, q Query) (ids []string, last Page) {
	t.Helper()
	for range 10_000 {
		w.read = 0
		p, err := Source{Journal: w.trimmed}.Read(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Lines) > q.Limit || w.read > 2*maxWork {
			t.Fatalf("a page has %d lines and has read %d records", len(p.Lines), w.read)
		}
		for _, l := range p.Lines {
			ids = append(ids, l.Entry.ID)
		}
		if p.Next == nil {
			return ids, p
		}
		q.From = *p.Next
	}
	t.Fatal("the pages have no end")
	return nil, Page{}
}

// TestPagesTogetherAreAll: whatever the filter and the size of pages, together they are
// what goes through all entries finds, once each and in order.
func TestPagesTogetherAreAll(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	w := newWorld()
	types := []board.Type{board.TypeUpdate, board.TypeDelete, board.TypeSettings}
	for _, id := range []string{"a", "b", "c", "d"} {
		for range random.IntN(4) {
			var batch []*board.Entry
			for range 1 + random.IntN(400) {
				w.now = w.now.Add(time.Duration(random.IntN(20)-5) * time.Second) // a clock that is set back at times
				batch = append(batch, &board.Entry{
					Type: types[random.IntN(3)], Blind: random.IntN(2) == 0, Author: board.Author{UserID: string(rune('u' + random.IntN(3)))},
				})
			}
			w.add(t, id, batch...)
		}
	}
	for i := range 60 {
		q := Query{Limit: 1 + random.IntN(300)}
		if random.IntN(2) == 0 {
			q.User = "u"
		}
		if random.IntN(2) == 0 {
			q.Types = types[:1+random.IntN(2)]
		}
		if random.IntN(3) == 0 {
			q.Since = began.Add(time.Duration(random.IntN(5000)) * time.Second)
		}
		if random.IntN(3) == 0 {
			q.Until = began.Add(time.Duration(random.IntN(5000)) * time.Second)
		}
		q.Blind = random.IntN(4) == 0
		if random.IntN(3) == 0 {
			q.Dashboard = "b"
		}
		var want []string
		for _, id := range []string{"a", "b", "c", "d"} {
			for _, e := range w.entries[id] {
				if (q.Dashboard == "" || q.Dashboard == id) && q.Match(e) {
					want = append(want, e.ID)
				}
			}
		}
		if got, _ := w.all(t, q); !slices.Equal(got, want) {
			t.Fatalf("query %d, %+v: %d lines, want %d", i, q, len(got), len(want))
		}
	}
}

// A page does a bounded amount of work, also where nothing is found.
func TestAPageIsBounded(t *testing.T) {
	w := newWorld()
	for range 3 {
		batch := make([]*board.Entry, maxWork/2)
		for i := range batch {
			batch[i] = &board.Entry{Type: board.TypeUpdate}
		}
		w.add(t, "a", batch...)
	}
	p, err := Source{Journal: w.trimmed}.Read(t.Context(), Query{Limit: 10, Filter: Filter{User: "nobody"}})
	if err != nil || p.Next == nil || len(p.Lines) > 0 || w.read > maxWork+2*chunk {
		t.Fatalf("a page of nothing: %+v, %v, %d records read", p, err, w.read)
	}
	if got, _ := w.all(t, Query{Limit: 10, Filter: Filter{User: "nobody"}}); len(got) > 0 {
		t.Errorf("found %q", got)
	}
	// What lies before the time asked for is not read.
	w.now = w.now.Add(48 * time.Hour)
	w.add(t, "a", &board.Entry{Type: board.TypeUpdate, ID: "late"})
	w.read = 0
	p, err = Source{Journal: w.trimmed}.Read(t.Context(), Query{Limit: 10, Filter: Filter{Since: w.now}})
	if err != nil || p.Next != nil || len(p.Lines) != 1 || w.read > 2*(chunk+1) {
		t.Errorf("since now: %+v, %v, %d records read", p, err, w.read)
	}
}

func TestA5_WhatIsNotKeptIsSaid(t *testing.T) {
	w := newWorld()
	batch := make([]*board.Entry, 1000)
	for i := range batch {
		batch[i] = &board.Entry{Type: board.TypeUpdate}
	}
	w.add(t, "a", batch...)
	for _, upTo := range []journal.Position{1, 255, 256, 487, 743, 744, 745, 999} {
		w.upTo = upTo
		got, last := w.all(t, Query{Limit: 100})
		if len(got) != 1000-int(upTo) || !last.Trimmed {
			t.Errorf("of a log kept after %d: %d entries, %+v", upTo, len(got), last.Trimmed)
		}
	}
}

func TestR7_DamageKeepsNoOtherFromBeingRead(t *testing.T) {
	w := newWorld()
	for _, id := range []string{"a", "b", "c"} {
		w.add(t, id, &board.Entry{Type: board.TypeUpdate})
	}
	w.damaged = "b"
	got, p := w.all(t, Query{Limit: 100})
	if !slices.Equal(got, []string{"a-1", "c-1"}) || len(p.Damaged) != 1 || p.Damaged[0].Dashboard != "b" || !errors.Is(p.Damaged[0].Err, journal.ErrCorrupt) {
		t.Errorf("found %q, damaged %v", got, p.Damaged)
	}
}

func TestFilterByWidgetAndPath(t *testing.T) {
	change := func(text string) *board.Change {
		v, bad := board.ParseValue([]byte(text))
		if bad != nil {
			t.Fatal(bad)
		}
		c, err := board.ParseChange(v)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	unit := `{"widgets":{"cpu":{"set":{"/config/unit":"%"}}}}`
	for _, c := range []struct {
		name, change string
		filter       Filter
		want         bool
	}{
		{"the widget", unit, Filter{Widget: "cpu"}, true},
		{"another", unit, Filter{Widget: "net"}, false},
		{"its place", `{"layouts":{"main":{"items":{"cpu":{"x":0,"y":0,"w":1,"h":1}}}}}`, Filter{Widget: "cpu"}, true},
		{"its place is no path", `{"layouts":{"main":{"items":{"cpu":{"x":0,"y":0,"w":1,"h":1}}}}}`, Filter{Widget: "cpu", Path: "/x"}, false},
		{"the path", unit, Filter{Widget: "cpu", Path: "/config/unit"}, true},
		{"what holds it", unit, Filter{Path: "/config"}, true},
		{"what is under it", unit, Filter{Path: "/config/unit/long"}, true},
		{"what begins alike", unit, Filter{Path: "/config/un"}, false},
		{"the path of another widget", unit, Filter{Widget: "net", Path: "/config/unit"}, false},
		{"unset", `{"widgets":{"cpu":{"unset":["/config/unit"]}}}`, Filter{Path: "/config/unit"}, true},
		{"created with it", `{"widgets":{"cpu":{"value":{"config":{"unit":1}}}}}`, Filter{Path: "/config/unit"}, true},
		{"created without it", `{"widgets":{"cpu":{"value":{"config":{}}}}}`, Filter{Path: "/config/unit"}, false},
		{"deleted", `{"widgets":{"cpu":null}}`, Filter{Widget: "cpu", Path: "/config/unit"}, true},
		{"settings", `{"settings":{"set":{"/title":"x"}}}`, Filter{Path: "/title"}, true},
		{"settings are no widget's", `{"settings":{"set":{"/title":"x"}}}`, Filter{Widget: "cpu", Path: "/title"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.filter.Match(&board.Entry{Change: change(c.change)}); got != c.want {
				t.Errorf("Match is %v", got)
			}
		})
	}
}

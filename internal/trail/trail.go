package trail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/words"
	"github.com/dashwire/dashwire/journal"
)

// Source is where entries are read.
type Source struct {
	Journal journal.Journal
	// DocumentAt is a dashboard as it was at a position, for calling widgets by their
	// titles; on an error they are called by their ids. Nil = never.
	DocumentAt func(ctx context.Context, id string, at journal.Position) (*board.Document, error)
}

// Place is where reading goes on: at the records of a dashboard up to a position, and
// then at the dashboards after it. The zero Place is the beginning.
type Place struct {
	Dashboard string
	// Before is the last record to look at, plus one; 0 = the newest.
	Before journal.Position
}

// Query says what to read.
type Query struct {
	Filter
	// Dashboard is the one to read; "" = all of them, ordered by id.
	Dashboard string
	// After bounds the records of that one: only later ones are read.
	After journal.Position
	// From is where the page before ended.
	From Place
	// Limit is how many lines a page holds at most, at least 1.
	Limit int
}

// Line is an entry with what is said of it.
type Line struct {
	Entry    *board.Entry
	Position journal.Position
	// What it did, in words.
	What string
}

// Page is a part of what a query asks for: each dashboard's entries, the newest first.
type Page struct {
	Lines []Line
	// Next is where the page after this begins, nil if there is none. A page may be short,
	// even empty, and have one: so much was looked at.
	Next *Place
	// Work is what was done for it: records read, or what takes as long.
	Work int
	// Trimmed says that older entries of a dashboard are not kept any more (A5).
	Trimmed bool
	// Damaged are dashboards whose logs could not be read on.
	Damaged []Damage
}

// Damage is a log that cannot be read.
type Damage struct {
	Dashboard string
	Err       error
}

// The bounds of one page, in records read, or what takes as long.
const (
	maxWork      = 2_000
	chunk        = 256
	documentWork = 500 // reading a document of the past
	listWork     = 1   // finding a dashboard in the list
)

// slack is by how much clocks may have differed or been set back: records that were
// stored longer than that before Since end the reading of a log.
const slack = time.Hour

// errTooMuch ends a page whose work is done.
var errTooMuch = errors.New("trail: enough was looked at")

// reading is one page on its way.
type reading struct {
	Source
	q    Query
	page Page
	work int
	rest Place // where to go on if it ends now
}

// Read reads a page. The error is about the list of dashboards, or ctx's.
func (s Source) Read(ctx context.Context, q Query) (Page, error) {
	r := &reading{Source: s, q: q}
	var err error
	if q.Dashboard != "" {
		r.rest = Place{Dashboard: q.Dashboard, Before: q.From.Before}
		err = r.dashboard(ctx, q.Dashboard, q.From.Before)
	} else {
		err = r.all(ctx)
	}
	r.page.Work = r.work
	if errors.Is(err, errTooMuch) {
		next := r.rest
		r.page.Next, err = &next, nil
	}
	return r.page, err
}

// all reads dashboard after dashboard.
func (r *reading) all(ctx context.Context) error {
	after := ""
	if from := r.q.From; from.Dashboard != "" {
		if from.Before > 0 {
			r.rest = from
			if err := r.dashboard(ctx, from.Dashboard, from.Before); err != nil {
				return err
			}
		}
		after = from.Dashboard
	}
	for {
		infos, err := r.Journal.List(ctx, after, 200)
		if err != nil {
			return fmt.Errorf("listing dashboards: %w", err)
		}
		if len(infos) == 0 {
			return nil
		}
		for _, info := range infos {
			r.rest = Place{Dashboard: after}
			if err := r.spend(listWork); err != nil {
				return err
			}
			after = info.DashboardID
			if since := r.q.Since; !since.IsZero() && info.Time.Before(since.Add(-slack)) {
				continue
			}
			r.rest = Place{Dashboard: after, Before: info.Head + 1}
			if err := r.dashboard(ctx, after, info.Head+1); err != nil {
				return err
			}
		}
	}
}

// dashboard reads one log from a position back. What is wrong with it is told, and
// keeps no other from being read.
func (r *reading) dashboard(ctx context.Context, id string, before journal.Position) error {
	err := r.log(ctx, id, before)
	switch {
	case err == nil, errors.Is(err, errTooMuch):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	r.page.Damaged = append(r.page.Damaged, Damage{id, err})
	return nil
}

func (r *reading) log(ctx context.Context, id string, before journal.Position) error {
	if before == 0 {
		head, _, err := r.Journal.Head(ctx, id)
		if err != nil {
			return err
		}
		before = head + 1
	}
	low := r.q.After
	for before > low+1 {
		r.rest = Place{Dashboard: id, Before: before}
		from := max(low, before-1-min(before-1, chunk))
		records, err := r.records(ctx, id, from, before-1)
		if errors.Is(err, journal.ErrTrimmed) {
			r.page.Trimmed = true
			if low, err = r.oldest(ctx, id, from, before-1); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if err := r.lines(ctx, id, records); err != nil {
			return err
		}
		if since := r.q.Since; !since.IsZero() && len(records) > 0 && records[len(records)-1].Time.Before(since.Add(-slack)) {
			return nil
		}
		before = from + 1
	}
	return nil
}

// records reads those after a position, up to another.
func (r *reading) records(ctx context.Context, id string, after, upTo journal.Position) ([]journal.Record, error) {
	if err := r.spend(int(upTo - after)); err != nil {
		return nil, err
	}
	records := make([]journal.Record, 0, upTo-after)
	for rec, err := range r.Journal.Read(ctx, id, after) {
		if err != nil {
			return nil, err
		}
		if rec.Position > upTo {
			break
		}
		records = append(records, rec)
	}
	return records, nil
}

// oldest finds the position after which all records are kept, between one that is not
// kept and one that may be.
func (r *reading) oldest(ctx context.Context, id string, gone, kept journal.Position) (journal.Position, error) {
	for gone+1 < kept {
		middle := gone + (kept-gone)/2
		_, err := r.records(ctx, id, middle, middle+1)
		switch {
		case errors.Is(err, journal.ErrTrimmed):
			gone = middle
		case err != nil:
			return 0, err
		default:
			kept = middle
		}
	}
	return kept, nil
}

// lines picks from records, which follow on one another, the newest first.
func (r *reading) lines(ctx context.Context, id string, records []journal.Record) error {
	entries := make([]*board.Entry, len(records))
	first, picked := -1, 0
	for i, rec := range records {
		e, err := board.ParseRecord(rec.Data)
		if err != nil {
			return fmt.Errorf("the record at position %d: %w", rec.Position, err)
		}
		entries[i] = e
		if r.q.Match(e) {
			picked++
			if first < 0 {
				first = i
			}
		}
	}
	if picked == 0 {
		return nil
	}
	what, err := r.words(ctx, id, records, entries, first)
	if err != nil {
		return err
	}
	for i := len(entries) - 1; i >= first; i-- {
		if !r.q.Match(entries[i]) {
			continue
		}
		if len(r.page.Lines) == r.q.Limit {
			return errTooMuch
		}
		r.page.Lines = append(r.page.Lines, Line{entries[i], records[i].Position, what[i]})
		r.rest.Before = records[i].Position
	}
	return nil
}

// words says what each picked entry did.
func (r *reading) words(ctx context.Context, id string, records []journal.Record, entries []*board.Entry, first int) ([]string, error) {
	var doc *board.Document
	if r.DocumentAt != nil && entries[first].Version > 1 {
		if err := r.spend(documentWork); err != nil && len(r.page.Lines) > 0 {
			return nil, err
		}
		doc, _ = r.DocumentAt(ctx, id, records[first].Position-1) // ids will do
	}
	what := make([]string, len(entries))
	for i := first; i < len(entries); i++ {
		e := entries[i]
		if e.Version == 1 {
			doc = board.NewState(id).Document()
		}
		if r.q.Match(e) {
			what[i] = words.Entry(e, doc)
		}
		if doc != nil {
			doc = e.Change.ApplyTo(doc)
		}
	}
	return what, nil
}

// spend takes from the page's work. The first step is always done, so that each page
// comes further than the one before.
func (r *reading) spend(n int) error {
	if r.work > 0 && r.work+n > maxWork {
		return errTooMuch
	}
	r.work += n
	return nil
}

package memjournal

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/dashwire/dashwire/journal"
)

// Options of a Journal; the zero value is ready to use.
type Options struct {
	// Now is the clock for Record.Time; time.Now if nil.
	Now func() time.Time
	// Fault is asked before each append what happens to it; nil means None for all.
	// It is called without a lock held, may block (that is how an append is
	// delayed) and may be called at once by several appends. The append is only to
	// be looked at.
	Fault func(ctx context.Context, a journal.Append) Fault
}

// Journal is a journal.Journal in memory.
type Journal struct {
	now   func() time.Time
	fault func(ctx context.Context, a journal.Append) Fault
	feed  journal.Feed

	mu   sync.RWMutex
	logs map[string]*log
	ids  []string // of logs, sorted
	late []journal.Append
}

// log is one dashboard's; what its slices hold is never changed once stored.
type log struct {
	base      journal.Position // what the log begins after
	records   []journal.Record // records[i] has position base+i+1
	snapshots []journal.Snapshot
	summary   []byte
}

func (l *log) head() journal.Position { return l.base + journal.Position(len(l.records)) }

var _ journal.Journal = (*Journal)(nil)

// New returns an empty journal.
func New(o Options) *Journal {
	j := &Journal{now: o.Now, fault: o.Fault, logs: make(map[string]*log)}
	if j.now == nil {
		j.now = time.Now
	}
	return j
}

// Append implements journal.Journal.
func (j *Journal) Append(ctx context.Context, a journal.Append) (journal.Durability, error) {
	if err := a.Validate(); err != nil {
		return journal.Memory, err
	}
	fault := None
	if j.fault != nil {
		fault = j.fault(ctx, a)
	}
	switch fault {
	case Refuse:
		return journal.Memory, fmt.Errorf("append to %s: %w", a.DashboardID, journal.ErrUnavailable)
	case LoseBefore:
		return journal.Memory, fmt.Errorf("append to %s: %w", a.DashboardID, journal.ErrUnknown)
	}
	if err := ctx.Err(); err != nil {
		return journal.Memory, fmt.Errorf("append to %s: nothing stored: %w: %w", a.DashboardID, journal.ErrUnavailable, err)
	}
	a = cloneAppend(a)
	j.mu.Lock()
	defer j.mu.Unlock()
	if fault == LoseLate {
		j.late = append(j.late, a)
		return journal.Memory, fmt.Errorf("append to %s: %w", a.DashboardID, journal.ErrUnknown)
	}
	o := j.appendLocked(a)
	switch {
	case fault == LoseAfter:
		return journal.Memory, fmt.Errorf("append to %s: %w", a.DashboardID, journal.ErrUnknown)
	case o == moved:
		return journal.Memory, fmt.Errorf("append to %s after %d: %w", a.DashboardID, a.After, journal.ErrMoved)
	case o == trimmed:
		return journal.Memory, fmt.Errorf("append to %s after %d: %w", a.DashboardID, a.After, journal.ErrTrimmed)
	}
	return journal.Memory, nil
}

type outcome int

const (
	appended outcome = iota
	identical
	moved
	trimmed
)

// appendLocked compares and appends; it keeps the slices of a.
func (j *Journal) appendLocked(a journal.Append) outcome {
	l := j.logs[a.DashboardID]
	switch {
	case l != nil && l.head() != a.After:
		return l.compare(a)
	case l == nil && a.After > 0 && !a.Begins:
		return moved
	case l == nil:
		l = j.logLocked(a.DashboardID)
		l.base = a.After
	}
	now := j.now()
	for i, r := range a.Records {
		l.records = append(l.records, journal.Record{Position: a.After + journal.Position(i) + 1, Time: now, Data: r})
	}
	l.summary = a.Summary
	j.feed.Publish(journal.Delivery{DashboardID: a.DashboardID, After: a.After, Records: a.Records})
	return appended
}

// compare decides an append that is not at the head by what stands in the log.
func (l *log) compare(a journal.Append) outcome {
	head := l.head()
	if a.After > head || journal.Position(len(a.Records)) > head-a.After {
		return moved
	}
	if a.After < l.base {
		return trimmed
	}
	for i, r := range a.Records {
		if !bytes.Equal(l.records[int(a.After-l.base)+i].Data, r) {
			return moved
		}
	}
	return identical
}

func (j *Journal) logLocked(id string) *log {
	l := j.logs[id]
	if l == nil {
		l = &log{}
		j.logs[id] = l
		i, _ := slices.BinarySearch(j.ids, id)
		j.ids = slices.Insert(j.ids, i, id)
	}
	return l
}

// Head implements journal.Journal.
func (j *Journal) Head(ctx context.Context, dashboardID string) (journal.Position, journal.Durability, error) {
	if err := ctx.Err(); err != nil {
		return 0, journal.Memory, fmt.Errorf("head of %s: %w", dashboardID, err)
	}
	j.mu.RLock()
	defer j.mu.RUnlock()
	if l := j.logs[dashboardID]; l != nil {
		return l.head(), journal.Memory, nil
	}
	return 0, journal.Memory, nil
}

// Read implements journal.Journal.
func (j *Journal) Read(ctx context.Context, dashboardID string, after journal.Position) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(journal.Record{}, fmt.Errorf("read %s: %w", dashboardID, err))
			return
		}
		var records []journal.Record
		base := journal.Position(0)
		j.mu.RLock()
		if l := j.logs[dashboardID]; l != nil && after < l.head() {
			base = l.base
			records = l.records[max(after, base)-base:]
		}
		j.mu.RUnlock()
		if after < base {
			yield(journal.Record{}, fmt.Errorf("read %s: %w: the oldest record kept is %d", dashboardID, journal.ErrTrimmed, base+1))
			return
		}
		for _, r := range records {
			if err := ctx.Err(); err != nil {
				yield(journal.Record{}, fmt.Errorf("read %s: %w", dashboardID, err))
				return
			}
			r.Data = bytes.Clone(r.Data)
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Snapshot implements journal.Journal.
func (j *Journal) Snapshot(ctx context.Context, dashboardID string, atMost journal.Position) (journal.Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return journal.Snapshot{}, fmt.Errorf("snapshot of %s: %w", dashboardID, err)
	}
	j.mu.RLock()
	defer j.mu.RUnlock()
	l := j.logs[dashboardID]
	if l == nil {
		return journal.Snapshot{}, nil
	}
	for _, s := range slices.Backward(l.snapshots) {
		if s.Position <= atMost {
			return journal.Snapshot{Position: s.Position, Data: bytes.Clone(s.Data)}, nil
		}
	}
	return journal.Snapshot{}, nil
}

// SaveSnapshot implements journal.Journal.
func (j *Journal) SaveSnapshot(ctx context.Context, dashboardID string, s journal.Snapshot) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("save snapshot of %s: %w", dashboardID, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	l := j.logs[dashboardID]
	if l == nil || s.Position > l.head() {
		return fmt.Errorf("save snapshot of %s: %w: position %d is after the head", dashboardID, journal.ErrInvalid, s.Position)
	}
	s.Data = bytes.Clone(s.Data)
	i, again := slices.BinarySearchFunc(l.snapshots, s.Position, func(e journal.Snapshot, p journal.Position) int {
		return int(int64(e.Position) - int64(p))
	})
	if again {
		l.snapshots[i] = s
		return nil
	}
	l.snapshots = slices.Insert(l.snapshots, i, s)
	all := make([]journal.Position, len(l.snapshots))
	for i, s := range l.snapshots {
		all[i] = s.Position
	}
	spare := journal.SpareSnapshots(all)
	l.snapshots = slices.DeleteFunc(l.snapshots, func(old journal.Snapshot) bool { return slices.Contains(spare, old.Position) })
	return nil
}

// List implements journal.Journal.
func (j *Journal) List(ctx context.Context, afterID string, limit int) ([]journal.Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("list dashboards: %w", err)
	}
	j.mu.RLock()
	defer j.mu.RUnlock()
	i, found := slices.BinarySearch(j.ids, afterID)
	if found {
		i++
	}
	ids := j.ids[i:]
	ids = ids[:min(len(ids), max(limit, 0))]
	infos := make([]journal.Info, len(ids))
	for i, id := range ids {
		l := j.logs[id]
		last := l.records[len(l.records)-1]
		infos[i] = journal.Info{DashboardID: id, Head: last.Position, Time: last.Time, Summary: bytes.Clone(l.summary)}
	}
	return infos, nil
}

// Follow implements journal.Journal.
func (j *Journal) Follow(ctx context.Context, deliver func(journal.Delivery)) error {
	return j.feed.Follow(ctx, deliver)
}

package room

import (
	"context"
	"fmt"
	"strconv"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/journal"
)

// snapshotEvery is the number of entries between two snapshots (A5).
const snapshotEvery = 1000

// snapshotState is guarded by Room.mu.
type snapshotState struct {
	next   journal.Position // at which one is due
	saved  journal.Position // of the newest one
	saving bool
}

// loaded notes the snapshot that a room was opened from.
func (s *snapshotState) loaded(saved journal.Position) {
	s.saved, s.next = saved, saved+snapshotEvery
}

// snapshotIfDueLocked has a snapshot saved in the background every snapshotEvery
// entries, so that opening stays short (A5).
func (r *Room) snapshotIfDueLocked() {
	s := &r.snapshots
	if s.saving || journal.Position(r.committed.Position()) < s.next {
		return
	}
	state := r.committed
	r.users.Add(1)
	s.saving = r.hub.tasks.Go(func() {
		defer r.release()
		r.save(r.hub.ctx, state)
	})
	if !s.saving {
		r.users.Add(-1)
	}
}

// saveLast saves a snapshot of a room that is being closed, if it has moved on
// enough since the last for the next opening to gain from it.
func (r *Room) saveLast(ctx context.Context) {
	const worth = 100
	r.mu.Lock()
	state := r.committed
	gain := state != nil && journal.Position(state.Position()) >= r.snapshots.saved+worth
	r.mu.Unlock()
	if gain {
		r.save(ctx, state)
	}
}

// save stores a snapshot. Losing one loses no data, so an error is only reported,
// and the next try waits for some entries.
func (r *Room) save(ctx context.Context, state *board.State) {
	const wait = snapshotEvery / 10
	position := journal.Position(state.Position())
	err := r.hub.cfg.Journal.SaveSnapshot(ctx, r.id, journal.Snapshot{
		Position: position, Data: state.AppendSnapshot(nil),
	})
	if err != nil {
		r.hub.reportTrouble(fmt.Errorf("saving a snapshot of %s: %w", r.id, err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.snapshots.saving = false
	if err != nil {
		r.snapshots.next = position + wait
		return
	}
	r.snapshots.loaded(position)
}

// Summary is what the list of dashboards shows of one without opening it.
type Summary struct {
	Title   string `json:"title,omitzero"`
	Epoch   string `json:"epoch"`
	Version uint64 `json:"version"`
	Widgets int    `json:"widgets"`
	// Deleted is when the dashboard was deleted, in Unix milliseconds, 0 = it is there.
	Deleted int64 `json:"deleted,omitzero"`
}

// summaryTitle is the longest title kept in a summary, in bytes.
const summaryTitle = 512

// summaryBytes is room for a summary with a short title.
const summaryBytes = 128

// summary encodes a Summary of a state. Of a deleted dashboard it tells the title and
// the widgets of the state before, by which a person knows it again.
func summary(s, before *board.State) []byte {
	shown := s
	if s.Deleted() {
		shown = before
	}
	dst := append(make([]byte, 0, summaryBytes), `{"epoch":"`...)
	dst = append(dst, s.Epoch()...) // an id: nothing to escape
	dst = append(dst, `","version":`...)
	dst = strconv.AppendUint(dst, s.Version(), 10)
	dst = append(dst, `,"widgets":`...)
	dst = strconv.AppendInt(dst, int64(shown.WidgetCount()), 10)
	if title, ok := shown.Settings().Get("/title"); ok && title.Kind() == '"' && len(title) <= summaryTitle {
		dst = append(dst, `,"title":`...)
		dst = append(dst, title...)
	}
	if s.Deleted() {
		dst = append(dst, `,"deleted":`...)
		dst = strconv.AppendInt(dst, s.DeletedAt().UnixMilli(), 10)
	}
	return append(dst, '}')
}

// ParseSummary reads what summary made.
func ParseSummary(data []byte) (Summary, error) {
	var s Summary
	if err := jsontext.Decode(data, &s); err != nil {
		return s, fmt.Errorf("reading a dashboard's summary: %w", err)
	}
	return s, nil
}

package room

import (
	"fmt"
	"strconv"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/journal"
)

// snapshotState is guarded by Room.mu.
type snapshotState struct {
	saved  journal.Position // of the newest snapshot saved or being saved
	saving bool
}

// snapshotIfDueLocked has a snapshot saved in the background every snapshotEvery
// entries, so that opening stays short (A5).
func (r *Room) snapshotIfDueLocked() {
	position := journal.Position(r.committed.Position())
	if r.snapshots.saving || position/snapshotEvery == r.snapshots.saved/snapshotEvery {
		return
	}
	r.snapshots.saving = true
	r.snapshots.saved = position
	state := r.committed
	r.users.Add(1)
	r.hub.wg.Go(func() {
		defer r.release()
		r.save(state)
		r.mu.Lock()
		r.snapshots.saving = false
		r.mu.Unlock()
	})
}

// saveLast saves a snapshot of a room that is being closed, if it has moved on
// enough since the last for the next opening to gain from it.
func (r *Room) saveLast() {
	if r.loadErr != nil {
		return
	}
	state := r.head()
	const worth = 100
	if journal.Position(state.Position()) >= r.snapshots.saved+worth {
		r.save(state)
	}
}

// save stores a snapshot. Losing one loses no data, so an error is only reported.
func (r *Room) save(state *board.State) {
	err := r.hub.cfg.Journal.SaveSnapshot(r.hub.ctx, r.id, journal.Snapshot{
		Position: journal.Position(state.Position()),
		Data:     state.AppendSnapshot(nil),
	})
	if err != nil && r.hub.ctx.Err() == nil {
		r.hub.report(fmt.Errorf("saving a snapshot of %s: %w", r.id, err), "")
	}
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

// summary encodes a Summary of a state.
func summary(s *board.State) []byte {
	dst := append([]byte(nil), `{"epoch":"`...)
	dst = append(dst, s.Epoch()...) // an id: nothing to escape
	dst = append(dst, `","version":`...)
	dst = strconv.AppendUint(dst, s.Version(), 10)
	dst = append(dst, `,"widgets":`...)
	dst = strconv.AppendInt(dst, int64(s.WidgetCount()), 10)
	if title, ok := s.Settings().Get("/title"); ok && title.Kind() == '"' && len(title) <= summaryTitle {
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

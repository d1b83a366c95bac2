package sqlitejournal

import (
	"context"
	"fmt"

	"github.com/dashwire/dashwire/journal"
)

// begin makes durable that a log which does not exist begins after a position: a row that
// counts so many records and says that they are trimmed. The append itself follows as any
// other; a crash in between leaves a log without records, and the repeat finds it. An error
// is the answer to the rest of the group too: it may be in the file, so that nothing else
// may begin the log before that is known.
func (w *writer) begin(t *tail, a journal.Append) error {
	_ = w.awaitTables() // who writes the file is one at a time
	if w.j.broken.Load() {
		return fmt.Errorf("%w: the files are opened again", journal.ErrUnavailable)
	}
	if w.nextKey > maxDashboards {
		return errTooMany
	}
	r := newRow{key: w.nextKey, id: t.id, time: max(w.lastTime, w.j.opts.Now().UnixMilli()), summary: a.Summary, after: a.After}
	err := insertRow(context.Background(), w.j.handle.finder, r)
	if err == nil {
		err = w.wal.sync(w.j.path)
	}
	switch classify(err) {
	case noFailure:
	case full, busy:
		w.noRoom(err)
		return unavailable(err)
	default:
		w.broke(writeFailed, err)
		return unavailable(err)
	}
	w.nextKey++
	x := &w.j.tails
	x.mu.Lock()
	t.key, t.head, t.next = r.key, a.After, a.After
	x.mu.Unlock()
	return nil
}

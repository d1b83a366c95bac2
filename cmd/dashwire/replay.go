package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/journal"
)

// stateAt folds a dashboard's log up to a position, from the newest snapshot before.
func stateAt(ctx context.Context, j journal.Journal, id string, at journal.Position) (*board.State, error) {
	snapshot, err := j.Snapshot(ctx, id, at)
	if err != nil {
		return nil, err
	}
	state := board.NewState(id)
	if snapshot.Position > 0 {
		if state, err = board.ParseSnapshot(snapshot.Data); err != nil {
			return nil, fmt.Errorf("the snapshot at %d: %w", snapshot.Position, err)
		}
	}
	if snapshot.Position == at {
		return state, nil
	}
	for rec, err := range j.Read(ctx, id, snapshot.Position) {
		if err != nil {
			return nil, err
		}
		if state, err = foldRecord(state, rec); err != nil {
			return nil, err
		}
		if rec.Position == at {
			return state, nil
		}
	}
	return nil, fmt.Errorf("the log ends before position %d: %w", at, journal.ErrCorrupt)
}

// errFold is a record that cannot follow what stands before it.
var errFold = errors.New("does not follow from what stands before it")

func foldRecord(state *board.State, rec journal.Record) (*board.State, error) {
	e, err := board.ParseRecord(rec.Data)
	if err != nil {
		return nil, fmt.Errorf("the record at %d: %w", rec.Position, err)
	}
	next, err := state.Fold(e)
	if err != nil {
		return nil, fmt.Errorf("the record at %d %w: %w", rec.Position, errFold, err)
	}
	return next, nil
}

func summaryOf(info journal.Info) (room.Summary, error) { return room.ParseSummary(info.Summary) }

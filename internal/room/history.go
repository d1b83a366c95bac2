package room

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/journal"
)

// logged is an entry with its envelope as it goes over the wire.
type logged struct {
	entry    *board.Entry
	envelope []byte
}

// positionOf returns the position of a version in the epoch that state is in.
func positionOf(state *board.State, version uint64) journal.Position {
	return journal.Position(state.Position() - (state.Version() - version))
}

// entriesAfter yields the entries after a version of the epoch that state is in,
// from the tail if it keeps them all, else from the journal.
func (h *Hub) entriesAfter(ctx context.Context, r *Room, state *board.State, version uint64) iter.Seq2[logged, error] {
	return func(yield func(logged, error) bool) {
		if entries, framed, ok := r.tail.entries(version); ok {
			for i, e := range entries {
				payload, _ := wire.NextFrame(framed[i])
				if !yield(logged{e, payload}, nil) {
					return
				}
			}
			return
		}
		for rec, err := range h.cfg.Journal.Read(ctx, r.id, positionOf(state, version)) {
			if err != nil {
				yield(logged{}, err)
				return
			}
			e, err := board.ParseRecord(rec.Data)
			if err != nil {
				yield(logged{}, fmt.Errorf("reading the record at position %d: %w", rec.Position, err))
				return
			}
			if !yield(logged{e, board.EnvelopeOf(rec.Data)}, nil) || uint64(rec.Position) >= state.Position() {
				return
			}
		}
	}
}

// StateAt returns a dashboard as it was at a version of its present epoch. The
// codes are GONE (the log no longer has it), NOT_FOUND, BAD_VERSION, UNAVAILABLE.
func (h *Hub) StateAt(ctx context.Context, id string, version uint64) (*board.State, *board.Error) {
	now, err := h.State(ctx, id)
	if err != nil {
		return nil, err
	}
	return h.stateAt(ctx, now, version)
}

func (h *Hub) stateAt(ctx context.Context, now *board.State, version uint64) (*board.State, *board.Error) {
	switch {
	case version == now.Version():
		return now, nil
	case version > now.Version():
		return nil, board.Errorf(board.CodeBadVersion, "version %d is not there yet; the newest is %d", version, now.Version())
	}
	position := positionOf(now, version)
	state, err := h.replay(ctx, now.ID(), position, nil)
	if err != nil {
		return nil, gone(err, version)
	}
	if state.Epoch() != now.Epoch() || state.Version() != version {
		return nil, board.Errorf(board.CodeGone, "version %d is no longer in the log", version)
	}
	return state, nil
}

func gone(err error, version uint64) *board.Error {
	if errors.Is(err, journal.ErrTrimmed) {
		return &board.Error{Code: board.CodeGone, Message: fmt.Sprintf("version %d is no longer in the log", version), Cause: err}
	}
	return unavailable(err)
}

// State returns the newest durable state of a dashboard. One that does not exist is
// a state of version 0.
func (h *Hub) State(ctx context.Context, id string) (*board.State, *board.Error) {
	r, err := h.acquire(ctx, id)
	if err != nil {
		return nil, err
	}
	defer r.release()
	return r.head(), nil
}

// History returns the entries of a dashboard's present epoch with versions after
// from and up to to, at most limit of them.
func (h *Hub) History(ctx context.Context, id string, from, to uint64, limit int) ([]*board.Entry, *board.Error) {
	state, err := h.State(ctx, id)
	if err != nil {
		return nil, err
	}
	if from >= state.Version() {
		return nil, nil
	}
	var entries []*board.Entry
	for rec, err := range h.cfg.Journal.Read(ctx, id, positionOf(state, from)) {
		if err != nil {
			return nil, gone(err, from+1)
		}
		e, err := board.ParseRecord(rec.Data)
		if err != nil {
			return nil, unavailable(fmt.Errorf("reading the record at position %d: %w", rec.Position, err))
		}
		if e.Version > to || len(entries) == limit || e.Epoch != state.Epoch() {
			break
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// entryAt reads one entry of the epoch that state is in.
func (h *Hub) entryAt(ctx context.Context, state *board.State, version uint64) (*board.Entry, error) {
	for rec, err := range h.cfg.Journal.Read(ctx, state.ID(), positionOf(state, version-1)) {
		if err != nil {
			return nil, fmt.Errorf("reading version %d: %w", version, err)
		}
		return board.ParseRecord(rec.Data)
	}
	return nil, fmt.Errorf("reading version %d: %w", version, journal.ErrTrimmed)
}

// history reads what an op needs from the past (M9, L6).
func (h *Hub) history(ctx context.Context, now *board.State, need *board.Need) (*board.History, *board.Error) {
	out := &board.History{Epoch: now.Epoch(), Version: need.Layouts}
	if need.Layouts > 0 {
		state, err := h.stateAt(ctx, now, need.Layouts)
		if err != nil {
			return nil, err
		}
		out.Layouts = make(map[string]*board.Layout)
		for name, l := range state.Layouts() {
			out.Layouts[name] = l
		}
	}
	if len(need.Deleted) > 0 {
		out.Deleted = make(map[string]board.DeletedWidget, len(need.Deleted))
	}
	for id, version := range need.Deleted {
		was := board.DeletedWidget{Version: version}
		state, err := h.stateAt(ctx, now, version-1)
		switch {
		case err != nil && err.Code == board.CodeGone:
			was.Gone = true
		case err != nil:
			return nil, err
		default:
			was.Value, _ = state.Widget(id)
			was.Places = make(map[string]board.Rect)
			for name, l := range state.Layouts() {
				if rect, ok := l.Items[id]; ok {
					was.Places[name] = rect
				}
			}
		}
		out.Deleted[id] = was
	}
	return out, nil
}

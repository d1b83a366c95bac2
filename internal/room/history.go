package room

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/journal"
)

// logged is an entry as it stands in the log, with its envelope as it goes over the
// wire.
type logged struct {
	version  uint64
	deletes  bool   // the dashboard
	head     []byte // of the record (board.Record.Head)
	envelope []byte
	read     *board.Entry // nil if nobody had to
}

// entry reads the entry.
func (l logged) entry() (*board.Entry, error) {
	if l.read != nil {
		return l.read, nil
	}
	e, err := board.ParseRecord(board.RecordOf(l.head, l.envelope))
	if err != nil {
		return nil, fmt.Errorf("reading the record of version %d: %w", l.version, err)
	}
	return e, nil
}

// positionOf returns the position of a version in the epoch that state is in.
func positionOf(state *board.State, version uint64) journal.Position {
	return journal.Position(state.Position() - (state.Version() - version))
}

// entriesAfter yields the entries after a version of the epoch that state is in,
// from the tail if it keeps them all, else from the journal.
func (h *Hub) entriesAfter(ctx context.Context, r *Room, state *board.State, version uint64) iter.Seq2[logged, error] {
	return func(yield func(logged, error) bool) {
		epoch, _ := state.Head()
		if heads, framed, ok := r.tail.parts(epoch, version); ok {
			for i, head := range heads {
				payload, _ := wire.NextFrame(framed[i])
				// What deletes the dashboard leaves no tail behind it.
				if !yield(logged{version: version + uint64(i) + 1, head: head, envelope: payload}, nil) {
					return
				}
			}
			return
		}
		for rec, err := range journal.ReadRange(ctx, h.cfg.Journal, r.id, positionOf(state, version), journal.Position(state.Position())) {
			if err != nil {
				yield(logged{}, err)
				return
			}
			e, err := board.ParseRecord(rec.Data)
			if err != nil {
				yield(logged{}, fmt.Errorf("reading the record at position %d: %w", rec.Position, err))
				return
			}
			record := board.Record{Data: rec.Data, Envelope: board.EnvelopeOf(rec.Data)}
			l := logged{
				version: e.Version, deletes: e.Type == board.TypeDashboardDelete,
				head: record.Head(), envelope: record.Envelope, read: e,
			}
			if !yield(l, nil) {
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
	return h.stateAt(ctx, past{now: now}, version)
}

// past is what can be looked back to from a state.
type past struct {
	now *board.State
	// recent are states on the way to now that the journal may not have yet.
	recent []*board.State
}

// near returns the state at a position if it is at hand, else the nearest before it
// that saves reading a snapshot, nil if none does.
func (p past) near(position journal.Position) *board.State {
	var best *board.State
	for _, s := range append(p.recent, p.now) {
		at := journal.Position(s.Position())
		if at <= position && position-at <= snapshotEvery && (best == nil || at > journal.Position(best.Position())) {
			best = s
		}
	}
	return best
}

func (h *Hub) stateAt(ctx context.Context, p past, version uint64) (*board.State, *board.Error) {
	now := p.now
	if version > now.Version() {
		return nil, board.Errorf(board.CodeBadVersion, "version %d is not there yet; the newest is %d", version, now.Version())
	}
	position := positionOf(now, version)
	state := p.near(position)
	var err error
	if state != nil {
		state, err = h.foldOn(ctx, state, position)
	} else {
		state, _, err = h.replay(ctx, now.ID(), position)
	}
	if err != nil {
		return nil, gone(err, version)
	}
	if version > 0 && state.Epoch() != now.Epoch() || journal.Position(state.Position()) != position {
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

// DocumentAt is a dashboard as it was at a position of its log, in whichever epoch that
// was. A log that does not begin there any more is journal.ErrTrimmed.
func (h *Hub) DocumentAt(ctx context.Context, id string, at journal.Position) (*board.Document, error) {
	state, _, err := h.replay(ctx, id, at)
	if err != nil {
		return nil, err
	}
	if journal.Position(state.Position()) != at {
		return nil, fmt.Errorf("dashboard %s at position %d: %w", id, at, journal.ErrTrimmed)
	}
	return state.Document(), nil
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
	if from >= state.Version() || limit <= 0 {
		return nil, nil
	}
	var entries []*board.Entry
	to = min(to, state.Version())
	for rec, err := range journal.ReadRange(ctx, h.cfg.Journal, id, positionOf(state, from), positionOf(state, to)) {
		if err != nil {
			return nil, gone(err, from+1)
		}
		e, err := board.ParseRecord(rec.Data)
		if err != nil {
			return nil, unavailable(fmt.Errorf("reading the record at position %d: %w", rec.Position, err))
		}
		if e.Epoch != state.Epoch() {
			break
		}
		if entries = append(entries, e); len(entries) == limit {
			break
		}
	}
	return entries, nil
}

// entryAt reads one entry of the epoch that state is in.
func (h *Hub) entryAt(ctx context.Context, state *board.State, version uint64) (*board.Entry, error) {
	for rec, err := range journal.ReadRange(ctx, h.cfg.Journal, state.ID(), positionOf(state, version-1), positionOf(state, version)) {
		if err != nil {
			return nil, fmt.Errorf("reading version %d: %w", version, err)
		}
		return board.ParseRecord(rec.Data)
	}
	return nil, fmt.Errorf("reading version %d: %w", version, journal.ErrTrimmed)
}

// history reads what an op needs from the past (M8, M9, L6): in the order of the log, so
// that what lies close together is read once.
func (h *Hub) history(ctx context.Context, p past, need *board.Need) (*board.History, *board.Error) {
	out := &board.History{Epoch: p.now.Epoch(), Version: need.Layouts}
	if len(need.Committed) > 0 {
		out.Committed = make(map[uint64]*board.Entry, len(need.Committed))
	}
	for _, version := range need.Committed {
		e, err := h.entryAt(ctx, p.now, version)
		if err != nil {
			return nil, unavailable(err)
		}
		out.Committed[version] = e
	}
	byVersion := make(map[uint64][]string, len(need.Deleted))
	versions := make([]uint64, 0, len(need.Deleted)+1)
	for id, version := range need.Deleted {
		if byVersion[version-1] == nil {
			versions = append(versions, version-1)
		}
		byVersion[version-1] = append(byVersion[version-1], id)
	}
	if need.Layouts > 0 {
		versions = append(versions, need.Layouts)
	}
	slices.Sort(versions)
	out.Deleted = make(map[string]board.DeletedWidget, len(need.Deleted))
	for _, version := range slices.Compact(versions) {
		state, err := h.stateAt(ctx, p, version)
		isGone := err != nil && err.Code == board.CodeGone
		if err != nil && !isGone {
			return nil, err
		}
		for _, id := range byVersion[version] {
			out.Deleted[id] = deletedWidget(state, id, version+1)
		}
		if isGone {
			continue
		}
		p.recent = append(p.recent, state)
		if version == need.Layouts {
			out.Layouts = make(map[string]*board.Layout)
			for name, l := range state.Layouts() {
				out.Layouts[name] = l
			}
		}
	}
	return out, nil
}

// deletedWidget is a widget as it was in the state before the entry that deleted it;
// nil = the log no longer has that.
func deletedWidget(state *board.State, id string, version uint64) board.DeletedWidget {
	was := board.DeletedWidget{Version: version, Gone: state == nil}
	if was.Gone {
		return was
	}
	was.Value, _ = state.Widget(id)
	was.Places = make(map[string]board.Rect)
	for name, l := range state.Layouts() {
		if rect, ok := l.Items[id]; ok {
			was.Places[name] = rect
		}
	}
	return was
}

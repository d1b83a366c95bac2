package room

import (
	"context"
	"fmt"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

const (
	// maxDelta is the most entries that a delta carries (R1).
	maxDelta = 1000
	// maxCompose is the most entries that are read to compose a difference (R5).
	maxCompose = 10_000
	// partBytes is the size above which a response is cut (R8).
	partBytes = 256 << 10
)

// view is what an answer to SYNC_REQUEST is made of.
type view struct {
	state   *board.State
	since   *wire.Since
	rewound bool
}

// view finds the state to answer from: never older than what the client has (R1),
// and never an empty dashboard only because this node has not heard yet.
func (r *Room) view(ctx context.Context, since *wire.Since, role auth.Role) (view, *board.Error) {
	v := view{state: r.head(), since: since}
	if r.mayBeBehind(v.state, since, role) {
		ctx, cancel := r.hub.bounded(ctx)
		defer cancel()
		position, _, err := r.hub.cfg.Journal.Head(ctx, r.id)
		if err == nil {
			err = r.waitFor(ctx, position)
		}
		if err != nil {
			return v, unavailable(err)
		}
		v.state = r.head()
	}
	epoch, version := v.state.Head()
	if since != nil && since.Epoch == epoch && since.Version > version {
		v.rewound, v.since = true, nil
		r.hub.reportSeldom(&r.hub.rewinds, fmt.Errorf("dashboard %s: a client has version %d of epoch %s, the log ends at %d: "+
			"was the data folder replaced by an older copy?", r.id, since.Version, epoch, version))
	}
	return v, r.visible(v.state, role)
}

// mayBeBehind reports whether the journal is to be asked if there is more: the
// client has seen what this node has not, or would hear that there is nothing.
func (r *Room) mayBeBehind(state *board.State, since *wire.Since, role auth.Role) bool {
	epoch, version := state.Head()
	switch {
	case version == 0 && role < auth.Editor:
		return true
	case since == nil || since.Epoch == "":
		return false
	}
	return since.Epoch != epoch || since.Version > version
}

// visible refuses who may not see that there is no dashboard (R6).
func (r *Room) visible(state *board.State, role auth.Role) *board.Error {
	if !exists(state) && role < auth.Editor {
		return board.Errorf(board.CodeNotFound, "there is no dashboard %q that you can see", r.id)
	}
	return nil
}

// respond encodes the SYNC_RESPONSE that brings a client to v.state, and sets the
// cursors on values and presence to what it holds.
func (r *Room) respond(ctx context.Context, v view, at *Cursors, req SubscribeRequest) [][]byte {
	now := r.hub.cfg.Clock.Now()
	resp, envelopes := r.response(ctx, v, at, req.Role, req.Host)
	if resp.Mode == wire.ModeDelta {
		return wire.SyncDeltaParts(req.CorrelationID, resp, envelopes, partBytes, now)
	}
	return wire.SyncSnapshotParts(req.CorrelationID, resp, r.document(v.state), partBytes, now)
}

// response is a SYNC_RESPONSE without its document; a delta comes with its entries.
func (r *Room) response(ctx context.Context, v view, at *Cursors, role auth.Role, host Host) (resp wire.SyncResponse, envelopes [][]byte) {
	resp = wire.SyncResponse{
		DashboardID: r.id, Epoch: at.Epoch, Version: at.Sent,
		Role: role.String(), Rewound: v.rewound, Stale: r.hub.Stale(), Mode: wire.ModeSnapshot,
	}
	if exists(v.state) {
		resp.Horizon = v.state.Horizon()
	}
	resp.Data, at.Values = r.values.all()
	resp.Presence, resp.Count, at.Presence = r.presence.all()
	envelopes, ok := r.delta(ctx, v, host)
	if ok {
		resp.Mode = wire.ModeDelta
	}
	return resp, envelopes
}

// Payload gives the payload of the SYNC_RESPONSE that brings a reader up to date who
// does not subscribe, in one piece however long it is (H1). The codes are NOT_FOUND
// and UNAVAILABLE.
func (h *Hub) Payload(ctx context.Context, req SubscribeRequest) ([]byte, *board.Error) {
	r, err := h.acquire(ctx, req.DashboardID)
	if err != nil {
		return nil, err
	}
	defer r.release()
	v, err := r.view(ctx, req.Since, req.Role)
	if err != nil {
		return nil, err
	}
	var at Cursors
	at.Epoch, at.Sent = v.state.Head()
	resp, envelopes := r.response(ctx, v, &at, req.Role, req.Host)
	var doc wire.DocumentSource
	if resp.Mode == wire.ModeSnapshot {
		doc = r.document(v.state)
	}
	return wire.AppendSyncResponsePayload(nil, resp, doc, envelopes), nil
}

// matches reports whether a client's place is on the log that state folds (R6).
func matches(since *wire.Since, epoch string) bool {
	return since != nil && (since.Epoch == epoch || since.Epoch == "" && since.Version == 0)
}

// delta returns the envelopes of the entries after v.since, if there are few enough
// and all of them are kept (R1).
func (r *Room) delta(ctx context.Context, v view, host Host) (envelopes [][]byte, ok bool) {
	epoch, version := v.state.Head()
	if !matches(v.since, epoch) || v.since.Version > version || version-v.since.Version > maxDelta {
		return nil, false
	}
	list, ok := r.recall(ctx, v.state, v.since.Version, max(v.state.Size(), 4<<10), host)
	if !ok || uint64(len(list)) != version-v.since.Version {
		return nil, false
	}
	envelopes = make([][]byte, len(list))
	for i, rec := range list {
		envelopes[i] = rec.envelope
	}
	return envelopes, true
}

// Behind tells that CatchUp will be called, and done that it was or will not be. Who fell behind with
// others shares the work with them though it is done for one after another.
func (s *Subscription) Behind() (done func()) { return s.room.differences.expect() }

// CatchUp brings a subscriber that fell behind what is kept ready back to the head:
// by one SYNC_UPDATE with the composed difference or, if that is larger or its start
// is gone, by a snapshot (R5). It may read the journal. The frames go out before
// anything else of that dashboard; after is where the cursors stand then.
func (s *Subscription) CatchUp(ctx context.Context, from Cursors, role auth.Role) (frames [][]byte, after Cursors) {
	r := s.room
	state := r.head()
	after.Epoch, after.Sent = state.Head()

	since := &wire.Since{Epoch: from.Epoch, Version: from.Sent}
	if from.Epoch == "" && from.Sent == 0 {
		since.Epoch = after.Epoch // subscribed before the dashboard's first entry
	}
	missed := after.Sent - from.Sent
	if since.Epoch == after.Epoch && from.Sent < after.Sent && missed <= maxCompose && r.presence.knows(from.Presence) {
		if frame, to, ok := r.composed(ctx, after.Epoch, from.Sent); ok {
			after.Sent = to
			after.Values, after.Presence = from.Values, from.Presence
			return [][]byte{frame}, after
		}
	}
	v := view{state: state}
	if since.Epoch == after.Epoch && missed == 0 {
		v.since = since // nothing but presence is missed
	}
	return r.respond(ctx, v, &after, SubscribeRequest{DashboardID: r.id, Role: role}), after
}

// composed frames the difference between a version and the head as one SYNC_UPDATE, if
// it is smaller than the document, and returns the head.
func (r *Room) composed(ctx context.Context, epoch string, from uint64) (frame []byte, to uint64, ok bool) {
	change, state, ok := r.differences.difference(ctx, r, epoch, from)
	if !ok {
		return nil, 0, false
	}
	_, to = state.Head()
	msg := wire.AppendSyncUpdate(nil, r.id, epoch, from, to, change, r.hub.cfg.Clock.Now())
	if len(msg) > max(state.Size(), 4<<10) {
		return nil, 0, false
	}
	return wire.AppendFrame(nil, msg), to, true
}

// documentCache holds the pieces of the newest document that somebody asked for, so
// that many who open a dashboard at once share the work.
type documentCache struct {
	state *board.State
	doc   wire.DocumentSource
}

// document returns the document of a state in the form that is sent.
func (r *Room) document(state *board.State) wire.DocumentSource {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.documents.state != state {
		r.documents = documentCache{state: state, doc: wire.NewDocumentSource(state)}
	}
	return r.documents.doc
}

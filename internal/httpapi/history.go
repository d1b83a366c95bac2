package httpapi

import (
	"net/http"
	"strconv"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
)

// history answers entries of a dashboard (E7), the newest first unless order=asc. A
// page is bounded by before (newest first) or after (oldest first), both exclusive.
func (q *request) history() *problem {
	id, p := q.dashboardID()
	if p != nil {
		return p
	}
	limit, p := q.number("limit", 1, pageMax, pageDefault)
	if p != nil {
		return p
	}
	ascending := false
	switch q.query().Get("order") {
	case "asc":
		ascending = true
	case "", "desc":
	default:
		return problemf(board.CodeBadMessage, "order is asc or desc: send one of them").at("order")
	}
	state, _, p := q.visible(id, auth.Viewer)
	if p != nil {
		return p
	}
	epoch, head := state.Head()
	from, to, p := q.span(ascending, head, uint64(limit))
	if p != nil {
		return p
	}
	var entries []*board.Entry
	if from < to {
		var err *board.Error
		if entries, err = q.api.cfg.Hub.History(q.r.Context(), id, from, to, limit); err != nil {
			return refused(err)
		}
	}
	dst := appendQuoted([]byte(`{"dashboardId":`), id)
	dst = appendQuoted(append(dst, `,"epoch":`...), epoch)
	dst = strconv.AppendUint(append(dst, `,"version":`...), head, 10)
	dst = strconv.AppendUint(append(dst, `,"horizon":`...), state.Horizon(), 10)
	dst = append(dst, `,"entries":[`...)
	for i := range entries {
		e := entries[i]
		if !ascending {
			e = entries[len(entries)-1-i]
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, board.EncodeRecord(e).Envelope...)
	}
	dst = append(dst, `],"next":`...)
	switch {
	case ascending && to < head:
		dst = strconv.AppendUint(dst, to, 10)
	case !ascending && from > 0:
		dst = strconv.AppendUint(dst, from+1, 10)
	default:
		dst = append(dst, "null"...)
	}
	q.answer(http.StatusOK, append(dst, '}'))
	return nil
}

// span is the versions of a page: those after from, up to to.
func (q *request) span(ascending bool, head, limit uint64) (from, to uint64, p *problem) {
	bound := func(name string, absent uint64) (uint64, *problem) {
		s := q.query().Get(name)
		if s == "" {
			return absent, nil
		}
		v, ok := parseVersion(s)
		if !ok {
			return 0, problemf(board.CodeBadVersion, "%s is a version: send the next of the page before", name).at(name)
		}
		return v, nil
	}
	if ascending {
		if from, p = bound("after", 0); p != nil {
			return 0, 0, p
		}
		from = min(from, head)
		return from, min(head, from+limit), nil
	}
	before, p := bound("before", head+1)
	if p != nil {
		return 0, 0, p
	}
	to = min(max(before, 1)-1, head)
	return to - min(to, limit), to, nil
}

// getVersion answers the document as it was.
func (q *request) getVersion() *problem {
	id, p := q.dashboardID()
	if p != nil {
		return p
	}
	state, p := q.stateAt(id, auth.Viewer)
	if p != nil {
		return p
	}
	epoch, version := state.Head()
	q.w.Header().Set("ETag", etag(epoch, version))
	q.answer(http.StatusOK, appendDocument(nil, state))
	return nil
}

// stateAt is a dashboard that is there, as it was at the version in the path.
func (q *request) stateAt(id string, want auth.Role) (*board.State, *problem) {
	version, p := q.pathVersion()
	if p != nil {
		return nil, p
	}
	if _, p := q.existing(id, want); p != nil {
		return nil, p
	}
	if version == 0 {
		return board.NewState(id), nil
	}
	state, err := q.api.cfg.Hub.StateAt(q.r.Context(), id, version)
	return state, refused(err)
}

// restoreBody is the body of POST /api/dashboards/{id}/restore.
type restoreBody struct {
	ToVersion *uint64 `json:"toVersion"`
}

// restore makes an older version the newest, as one entry. The names that versions
// have are kept.
func (q *request) restore() *problem {
	id, p := q.dashboardID()
	if p != nil {
		return p
	}
	var body restoreBody
	if p := q.decode(&body, q.api.cfg.Limits.MessageBytes, false); p != nil {
		return p
	}
	if body.ToVersion == nil || *body.ToVersion < 1 || *body.ToVersion > maxVersion {
		return problemf(board.CodeBadVersion, "toVersion is the version to go back to: send a whole number from 1").at("toVersion")
	}
	now, p := q.existing(id, auth.Owner)
	if p != nil {
		return p
	}
	state, err := q.api.cfg.Hub.StateAt(q.r.Context(), id, *body.ToVersion)
	if err != nil {
		return refused(err)
	}
	doc := state.Document()
	doc.Settings = doc.Settings.Without(versionsPath)
	if names, ok := now.Settings().Get(versionsPath); ok {
		doc.Settings = doc.Settings.With(versionsPath, names)
	}
	op := &board.Op{Type: board.TypeReplace, DashboardID: id, Document: doc}
	return q.replacement(op, newPayload(id).uint("toVersion", *body.ToVersion), http.StatusOK, nil)
}

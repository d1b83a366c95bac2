package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/internal/room"
	"github.com/dashwire/dashwire/journal"
)

const (
	// listChunk is how many dashboards are read from the journal at a time, listScan
	// how many are looked at for one page: of many that somebody may not see, a page
	// may come out short, with a cursor to go on. A read counts as listRead at least.
	listChunk = 200
	listScan  = 5000
	listRead  = 10
	// undeleteWithin is how long a deleted dashboard can be brought back (R9).
	undeleteWithin = 30 * 24 * time.Hour
)

// listed is one dashboard in a list.
type listed struct {
	ID      string     `json:"id"`
	Title   string     `json:"title,omitzero"`
	Epoch   string     `json:"epoch"`
	Version uint64     `json:"version"`
	Widgets int        `json:"widgets"`
	Updated time.Time  `json:"updated"`
	Role    string     `json:"role"`
	Deleted *time.Time `json:"deleted,omitzero"`
}

type listing struct {
	Dashboards []listed `json:"dashboards"`
	// Next is the cursor of the next page, nil at the end.
	Next *string `json:"next"`
}

// listDashboards answers a page of the dashboards that the user may see; with
// deleted, of the deleted ones that the user could bring back.
func (q *request) listDashboards() *problem {
	seen, after, limit, p := q.page()
	if p != nil {
		return p
	}
	deleted, p := q.flag("deleted")
	if p != nil {
		return p
	}
	find := strings.ToLower(q.query().Get("q"))
	out := listing{Dashboards: []listed{}}
	for scanned := 0; scanned < listScan; {
		from, most, ok := q.reach(after)
		if !ok {
			return q.answerValue(http.StatusOK, out)
		}
		chunk, err := q.api.cfg.Journal.List(q.r.Context(), from, most)
		if err != nil {
			return refused(&board.Error{Code: board.CodeUnavailable, Message: "the store cannot be read at the moment; try again", Cause: err})
		}
		roles, unknown := q.roles(chunk)
		if unknown != nil {
			return unknown
		}
		for i, info := range chunk {
			item, ok := q.listed(info, roles[i], deleted)
			if ok && (find == "" || strings.Contains(strings.ToLower(item.Title+"\n"+item.ID), find)) {
				if len(out.Dashboards) == limit {
					return q.answerPage(out, pageCursor(seen))
				}
				out.Dashboards = append(out.Dashboards, item)
				seen = item.ID
			}
			after = info.DashboardID
		}
		if scanned += max(len(chunk), listRead); len(chunk) < most {
			return q.answerValue(http.StatusOK, out)
		}
	}
	return q.answerPage(out, q.api.scanCursor(seen, after))
}

// reach tells after which id to read how many next, ok = false if the user sees none of those
// that are left. What grants cannot reach is passed over unread.
func (q *request) reach(after string) (from string, most int, ok bool) {
	if _, grants := q.api.cfg.Authorizer.(auth.Grants); !grants {
		return after, listChunk, true
	}
	from, one, ok := q.principal.Reach(after)
	if one {
		return from, 1, ok
	}
	return from, listChunk, ok
}

func (q *request) answerPage(out listing, next string) *problem {
	out.Next = &next
	return q.answerValue(http.StatusOK, out)
}

// rolesAtOnce is how many rights are found out at the same time where that may have to wait.
const rolesAtOnce = 8

// roles are the user's on each dashboard of a chunk.
func (q *request) roles(chunk []journal.Info) ([]auth.Role, *problem) {
	ctx, stop := context.WithCancelCause(q.r.Context())
	defer stop(nil)
	roles := make([]auth.Role, len(chunk))
	var next atomic.Int64
	find := func(ctx context.Context) {
		for i := next.Add(1) - 1; i < int64(len(chunk)) && ctx.Err() == nil; i = next.Add(1) - 1 {
			role, err := q.api.cfg.Authorizer.Role(ctx, *q.principal, chunk[i].DashboardID)
			if err != nil {
				stop(err)
				return
			}
			roles[i] = role
		}
	}
	var others sync.WaitGroup
	if _, waits := q.api.cfg.Authorizer.(auth.Watcher); waits {
		for range min(rolesAtOnce, len(chunk)) - 1 {
			others.Go(func() { find(ctx) })
		}
		find(auth.OnWaiting(ctx, q.pause))
		resume := q.pause()
		others.Wait()
		resume()
	} else {
		find(ctx)
	}
	if ctx.Err() != nil {
		return nil, refused(&board.Error{Code: board.CodeUnavailable, Message: "rights could not be checked; try again", Cause: context.Cause(ctx)})
	}
	return roles, nil
}

// listed describes a dashboard if a role may see it in this kind of list.
func (q *request) listed(info journal.Info, role auth.Role, deleted bool) (item listed, ok bool) {
	want := auth.Viewer
	if deleted {
		want = auth.Owner
	}
	if role < want {
		return item, false
	}
	s, err := room.ParseSummary(info.Summary)
	if err != nil { // still there, and GET tells what is wrong with it
		q.api.cfg.Log.Error("http: listing dashboards", "dashboard", info.DashboardID, "err", err)
		s = room.Summary{}
	}
	if (s.Deleted > 0) != deleted {
		return item, false
	}
	item = listed{
		ID: info.DashboardID, Title: s.Title, Epoch: s.Epoch, Version: s.Version, Widgets: s.Widgets,
		Updated: info.Time.UTC().Truncate(time.Millisecond), Role: role.String(),
	}
	if deleted {
		at := time.UnixMilli(s.Deleted).UTC()
		if q.api.cfg.Clock.Now().Sub(at) >= undeleteWithin {
			return item, false
		}
		item.Deleted = &at
	}
	return item, true
}

// getDashboard answers the document (D1). Its ETag is epoch and version (H3).
func (q *request) getDashboard() *problem {
	id, p := q.dashboardID()
	if p != nil {
		return p
	}
	state, _, p := q.visible(id, auth.Viewer)
	if p != nil {
		return p
	}
	epoch, version := state.Head()
	h := q.w.Header()
	if q.api.cfg.Hub.Stale() {
		h.Set("Dashwire-Stale", "true") // A7
	}
	h.Set("Cache-Control", "no-cache") // ask again each time, with If-None-Match
	tag := etag(epoch, version)
	h.Set("ETag", tag)
	if noneMatch(q.r.Header.Values("If-None-Match"), tag) {
		q.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	q.answer(http.StatusOK, appendDocument(nil, state))
	return nil
}

// noneMatch reports whether an If-None-Match names the tag (RFC 9110, weak comparison).
func noneMatch(lines []string, tag string) bool {
	for _, line := range lines {
		for t := range strings.SplitSeq(line, ",") {
			if t = strings.TrimSpace(t); t == "*" || strings.TrimPrefix(t, "W/") == tag {
				return true
			}
		}
	}
	return false
}

// appendDocument appends a document as readers see it (D1).
func appendDocument(dst []byte, s *board.State) []byte {
	epoch, version := s.Head()
	dst = appendQuoted(append(dst, `{"id":`...), s.ID())
	dst = appendQuoted(append(dst, `,"epoch":`...), epoch)
	dst = strconv.AppendUint(append(dst, `,"version":`...), version, 10)
	at := len(dst)
	dst = s.AppendDocument(dst)
	dst[at] = ',' // the brace that opens it: its members follow on
	return dst
}

// createBody is the body of POST /api/dashboards.
type createBody struct {
	ID       *string           `json:"id"`
	Title    *string           `json:"title"`
	Document jsontext.RawValue `json:"document"`
}

// createDashboard makes a dashboard where there is none, with what the body gives.
func (q *request) createDashboard() *problem {
	var body createBody
	if p := q.decode(&body, 2*q.api.cfg.Limits.DocumentBytes, true); p != nil {
		return p
	}
	id, p := q.newID(body.ID)
	if p != nil {
		return p
	}
	doc := &board.Document{Settings: "{}"}
	content := newPayload(id)
	if body.Document != nil {
		if doc, p = document(board.Value(body.Document)); p != nil {
			return p.at("/document" + p.err.Path)
		}
		content.value("document", board.Value(body.Document))
	}
	if body.Title != nil {
		doc.Settings = doc.Settings.With("/title", quoted(*body.Title))
		content.str("title", *body.Title)
	}
	return q.create(id, doc, content, nil)
}

// newID is the id of a dashboard to be made: the one given, or one that cannot be
// guessed.
func (q *request) newID(given *string) (string, *problem) {
	if given == nil || *given == "" {
		return q.api.cfg.NewDashboardID(), nil
	}
	if err := board.CheckID("dashboard", *given); err != nil {
		return "", refused(err.At("id"))
	}
	return *given, nil
}

// create makes a dashboard; extra adds members to the answer. A dashboard always has
// a title, since one without any content would be no change (M7).
func (q *request) create(id string, doc *board.Document, content *payload, extra func(dst []byte) []byte) *problem {
	if title, ok := doc.Settings.Get("/title"); !ok || title == "null" {
		doc.Settings = doc.Settings.With("/title", quoted(id))
	}
	op := &board.Op{Type: board.TypeReplace, DashboardID: id, Create: true, Document: doc}
	q.w.Header().Set("Location", "/api/dashboards/"+id)
	p := q.replacement(op, content, http.StatusCreated, func(a room.Answer) []byte { return created(id, a, extra) })
	if p != nil {
		q.w.Header().Del("Location")
	}
	return p
}

// created is the answer to what made or replaced a dashboard.
func created(id string, a room.Answer, extra func(dst []byte) []byte) []byte {
	dst := appendQuoted([]byte(`{"id":`), id)
	dst = appendQuoted(append(dst, `,"epoch":`...), a.Epoch)
	dst = strconv.AppendUint(append(dst, `,"version":`...), a.Ack.Version, 10)
	dst = appendQuoted(append(dst, `,"status":`...), string(a.Ack.Status))
	dst = appendQuoted(append(dst, `,"durability":`...), string(a.Durability))
	if extra != nil {
		dst = extra(dst)
	}
	return append(dst, '}')
}

// quoted is a string as a value.
func quoted(s string) board.Value { return board.Value(appendQuoted(nil, s)) }

// document reads a document from outside, and holds what board.ParseDocument cannot
// see against D4: that each value by itself nests no deeper than may be stored.
func document(v board.Value) (*board.Document, *problem) {
	doc, err := board.ParseDocument(v)
	if err != nil {
		return nil, refused(err)
	}
	if doc.Settings.Depth() > board.MaxDepth {
		return nil, tooDeep("/settings")
	}
	for id, w := range doc.Widgets {
		if w.Depth() > board.MaxDepth {
			return nil, tooDeep("/widgets" + string(board.JoinPointer("", id)))
		}
	}
	return doc, nil
}

func tooDeep(path string) *problem {
	return problemf(board.CodeInvalidValue, "the nesting is deeper than %d: flatten it", board.MaxDepth).at(path).over(board.LimitDepth)
}

// deleteDashboard commits the last entry of a dashboard (R9).
func (q *request) deleteDashboard() *problem {
	id, p := q.dashboardID()
	if p != nil {
		return p
	}
	op := &board.Op{Type: board.TypeDashboardDelete, DashboardID: id}
	return q.replacement(op, newPayload(id), http.StatusOK, nil)
}

// undelete brings a deleted dashboard back as it was (R9).
func (q *request) undelete() *problem {
	id, p := q.dashboardID()
	if p != nil {
		return p
	}
	if _, p := q.object(q.api.cfg.Limits.MessageBytes, true, typeJSON); p != nil {
		return p
	}
	ctx := q.r.Context()
	if _, err := auth.Require(q.asking(), q.api.cfg.Authorizer, q.principal, id, auth.Owner); err != nil {
		return refused(err)
	}
	state, err := q.api.cfg.Hub.State(ctx, id)
	if err != nil {
		return refused(err)
	}
	op := &board.Op{Type: board.TypeReplace, DashboardID: id, Undelete: true, Document: &board.Document{Settings: "{}"}}
	if state.Deleted() {
		if q.api.cfg.Clock.Now().Sub(state.DeletedAt()) >= undeleteWithin {
			return problemf(board.CodeGone, "the dashboard was deleted more than %d days ago", undeleteWithin/(24*time.Hour))
		}
		before, err := q.api.cfg.Hub.StateAt(ctx, id, state.Version()-1)
		if err != nil {
			return refused(err)
		}
		op.Document = before.Document()
	}
	return q.replacement(op, newPayload(id).value("undelete", "true"), http.StatusOK, nil)
}

// duplicateBody is the body of POST /api/dashboards/{id}/duplicate.
type duplicateBody struct {
	ID    *string `json:"id"`
	Title *string `json:"title"`
	// Version is the one to copy; nil = the newest.
	Version *uint64 `json:"version"`
}

// duplicate makes a dashboard with the content of another, without its past.
func (q *request) duplicate() *problem {
	source, p := q.dashboardID()
	if p != nil {
		return p
	}
	var body duplicateBody
	if p := q.decode(&body, q.api.cfg.Limits.MessageBytes, true); p != nil {
		return p
	}
	state, p := q.existing(source, auth.Viewer)
	if p != nil {
		return p
	}
	id, p := q.newID(body.ID)
	if p != nil {
		return p
	}
	content := newPayload(id).str("source", source)
	if body.Version != nil {
		if *body.Version == 0 {
			return problemf(board.CodeBadVersion, "version is 1 or more: leave it out to copy the newest").at("version")
		}
		var err *board.Error
		if state, err = q.api.cfg.Hub.StateAt(q.r.Context(), source, *body.Version); err != nil {
			return refused(err)
		}
		content.uint("version", *body.Version)
	}
	doc := state.Document()
	// A copy's limits are for its own owner to set (P1).
	doc.Settings = doc.Settings.Without(versionsPath).Without(board.LimitsPath)
	if body.Title != nil {
		doc.Settings = doc.Settings.With("/title", quoted(*body.Title))
		content.str("title", *body.Title)
	} else if title, ok := doc.Settings.Get("/title"); ok && title.Kind() == '"' {
		var s string
		if err := jsontext.Decode([]byte(title), &s); err != nil {
			return q.internal(fmt.Errorf("duplicating %s: reading its title: %w", source, err))
		}
		doc.Settings = doc.Settings.With("/title", quoted("Copy of "+s))
	}
	return q.create(id, doc, content, nil)
}

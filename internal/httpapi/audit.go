package httpapi

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dashwire/dashwire/audit"
	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/trail"
	"github.com/dashwire/dashwire/journal"
)

// auditPageMax is how many lines a page of an audit has at most.
const auditPageMax = 1000

// auditDashboard answers who did what to one dashboard, from its log: the present epoch,
// for everybody who may read it.
func (q *request) auditDashboard() *problem {
	id, p := q.dashboardID()
	if p != nil {
		return p
	}
	want, p := q.auditQuery()
	if p != nil {
		return p
	}
	state, _, p := q.visible(id, auth.Viewer)
	if p != nil {
		return p
	}
	_, version := state.Head()
	head := journal.Position(state.Position())
	want.Dashboard, want.After = id, head-journal.Position(version)
	if s := q.query().Get("after"); s != "" {
		after, ok := parseVersion(s)
		if !ok {
			return problemf(board.CodeBadVersion, "after is a version: entries after it are told of").at("after")
		}
		want.After += journal.Position(min(after, version))
	}
	switch from := &want.From; {
	case from.Dashboard != "" && from.Dashboard != id:
		return badCursor()
	case from.Before == 0 || from.Before > head+1:
		from.Before = head + 1
	}
	return q.auditEdits(want)
}

// auditAll answers administrators: from the logs of all dashboards with all their epochs,
// or with source=admin what administrators did.
func (q *request) auditAll() *problem {
	want, p := q.auditQuery()
	if p != nil {
		return p
	}
	if id := q.query().Get("dashboard"); id != "" {
		if err := board.CheckID("dashboard", id); err != nil {
			return refused(err.At("dashboard"))
		}
		if want.Dashboard = id; want.From.Dashboard != "" && want.From.Dashboard != id {
			return badCursor()
		}
	}
	switch q.query().Get("source") {
	case "", "edits":
		return q.auditEdits(want)
	case "admin":
		return q.auditActions(want)
	}
	return problemf(board.CodeBadMessage, "source is edits or admin: send one of them").at("source")
}

// auditQuery reads what is asked for.
func (q *request) auditQuery() (want trail.Query, p *problem) {
	if want.Limit, p = q.number("limit", 1, auditPageMax, pageDefault); p != nil {
		return want, p
	}
	params := q.query()
	want.User, want.Widget, want.Path = params.Get("user"), params.Get("widget"), board.Pointer(params.Get("path"))
	if want.Path != "" {
		if _, err := board.ParsePointer(string(want.Path)); err != nil {
			return want, problemf(board.CodePath, "path is a pointer within a widget or the settings: send one such as /config/unit").at("path")
		}
	}
	for _, list := range params["type"] {
		for name := range strings.SplitSeq(list, ",") {
			if !slices.Contains(entryTypes, board.Type(name)) {
				return want, problemf(board.CodeBadMessage, "type is the type of an entry: send one such as %s", board.TypeUpdate).at("type")
			}
			want.Types = append(want.Types, board.Type(name))
		}
	}
	for name, into := range map[string]*time.Time{"since": &want.Since, "until": &want.Until} {
		if s := params.Get(name); s != "" {
			at, err := time.Parse(time.RFC3339, s)
			if err != nil {
				return want, problemf(board.CodeBadMessage, "%s is a moment: send one such as 2026-11-22T18:00:00Z", name).at(name)
			}
			*into = at
		}
	}
	for name, into := range map[string]*bool{"blind": &want.Blind, "overwrote": &want.Overwrote} {
		if *into, p = q.flag(name); p != nil {
			return want, p
		}
	}
	if _, ok := auditFormats[params.Get("format")]; !ok {
		return want, problemf(board.CodeBadMessage, "format is json, ndjson or csv: send one of them").at("format")
	}
	want.From, p = parsePlace(params.Get("cursor"))
	return want, p
}

// recordsPerRequest is how many records that are looked at count as one request.
const recordsPerRequest = 10

// entryTypes are the types that entries have.
var entryTypes = []board.Type{
	board.TypeUpdate, board.TypeDelete, board.TypeBatch, board.TypeLayout, board.TypeLayoutRestore,
	board.TypeSettings, board.TypeResolved, board.TypeDashboardDelete,
}

// placeCursor hides where a page of an audit ended.
func placeCursor(p trail.Place) string {
	return base64.RawURLEncoding.EncodeToString([]byte(p.Dashboard + " " + strconv.FormatUint(uint64(p.Before), 10)))
}

func parsePlace(s string) (trail.Place, *problem) {
	if s == "" {
		return trail.Place{}, nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(s) > 4*board.MaxID {
		return trail.Place{}, badCursor()
	}
	id, before, _ := strings.Cut(string(plain), " ")
	n, ok := parseVersion(before)
	if !ok || id != "" && board.CheckID("dashboard", id) != nil {
		return trail.Place{}, badCursor()
	}
	return trail.Place{Dashboard: id, Before: journal.Position(n)}, nil
}

func badCursor() *problem {
	return problemf(board.CodeBadMessage, "cursor is the next of the page before: send it back as it came").at("cursor")
}

// auditEdits answers entries.
func (q *request) auditEdits(want trail.Query) *problem {
	source := trail.Source{Journal: q.api.cfg.Journal, DocumentAt: q.api.cfg.Hub.DocumentAt}
	page, err := source.Read(q.r.Context(), want)
	if err != nil {
		return refused(&board.Error{Code: board.CodeUnavailable, Message: "the logs cannot be read at the moment; try again", Cause: err})
	}
	// A page that finds little has cost as much as many requests (C8).
	if p := q.count(page.Work/recordsPerRequest, 0); p != nil {
		return p
	}
	out := auditPage{trimmed: page.Trimmed}
	admin := q.principal.Admin || !q.signedIn // who is not asked to sign in is on the listener for operators
	for _, l := range page.Lines {
		out.lines = append(out.lines, editLine(l, admin))
	}
	for _, d := range page.Damaged {
		q.api.cfg.Log.Error("http: reading a log for an audit", "dashboard", logged(d.Dashboard), "err", d.Err, "id", q.ID())
		out.damaged = append(out.damaged, d.Dashboard)
	}
	if page.Next != nil {
		out.next = placeCursor(*page.Next)
	}
	return q.answerAudit(out)
}

// auditActions answers what administrators did.
func (q *request) auditActions(want trail.Query) *problem {
	read := q.api.cfg.ReadActs
	if read == nil {
		return problemf(board.CodeNotFound, "no audit log is kept on this server; its operator can have one (--audit-log, Config.Audit)")
	}
	after, p := parsePlace(q.query().Get("after"))
	if p != nil {
		return p
	}
	page, err := read(q.r.Context(), audit.Query{
		Before: uint64(want.From.Before), After: uint64(after.Before), Limit: want.Limit,
		Match: func(l *audit.Line) bool {
			return (want.User == "" || l.User == want.User) && (want.Until.IsZero() || l.Time.Before(want.Until)) && !l.Time.Before(want.Since)
		},
		Until: func(l *audit.Line) bool { return !want.Since.IsZero() && l.Time.Before(want.Since.Add(-time.Hour)) },
	})
	if err != nil {
		return refused(&board.Error{Code: board.CodeUnavailable, Message: "the audit log cannot be read at the moment; try again", Cause: err})
	}
	out := auditPage{newest: placeCursor(trail.Place{Before: journal.Position(page.Newest)})}
	for _, l := range page.Lines {
		out.lines = append(out.lines, actionLine(l))
	}
	if page.Next > 0 {
		out.next = placeCursor(trail.Place{Before: journal.Position(page.Next)})
	}
	return q.answerAudit(out)
}

// answerAudit sends a page in the format asked for.
func (q *request) answerAudit(page auditPage) *problem {
	format := auditFormats[q.query().Get("format")]
	if page.next != "" {
		params := url.Values{}
		for name, values := range q.query() {
			if name != tokenParam {
				params[name] = values
			}
		}
		params.Set("cursor", page.next)
		q.w.Header().Set("Link", "<"+(&url.URL{Path: q.servedAt(), RawQuery: params.Encode()}).String()+`>; rel="next"`)
	}
	body := format.write(page)
	h := q.w.Header()
	h.Set("Content-Type", format.contentType)
	h.Set("Cache-Control", "no-store")
	q.w.WriteHeader(http.StatusOK)
	q.send(body)
	return nil
}

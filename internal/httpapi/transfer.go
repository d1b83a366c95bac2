package httpapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/internal/room"
)

// fileFormat names our own export; fileVersion is its layout.
const (
	fileFormat  = "dashwire.dashboard"
	fileVersion = 1
)

// exportDashboard answers a file that can be imported: our own, or Grafana's.
func (q *request) exportDashboard() *problem {
	id, p := q.dashboardID()
	if p != nil {
		return p
	}
	format := q.query().Get("format")
	switch format {
	case "", "dashwire", "grafana":
	default:
		return problemf(board.CodeBadMessage, "format is dashwire or grafana: send one of them").at("format")
	}
	state, p := q.existing(id, auth.Viewer)
	if p != nil {
		return p
	}
	var file []byte
	suffix := ".dashwire.json"
	if format == "grafana" {
		suffix = ".grafana.json"
		if q.api.cfg.Export == nil {
			return problemf(board.CodeBadMessage, "this server writes no Grafana dashboards").at("format")
		}
		var err *board.Error
		if file, err = q.api.cfg.Export(state.Document()); err != nil {
			return refused(err)
		}
	} else {
		file = appendFile(nil, state)
	}
	// A colon is not allowed in file names everywhere; what else an id may hold is.
	q.w.Header().Set("Content-Disposition", `attachment; filename="`+strings.ReplaceAll(id, ":", "_")+suffix+`"`)
	q.answer(http.StatusOK, file)
	return nil
}

// appendFile appends our own export of a dashboard.
func appendFile(dst []byte, s *board.State) []byte {
	epoch, version := s.Head()
	dst = append(dst, `{"format":"`+fileFormat+`","formatVersion":`...)
	dst = strconv.AppendInt(dst, fileVersion, 10)
	dst = appendQuoted(append(dst, `,"id":`...), s.ID())
	dst = appendQuoted(append(dst, `,"epoch":`...), epoch)
	dst = strconv.AppendUint(append(dst, `,"version":`...), version, 10)
	dst = s.AppendDocument(append(dst, `,"document":`...))
	return append(dst, '}')
}

// importDashboard makes a dashboard out of a file, or replaces one by it.
func (q *request) importDashboard() *problem {
	replace, p := q.flag("replace")
	if p != nil {
		return p
	}
	data, p := q.body(2*q.api.cfg.Limits.DocumentBytes, typeJSON)
	if p != nil {
		return p
	}
	in, content, p := q.readFile(data)
	if p != nil {
		return p
	}
	id := q.query().Get("id")
	asked := id != ""
	if !asked {
		id = in.SuggestedID
	}
	if id, p = q.newID(&id); p != nil {
		return p
	}
	extra := func(dst []byte) []byte { return appendImported(dst, in) }
	if replace {
		if p := q.mayImport(id); p != nil {
			return p
		}
		op := &board.Op{Type: board.TypeReplace, DashboardID: id, Document: in.Document}
		content := newPayload(id).value("file", content).value("replace", "true")
		return q.replacement(op, content, http.StatusOK, func(a room.Answer) []byte { return created(id, a, extra) })
	}
	place := func(id string) *problem {
		if p := q.mayImport(id); p != nil {
			return p
		}
		return q.create(id, in.Document, newPayload(id).value("file", content), extra)
	}
	p = place(id)
	if asked || !in.loose {
		return p
	}
	// Nobody asked for this id, so the next free one will do. A request that is sent
	// again comes by the same ids, and finds its own (M8).
	for n := 2; n <= mostSuffix && p != nil && p.err.Code == board.CodeExists; n++ {
		next := place(suffixed(id, n))
		if next != nil && next.err.Code == board.CodeForbidden {
			return p
		}
		p = next
	}
	return p
}

// mostSuffix is how many ids are tried beside one that is taken.
const mostSuffix = 100

// suffixed is an id beside another: ops-2.
func suffixed(id string, n int) string {
	suffix := "-" + strconv.Itoa(n)
	return id[:min(len(id), board.MaxID-len(suffix))] + suffix
}

// mayImport holds an import against the rights on the dashboard that it makes.
func (q *request) mayImport(id string) *problem {
	_, err := auth.Require(q.asking(), q.api.cfg.Authorizer, q.principal, id, auth.Owner)
	return refused(err)
}

// readFile reads a file of either kind. Content is what the op's hash is over.
func (q *request) readFile(data []byte) (in *Imported, content board.Value, p *problem) {
	v, bad := canonicalBody(data)
	if bad == nil && !v.IsObject() {
		return nil, "", problemf(board.CodeBadMessage, "the file is no JSON object: send an export of Dashwire or of Grafana")
	}
	if bad == nil && !ours(v) || bad != nil && bad.Code == board.CodeInvalidValue && q.api.cfg.Import != nil {
		if q.api.cfg.Import == nil {
			return nil, "", problemf(board.CodeBadMessage, "the file is no export of Dashwire: send one")
		}
		in, err := q.api.cfg.Import(data)
		if err != nil {
			return nil, "", refused(err)
		}
		in.loose = true
		return in, board.Value(board.AppendDocument(nil, in.Document)), nil
	}
	if bad != nil {
		return nil, "", refused(bad)
	}
	in = &Imported{}
	text := v
	inner, wrapped := v.Get("/document")
	_, exported := v.Get("/format")
	if wrapped || exported {
		// First of all: what a newer version calls otherwise is not missing.
		if n, ok := v.Get("/formatVersion"); ok && n != "1" {
			return nil, "", problemf(board.CodeInvalidValue, "the file has format version %s and this server reads %d: import it with a newer one", shown(string(n)), fileVersion).at("/formatVersion")
		}
	}
	if wrapped {
		text = inner
	} else if exported {
		return nil, "", problemf(board.CodeInvalidValue, "the file has no document, so a part of it is missing: export it again").at("/document")
	}
	if in.Document, p = document(text); p != nil {
		return nil, "", p
	}
	in.Document.Settings = in.Document.Settings.Without(versionsPath)
	if id, ok := v.Get("/id"); ok && id.Kind() == '"' {
		if err := jsontext.Decode([]byte(id), &in.SuggestedID); err != nil || board.CheckID("dashboard", in.SuggestedID) != nil {
			in.SuggestedID = ""
		}
	}
	in.Drawn = len(in.Document.Widgets)
	return in, v, nil
}

// ours reports whether a file is a dashboard of ours: an export, or a document as it
// is read (D1).
func ours(v board.Value) bool {
	if format, ok := v.Get("/format"); ok {
		return format == `"`+fileFormat+`"`
	}
	doc, wrapped := v.Get("/document")
	if !wrapped {
		doc = v
	}
	widgets, ok := doc.Get("/widgets")
	return ok && widgets.IsObject()
}

// appendImported adds what a person wants to know about an import.
func appendImported(dst []byte, in *Imported) []byte {
	if in.Title != "" {
		dst = appendQuoted(append(dst, `,"title":`...), in.Title)
	}
	dst = append(dst, `,"notes":[`...)
	for i, note := range in.Notes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, note)
	}
	dst = strconv.AppendInt(append(dst, `],"drawn":`...), int64(in.Drawn), 10)
	return strconv.AppendInt(append(dst, `,"kept":`...), int64(in.Kept), 10)
}

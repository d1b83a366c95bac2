package httpapi

import (
	"encoding/csv"
	"strconv"
	"strings"

	"github.com/dashwire/dashwire/audit"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/internal/trail"
	"github.com/dashwire/dashwire/internal/words"
)

// auditLine is one thing that was done. Members that do not apply are left out.
type auditLine struct {
	Source    string            `json:"source"`
	Seq       uint64            `json:"seq,omitzero"`
	Time      string            `json:"time"`
	User      string            `json:"user,omitzero"`
	Client    string            `json:"client,omitzero"`
	Via       string            `json:"via,omitzero"`
	Remote    string            `json:"remote,omitzero"`
	Dashboard string            `json:"dashboard,omitzero"`
	Epoch     string            `json:"epoch,omitzero"`
	Version   uint64            `json:"version,omitzero"`
	ID        string            `json:"id,omitzero"`
	Type      string            `json:"type"`
	What      string            `json:"what"`
	Count     int               `json:"count,omitzero"`
	Blind     bool              `json:"blind,omitzero"`
	Overwrote jsontext.RawValue `json:"overwrote,omitzero"`
	Change    jsontext.RawValue `json:"change,omitzero"`
	Details   map[string]string `json:"details,omitzero"`
}

// editLine is an entry; through which credentials it came is for administrators.
func editLine(l trail.Line, admin bool) auditLine {
	e := l.Entry
	out := auditLine{
		Source: "edits", Time: e.Time.UTC().Format(timeFormat), User: e.Author.UserID, Client: e.Author.ClientID,
		Dashboard: e.DashboardID, Epoch: e.Epoch, Version: e.Version, ID: e.ID, Type: string(e.Type), What: l.What,
		Blind: e.Blind, Change: board.AppendChange(nil, e.Change),
	}
	if len(e.Overwrote) > 0 {
		out.Overwrote = board.AppendOverwrote(nil, e.Overwrote)
	}
	if admin {
		out.Via = e.Via
	}
	return out
}

func actionLine(l audit.Line) auditLine {
	return auditLine{
		Source: "admin", Seq: l.Seq, Time: l.Time.UTC().Format(timeFormat), User: l.User, Via: l.Via, Remote: l.From,
		Type: l.Name, What: words.Action(l.Name, l.Details, l.Count), Count: l.Count, Details: l.Details,
	}
}

// auditPage is what an answer holds.
type auditPage struct {
	lines   []auditLine
	next    string // "" = this is the last
	newest  string // of source=admin
	trimmed bool
	damaged []string
}

// auditFormat is a form of an answer.
type auditFormat struct {
	contentType string
	write       func(auditPage) []byte
}

var auditFormats = map[string]auditFormat{
	"":       {typeJSON, auditPage.json},
	"json":   {typeJSON, auditPage.json},
	"ndjson": {"application/x-ndjson", auditPage.ndjson},
	"csv":    {"text/csv; charset=utf-8", auditPage.csv},
}

// appendJSON appends a line. Its texts are valid UTF-8, or are made so.
func (l auditLine) appendJSON(dst []byte) []byte {
	for _, s := range [...]*string{&l.User, &l.Client, &l.Via, &l.Remote, &l.ID, &l.What} {
		*s = strings.ToValidUTF8(*s, "\uFFFD")
	}
	text, err := jsontext.Encode(l)
	if err != nil { // nothing in it can fail to encode
		return append(dst, "null"...)
	}
	return append(dst, text...)
}

func (p auditPage) json() []byte {
	dst := []byte(`{"entries":[`)
	for i, l := range p.lines {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = l.appendJSON(dst)
	}
	dst = append(dst, `],"next":`...)
	if p.next == "" {
		dst = append(dst, "null"...)
	} else {
		dst = appendQuoted(dst, p.next)
	}
	if p.newest != "" {
		dst = appendQuoted(append(dst, `,"newest":`...), p.newest)
	}
	dst = strconv.AppendBool(append(dst, `,"trimmed":`...), p.trimmed)
	dst = append(dst, `,"damaged":[`...)
	for i, id := range p.damaged {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, id)
	}
	return append(dst, "]}"...)
}

func (p auditPage) ndjson() []byte {
	var dst []byte
	for _, l := range p.lines {
		dst = append(l.appendJSON(dst), '\n')
	}
	return dst
}

// csvHead names the columns.
var csvHead = []string{
	"time", "source", "user", "client", "via", "remote", "dashboard", "version", "id", "type", "what", "count", "blind", "overwrote", "change",
}

func (p auditPage) csv() []byte {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(csvHead) // a Builder takes everything
	for _, l := range p.lines {
		version, blind, change := "", "", string(l.Change)
		if l.Version > 0 {
			version = strconv.FormatUint(l.Version, 10)
		}
		if l.Blind {
			blind = "true"
		}
		if l.Source == "admin" && len(l.Details) > 0 {
			text, _ := jsontext.Encode(l.Details) // strings alone
			change = string(text)
		}
		row := []string{
			l.Time, l.Source, l.User, l.Client, l.Via, l.Remote, l.Dashboard, version, l.ID, l.Type, l.What,
			strconv.Itoa(max(l.Count, 1)), blind, string(l.Overwrote), change,
		}
		for i := range row {
			row[i] = cell(row[i])
		}
		_ = w.Write(row)
	}
	w.Flush()
	return []byte(b.String())
}

// cell is text as a spreadsheet shows it and does not carry it out: what begins like a
// formula gets an apostrophe.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

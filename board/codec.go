package board

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/dashwire/dashwire/internal/jsontext"
)

// ErrFormat from ParseRecord and ParseSnapshot: written by a build that knows more
// than this one. The dashboard must not be opened here (R7).
var ErrFormat = errors.New("board: format not known to this build; run the newer one")

// Record is an entry as the journal stores it. Envelope is the part of Data that
// goes over the wire as it is (E7); neither is modified.
type Record struct {
	Data     []byte
	Envelope []byte
}

const recordEntry = `,"entry":`

// EncodeRecord encodes an entry.
func EncodeRecord(e *Entry) Record {
	dst := make([]byte, 0, recordSize(e))
	dst = append(dst, `{"format":`...)
	dst = strconv.AppendInt(dst, Format, 10)
	dst = append(dst, `,"hash":"`...)
	dst = hex.AppendEncode(dst, e.Hash[:])
	dst = append(dst, `","status":"`...)
	dst = append(dst, e.Status...)
	dst = append(dst, '"')
	if len(e.Skipped) > 0 {
		dst = appendStrings(append(dst, `,"skipped":`...), e.Skipped)
	}
	if len(e.Ignored) > 0 {
		dst = appendStrings(append(dst, `,"ignored":`...), e.Ignored)
	}
	if len(e.Results) > 0 {
		dst = AppendResults(append(dst, `,"results":`...), e.Results)
	}
	if e.Window > 0 {
		dst = strconv.AppendUint(append(dst, `,"window":`...), e.Window, 10)
	}
	dst = append(dst, recordEntry...)
	from := len(dst)
	dst = appendEnvelope(dst, e)
	to := len(dst)
	dst = append(dst, '}')
	return Record{Data: dst, Envelope: dst[from:to:to]}
}

// recordSize guesses the size of a record closely enough to allocate once, most
// times.
func recordSize(e *Entry) int {
	n := 384 + len(e.ID) + len(e.DashboardID) + len(e.Epoch) + 2*(len(e.Author.UserID)+len(e.Author.ClientID))
	if e.Change == nil {
		return n
	}
	n += patchSize(e.Change.Settings)
	for id, w := range e.Change.Widgets {
		n += len(id) + len(w.Value) + patchSize(w.Patch) + 32
	}
	for _, l := range e.Change.Layouts {
		if l != nil {
			n += 64 + 96*len(l.Items)
		}
	}
	for i := range e.Overwrote {
		n += 192 + len(e.Overwrote[i].Value)
	}
	return n + 64*(len(e.Skipped)+len(e.Ignored)+len(e.Results))
}

func patchSize(p *Patch) int {
	if p == nil {
		return 0
	}
	n := 32
	for _, a := range p.Set {
		n += len(a.Path) + len(a.Value) + 8
	}
	for _, q := range p.Unset {
		n += len(q) + 8
	}
	return n
}

func appendEnvelope(dst []byte, e *Entry) []byte {
	dst = append(dst, `{"type":"`...)
	dst = append(dst, e.Type...)
	dst = append(dst, `","id":`...)
	dst = appendQuoted(dst, e.ID)
	dst = append(dst, `,"timestamp":`...)
	dst = appendTime(dst, e.Time)
	dst = append(dst, `,"userId":`...)
	dst = appendNullable(dst, e.Author.UserID)
	dst = append(dst, `,"payload":{"dashboardId":`...)
	dst = appendQuoted(dst, e.DashboardID)
	dst = append(dst, `,"epoch":`...)
	dst = appendQuoted(dst, e.Epoch)
	dst = append(dst, `,"version":`...)
	dst = strconv.AppendUint(dst, e.Version, 10)
	dst = append(dst, `,"author":`...)
	dst = AppendAuthor(dst, e.Author)
	dst = append(dst, `,"change":`...)
	dst = AppendChange(dst, e.Change)
	if len(e.Overwrote) > 0 {
		dst = AppendOverwrote(append(dst, `,"overwrote":`...), e.Overwrote)
	}
	if e.Blind {
		dst = append(dst, `,"blind":true`...)
	}
	return append(dst, "}}"...)
}

// EnvelopeOf gives the part of a record's data that goes over the wire, nil if data
// is no record. The result is a part of data.
func EnvelopeOf(data []byte) []byte {
	s := string(data)
	for i := 1; ; {
		m, ok := nextMember(s, i)
		if !ok {
			return nil
		}
		if m.key == "entry" {
			return data[m.value:m.end:m.end]
		}
		i = m.end + 1
	}
}

// checkStored holds stored text against JSON's grammar. Depth and keys are bounded
// by what was let in, plus the frame around it.
func checkStored(data []byte) error {
	return jsontext.Check(data, jsontext.Limits{Depth: MaxDepth + 16, KeyBytes: len(data), NumberChars: 64})
}

// ParseRecord reads what EncodeRecord wrote. The error is ErrFormat, or says what is
// damaged.
func ParseRecord(data []byte) (*Entry, error) {
	if err := checkStored(data); err != nil {
		return nil, fmt.Errorf("board: damaged record: %w", err)
	}
	e := &Entry{}
	r := reader{}
	format := uint64(0)
	for key, v := range Value(data).Members() {
		switch key {
		case "format":
			if format = r.uint(key, v); format != Format {
				return nil, fmt.Errorf("record of format %d: %w", format, ErrFormat)
			}
		case "hash":
			r.hash(key, v, &e.Hash)
		case "status":
			e.Status = Status(r.string(key, v))
		case "skipped":
			e.Skipped = r.strings(key, v)
		case "ignored":
			e.Ignored = r.strings(key, v)
		case "results":
			e.Results = r.results(key, v)
		case "window":
			e.Window = r.uint(key, v)
		case "entry":
			r.envelope(v, e)
		default:
			r.fail(key, "is not known")
		}
	}
	switch {
	case r.err != nil:
		return nil, fmt.Errorf("board: damaged record: %w", r.err)
	case format == 0:
		return nil, errors.New("board: damaged record: no format number")
	case e.Change == nil || e.Version == 0 || e.Epoch == "" || e.DashboardID == "" || e.ID == "":
		return nil, errors.New("board: damaged record: the entry is not whole")
	}
	switch e.Type {
	case TypeUpdate, TypeDelete, TypeBatch, TypeLayout, TypeLayoutRestore, TypeSettings, TypeResolved, TypeDashboardDelete:
		return e, nil
	}
	return nil, fmt.Errorf("entry of type %q: %w", e.Type, ErrFormat)
}

// ParseEnvelope reads an entry as it goes over the wire, as a client does. What is
// stored and not sent stays zero.
func ParseEnvelope(v Value) (*Entry, error) {
	e := &Entry{}
	var r reader
	r.envelope(v, e)
	if r.err != nil {
		return nil, fmt.Errorf("board: reading an entry: %w", r.err)
	}
	return e, nil
}

// reader reads members of stored objects and keeps the first fault.
type reader struct{ err error }

func (r *reader) fail(key, what string) {
	if r.err == nil {
		r.err = fmt.Errorf("member %q %s", key, what)
	}
}

func (r *reader) string(key string, v Value) string {
	if v.Kind() != '"' {
		r.fail(key, "is no string")
	}
	return v.text()
}

// nullable reads a string or null, which is "".
func (r *reader) nullable(key string, v Value) string {
	if v == "null" {
		return ""
	}
	return r.string(key, v)
}

func (r *reader) uint(key string, v Value) uint64 {
	n, err := strconv.ParseUint(string(v), 10, 64)
	if err != nil {
		r.fail(key, "is no whole number")
	}
	return n
}

func (r *reader) strings(key string, v Value) []string {
	var list []string
	for item := range r.items(key, v) {
		list = append(list, r.string(key, item))
	}
	return list
}

func (r *reader) hash(key string, v Value, into *[16]byte) {
	text := v.text()
	if len(text) != 2*len(into) {
		r.fail(key, "is no hash")
		return
	}
	if _, err := hex.Decode(into[:], []byte(text)); err != nil {
		r.fail(key, "is no hash")
	}
}

// items yields the items of an array.
func (r *reader) items(key string, v Value) func(func(Value) bool) {
	return func(yield func(Value) bool) {
		if v.Kind() != '[' {
			r.fail(key, "is no array")
			return
		}
		s := string(v)
		for i := 1; i < len(s) && s[i] != ']'; {
			end := endOfValue(s, i)
			if !yield(Value(s[i:end])) {
				return
			}
			i = end + 1
		}
	}
}

func (r *reader) envelope(v Value, e *Entry) {
	for key, v := range v.Members() {
		switch key {
		case "type":
			e.Type = Type(r.string(key, v))
		case "id":
			e.ID = r.string(key, v)
		case "timestamp":
			at, err := time.Parse("2006-01-02T15:04:05.000Z", v.text())
			if err != nil {
				r.fail(key, "is no time")
			}
			e.Time = at
		case "payload":
			r.payload(v, e)
		}
	}
}

func (r *reader) payload(v Value, e *Entry) {
	for key, v := range v.Members() {
		switch key {
		case "dashboardId":
			e.DashboardID = r.string(key, v)
		case "epoch":
			e.Epoch = r.string(key, v)
		case "version":
			e.Version = r.uint(key, v)
		case "author":
			e.Author = r.author(v)
		case "change":
			change, err := ParseChange(v)
			if err != nil {
				r.fail(key, "is damaged: "+err.Error())
			}
			e.Change = change
		case "overwrote":
			e.Overwrote = r.overwrote(key, v)
		case "blind":
			e.Blind = v == "true"
		}
	}
}

func (r *reader) author(v Value) Author {
	var a Author
	for key, v := range v.Members() {
		switch key {
		case "userId":
			a.UserID = r.nullable(key, v)
		case "clientId":
			a.ClientID = r.nullable(key, v)
		}
	}
	return a
}

func (r *reader) overwrote(key string, v Value) []Overwrote {
	var list []Overwrote
	for item := range r.items(key, v) {
		var o Overwrote
		for key, v := range item.Members() {
			switch key {
			case "widgetId":
				o.WidgetID = r.string(key, v)
			case "path":
				o.Path = Pointer(r.string(key, v))
			case "author":
				o.Author = r.author(v)
			case "version":
				o.Version = r.uint(key, v)
			case "value":
				o.Value = v
			case "omitted":
				o.Omitted = v == "true"
			}
		}
		list = append(list, o)
	}
	return list
}

func (r *reader) results(key string, v Value) []Result {
	var list []Result
	for item := range r.items(key, v) {
		var one Result
		for key, v := range item.Members() {
			switch key {
			case "status":
				one.Status = r.string(key, v)
			case "code":
				one.Code = Code(r.string(key, v))
			case "message":
				one.Message = r.string(key, v)
			case "path":
				one.Path = r.string(key, v)
			case "conflict":
				one.Conflict = r.conflict(v)
			}
		}
		list = append(list, one)
	}
	return list
}

func (r *reader) conflict(v Value) *Conflict {
	c := &Conflict{}
	for key, v := range v.Members() {
		switch key {
		case "conflictId":
			c.ID = r.string(key, v)
		case "dashboardId":
			c.DashboardID = r.string(key, v)
		case "widgetId":
			c.WidgetID = r.string(key, v)
		case "kind":
			c.Kind = ConflictKind(r.string(key, v))
		case "version":
			c.Version = r.uint(key, v)
		case "fields":
			for item := range r.items(key, v) {
				c.Fields = append(c.Fields, r.field(item))
			}
		}
	}
	return c
}

func (r *reader) field(v Value) ConflictField {
	var f ConflictField
	for key, v := range v.Members() {
		switch key {
		case "path":
			f.Path = Pointer(r.string(key, v))
		case "base":
			f.Base = v
		case "mine":
			f.Mine = v
		case "theirs":
			f.Theirs = v
		case "theirsBy":
			f.TheirsBy = r.author(v)
		case "theirsVersion":
			f.TheirsVersion = r.uint(key, v)
		}
	}
	return f
}

// ParseConflict reads the payload of CONFLICT_DETECTED, as a client does.
func ParseConflict(v Value) (*Conflict, error) {
	var r reader
	c := r.conflict(v)
	if r.err != nil {
		return nil, fmt.Errorf("board: reading a conflict: %w", r.err)
	}
	return c, nil
}

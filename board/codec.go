package board

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

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

// Head is what Data has before Envelope, or all of it where more than a bracket follows on
// that, as in records of other builds.
func (r Record) Head() []byte {
	upTo := len(r.Data) - 1 - len(r.Envelope)
	if upTo < 0 || len(r.Envelope) == 0 || &r.Data[upTo] != &r.Envelope[0] || r.Data[len(r.Data)-1] != '}' ||
		!bytes.HasSuffix(r.Data[:upTo], []byte(recordEntry)) {
		return r.Data
	}
	return r.Data[:upTo:upTo]
}

// RecordOf gives the Data of a record by its Head and its Envelope.
func RecordOf(head, envelope []byte) []byte {
	if !bytes.HasSuffix(head, []byte(recordEntry)) {
		return head
	}
	data := make([]byte, 0, len(head)+len(envelope)+1)
	return append(append(append(data, head...), envelope...), '}')
}

// EncodeRecord encodes an entry.
func EncodeRecord(e *Entry) Record { return EncodeRecordInto(nil, e) }

// EncodeRecordInto is EncodeRecord in memory of the caller's, if that is large enough.
func EncodeRecordInto(memory []byte, e *Entry) Record {
	dst := memory[:0]
	if n := recordSize(e); cap(dst) < n {
		dst = make([]byte, 0, n)
	}
	format := int64(Format)
	if e.Via != "" {
		format = formatVia
	}
	dst = strconv.AppendInt(append(dst, `{"format":`...), format, 10)
	dst = append(dst, `,"hash":"`...)
	dst = hex.AppendEncode(dst, e.Hash[:])
	dst = append(dst, `","status":"`...)
	dst = append(dst, e.Status...)
	dst = append(dst, '"')
	if r := e.Report; r != nil {
		if len(r.Skipped) > 0 {
			dst = appendStrings(append(dst, `,"skipped":`...), r.Skipped)
		}
		if len(r.Ignored) > 0 {
			dst = appendStrings(append(dst, `,"ignored":`...), r.Ignored)
		}
		if len(r.Results) > 0 {
			dst = AppendResults(append(dst, `,"results":`...), r.Results)
		}
	}
	if e.Window > 0 {
		dst = strconv.AppendUint(append(dst, `,"window":`...), e.Window, 10)
	}
	if e.Via != "" {
		dst = appendQuoted(append(dst, `,"via":`...), e.Via)
	}
	dst = append(dst, recordEntry...)
	from := len(dst)
	dst = appendEnvelope(dst, e)
	to := len(dst)
	dst = append(dst, '}')
	return Record{Data: dst, Envelope: dst[from:to:to]}
}

// recordSize is the size of a record as far as it can be told without looking into its
// strings, so that it is allocated once and no larger than it is: what escapes in them
// add is missing. Records are kept.
func recordSize(e *Entry) int {
	const frame = len(`{"format":1,"hash":"00000000000000000000000000000000","status":"","entry":{"type":"","id":"",` +
		`"timestamp":"2006-01-02T15:04:05.000Z","userId":"","payload":{"dashboardId":"","epoch":"","version":,` +
		`"author":{"userId":"","clientId":""},"change":{}}}}`)
	n := frame + len(e.Status) + len(e.Type) + len(e.ID) + len(e.DashboardID) + len(e.Epoch) + digits(int(e.Version)) +
		2*len(e.Author.UserID) + len(e.Author.ClientID)
	if e.Blind {
		n += len(`,"blind":true`)
	}
	if e.Window > 0 {
		n += len(`,"window":`) + digits(int(e.Window))
	}
	if e.Via != "" {
		n += len(`,"via":""`) + len(e.Via)
	}
	if c := e.Change; c != nil {
		if c.Settings != nil {
			n += len(`"settings":,`) + patchSize(c.Settings)
		}
		if len(c.Widgets) > 0 {
			n += len(`"widgets":{},`)
		}
		for i := range c.Widgets {
			w := &c.Widgets[i]
			n += len(`"":,`) + len(w.ID)
			switch {
			case w.Deleted:
				n += len("null")
			case w.Value != "":
				n += len(`{"value":}`) + len(w.Value)
			default:
				n += patchSize(w.Patch)
			}
		}
		for name, l := range c.Layouts {
			n += len(`"layouts":{"":{"columns":,"compact":"","items":{}}},`) + len(name)
			if l == nil {
				continue
			}
			n += len(l.Compact) + len("1000")
			for id, r := range l.Items {
				n += len(`"":,`) + len(id)
				if r != nil {
					n += rectSize(*r)
				} else {
					n += len("null")
				}
			}
		}
	}
	for i := range e.Overwrote {
		n += 192 + len(e.Overwrote[i].Value)
	}
	if r := e.Report; r != nil {
		n += 64 * (len(r.Skipped) + len(r.Ignored) + len(r.Results))
	}
	return n
}

func patchSize(p *Patch) int {
	n := len("{}")
	if p == nil {
		return n
	}
	if len(p.Set) > 0 {
		n += len(`"set":{},`)
	}
	for i := range p.Set {
		n += len(`"":,`) + len(p.Set[i].Path) + len(p.Set[i].Value)
	}
	if len(p.Unset) > 0 {
		n += len(`"unset":[]`)
	}
	for _, q := range p.Unset {
		n += len(`"",`) + len(q)
	}
	return n
}

func appendEnvelope(dst []byte, e *Entry) []byte {
	dst = append(dst, `{"type":"`...)
	dst = append(dst, e.Type...)
	dst = append(dst, `","id":`...)
	dst = appendQuoted(dst, e.ID)
	dst = append(dst, `,"timestamp":`...)
	dst = AppendTime(dst, e.Time)
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
	var report Report
	r := reader{}
	format := uint64(0)
	for key, v := range Value(data).Members() {
		switch key {
		case "format":
			if format = r.uint(key, v); format != Format && format != formatVia {
				return nil, fmt.Errorf("record of format %d: %w", format, ErrFormat)
			}
		case "hash":
			r.hash(key, v, &e.Hash)
		case "status":
			e.Status = Status(r.string(key, v))
		case "skipped":
			report.Skipped = r.strings(key, v)
		case "ignored":
			report.Ignored = r.strings(key, v)
		case "results":
			report.Results = r.results(key, v)
		case "window":
			e.Window = r.uint(key, v)
		case "via":
			e.Via = r.string(key, v)
		case "entry":
			r.envelope(v, e)
		default:
			r.fail(key, "is not known")
		}
	}
	e.Report = report.orNil()
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

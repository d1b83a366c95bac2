package wire

import (
	"crypto/sha256"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// messageReader takes one message apart.
type messageReader struct {
	limits  Limits
	outline jsontext.Outline
	text    []byte // what is read of the message, in canonical form
	hashed  []byte // what the hash of an op is over
}

// readers are kept for their buffers.
var readers = sync.Pool{New: func() any { return new(messageReader) }}

// keptText is how much of a reader's buffers is kept, in bytes.
const keptText = 16 << 10

func (r *messageReader) done() {
	r.outline.Reset()
	if cap(r.text) > keptText || cap(r.hashed) > keptText {
		r.text, r.hashed = nil, nil
	}
	readers.Put(r)
}

// message reads the message that the outline has.
func (r *messageReader) message() (Message, *board.Error) {
	e := r.envelope()
	m, age, bad := e.read()
	if bad != nil {
		return m, bad
	}
	if isOp(board.Type(m.Type)) {
		if bad = r.op(&m, &e); bad != nil {
			return m, bad
		}
		m.Op.Age = age
		return m, nil
	}
	m.ID = strings.Clone(m.ID)
	d := decoder{at: "payload", limits: &r.limits}
	switch m.Type {
	case TypeConnect:
		m.Connect, bad = d.connect(e.payload)
	case TypeSyncRequest:
		m.Sync, bad = d.syncRequest(e.payload)
	case TypePresence:
		m.Presence, bad = d.presence(e.payload)
	case TypeData:
		m.Data, bad = d.data(e.payload)
	}
	return m, bad
}

// op reads an operation. Its ids get text of their own, in one piece: they outlive the
// message.
func (r *messageReader) op(m *Message, e *envelope) (bad *board.Error) {
	d := decoder{at: "payload", limits: &r.limits}
	var f opFields
	f.readParts(&r.outline, e.members, e.text)
	if m.Op, m.OpClient, bad = d.op(board.Type(m.Type), &f); bad != nil {
		return bad
	}
	ids := m.ID + m.Op.DashboardID + m.Op.WidgetID
	m.ID, ids = ids[:len(m.ID)], ids[len(m.ID):]
	m.Op.ID = m.ID
	m.Op.DashboardID, m.Op.WidgetID = ids[:len(m.Op.DashboardID)], ids[len(m.Op.DashboardID):]
	r.hashed = appendHashed(r.hashed[:0], m.Op.Type, e.payload)
	m.Op.Hash = hashOf(r.hashed)
	return nil
}

// HashOp is the hash over an op's content (M8): its type and its payload in
// canonical form, without id, timestamp and age.
func HashOp(t board.Type, payload board.Value) [16]byte {
	return hashOf(appendHashed(nil, t, payload))
}

func appendHashed(dst []byte, t board.Type, payload board.Value) []byte {
	return append(append(append(dst, t...), '\n'), payload...)
}

// hashOf makes the hash, which is stored with the entry and must stay the same.
func hashOf(text []byte) [16]byte {
	sum := sha256.Sum256(text)
	return [16]byte(sum[:16])
}

// envelope are the members of a message that anybody reads, as parts of text; "" is one
// that is not there.
type envelope struct {
	text                  string
	typ, id, age, payload board.Value
	members               []jsontext.Member // of payload
}

func (r *messageReader) envelope() (e envelope) {
	var typ, id, age, payload *jsontext.Member
	members := r.outline.Members()
	r.text = r.text[:0]
	for i := range members {
		m := &members[i]
		switch string(r.outline.Key(m)) {
		case "type":
			typ = m
		case "id":
			id = m
		case "payload":
			payload = m
		case "age":
			age = m
		default:
			continue
		}
		r.text = r.outline.Append(r.text, m)
	}
	e.text = string(r.text)
	value := func(m *jsontext.Member) board.Value {
		if m == nil {
			return ""
		}
		return board.Value(m.Value(e.text))
	}
	e.typ, e.id, e.age, e.payload = value(typ), value(id), value(age), value(payload)
	if payload != nil {
		e.members = r.outline.Inner(payload)
	}
	return e
}

// read reads the envelope itself. The id may be a part of the text.
func (e *envelope) read() (m Message, age time.Duration, bad *board.Error) {
	// The id is read first: whatever else is wrong is answered under it.
	if e.id.Kind() == '"' {
		m.ID, _ = textIn(e.id)
	}
	if e.typ.Kind() == '"' {
		m.Type, _ = textIn(e.typ)
	}
	switch {
	case e.typ == "":
		bad = board.Errorf(board.CodeBadMessage, "the message has no type: send one of the types of the protocol").At("type")
	case e.typ.Kind() != '"':
		bad = board.Errorf(board.CodeBadMessage, "the type is no string: send one of the types of the protocol").At("type")
	case e.id == "":
		bad = board.Errorf(board.CodeBadMessage, "the message has no id: send a new one with every message").At("id")
	case e.id.Kind() != '"':
		bad = board.Errorf(board.CodeBadMessage, "the id is no string: send one").At("id")
	}
	if bad != nil {
		if board.CheckID("op", m.ID) != nil {
			m.ID = ""
		}
		return m, 0, bad
	}
	if bad = board.CheckID("op", m.ID); bad != nil {
		m.ID = ""
		return m, 0, bad.At("id")
	}
	known, ok := fromClient(m.Type)
	if !ok {
		if len(m.Type) > 64 {
			m.Type = ""
		}
		m.Type = strings.Clone(m.Type)
		return m, 0, board.Errorf(board.CodeUnknownType, "the type is none that a client sends: check its spelling and the protocol version").At("type")
	}
	m.Type = known
	if e.payload == "" && needsPayload(m.Type) {
		return m, 0, board.Errorf(board.CodeBadMessage, "the message has no payload: send the object that %s needs", m.Type).At("payload")
	}
	if e.payload != "" && !e.payload.IsObject() {
		return m, 0, board.Errorf(board.CodeBadMessage, "the payload is no object: send one").At("payload")
	}
	if given(e.age) {
		age, bad = parseAge(e.age)
	}
	return m, age, bad
}

// clientTypes are the types that a client may send, the frequent ones first.
var clientTypes = [...]string{
	string(board.TypeUpdate), TypeData, TypePresence, TypePing, TypePong, string(board.TypeLayout), string(board.TypeBatch),
	TypeSyncRequest, TypeConnect, TypeDisconnect, string(board.TypeSettings), string(board.TypeDelete),
	string(board.TypeLayoutRestore), string(board.TypeResolved),
}

// fromClient gives the type of that name that a client may send, which does not hold on to
// the message.
func fromClient(name string) (t string, ok bool) {
	for _, t := range clientTypes[:] { // the array itself would be copied
		if t == name {
			return t, true
		}
	}
	return "", false
}

// isOp tells the operations that come over the wire.
func isOp(t board.Type) bool {
	switch t {
	case board.TypeUpdate, board.TypeDelete, board.TypeBatch, board.TypeLayout,
		board.TypeLayoutRestore, board.TypeSettings, board.TypeResolved:
		return true
	}
	return false
}

// needsPayload tells the types that mean nothing without a payload.
func needsPayload(t string) bool {
	switch t {
	case TypeConnect, TypeDisconnect, TypePing, TypePong:
		return false
	}
	return true
}

// parseAge reads the age of an op in milliseconds; browsers measure fractions.
func parseAge(v board.Value) (time.Duration, *board.Error) {
	ms, err := strconv.ParseFloat(string(v), 64)
	if v.Kind() != '0' || err != nil || ms < 0 {
		return 0, board.Errorf(board.CodeInvalidValue, "the age is the time since the edit in milliseconds, 0 or more").At("age")
	}
	const most = 365 * 24 * time.Hour
	if ms >= float64(most/time.Millisecond) {
		return most, nil
	}
	return time.Duration(ms * float64(time.Millisecond)), nil
}

package wire

import (
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// The defaults of the D5 limits, and the bounds that are no setting.
const (
	DefaultMessageBytes  = 1 << 20
	DefaultDocumentBytes = 4 << 20
	DefaultWidgets       = 2000
	DefaultOperations    = 500
	DefaultDashboards    = 100
	DefaultPaths         = board.DefaultPaths

	MaxStateBytes = 4 << 10  // of one presence state (W3)
	MaxDataBytes  = 64 << 10 // of one live value (W2)
	MaxPoints     = 1000     // of a window of live values (W2)
)

// WithDefaults returns l with the defaults in the place of zero fields (D5).
func (l Limits) WithDefaults() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{
		{&l.MessageBytes, DefaultMessageBytes},
		{&l.DocumentBytes, DefaultDocumentBytes},
		{&l.Widgets, DefaultWidgets},
		{&l.Operations, DefaultOperations},
		{&l.Dashboards, DefaultDashboards},
		{&l.Paths, DefaultPaths},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return l
}

const (
	// maxDepth is how deep a message may nest before anything reads it: what may be
	// stored (D4) and the envelope around it.
	maxDepth = 64
	// maxVersion is the highest version (a JavaScript number holds it exactly).
	maxVersion = 1<<53 - 1
)

// Decode reads one message of a client (E1, E4, E6) and holds it against the rules
// that need no document: D2, D4 and the limits on operations and paths. Data is not kept.
//
// On an error the Message has as much of Type and ID as could be read, for the
// NACK's correlationId. The error's Path names the field, such as
// payload.widgetId, followed by a JSON Pointer where the fault lies inside a value,
// such as payload.set/config/unit.
func Decode(data []byte, limits Limits) (Message, *board.Error) {
	limits = limits.WithDefaults()
	if jsontext.Deeper(data, maxDepth) {
		return peekMessage(data), board.Errorf(board.CodeBadMessage, "the message nests deeper than %d: flatten it", maxDepth).Over(board.LimitDepth)
	}
	canonical, err := jsontext.CanonicalText(data)
	if err != nil {
		return peekMessage(data), malformed(err)
	}
	text := board.Value(canonical)
	if !text.IsObject() {
		return Message{}, board.Errorf(board.CodeBadMessage, "a message is one JSON object: send {\"type\": …, \"id\": …, \"payload\": {…}}")
	}
	m, envelope, bad := decodeEnvelope(text)
	if bad != nil {
		return m, bad
	}
	d := decoder{at: "payload", limits: limits}
	switch m.Type {
	case TypePing, TypePong, TypeDisconnect:
		return m, nil
	case TypeConnect:
		m.Connect, bad = d.connect(envelope.payload)
	case TypeSyncRequest:
		m.Sync, bad = d.syncRequest(envelope.payload)
	case TypePresence:
		m.Presence, bad = d.presence(envelope.payload)
	case TypeData:
		m.Data, bad = d.data(envelope.payload)
	default:
		m.Op, m.OpClient, bad = d.op(board.Type(m.Type), envelope.payload)
		if bad == nil {
			m.Op.ID = m.ID
			m.Op.Age = envelope.age
			m.Op.Hash = HashOp(m.Op.Type, envelope.payload)
		}
	}
	return m, bad
}

// HashOp is the hash over an op's content (M8): its type and its payload in
// canonical form, without id, timestamp and age.
func HashOp(t board.Type, payload board.Value) [16]byte {
	var buf [1 << 10]byte // most fit
	text := buf[:0]
	text = append(append(append(text, t...), '\n'), payload...)
	sum := sha256.Sum256(text)
	return [16]byte(sum[:16])
}

// envelope is what surrounds the payload.
type envelope struct {
	payload board.Value
	age     time.Duration
}

// decodeEnvelope reads the members of the message itself.
func decodeEnvelope(text board.Value) (m Message, e envelope, bad *board.Error) {
	var typ, id, age board.Value
	for key, value := range text.Members() {
		switch key {
		case "type":
			typ = value
		case "id":
			id = value
		case "payload":
			e.payload = value
		case "age":
			age = value
		}
	}
	// The id is read first: whatever else is wrong is answered under it.
	if id.Kind() == '"' {
		m.ID, _ = textOf(id)
	}
	if typ.Kind() == '"' {
		m.Type, _ = textOf(typ)
	}
	switch {
	case typ == "":
		bad = board.Errorf(board.CodeBadMessage, "the message has no type: send one of the types of the protocol").At("type")
	case typ.Kind() != '"':
		bad = board.Errorf(board.CodeBadMessage, "the type is no string: send one of the types of the protocol").At("type")
	case id == "":
		bad = board.Errorf(board.CodeBadMessage, "the message has no id: send a new one with every message").At("id")
	case id.Kind() != '"':
		bad = board.Errorf(board.CodeBadMessage, "the id is no string: send one").At("id")
	}
	if bad != nil {
		if board.CheckID("op", m.ID) != nil {
			m.ID = ""
		}
		return m, e, bad
	}
	if bad = board.CheckID("op", m.ID); bad != nil {
		m.ID = ""
		return m, e, bad.At("id")
	}
	if !fromClient(m.Type) {
		if len(m.Type) > 64 {
			m.Type = ""
		}
		return m, e, board.Errorf(board.CodeUnknownType, "the type is none that a client sends: check its spelling and the protocol version").At("type")
	}
	if e.payload == "" && needsPayload(m.Type) {
		return m, e, board.Errorf(board.CodeBadMessage, "the message has no payload: send the object that %s needs", m.Type).At("payload")
	}
	if e.payload != "" && !e.payload.IsObject() {
		return m, e, board.Errorf(board.CodeBadMessage, "the payload is no object: send one").At("payload")
	}
	if given(age) {
		e.age, bad = parseAge(age)
	}
	return m, e, bad
}

// fromClient tells the types that a client may send.
func fromClient(t string) bool {
	switch t {
	case TypeConnect, TypeDisconnect, TypePing, TypePong, TypeSyncRequest, TypePresence, TypeData:
		return true
	}
	return isOp(board.Type(t))
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

// peekMessage is what can be told of a message that cannot be decoded.
func peekMessage(data []byte) Message {
	m := Message{ID: PeekID(data)}
	if t := peekString(data, "type"); fromClient(t) {
		m.Type = t
	}
	return m
}

// malformed turns a fault in the JSON text into its refusal: BAD_MESSAGE for what
// is no message at all, INVALID_VALUE where only a value breaks D4.
func malformed(err error) *board.Error {
	e := &board.Error{Code: board.CodeBadMessage, Message: "this is not valid JSON: send one JSON object", Cause: err}
	var bad *jsontext.Error
	if !errors.As(err, &bad) {
		return e
	}
	e.Message, e.Path = bad.Message, fieldPath(board.Pointer(bad.Path))
	if bad.Reason == jsontext.ReasonDepth {
		e.Limit = board.LimitDepth
	}
	switch bad.Reason {
	case jsontext.ReasonSyntax, jsontext.ReasonType:
	default:
		if strings.HasPrefix(e.Path, "payload") {
			e.Code = board.CodeInvalidValue
		}
	}
	return e
}

// fieldPath writes a pointer into a message the way that refusals name fields.
func fieldPath(p board.Pointer) string {
	var b strings.Builder
	inside, pointerNext := false, false
	for token := range p.Tokens() {
		switch {
		case pointerNext:
			b.WriteString(token)
			inside, pointerNext = true, false
		case inside:
			b.WriteString(string(board.JoinPointer("", token)))
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(token)
			switch token {
			case "set", "prev":
				pointerNext = true
			case "changes", "state", "data":
				inside = true
			}
		}
	}
	return b.String()
}

package wire

import (
	"errors"
	"strings"

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
	r := readers.Get().(*messageReader)
	defer r.done()
	if !r.outline.Read(data) {
		return unreadable(data)
	}
	r.limits = limits.WithDefaults()
	return r.message()
}

// unreadable says what is wrong with a message that is no JSON object.
func unreadable(data []byte) (Message, *board.Error) {
	if jsontext.Deeper(data, maxDepth) {
		return peekMessage(data), board.Errorf(board.CodeBadMessage, "the message nests deeper than %d: flatten it", maxDepth).Over(board.LimitDepth)
	}
	if _, err := jsontext.CanonicalText(data); err != nil {
		return peekMessage(data), malformed(err)
	}
	return Message{}, board.Errorf(board.CodeBadMessage, "a message is one JSON object: send {\"type\": …, \"id\": …, \"payload\": {…}}")
}

// peekMessage is what can be told of a message that cannot be decoded.
func peekMessage(data []byte) Message {
	m := Message{ID: PeekID(data)}
	m.Type, _ = fromClient(peekString(data, "type"))
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

package client

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/internal/wire"
)

// The types of ops.
const (
	WidgetUpdate     = board.TypeUpdate
	WidgetDelete     = board.TypeDelete
	WidgetBatch      = board.TypeBatch
	LayoutUpdate     = board.TypeLayout
	LayoutRestore    = board.TypeLayoutRestore
	DashboardUpdate  = board.TypeSettings
	ConflictResolved = board.TypeResolved
)

// Op is one change to ask for. Which fields count depends on its Type; see the
// protocol. Values may be a board.Value, which is taken as JSON, or anything that
// encodes to JSON.
type Op struct {
	Type        board.Type
	ID          string // "" = one is made
	DashboardID string

	// Base and Epoch are what the user was looking at; a Dashboard's Do fills them in.
	// Nil = a blind write.
	Base   *uint64
	Epoch  *string
	Policy board.Policy
	// Prev is what the user saw at a path.
	Prev map[string]any

	WidgetID string
	// Set maps JSON Pointers to values, Unset lists them. Changes is a merge patch
	// instead (nil = none).
	Set     map[string]any
	Unset   []string
	Changes any
	Create  bool
	Restore bool
	Layout  *board.RectPatch

	Breakpoint string
	Moved      map[string]board.RectPatch
	Columns    int // 0 = as it is
	Compact    board.Compact
	ToVersion  uint64

	Operations []Op
	// Partial commits what passes of a batch instead of all or nothing.
	Partial bool

	ConflictID string
	Choice     string
}

// At returns a pointer to n, for the fields of a board.RectPatch and Op.Base.
func At[T any](n T) *T { return &n }

// JSON encodes a value; what cannot be encoded gives null.
func JSON(v any) board.Value {
	if raw, ok := v.(board.Value); ok {
		return raw
	}
	text, err := jsontext.Encode(v)
	if err != nil {
		return "null"
	}
	return board.Value(text)
}

// encode makes the op's payload, and the op as the server will read it, which holds
// it against the protocol.
func (o *Op) encode() (payload []byte, op *board.Op, err error) {
	id := o.ID
	if id == "" {
		made, err := uuid.NewV7()
		if err != nil {
			return nil, nil, fmt.Errorf("client: making an op's id: %w", err)
		}
		id = made.String()
	}
	w := writer{b: []byte{'{'}}
	w.text("dashboardId", o.DashboardID)
	w.op(o)
	if w.err != nil {
		return nil, nil, fmt.Errorf("client: encoding an op: %w", w.err)
	}
	payload = append(w.b, '}')
	m, bad := wire.Decode(envelope(string(o.Type), id, payload), wire.Limits{Operations: 1 << 20, Paths: 1 << 20})
	switch {
	case bad != nil:
		return nil, nil, bad
	case m.Op == nil:
		return nil, nil, board.Errorf(board.CodeUnknownType, "%q is no type of an op", o.Type)
	}
	return payload, m.Op, nil
}

// envelope builds a whole message. Type and id come first (E5) and need no escapes
// (D2): what does would not pass encode.
func envelope(t, id string, payload []byte) []byte {
	b := make([]byte, 0, len(payload)+len(t)+len(id)+40)
	b = append(b, `{"type":"`...)
	b = append(b, t...)
	b = append(b, `","id":`...)
	b, _ = jsontext.AppendQuote(b, id)
	b = append(b, `,"payload":`...)
	b = append(b, payload...)
	return append(b, '}')
}

// writer appends members of an object and keeps the first fault.
type writer struct {
	b   []byte
	err error
}

func (w *writer) key(key string) {
	if c := w.b[len(w.b)-1]; c != '{' && c != '[' {
		w.b = append(w.b, ',')
	}
	var err error
	if w.b, err = jsontext.AppendQuote(w.b, key); err != nil {
		w.fail(err)
	}
	w.b = append(w.b, ':')
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *writer) text(key, s string) {
	if s != "" {
		w.value(key, s)
	}
}

func (w *writer) flag(key string, b bool) {
	if b {
		w.key(key)
		w.b = append(w.b, "true"...)
	}
}

func (w *writer) number(key string, n int) {
	w.key(key)
	w.b = strconv.AppendInt(w.b, int64(n), 10)
}

func (w *writer) value(key string, v any) {
	w.key(key)
	if raw, ok := v.(board.Value); ok {
		w.b = append(w.b, raw...)
		return
	}
	text, err := jsontext.Encode(v)
	if err != nil {
		w.fail(fmt.Errorf("%s: %w", key, err))
		return
	}
	w.b = append(w.b, text...)
}

// values writes an object of values, sorted by key.
func (w *writer) values(key string, values map[string]any) {
	if len(values) == 0 {
		return
	}
	w.key(key)
	w.b = append(w.b, '{')
	for _, name := range slices.Sorted(maps.Keys(values)) {
		w.value(name, values[name])
	}
	w.b = append(w.b, '}')
}

func (w *writer) rect(key string, r board.RectPatch) {
	w.key(key)
	w.b = append(w.b, '{')
	for _, f := range []struct {
		key string
		n   *int
	}{{"x", r.X}, {"y", r.Y}, {"w", r.W}, {"h", r.H}} {
		if f.n != nil {
			w.number(f.key, *f.n)
		}
	}
	if r.Static != nil {
		w.value("static", *r.Static)
	}
	w.b = append(w.b, '}')
}

// op writes the members of an op beside its dashboardId.
func (w *writer) op(o *Op) {
	if o.Base != nil {
		w.key("baseVersion")
		w.b = strconv.AppendUint(w.b, *o.Base, 10)
	}
	if o.Epoch != nil {
		w.value("epoch", *o.Epoch)
	}
	w.text("policy", string(o.Policy))
	w.values("prev", o.Prev)
	w.text("widgetId", o.WidgetID)
	w.values("set", o.Set)
	if len(o.Unset) > 0 {
		w.value("unset", o.Unset)
	}
	if o.Changes != nil {
		w.value("changes", o.Changes)
	}
	w.flag("create", o.Create)
	w.flag("restore", o.Restore)
	if o.Layout != nil {
		w.rect("layout", *o.Layout)
	}
	w.text("breakpoint", o.Breakpoint)
	if len(o.Moved) > 0 {
		w.key("moved")
		w.b = append(w.b, '{')
		for _, id := range slices.Sorted(maps.Keys(o.Moved)) {
			w.rect(id, o.Moved[id])
		}
		w.b = append(w.b, '}')
	}
	if o.Columns != 0 {
		w.number("columns", o.Columns)
	}
	w.text("compact", string(o.Compact))
	if o.Type == LayoutRestore {
		w.key("toVersion")
		w.b = strconv.AppendUint(w.b, o.ToVersion, 10)
	}
	w.text("conflictId", o.ConflictID)
	w.text("choice", o.Choice)
	if o.Type == WidgetBatch {
		if o.Partial {
			w.value("atomic", false)
		}
		w.key("operations")
		w.b = append(w.b, '[')
		for i := range o.Operations {
			if i > 0 {
				w.b = append(w.b, ',')
			}
			w.b = append(w.b, '{')
			w.text("type", string(o.Operations[i].Type))
			w.op(&o.Operations[i])
			w.b = append(w.b, '}')
		}
		w.b = append(w.b, ']')
	}
}

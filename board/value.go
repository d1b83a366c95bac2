package board

import (
	"errors"
	"iter"

	"github.com/dashwire/dashwire/internal/jsontext"
)

// Value is one JSON value as canonical text (RFC 8785 for key order, strings and
// spacing; numbers verbatim as first received, D6). The zero Value is no value:
// a member that is not there. JSON null is Value("null").
//
// The methods trust the text to be canonical, as [ParseValue] makes it, and hand
// out parts of it without copying.
type Value string

// MaxDepth is how deep objects and arrays may nest, the outermost counted as 1 (D4).
const MaxDepth = 32

// ParseValue checks one JSON value from outside against D4 and gives its canonical
// form. The error is CodeInvalidValue; its path is a pointer inside the value.
func ParseValue(data []byte) (Value, *Error) {
	canonical, err := jsontext.CheckedCanonical(data, jsontext.Limits{Depth: MaxDepth})
	if err != nil {
		return "", invalidValue(err)
	}
	return Value(canonical), nil
}

// invalidValue makes the refusal of a text that breaks D4.
func invalidValue(err error) *Error {
	e := &Error{Code: CodeInvalidValue, Message: "the value cannot be stored", Cause: err}
	var bad *jsontext.Error
	if errors.As(err, &bad) {
		e.Message, e.Path = bad.Message, bad.Path
		e.Cause = bad.Cause
		if bad.Reason == jsontext.ReasonDepth {
			e.Limit = LimitDepth
		}
	}
	return e
}

// Absent reports whether there is no value at all; null is a value.
func (v Value) Absent() bool { return v == "" }

// Kind is '{', '[', '"', '0' for a number, 't', 'f', 'n', or 0 if absent.
func (v Value) Kind() byte {
	if v == "" {
		return 0
	}
	if c := v[0]; c != '-' && (c < '0' || c > '9') {
		return c
	}
	return '0'
}

// IsObject reports whether v is an object.
func (v Value) IsObject() bool { return v != "" && v[0] == '{' }

// Depth is how many objects and arrays nest in v, v itself counted: 0 for a scalar,
// 1 for {}.
func (v Value) Depth() int {
	open, deepest := 0, 0
	for i := 0; i < len(v); {
		switch v[i] {
		case '"':
			i = endOfString(string(v), i)
			continue
		case '{', '[':
			open++
			deepest = max(deepest, open)
		case '}', ']':
			open--
		}
		i++
	}
	return deepest
}

// Members yields the members of an object, decoded key and value, in canonical
// order; of anything else, nothing.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if !v.IsObject() {
			return
		}
		s := string(v)
		for i := 1; ; {
			m, ok := nextMember(s, i)
			if !ok || !yield(m.key, Value(s[m.value:m.end])) {
				return
			}
			i = m.end + 1
		}
	}
}

// member gives one member of an object.
func (v Value) member(key string) (Value, bool) {
	if !v.IsObject() {
		return "", false
	}
	s := string(v)
	at, ok := findMember(s, 0, key)
	if !ok {
		return "", false
	}
	return Value(s[at:endOfValue(s, at)]), true
}

// Get gives the value at p, going through objects only; at "" it is v.
func (v Value) Get(p Pointer) (Value, bool) {
	at, ok := v.find(p)
	if !ok || at == len(v) {
		return "", false
	}
	s := string(v)
	return v[at:endOfValue(s, at)], true
}

// Reaches reports whether a value can be set at p: false if p leads through an
// array or a scalar. Missing parents are fine (E6).
func (v Value) Reaches(p Pointer) bool {
	at, ok := v.find(p)
	return ok || at == len(v) || v[at] == '{'
}

// find goes from member to member as far as p leads. It tells where the value at p
// starts, or, false, where the value starts that has no such member; in the latter
// case len(v) stands for an absent v.
func (v Value) find(p Pointer) (at int, ok bool) {
	s, rest := string(v), string(p)
	for rest != "" {
		if at == len(s) || s[at] != '{' {
			return at, false
		}
		var token string
		token, rest = cutToken(rest)
		value, ok := findMember(s, at, token)
		if !ok {
			return at, false
		}
		at = value
	}
	return at, true
}

// Equal reports whether two values are the same (M3, M7): numbers by exact decimal
// value, strings by their characters, objects whatever the order of their keys.
// Absent equals only absent. It takes one pass over both texts: canonical texts of
// equal values differ in the spelling of numbers only.
func (v Value) Equal(w Value) bool {
	if v == w {
		return true
	}
	a, b := string(v), string(w)
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		c := a[i]
		switch {
		case c == '-' || (c >= '0' && c <= '9'):
			endA, endB := endOfNumber(a, i), endOfNumber(b, j)
			if endB == j || !sameNumber(a[i:endA], b[j:endB]) {
				return false
			}
			i, j = endA, endB
		case c != b[j]:
			return false
		case c == '"':
			end := endOfString(a, i)
			n := end - i
			if len(b)-j < n || a[i:end] != b[j:j+n] {
				return false
			}
			i, j = end, j+n
		default:
			i++
			j++
		}
	}
	return i == len(a) && j == len(b)
}

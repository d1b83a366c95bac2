package jsontext

import (
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Reason names the rule that a text breaks.
type Reason string

// The reasons for a refusal.
const (
	ReasonSyntax    Reason = "syntax"    // not one JSON value
	ReasonType      Reason = "type"      // JSON of another kind than asked for
	ReasonUnknown   Reason = "unknown"   // a member that the struct does not have
	ReasonDepth     Reason = "depth"     // nested too deep
	ReasonKeyLength Reason = "keyLength" // a key too long
	ReasonKeyName   Reason = "keyName"   // a forbidden key
	ReasonKeyNUL    Reason = "keyNUL"    // NUL in a key
	ReasonDuplicate Reason = "duplicate" // a key twice in one object
	ReasonUTF8      Reason = "utf8"      // invalid UTF-8
	ReasonSurrogate Reason = "surrogate" // half of a surrogate pair
	ReasonNumber    Reason = "number"    // a number too long
)

// maxPath bounds the path in an error, in bytes; a longer one loses its tail.
const maxPath = 512

// Error tells why a text was refused. Its message says what to do and quotes at
// most a few characters of the input.
type Error struct {
	Reason Reason
	// Path is the JSON Pointer to the place, empty at the root. Of a key that is too
	// long it leads to the object that has the key.
	Path    string
	Message string
	// Cause is the library's own error, if it found the fault.
	Cause error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Message
	}
	return e.Message + " (at " + e.Path + ")"
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// wrap turns an error of the library into an *Error; nil stays nil.
func wrap(err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Reason: ReasonSyntax, Message: "this is not valid JSON: send one complete JSON value", Cause: err}
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &syntactic):
		e.Path = cutPath(string(syntactic.JSONPointer))
		text := ""
		if syntactic.Err != nil {
			text = syntactic.Err.Error()
		}
		switch {
		case errors.Is(err, jsontext.ErrDuplicateName):
			e.Reason = ReasonDuplicate
			e.Message = "the key " + quoteShort(syntactic.JSONPointer.LastToken()) + " stands twice in one object: send it once"
		case strings.Contains(text, "invalid UTF-8"):
			e.Reason = ReasonUTF8
			e.Message = "this is not valid UTF-8: encode the text as UTF-8"
		case strings.Contains(text, "surrogate"):
			e.Reason = ReasonSurrogate
			e.Message = "a string holds half of a surrogate pair: send both halves, or U+FFFD"
		case strings.Contains(text, "max depth"):
			e.Reason = ReasonDepth
			e.Message = "the nesting is far too deep: flatten it"
		case errors.Is(err, io.ErrUnexpectedEOF):
			e.Message = "the JSON ends too early: send one complete JSON value"
		}
	case errors.As(err, &semantic):
		e.Path = cutPath(string(semantic.JSONPointer))
		if errors.Is(err, json.ErrUnknownName) {
			e.Reason = ReasonUnknown
			e.Message = "the member " + quoteShort(semantic.JSONPointer.LastToken()) + " is unknown: remove it or check its spelling"
		} else {
			e.Reason = ReasonType
			e.Message = "a value of another kind is expected here, not this " + kindName(byte(semantic.JSONKind))
		}
	}
	return e
}

// kindName is the word for a JSON kind.
func kindName(kind byte) string {
	switch kind {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case '0':
		return "number"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "value"
}

// cutPath bounds a path at a whole token.
func cutPath(path string) string {
	if len(path) <= maxPath {
		return path
	}
	return path[:max(strings.LastIndexByte(path[:maxPath+1], '/'), 0)]
}

// quoteShort quotes the first characters of a name from outside.
func quoteShort(name string) string {
	const most = 32
	short := name
	if len(short) > most {
		short = strings.ToValidUTF8(short[:most], "") + "…"
	}
	quoted, err := AppendQuote(nil, strings.ToValidUTF8(short, "\uFFFD"))
	if err != nil {
		return `"…"`
	}
	return string(quoted)
}

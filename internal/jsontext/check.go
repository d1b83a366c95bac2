package jsontext

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits bound what Check lets through. A zero field means the default.
type Limits struct {
	Depth       int // objects and arrays inside one another, the outermost counted as 1; 32
	KeyBytes    int // bytes of a key, decoded; 256
	NumberChars int // characters of a number; 64
}

func (l Limits) withDefaults() Limits {
	if l.Depth == 0 {
		l.Depth = 32
	}
	if l.KeyBytes == 0 {
		l.KeyBytes = 256
	}
	if l.NumberChars == 0 {
		l.NumberChars = 64
	}
	return l
}

// Check walks one JSON value and holds it against rule D4. It takes one step per
// token, keeps memory in proportion to the depth limit and the number of keys,
// and stops at the first fault. The error is an *Error with path and reason.
func Check(data []byte, limits Limits) error {
	limits = limits.withDefaults()
	dec := jsontext.NewDecoder(bytes.NewBuffer(data))
	depth := 0
	for {
		kind := dec.PeekKind()
		if kind == '"' || kind == '0' {
			raw, err := dec.ReadValue()
			if err != nil {
				return wrap(err)
			}
			if kind == '0' && len(raw) > limits.NumberChars {
				return &Error{
					Reason: ReasonNumber, Path: cutPath(string(dec.StackPointer())),
					Message: "a number has " + strconv.Itoa(len(raw)) + " characters and may have " + strconv.Itoa(limits.NumberChars) + ": shorten it or send it as a string",
				}
			}
			if parent, n := dec.StackIndex(depth); kind == '"' && parent == '{' && n%2 == 1 {
				if err := checkKey(dec, raw, limits); err != nil {
					return err
				}
			}
		} else {
			if _, err := dec.ReadToken(); err != nil {
				if errors.Is(err, io.EOF) {
					return &Error{Reason: ReasonSyntax, Message: "there is no JSON here: send one JSON value", Cause: err}
				}
				return wrap(err)
			}
			switch kind {
			case '{', '[':
				if depth++; depth > limits.Depth {
					return &Error{
						Reason: ReasonDepth, Path: cutPath(string(dec.StackPointer())),
						Message: "the nesting is deeper than " + strconv.Itoa(limits.Depth) + ": flatten it",
					}
				}
			case '}', ']':
				depth--
			}
		}
		if depth == 0 {
			break
		}
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return &Error{Reason: ReasonSyntax, Message: "there is more after the JSON value: send one value alone", Cause: err}
	}
	return nil
}

// checkKey holds one key, as quoted in the text, against D4.
func checkKey(dec *jsontext.Decoder, raw []byte, limits Limits) error {
	key := string(raw[1 : len(raw)-1])
	if strings.IndexByte(key, '\\') >= 0 {
		plain, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return wrap(err)
		}
		key = string(plain)
	}
	e := CheckKey(key, limits)
	if e == nil {
		return nil
	}
	at := dec.StackPointer()
	if e.Reason == ReasonKeyLength {
		at = at.Parent()
	}
	e.Path = cutPath(string(at))
	return e
}

// CheckKey holds one decoded key against rule D4; nil means that it may be stored.
func CheckKey(key string, limits Limits) *Error {
	limits = limits.withDefaults()
	switch {
	case len(key) > limits.KeyBytes:
		return &Error{
			Reason:  ReasonKeyLength,
			Message: "the key " + quoteShort(key) + " has " + strconv.Itoa(len(key)) + " bytes and may have " + strconv.Itoa(limits.KeyBytes) + ": shorten it",
		}
	case Forbidden(key):
		return &Error{Reason: ReasonKeyName, Message: "the key " + quoteShort(key) + " is not allowed: choose another name"}
	case strings.IndexByte(key, 0) >= 0:
		return &Error{Reason: ReasonKeyNUL, Message: "the key " + quoteShort(key) + " holds a NUL character: remove it"}
	}
	return nil
}

// Forbidden reports whether a name could change a JavaScript object's prototype;
// such names are neither keys (D4) nor ids (D2).
func Forbidden(name string) bool {
	return name == "__proto__" || name == "constructor" || name == "prototype"
}

// Deeper reports whether brackets nest deeper than depth, without decoding
// anything and in constant memory, so that it may run first on hostile bytes. On
// text that is not JSON the answer means nothing.
func Deeper(data []byte, depth int) bool {
	open := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			if open++; open > depth {
				return true
			}
		case '}', ']':
			open--
		}
	}
	return false
}

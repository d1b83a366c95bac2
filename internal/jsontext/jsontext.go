package jsontext

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// RawValue is a JSON value kept as text. As a struct member it takes the bytes
// as they came; nil means that the member was not there.
type RawValue = jsontext.Value

// Option changes how Decode reads.
type Option func(*options)

type options struct{ rejectUnknown bool }

// RejectUnknown makes Decode refuse members that the struct does not have.
// Without it they are ignored.
func RejectUnknown() Option { return func(o *options) { o.rejectUnknown = true } }

// Decode reads exactly one JSON value into the Go value that into points to.
// Duplicate keys, invalid UTF-8, trailing bytes and keys that differ in case
// only from a member's name are not taken as that member. Errors are *Error.
func Decode(data []byte, into any, opts ...Option) error {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	if o.rejectUnknown {
		return wrap(json.Unmarshal(data, into, json.RejectUnknownMembers(true)))
	}
	return wrap(json.Unmarshal(data, into))
}

// Encode writes a Go value as JSON without spaces. Maps come out sorted by key, so
// equal values give equal bytes.
func Encode(v any) ([]byte, error) {
	data, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, wrap(err)
	}
	return data, nil
}

// canonicalize is Canonicalize by the library.
func canonicalize(data []byte) ([]byte, error) {
	v := jsontext.Value(data).Clone()
	err := v.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false))
	if err != nil {
		return nil, wrap(err)
	}
	return v, nil
}

// AppendQuote appends s as a JSON string in canonical form. The only error is
// invalid UTF-8, after which dst holds s with U+FFFD in its place.
func AppendQuote(dst []byte, s string) ([]byte, error) {
	dst, err := jsontext.AppendQuote(dst, s)
	return dst, wrap(err)
}

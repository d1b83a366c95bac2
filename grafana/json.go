package grafana

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// text gives the characters of a JSON string.
func text(v board.Value) (string, bool) {
	if v.Kind() != '"' {
		return "", false
	}
	var s string
	err := jsontext.Decode([]byte(v), &s)
	return s, err == nil
}

// textAt gives the string at p, "" if there is none.
func textAt(v board.Value, p board.Pointer) string {
	at, _ := v.Get(p)
	s, _ := text(at)
	return s
}

// quote makes a JSON string; what is not UTF-8 becomes U+FFFD.
func quote(s string) board.Value {
	b, _ := jsontext.AppendQuote(nil, s)
	return board.Value(b)
}

// elements gives the elements of an array, of anything else none.
func elements(v board.Value) []board.Value { return slices.Collect(v.Elements()) }

// array joins values to an array.
func array(values []board.Value) board.Value {
	size := 2
	for _, v := range values {
		size += len(v) + 1
	}
	var b strings.Builder
	b.Grow(size)
	b.WriteByte('[')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(string(v))
	}
	b.WriteByte(']')
	return board.Value(b.String())
}

// encode makes a canonical value of a Go value; the texts in it are valid UTF-8.
func encode(v any) board.Value {
	data, err := jsontext.Encode(v)
	if err == nil {
		data, err = jsontext.Canonicalize(data)
	}
	if err != nil {
		return "null"
	}
	return board.Value(data)
}

// farthest bounds the cells that are read from outside, so that sums of them are
// far from overflowing.
const farthest = 1 << 30

// cells reads a number of grid cells, rounding: old dashboards have fractions.
func cells(v board.Value) (int, bool) {
	if v.Kind() != '0' {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return int(math.Round(min(max(f, -farthest), farthest))), true
}

func number(n int) board.Value { return board.Value(strconv.Itoa(n)) }

// isInteger reports whether a value is a whole number written without point or
// exponent, of at most 15 digits.
func isInteger(v board.Value) bool {
	digits := strings.TrimPrefix(string(v), "-")
	return v.Kind() == '0' && digits != "" && len(digits) <= 15 && strings.Trim(digits, "0123456789") == ""
}

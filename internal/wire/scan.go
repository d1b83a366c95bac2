package wire

import (
	"bytes"
	"strings"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// The functions here cut JSON text into pieces without decoding it. They find the
// pieces of valid JSON; on anything else they give wrong pieces or none, but never
// read outside the text. What is kept is checked by jsontext or board, before or
// after.

// space skips white space from i.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the index after the string that opens at i, or -1.
func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return -1
		}
		i += n
		escapes := 0
		for b[i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i + 1
		}
	}
	return -1
}

// skipValue returns the index after the value that begins at i, or -1.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		open := 0
		for i < len(b) {
			switch b[i] {
			case '"':
				if i = skipString(b, i); i < 0 {
					return -1
				}
				continue
			case '{', '[':
				open++
			case '}', ']':
				if open--; open == 0 {
					return i + 1
				}
			}
			i++
		}
		return -1
	}
	start := i
	for i < len(b) {
		switch b[i] {
		case ',', '}', ']', ':', '"', '{', '[', ' ', '\n', '\t', '\r':
			if i == start {
				return -1
			}
			return i
		}
		i++
	}
	return i
}

// members walks the members of an object or the elements of an array.
type members struct {
	text []byte
	at   int // where the next member begins; -1 = no more
	// broken is true once the text turned out not to be JSON.
	broken bool
}

// membersOf begins to walk text, which must begin with open: '{' or '['.
func membersOf(text []byte, open byte) members {
	i := space(text, 0)
	if i >= len(text) || text[i] != open {
		return members{at: -1, broken: true}
	}
	m := members{text: text, at: space(text, i+1)}
	if m.at < len(text) && text[m.at] == open+2 { // '}' and ']' stand two after their opening
		m.at = -1
	}
	return m
}

// next returns the next member of an object: its key as in the text, without
// quotes, and its value.
func (m *members) next() (key, value []byte, ok bool) {
	if m.at < 0 {
		return nil, nil, false
	}
	start := m.at
	if start >= len(m.text) || m.text[start] != '"' {
		return m.fail()
	}
	end := skipString(m.text, start)
	if end < 0 {
		return m.fail()
	}
	i := space(m.text, end)
	if i >= len(m.text) || m.text[i] != ':' {
		return m.fail()
	}
	m.at = space(m.text, i+1)
	value, ok = m.element()
	return m.text[start+1 : end-1], value, ok
}

// element returns the next element of an array.
func (m *members) element() (value []byte, ok bool) {
	if m.at < 0 {
		return nil, false
	}
	start := m.at
	end := skipValue(m.text, start)
	if end < 0 {
		_, _, ok = m.fail()
		return nil, ok
	}
	i := space(m.text, end)
	switch {
	case i < len(m.text) && m.text[i] == ',':
		m.at = space(m.text, i+1)
	case i < len(m.text) && (m.text[i] == '}' || m.text[i] == ']'):
		m.at = -1
	default:
		m.broken, m.at = true, -1
		return nil, false
	}
	return m.text[start:end:end], true
}

func (m *members) fail() ([]byte, []byte, bool) {
	m.broken, m.at = true, -1
	return nil, nil, false
}

// unquote decodes a JSON string with its quotes; ok is false if raw is none.
func unquote(raw []byte) (s string, ok bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), true
	}
	if err := jsontext.Decode(raw, &s); err != nil {
		return "", false
	}
	return s, true
}

// textOf decodes a JSON string into text of its own, which does not hold on to the
// message; ok is false if v is none.
func textOf(v board.Value) (s string, ok bool) {
	s, ok = textIn(v)
	return strings.Clone(s), ok
}

// textIn is textOf for who holds on to the message anyway.
func textIn(v board.Value) (s string, ok bool) {
	if v.Kind() != '"' {
		return "", false
	}
	if strings.IndexByte(string(v), '\\') < 0 {
		return string(v[1 : len(v)-1]), true
	}
	return unquote([]byte(v))
}

// peek is how much of a message PeekID looks at (E5).
const peek = 512

// PeekID finds the id in the first bytes of a message that is too large to be
// decoded, or that is no valid JSON (E5). It is "" if none stands in the first 512
// bytes, or if it is no valid id.
func PeekID(prefix []byte) string { return peekString(prefix, "id") }

// peekString finds a string member of the outermost object in the first bytes of a
// text that may be cut off or broken.
func peekString(prefix []byte, name string) string {
	if len(prefix) > peek {
		prefix = prefix[:peek]
	}
	m := membersOf(prefix, '{')
	for {
		start := m.at
		key, value, ok := m.next()
		if !ok {
			// The value may be whole although what follows it is cut off.
			if key, value, _, ok = stringMemberAt(prefix, start); !ok {
				return ""
			}
		}
		if string(key) != name {
			continue
		}
		s, ok := unquote(value)
		if !ok || board.CheckID("op", s) != nil {
			return ""
		}
		return s
	}
}

// stringMemberAt reads the member with a string value that begins at i, whatever
// comes after it at end.
func stringMemberAt(b []byte, i int) (key, value []byte, end int, ok bool) {
	if i < 0 || i >= len(b) || b[i] != '"' {
		return nil, nil, 0, false
	}
	colon := skipString(b, i)
	if colon < 0 {
		return nil, nil, 0, false
	}
	key = b[i+1 : colon-1]
	colon = space(b, colon)
	if colon >= len(b) || b[colon] != ':' {
		return nil, nil, 0, false
	}
	at := space(b, colon+1)
	if at >= len(b) || b[at] != '"' {
		return nil, nil, 0, false
	}
	if end = skipString(b, at); end < 0 {
		return nil, nil, 0, false
	}
	return key, b[at:end], end, true
}

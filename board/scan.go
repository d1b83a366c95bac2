package board

import "strings"

// The functions here walk canonical text. They trust it: on text that is not
// canonical JSON they return something, in bounds, but nothing useful.

// endOfString returns the index just after the closing quote of the string whose
// opening quote is at i.
func endOfString(s string, i int) int {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return len(s)
}

// endOfValue returns the index just after the value that starts at i.
func endOfValue(s string, i int) int {
	if i >= len(s) {
		return len(s)
	}
	switch s[i] {
	case '"':
		return endOfString(s, i)
	case '{', '[':
		open := 1
		for i++; i < len(s); {
			switch s[i] {
			case '"':
				i = endOfString(s, i)
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
		return len(s)
	}
	for i < len(s) && s[i] != ',' && s[i] != '}' && s[i] != ']' {
		i++
	}
	return i
}

// member is one member of a canonical object as spans of its text.
type member struct {
	start, end int    // the whole of it, "key":value
	key        string // decoded
	value      int    // where the value starts
}

// nextMember reads the member that starts at i, the index after '{' or ','. The
// next one starts at end+1, if s[end] is a comma.
func nextMember(s string, i int) (m member, ok bool) {
	if i >= len(s) || s[i] != '"' {
		return member{}, false
	}
	colon := endOfString(s, i)
	if colon >= len(s) {
		return member{}, false
	}
	m = member{start: i, key: unquote(s[i:colon]), value: colon + 1}
	m.end = endOfValue(s, m.value)
	return m, true
}

// unquote decodes a canonical string with its quotes; without escapes the result
// is a part of quoted.
func unquote(quoted string) string {
	if len(quoted) < 2 {
		return ""
	}
	s := quoted[1 : len(quoted)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b = append(b, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u': // canonical text has these below U+0020 only
			if i+4 < len(s) {
				b = append(b, hexDigit(s[i+3])<<4|hexDigit(s[i+4]))
				i += 4
			}
		default:
			b = append(b, s[i])
		}
	}
	return string(b)
}

func hexDigit(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

// appendQuoted appends s, valid UTF-8, as a canonical string.
func appendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, s[from:]...), '"')
}

// compareKeys orders keys by their UTF-16 code units, as RFC 8785 sorts members.
// It differs from the order of the bytes only where a character beyond U+FFFF
// meets one from U+E000 to U+FFFF.
func compareKeys(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] == b[i] {
			continue
		}
		less := a[i] < b[i]
		if a[i] >= 0xEE && b[i] >= 0xEE && (a[i] >= 0xF0) != (b[i] >= 0xF0) {
			less = !less
		}
		if less {
			return -1
		}
		return 1
	}
	return len(a) - len(b)
}

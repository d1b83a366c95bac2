package board

import "strings"

// The functions here walk canonical text. They trust it: on text that is not
// canonical JSON they return something, in bounds, but nothing useful.

// endOfString returns the index just after the closing quote of the string whose
// opening quote is at i.
func endOfString(s string, i int) int {
	for i++; ; {
		n := strings.IndexByte(s[i:], '"')
		if n < 0 {
			return len(s)
		}
		quote, slashes := i+n, 0
		for slashes < n && s[quote-1-slashes] == '\\' {
			slashes++
		}
		i = quote + 1
		if slashes%2 == 0 {
			return i
		}
	}
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
		return endOfObject(s, i+1)
	}
	for i < len(s) && s[i] != ',' && s[i] != '}' && s[i] != ']' {
		i++
	}
	return i
}

// endOfObject returns the index just after the object or array that holds the member
// or item at i.
func endOfObject(s string, i int) int {
	for open := 1; i < len(s); {
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

// memberAt reads the key of the member that starts at i, the index after '{' or
// ',', and tells where its value starts. It reports false where no member starts.
func memberAt(s string, i int) (key string, value int, ok bool) {
	if i >= len(s) || s[i] != '"' {
		return "", i, false
	}
	// Nearly all keys are short and plain.
	const short = 24
	for j := i + 1; j < min(len(s), i+short); j++ {
		if s[j] == '"' && j+2 < len(s) {
			return s[i+1 : j], j + 2, true
		}
		if s[j] == '"' || s[j] == '\\' {
			break
		}
	}
	colon := endOfString(s, i)
	if colon+1 >= len(s) {
		return "", i, false
	}
	return unquote(s[i:colon]), colon + 1, true
}

// findMember looks in the object that starts at i for a key and tells where its
// value starts.
func findMember(s string, i int, key string) (value int, ok bool) {
	for i++; ; {
		at, value, ok := memberAt(s, i)
		if !ok {
			return 0, false
		}
		if order := compareKeys(at, key); order == 0 {
			return value, true
		} else if order > 0 {
			return 0, false
		}
		i = endOfValue(s, value) + 1
	}
}

// member is one member of an object: its decoded key, and where its value stands.
type member struct {
	key        string
	value, end int
}

// nextMember reads the member that starts at i, the index after '{' or ','. If there
// is another, it starts at end+1.
func nextMember(s string, i int) (m member, ok bool) {
	key, value, ok := memberAt(s, i)
	if !ok {
		return member{}, false
	}
	return member{key: key, value: value, end: endOfValue(s, value)}, true
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
	for i := plain(s); i < len(s); i++ {
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

// plain gives the length of a prefix of s that needs no escapes; it may be shorter than
// the longest.
func plain(s string) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := word(s, i)
		quote, slash := w^ones*'"', w^ones*'\\'
		if ((w-ones*' ')&^w|(quote-ones)&^quote|(slash-ones)&^slash)&tops != 0 {
			break
		}
	}
	for i < len(s) && s[i] >= ' ' && s[i] != '"' && s[i] != '\\' {
		i++
	}
	return i
}

// word gives the eight bytes at i, the first as the least.
func word(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
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

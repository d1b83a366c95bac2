package jsontext

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// lexer reads the tokens of a text, and notes whether they are spelled as RFC 8785
// has them.
type lexer struct {
	data []byte
	i    int
	// canonical turns false at the first space or string that is not canonical.
	canonical bool
}

// fault is what is wrong with a token.
type fault struct {
	reason  Reason
	message string
}

func (l *lexer) spaces() {
	for l.i < len(l.data) {
		switch l.data[l.i] {
		case ' ', '\t', '\n', '\r':
			l.i++
			l.canonical = false
		default:
			return
		}
	}
}

func (l *lexer) take(b byte) bool {
	if l.i < len(l.data) && l.data[l.i] == b {
		l.i++
		return true
	}
	return false
}

// number reads a number and returns its length, 0 if there is none.
func (l *lexer) number() int {
	data, i := l.data, l.i
	if i < len(data) && data[i] == '-' {
		i++
	}
	if i < len(data) && data[i] == '0' {
		i++
	} else {
		whole := i
		if i = digits(data, i); i == whole {
			return 0
		}
	}
	if i < len(data) && data[i] == '.' {
		fraction := i + 1
		if i = digits(data, fraction); i == fraction {
			return 0
		}
	}
	if i < len(data) && data[i]|0x20 == 'e' {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		exponent := i
		if i = digits(data, i); i == exponent {
			return 0
		}
	}
	n := i - l.i
	l.i = i
	return n
}

// digits gives the index after the digits at i.
func digits(data []byte, i int) int {
	for i < len(data) && data[i]-'0' <= 9 {
		i++
	}
	return i
}

// string reads a string from its opening quote on; escaped tells that it has to be
// decoded.
func (l *lexer) string() (escaped bool, _ *fault) {
	data, i := l.data, l.i+1
	for {
		if i = plainTo(data, i); i == len(data) {
			return escaped, l.ended()
		}
		switch b := data[i]; {
		case b == '"':
			l.i = i + 1
			return escaped, nil
		case b == '\\':
			escaped = true
			n, fault := l.escape(i)
			if fault != nil {
				return escaped, fault
			}
			i += n
		case b < ' ':
			return escaped, &fault{ReasonSyntax, "a string holds a control character: escape it, a line feed as \\n"}
		default:
			_, n := utf8.DecodeRune(data[i:])
			if n == 1 {
				return escaped, &fault{ReasonUTF8, "this is not valid UTF-8: encode the text as UTF-8"}
			}
			i += n
		}
	}
}

func (l *lexer) ended() *fault {
	return &fault{ReasonSyntax, "the JSON ends too early: send one complete JSON value"}
}

// plainTo gives the index after the bytes at i that stand for themselves in a string: ASCII
// without quotes, backslashes and control characters.
func plainTo(data []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(data); i += 8 {
		// A top bit is set of each byte that is another one. What a subtraction borrows changes
		// bytes behind the first of these only.
		w := binary.LittleEndian.Uint64(data[i:])
		quote, slash := w^ones*'"', w^ones*'\\'
		if other := (w | (w - ones*' ') | (quote - ones) | (slash - ones)) & tops; other != 0 {
			return i + bits.TrailingZeros64(other)/8
		}
	}
	for i < len(data) && plain(data[i]) {
		i++
	}
	return i
}

func plain(b byte) bool { return b >= ' ' && b < utf8.RuneSelf && b != '"' && b != '\\' }

// escape reads the escape at i and returns its length.
func (l *lexer) escape(i int) (int, *fault) {
	if i+1 >= len(l.data) {
		return 0, l.ended()
	}
	switch l.data[i+1] {
	case '"', '\\', 'b', 'f', 'n', 'r', 't':
		return 2, nil
	case '/':
		l.canonical = false
		return 2, nil
	case 'u':
		unit, ok := hex4(l.data[i+2:])
		if !ok {
			return 0, &fault{ReasonSyntax, "a string holds a bad escape: \\u takes four hexadecimal digits"}
		}
		l.canonical = l.canonical && canonicalUnit(l.data[i+4:i+6], unit)
		if unit < 0xD800 || unit > 0xDFFF {
			return 6, nil
		}
		if unit < 0xDC00 && len(l.data) >= i+12 && l.data[i+6] == '\\' && l.data[i+7] == 'u' {
			if low, ok := hex4(l.data[i+8:]); ok && low >= 0xDC00 && low <= 0xDFFF {
				return 12, nil
			}
		}
		return 0, &fault{ReasonSurrogate, "a string holds half of a surrogate pair: send both halves, or U+FFFD"}
	}
	return 0, &fault{ReasonSyntax, "a string holds a bad escape: only \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u are allowed"}
}

// canonicalUnit reports whether RFC 8785 spells a character as this \u escape, of
// which digits are the last two: control characters without a short escape, in
// lower case.
func canonicalUnit(digits []byte, unit rune) bool {
	switch unit {
	case '\b', '\f', '\n', '\r', '\t':
		return false
	}
	return unit < ' ' && digits[1] >= '0' && (digits[1] <= '9' || digits[1] >= 'a')
}

// hex4 reads four hexadecimal digits.
func hex4(data []byte) (unit rune, ok bool) {
	if len(data) < 4 {
		return 0, false
	}
	for _, b := range data[:4] {
		switch {
		case b >= '0' && b <= '9':
			b -= '0'
		case b >= 'a' && b <= 'f':
			b -= 'a' - 10
		case b >= 'A' && b <= 'F':
			b -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(b)
	}
	return unit, true
}

// decode gives what a string stands for; inner is its text without the quotes, well
// formed, with escapes.
func decode(inner []byte) []byte {
	out := make([]byte, 0, len(inner))
	for i := 0; i < len(inner); i++ {
		if inner[i] != '\\' {
			out = append(out, inner[i])
			continue
		}
		i++
		switch inner[i] {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, _ := hex4(inner[i+1:])
			i += 4
			if r >= 0xD800 && r <= 0xDFFF {
				low, _ := hex4(inner[i+3:])
				i += 6
				r = (r-0xD800)<<10 | (low - 0xDC00) + 0x10000
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, inner[i])
		}
	}
	return out
}

// compareUTF16 orders keys by their UTF-16 code units, as RFC 8785 does. It differs
// from the order of the bytes only where a character beyond U+FFFF meets one from
// U+E000 to U+FFFF.
func compareUTF16(a, b []byte) int {
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

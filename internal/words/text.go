package words

import (
	"strconv"
	"strings"
)

// Printable replaces what would do something to a terminal, or break a line in two.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 || 0x2028 <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069 || r == 0x061c || r == 0x200e || r == 0x200f || r == 0xfeff {
			return '\uFFFD'
		}
		return r
	}, s)
}

// Count writes a number with its noun: "1 entry", "12,345 entries".
func Count[N ~int | ~int64 | ~uint64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + many
}

// Number writes a number with commas.
func Number[N ~int | ~int64 | ~uint64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

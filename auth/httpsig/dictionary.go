package httpsig

import (
	"strings"

	"github.com/dunglas/httpsfv"
)

// dictionary reads a dictionary of structured fields (RFC 9651). Other than there, a
// key that comes twice is an error: a line that somebody added must not stand in for
// the one that was sent.
func dictionary(field string, lines []string) (*httpsfv.Dictionary, *Error) {
	text := strings.Join(lines, ", ")
	if len(text) > maxHeader {
		return nil, refuse(TooLarge, "%s has more than %d bytes", field, maxHeader)
	}
	dict, err := httpsfv.UnmarshalDictionary([]string{text})
	if err != nil {
		return nil, refuse(Malformed, "%s cannot be read: write it as RFC 9421 has it", field).because(err)
	}
	if countMembers(text) != len(dict.Names()) {
		return nil, refuse(Malformed, "%s names something twice", field)
	}
	return dict, nil
}

// countMembers counts the members of a well-formed dictionary: commas outside strings
// separate them, since nothing else in one holds a comma.
func countMembers(text string) int {
	if strings.Trim(text, " \t") == "" {
		return 0
	}
	n, quoted := 1, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			n++
		}
	}
	return n
}

package board

import (
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dashwire/dashwire/internal/jsontext"
)

// Pointer is a JSON Pointer (RFC 6901) in its text form, such as "/config/unit".
// "" is the whole value. Every token has one spelling only, so pointers may be
// compared as strings.
type Pointer string

// MaxTokens is the length of the longest pointer that an op may name: what lies
// deeper is changed with the value that holds it (D4).
const MaxTokens = MaxDepth - 1

// ParsePointer checks a pointer from outside: the syntax of RFC 6901 (CodePath) and
// the rules for keys in each token (D4, CodeInvalidValue). The whole value, "", is
// refused: an op names members.
func ParsePointer(s string) (Pointer, *Error) {
	switch {
	case s == "":
		return "", Errorf(CodePath, "the path is empty: name a member, such as /title")
	case s[0] != '/':
		return "", Errorf(CodePath, "a path begins with a slash, such as /config/unit: write it as a JSON Pointer")
	case !utf8.ValidString(s):
		return "", Errorf(CodeInvalidValue, "the path is not valid UTF-8: encode it as UTF-8")
	}
	for i := 0; i < len(s); i++ {
		if s[i] == '~' && (i+1 == len(s) || (s[i+1] != '0' && s[i+1] != '1')) {
			return "", Errorf(CodePath, "in a path ~ stands as ~0 and / as ~1: escape it so")
		}
	}
	p := Pointer(s)
	if n := p.Len(); n > MaxTokens {
		return "", Errorf(CodeInvalidValue, "the path has %d steps and may have %d: set the value that holds it instead", n, MaxTokens)
	}
	for rest := s; rest != ""; {
		upTo := len(s) - len(rest)
		var token string
		token, rest = cutToken(rest)
		if bad := jsontext.CheckKey(token, jsontext.Limits{}); bad != nil {
			if bad.Reason != jsontext.ReasonKeyLength {
				upTo = len(s) - len(rest)
			}
			return "", invalidValue(bad).At(s[:upTo])
		}
	}
	return p, nil
}

// Tokens yields the decoded tokens of p.
func (p Pointer) Tokens() iter.Seq[string] {
	return func(yield func(string) bool) {
		rest := string(p)
		for rest != "" {
			var token string
			token, rest = cutToken(rest)
			if !yield(token) {
				return
			}
		}
	}
}

// cutToken takes the first token, decoded, off a pointer that is not empty.
func cutToken(p string) (token, rest string) {
	end := strings.IndexByte(p[1:], '/')
	if end < 0 {
		token = p[1:]
	} else {
		token, rest = p[1:1+end], p[1+end:]
	}
	if strings.IndexByte(token, '~') >= 0 {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
	}
	return token, rest
}

// Len is the number of tokens.
func (p Pointer) Len() int { return strings.Count(string(p), "/") }

// Contains reports whether q is p or lies under it.
func (p Pointer) Contains(q Pointer) bool {
	return len(q) >= len(p) && q[:len(p)] == p && (len(q) == len(p) || q[len(p)] == '/')
}

// Parent is p without its last token; of "" it is "".
func (p Pointer) Parent() Pointer {
	return p[:max(strings.LastIndexByte(string(p), '/'), 0)]
}

// JoinPointer gives the pointer to the member named token under p.
func JoinPointer(p Pointer, token string) Pointer {
	if strings.ContainsAny(token, "~/") {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
	}
	return p + "/" + Pointer(token)
}

// compareTree orders pointers so that what lies under a pointer follows it at once:
// by bytes, the slash before all others.
func compareTree(p, q Pointer) int {
	n := min(len(p), len(q))
	for i := range n {
		a, b := p[i], q[i]
		switch {
		case a == b:
			continue
		case a == '/':
			return -1
		case b == '/', a > b:
			return 1
		}
		return -1
	}
	return len(p) - len(q)
}

// CheckDisjoint refuses a pointer that equals another of the same op or lies under
// it (E6), with CodePath.
func CheckDisjoint(set []Assignment, unset []Pointer) *Error {
	if len(set)+len(unset) < 2 {
		return nil
	}
	var few [8]Pointer
	all := few[:0]
	for _, a := range set {
		all = append(all, a.Path)
	}
	all = append(all, unset...)
	slices.SortFunc(all, compareTree)
	for i, p := range all[1:] {
		above := all[i]
		if p == above {
			return Errorf(CodePath, "one op names the same path twice: name it once").At(string(p))
		}
		if above.Contains(p) {
			return Errorf(CodePath, "one op names a path and another under it: set the upper one whole, or only the lower ones").At(string(p))
		}
	}
	return nil
}

package board

import (
	"strings"

	"github.com/dashwire/dashwire/internal/jsontext"
)

// MaxID is the length of the longest id, in characters (D2).
const MaxID = 128

// inID are the characters of ids (D2).
var inID = func() (table [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-") {
		table[c] = true
	}
	return table
}()

// CheckID holds an id against D2; kind ("dashboard", "widget", "client", "op",
// "breakpoint") is for the message. The error is CodeInvalidID.
func CheckID(kind, id string) *Error {
	switch {
	case id == "":
		return Errorf(CodeInvalidID, "the %s id is empty: send 1 to %d characters of A–Z a–z 0–9 . _ : -", kind, MaxID)
	case len(id) > MaxID:
		return Errorf(CodeInvalidID, "the %s id has %d bytes: send at most %d characters", kind, len(id), MaxID)
	case jsontext.Forbidden(id):
		return Errorf(CodeInvalidID, "the %s id is a reserved name (__proto__, constructor, prototype): choose another", kind)
	case strings.Trim(id, ".") == "":
		return Errorf(CodeInvalidID, "the %s id is dots alone: choose another", kind)
	}
	for i := range len(id) {
		if !inID[id[i]] {
			return Errorf(CodeInvalidID, "the %s id has a character at byte %d that is not allowed: use A–Z a–z 0–9 . _ : - only", kind, i)
		}
	}
	return nil
}

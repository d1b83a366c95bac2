package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dashwire/dashwire/internal/jsontext"
	"github.com/dashwire/dashwire/observe"
)

// Line is one line of the file.
type Line struct {
	// Seq counts the lines from 1, over all files.
	Seq  uint64    `json:"seq"`
	Time time.Time `json:"time"`
	Name string    `json:"action"`
	User string    `json:"user"`
	Via  string    `json:"via"`
	From string    `json:"remote"`
	// Count is how many alike actions the line stands for, at least 1.
	Count   int               `json:"count"`
	Details map[string]string `json:"details"`
	// Prev is the SHA-256 of the line before, without its end, in hexadecimal; "" in the
	// first line of all.
	Prev string `json:"prev"`
}

// The bounds of what is taken from outside into a line, in bytes of each text.
const (
	maxText    = 1 << 10
	maxDetails = 200
)

// timeLayout is RFC 3339 in milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// appendLine appends an action as a line without its end. It is ASCII alone, so that
// nothing in it breaks a line or moves a terminal.
func appendLine(dst []byte, seq uint64, prev string, a observe.Action) []byte {
	dst = strconv.AppendUint(append(dst, `{"seq":`...), seq, 10)
	dst = append(dst, `,"time":"`...)
	dst = a.Time.UTC().AppendFormat(dst, timeLayout)
	dst = appendText(append(dst, `","action":`...), a.Name)
	for _, m := range [...]struct{ key, text string }{{"user", a.UserID}, {"via", a.Via}, {"remote", a.RemoteAddr}} {
		if m.text != "" {
			dst = append(append(append(dst, `,"`...), m.key...), `":`...)
			dst = appendText(dst, m.text)
		}
	}
	dst = strconv.AppendInt(append(dst, `,"count":`...), int64(max(a.Count, 1)), 10)
	if len(a.Details) > 0 {
		dst = append(dst, `,"details":{`...)
		keys := slices.Sorted(maps.Keys(a.Details))
		for i, key := range keys[:min(len(keys), maxDetails)] {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendText(dst, key), ':')
			dst = appendText(dst, a.Details[key])
		}
		dst = append(dst, '}')
	}
	dst = append(append(dst, `,"prev":"`...), prev...)
	return append(dst, `"}`...)
}

// appendText appends s as a JSON string in ASCII, at most maxText bytes of it. What is
// no UTF-8 becomes U+FFFD.
func appendText(dst []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	unit := func(dst []byte, u uint16) []byte {
		return append(dst, '\\', 'u', hexDigits[u>>12], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
	}
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case ' ' <= r && r < 0x7f:
			dst = append(dst, byte(r))
		case r < 0x10000:
			dst = unit(dst, uint16(r))
		default:
			r -= 0x10000
			dst = unit(unit(dst, uint16(0xd800+r>>10)), uint16(0xdc00+r&0x3ff))
		}
	}
	return append(dst, '"')
}

// parseLine reads a line without its end.
func parseLine(text []byte) (Line, error) {
	var l Line
	err := jsontext.Decode(text, &l, jsontext.RejectUnknown())
	return l, err
}

// hashOf is what the next line calls Prev.
func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

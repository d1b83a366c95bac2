package board

import (
	"cmp"
	"encoding/hex"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// listedAt reads the op ids of a snapshot of formatListed, an array of [user, id, version,
// hash] in order of their keys, from where it begins, and returns where it ends, -1 if it is
// none. They are most of the snapshot of a dashboard with a long log, so each byte is looked
// at once, and what is not spelled as it was written is damaged.
func (r *snapshotReader) listedAt(key, text string, at int) (ids opIDs, end int) {
	in := storedText{text: text, at: at}
	in.take("[")
	if !in.bad && in.at < len(text) && text[in.at] == ']' {
		return opIDs{}, in.at + 1
	}
	var list []opNode
	for sign := byte(','); sign == ',' && !in.bad; sign = in.sign() {
		in.take("[")
		n := opNode{userID: in.string()}
		in.take(",")
		n.opID = in.string()
		in.take(",")
		n.version = in.number()
		in.take(`,"`)
		in.hex(n.hash[:])
		in.take(`"]`)
		list = append(list, n)
	}
	if in.bad || text[in.at-1] != ']' {
		r.fail(key, "is damaged")
		return opIDs{}, -1
	}
	byVersion := make([]*opNode, len(list))
	for i := range list {
		byVersion[i] = &list[i]
		if i > 0 && compareOps(&list[i-1], &list[i]) >= 0 {
			r.fail(key, "is not in order")
		}
	}
	slices.SortFunc(byVersion, func(a, b *opNode) int { return cmp.Compare(a.version, b.version) })
	if byVersion[len(byVersion)-1].version-byVersion[0].version > math.MaxUint32 {
		r.fail(key, "is not of one log")
		return opIDs{}, -1
	}
	return opIDs{runs: []opRun{runOf(byVersion)}}, in.at
}

// compareOps orders nodes by their opKeys.
func compareOps(a, b *opNode) int {
	if a.userID == b.userID {
		return strings.Compare(a.opID, b.opID)
	}
	if n := min(len(a.userID), len(b.userID)); a.userID[:n] != b.userID[:n] {
		return strings.Compare(a.userID[:n], b.userID[:n])
	}
	return strings.Compare(opKey(a.userID, a.opID), opKey(b.userID, b.opID))
}

// storedText is read from front to back. Once bad, what it gives means nothing.
type storedText struct {
	text string
	at   int
	bad  bool
}

func (t *storedText) take(literal string) {
	if !strings.HasPrefix(t.text[t.at:], literal) {
		t.bad = true
		return
	}
	t.at += len(literal)
}

// sign reads one byte, 0 at the end.
func (t *storedText) sign() byte {
	if t.at == len(t.text) {
		return 0
	}
	t.at++
	return t.text[t.at-1]
}

// string reads a string. Without escapes the result is a part of the text.
func (t *storedText) string() string {
	from := t.at
	t.take(`"`)
	n := plain(t.text[t.at:])
	s := t.text[t.at : t.at+n]
	if t.at += n; t.sign() == '"' && utf8.ValidString(s) {
		return s
	}
	t.at = endOfValue(t.text, from)
	s = t.text[from:t.at]
	if Value(s).Kind() != '"' || checkStored([]byte(s)) != nil {
		t.bad = true
	}
	return unquote(s)
}

// number reads a whole number that is not negative.
func (t *storedText) number() (n uint64) {
	const digits = 19 // that no sum of can be too large
	from := t.at
	for t.at < len(t.text) && t.text[t.at] >= '0' && t.text[t.at] <= '9' {
		n = 10*n + uint64(t.text[t.at]-'0')
		t.at++
	}
	if count := t.at - from; count == 0 || count > digits || count > 1 && t.text[from] == '0' {
		t.bad = true
	}
	return n
}

func (t *storedText) hex(into []byte) {
	n := 2 * len(into)
	if len(t.text)-t.at < n {
		t.bad = true
		return
	}
	if _, err := hex.Decode(into, []byte(t.text[t.at:t.at+n])); err != nil {
		t.bad = true
	}
	t.at += n
}

package jsontext

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"sync"
)

// Canonicalize gives the canonical form of rule D6: key order, strings and spacing
// as RFC 8785 has them, numbers exactly as they stand. Data is left as it is. What
// Decode refuses is refused.
func Canonicalize(data []byte) ([]byte, error) {
	w := rewriters.Get().(*rewriter)
	defer w.done()
	if w.rewrite(data) {
		return slices.Clone(w.written()), nil
	}
	return canonicalize(data)
}

// CanonicalText is Canonicalize for a caller that wants a string.
func CanonicalText(data []byte) (string, error) {
	w := rewriters.Get().(*rewriter)
	defer w.done()
	if w.rewrite(data) {
		return string(w.written()), nil
	}
	text, err := canonicalize(data)
	return string(text), err
}

// rewriters are kept for their buffers.
var rewriters = sync.Pool{New: func() any { return new(rewriter) }}

// rewriter writes text anew in one pass. It gives up on whatever is wrong, and on what
// nests deeper than rewriteDeep, which is left to the library.
type rewriter struct {
	lexer
	// What has been written is out and then what was read from from on, which is copied only
	// once something else is to follow it. As long as from is 0 all is written as it was read.
	out     []byte
	from    int
	members []Member // of the objects that are open
	sorted  []byte   // the members of one object in order

	// parts are the members of the objects that were taken apart.
	parts []Member
	// Of the value that is being read, what Member has: deepest counts from the outermost.
	inner, n uint32
	deepest  int
	suspect  bool
	whole    bool
}

// Of a rewriter, what is kept, and how deep it goes.
const (
	keptText    = 16 << 10
	keptMembers = 256
	rewriteDeep = 64
)

func (w *rewriter) done() {
	if w.reset() {
		rewriters.Put(w)
	}
}

// reset makes w ready for another text. It reports whether the buffers are worth keeping.
func (w *rewriter) reset() bool {
	w.lexer, w.out, w.from, w.members, w.parts = lexer{}, w.out[:0], 0, w.members[:0], w.parts[:0]
	return cap(w.out) <= keptText && cap(w.sorted) <= keptText && cap(w.members) <= keptMembers && cap(w.parts) <= keptMembers
}

// rewrite reports whether data has a canonical form, which has then been written. The
// rewriter is as reset leaves it.
func (w *rewriter) rewrite(data []byte) bool {
	if len(data) > math.MaxInt32 {
		return false
	}
	w.data = data
	w.skip()
	if !w.value(0) {
		return false
	}
	w.skip()
	return w.i == len(data)
}

// written is what has been written.
func (w *rewriter) written() []byte {
	if w.from == 0 {
		return w.data[:w.i]
	}
	w.flush(w.i)
	return w.out
}

// at is the length of what has been written.
func (w *rewriter) at() uint32 { return uint32(len(w.out) + w.i - w.from) }

// flush copies what was read up to end.
func (w *rewriter) flush(end int) {
	w.out, w.from = append(w.out, w.data[w.from:end]...), end
}

// skip reads spaces and writes none.
func (w *rewriter) skip() {
	if w.i < len(w.data) && w.data[w.i] <= ' ' {
		w.skipped()
	}
}

// skipped is the rest of skip, which is inlined without it.
//
//go:noinline
func (w *rewriter) skipped() {
	start := w.i
	if w.spaces(); w.i > start {
		w.flush(start)
		w.from = w.i
	}
}

func (w *rewriter) value(depth int) bool {
	if w.i == len(w.data) {
		return false
	}
	switch w.data[w.i] {
	case '"':
		if end := plainTo(w.data, w.i+1); end < len(w.data) && w.data[end] == '"' {
			w.i = end + 1
			return true
		}
		_, ok := w.text()
		return ok
	case '{':
		return depth < rewriteDeep && w.object(depth+1, false)
	case '[':
		return depth < rewriteDeep && w.array(depth+1)
	case 't':
		return w.literal("true")
	case 'f':
		return w.literal("false")
	case 'n':
		return w.literal("null")
	}
	n := w.number()
	if n > maxNumberChars {
		w.suspect = true
	}
	return n > 0
}

func (w *rewriter) literal(word string) bool {
	if len(w.data)-w.i < len(word) || string(w.data[w.i:w.i+len(word)]) != word {
		return false
	}
	w.i += len(word)
	return true
}

// text writes a string; escaped tells that it is written with escapes.
func (w *rewriter) text() (escaped, ok bool) {
	start := w.i
	w.canonical = true
	escaped, fault := w.string()
	if fault != nil {
		return false, false
	}
	if w.canonical {
		return escaped, true
	}
	w.flush(start)
	from := len(w.out)
	w.out, _ = AppendQuote(w.out, string(decode(w.data[start+1:w.i-1]))) // it is UTF-8
	w.from = w.i
	return bytes.IndexByte(w.out[from:], '\\') >= 0, true
}

func (w *rewriter) array(depth int) bool {
	w.deepest = max(w.deepest, depth)
	w.i++
	w.skip()
	if w.take(']') {
		return true
	}
	for {
		if !w.value(depth) {
			return false
		}
		w.skip()
		if w.take(']') {
			return true
		}
		if !w.take(',') {
			return false
		}
		w.skip()
	}
}

// object writes an object. One that is to be taken apart leaves its members in parts, in
// canonical order; where it is written they stand as they came.
func (w *rewriter) object(depth int, apart bool) bool {
	w.deepest = max(w.deepest, depth)
	w.i++
	begin, first := w.at(), len(w.members)
	inOrder := true
	w.skip()
	for more := !w.take('}'); more; {
		if apart {
			w.inner, w.n, w.deepest, w.suspect, w.whole = 0, 0, depth, false, true
		}
		key := w.at() + 1
		lead, escaped, ok := w.key()
		if !ok {
			return false
		}
		value := w.at()
		if apart && depth < levels && w.i < len(w.data) && w.data[w.i] == '{' {
			suspect := w.suspect
			ok = w.object(depth+1, true)
			w.suspect = w.suspect || suspect
		} else {
			ok = w.value(depth)
		}
		if !ok {
			return false
		}
		w.members = append(w.members, Member{
			lead: lead, key: key, keyEnd: value - 2, value: value, end: w.at(), inner: w.inner, n: w.n,
			depth: uint8(w.deepest - depth), escaped: escaped, suspect: w.suspect, whole: w.whole,
		})
		if at := len(w.members) - 1; at > first && inOrder {
			inOrder = w.compare(&w.members[at-1], &w.members[at]) < 0
		}
		w.skip()
		if w.i == len(w.data) {
			return false
		}
		w.i++
		switch w.data[w.i-1] {
		case ',':
			w.skip()
		case '}':
			more = false
		default:
			return false
		}
	}
	members := w.members[first:]
	if !inOrder && !w.sort(members) {
		return false
	}
	switch {
	case apart:
		w.part(members, depth, inOrder)
	case !inOrder:
		w.rearrange(begin, members)
	}
	w.members = w.members[:first]
	return true
}

// key reads and writes a key with its colon. It returns what leadOf gives, and whether the
// key is written with escapes.
func (w *rewriter) key() (lead uint64, escaped, ok bool) {
	data, start := w.data, w.i+1
	if start > len(data) || data[start-1] != '"' {
		return 0, false, false
	}
	if end := plainTo(data, start); end < len(data) && data[end] == '"' {
		w.i = end + 1
		lead = leadOf(data, start, end)
		w.doubt(data[start:end])
	} else {
		from := w.at() + 1
		if escaped, ok = w.text(); !ok {
			return 0, false, false
		}
		w.suspect = w.suspect || escaped
		w.doubt(w.written()[from : w.at()-1])
	}
	w.skip()
	ok = w.take(':')
	w.skip()
	return lead, escaped, ok
}

// doubt is suspicious of a key that rule D4 may refuse.
func (w *rewriter) doubt(key []byte) {
	if len(key) > maxKeyBytes || Forbidden(key) {
		w.suspect = true
	}
}

// leadOf gives the first bytes of a key of plain bytes as a number, which orders such keys
// unless it is the same; 0 if it cannot.
func leadOf(data []byte, start, end int) uint64 {
	if len(data)-start < 8 || end == start {
		return 0
	}
	unused := 8 * uint(max(8-(end-start), 0)) & 63
	return binary.BigEndian.Uint64(data[start:]) >> unused << unused
}

// keyOf is the key of m as it is written.
func (w *rewriter) keyOf(m *Member) []byte { return w.written()[m.key:m.keyEnd] }

// compare orders members by their keys.
func (w *rewriter) compare(a, b *Member) int {
	switch {
	case a.lead == 0 || b.lead == 0 || a.lead == b.lead:
		return w.compareKeys(a, b)
	case a.lead < b.lead:
		return -1
	}
	return 1
}

func (w *rewriter) compareKeys(a, b *Member) int {
	keyA, keyB := w.keyOf(a), w.keyOf(b)
	if a.escaped {
		keyA = decode(keyA)
	}
	if b.escaped {
		keyB = decode(keyB)
	}
	return compareUTF16(keyA, keyB)
}

// fewMembers are sorted by the simplest way.
const fewMembers = 16

// sort brings members into order. It reports false if a key stands twice.
func (w *rewriter) sort(members []Member) bool {
	if len(members) > fewMembers {
		slices.SortFunc(members, func(a, b Member) int { return w.compare(&a, &b) })
		for i := range members[1:] {
			if string(w.keyOf(&members[i])) == string(w.keyOf(&members[i+1])) {
				return false
			}
		}
		return true
	}
	for i := 1; i < len(members); i++ {
		m, to := members[i], i
		for ; to > 0; to-- {
			order := w.compare(&members[to-1], &m)
			if order == 0 {
				return false
			}
			if order < 0 {
				break
			}
			members[to] = members[to-1]
		}
		if to < i {
			members[to] = m
		}
	}
	return true
}

// rearrange writes the members of an object, which have been written from begin on, in
// their order.
func (w *rewriter) rearrange(begin uint32, members []Member) {
	w.flush(w.i)
	w.sorted = w.sorted[:0]
	for i := range members {
		if i > 0 {
			w.sorted = append(w.sorted, ',')
		}
		w.sorted = append(w.sorted, w.out[members[i].key-1:members[i].end]...)
	}
	copy(w.out[begin:], w.sorted)
}

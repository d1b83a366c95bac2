package jsontext

import (
	"bytes"
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
	// out is what has been written. As long as that is what was read, same is true and
	// nothing stands in out yet.
	out     []byte
	same    bool
	members []Member // of the objects that are open
	sorted  []byte   // the members of one object in order

	// What an Outline has: the members of the objects that were taken apart, and which of
	// them are those of the last one.
	parts    []Member
	inner, n uint32
	// Of the value that is being read.
	deepest int
	suspect bool
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
	w.lexer, w.out, w.members, w.parts = lexer{}, w.out[:0], w.members[:0], w.parts[:0]
	return cap(w.out) <= keptText && cap(w.sorted) <= keptText && cap(w.members) <= keptMembers && cap(w.parts) <= keptMembers
}

// rewrite reports whether out is the canonical form of data.
func (w *rewriter) rewrite(data []byte) bool {
	if len(data) > math.MaxInt32 {
		return false
	}
	w.lexer, w.same = lexer{data: data}, true
	w.skip()
	if !w.value(0) {
		return false
	}
	w.skip()
	return w.i == len(data)
}

// written is what has been written.
func (w *rewriter) written() []byte {
	if w.same {
		return w.data[:w.i]
	}
	return w.out
}

// at is the length of what has been written.
func (w *rewriter) at() uint32 {
	if w.same {
		return uint32(w.i)
	}
	return uint32(len(w.out))
}

// copied writes what was read from start on as it stands.
func (w *rewriter) copied(start int) {
	if !w.same {
		w.out = append(w.out, w.data[start:w.i]...)
	}
}

// symbol reads and writes one byte, or reports false if another comes.
func (w *rewriter) symbol(b byte) bool {
	if !w.take(b) {
		return false
	}
	if !w.same {
		w.out = append(w.out, b)
	}
	return true
}

// differ begins to write in out: what was read from start on is written otherwise.
func (w *rewriter) differ(start int) {
	if w.same {
		w.out, w.same = append(w.out[:0], w.data[:start]...), false
	}
}

// skip reads spaces and writes none.
func (w *rewriter) skip() {
	start := w.i
	if w.spaces(); w.i > start {
		w.differ(start)
	}
}

func (w *rewriter) value(depth int) bool {
	if w.i == len(w.data) {
		return false
	}
	switch b := w.data[w.i]; b {
	case '{':
		return depth < rewriteDeep && w.object(depth+1, false)
	case '[':
		return depth < rewriteDeep && w.array(depth+1)
	case '"':
		_, ok := w.text()
		return ok
	case 't':
		return w.literal("true")
	case 'f':
		return w.literal("false")
	case 'n':
		return w.literal("null")
	}
	start := w.i
	n := w.number()
	if n > maxNumberChars {
		w.suspect = true
	}
	w.copied(start)
	return n > 0
}

func (w *rewriter) literal(word string) bool {
	if len(w.data)-w.i < len(word) || string(w.data[w.i:w.i+len(word)]) != word {
		return false
	}
	w.i += len(word)
	w.copied(w.i - len(word))
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
		w.copied(start)
		return escaped, true
	}
	w.differ(start)
	from := len(w.out)
	w.out, _ = AppendQuote(w.out, string(decode(w.data[start+1:w.i-1]))) // it is UTF-8
	return bytes.IndexByte(w.out[from:], '\\') >= 0, true
}

func (w *rewriter) array(depth int) bool {
	w.deepest = max(w.deepest, depth)
	w.symbol('[')
	w.skip()
	if w.symbol(']') {
		return true
	}
	for {
		if !w.value(depth) {
			return false
		}
		w.skip()
		if w.symbol(']') {
			return true
		}
		if !w.symbol(',') {
			return false
		}
		w.skip()
	}
}

// fewMembers are sorted as they come.
const fewMembers = 16

// object writes an object. One that is to be taken apart leaves its members in parts, in
// canonical order; where it is written they stand as they came.
func (w *rewriter) object(depth int, apart bool) bool {
	w.deepest = max(w.deepest, depth)
	w.symbol('{')
	begin, first := w.at(), len(w.members)
	asCame, inOrder := true, true
	w.skip()
	for more := !w.symbol('}'); more; {
		at := len(w.members)
		w.members = append(w.members, Member{})
		if !w.key(&w.members[at]) {
			return false
		}
		if apart {
			if !w.part(at, depth) {
				return false
			}
		} else if !w.value(depth) {
			return false
		}
		w.members[at].end = w.at()
		if at > first {
			switch order := w.compare(&w.members[at-1], &w.members[at]); {
			case order == 0:
				return false
			case order > 0 && at-first < fewMembers:
				asCame = false
				if !w.insert(first, at) {
					return false
				}
			case order > 0:
				asCame, inOrder = false, false
			}
		}
		w.skip()
		if more = !w.symbol('}'); more {
			if !w.symbol(',') {
				return false
			}
			w.skip()
		}
	}
	members := w.members[first:]
	if !inOrder && !w.sort(members) {
		return false
	}
	switch {
	case apart:
		w.inner, w.n = uint32(len(w.parts)), uint32(len(members))
		w.parts = append(w.parts, members...)
	case !asCame:
		w.differ(w.i)
		w.rearrange(begin, members)
	}
	w.members = w.members[:first]
	return true
}

// key reads and writes a key with its colon.
func (w *rewriter) key(m *Member) (ok bool) {
	if w.i == len(w.data) || w.data[w.i] != '"' {
		return false
	}
	m.key = w.at() + 1
	if m.escaped, ok = w.text(); !ok {
		return false
	}
	m.keyEnd = w.at() - 1
	if key := w.keyOf(m); len(key) > maxKeyBytes || m.escaped || Forbidden(string(key)) {
		w.suspect = true
	}
	w.skip()
	if !w.symbol(':') {
		return false
	}
	m.value = w.at()
	w.skip()
	return true
}

// keyOf is the key of m as it is written.
func (w *rewriter) keyOf(m *Member) []byte { return w.written()[m.key:m.keyEnd] }

// compare orders members by their keys.
func (w *rewriter) compare(a, b *Member) int {
	keyA, keyB := w.keyOf(a), w.keyOf(b)
	if a.escaped {
		keyA = decode(keyA)
	}
	if b.escaped {
		keyB = decode(keyB)
	}
	return compareUTF16(keyA, keyB)
}

// insert brings the member at an index to its place among those before it, from first on,
// which are in order. It reports false if its key stands there already.
func (w *rewriter) insert(first, at int) bool {
	m := w.members[at]
	for ; at > first; at-- {
		switch order := w.compare(&w.members[at-1], &m); {
		case order == 0:
			return false
		case order < 0:
			w.members[at] = m
			return true
		}
		w.members[at] = w.members[at-1]
	}
	w.members[at] = m
	return true
}

// sort brings members into order. It reports false if a key stands twice.
func (w *rewriter) sort(members []Member) bool {
	slices.SortFunc(members, func(a, b Member) int { return w.compare(&a, &b) })
	for i := range members[1:] {
		a, b := &members[i], &members[i+1]
		if string(w.keyOf(a)) == string(w.keyOf(b)) {
			return false
		}
	}
	return true
}

// rearrange writes the members of an object, which stand in out from begin on, in their
// order.
func (w *rewriter) rearrange(begin uint32, members []Member) {
	w.sorted = w.sorted[:0]
	for i := range members {
		if i > 0 {
			w.sorted = append(w.sorted, ',')
		}
		w.sorted = append(w.sorted, w.out[members[i].key-1:members[i].end]...)
	}
	copy(w.out[begin:], w.sorted)
}

package jsontext

import (
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
		return slices.Clone(w.out), nil
	}
	return canonicalize(data)
}

// CanonicalText is Canonicalize for a caller that wants a string.
func CanonicalText(data []byte) (string, error) {
	w := rewriters.Get().(*rewriter)
	defer w.done()
	if w.rewrite(data) {
		return string(w.out), nil
	}
	text, err := canonicalize(data)
	return string(text), err
}

// rewriters are kept for their buffers.
var rewriters = sync.Pool{New: func() any { return new(rewriter) }}

// rewriter writes text anew in one pass, which is what nearly all text needs: its
// strings are canonical, its keys and spaces are not. It gives up on the rest, and on
// whatever is wrong, which is left to the library.
type rewriter struct {
	lexer
	out     []byte
	members []rewritten // of the objects that are open
	sorted  []byte      // the members of one object in order
}

// rewritten is a member of an open object: its key in data, and where it stands in out.
type rewritten struct {
	key      []byte
	from, to int
}

// Of a rewriter, what is kept, and how deep it goes.
const (
	keptText    = 16 << 10
	keptMembers = 64
	rewriteDeep = 64
)

func (w *rewriter) done() {
	if cap(w.out) > keptText || cap(w.sorted) > keptText || cap(w.members) > keptMembers {
		return
	}
	clear(w.members[:cap(w.members)])
	w.lexer, w.out, w.members = lexer{}, w.out[:0], w.members[:0]
	rewriters.Put(w)
}

// rewrite reports whether out is the canonical form of data.
func (w *rewriter) rewrite(data []byte) bool {
	w.lexer = lexer{data: data}
	w.spaces()
	if !w.value(0) {
		return false
	}
	w.spaces()
	return w.i == len(data)
}

func (w *rewriter) value(depth int) bool {
	if w.i == len(w.data) || depth > rewriteDeep {
		return false
	}
	switch b := w.data[w.i]; b {
	case '{':
		return w.object(depth + 1)
	case '[':
		return w.array(depth + 1)
	case '"':
		return w.text()
	case 't':
		return w.literal("true")
	case 'f':
		return w.literal("false")
	case 'n':
		return w.literal("null")
	}
	start := w.i
	if w.number() == 0 {
		return false
	}
	w.out = append(w.out, w.data[start:w.i]...)
	return true
}

func (w *rewriter) literal(word string) bool {
	if len(w.data)-w.i < len(word) || string(w.data[w.i:w.i+len(word)]) != word {
		return false
	}
	w.i += len(word)
	w.out = append(w.out, word...)
	return true
}

// text copies a string that is canonical.
func (w *rewriter) text() bool {
	start := w.i
	w.canonical = true
	if _, fault := w.string(); fault != nil || !w.canonical {
		return false
	}
	w.out = append(w.out, w.data[start:w.i]...)
	return true
}

func (w *rewriter) array(depth int) bool {
	w.i++
	w.out = append(w.out, '[')
	w.spaces()
	if !w.take(']') {
		for {
			if !w.value(depth) {
				return false
			}
			w.spaces()
			if w.take(']') {
				break
			}
			if !w.take(',') {
				return false
			}
			w.out = append(w.out, ',')
			w.spaces()
		}
	}
	w.out = append(w.out, ']')
	return true
}

func (w *rewriter) object(depth int) bool {
	w.i++
	w.out = append(w.out, '{')
	begin, first, inOrder := len(w.out), len(w.members), true
	w.spaces()
	if !w.take('}') {
		for {
			if w.i == len(w.data) || w.data[w.i] != '"' {
				return false
			}
			from, start := len(w.out), w.i
			escaped, fault := w.string()
			if fault != nil || escaped {
				return false
			}
			key := w.data[start+1 : w.i-1]
			if n := len(w.members); n > first && compareUTF16(w.members[n-1].key, key) >= 0 {
				inOrder = false
			}
			w.out = append(append(w.out, w.data[start:w.i]...), ':')
			w.spaces()
			if !w.take(':') {
				return false
			}
			w.spaces()
			if !w.value(depth) {
				return false
			}
			w.members = append(w.members, rewritten{key: key, from: from, to: len(w.out)})
			w.spaces()
			if w.take('}') {
				break
			}
			if !w.take(',') {
				return false
			}
			w.out = append(w.out, ',')
			w.spaces()
		}
	}
	if !inOrder && !w.sort(begin, w.members[first:]) {
		return false
	}
	w.members = w.members[:first]
	w.out = append(w.out, '}')
	return true
}

// sort brings the members that stand in out from begin on into order. It reports false
// if a key stands twice.
func (w *rewriter) sort(begin int, members []rewritten) bool {
	slices.SortFunc(members, func(a, b rewritten) int { return compareUTF16(a.key, b.key) })
	w.sorted = w.sorted[:0]
	for i, m := range members {
		if i > 0 {
			if string(members[i-1].key) == string(m.key) {
				return false
			}
			w.sorted = append(w.sorted, ',')
		}
		w.sorted = append(w.sorted, w.out[m.from:m.to]...)
	}
	copy(w.out[begin:], w.sorted)
	return true
}

package jsontext

import "math"

// Outline reads an object and tells where its members stand, so that who looks for them
// need not walk the text again. Objects directly in the object are taken apart too,
// levels deep. The zero value is ready; it is used by one goroutine at a time.
//
//	var o jsontext.Outline
//	if o.Read(data) {
//		for i := range o.Members() { … }                 // find the member m
//		text := string(o.Append(nil, m))                 // its value, canonical
//		for _, inner := range o.Inner(m) { inner.Value(text) … }
//	}
//	o.Reset()
type Outline struct{ w rewriter }

// levels is how deep objects are taken apart: a message, its payload, and the members of
// that.
const levels = 3

// Member is a member of an object. It refers to a text by positions in it: to that of the
// Outline until it is appended, then to what it was appended to.
type Member struct {
	key, keyEnd, value, end uint32
	inner, n                uint32 // its own members, in rewriter.parts
	depth                   uint8
	escaped                 bool // the key is written with escapes
	suspect                 bool
}

// Read reports whether data is one object that Canonicalize takes and that nests at most
// 64 deep. What was read before is forgotten. Data must stay as it is until Reset.
func (o *Outline) Read(data []byte) bool {
	o.w.reset()
	if len(data) > math.MaxInt32 {
		return false
	}
	w := &o.w
	w.lexer, w.same = lexer{data: data}, true
	w.skip()
	if w.i == len(data) || data[w.i] != '{' || !w.object(1, true) {
		return false
	}
	w.skip()
	return w.i == len(data)
}

// Reset lets go of what was read.
func (o *Outline) Reset() {
	if !o.w.reset() {
		o.w = rewriter{}
	}
}

// Members are those of the object, in canonical order.
func (o *Outline) Members() []Member { return o.w.parts[o.w.inner:][:o.w.n] }

// Inner are the members of the value of m, in canonical order; none if it is no object or
// lies too deep.
func (o *Outline) Inner(m *Member) []Member { return o.w.parts[m.inner:][:m.n] }

// Key is the key of a member of the object, as Member.Key has it. It is valid until the
// next Read, and while the data is not changed.
func (o *Outline) Key(m *Member) []byte { return o.w.keyOf(m) }

// Append appends the value of m in canonical form. From then on m, but for its key, and
// all within refer to dst: Append takes m once.
func (o *Outline) Append(dst []byte, m *Member) []byte {
	at, written := uint32(len(dst)), o.w.written()
	if m.n == 0 {
		dst = append(dst, written[m.value:m.end]...)
	} else {
		dst = append(dst, '{')
		inner := o.Inner(m)
		for i := range inner {
			if i > 0 {
				dst = append(dst, ',')
			}
			c := &inner[i]
			key := written[c.key-1 : c.keyEnd+1]
			c.key = uint32(len(dst)) + 1
			dst = append(dst, key...)
			c.keyEnd = uint32(len(dst)) - 1
			dst = o.Append(append(dst, ':'), c)
		}
		dst = append(dst, '}')
	}
	m.value, m.end = at, uint32(len(dst))
	return dst
}

// Key is the key of m in the text that it was appended to: a part of it, unless it is
// written with escapes.
func (m *Member) Key(text string) string {
	if m.escaped {
		return string(decode([]byte(text[m.key:m.keyEnd])))
	}
	return text[m.key:m.keyEnd]
}

// Value is the value of m in the text that it was appended to.
func (m *Member) Value(text string) string { return text[m.value:m.end] }

// Nests tells how many objects and arrays nest in the value of m, and whether rule D4 has
// nothing against it but perhaps its depth. If not, Check tells whether and what.
func (m *Member) Nests() (depth int, clean bool) { return int(m.depth), !m.suspect }

// part reads the value of the member at an index, of an object that is taken apart.
func (w *rewriter) part(at, depth int) bool {
	deepest, suspect := w.deepest, w.suspect
	var inner, n uint32
	w.deepest, w.suspect = depth, false
	if depth < levels && w.i < len(w.data) && w.data[w.i] == '{' {
		if !w.object(depth+1, true) {
			return false
		}
		inner, n = w.inner, w.n
	} else if !w.value(depth) {
		return false
	}
	m := &w.members[at]
	m.inner, m.n = inner, n
	m.depth, m.suspect = uint8(w.deepest-depth), w.suspect
	w.deepest, w.suspect = max(deepest, w.deepest), suspect || w.suspect
	return true
}

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
	lead                    uint64 // what leadOf gives for the key
	key, keyEnd, value, end uint32
	inner, n                uint32 // its own members, in rewriter.parts
	depth                   uint8
	escaped                 bool // the key is written with escapes
	suspect                 bool // of the key or the value
	whole                   bool // the value is written in canonical order
}

// Read reports whether data is one object that Canonicalize takes and that nests at most
// 64 deep. What was read before is forgotten. Data must stay as it is until Reset.
func (o *Outline) Read(data []byte) bool {
	o.w.reset()
	if len(data) > math.MaxInt32 {
		return false
	}
	w := &o.w
	w.data = data
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
	written, at := o.w.written(), uint32(len(dst))
	if m.whole {
		dst = append(dst, written[m.value:m.end]...)
		inner := o.Inner(m)
		for i := range inner {
			o.shift(&inner[i], at-m.value)
		}
	} else {
		inner := o.Inner(m)
		for i := range inner {
			c := &inner[i]
			from := uint32(len(dst))
			if c.whole { // with the bracket or comma before it
				dst = append(dst, written[c.key-2:c.end]...)
				o.shift(c, from+2-c.key)
			} else {
				dst = append(dst, written[c.key-2:c.value]...)
				c.key, c.keyEnd = from+2, from+2+c.keyEnd-c.key
				dst = o.Append(dst, c)
			}
			dst[from] = ','
		}
		dst[at] = '{'
		dst = append(dst, '}')
	}
	m.value, m.end = at, uint32(len(dst))
	return dst
}

// shift moves a member, and all within, to where it is appended.
func (o *Outline) shift(m *Member, by uint32) {
	m.key += by
	m.keyEnd += by
	m.value += by
	m.end += by
	inner := o.Inner(m)
	for i := range inner {
		o.shift(&inner[i], by)
	}
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
// nothing against it and its key but perhaps its depth. If not, Check tells whether and what.
func (m *Member) Nests() (depth int, clean bool) { return int(m.depth), !m.suspect }

// part leaves in parts the members of an object that nests depth deep. Whole tells that
// they are in order where they are written.
func (w *rewriter) part(members []Member, depth int, whole bool) {
	w.deepest, w.suspect, w.whole = depth, false, whole
	for i := range members {
		m := &members[i]
		w.deepest = max(w.deepest, depth+int(m.depth))
		w.suspect = w.suspect || m.suspect
		w.whole = w.whole && m.whole
	}
	w.inner, w.n = uint32(len(w.parts)), uint32(len(members))
	w.parts = append(w.parts, members...)
}

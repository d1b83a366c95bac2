package board

import (
	"slices"
	"strings"
)

// edit is one change below the value that is being rebuilt.
type edit struct {
	token string // the next key on the way, decoded
	rest  string // the pointer after it; "" = this very member
	value Value  // absent = unset
}

// With gives v with w at p. Missing parents are made. Where p leads through an array
// or a scalar (see Reaches) v comes back as it is.
func (v Value) With(p Pointer, w Value) Value {
	if p == "" {
		return w
	}
	token, rest := cutToken(string(p))
	edits := [1]edit{{token: token, rest: rest, value: w}}
	return v.rebuild(edits[:], len(p)+len(w)+16)
}

// Without gives v without the member at p, if there is one.
func (v Value) Without(p Pointer) Value {
	if p == "" {
		return ""
	}
	token, rest := cutToken(string(p))
	edits := [1]edit{{token: token, rest: rest}}
	return v.rebuild(edits[:], 0)
}

// Apply gives v with a patch applied, in one pass; nil changes nothing. The pointers
// must be disjoint; one that leads through an array or a scalar changes nothing.
func (v Value) Apply(patch *Patch) Value {
	if patch == nil || len(patch.Set)+len(patch.Unset) == 0 {
		return v
	}
	if spliced, ok := v.spliced(patch); ok {
		return spliced
	}
	var few [8]edit
	edits := few[:0]
	more := 0
	for _, a := range patch.Set {
		if a.Path == "" {
			return a.Value
		}
		token, rest := cutToken(string(a.Path))
		edits = append(edits, edit{token: token, rest: rest, value: a.Value})
		more += len(a.Path) + len(a.Value) + 16
	}
	for _, p := range patch.Unset {
		if p == "" {
			return ""
		}
		token, rest := cutToken(string(p))
		edits = append(edits, edit{token: token, rest: rest})
	}
	sortEdits(edits)
	return v.rebuild(edits, more)
}

// splicedFew is how many members are set by splicing at most; finding each costs a look
// at v from its start.
const splicedFew = 4

// spliced is Apply where a patch sets few members that are all there already, the most
// frequent of edits: what stands between their values is copied as it is.
func (v Value) spliced(patch *Patch) (Value, bool) {
	n := len(patch.Set)
	if len(patch.Unset) > 0 || n > splicedFew || n > 1 && len(v) > finderShort {
		return "", false
	}
	type place struct {
		at, end int
		value   Value
	}
	var few [splicedFew]place
	size := len(v)
	for i := range patch.Set {
		a := &patch.Set[i]
		at, ok := v.find(a.Path)
		if !ok || at == len(v) || a.Value == "" {
			return "", false
		}
		p := place{at: at, end: endOfValue(string(v), at), value: a.Value}
		size += len(p.value) - (p.end - p.at)
		j := i
		for ; j > 0 && few[j-1].at > at; j-- {
			few[j] = few[j-1]
		}
		few[j] = p
	}
	var out strings.Builder
	out.Grow(size)
	from := 0
	for _, p := range few[:n] {
		if p.at < from {
			return "", false // one path is under another
		}
		out.WriteString(string(v[from:p.at]))
		out.WriteString(string(p.value))
		from = p.end
	}
	out.WriteString(string(v[from:]))
	return Value(out.String()), true
}

// rebuild applies sorted edits to an object or to nothing; more is about how many
// bytes they add.
func (v Value) rebuild(edits []edit, more int) Value {
	switch {
	case v == "" && anySet(edits):
		v = "{}"
	case !v.IsObject():
		return v
	}
	var out strings.Builder
	out.Grow(len(v) + more)
	e := editor{s: string(v), out: &out}
	e.object(0, edits)
	return Value(out.String())
}

func sortEdits(edits []edit) {
	if len(edits) > 1 {
		slices.SortFunc(edits, func(a, b edit) int { return compareKeys(a.token, b.token) })
	}
}

func anySet(edits []edit) bool {
	for i := range edits {
		if edits[i].value != "" {
			return true
		}
	}
	return false
}

// editor writes an object anew with edits applied. It reads each byte of the old
// text once, and copies what lies between two edits in one piece.
type editor struct {
	s   string
	out *strings.Builder
}

// object writes the object that starts there, with edits that are sorted by token,
// and returns the index after it.
func (e *editor) object(start int, edits []edit) int {
	e.out.WriteByte('{')
	empty := true
	comma := func() {
		if !empty {
			e.out.WriteByte(',')
		}
		empty = false
	}
	i := start + 1 // the next member, or just after the object
	if i < len(e.s) && e.s[i] == '}' {
		i++
	}
	kept := i // from here on the text is still to be copied
	copyTo := func(end int) {
		if end > kept {
			comma()
			e.out.WriteString(e.s[kept:end])
		}
	}
	key, value, there := memberAt(e.s, i)
	for len(edits) > 0 {
		token := edits[0].token
		group := edits
		for n := range edits {
			if edits[n].token != token {
				group = edits[:n]
				break
			}
		}
		edits = edits[len(group):]

		order := -1
		for there {
			if order = compareKeys(key, token); order >= 0 {
				break
			}
			i = endOfValue(e.s, value) + 1
			key, value, there = memberAt(e.s, i)
		}
		copyTo(i - 1) // without the comma or brace before i
		kept = i
		if !there || order != 0 {
			if anySet(group) {
				comma()
				e.key(token)
				e.missing(group)
			}
			continue
		}

		switch {
		case group[0].rest != "" && e.s[value] == '{':
			comma()
			e.out.WriteString(e.s[i:value])
			i = e.object(value, below(group)) + 1
		case group[0].rest != "" || group[0].value != "":
			comma()
			e.out.WriteString(e.s[i:value])
			end := endOfValue(e.s, value)
			if group[0].rest != "" { // it leads through an array or a scalar
				e.out.WriteString(e.s[value:end])
			} else {
				e.out.WriteString(string(group[0].value))
			}
			i = end + 1
		default:
			i = endOfValue(e.s, value) + 1
		}
		kept = i
		key, value, there = memberAt(e.s, i)
	}
	if start == 0 {
		i = len(e.s)
	} else if there {
		i = endOfObject(e.s, i)
	}
	copyTo(i - 1)
	e.out.WriteByte('}')
	return i
}

// missing writes the value of a member that was not there; some edit sets.
func (e *editor) missing(edits []edit) {
	if edits[0].rest == "" {
		e.out.WriteString(string(edits[0].value))
		return
	}
	made := editor{s: "{}", out: e.out}
	made.object(0, below(edits))
}

// below takes the next token off edits that have one in common.
func below(edits []edit) []edit {
	for i := range edits {
		edits[i].token, edits[i].rest = cutToken(edits[i].rest)
	}
	sortEdits(edits)
	return edits
}

// key writes a key and its colon.
func (e *editor) key(key string) {
	var quoted [64]byte
	e.out.Write(append(appendQuoted(quoted[:0], key), ':'))
}

// Diff gives the changes that turn one object into another, member by member;
// arrays and scalars go whole. Both lists are sorted and disjoint, and
// from.Apply gives exactly to, digits included.
func Diff(from, to Value) ([]Assignment, []Pointer) {
	var c changes
	c.diff("", 0, from, to)
	return c.sorted()
}

// MergePatch applies an RFC 7396 merge patch. Nulls inside arrays are values.
func MergePatch(current, patch Value) Value {
	if !patch.IsObject() {
		return patch
	}
	if !current.IsObject() {
		current = "{}"
	}
	set, unset := CompileMergePatch(current, patch)
	return current.Apply(&Patch{Set: set, Unset: unset})
}

// CompileMergePatch turns an RFC 7396 merge patch, an object, into set and unset
// against the present object (E6). Both lists are sorted and disjoint and name no
// member that is already so. Objects are entered as far as they are there or
// missing, so that the patch touches no more than it names.
func CompileMergePatch(current, patch Value) ([]Assignment, []Pointer) {
	var c changes
	c.merge("", 0, current, patch)
	return c.sorted()
}

// changes gathers a compiled patch.
type changes struct {
	set   []Assignment
	unset []Pointer
}

func (c *changes) sorted() ([]Assignment, []Pointer) {
	slices.SortFunc(c.set, func(a, b Assignment) int { return strings.Compare(string(a.Path), string(b.Path)) })
	slices.Sort(c.unset)
	return c.set, c.unset
}

// diff compares the objects at p, which has depth tokens.
func (c *changes) diff(p Pointer, depth int, from, to Value) {
	a, b := string(from), string(to)
	i, j := 1, 1
	m, inA := nextMember(a, i)
	n, inB := nextMember(b, j)
	for inA || inB {
		order := 0
		switch {
		case !inB:
			order = -1
		case !inA:
			order = 1
		default:
			order = compareKeys(m.key, n.key)
		}
		switch {
		case order < 0:
			c.unset = append(c.unset, JoinPointer(p, m.key))
		case order > 0:
			c.set = append(c.set, Assignment{Path: JoinPointer(p, n.key), Value: Value(b[n.value:n.end])})
		default:
			was, is := Value(a[m.value:m.end]), Value(b[n.value:n.end])
			switch {
			case was == is:
			case was.IsObject() && is.IsObject() && depth+1 < MaxTokens:
				c.diff(JoinPointer(p, m.key), depth+1, was, is)
			default:
				c.set = append(c.set, Assignment{Path: JoinPointer(p, m.key), Value: is})
			}
		}
		if order <= 0 {
			i = m.end + 1
			m, inA = nextMember(a, i)
		}
		if order >= 0 {
			j = n.end + 1
			n, inB = nextMember(b, j)
		}
	}
}

// merge compiles the patch object for the object at p, which has depth tokens;
// current is absent where it is still to be made. It reports whether anything is set.
func (c *changes) merge(p Pointer, depth int, current, patch Value) (any bool) {
	s := ""
	if current.IsObject() {
		s = string(current)
	}
	name, value, more := memberAt(s, 1) // of current, kept level with the patch
	for key, wanted := range patch.Members() {
		for more && compareKeys(name, key) < 0 {
			name, value, more = memberAt(s, endOfValue(s, value)+1)
		}
		var there Value
		if more && name == key {
			there = Value(s[value:endOfValue(s, value)])
		}
		at := JoinPointer(p, key)
		switch {
		case wanted == "null":
			if there != "" {
				c.unset = append(c.unset, at)
			}
		case !wanted.IsObject():
			if there != wanted {
				c.set = append(c.set, Assignment{Path: at, Value: wanted})
			}
			any = true
		case (there == "" || there.IsObject()) && depth+1 < MaxTokens:
			if !c.merge(at, depth+1, there, wanted) && there == "" {
				c.set = append(c.set, Assignment{Path: at, Value: "{}"})
			}
			any = true
		default:
			if whole := mergeWhole(there, wanted); whole != there {
				c.set = append(c.set, Assignment{Path: at, Value: whole})
			}
			any = true
		}
	}
	return any
}

// mergeWhole merges a patch object into a value that is replaced as one.
func mergeWhole(current, patch Value) Value {
	return Value(appendMerged(nil, current, patch))
}

// appendMerged appends what RFC 7396 makes of current and a patch object.
func appendMerged(dst []byte, current, patch Value) []byte {
	dst = append(dst, '{')
	first := len(dst)
	put := func(key string) {
		if len(dst) > first {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, key), ':')
	}
	var a string
	if current.IsObject() {
		a = string(current)
	}
	i := 1
	m, more := nextMember(a, i)
	for key, wanted := range patch.Members() {
		for more && compareKeys(m.key, key) < 0 {
			put(m.key)
			dst = append(dst, a[m.value:m.end]...)
			i = m.end + 1
			m, more = nextMember(a, i)
		}
		var there Value
		if more && m.key == key {
			there = Value(a[m.value:m.end])
			i = m.end + 1
			m, more = nextMember(a, i)
		}
		switch {
		case wanted == "null":
		case wanted.IsObject():
			put(key)
			dst = appendMerged(dst, there, wanted)
		default:
			put(key)
			dst = append(dst, wanted...)
		}
	}
	for more {
		put(m.key)
		dst = append(dst, a[m.value:m.end]...)
		i = m.end + 1
		m, more = nextMember(a, i)
	}
	return append(dst, '}')
}

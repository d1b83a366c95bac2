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
	if !v.Reaches(p) {
		return v
	}
	token, rest := cutToken(string(p))
	edits := [1]edit{{token: token, rest: rest, value: w}}
	return rebuild(v, edits[:], len(v)+len(p)+len(w)+16)
}

// Without gives v without the member at p, if there is one.
func (v Value) Without(p Pointer) Value {
	if p == "" {
		return ""
	}
	if _, ok := v.Get(p); !ok {
		return v
	}
	token, rest := cutToken(string(p))
	edits := [1]edit{{token: token, rest: rest}}
	return rebuild(v, edits[:], len(v))
}

// Apply gives v with a patch applied, in one pass; nil changes nothing. The pointers
// must be disjoint; one that leads through an array or a scalar changes nothing.
func (v Value) Apply(patch *Patch) Value {
	if patch == nil || len(patch.Set)+len(patch.Unset) == 0 {
		return v
	}
	var few [8]edit
	edits := few[:0]
	size := len(v)
	for _, a := range patch.Set {
		if a.Path == "" {
			return a.Value
		}
		token, rest := cutToken(string(a.Path))
		edits = append(edits, edit{token: token, rest: rest, value: a.Value})
		size += len(a.Path) + len(a.Value) + 16
	}
	for _, p := range patch.Unset {
		if p == "" {
			return ""
		}
		token, rest := cutToken(string(p))
		edits = append(edits, edit{token: token, rest: rest})
	}
	if v != "" && !v.IsObject() {
		return v
	}
	sortEdits(edits)
	return rebuild(v, edits, size)
}

// rebuild applies edits, sorted, to an object or to nothing.
func rebuild(v Value, edits []edit, size int) Value {
	if v == "" {
		if !anySet(edits) {
			return v
		}
		v = "{}"
	}
	return Value(appendEdited(make([]byte, 0, size), string(v), edits))
}

func sortEdits(edits []edit) {
	slices.SortStableFunc(edits, func(a, b edit) int { return compareKeys(a.token, b.token) })
}

func anySet(edits []edit) bool {
	for i := range edits {
		if edits[i].value != "" {
			return true
		}
	}
	return false
}

// appendEdited appends the object s with edits applied, which are sorted by token.
// Members between two edits are copied in one piece.
func appendEdited(dst []byte, s string, edits []edit) []byte {
	dst = append(dst, '{')
	first := len(dst)
	i, kept := 1, 1 // s[kept:i] is to be copied
	flush := func(to int) {
		if to > kept {
			if len(dst) > first {
				dst = append(dst, ',')
			}
			dst = append(dst, s[kept:to]...)
		}
	}
	m, more := nextMember(s, i)
	for len(edits) > 0 {
		token := edits[0].token
		group := 1
		for group < len(edits) && edits[group].token == token {
			group++
		}
		for more && compareKeys(m.key, token) < 0 {
			i = m.end + 1
			m, more = nextMember(s, i)
		}
		flush(i - 1) // without the comma before the next member, or without the brace
		kept = i
		there := ""
		if more && m.key == token {
			there = s[m.value:m.end]
			i = m.end + 1
			kept = i
			m, more = nextMember(s, i)
		}
		dst = appendGroup(dst, first, token, there, edits[:group])
		edits = edits[group:]
	}
	flush(len(s) - 1)
	return append(dst, '}')
}

// appendGroup appends the member named token, whose text is there ("" = missing),
// with all edits at or below it applied.
func appendGroup(dst []byte, first int, token, there string, edits []edit) []byte {
	var text string // the member's new text as it is
	below := false
	switch {
	case edits[0].rest == "":
		text = string(edits[0].value)
		if text == "" {
			return dst
		}
	case there == "":
		if !anySet(edits) {
			return dst
		}
		text, below = "{}", true
	case there[0] != '{':
		text = there
	default:
		text, below = there, true
	}
	if len(dst) > first {
		dst = append(dst, ',')
	}
	dst = appendQuoted(dst, token)
	dst = append(dst, ':')
	if !below {
		return append(dst, text...)
	}
	for i := range edits {
		edits[i].token, edits[i].rest = cutToken(edits[i].rest)
	}
	sortEdits(edits)
	return appendEdited(dst, text, edits)
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
	for key, wanted := range patch.Members() {
		at := JoinPointer(p, key)
		there, _ := current.member(key)
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

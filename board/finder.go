package board

import "slices"

// finder looks up many paths in one value. A value is text, so that each look-up by
// Get reads from its start; for more than a few paths, or of a long value more than one,
// the finder reads each object once and keeps its members.
type finder struct {
	value   Value
	objects map[Pointer][]found // nil: look up by Get
}

// found is one member of an object.
type found struct {
	key   string
	value Value
}

// finderFew is up to how many paths Get is the faster way in a value of up to finderShort
// bytes.
const (
	finderFew   = 8
	finderShort = 16 << 10
)

func newFinder(v Value, paths int) *finder {
	f := &finder{value: v}
	if paths > finderFew || paths > 1 && len(v) > finderShort {
		f.objects = make(map[Pointer][]found)
	}
	return f
}

// get is Value.Get.
func (f *finder) get(p Pointer) (Value, bool) {
	switch {
	case p == "":
		return f.value, f.value != ""
	case f.objects == nil:
		return f.value.Get(p)
	}
	parent := p.Parent()
	members, ok := f.objects[parent]
	if !ok {
		at, _ := f.get(parent)
		for key, v := range at.Members() {
			members = append(members, found{key, v})
		}
		f.objects[parent] = members
	}
	token, _ := cutToken(string(p[len(parent):]))
	i, ok := slices.BinarySearchFunc(members, token, func(m found, key string) int { return compareKeys(m.key, key) })
	if !ok {
		return "", false
	}
	return members[i].value, true
}

// reaches is Value.Reaches.
func (f *finder) reaches(p Pointer) bool {
	if f.objects == nil {
		return f.value.Reaches(p)
	}
	for p != "" {
		p = p.Parent()
		if v, ok := f.get(p); ok {
			return v.IsObject()
		}
	}
	return true
}

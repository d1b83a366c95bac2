package board

// finder looks up many paths in one value. A value is text, so that each look-up by
// Get reads from its start; for more than a few paths the finder reads each object
// once and keeps its members.
type finder struct {
	value   Value
	objects map[Pointer]map[string]Value // nil: look up by Get
}

// finderFew is up to how many paths Get is the faster way.
const finderFew = 8

func newFinder(v Value, paths int) *finder {
	f := &finder{value: v}
	if paths > finderFew {
		f.objects = make(map[Pointer]map[string]Value)
	}
	return f
}

// get is Value.Get.
func (f *finder) get(p Pointer) (Value, bool) {
	if f.objects == nil || p == "" {
		return f.value.Get(p)
	}
	parent := p.Parent()
	members, ok := f.objects[parent]
	if !ok {
		at, _ := f.get(parent)
		for key, v := range at.Members() {
			if members == nil {
				members = make(map[string]Value)
			}
			members[key] = v
		}
		f.objects[parent] = members
	}
	token, _ := cutToken(string(p[len(parent):]))
	v, ok := members[token]
	return v, ok
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

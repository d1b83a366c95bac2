package board

import "iter"

// Elements yields the elements of an array in order; of anything else, nothing.
// They are parts of v: nothing is copied.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v == "" || v[0] != '[' || v == "[]" {
			return
		}
		s := string(v)
		for i := 1; i < len(s); {
			end := endOfValue(s, i)
			if !yield(Value(s[i:end])) {
				return
			}
			i = end + 1
		}
	}
}

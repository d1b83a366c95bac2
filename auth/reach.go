package auth

// Reach tells where to go on with looking through dashboards in order of their ids: after
// the id from, which nobody need have, come all those after an id that the grants may
// reach. one says that only the next can be one of them; ok is false if there are none.
func (p Principal) Reach(after string) (from string, one, ok bool) {
	for i := range p.Grants {
		g := &p.Grants[i]
		if g.Role == None {
			continue
		}
		start, exact := g.Pattern, true
		if n := len(start) - 1; n >= 0 && start[n] == '*' {
			start, exact = start[:n], false
		}
		next := after
		switch {
		case after < start:
			next = before(start)
		case exact || !matches(g.Pattern, after):
			continue // what it reaches is not after
		}
		next = max(next, after)
		if !ok || next < from {
			from, one, ok = next, exact, true
		} else if next == from {
			one = one && exact
		}
	}
	return from, one, ok
}

// before is a text that comes before start and after all ids before it: these have no
// character beyond 'z' (D2).
func before(start string) string {
	last := len(start) - 1
	return string(append([]byte(start[:last]), start[last]-1, 0x7f))
}

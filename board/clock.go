package board

import (
	"cmp"
	"slices"
	"strings"
)

// maxClocks is how many clocks a widget keeps before the oldest are folded into
// their parent paths (M3).
const maxClocks = 1000

// stamp says which entry last changed something, and who made it.
type stamp struct {
	version uint64
	at      int64 // the entry's commit time, Unix milliseconds
	author  Author
}

// by reports whether the change is one of who's own. An author without a client is
// nobody in particular: it counts as another, always.
func (s stamp) by(who Author) bool { return who.ClientID != "" && s.author == who }

// clock is the stamp of one path.
type clock struct {
	path Pointer
	stamp
}

// newClock makes one that does not hold on to the text that path is a part of.
func newClock(path Pointer, s stamp) clock { return clock{Pointer(strings.Clone(string(path))), s} }

// clocks are the stamps of one widget or of the settings, sparse and sorted by path
// (as bytes). The first has the path "" and is the creation's. A path without a
// clock has its nearest ancestor's; what lies under a path is never older than it.
// They are never changed in place.
type clocks []clock

func newClocks(s stamp) clocks { return clocks{{stamp: s}} }

// find gives the place of path, or where it would be.
func (c clocks) find(path Pointer) (int, bool) {
	low, high := 0, len(c)
	for low < high {
		mid := int(uint(low+high) / 2)
		switch order := strings.Compare(string(c[mid].path), string(path)); {
		case order == 0:
			return mid, true
		case order < 0:
			low = mid + 1
		default:
			high = mid
		}
	}
	return low, false
}

// under gives the places of the clocks strictly below path. They are one run, since
// they share the prefix path + "/".
func (c clocks) under(path Pointer) (from, to int) {
	if path == "" {
		return min(1, len(c)), len(c)
	}
	from, _ = slices.BinarySearchFunc(c, path, func(k clock, p Pointer) int {
		// As compared with path + "/": what continues path with a lesser byte is before it.
		at := string(k.path)
		n := min(len(at), len(p))
		switch order := strings.Compare(at[:n], string(p)[:n]); {
		case order != 0:
			return order
		case len(at) <= len(p):
			return -1
		}
		return strings.Compare(at[n:], "/")
	})
	to = from
	for to < len(c) && strings.HasPrefix(string(c[to].path), string(path)) && len(c[to].path) > len(path) && c[to].path[len(path)] == '/' {
		to++
	}
	return from, to
}

// at gives the stamp that holds for path: its own or its nearest ancestor's.
func (c clocks) at(path Pointer) stamp {
	for len(c) > 0 {
		if i, ok := c.find(path); ok {
			return c[i].stamp
		}
		path = path.Parent()
	}
	return stamp{}
}

// stamp changes the clocks in place, which nobody else has seen, for a change of path.
func (c clocks) stamp(path Pointer, s stamp) clocks {
	i, there := c.find(path)
	if there {
		c[i].stamp = s
	} else {
		c = slices.Insert(c, i, newClock(path, s))
	}
	if i+1 < len(c) && strings.HasPrefix(string(c[i+1].path), string(path)) {
		from, to := c.under(path)
		c = slices.Delete(c, from, to)
	}
	return c
}

// stamped gives the clocks after a change of few paths.
func (c clocks) stamped(paths []Pointer, s stamp) clocks {
	room := len(c)
	for _, p := range paths {
		if _, there := c.find(p); !there {
			room++
		}
	}
	out := append(make(clocks, 0, room), c...)
	for _, p := range paths {
		out = out.stamp(p, s)
	}
	if len(out) < room*3/4 {
		return slices.Clone(out)
	}
	return out
}

// afterPatch gives the clocks after an applied patch: each path is stamped and what
// was below it dropped; a change of /type stamps /config too (M3, M5).
func (c clocks) afterPatch(patch *Patch, s stamp) clocks {
	if patch == nil {
		return c
	}
	var few [4]Pointer
	paths := few[:0]
	for _, a := range patch.Set {
		paths = append(paths, a.Path)
	}
	paths = append(paths, patch.Unset...)
	if slices.Contains(paths, "/type") {
		paths = slices.DeleteFunc(paths, func(p Pointer) bool { return Pointer("/config").Contains(p) })
		paths = append(paths, "/config")
	}
	if len(paths) <= finderFew {
		c = c.stamped(paths, s)
	} else {
		c = c.stampedAll(paths, s)
	}
	return c.bounded()
}

// stampedAll is stamped for many disjoint paths, in one pass.
func (c clocks) stampedAll(paths []Pointer, s stamp) clocks {
	out := make(clocks, 0, len(c)+len(paths))
	changed := make(map[Pointer]bool, len(paths))
	for _, p := range paths {
		changed[p] = true
		out = append(out, newClock(p, s))
	}
	for _, k := range c {
		p := k.path
		for p != "" && !changed[p] {
			p = p.Parent()
		}
		if p == "" {
			out = append(out, k)
		}
	}
	sortClocks(out)
	return out
}

func sortClocks(c clocks) {
	slices.SortFunc(c, func(a, b clock) int { return strings.Compare(string(a.path), string(b.path)) })
}

// bounded folds the oldest of too many clocks into their parent paths, leaving three
// quarters of what may be, again until they are few enough: each parent takes the
// newest version among them and no author. What stays is at least as new, so nothing
// below a path is older than it.
func (c clocks) bounded() clocks {
	for len(c) > maxClocks {
		oldest := slices.Clone(c[1:])
		slices.SortFunc(oldest, func(a, b clock) int {
			return cmp.Or(
				cmp.Compare(a.version, b.version),
				cmp.Compare(b.path.Len(), a.path.Len()), // a child before its parent
				strings.Compare(string(a.path), string(b.path)),
			)
		})
		kept := make(map[Pointer]stamp, len(c))
		for _, k := range c {
			kept[k.path] = k.stamp
		}
		for _, k := range oldest[:len(c)-maxClocks*3/4] {
			s := kept[k.path]
			delete(kept, k.path)
			parent := k.path.Parent()
			if p, ok := kept[parent]; ok && p.version > s.version {
				s = p
			}
			kept[parent] = stamp{version: s.version, at: s.at}
		}
		c = make(clocks, 0, len(kept))
		for path, s := range kept {
			c = append(c, clock{path, s})
		}
		sortClocks(c)
	}
	return c
}

// pruned drops the clocks at or before the horizon: no op's base reaches them (M12).
// The first one stays.
func (c clocks) pruned(horizon uint64) clocks {
	old := func(k clock) bool { return k.path != "" && k.version <= horizon }
	if !slices.ContainsFunc(c, old) {
		return c
	}
	return slices.DeleteFunc(slices.Clone(c), old)
}

// clash sums up the changes of others that an op did not know.
type clash struct {
	newest     stamp
	from, upto int64 // the range of their commit times
	found      bool
}

func (k *clash) add(s stamp) {
	if !k.found {
		*k = clash{newest: s, from: s.at, upto: s.at, found: true}
		return
	}
	if s.version > k.newest.version {
		k.newest = s
	}
	k.from, k.upto = min(k.from, s.at), max(k.upto, s.at)
}

// clash finds what others changed after base at a path, above or below it (M3).
// Stamps after head are the op's own.
func (c clocks) clash(path Pointer, base, head uint64, who Author) clash {
	var k clash
	add := func(s stamp) {
		if s.version > base && s.version <= head && !s.by(who) {
			k.add(s)
		}
	}
	add(c.at(path))
	from, to := c.under(path)
	for i := from; i < to; i++ {
		add(c[i].stamp)
	}
	return k
}

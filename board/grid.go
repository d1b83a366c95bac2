package board

import (
	"cmp"
	"slices"
)

// tile is one item while a layout is being normalised. It has the bounds that are
// compared in the inner loops, and no more.
type tile struct {
	x, right  int // columns, right excluded
	y, bottom int // rows, bottom excluded
	item      int32
	static    bool
}

func (t *tile) fallTo(y int) { t.y, t.bottom = y, y+t.bottom-t.y }

// grid places tiles of a list of items.
type grid struct {
	ids    []string // by tile.item
	placed []tile   // they do not overlap
	live   []tile   // kept between calls of place for its memory
}

func (g *grid) compare(a, b tile) int {
	if a.y != b.y {
		return cmp.Compare(a.y, b.y)
	}
	if a.x != b.x {
		return cmp.Compare(a.x, b.x)
	}
	return cmp.Compare(g.ids[a.item], g.ids[b.item])
}

func compareRows(a, b tile) int { return cmp.Compare(a.y, b.y) }

// place puts a group of tiles one after another, in order (y, x, id), each at its
// own y or at the smallest greater one where it overlaps nothing placed so far.
//
// The placed tiles are kept sorted by y. As the group comes in the order of y, those
// that end above the next tile are dropped from the walk.
func (g *grid) place(group []tile) {
	slices.SortFunc(group, g.compare)
	g.live = append(g.live[:0], g.placed...)
	slices.SortFunc(g.live, compareRows)
	live := g.live
	for _, t := range group {
		top, kept, at := t.y, 0, 0
		for ; at < len(live) && live[at].y < t.bottom; at++ {
			u := &live[at]
			if u.bottom <= top {
				continue
			}
			if u.bottom > t.y && t.x < u.right && u.x < t.right {
				t.fallTo(u.bottom)
			}
			if kept != at {
				live[kept] = *u
			}
			kept++
		}
		if kept != at {
			live = append(live[:kept], live[at:]...)
		}
		// Tiles walked over start below the place found if they stand beside it.
		for kept > 0 && live[kept-1].y > t.y {
			kept--
		}
		live = slices.Insert(live, kept, t)
		g.placed = append(g.placed, t)
	}
	g.live = live
}

// step is a stretch of the skyline: from x on, up to the next step, the rows above
// bottom are taken.
type step struct{ x, bottom int }

// rise lets each placed tile that is not static go up, in order (y, x), until the
// next row would overlap a static or a tile already risen.
//
// All that can be above a tile comes before it in that order, so the lowest bottom
// met in each column is enough to know. Each tile makes one step of all that it
// covers, so the whole costs no more than the sorting, however many columns.
func (g *grid) rise() {
	slices.SortFunc(g.placed, g.compare)
	skyline := make([]step, 1, 2*len(g.placed)+1)
	for i := range g.placed {
		t := &g.placed[i]
		from, there := slices.BinarySearchFunc(skyline, t.x, func(s step, x int) int { return cmp.Compare(s.x, x) })
		if !there {
			from--
		}
		to, top := from, 0
		for ; to < len(skyline) && skyline[to].x < t.right; to++ {
			top = max(top, skyline[to].bottom)
		}
		if !t.static {
			t.fallTo(top)
		}
		var steps [3]step
		n := 0
		if !there {
			steps[n] = skyline[from]
			n++
		}
		steps[n] = step{t.x, t.bottom}
		n++
		if to == len(skyline) || skyline[to].x > t.right {
			steps[n] = step{t.right, skyline[to-1].bottom}
			n++
		}
		skyline = slices.Replace(skyline, from, to, steps[:n]...)
	}
}

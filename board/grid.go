package board

import "slices"

// grid holds placed tiles that do not overlap, sorted by y.
type grid struct{ tiles []tile }

func (g *grid) clone() *grid { return &grid{tiles: slices.Clone(g.tiles)} }

// place puts each tile, in order, at its own y or at the smallest greater one where
// it overlaps nothing placed so far.
func (g *grid) place(tiles []tile) {
	g.tiles = slices.Grow(g.tiles, len(tiles))
	for _, t := range tiles {
		at := 0
		for at < len(g.tiles) {
			u := &g.tiles[at]
			if u.Y >= t.Y+t.H {
				break
			}
			if u.bottom() > t.Y && !t.besides(*u) {
				t.Y = u.bottom()
			}
			at++
		}
		// Tiles passed over may start below the place found, if they stand beside it.
		for at > 0 && g.tiles[at-1].Y > t.Y {
			at--
		}
		g.tiles = slices.Insert(g.tiles, at, t)
	}
}

// columns maps the x of tiles to the few that matter, so that a grid of a million
// columns costs no more than one of twice as many as there are tiles.
type columns struct{ edges []int }

func columnsOf(groups ...[]tile) columns {
	var c columns
	for _, tiles := range groups {
		for _, t := range tiles {
			c.edges = append(c.edges, t.X, t.X+t.W)
		}
	}
	slices.Sort(c.edges)
	c.edges = slices.Compact(c.edges)
	return c
}

// rise lets each tile that is not static go up, in order (y, x), until the next row
// would overlap a static or a tile already risen. Tiles must not overlap.
func (c columns) rise(tiles []tile) {
	slices.SortFunc(tiles, compareTiles)
	skyline := make([]int, len(c.edges))
	for i := range tiles {
		t := &tiles[i]
		from, _ := slices.BinarySearch(c.edges, t.X)
		to, _ := slices.BinarySearch(c.edges, t.X+t.W)
		under := skyline[from:to]
		if !t.Static {
			t.Y = slices.Max(under)
		}
		bottom := t.bottom()
		for j := range under {
			under[j] = bottom
		}
	}
}

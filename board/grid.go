package board

import (
	"cmp"
	"math"
	"slices"
)

// Scratch is memory that deciding needs for a moment; lending it again and again
// (Env.Scratch) saves allocating it for each op. The zero value is ready. One Decide
// uses it at a time.
type Scratch struct{ grid grid }

// tile is one item while a layout is being normalised. It has the bounds that are
// compared in the inner loops, and no more.
type tile struct {
	x, right  int // columns, right excluded
	y, bottom int // rows, bottom excluded
	item      int32
	static    bool
}

func (t *tile) fallTo(y int) { t.y, t.bottom = y, y+t.bottom-t.y }

func (t *tile) rect() Rect {
	return Rect{X: t.x, Y: t.y, W: t.right - t.x, H: t.bottom - t.y, Static: t.static}
}

// grid normalises a layout: begin, add each item, normalise, and placed is how it is.
type grid struct {
	columns int
	ids     []string // by tile.item
	asked   []Rect   // by tile.item
	placed  []tile   // they do not overlap

	statics, movedStatics, moved, rest []tile // as added

	// Kept between calls for their memory.
	live, spare, fixed []tile
	keys               []uint64
	heights            []int
	floor              []int // by column: where what is above ends, rows excluded
	skyline            []step
}

// begin empties the grid.
func (g *grid) begin(columns int) {
	g.columns = columns
	clear(g.ids)
	g.ids, g.asked, g.placed = g.ids[:0], g.asked[:0], g.placed[:0]
	g.statics, g.movedStatics, g.moved, g.rest = g.statics[:0], g.movedStatics[:0], g.moved[:0], g.rest[:0]
	g.floor = g.floor[:0]
}

// above adds an item that stays where it is and ends above all that are moved, or were: it
// only stops what rises. The grid is narrow.
func (g *grid) above(r Rect) {
	if len(g.floor) == 0 {
		g.floor = slices.Grow(g.floor, g.columns)[:g.columns]
		clear(g.floor)
	}
	for x := r.X; x < r.X+r.W; x++ {
		g.floor[x] = max(g.floor[x], r.Y+r.H)
	}
}

// holds reports whether a rectangle is one inside the grid.
func (g *grid) holds(r Rect) bool {
	return r.X >= 0 && r.Y >= 0 && r.W >= 1 && r.H >= 1 && r.W <= g.columns-r.X
}

// add adds an item as it is asked for; moved tells whether a gesture has put it there.
func (g *grid) add(id string, asked Rect, moved bool) {
	r := asked
	if !g.holds(r) {
		r = r.clamp(g.columns)
	}
	t := tile{x: r.X, right: r.X + r.W, y: r.Y, bottom: r.Y + r.H, item: int32(len(g.ids)), static: r.Static}
	g.ids, g.asked = append(g.ids, id), append(g.asked, asked)
	switch {
	case t.static && !moved:
		g.statics = append(g.statics, t)
	case t.static:
		g.movedStatics = append(g.movedStatics, t)
	case moved:
		g.moved = append(g.moved, t)
	default:
		g.rest = append(g.rest, t)
	}
}

// normalise places the items as L2 has them.
func (g *grid) normalise(compact Compact) {
	vertical := compact == CompactVertical
	g.place(g.statics) // a
	g.place(g.movedStatics)
	if len(g.moved) > 0 { // b; without moved items c does the same
		g.fixed = append(g.fixed[:0], g.placed...)
		g.place(g.rest)
		if vertical {
			g.rise()
		}
		g.rest = g.rest[:0]
		for _, t := range g.placed {
			if !t.static {
				g.rest = append(g.rest, t)
			}
		}
		g.placed = append(g.placed[:0], g.fixed...)
	}
	g.place(g.moved) // c
	g.place(g.rest)
	if vertical { // d
		g.rise()
	}
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

// sort puts tiles in order (y, x, id). What is nearly in order costs little more than
// looking at it; else, unless the grid is huge, numbers are sorted instead of tiles.
func (g *grid) sort(tiles []tile) {
	if g.insert(tiles, len(tiles)) {
		return
	}
	const bits = 16
	if g.columns > 1<<bits || len(tiles) > 1<<bits {
		slices.SortFunc(tiles, g.compare)
		return
	}
	g.keys = g.keys[:0]
	for i := range tiles {
		if tiles[i].y > math.MaxInt32 {
			slices.SortFunc(tiles, g.compare)
			return
		}
		g.keys = append(g.keys, uint64(tiles[i].y)<<(2*bits)|uint64(tiles[i].x)<<bits|uint64(i))
	}
	slices.Sort(g.keys)
	g.spare = append(g.spare[:0], tiles...)
	for i, key := range g.keys {
		tiles[i] = g.spare[key&(1<<bits-1)]
	}
	if !g.insert(tiles, len(tiles)) { // those in one place are not in order of their ids yet
		slices.SortFunc(tiles, g.compare)
	}
}

// insert sorts by insertion. It gives up, with the tiles in some order, after so many
// steps.
func (g *grid) insert(tiles []tile, steps int) bool {
	for i := 1; i < len(tiles); i++ {
		// Nearly all pass here, so it calls nothing.
		if a, b := &tiles[i-1], &tiles[i]; a.y < b.y || a.y == b.y && a.x < b.x {
			continue
		}
		if g.compare(tiles[i-1], tiles[i]) <= 0 {
			continue
		}
		t, at := tiles[i], i
		for ; at > 0 && steps > 0 && g.compare(t, tiles[at-1]) < 0; steps-- {
			tiles[at] = tiles[at-1]
			at--
		}
		tiles[at] = t
		if steps == 0 {
			return false
		}
	}
	return true
}

// narrow is the most columns for which a skyline is kept column by column.
const narrow = 64

// apart reports whether no two of the tiles overlap, which are in order; false also where
// finding out would cost too much.
func (g *grid) apart(tiles []tile) bool {
	if g.columns > narrow {
		return false
	}
	heights := g.flat()
	for i := range tiles {
		t := &tiles[i]
		for x := t.x; x < t.right; x++ {
			if heights[x] > t.y {
				return false
			}
			heights[x] = t.bottom
		}
	}
	return true
}

// flat gives a skyline of nothing.
func (g *grid) flat() []int {
	g.heights = slices.Grow(g.heights[:0], g.columns)[:g.columns]
	clear(g.heights)
	return g.heights
}

// place puts a group of tiles one after another, in order (y, x, id), each at its
// own y or at the smallest greater one where it overlaps nothing placed so far.
//
// The placed tiles are kept sorted by y. As the group comes in the order of y, those
// that end above the next tile are dropped from the walk. If the group does not overlap
// itself, its tiles that stay where they are can be in nobody's way: whoever comes later
// or falls is below them or beside. So only those that fall are walked over.
func (g *grid) place(group []tile) {
	g.sort(group)
	apart := g.apart(group)
	g.live = append(g.live[:0], g.placed...)
	slices.SortFunc(g.live, compareRows)
	live := g.live
	for len(group) > 0 {
		if apart {
			n := 0
			for n < len(group) && (len(live) == 0 || group[n].bottom <= live[0].y) {
				n++
			}
			if n > 0 { // above all that could be in the way
				g.placed = append(g.placed, group[:n]...)
				group = group[n:]
				continue
			}
		}
		t := group[0]
		group = group[1:]
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
		g.placed = append(g.placed, t)
		if apart && t.y == top {
			continue
		}
		// Tiles walked over start below the place found if they stand beside it.
		for kept > 0 && live[kept-1].y > t.y {
			kept--
		}
		live = slices.Insert(live, kept, t)
	}
	g.live = live
}

// rise lets each placed tile that is not static go up, in order (y, x), until the
// next row would overlap a static or a tile already risen.
//
// All that can be above a tile comes before it in that order, so the lowest bottom
// met in each column is enough to know.
func (g *grid) rise() {
	g.sort(g.placed)
	if g.columns > narrow {
		g.riseBySteps()
		return
	}
	heights := g.flat()
	copy(heights, g.floor)
	for i := range g.placed {
		t := &g.placed[i]
		under := heights[t.x:t.right]
		if !t.static {
			top := 0
			for _, bottom := range under {
				top = max(top, bottom)
			}
			t.fallTo(top)
		}
		for x := range under {
			under[x] = t.bottom
		}
	}
}

// step is a stretch of the skyline: from x on, up to the next step, the rows above
// bottom are taken.
type step struct{ x, bottom int }

// riseBySteps is rise for a grid of many columns. Each tile makes one step of all that
// it covers, so the whole costs no more than the sorting.
func (g *grid) riseBySteps() {
	skyline := append(g.skyline[:0], step{})
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
	g.skyline = skyline
}

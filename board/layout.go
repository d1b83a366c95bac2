package board

import (
	"cmp"
	"maps"
	"slices"
)

// The size of a widget that comes without a rectangle (L5).
const (
	newWidth  = 6
	newHeight = 4
)

// tile is one item while a layout is being normalised.
type tile struct {
	Rect
	id string
}

func (t tile) bottom() int { return t.Y + t.H }

func (t tile) besides(u tile) bool { return t.X >= u.X+u.W || u.X >= t.X+t.W }

func compareTiles(a, b tile) int {
	return cmp.Or(cmp.Compare(a.Y, b.Y), cmp.Compare(a.X, b.X), cmp.Compare(a.id, b.id))
}

// Bottom is the first row below all items, 0 of an empty layout.
func (l *Layout) Bottom() int {
	bottom := 0
	for _, r := range l.Items {
		bottom = max(bottom, r.Y+r.H)
	}
	return bottom
}

// WithNew gives the layout with an item of the usual size for id, below all others
// (L5). It still has to be normalised.
func (l *Layout) WithNew(id string) *Layout {
	n := *l
	n.Items = maps.Clone(l.Items)
	if n.Items == nil {
		n.Items = make(map[string]Rect, 1)
	}
	n.Items[id] = Rect{Y: l.Bottom(), W: min(max(l.Columns, 1), newWidth), H: newHeight}
	return &n
}

// Normalise gives the layout as L2 makes it: inside the grid, without overlap, and
// compacted if the layout is vertical. The items hold the rectangles as asked for;
// moved tells which of them a gesture has put there and stay ahead of the others;
// ids that are no items count for nothing. Nil compacts what a removal or a new
// width has left. A layout that is already so comes back itself (L4).
func (l *Layout) Normalise(moved map[string]bool) *Layout {
	var statics, asked, rest []tile
	for id, r := range l.Items {
		t := tile{Rect: r, id: id}
		t.clamp(max(l.Columns, 1))
		switch {
		case t.Static:
			statics = append(statics, t)
		case moved[id]:
			asked = append(asked, t)
		default:
			rest = append(rest, t)
		}
	}
	slices.SortFunc(statics, func(a, b tile) int {
		if moved[a.id] != moved[b.id] {
			if moved[b.id] {
				return -1
			}
			return 1
		}
		return compareTiles(a, b)
	})
	slices.SortFunc(asked, compareTiles)
	slices.SortFunc(rest, compareTiles)

	vertical := l.Compact == CompactVertical
	columns := columnsOf(statics, asked, rest)

	var g grid
	g.place(statics) // a

	if len(asked) > 0 { // b; without moved items c does the same
		closed := g.clone()
		closed.place(rest)
		if vertical {
			columns.rise(closed.tiles)
		}
		rest = rest[:0]
		for _, t := range closed.tiles {
			if !t.Static {
				rest = append(rest, t)
			}
		}
		slices.SortFunc(rest, compareTiles)
	}

	g.place(asked) // c
	g.place(rest)
	if vertical { // d
		columns.rise(g.tiles)
	}
	return l.with(g.tiles)
}

// with gives the layout with the tiles' rectangles, l itself if they are the same.
func (l *Layout) with(tiles []tile) *Layout {
	same := true
	for _, t := range tiles {
		if l.Items[t.id] != t.Rect {
			same = false
			break
		}
	}
	if same {
		return l
	}
	n := *l
	n.Items = make(map[string]Rect, len(tiles))
	for _, t := range tiles {
		n.Items[t.id] = t.Rect
	}
	return &n
}

// clamp brings a tile into the grid.
func (t *tile) clamp(columns int) {
	t.W = min(max(t.W, 1), columns)
	t.X = min(max(t.X, 0), columns-t.W)
	t.Y = max(t.Y, 0)
	t.H = max(t.H, 1)
}

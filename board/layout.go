package board

import "maps"

// The size of a widget that comes without a rectangle (L5).
const (
	newWidth  = 6
	newHeight = 4
)

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
	n.Items[id] = newPlace(l.Bottom(), l.Columns)
	return &n
}

// newPlace is where a widget goes that comes without a rectangle (L5).
func newPlace(bottom, columns int) Rect {
	return Rect{Y: bottom, W: min(max(columns, 1), newWidth), H: newHeight}
}

// Normalise gives the layout as L2 makes it: inside the grid, without overlap, and
// compacted if the layout is vertical. The items hold the rectangles as asked for;
// moved tells which of them a gesture has put there and stay ahead of the others;
// ids that are no items count for nothing. Nil compacts what a removal or a new
// width has left. A layout that is already so comes back itself (L4).
func (l *Layout) Normalise(moved map[string]bool) *Layout {
	var g grid
	g.begin(max(l.Columns, 1))
	for id, r := range l.Items {
		g.add(id, r, moved[id])
	}
	g.normalise(l.Compact)
	var n *Layout
	for i := range g.placed {
		t := &g.placed[i]
		r := t.rect()
		if r == g.asked[t.item] {
			continue
		}
		if n == nil {
			n = &Layout{Columns: l.Columns, Compact: l.Compact, Items: maps.Clone(l.Items)}
		}
		n.Items[g.ids[t.item]] = r
	}
	if n == nil {
		return l
	}
	return n
}

// clamp brings a rectangle into a grid of so many columns.
func (r Rect) clamp(columns int) Rect {
	r.W = min(max(r.W, 1), columns)
	r.X = min(max(r.X, 0), columns-r.W)
	r.Y = max(r.Y, 0)
	r.H = max(r.H, 1)
	return r
}

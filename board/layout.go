package board

import (
	"maps"
	"slices"
)

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
	n.Items[id] = Rect{Y: l.Bottom(), W: min(max(l.Columns, 1), newWidth), H: newHeight}
	return &n
}

// Normalise gives the layout as L2 makes it: inside the grid, without overlap, and
// compacted if the layout is vertical. The items hold the rectangles as asked for;
// moved tells which of them a gesture has put there and stay ahead of the others;
// ids that are no items count for nothing. Nil compacts what a removal or a new
// width has left. A layout that is already so comes back itself (L4).
func (l *Layout) Normalise(moved map[string]bool) *Layout {
	g := grid{ids: make([]string, 0, len(l.Items))}
	var statics, movedStatics, asked, rest []tile
	for id, r := range l.Items {
		r = r.clamp(max(l.Columns, 1))
		t := tile{x: r.X, right: r.X + r.W, y: r.Y, bottom: r.Y + r.H, item: int32(len(g.ids)), static: r.Static}
		g.ids = append(g.ids, id)
		switch {
		case t.static && !moved[id]:
			statics = append(statics, t)
		case t.static:
			movedStatics = append(movedStatics, t)
		case moved[id]:
			asked = append(asked, t)
		default:
			rest = append(rest, t)
		}
	}
	vertical := l.Compact == CompactVertical
	g.placed = make([]tile, 0, len(g.ids))

	g.place(statics) // a
	g.place(movedStatics)

	if len(asked) > 0 { // b; without moved items c does the same
		above := slices.Clone(g.placed)
		g.place(rest)
		if vertical {
			g.rise()
		}
		rest = rest[:0]
		for _, t := range g.placed {
			if !t.static {
				rest = append(rest, t)
			}
		}
		g.placed = append(g.placed[:0], above...)
	}

	g.place(asked) // c
	g.place(rest)
	if vertical { // d
		g.rise()
	}
	return l.with(&g)
}

// with gives the layout with the rectangles of the tiles placed, l itself if they
// are the same.
func (l *Layout) with(g *grid) *Layout {
	var n *Layout
	for _, t := range g.placed {
		id := g.ids[t.item]
		r := Rect{X: t.x, Y: t.y, W: t.right - t.x, H: t.bottom - t.y, Static: t.static}
		if n == nil {
			if l.Items[id] == r {
				continue
			}
			n = &Layout{Columns: l.Columns, Compact: l.Compact, Items: maps.Clone(l.Items)}
		}
		n.Items[id] = r
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

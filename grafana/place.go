package grafana

import (
	"cmp"
	"math"
	"slices"

	"github.com/dashwire/dashwire/board"
)

// place gives every panel its rectangle and returns main. All rows are laid out
// unfolded, section below section; within a section places are kept as far as they
// do not overlap, and gaps close as they do on Grafana's own pages.
func (im *importer) place() *board.Layout {
	layout := &board.Layout{
		Columns: gridColumns, Compact: board.CompactVertical,
		Items: make(map[string]board.Rect, len(im.panels)),
	}
	if c := im.ours.Columns; c > 0 && c <= board.MaxColumns {
		layout.Columns = c
	}
	if im.ours.Compact == board.CompactNone {
		layout.Compact = board.CompactNone
	}

	var top []*panel
	unknown := 0
	for _, p := range im.panels {
		if p.row == nil {
			top = append(top, p)
		}
		if !p.pos.known {
			unknown++
		}
	}
	if unknown > 0 {
		im.notes.add("%d of the panels do not say where they stand and come after the others.", unknown)
	}
	slices.SortStableFunc(top, comparePlaces)

	bottom := 0
	for from := 0; from < len(top); {
		to := from + 1
		for to < len(top) && !top[to].isRow {
			to++
		}
		bottom = im.placeSection(layout, top[from:to], bottom)
		from = to
	}
	// Sections do not touch one another, so nothing moves here; rows that somebody made
	// static may still stand in the way.
	layout = layout.Normalise(nil)
	for _, p := range im.panels {
		p.rect = layout.Items[p.id]
	}
	im.measure(layout.Columns)
	return layout
}

// comparePlaces orders panels as Grafana reads them; those without a place last.
func comparePlaces(a, b *panel) int {
	y := func(p *panel) int {
		if !p.pos.known {
			return math.MaxInt
		}
		return p.pos.y
	}
	if c := cmp.Compare(y(a), y(b)); c != 0 || !a.pos.known {
		return c
	}
	switch {
	case a.isRow != b.isRow && a.isRow:
		return -1
	case a.isRow != b.isRow:
		return 1
	}
	return cmp.Compare(a.pos.x, b.pos.x)
}

// placeSection places a section below bottom and returns where it ends.
func (im *importer) placeSection(layout *board.Layout, section []*panel, bottom int) int {
	content, lines := section, 0 // lines: where the section's content starts in Grafana
	var head *panel
	if section[0].isRow {
		head, content, lines = section[0], section[1:], section[0].pos.y+1
	}
	start := 0
	if head != nil {
		gap := 0
		if layout.Compact == board.CompactNone && head.pos.known {
			gap = max(min(head.pos.y, board.MaxY)+im.unfolded-bottom, 0)
		}
		head.rect = board.Rect{Y: bottom + gap, W: layout.Columns, H: 1, Static: head.ours.Static}
		layout.Items[head.id] = head.rect
		start = head.rect.Y + 1
	}

	inner := &board.Layout{Columns: layout.Columns, Compact: layout.Compact, Items: map[string]board.Rect{}}
	if head != nil && len(head.nested) > 0 {
		// Grafana puts the first one right below the row, the others relative to it.
		first := math.MaxInt
		for _, p := range head.nested {
			if p.pos.known {
				first = min(first, p.pos.y)
			}
		}
		im.put(inner, head.nested, -first)
		inner = inner.Normalise(nil)
		im.unfolded += inner.Bottom()
		im.put(inner, content, inner.Bottom()-lines)
	} else {
		im.put(inner, content, -lines)
	}
	inner = inner.Normalise(nil)
	for id, r := range inner.Items {
		r.Y += start
		layout.Items[id] = r
	}
	return start + inner.Bottom()
}

// put adds panels to a layout, shifted by some lines, and notes which of them stand
// on one another. Panels without a place come below.
func (im *importer) put(layout *board.Layout, panels []*panel, shift int) {
	floor := layout.Bottom()
	var placed []board.Rect
	for _, p := range panels {
		if !p.pos.known {
			continue
		}
		y := min(max(p.pos.y+shift, floor), math.MaxInt32)
		if layout.Compact == board.CompactNone {
			y = min(y, board.MaxY)
		}
		r := board.Rect{X: p.pos.x, Y: y, W: p.pos.w, H: p.pos.h, Static: p.ours.Static}
		if slices.ContainsFunc(placed, func(o board.Rect) bool { return overlap(o, r) }) {
			im.notes.add("%s stood on another one and was set below it; its place is kept for the way back.", capital(p.name()))
		}
		placed = append(placed, r)
		layout.Items[p.id] = rescale(r, gridColumns, layout.Columns)
	}
	below := layout.Bottom()
	for _, p := range panels {
		if p.pos.known {
			continue
		}
		r := rescale(board.Rect{Y: below, W: p.pos.w, H: p.pos.h, Static: p.ours.Static}, gridColumns, layout.Columns)
		layout.Items[p.id] = r
		below += r.H
	}
}

func overlap(a, b board.Rect) bool {
	return a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H
}

// measure tells every panel what its place means, see tile.
func (im *importer) measure(columns int) {
	tiles := make([]*tile, len(im.panels))
	of := make(map[string]*tile, len(im.panels))
	for i, p := range im.panels {
		tiles[i] = &tile{id: p.id, rect: rescale(p.rect, columns, gridColumns), head: p.isRow, nested: p.row != nil}
		of[p.id] = tiles[i]
	}
	cut(tiles)
	measure(tiles)
	for _, p := range im.panels {
		p.tile = of[p.id]
	}
}

// origin is what is kept of a panel's place.
func (p *panel) origin() origin {
	o := origin{ID: p.id, Index: p.index, Legacy: p.legacy, Nested: p.row != nil, Head: p.isRow}
	o.X, o.Y, o.W, o.H = p.tile.rect.X, p.tile.y, p.tile.rect.W, p.tile.rect.H
	if p.tile.section != nil {
		o.Row = p.tile.section.id
	}
	return o
}

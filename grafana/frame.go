package grafana

import (
	"cmp"
	"slices"

	"github.com/dashwire/dashwire/board"
)

// gridColumns is the width of Grafana's grid.
const gridColumns = 24

// tile is a widget's place in main, in Grafana's columns, and what it means among
// rows. Import and export measure alike, so that a place can be compared.
type tile struct {
	id   string
	rect board.Rect
	head bool // a row that begins a section
	// section is the head above, nil if there is none.
	section *tile
	// nested is true if it stands in its row, which is folded up.
	nested bool
	// y is what the place means: of a head the line on which it stands when the rows
	// with nested tiles are folded; of another, lines below its head, 1 for the first,
	// folded as well unless it is nested itself. The top of the page is a head at -1.
	y int
}

func compareTiles(a, b *tile) int {
	return cmp.Or(cmp.Compare(a.rect.Y, b.rect.Y), headsFirst(a, b), cmp.Compare(a.rect.X, b.rect.X), cmp.Compare(a.id, b.id))
}

func headsFirst(a, b *tile) int {
	switch {
	case a.head == b.head:
		return 0
	case a.head:
		return -1
	}
	return 1
}

// cut sorts tiles as people read them and tells each its section.
func cut(tiles []*tile) {
	slices.SortFunc(tiles, compareTiles)
	var head *tile
	for _, t := range tiles {
		if t.head {
			head = t
			continue
		}
		t.section = head
	}
}

// measure sets y of tiles that were cut and know whether they are nested.
func measure(tiles []*tile) {
	line := 0 // where the next head stands
	for from := 0; from < len(tiles); {
		to := from + 1
		for to < len(tiles) && !tiles[to].head {
			to++
		}
		line = measureSection(tiles[from:to], line)
		from = to
	}
}

// measureSection measures one section that begins at a line and returns the line of
// the next one.
func measureSection(section []*tile, line int) int {
	at, top, height := -1, -1, 1 // of the head: the line, the row in the layout
	if h := section[0]; h.head {
		h.y = line
		at, top, height = line, h.rect.Y, h.rect.H
		section = section[1:]
	}
	folded := 0
	for _, t := range section {
		if t.nested {
			folded = max(folded, t.rect.Y+t.rect.H-top-1)
		}
	}
	next := at + height
	for _, t := range section {
		t.y = t.rect.Y - top
		if !t.nested {
			t.y -= folded
			next = max(next, at+t.y+t.rect.H)
		}
	}
	return next
}

// rescale gives a rectangle of a grid of one width in a grid of another: both edges
// go to the nearest column. From the narrower grid to the wider and back nothing
// changes.
func rescale(r board.Rect, from, to int) board.Rect {
	if from == to {
		return r
	}
	edge := func(x int) int { return (2*x*to + from) / (2 * from) }
	left, right := edge(r.X), edge(r.X+r.W)
	r.X = min(left, to-1)
	r.W = max(right-r.X, 1)
	return r
}

package grafana

// lines gives panels their y in Grafana. What did not change keeps the y that it
// came with; what did is fitted between, in the order in which people read it.
type lines struct {
	before *exported // the last row
	end    int       // where the section so far ends
	dirty  bool      // something above is not where it came
	moved  bool      // something anywhere is not
}

// head finds the line of a row: its own if it did not move, else as far below the
// row before as it is here, and never on what stands above it.
func (l *lines) head(x *exported) {
	p, ok := x.came()
	kept := x.sameFrame()
	switch {
	case kept && ok:
		x.line = p.y
	case l.before != nil:
		x.line = l.before.line + x.tile.y - l.before.tile.y
	default:
		x.line = x.tile.y
	}
	l.dirty = l.dirty || !kept
	if l.dirty {
		x.line = max(x.line, l.end)
	}
	x.asWas = kept && (!ok || x.line == p.y)
	l.before, l.end = x, x.line+1
}

// section finds the lines of a row's panels: of those in it, which count from the
// first one, wherever that stands, and of those below it, which go where it goes.
func (l *lines) section(head *exported, top []*exported) {
	base, moved := -1, 0
	if head != nil {
		base = head.line
		if p, ok := head.came(); ok {
			moved = head.line - p.y
		}
		l.fit(head.inside, base, 0, -1)
	}
	l.fit(top, base, moved, base-moved)
	for _, x := range top {
		l.dirty = l.dirty || !x.asWas
		l.end = max(l.end, x.line+x.rect.H)
	}
}

// fit gives lines to panels that stand together, in reading order. Those that stay
// hold on to the lines they came with, all moved alike; the gaps between these only
// ever grow downwards, so that nothing overlaps and the order stays. One that stood
// on another, and was set below it, holds only as long as nothing else changes. Base
// is the line of the row where nobody holds; least is how far up one may hold.
func (l *lines) fit(panels []*exported, base, moved, least int) {
	changed := false
	for _, x := range panels {
		_, ok := x.came()
		changed = changed || !x.sameFrame() || l.moved && !ok
	}
	held := false   // by a panel above
	offset := least // from what a place means to a line
	for _, x := range panels {
		p, ok := x.came()
		if ok && x.sameFrame() && (!changed || p.y-x.tile.y >= offset) {
			if !held { // what stands above the first one goes along with it
				for _, above := range panels {
					if above == x {
						break
					}
					above.line = above.tile.y + p.y - x.tile.y + moved
				}
			}
			held, offset = true, p.y-x.tile.y
			x.line = p.y + moved
			continue
		}
		x.line = x.tile.y + offset + moved
	}
	for _, x := range panels {
		if !held {
			x.line = base + x.tile.y
		}
		p, ok := x.came()
		x.asWas = x.sameFrame() && (!ok || x.line == p.y)
	}
}

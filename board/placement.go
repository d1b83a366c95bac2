package board

// placement is a breakpoint as a state holds it: a Layout that shares structure with the
// one before it, so that moving one of many items costs little. It is immutable.
type placement struct {
	columns int
	compact Compact
	items   pmap[Rect]
	bytes   int // of the members of items as canonical JSON, without commas
}

func placementOf(l *Layout) *placement {
	p := &placement{columns: l.Columns, compact: l.Compact}
	ids := sortedKeys(l.Items)
	rects := make([]Rect, len(ids))
	for i, id := range ids {
		rects[i] = l.Items[id]
	}
	p.fill(ids, rects)
	return p
}

// fill sets all items, which come in order of their ids.
func (p *placement) fill(ids []string, rects []Rect) {
	p.bytes = 0
	for i, id := range ids {
		p.bytes += memberSize(id, rectSize(rects[i]))
	}
	p.items = pmapOf(ids, rects)
}

// layout gives it as others see it.
func (p *placement) layout() *Layout {
	l := &Layout{Columns: p.columns, Compact: p.compact, Items: make(map[string]Rect, p.items.len())}
	for id, r := range p.items.all() {
		l.Items[id] = r
	}
	return l
}

// put sets one item. Like remove it changes p, which is not shared yet.
func (p *placement) put(id string, r Rect) {
	p.bytes += memberSize(id, rectSize(r))
	if was, ok := p.items.get(id); ok {
		p.bytes -= memberSize(id, rectSize(was))
		p.items = p.items.replace(id, r)
	} else {
		p.items = p.items.set(id, r)
	}
}

func (p *placement) remove(id string) {
	if was, ok := p.items.get(id); ok {
		p.bytes -= memberSize(id, rectSize(was))
		p.items = p.items.remove(id)
	}
}

// bottom is the first row below all items.
func (p *placement) bottom() int {
	bottom := 0
	for _, r := range p.items.all() {
		bottom = max(bottom, r.Y+r.H)
	}
	return bottom
}

// size is how much append appends.
func (p *placement) size() int {
	return len(`{"columns":,"compact":"","items":{}}`) + digits(p.columns) + len(p.compact) + max(p.items.len()-1, 0) + p.bytes
}

// append appends it as AppendLayout does.
func (p *placement) append(dst []byte) []byte {
	dst = appendGrid(dst, p.columns, p.compact)
	comma := false
	for id, r := range p.items.all() {
		dst = AppendRect(appendKey(dst, &comma, id), r)
	}
	return append(dst, "}}"...)
}

// after gives the placement after a change; p is nil if the breakpoint is new.
func (p *placement) after(c *LayoutChange) *placement {
	n := &placement{columns: DefaultColumns, compact: CompactVertical}
	if p != nil {
		*n = *p
	}
	if c.Columns != 0 {
		n.columns = c.Columns
	}
	if c.Compact != "" {
		n.compact = c.Compact
	}
	const path = 16 // about what one put copies, in items
	if len(c.Items)*path > n.items.len() {
		n.fill(n.merged(c.Items))
		return n
	}
	for id, r := range c.Items {
		if r == nil {
			n.remove(id)
		} else {
			n.put(id, *r)
		}
	}
	return n
}

// merged gives the items with some of them set, or removed where nil, in order.
func (p *placement) merged(change map[string]*Rect) (ids []string, rects []Rect) {
	n := p.items.len() + len(change)
	ids, rects = make([]string, 0, n), make([]Rect, 0, n)
	news := sortedKeys(change)
	take := func(id string) {
		if r := change[id]; r != nil {
			ids, rects = append(ids, id), append(rects, *r)
		}
	}
	for id, r := range p.items.all() {
		for len(news) > 0 && news[0] < id {
			take(news[0])
			news = news[1:]
		}
		if len(news) > 0 && news[0] == id {
			take(id)
			news = news[1:]
			continue
		}
		ids, rects = append(ids, id), append(rects, r)
	}
	for _, id := range news {
		take(id)
	}
	return ids, rects
}

// same reports whether two are equal.
func (p *placement) same(q *placement) bool {
	if p.columns != q.columns || p.compact != q.compact || p.items.len() != q.items.len() {
		return false
	}
	for id, r := range p.items.all() {
		if other, ok := q.items.get(id); !ok || other != r {
			return false
		}
	}
	return true
}

// rectSize is how much AppendRect appends.
func rectSize(r Rect) int {
	n := len(`{"h":,"static":true,"w":,"x":,"y":}`) + digits(r.X) + digits(r.Y) + digits(r.W) + digits(r.H)
	if !r.Static {
		n++
	}
	return n
}

package grafana

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/dashwire/dashwire/board"
)

// arrange decides in which row each panel is to stand, and on which line.
func (ex *exporter) arrange() {
	cut(ex.tiles)
	for _, t := range ex.tiles {
		ex.widgets[t.id].settle(ex.widgets)
	}
	ex.moved = ex.legacy
	for again := true; again; again = ex.foldBetween() {
		measure(ex.tiles)
		for _, x := range ex.widgets {
			ex.moved = ex.moved || !x.sameFrame()
		}
	}
	l := lines{moved: ex.moved}
	for from := 0; from < len(ex.tiles); {
		var head *exported
		if ex.tiles[from].head {
			head = ex.widgets[ex.tiles[from].id]
			l.head(head)
			from++
		}
		var top []*exported
		for ; from < len(ex.tiles) && !ex.tiles[from].head; from++ {
			x := ex.widgets[ex.tiles[from].id]
			if x.row != nil {
				head.inside = append(head.inside, x)
			} else {
				top = append(top, x)
			}
		}
		l.section(head, top)
	}
}

// foldBetween puts panels that stood below a folded row, and now stand between those
// in it, into the row: there is no such place in Grafana. It reports whether there
// were any. Where nothing in the section changed they stay as they came.
func (ex *exporter) foldBetween() bool {
	changed := map[*tile]bool{}
	for _, t := range ex.tiles {
		x := ex.widgets[t.id]
		_, known := x.came()
		if !x.sameFrame() || ex.moved && !known {
			changed[x.section] = true
		}
	}
	found := false
	for _, t := range ex.tiles {
		x := ex.widgets[t.id]
		if !x.head && x.row == nil && x.section != nil && x.tile.y < 1 && changed[x.section] {
			x.stays, x.tile.nested, x.row = false, true, ex.widgets[x.section.id]
			found = true
		}
	}
	return found
}

// settle decides whether a panel stays in its row, and if not, where it goes: into a
// row that is folded up, else to the top.
func (x *exported) settle(all map[string]*exported) {
	wasHead := x.known && x.from.Head
	switch {
	case x.head:
		x.stays = wasHead
		return
	case x.section == nil:
		x.stays = x.known && !wasHead && x.from.Row == ""
		return
	}
	head := all[x.section.id]
	now, asCame := head.folded()
	x.stays = x.known && !wasHead && x.from.Row == head.id && asCame
	if x.tile.nested = now; x.stays {
		x.tile.nested = x.from.Nested
	}
	if x.tile.nested {
		x.row = head
	}
}

// came gives the place that a panel came with, if it said one and still stands where
// that means something.
func (x *exported) came() (gridPos, bool) {
	if !x.stays {
		return gridPos{}, false
	}
	p := readPos(x.panel, x.head)
	return p, p.known
}

// sameFrame reports whether nothing about the place changed, whatever it was.
func (x *exported) sameFrame() bool {
	if !x.stays || x.tile.y != x.from.Y {
		return false
	}
	return x.head || x.rect.X == x.from.X && x.rect.W == x.from.W && x.rect.H == x.from.H
}

// setPlace writes gridPos where it changed, member by member. If anything moved at
// all, a panel that did not say where it stands says it now.
func (x *exported) setPlace(moved bool) {
	known := readPos(x.json, x.head).known
	if x.asWas && (known || !moved) {
		return
	}
	if pos, there := x.json.Get("/gridPos"); there && !pos.IsObject() {
		x.json = x.json.With("/gridPos", "{}")
	}
	r := x.rect
	r.Y = x.line
	if x.head {
		r.X, r.W, r.H = 0, gridColumns, 1
	}
	for key, now := range map[board.Pointer]int{"/gridPos/x": r.X, "/gridPos/y": r.Y, "/gridPos/w": r.W, "/gridPos/h": r.H} {
		was, _ := x.json.Get(key)
		if n, ok := cells(was); !ok || n != now {
			x.json = x.json.With(key, number(now))
		}
	}
}

func byIndex(a, b *exported) int {
	return cmp.Or(cmp.Compare(a.from.Index, b.from.Index), cmp.Compare(a.id, b.id))
}

// join puts the panels into the order of the body: as they came, what is new after
// the panel that people read before it.
func (ex *exporter) join() {
	for _, x := range ex.widgets {
		x.setPlace(ex.moved)
	}
	rank := make(map[string]int, len(ex.tiles))
	var top []*exported
	for i, t := range ex.tiles {
		rank[t.id] = i
		if x := ex.widgets[t.id]; x.row == nil {
			top = append(top, x)
		}
	}
	ex.top = inOrder(top, rank)
	for _, x := range ex.top {
		x.inside = inOrder(x.inside, rank)
		// Grafana takes the first one for the highest.
		if len(x.inside) > 0 && slices.ContainsFunc(x.inside, func(n *exported) bool { return n.line < x.inside[0].line && !n.asWas }) {
			slices.SortStableFunc(x.inside, func(a, b *exported) int {
				return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.rect.X, b.rect.X))
			})
		}
	}
	ex.name()
}

// inOrder sorts panels that came with an index by it and puts the others after those
// that are read before them.
func inOrder(read []*exported, rank map[string]int) []*exported {
	var all, late []*exported
	for _, x := range read {
		if x.stays && x.from.Legacy == 0 {
			all = append(all, x)
		} else {
			late = append(late, x)
		}
	}
	slices.SortFunc(all, byIndex)
	for _, x := range late { // in reading order
		at := 0
		for i, y := range all {
			if rank[y.id] < rank[x.id] && (at == 0 || rank[y.id] > rank[all[at-1].id]) {
				at = i + 1
			}
		}
		all = slices.Insert(all, at, x)
	}
	return all
}

// name makes sure that importing again gives each panel its widget id: where it does
// not follow from the panel and its place in the body, our member says it.
func (ex *exporter) name() {
	var all []*exported
	var slots []slot
	add := func(path string, x *exported) {
		v, _ := x.json.Get("/id")
		all = append(all, x)
		slots = append(slots, slot{path: path, number: v})
	}
	for i, x := range ex.top {
		path := "/panels/" + strconv.Itoa(i)
		add(path, x)
		for j, n := range x.inside {
			add(path+"/panels/"+strconv.Itoa(j), n)
		}
	}
	for again := true; again; {
		again = false
		for i, id := range assignIDs(slots) {
			if x := all[i]; id != x.id && slots[i].wish == "" {
				x.ours.ID, slots[i].wish, again = x.id, x.id, true
			}
		}
	}
}

// panels writes the panels at the top, and in the rows those that stand in them.
func (ex *exporter) panels() board.Value {
	values := make([]board.Value, len(ex.top))
	for i, x := range ex.top {
		values[i] = x.withOurs()
		if len(x.inside) == 0 {
			continue
		}
		inner := make([]board.Value, len(x.inside))
		for j, n := range x.inside {
			inner[j] = n.withOurs()
		}
		values[i] = values[i].With("/panels", array(inner))
	}
	return array(values)
}

// withOurs is the panel with our member, if that has anything to say.
func (x *exported) withOurs() board.Value {
	if v := encode(x.ours); v != "{}" {
		return x.json.With(memberPointer, v)
	}
	return x.json
}

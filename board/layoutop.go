package board

import (
	"math"
	"slices"
)

// pending is one breakpoint while an op is being decided: the rectangles as asked for,
// not normalised yet (L2).
type pending struct {
	from  *placement // as it was, nil if the op makes the breakpoint
	asked placement
	moved map[string]bool
	// touched are the items that are asked for elsewhere than they were, or are new or
	// gone. all tells that any may be.
	touched map[string]bool
	all     bool
}

// breakpoints lists the breakpoints of the document in hand by name.
func (d *draft) breakpoints() []string {
	names := make([]string, 0, d.seen.layouts.len()+len(d.layouts))
	for name := range d.seen.layouts.all() {
		names = append(names, name)
	}
	for name, p := range d.layouts {
		if p.from == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// layout gives a breakpoint as it is asked for so far, nil if there is none.
func (d *draft) layout(name string) *placement {
	if p, ok := d.layouts[name]; ok {
		return &p.asked
	}
	l, _ := d.seen.layouts.get(name)
	return l
}

// pending gives a breakpoint that is there for changing.
func (d *draft) pending(name string) *pending {
	if p, ok := d.layouts[name]; ok {
		return p
	}
	l, _ := d.seen.layouts.get(name)
	return d.keep(name, &pending{from: l, asked: *l, moved: make(map[string]bool), touched: make(map[string]bool)})
}

func (d *draft) keep(name string, p *pending) *pending {
	if d.layouts == nil {
		d.layouts = make(map[string]*pending, 1)
	}
	d.layouts[name] = p
	return p
}

// move puts an item where a gesture has put it (L1); it reports whether that is
// elsewhere than before.
func (p *pending) move(id string, by RectPatch) bool {
	was, _ := p.asked.items.get(id)
	return p.put(id, by.On(was))
}

func (p *pending) put(id string, r Rect) bool {
	was, there := p.asked.items.get(id)
	p.moved[id] = true
	if there && was == r {
		return false
	}
	p.set(id, r)
	return true
}

func (p *pending) set(id string, r Rect) {
	p.asked.put(id, r)
	p.touched[id] = true
}

// add puts a new item below all others (L5).
func (p *pending) add(id string) { p.set(id, newPlace(p.asked.bottom(), p.asked.columns)) }

func (p *pending) remove(id string) {
	p.asked.remove(id)
	p.touched[id] = true
	delete(p.moved, id)
}

// stays gives the row down to which all items that end there stay where they are: the
// first that an item asked for elsewhere has left or is to come to, since the layout is
// normalised as it was. What is above that row neither loses what it rests on nor has
// anything put on it.
func (p *pending) stays() int {
	if p.from == nil || p.all || p.asked.columns != p.from.columns || p.asked.compact != p.from.compact || p.asked.columns > narrow {
		return 0
	}
	row := math.MaxInt
	for _, ids := range [...]map[string]bool{p.touched, p.moved} {
		for id := range ids {
			if r, ok := p.from.items.get(id); ok {
				row = min(row, r.Y)
			}
			if r, ok := p.asked.items.get(id); ok {
				row = min(row, r.Y)
			}
		}
	}
	return max(row, 0)
}

// normalised gives what normalising makes of the breakpoint, nil if it is as it was
// then, and the items that come to stand elsewhere than asked.
func (p *pending) normalised(g *grid) (c *LayoutChange, elsewhere map[string]Rect) {
	g.begin(max(p.asked.columns, 1))
	row := p.stays()
	for id, r := range p.asked.items.all() {
		if row > 0 && r.Y+r.H <= row && g.holds(r) {
			g.above(r)
		} else {
			g.add(id, r, len(p.moved) > 0 && p.moved[id])
		}
	}
	g.normalise(p.asked.compact)
	c = &LayoutChange{}
	var old placement
	if p.from != nil {
		old = *p.from
	}
	if p.asked.columns != old.columns {
		c.Columns = p.asked.columns
	}
	if p.asked.compact != old.compact {
		c.Compact = p.asked.compact
	}
	for i := range g.placed {
		t := &g.placed[i]
		r := t.rect()
		asElse := r != g.asked[t.item]
		if !asElse && !p.all {
			continue
		}
		id := g.ids[t.item]
		if asElse {
			if elsewhere == nil {
				elsewhere = make(map[string]Rect)
			}
			elsewhere[id] = r
		}
		if was, ok := old.items.get(id); !ok || was != r {
			c.put(id, new(r))
		}
	}
	for id := range p.touched {
		r, there := p.asked.items.get(id)
		was, had := old.items.get(id)
		switch _, told := elsewhere[id]; {
		case told || p.all && there:
		case !there && had:
			c.put(id, nil)
		case there && (!had || was != r):
			c.put(id, new(r))
		}
	}
	if p.from != nil && c.Columns == 0 && c.Compact == "" && c.Items == nil {
		c = nil
	}
	return c, elsewhere
}

// normalise makes the layouts of the draft as L2 has them, once for the whole op, and
// gives what that changes. Told is what the author of moves that came to nothing has
// to hear (E7), nil if there is nothing to say.
func (d *draft) normalise() (changed map[string]*LayoutChange, told *Change) {
	for _, name := range sortedKeys(d.layouts) {
		if d.env.Scratch == nil {
			d.env.Scratch = new(Scratch)
		}
		p := d.layouts[name]
		c, elsewhere := p.normalised(&d.env.Scratch.grid)
		if c != nil {
			if changed == nil {
				changed = make(map[string]*LayoutChange, len(d.layouts))
			}
			changed[name] = c
		}
		if elsewhere == nil {
			continue
		}
		d.inexact = true
		as := &LayoutChange{}
		for id := range p.moved {
			r, ok := elsewhere[id]
			if !ok {
				r, ok = p.asked.items.get(id)
			}
			if ok {
				as.put(id, &r)
			}
		}
		if as.Items != nil {
			if told == nil {
				told = &Change{Layouts: make(map[string]*LayoutChange, 1)}
			}
			told.Layouts[name] = as
		}
	}
	return changed, told
}

// checkPlace holds what is asked of a rectangle against L2; below the items that are
// there an item may come to lie further down.
func checkPlace(p *RectPatch, bottom int) *Error {
	switch {
	case p == nil:
	case p.Y != nil && *p.Y > max(MaxY, bottom):
		return Errorf(CodeInvalidLayout, "y is over %d: place the item higher up", MaxY).At("/y")
	case p.H != nil && *p.H > MaxHeight:
		return Errorf(CodeInvalidLayout, "h is over %d: make the item lower", MaxHeight).At("/h")
	}
	return nil
}

// updateLayout decides TypeLayout (L1, L2, L7). Moves never ask (L3).
func (d *draft) updateLayout(op *Op) outcome {
	if err := d.spend(len(op.Moved), ""); err != nil {
		return refused(err)
	}
	name := op.Breakpoint
	if name == "" {
		name = MainBreakpoint
	}
	l := d.layout(name)
	switch {
	case l != nil:
	case !op.Create:
		return refused(Errorf(CodeNotFound, "there is no breakpoint %q: send create to make it", name).At("breakpoint"))
	case len(d.breakpoints()) >= MaxBreakpoints:
		return refused(tooManyBreakpoints().At("breakpoint"))
	}
	if err := checkLayoutOp(op, l); err != nil {
		return refused(err)
	}
	var p *pending
	if l == nil {
		p = d.newBreakpoint(name)
		d.inexact = true
	} else {
		p = d.pending(name)
	}
	changed := l == nil
	if op.Columns != nil {
		changed = changed || p.asked.columns != *op.Columns
		p.asked.columns = *op.Columns
	}
	if op.Compact != "" {
		changed = changed || p.asked.compact != op.Compact
		p.asked.compact = op.Compact
	}
	for _, id := range sortedKeys(op.Moved) {
		now, there := p.asked.items.get(id)
		if !there {
			d.report.Ignored = append(d.report.Ignored, id)
			d.inexact = true
			continue
		}
		by := op.Moved[id]
		if by.On(now) != now && d.movedOn(op, id, now) {
			d.skip(JoinPointer("", id))
			continue
		}
		changed = p.move(id, by) || changed
	}
	return outcome{unchanged: !changed}
}

func checkLayoutOp(op *Op, l *placement) *Error {
	bottom := 0
	for _, by := range op.Moved {
		if l != nil && by.Y != nil && *by.Y > MaxY {
			bottom = l.bottom()
			break
		}
	}
	for _, id := range sortedKeys(op.Moved) {
		by := op.Moved[id]
		if err := checkPlace(&by, bottom); err != nil {
			return err.At("moved" + string(JoinPointer("", id)) + err.Path)
		}
	}
	columns, compact := DefaultColumns, CompactVertical
	if op.Columns != nil {
		columns = *op.Columns
	}
	if op.Compact != "" {
		compact = op.Compact
	}
	return checkGrid(columns, compact)
}

// movedOn reports whether an undo finds another rectangle than the one it knows (M13).
func (d *draft) movedOn(op *Op, id string, now Rect) bool {
	prev, told := op.Prev[JoinPointer("", id)]
	if !told || d.policy(op) != PolicySkip {
		return false
	}
	seen, err := ParsePlacedRect(prev)
	return err != nil || seen != now
}

// MaxBreakpoints bounds the breakpoints of a dashboard (D5): whatever adds or removes a
// widget works on each of them.
const MaxBreakpoints = 32

func tooManyBreakpoints() *Error {
	return Errorf(CodeLimitExceeded, "a dashboard has at most %d breakpoints: use those that it has", MaxBreakpoints).Over(LimitBreakpoints)
}

// newBreakpoint makes a breakpoint (L7): the items of main, to be brought into its grid.
func (d *draft) newBreakpoint(name string) *pending {
	main := d.layout(MainBreakpoint)
	return d.keep(name, &pending{asked: *main, moved: make(map[string]bool), touched: make(map[string]bool), all: true})
}

// restoreLayout decides TypeLayoutRestore (L6).
func (d *draft) restoreLayout(op *Op) outcome {
	if op.ToVersion == 0 || op.ToVersion > d.head {
		return refused(Errorf(CodeBadVersion, "toVersion %d is none of this dashboard's versions 1 to %d: send one of them", op.ToVersion, d.head).At("toVersion"))
	}
	history := op.History
	if history == nil {
		history = d.op.History
	}
	if history == nil || history.Version != op.ToVersion || history.Epoch != d.epoch {
		if d.batch != nil && d.restoresBut(op.ToVersion) {
			return refused(Errorf(CodeBadMessage, "a batch restores layouts of one version only: send two batches"))
		}
		d.need.Layouts = op.ToVersion
		return outcome{}
	}
	if history.Layouts == nil {
		return refused(Errorf(CodeGone, "version %d is no longer in the log: choose a later one", op.ToVersion).At("toVersion"))
	}
	names := sortedKeys(history.Layouts)
	if op.Breakpoint != "" {
		if history.Layouts[op.Breakpoint] == nil {
			return refused(Errorf(CodeNotFound, "version %d has no breakpoint %q", op.ToVersion, op.Breakpoint).At("breakpoint"))
		}
		names = []string{op.Breakpoint}
	}
	d.inexact = true
	changed := false
	for _, name := range names {
		changed = d.restoreBreakpoint(name, history.Layouts[name]) || changed
	}
	return outcome{unchanged: !changed}
}

// restoresBut reports whether an earlier part of the batch restores the layouts of another version:
// there is room for one in a History.
func (d *draft) restoresBut(version uint64) bool {
	return slices.ContainsFunc(d.batch.Operations[:d.index], func(op *Op) bool {
		return op.Type == TypeLayoutRestore && op.ToVersion != version
	})
}

// restoreBreakpoint asks for an earlier layout: widgets deleted since stay deleted,
// widgets added since go below.
func (d *draft) restoreBreakpoint(name string, was *Layout) (changed bool) {
	now := d.layout(name)
	var p *pending
	if now == nil {
		p = d.newBreakpoint(name)
	} else {
		p = d.pending(name)
	}
	old := p.asked
	n := &Layout{Columns: was.Columns, Compact: was.Compact, Items: make(map[string]Rect, old.items.len())}
	clear(p.moved)
	var added []string
	for id := range old.items.all() {
		if r, ok := was.Items[id]; ok {
			n.Items[id] = r
		} else {
			added = append(added, id)
		}
	}
	p.asked, p.all = *placementOf(n.Normalise(nil)), true
	bottom := p.asked.bottom()
	for _, id := range added {
		p.set(id, newPlace(bottom, p.asked.columns))
		bottom += newHeight
	}
	return now == nil || !old.same(&p.asked)
}

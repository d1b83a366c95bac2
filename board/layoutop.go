package board

import (
	"maps"
	"slices"
)

// pending is one breakpoint while an op is being decided: the rectangles as asked for,
// not normalised yet (L2).
type pending struct {
	from  *Layout // as it was, nil if the op makes the breakpoint
	asked Layout  // its items belong to the draft
	moved map[string]bool
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
func (d *draft) layout(name string) *Layout {
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
	p := &pending{from: l, asked: *l, moved: make(map[string]bool)}
	p.asked.Items = maps.Clone(l.Items)
	if p.asked.Items == nil {
		p.asked.Items = make(map[string]Rect)
	}
	return d.keep(name, p)
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
	was := p.asked.Items[id]
	return p.put(id, by.On(was))
}

func (p *pending) put(id string, r Rect) bool {
	was, there := p.asked.Items[id]
	p.asked.Items[id] = r
	p.moved[id] = true
	return !there || was != r
}

// add puts a new item below all others (L5).
func (p *pending) add(id string) {
	row := Rect{Y: p.asked.Bottom(), W: min(p.asked.Columns, newWidth), H: newHeight}
	p.asked.Items[id] = row
}

func (p *pending) remove(id string) {
	delete(p.asked.Items, id)
	delete(p.moved, id)
}

// normalise makes the layouts of the draft as L2 has them, once for the whole op, and
// gives what that changes. Told is what the author of moves that came to nothing has
// to hear (E7), nil if there is nothing to say.
func (d *draft) normalise() (changed map[string]*LayoutChange, told *Change) {
	for _, name := range sortedKeys(d.layouts) {
		p := d.layouts[name]
		l := p.asked.Normalise(p.moved)
		if c := layoutDiff(p.from, l); c != nil {
			if changed == nil {
				changed = make(map[string]*LayoutChange, len(d.layouts))
			}
			changed[name] = c
		}
		if l == &p.asked {
			continue
		}
		d.inexact = true
		as := &LayoutChange{}
		for id := range p.moved {
			if r, ok := l.Items[id]; ok {
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
		changed = changed || p.asked.Columns != *op.Columns
		p.asked.Columns = *op.Columns
	}
	if op.Compact != "" {
		changed = changed || p.asked.Compact != op.Compact
		p.asked.Compact = op.Compact
	}
	for _, id := range sortedKeys(op.Moved) {
		now, there := p.asked.Items[id]
		if !there {
			d.ignored = append(d.ignored, id)
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

func checkLayoutOp(op *Op, l *Layout) *Error {
	bottom := 0
	if l != nil {
		bottom = l.Bottom()
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
	p := &pending{asked: Layout{Columns: main.Columns, Compact: main.Compact}, moved: make(map[string]bool)}
	p.asked.Items = make(map[string]Rect, len(main.Items))
	maps.Copy(p.asked.Items, main.Items)
	return d.keep(name, p)
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
	p.asked = Layout{Columns: was.Columns, Compact: was.Compact, Items: make(map[string]Rect, len(old.Items))}
	clear(p.moved)
	var added []string
	for _, id := range sortedKeys(old.Items) {
		if r, ok := was.Items[id]; ok {
			p.asked.Items[id] = r
		} else {
			added = append(added, id)
		}
	}
	p.asked = *p.asked.Normalise(nil)
	p.asked.Items = maps.Clone(p.asked.Items)
	for _, id := range added {
		p.add(id)
	}
	return now == nil || old.Columns != p.asked.Columns || old.Compact != p.asked.Compact || !maps.Equal(old.Items, p.asked.Items)
}

package board

// Undo gives the op that takes an entry back, made from the state just before it
// (M13): with the policy skip, prev and the entry's version as base, so that what
// somebody else has changed since is left alone and reported. ID, Author and Hash are
// the caller's to fill. False means that the entry cannot be undone by an op:
// deleting the dashboard, or making a breakpoint and nothing else.
func (s *State) Undo(e *Entry) (*Op, bool) {
	if e.Change == nil || e.Type == TypeDashboardDelete {
		return nil, false
	}
	doc := s
	if s.deleted {
		doc = NewState(s.id)
	}
	var parts []*Op
	if op := undoPatch(doc.settings.value, e.Change.Settings); op != nil {
		op.Type = TypeSettings
		parts = append(parts, op)
	}
	for i := range e.Change.Widgets {
		w := &e.Change.Widgets[i]
		if op := doc.undoWidget(w); op != nil {
			op.WidgetID = w.ID
			parts = append(parts, op)
		}
	}
	for _, name := range sortedKeys(e.Change.Layouts) {
		if op := doc.undoLayout(name, e.Change.Layouts[name]); op != nil {
			parts = append(parts, op)
		}
	}
	if len(parts) == 0 {
		return nil, false
	}
	op := parts[0]
	if len(parts) > 1 {
		op = &Op{Type: TypeBatch, Operations: parts}
	}
	base, epoch := e.Version, e.Epoch
	op.DashboardID, op.Base, op.Epoch, op.Policy = s.id, &base, &epoch, PolicySkip
	return op, true
}

// undoPatch inverts a patch of a value.
func undoPatch(was Value, patch *Patch) *Op {
	if patch == nil {
		return nil
	}
	op := &Op{Prev: make(map[Pointer]Value, len(patch.Set))}
	find := newFinder(was, len(patch.Set)+len(patch.Unset))
	back := func(p Pointer) {
		if v, ok := find.get(p); ok {
			op.Set = append(op.Set, Assignment{Path: p, Value: v})
		} else {
			op.Unset = append(op.Unset, p)
		}
	}
	for _, a := range patch.Set {
		op.Prev[a.Path] = a.Value
		back(a.Path)
	}
	for _, p := range patch.Unset {
		back(p)
	}
	sortAssignments(op.Set)
	return op
}

func (s *State) undoWidget(c *WidgetChange) *Op {
	w, there := s.widgets.get(c.ID)
	switch {
	case c.Deleted && there:
		return &Op{Type: TypeUpdate, Restore: true}
	case c.Deleted:
		return nil
	case c.Value != "" && !there:
		return &Op{Type: TypeDelete, Prev: map[Pointer]Value{"": c.Value}}
	case !there || c.Patch == nil:
		return nil
	}
	op := undoPatch(w.value, c.Patch)
	op.Type = TypeUpdate
	return op
}

// undoLayout puts the items of a breakpoint back, also those that were only displaced.
// Widgets that come or go bring their places with them.
func (s *State) undoLayout(name string, c *LayoutChange) *Op {
	was, there := s.layouts.get(name)
	if !there || c == nil {
		return nil
	}
	op := &Op{Type: TypeLayout, Breakpoint: name, Moved: make(map[string]RectPatch), Prev: make(map[Pointer]Value)}
	if c.Columns != 0 && c.Columns != was.columns {
		columns := was.columns
		op.Columns = &columns
	}
	if c.Compact != "" && c.Compact != was.compact {
		op.Compact = was.compact
	}
	for id, r := range c.Items {
		before, ok := was.items.get(id)
		if !ok || r == nil {
			continue
		}
		op.Moved[id] = RectPatch{X: &before.X, Y: &before.Y, W: &before.W, H: &before.H, Static: &before.Static}
		op.Prev[JoinPointer("", id)] = Value(AppendRect(nil, *r))
	}
	if op.Columns == nil && op.Compact == "" && len(op.Moved) == 0 {
		return nil
	}
	return op
}

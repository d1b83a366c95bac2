package board

// update decides TypeUpdate, and TypeResolved of a widget.
func (d *draft) update(op *Op, b baseline) outcome {
	current, there := d.seen.widgets.get(op.WidgetID)
	buried, dead := d.seen.tombstones.get(op.WidgetID)
	switch {
	case op.Create && (there || dead):
		err := Errorf(CodeExists, "the widget id is in use or was deleted not long ago: choose another, or update or restore that widget").At("widgetId")
		err.Current = current.value
		return refused(err)
	case op.Create:
		return d.put(op, "{}", nil)
	case !there && op.Restore:
		return d.restore(op, buried, dead)
	case !there && op.Value != "" && (!dead || d.knew(buried, b)):
		return d.put(op, "{}", nil)
	case !there:
		return outcome{conflict: d.deletedConflict(op, buried)}
	}
	e, err := d.edits(op, current.value)
	if err != nil {
		return refused(err)
	}
	if err := checkPlace(op.Layout, 0); err != nil {
		return refused(err.At("layout" + err.Path))
	}
	e, out := d.edit(op, op.WidgetID, current, b, e)
	if out.refusal != nil || out.conflict != nil {
		return out
	}
	changed := len(e) > 0
	if changed {
		if err := d.add(d.widgetPatch(op.WidgetID, e.patch())); err != nil {
			return refused(err)
		}
	}
	moved := false
	if op.Layout != nil {
		moved = d.pending(MainBreakpoint).move(op.WidgetID, *op.Layout)
	}
	// Who asks for these cannot tell the effect from the op alone.
	if op.Changes != "" || op.Value != "" || op.Restore {
		d.inexact = d.inexact || changed || moved
	}
	return outcome{unchanged: !changed && !moved}
}

// patched is a change that patches one widget.
type patched struct {
	change  Change
	widgets [1]WidgetChange
	patch   Patch
}

// widgetPatch makes a change that patches one widget. Most ops are no more than that: what
// they become is made with it.
func (d *draft) widgetPatch(id string, p Patch) *Change {
	var made *patched
	if d.batch == nil {
		all := &struct {
			accepted accepted
			patched  patched
		}{}
		d.made, made = &all.accepted, &all.patched
	} else {
		made = &patched{}
	}
	made.patch = p
	made.widgets[0] = WidgetChange{ID: id, Patch: &made.patch}
	made.change.Widgets = made.widgets[:]
	return &made.change
}

// knew reports whether a change was known to an op, or is its author's own.
func (d *draft) knew(s stamp, b baseline) bool {
	return s.version > d.head || s.by(d.op.Author) || !b.byValue && s.version <= b.version
}

// put adds a widget that is not there (M9): value with the op's edits on top, where it
// stood before or in a new place (L5).
func (d *draft) put(op *Op, value Value, places map[string]Rect) outcome {
	if op.Value.IsObject() {
		value = op.Value
	} else {
		e, err := d.edits(op, value)
		if err != nil {
			return refused(err)
		}
		for i := range e {
			if !value.Reaches(e[i].Path) {
				return refused(unreachable(e[i].Path))
			}
		}
		patch := e.patch()
		value = value.Apply(&patch)
	}
	if err := checkPlace(op.Layout, 0); err != nil {
		return refused(err.At("layout" + err.Path))
	}
	if err := d.add(&Change{Widgets: []WidgetChange{{ID: op.WidgetID, Value: value}}}); err != nil {
		return refused(err)
	}
	d.inexact = true
	for _, breakpoint := range d.breakpoints() {
		p := d.pending(breakpoint)
		p.add(op.WidgetID)
		if r, ok := places[breakpoint]; ok {
			p.put(op.WidgetID, r)
		}
		if breakpoint == MainBreakpoint && op.Layout != nil {
			p.move(op.WidgetID, *op.Layout)
		}
	}
	return outcome{}
}

// restore brings a deleted widget back with the op's update on top (M9).
func (d *draft) restore(op *Op, buried stamp, dead bool) outcome {
	gone := Errorf(CodeGone, "the widget was deleted too long ago to bring it back: make a new one").At("widgetId")
	if !dead || buried.version > d.head {
		return refused(gone)
	}
	history := op.History
	if history == nil {
		history = d.op.History
	}
	var was DeletedWidget
	if history != nil && history.Epoch == d.epoch {
		was = history.Deleted[op.WidgetID]
	}
	if was.Version != buried.version {
		if d.need.Deleted == nil {
			d.need.Deleted = make(map[string]uint64)
		}
		d.need.Deleted[op.WidgetID] = buried.version
		return outcome{}
	}
	if was.Gone || !was.Value.IsObject() {
		return refused(gone)
	}
	return d.put(op, was.Value, was.Places)
}

// deletedConflict is the answer to an update of a widget that is not there (M9).
func (d *draft) deletedConflict(op *Op, buried stamp) *Conflict {
	c := d.conflict(op.WidgetID, KindDeleted)
	e, _ := editsOf(op, "{}")
	for i := range e {
		c.Fields = append(c.Fields, ConflictField{
			Path: e[i].Path, Base: op.Prev[e[i].Path], Mine: e[i].Value,
			TheirsBy: buried.author, TheirsVersion: buried.version,
		})
	}
	if len(c.Fields) == 0 {
		c.Fields = []ConflictField{{TheirsBy: buried.author, TheirsVersion: buried.version}}
	}
	return c
}

func (d *draft) conflict(widgetID string, kind ConflictKind) *Conflict {
	return &Conflict{ID: d.op.ID, DashboardID: d.state.id, WidgetID: widgetID, Kind: kind, Version: d.head}
}

// deleteWidget decides TypeDelete.
func (d *draft) deleteWidget(op *Op, b baseline) outcome {
	w, there := d.seen.widgets.get(op.WidgetID)
	if !there {
		return outcome{unchanged: true}
	}
	if k := d.clashOf(op, w.clocks, b, "", w.value); k.found {
		switch d.settle(op, b, []clash{k}) {
		case PolicyOverwrite:
			d.lost(op.WidgetID, "", w.value, k.newest)
		case PolicySkip:
			d.skip("")
			return outcome{unchanged: true}
		case PolicyReject:
			err := Errorf(CodeConflict, "%s was changed since: look at it again", subject(op.WidgetID))
			err.Current = w.value
			return refused(err)
		default:
			return outcome{conflict: d.changedConflict(op, w, b, k)}
		}
	}
	if err := d.add(&Change{Widgets: []WidgetChange{{ID: op.WidgetID, Deleted: true}}}); err != nil {
		return refused(err)
	}
	for _, breakpoint := range d.breakpoints() {
		d.pending(breakpoint).remove(op.WidgetID)
	}
	return outcome{}
}

// changedConflict lists what others changed in a widget that is to be deleted (M9).
func (d *draft) changedConflict(op *Op, w part, b baseline, k clash) *Conflict {
	c := d.conflict(op.WidgetID, KindChanged)
	if !b.byValue {
		find := newFinder(w.value, len(w.clocks))
		for _, k := range w.clocks {
			if k.version <= b.version || k.version > d.head || k.by(d.op.Author) {
				continue
			}
			theirs, _ := find.get(k.path)
			c.Fields = append(c.Fields, ConflictField{Path: k.path, Theirs: theirs, TheirsBy: k.author, TheirsVersion: k.version})
		}
	}
	if len(c.Fields) == 0 {
		c.Fields = []ConflictField{{Base: op.Prev[""], Theirs: w.value, TheirsBy: k.newest.author, TheirsVersion: k.newest.version}}
	}
	return c
}

// updateSettings decides TypeSettings, and TypeResolved of the settings.
func (d *draft) updateSettings(op *Op, b baseline) outcome {
	e, err := d.edits(op, d.seen.settings.value)
	if err != nil {
		return refused(err)
	}
	e, out := d.edit(op, "", d.seen.settings, b, e)
	if len(e) == 0 {
		return out
	}
	patch := new(e.patch())
	if err := d.checkPolicy(patch); err != nil {
		return refused(err)
	}
	if err := d.checkLimits(patch); err != nil {
		return refused(err)
	}
	if err := d.add(&Change{Settings: patch}); err != nil {
		return refused(err)
	}
	if op.Changes != "" || op.Value != "" {
		d.inexact = true
	}
	return out
}

// policyPath is where the settings hold the dashboard's own policy (M6).
const policyPath Pointer = "/conflictPolicy"

// checkPolicy refuses a change of the settings that leaves no policy there. One that
// came with a document stays as it is, and counts as none.
func (d *draft) checkPolicy(patch *Patch) *Error {
	was, _ := d.seen.settings.value.Get(policyPath)
	is, ok := d.seen.settings.value.Apply(patch).Get(policyPath)
	if !ok || is == was || Policy(is.text()).known() {
		return nil
	}
	return Errorf(CodeInvalidValue, "the dashboard's policy is auto, ask, reject, overwrite or skip: set one of them, or unset it for auto").At(string(policyPath))
}

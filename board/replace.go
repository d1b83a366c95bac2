package board

import "maps"

// replace decides TypeReplace: import, restore, duplicate and undelete. It becomes a
// TypeBatch entry with the difference between the documents (E7); of an undelete,
// with the whole document, since the present one is empty.
func (d *draft) replace() Decision {
	op := d.op
	switch {
	case op.Document == nil:
		return refuse(Errorf(CodeBadMessage, "there is no document to put in place: send one"))
	case op.Create && d.head > 0:
		return refuse(Errorf(CodeExists, "there is a dashboard %q already: choose another id", op.DashboardID).At("dashboardId"))
	case op.Undelete && d.state.position == 0:
		return refuse(Errorf(CodeNotFound, "there is no such dashboard").At("dashboardId"))
	case op.Undelete && !d.state.deleted:
		return refuse(Errorf(CodeExists, "the dashboard is not deleted").At("dashboardId"))
	}
	if err := op.Document.check(); err != nil {
		return refuse(err)
	}
	if op.Undelete {
		d.epoch, d.head = d.state.epoch, d.state.version
		d.own.version = d.head + 1
		d.blind = op.Base == nil
	} else if _, err := d.baseline(op); err != nil {
		return refuse(err)
	}
	to := op.Document
	if n := len(to.Layouts); n > MaxBreakpoints && n > d.seen.layouts.len() {
		return refuse(tooManyBreakpoints())
	}
	set, unset := Diff(d.seen.settings.value, to.Settings)
	d.only = &Change{
		Settings: (&Patch{Set: set, Unset: unset}).effectOn(d.seen.settings.value),
		Widgets:  d.replaceWidgets(to),
		Layouts:  d.replaceLayouts(to),
	}
	d.inexact = true
	d.always = d.state.deleted || d.head == 0 // it brings the dashboard into being
	return d.finish(TypeBatch)
}

func (d *draft) replaceWidgets(to *Document) []WidgetChange {
	var widgets []WidgetChange
	for id, value := range to.Widgets {
		w, there := d.seen.widgets.get(id)
		if !there {
			widgets = append(widgets, WidgetChange{ID: id, Value: value})
			continue
		}
		set, unset := Diff(w.value, value)
		if p := (&Patch{Set: set, Unset: unset}).effectOn(w.value); p != nil {
			widgets = append(widgets, WidgetChange{ID: id, Patch: p})
		}
	}
	for id := range d.seen.widgets.all() {
		if _, ok := to.Widgets[id]; !ok {
			widgets = append(widgets, WidgetChange{ID: id, Deleted: true})
		}
	}
	sortWidgets(widgets)
	return widgets
}

// replaceLayouts puts the layouts of a document in place: main always (D1), in each
// an item for every widget and no other, normalised.
func (d *draft) replaceLayouts(to *Document) map[string]*LayoutChange {
	layouts := maps.Clone(to.Layouts)
	if layouts == nil {
		layouts = make(map[string]*Layout, 1)
	}
	if layouts[MainBreakpoint] == nil {
		layouts[MainBreakpoint] = &Layout{Columns: DefaultColumns, Compact: CompactVertical}
	}
	changed := make(map[string]*LayoutChange)
	for name, l := range layouts {
		n := l.fitted(to.Widgets)
		var was *Layout
		if p, ok := d.seen.layouts.get(name); ok && !d.op.Undelete {
			was = p.layout()
		}
		if c := layoutDiff(was, n); c != nil {
			changed[name] = c
		}
	}
	for name := range d.seen.layouts.all() {
		if layouts[name] == nil {
			changed[name] = nil
		}
	}
	return changed
}

// fitted gives the layout normalised, with an item for each of the widgets and for
// nothing else; those it does not have go below.
func (l *Layout) fitted(widgets map[string]Value) *Layout {
	n := &Layout{Columns: l.Columns, Compact: l.Compact, Items: make(map[string]Rect, len(widgets))}
	for id, r := range l.Items {
		if _, ok := widgets[id]; ok {
			n.Items[id] = r
		}
	}
	n = n.Normalise(nil)
	if len(n.Items) == len(widgets) {
		return n
	}
	items, bottom := maps.Clone(n.Items), n.Bottom()
	for _, id := range sortedKeys(widgets) {
		if _, ok := items[id]; !ok {
			items[id] = newPlace(bottom, n.Columns)
			bottom += newHeight
		}
	}
	return (&Layout{Columns: n.Columns, Compact: n.Compact, Items: items}).Normalise(nil)
}

// deleteDashboard decides TypeDashboardDelete (R9): an entry without a change.
func (d *draft) deleteDashboard() Decision {
	if d.head == 0 {
		return refuse(Errorf(CodeNotFound, "there is no such dashboard").At("dashboardId"))
	}
	if _, err := d.baseline(d.op); err != nil {
		return refuse(err)
	}
	d.always = true
	return d.finish(TypeDashboardDelete)
}

package board

import (
	"maps"
	"slices"
	"strings"
)

// Compose gives one change with the effect of a and then b, on every document that a
// applies to (E7). It is associative. Either may be nil; neither is modified, the
// result shares parts with both.
func Compose(a, b *Change) *Change {
	c := &Change{}
	c.add(a)
	c.add(b)
	return c
}

// ComposeAll composes changes in their order, as Compose does two. It is the way to
// compose many: it takes halves, so that none is copied more often than the
// logarithm of their number.
func ComposeAll(changes []*Change) *Change {
	switch n := len(changes); n {
	case 0:
		return &Change{}
	case 1:
		return changes[0]
	case 2:
		return Compose(changes[0], changes[1])
	default:
		return Compose(ComposeAll(changes[:n/2]), ComposeAll(changes[n/2:]))
	}
}

// Empty reports whether the change has no effect.
func (c *Change) Empty() bool {
	return c == nil || c.Settings == nil && len(c.Widgets) == 0 && len(c.Layouts) == 0
}

// add composes b onto c in place; c owns its map, b's parts are shared.
func (c *Change) add(b *Change) {
	if b == nil {
		return
	}
	if b.Settings != nil {
		c.Settings = composePatches(c.Settings, b.Settings)
	}
	c.Widgets = composeWidgets(c.Widgets, b.Widgets)
	for name, l := range b.Layouts {
		if c.Layouts == nil {
			c.Layouts = make(map[string]*LayoutChange, len(b.Layouts))
		}
		c.Layouts[name] = composeLayouts(c.Layouts[name], l)
	}
	for i := range b.Widgets {
		if b.Widgets[i].Deleted {
			c.dropItem(b.Widgets[i].ID)
		}
	}
}

// dropItem takes out the places that a widget was given before it was deleted. A
// breakpoint that was removed and made again since does not say that it has none.
func (c *Change) dropItem(id string) {
	for name, l := range c.Layouts {
		if l == nil || l.Items[id] == nil {
			continue
		}
		without := *l
		without.Items = maps.Clone(l.Items)
		delete(without.Items, id)
		c.Layouts[name] = &without
	}
}

func composeWidgets(a, b []WidgetChange) []WidgetChange {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	list := make([]WidgetChange, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch order := strings.Compare(a[0].ID, b[0].ID); {
		case order < 0:
			list, a = append(list, a[0]), a[1:]
		case order > 0:
			list, b = append(list, b[0]), b[1:]
		default:
			list, a, b = append(list, composeWidget(&a[0], &b[0])), a[1:], b[1:]
		}
	}
	return append(append(list, a...), b...)
}

func composeWidget(a, b *WidgetChange) WidgetChange {
	switch {
	case b.Deleted || b.Value != "":
		return *b
	case a.Deleted:
		return *a // a patch of what is not there has no effect
	case a.Value != "":
		return WidgetChange{ID: a.ID, Value: a.Value.patched(b.Patch)}
	}
	return WidgetChange{ID: a.ID, Patch: composePatches(a.Patch, b.Patch)}
}

// composeLayouts composes two changes of one breakpoint. A breakpoint that is removed
// and made again has all widgets as items both times, so that the later change says
// all there is to say.
func composeLayouts(a, b *LayoutChange) *LayoutChange {
	if a == nil || b == nil {
		return b
	}
	c := &LayoutChange{Columns: a.Columns, Compact: a.Compact, Items: a.Items}
	if b.Columns != 0 {
		c.Columns = b.Columns
	}
	if b.Compact != "" {
		c.Compact = b.Compact
	}
	switch {
	case len(a.Items) == 0:
		c.Items = b.Items
	case len(b.Items) > 0:
		c.Items = maps.Clone(a.Items)
		maps.Copy(c.Items, b.Items)
	}
	return c
}

func composePatches(a, b *Patch) *Patch {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	m := make(map[Pointer]Value, len(a.Set)+len(a.Unset)+len(b.Set)+len(b.Unset))
	for _, s := range a.Set {
		m[s.Path] = s.Value
	}
	for _, p := range a.Unset {
		m[p] = ""
	}
	paths := slices.Sorted(maps.Keys(m)) // a's, to find what lies under a path
	var inside map[Pointer]*Patch        // b's edits by the path of a that they lie under
	over := func(p Pointer, v Value) {
		for q := p.Parent(); q != ""; q = q.Parent() {
			if _, ok := m[q]; !ok {
				continue
			}
			in := inside[q]
			if in == nil {
				in = &Patch{}
				if inside == nil {
					inside = make(map[Pointer]*Patch)
				}
				inside[q] = in
			}
			in.append(p[len(q):], v)
			return
		}
		from, _ := slices.BinarySearch(paths, p+"/")
		for _, q := range paths[from:] {
			if !strings.HasPrefix(string(q), string(p)+"/") {
				break
			}
			delete(m, q)
		}
		m[p] = v
	}
	for _, s := range b.Set {
		over(s.Path, s.Value)
	}
	for _, p := range b.Unset {
		over(p, "")
	}
	for q, in := range inside {
		m[q] = m[q].patched(in)
	}
	c := &Patch{}
	for _, p := range slices.Sorted(maps.Keys(m)) {
		c.append(p, m[p])
	}
	return c
}

// append adds a path, unset if the value is absent.
func (p *Patch) append(path Pointer, v Value) {
	if v != "" {
		p.Set = append(p.Set, Assignment{Path: path, Value: v})
	} else {
		p.Unset = append(p.Unset, path)
	}
}

// patched applies a patch as a change holds it: unsetting makes missing parents like
// setting does. That matters only in a composed change: what was set and then unset
// has left its parents behind.
func (v Value) patched(patch *Patch) Value {
	v = v.Apply(patch)
	if patch == nil || len(patch.Unset) == 0 {
		return v
	}
	var missing []Pointer
	find := newFinder(v, len(patch.Unset))
	for _, p := range patch.Unset {
		if _, ok := find.get(p.Parent()); !ok && find.reaches(p) {
			missing = append(missing, p.Parent())
		}
	}
	if missing == nil {
		return v
	}
	slices.SortFunc(missing, compareTree)
	parents := &Patch{}
	for i, p := range missing {
		if i+1 == len(missing) || !p.Contains(missing[i+1]) { // the deepest makes the others
			parents.Set = append(parents.Set, Assignment{Path: p, Value: "{}"})
		}
	}
	return v.Apply(parents)
}

// ApplyTo gives the document after the change; this is all that a client does. The
// given document is left as it is. A widget that is deleted leaves every breakpoint.
func (c *Change) ApplyTo(d *Document) *Document {
	out := &Document{Settings: d.Settings, Widgets: maps.Clone(d.Widgets), Layouts: maps.Clone(d.Layouts)}
	if c == nil {
		return out
	}
	if c.Settings != nil {
		out.Settings = out.Settings.patched(c.Settings)
	}
	if out.Widgets == nil {
		out.Widgets = make(map[string]Value, len(c.Widgets))
	}
	for i := range c.Widgets {
		w := &c.Widgets[i]
		current, there := out.Widgets[w.ID]
		switch {
		case w.Deleted:
			delete(out.Widgets, w.ID)
		case w.Value != "":
			out.Widgets[w.ID] = w.Value
		case there:
			out.Widgets[w.ID] = current.patched(w.Patch)
		}
	}
	if out.Layouts == nil {
		out.Layouts = make(map[string]*Layout, len(c.Layouts))
	}
	for name, l := range c.Layouts {
		if l == nil {
			delete(out.Layouts, name)
			continue
		}
		out.Layouts[name] = l.on(out.Layouts[name])
	}
	for name, l := range out.Layouts {
		out.Layouts[name] = l.without(c.Widgets)
	}
	return out
}

// without gives the layout without the items whose widgets a change deletes.
func (l *Layout) without(changed []WidgetChange) *Layout {
	n := l
	for i := range changed {
		id := changed[i].ID
		if _, ok := l.Items[id]; !ok || !changed[i].Deleted {
			continue
		}
		if n == l {
			c := *l
			c.Items = maps.Clone(l.Items)
			n = &c
		}
		delete(n.Items, id)
	}
	return n
}

// on gives the layout after the change; l is nil if the breakpoint is new. A nil
// change gives nil.
func (c *LayoutChange) on(l *Layout) *Layout {
	if c == nil {
		return nil
	}
	n := &Layout{Columns: DefaultColumns, Compact: CompactVertical}
	if l != nil {
		*n = *l
	}
	if c.Columns != 0 {
		n.Columns = c.Columns
	}
	if c.Compact != "" {
		n.Compact = c.Compact
	}
	n.Items = maps.Clone(n.Items)
	if n.Items == nil {
		n.Items = make(map[string]Rect, len(c.Items))
	}
	for id, r := range c.Items {
		if r == nil {
			delete(n.Items, id)
		} else {
			n.Items[id] = *r
		}
	}
	return n
}

// layoutDiff gives the change from one layout to another, nil if there is none; from
// is nil if the breakpoint is new.
func layoutDiff(from, to *Layout) *LayoutChange {
	c := &LayoutChange{}
	var old Layout
	if from != nil {
		old = *from
	}
	if to.Columns != old.Columns {
		c.Columns = to.Columns
	}
	if to.Compact != old.Compact {
		c.Compact = to.Compact
	}
	for id, r := range to.Items {
		if was, ok := old.Items[id]; !ok || was != r {
			c.put(id, new(r))
		}
	}
	for id := range old.Items {
		if _, ok := to.Items[id]; !ok {
			c.put(id, nil)
		}
	}
	if from != nil && c.Columns == 0 && c.Compact == "" && c.Items == nil {
		return nil
	}
	return c
}

func (c *LayoutChange) put(id string, r *Rect) {
	if c.Items == nil {
		c.Items = make(map[string]*Rect)
	}
	c.Items[id] = r
}

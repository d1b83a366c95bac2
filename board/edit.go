package board

import "slices"

// edits are the paths of an op with their new values, an absent value meaning unset.
// They are sorted by path and disjoint.
type edits []Assignment

// editsOf compiles what an op asks of a value to edits, and holds them against D4.
func editsOf(op *Op, current Value) (edits, *Error) {
	set, unset := op.Set, op.Unset
	switch {
	case op.Changes != "":
		if !op.Changes.IsObject() {
			return nil, Errorf(CodeInvalidValue, "changes is an object to merge: send one").At("/changes")
		}
		set, unset = CompileMergePatch(current, op.Changes)
	case op.Value != "":
		if !op.Value.IsObject() {
			return nil, Errorf(CodeInvalidValue, "a widget is an object: send one")
		}
		set, unset = Diff(current, op.Value)
	}
	e := edits(set)
	if len(unset) > 0 {
		e = slices.Grow(slices.Clip(e), len(unset))
		for _, p := range unset {
			e = append(e, Assignment{Path: p})
		}
		sortAssignments(e)
	}
	for i := range e {
		if e[i].Path == "" {
			return nil, Errorf(CodePath, "the path is empty: name a member, such as /title")
		}
		if e[i].Path.Len()+e[i].Value.Depth() > MaxDepth {
			return nil, Errorf(CodeInvalidValue, "the value would nest deeper than %d: flatten it", MaxDepth).At(string(e[i].Path)).Over(LimitDepth)
		}
	}
	return e, nil
}

// patch gives the edits as a patch, which may share their memory.
func (e edits) patch() (p Patch) {
	if !slices.ContainsFunc(e, func(a Assignment) bool { return a.Value == "" }) {
		return Patch{Set: slices.Clip(e)}
	}
	for i := range e {
		if e[i].Value != "" {
			p.Set = append(p.Set, e[i])
		} else {
			p.Unset = append(p.Unset, e[i].Path)
		}
	}
	return p
}

// clashing is one edit that clashes.
type clashing struct {
	Assignment
	clash
	theirs Value
	// config: the op changes /type, and it is under /config that others changed (M5).
	config bool
}

// edit decides edits of a widget or of the settings (M3, M6). It gives those that have
// an effect: none if the outcome says why not.
func (d *draft) edit(op *Op, widgetID string, current part, b baseline, asked edits) (edits, outcome) {
	effective := asked[:0:0]
	var clashes []clashing
	find := newFinder(current.value, len(asked))
	missing := false
	for i := range asked {
		e := &asked[i]
		now, there := find.get(e.Path)
		if now.Equal(e.Value) && (there || find.reaches(e.Path)) {
			continue
		}
		missing = missing || !there
		if len(effective) == i {
			effective = asked[: i+1 : i+1] // all so far: no copy
		} else {
			effective = append(effective, *e)
		}
		if k := d.clashOf(op, current.clocks, b, e.Path, now); k.found {
			clashes = append(clashes, clashing{Assignment: *e, clash: k, theirs: now})
		} else if k := d.typeClash(current.clocks, b, e.Path); k.found {
			clashes = append(clashes, clashing{Assignment: *e, clash: k, theirs: now, config: true})
		}
	}
	var lost []clashing
	if len(clashes) > 0 {
		all := make([]clash, len(clashes))
		for i := range clashes {
			all[i] = clashes[i].clash
		}
		switch d.settle(op, b, all) {
		case PolicyOverwrite:
			lost = clashes
		case PolicySkip:
			next := 0 // both lists are in the same order
			effective = slices.DeleteFunc(slices.Clone(effective), func(e Assignment) bool {
				if next == len(clashes) || clashes[next].Path != e.Path {
					return false
				}
				d.skip(e.Path)
				next++
				return true
			})
		case PolicyReject:
			err := Errorf(CodeConflict, "%s was changed there since: look at it again", subject(widgetID)).At(string(clashes[0].Path))
			err.Current = clashes[0].theirs
			return nil, refused(err)
		default:
			return nil, outcome{conflict: d.fieldConflict(op, widgetID, clashes)}
		}
	}
	for i := range effective {
		if missing && !find.reaches(effective[i].Path) {
			return nil, refused(unreachable(effective[i].Path))
		}
	}
	for _, k := range lost {
		if !k.config {
			d.lost(widgetID, k.Path, k.theirs, k.newest)
		} else if !slices.ContainsFunc(lost, func(o clashing) bool { return o.Path == "/config" }) {
			config, _ := find.get("/config")
			d.lost(widgetID, "/config", config, k.newest)
		}
	}
	return effective, outcome{unchanged: len(effective) == 0}
}

func unreachable(path Pointer) *Error {
	return Errorf(CodePath, "the path leads through an array or a plain value: set that whole instead").At(string(path))
}

// clashOf finds what clashes with an op's change of path, "" being all of it, where
// now stands (M3). An undo clashes with whatever is not as it was left (M13).
func (d *draft) clashOf(op *Op, c clocks, b baseline, path Pointer, now Value) clash {
	prev, told := op.Prev[path]
	if told && prev.Equal(now) {
		return clash{}
	}
	undo := told && d.policy(op) == PolicySkip
	if !b.byValue {
		if k := c.clash(path, b.version, d.head, d.op.Author); k.found || !undo {
			return k
		}
	}
	if c.at(path).version > d.head {
		return clash{} // a part of the same batch made it
	}
	// By value (M12): it is not what the op has seen, whoever it was. Who it was is
	// known back to the horizon.
	k := c.clash(path, d.seen.horizon, d.head, Author{})
	k.found = true
	return k
}

// typeClash finds changes under /config that clash with a change of /type (M5).
func (d *draft) typeClash(c clocks, b baseline, path Pointer) clash {
	if path != "/type" || b.byValue {
		return clash{}
	}
	return c.clash("/config", b.version, d.head, d.op.Author)
}

// fieldConflict tells a person about clashing edits (M6).
func (d *draft) fieldConflict(op *Op, widgetID string, clashes []clashing) *Conflict {
	c := d.conflict(widgetID, KindField)
	c.Fields = make([]ConflictField, len(clashes))
	for i := range clashes {
		k := &clashes[i]
		c.Fields[i] = ConflictField{
			Path: k.Path, Base: op.Prev[k.Path], Mine: k.Value, Theirs: k.theirs,
			TheirsBy: k.newest.author, TheirsVersion: k.newest.version,
		}
	}
	return c
}

package board

// LimitsPath is where the settings hold the dashboard's own limits (P1): an object of
// documentBytes and widgets.
const LimitsPath Pointer = "/limits"

// ownLimits are the limits that an owner has given a dashboard, beside the server's;
// 0 = none. They are read from the settings, so that every node has the same.
type ownLimits struct{ documentBytes, widgets int }

// ownLimitsOf reads the limits in a dashboard's settings. What is no limit, as a document
// may bring it, counts as none.
func ownLimitsOf(settings Value) (own ownLimits) {
	v, ok := settings.Get(LimitsPath)
	if !ok || !v.IsObject() {
		return own
	}
	for key, member := range v.Members() {
		n, whole := parseInteger(string(member))
		if member.Kind() != '0' || !whole || n < 1 {
			continue
		}
		switch key {
		case "documentBytes":
			own.documentBytes = n
		case "widgets":
			own.widgets = n
		}
	}
	return own
}

// limitsFor are those that hold for the step from one state to the next: the server's,
// and the dashboard's own where they are lower. Of an op that changes these the wider
// ones hold, so that lowering one is never over it.
func (d *draft) limitsFor(before, after *State) Limits {
	l := d.env.Limits
	narrow := func(server *int, was, is int) {
		if was > 0 && is > 0 {
			*server = min(*server, max(was, is))
		}
	}
	narrow(&l.DocumentBytes, before.own.documentBytes, after.own.documentBytes)
	narrow(&l.Widgets, before.own.widgets, after.own.widgets)
	return l
}

// checkLimits refuses a change of the settings that leaves limits there which are none,
// or above the server's.
func (d *draft) checkLimits(patch *Patch) *Error {
	was, _ := d.seen.settings.value.Get(LimitsPath)
	is, ok := d.seen.settings.value.Apply(patch).Get(LimitsPath)
	if !ok || is == was {
		return nil
	}
	if !is.IsObject() {
		return Errorf(CodeInvalidValue, "the dashboard's limits are an object of documentBytes and widgets: set one, or unset it").At(string(LimitsPath))
	}
	for key, member := range is.Members() {
		at := string(JoinPointer(LimitsPath, key))
		var most int
		switch key {
		case "documentBytes":
			most = d.env.Limits.DocumentBytes
		case "widgets":
			most = d.env.Limits.Widgets
		default:
			return Errorf(CodeInvalidValue, "a dashboard's own limits are documentBytes and widgets: leave this one out").At(at)
		}
		if n, whole := parseInteger(string(member)); member.Kind() != '0' || !whole || n < 1 || n > most {
			return Errorf(CodeInvalidValue, "%s is a whole number from 1 to %d, the server's own limit: set one, or unset it", key, most).At(at)
		}
	}
	return nil
}

// SetsLimits reports whether an op changes the dashboard's own limits, or makes a
// dashboard that has some (P1).
func (op *Op) SetsLimits() bool {
	switch op.Type {
	case TypeBatch:
		for _, part := range op.Operations {
			if part.SetsLimits() {
				return true
			}
		}
	case TypeReplace:
		if op.Document == nil {
			return false
		}
		_, has := op.Document.Settings.Get(LimitsPath)
		return has
	case TypeSettings, TypeResolved:
		if op.WidgetID != "" {
			return false
		}
		for _, a := range op.Set {
			if LimitsPath.Contains(a.Path) {
				return true
			}
		}
		for _, p := range op.Unset {
			if LimitsPath.Contains(p) {
				return true
			}
		}
		_, named := op.Changes.Get(LimitsPath)
		return named
	}
	return false
}

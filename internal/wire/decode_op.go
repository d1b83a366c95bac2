package wire

import (
	"strconv"
	"strings"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// op reads the payload of an operation. Fields that its type does not have are
// ignored (E4).
func (d *decoder) op(t board.Type, f *opFields) (*board.Op, string, *board.Error) {
	op := newOp(t)
	var err *board.Error
	if op.DashboardID, err = d.idIn("dashboardId", "dashboard", f.dashboardID); err != nil {
		return nil, "", err
	}
	client := ""
	if given(f.clientID) {
		if client, err = d.id("clientId", "client", f.clientID); err != nil {
			return nil, "", err
		}
	}
	if err := d.common(op, f); err != nil {
		return nil, "", err
	}
	if err := d.content(op, f); err != nil {
		return nil, "", err
	}
	if err := d.pathsWithin(named(&op.Op)); err != nil {
		return nil, "", err
	}
	return &op.Op, client, nil
}

// opText is an op with place for what most ops have, so that it is made at once.
type opText struct {
	board.Op
	base  uint64
	epoch string
	set   [2]board.Assignment
}

func newOp(t board.Type) *opText { return &opText{Op: board.Op{Type: t, Atomic: true}} }

// named is how many paths an op names, merge patches apart: what these name is known once
// they are compiled. A place on a grid counts as a path.
func named(op *board.Op) int {
	return len(op.Set) + len(op.Unset) + len(op.Moved)
}

// pathsWithin holds a number of paths against D5.
func (d *decoder) pathsWithin(paths int) *board.Error {
	if paths <= d.limits.Paths {
		return nil
	}
	return board.Errorf(board.CodeLimitExceeded, "the op names more than %d paths (limits.paths): send several", d.limits.Paths).
		At("payload").Over(board.LimitPaths)
}

// opFields are the members of an operation's payload as text.
type opFields struct {
	dashboardID, clientID, widgetID, baseVersion, epoch, policy, prev board.Value
	set, unset, changes, layout, create, restore                      board.Value
	operations, atomic                                                board.Value
	breakpoint, moved, items, movedIDs, columns, compact, toVersion   board.Value
	conflictID, choice, typ                                           board.Value

	// setParts are the members of set in text, if it was taken apart.
	setParts []jsontext.Member
	text     string
}

// read reads a payload as text.
func (f *opFields) read(payload board.Value) {
	for key, value := range payload.Members() {
		f.take(key, value)
	}
}

// readParts reads a payload that has been taken apart.
func (f *opFields) readParts(outline *jsontext.Outline, members []jsontext.Member, text string) {
	f.text = text
	for i := range members {
		m := &members[i]
		key := m.Key(text)
		f.take(key, board.Value(m.Value(text)))
		if key == "set" {
			f.setParts = outline.Inner(m)
		}
	}
}

func (f *opFields) take(key string, value board.Value) {
	switch key {
	case "atomic":
		f.atomic = value
	case "baseVersion":
		f.baseVersion = value
	case "breakpoint":
		f.breakpoint = value
	case "changes":
		f.changes = value
	case "choice":
		f.choice = value
	case "clientId":
		f.clientID = value
	case "columns":
		f.columns = value
	case "compact":
		f.compact = value
	case "conflictId":
		f.conflictID = value
	case "create":
		f.create = value
	case "dashboardId":
		f.dashboardID = value
	case "epoch":
		f.epoch = value
	case "items":
		f.items = value
	case "layout":
		f.layout = value
	case "moved":
		f.moved = value
	case "movedIds":
		f.movedIDs = value
	case "operations":
		f.operations = value
	case "policy":
		f.policy = value
	case "prev":
		f.prev = value
	case "restore":
		f.restore = value
	case "set":
		f.set = value
	case "toVersion":
		f.toVersion = value
	case "type":
		f.typ = value
	case "unset":
		f.unset = value
	case "widgetId":
		f.widgetID = value
	}
}

// common reads what every op may carry.
func (d *decoder) common(op *opText, f *opFields) *board.Error {
	if given(f.baseVersion) {
		base, err := d.version("baseVersion", f.baseVersion)
		if err != nil {
			return err
		}
		op.base = base
		op.Base = &op.base
	}
	if given(f.epoch) {
		epoch, err := d.epochIn("epoch", f.epoch)
		if err != nil {
			return err
		}
		op.epoch = epoch
		op.Epoch = &op.epoch
	}
	if given(f.policy) {
		policy, ok := textIn(f.policy)
		if !ok {
			return d.noString("policy")
		}
		if op.Policy = policyOf(policy); op.Policy == "" {
			return d.refuse("policy", board.CodeInvalidValue, "policy is auto, ask, reject, overwrite or skip: send one of them")
		}
	}
	var err *board.Error
	op.Prev, err = d.prev("prev", f.prev)
	return err
}

// policyOf gives the policy of a name, "" if there is none.
func policyOf(name string) board.Policy {
	for _, p := range [...]board.Policy{board.PolicyAuto, board.PolicyAsk, board.PolicyReject, board.PolicyOverwrite, board.PolicySkip} {
		if string(p) == name {
			return p
		}
	}
	return ""
}

// content reads what makes this type of op.
func (d *decoder) content(op *opText, f *opFields) (err *board.Error) {
	switch op.Type {
	case board.TypeUpdate:
		return d.update(op, f)
	case board.TypeDelete:
		op.WidgetID, err = d.idIn("widgetId", "widget", f.widgetID)
		return err
	case board.TypeSettings:
		return d.patch(op, f)
	case board.TypeResolved:
		return d.resolved(op, f)
	case board.TypeLayout:
		return d.layout(op, f)
	case board.TypeLayoutRestore:
		if given(f.breakpoint) {
			if op.Breakpoint, err = d.id("breakpoint", "breakpoint", f.breakpoint); err != nil {
				return err
			}
		}
		op.ToVersion, err = d.version("toVersion", f.toVersion)
		return err
	default:
		return d.batch(op, f)
	}
}

func (d *decoder) update(op *opText, f *opFields) (err *board.Error) {
	if op.WidgetID, err = d.idIn("widgetId", "widget", f.widgetID); err != nil {
		return err
	}
	if err = d.patch(op, f); err != nil {
		return err
	}
	if given(f.layout) {
		rect, err := board.ParseRectPatch(f.layout)
		if err != nil {
			return d.inside("layout", err)
		}
		op.Layout = &rect
	}
	if op.Create, err = d.flag("create", f.create); err != nil {
		return err
	}
	if op.Restore, err = d.flag("restore", f.restore); err != nil {
		return err
	}
	if op.Create && op.Restore {
		return d.refuse("restore", board.CodeInvalidValue, "create and restore exclude each other: create makes a new widget, restore brings a deleted one back")
	}
	return nil
}

// patch reads set and unset, or changes (E6).
func (d *decoder) patch(op *opText, f *opFields) (err *board.Error) {
	if op.Set, err = d.set("set", f, op.set[:0]); err != nil {
		return err
	}
	if op.Unset, err = d.unset("unset", f.unset); err != nil {
		return err
	}
	if f.changes == "" {
		if err := board.CheckDisjoint(op.Set, op.Unset); err != nil {
			return d.inside("set", err)
		}
		return nil
	}
	switch {
	case !f.changes.IsObject():
		return d.refuse("changes", board.CodeInvalidValue, "changes is a merge patch (RFC 7396): send an object")
	case len(op.Set)+len(op.Unset) > 0:
		return d.refuse("changes", board.CodeInvalidValue, "changes stands beside set or unset: send the one or the others")
	}
	op.Changes = f.changes
	return d.stored("changes", f.changes, 0)
}

// resolved reads CONFLICT_RESOLVED, which always asks again (M10).
func (d *decoder) resolved(op *opText, f *opFields) (err *board.Error) {
	if given(f.widgetID) {
		if op.WidgetID, err = d.idIn("widgetId", "widget", f.widgetID); err != nil {
			return err
		}
	}
	if op.ConflictID, err = d.id("conflictId", "conflict", f.conflictID); err != nil {
		return err
	}
	if op.Base == nil {
		return d.refuse("baseVersion", board.CodeBadVersion, "baseVersion is missing: send the version of the conflict")
	}
	if op.Choice, err = d.text("choice", f.choice); err != nil {
		return err
	}
	switch op.Choice {
	case "mine", "theirs", "value":
	default:
		return d.refuse("choice", board.CodeInvalidValue, "choice is mine, theirs or value: send one of them")
	}
	op.Policy = board.PolicyAsk
	if op.Restore, err = d.flag("restore", f.restore); err != nil {
		return err
	}
	f.changes = ""
	return d.patch(op, f)
}

// layout reads LAYOUT_UPDATE (L1, L7).
func (d *decoder) layout(op *opText, f *opFields) (err *board.Error) {
	op.Breakpoint = board.MainBreakpoint
	if given(f.breakpoint) {
		if op.Breakpoint, err = d.id("breakpoint", "breakpoint", f.breakpoint); err != nil {
			return err
		}
	}
	if op.Create, err = d.flag("create", f.create); err != nil {
		return err
	}
	if given(f.columns) {
		n, err := strconv.Atoi(string(f.columns))
		if err != nil || n < 1 || n > board.MaxColumns {
			return d.refuse("columns", board.CodeInvalidLayout, "columns is a whole number from 1 to %d: send one", board.MaxColumns)
		}
		op.Columns = &n
	}
	if given(f.compact) {
		compact, err := d.text("compact", f.compact)
		if err != nil {
			return err
		}
		switch op.Compact = board.Compact(compact); op.Compact {
		case board.CompactVertical, board.CompactNone:
		default:
			return d.refuse("compact", board.CodeInvalidLayout, "compact is vertical or none: send one of them")
		}
	}
	switch {
	case given(f.moved) && given(f.items):
		return d.refuse("items", board.CodeInvalidLayout, "moved and items say the same in two ways: send one of them")
	case given(f.moved):
		return d.moved(&op.Op, f.moved)
	case given(f.items):
		return d.items(&op.Op, f.items, f.movedIDs)
	}
	return nil
}

func (d *decoder) moved(op *board.Op, v board.Value) *board.Error {
	if !v.IsObject() {
		return d.refuse("moved", board.CodeInvalidLayout, "moved is an object from widget id to rectangle: send {\"cpu\": {\"x\": 0, \"y\": 4}}")
	}
	op.Moved = make(map[string]board.RectPatch)
	for id, value := range v.Members() {
		if err := board.CheckID("widget", id); err != nil {
			return err.At(d.field("moved"))
		}
		rect, err := board.ParseRectPatch(value)
		if err != nil {
			return d.inside("moved."+id, err)
		}
		op.Moved[strings.Clone(id)] = rect
	}
	return nil
}

// items reads a grid library's whole list, of which only movedIds count (L1).
func (d *decoder) items(op *board.Op, items, movedIDs board.Value) *board.Error {
	moved := make(map[string]bool)
	ids := membersOf([]byte(movedIDs), '[')
	for raw, ok := ids.element(); ok; raw, ok = ids.element() {
		id, err := d.id("movedIds", "widget", board.Value(raw))
		if err != nil {
			return err
		}
		moved[id] = true
	}
	if ids.broken {
		return d.refuse("movedIds", board.CodeInvalidLayout, "items needs movedIds, the ids of the widgets that the person moved: send an array")
	}
	op.Moved = make(map[string]board.RectPatch, len(moved))
	list := membersOf([]byte(items), '[')
	for raw, ok := list.element(); ok; raw, ok = list.element() {
		item := board.Value(raw)
		name, _ := item.Get("/i")
		id, isText := textOf(name)
		if !isText {
			return d.refuse("items", board.CodeInvalidLayout, "an item has no i: send the widget's id there")
		}
		if !moved[id] {
			continue
		}
		if _, twice := op.Moved[id]; twice {
			return d.refuse("items", board.CodeInvalidLayout, "an item stands twice: send each widget once")
		}
		rect, err := board.ParseRectPatch(item)
		if err != nil {
			return d.inside("items."+id, err)
		}
		op.Moved[id] = rect
	}
	if list.broken {
		return d.refuse("items", board.CodeInvalidLayout, "items is an array of {i, x, y, w, h}: send one")
	}
	for id := range moved {
		if _, ok := op.Moved[id]; !ok {
			return d.refuse("movedIds", board.CodeInvalidLayout, "movedIds names a widget that is not among the items: send its rectangle")
		}
	}
	return nil
}

// batch reads the parts of a WIDGET_BATCH (M11).
func (d *decoder) batch(op *opText, f *opFields) (err *board.Error) {
	op.Atomic = f.atomic != "false"
	if _, err = d.flag("atomic", f.atomic); err != nil {
		return err
	}
	paths := 0
	list := membersOf([]byte(f.operations), '[')
	for raw, ok := list.element(); ok; raw, ok = list.element() {
		if len(op.Operations) == d.limits.Operations {
			return d.refuse("operations", board.CodeLimitExceeded, "the batch has more than %d operations: split it", d.limits.Operations).Over(board.LimitOperations)
		}
		part := decoder{at: d.field("operations") + "." + strconv.Itoa(len(op.Operations)), limits: d.limits}
		o, err := part.part(board.Value(raw))
		if err != nil {
			return err
		}
		op.Operations = append(op.Operations, o)
		if paths += named(o); paths > d.limits.Paths {
			return d.pathsWithin(paths)
		}
	}
	if list.broken || len(op.Operations) == 0 {
		return d.refuse("operations", board.CodeBadMessage, "operations is an array of at least one {type, …}: send one")
	}
	return nil
}

// part reads one operation of a batch: no nested batches, no id and no dashboardId.
func (d *decoder) part(v board.Value) (*board.Op, *board.Error) {
	if !v.IsObject() {
		return nil, board.Errorf(board.CodeBadMessage, "an operation of the batch is no object: send {type, …}").At(d.at)
	}
	var f opFields
	f.read(v)
	name, ok := textIn(f.typ)
	if !ok {
		return nil, d.refuse("type", board.CodeBadMessage, "the operation has no type: send one")
	}
	t, _ := fromClient(name)
	op := newOp(board.Type(t))
	switch op.Type {
	case board.TypeUpdate, board.TypeDelete, board.TypeLayout, board.TypeSettings:
	default:
		return nil, d.refuse("type", board.CodeUnknownType, "a batch takes WIDGET_UPDATE, WIDGET_DELETE, LAYOUT_UPDATE and DASHBOARD_UPDATE: send anything else by itself")
	}
	if err := d.common(op, &f); err != nil {
		return nil, err
	}
	if err := d.content(op, &f); err != nil {
		return nil, err
	}
	op.WidgetID = strings.Clone(op.WidgetID)
	return &op.Op, nil
}

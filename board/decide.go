package board

import (
	"fmt"
	"strconv"
	"time"
)

// The defaults of Env and Limits (M6, D5).
const (
	DefaultAutoWindow    = 5 * time.Second
	DefaultDocumentBytes = 4 << 20
	DefaultWidgets       = 2_000
	DefaultOperations    = 500
	DefaultPaths         = 10_000
)

func (env Env) withDefaults() Env {
	if env.Window == 0 {
		env.Window = DefaultWindow
	}
	if env.AutoWindow == 0 {
		env.AutoWindow = DefaultAutoWindow
	}
	if env.Limits.DocumentBytes == 0 {
		env.Limits.DocumentBytes = DefaultDocumentBytes
	}
	if env.Limits.Widgets == 0 {
		env.Limits.Widgets = DefaultWidgets
	}
	if env.Limits.Operations == 0 {
		env.Limits.Operations = DefaultOperations
	}
	if env.Limits.Paths == 0 {
		env.Limits.Paths = DefaultPaths
	}
	return env
}

// Decide says what becomes of an op on this state (M1). It changes nothing: the
// decision holds the entry to append and the state after it.
func (s *State) Decide(op *Op, env Env) Decision {
	c, ok, perhaps := s.committedAs(op)
	switch {
	case ok && c.hash == op.Hash:
		return Decision{Replay: c.version}
	case ok:
		return refuse(Errorf(CodeIDReused, "the op id was used for another change in version %d: give this one a new id", c.version))
	case len(perhaps) > 0 && !op.History.tells(s.epoch, perhaps):
		return Decision{Need: &Need{Committed: perhaps}}
	}
	var d draft
	d.begin(s, op, env.withDefaults())
	d.need.Committed = perhaps // whatever else is read, this is wanted again
	if op.IfMatch && (op.Epoch == nil || op.Base == nil || *op.Epoch != d.epoch || *op.Base != d.head) {
		return refuse(Errorf(CodeConflict, "the dashboard has moved on to epoch %q version %d: read it again", d.epoch, d.head))
	}
	if d.outlived(op) {
		return refuse(Errorf(CodeGone, "the dashboard that this was made on is gone: it was deleted, or its log was lost. Bring it back, or leave out what this was made on to begin anew").At("epoch"))
	}
	switch op.Type {
	case TypeBatch:
		return d.decideBatch()
	case TypeReplace:
		return d.replace()
	case TypeDashboardDelete:
		return d.deleteDashboard()
	}
	out := d.decide(op)
	switch {
	case len(d.need.Deleted) > 0 || d.need.Layouts > 0:
		need := d.need
		return Decision{Need: &need}
	case out.refusal != nil:
		return refuse(out.refusal)
	case out.conflict != nil:
		return Decision{Conflict: out.conflict}
	}
	return d.finish(op.Type)
}

// committedAs tells as what an op was committed before (M8), or the versions of which one
// may be it, and which its history says are not if that tells of them all.
func (s *State) committedAs(op *Op) (c commit, ok bool, perhaps []uint64) {
	if c, ok = s.committed.get(op.Author.UserID, op.ID); ok {
		return c, true, nil
	}
	perhaps = s.committed.perhaps(op.Author.UserID, op.ID)
	if op.History.tells(s.epoch, perhaps) {
		for _, version := range perhaps {
			e := op.History.Committed[version]
			if e.ID == op.ID && e.Author.UserID == op.Author.UserID {
				return commit{version: version, hash: e.Hash}, true, nil
			}
		}
	}
	return commit{}, false, perhaps
}

// tells reports whether a history, which may be nil, has the entries of some versions.
func (h *History) tells(epoch string, versions []uint64) bool {
	if h == nil || h.Epoch != epoch {
		return false
	}
	for _, version := range versions {
		if h.Committed[version] == nil {
			return false
		}
	}
	return true
}

// outlived reports whether an op was made on a dashboard that is not there any more: it
// must not make half of it anew (R9).
func (d *draft) outlived(op *Op) bool {
	if d.epoch != "" || op.Undelete || op.Type == TypeDashboardDelete {
		return false
	}
	if op.Epoch != nil && *op.Epoch != "" {
		return true
	}
	for _, part := range op.Operations {
		if part.Epoch != nil && *part.Epoch != "" {
			return true
		}
	}
	return false
}

func refuse(err *Error) Decision { return Decision{Refusal: err} }

// draft is an op while it is being decided: the state it sees and the change so far.
type draft struct {
	state *State // the newest
	op    *Op
	env   Env
	now   int64 // Unix milliseconds

	epoch string // as the op sees it: "" and 0 of a new or deleted dashboard
	head  uint64
	own   stamp // what this op's changes will carry

	// seen is the document as the part in hand sees it; in a batch the parts before
	// it are applied, layouts apart.
	seen  *State
	batch *Op // nil unless op is a batch
	index int // of the part in hand

	made      *accepted // to be filled, nil = to be made
	only      *Change   // of settings and widgets
	changes   []*Change // instead of only, in a batch: one for each part
	layouts   map[string]*pending
	overwrote []Overwrote
	report    Report
	need      Need
	over      Limit // that a part was refused for, the first of them

	// What the parts so far have taken of the limits on a whole op (D5); exhausted is why
	// no more are decided.
	paths, edited int
	exhausted     *Error
	// stale: a base was not the newest. blind: there was none. inexact: the effect is
	// not just what was asked (E7). always: it is an entry also without a change.
	stale, blind, inexact, always bool
}

// accepted is what an op that becomes an entry gets, made at once.
type accepted struct {
	entry Entry
	ack   Ack
}

// begin fills a zero draft, which is large and stays on the stack of who decides.
func (d *draft) begin(s *State, op *Op, env Env) {
	d.state, d.op, d.env, d.now, d.seen = s, op, env, env.Now.UnixMilli(), s
	d.epoch, d.head = s.Head()
	if s.deleted {
		seen := *s
		seen.reframe()
		seen.horizon, seen.tombstones = 0, pmap[stamp]{}
		d.seen = &seen
	}
	d.own = stamp{version: d.head + 1, at: d.now, author: op.Author}
}

// outcome is the fate of one op or part; the zero value is "applied".
type outcome struct {
	unchanged bool
	refusal   *Error
	conflict  *Conflict
}

func refused(err *Error) outcome { return outcome{refusal: err} }

// decide works out one op, or one part of a batch, and adds its effect to the draft;
// an op that is refused or conflicts adds nothing.
func (d *draft) decide(op *Op) outcome {
	b, err := d.baseline(op)
	if err != nil {
		return refused(err)
	}
	switch op.Type {
	case TypeUpdate:
		return d.update(op, b)
	case TypeDelete:
		return d.deleteWidget(op, b)
	case TypeSettings:
		return d.updateSettings(op, b)
	case TypeResolved:
		if op.WidgetID == "" {
			return d.updateSettings(op, b)
		}
		return d.update(op, b)
	case TypeLayout:
		return d.updateLayout(op)
	case TypeLayoutRestore:
		return d.restoreLayout(op)
	}
	return refused(Errorf(CodeUnknownType, "an op of type %q cannot be decided here", op.Type))
}

// baseline is what an op knew of the dashboard.
type baseline struct {
	version uint64
	// byValue: the clocks do not reach back to it, or it is of another epoch (M12).
	byValue bool
}

// baseline finds the version that an op was made on (M2); a part without its own has
// the batch's (M11).
func (d *draft) baseline(op *Op) (baseline, *Error) {
	base, epoch := op.Base, op.Epoch
	if d.batch != nil && op != d.batch {
		if base == nil {
			base = d.batch.Base
		}
		if epoch == nil {
			epoch = d.batch.Epoch
		}
	}
	if base == nil {
		d.blind = true
		return baseline{version: d.head}, nil
	}
	other := epoch != nil && *epoch != d.epoch
	if other && *epoch == "" && *base == 0 {
		other = false // version 0 of every epoch is the empty document (R6)
	}
	if !other && *base > d.head {
		return baseline{}, Errorf(CodeBadVersion, "baseVersion %d is after the newest version %d: send the version that the edit began on", *base, d.head).At("baseVersion")
	}
	if other || *base < d.head {
		d.stale = true
	}
	return baseline{version: *base, byValue: other || *base < d.seen.horizon}, nil
}

// policy is the one that holds for an op or part (M6).
func (d *draft) policy(op *Op) Policy {
	if op.Type == TypeResolved {
		return PolicyAsk // M10
	}
	for _, p := range [...]Policy{op.Policy, d.op.Policy} {
		if p != "" {
			return p
		}
	}
	if v, ok := d.seen.settings.value.Get(policyPath); ok && Policy(v.text()).known() {
		return Policy(v.text())
	}
	return PolicyAuto
}

// age is the age of an op or part (M6).
func (d *draft) age(op *Op) time.Duration { return max(op.Age, d.op.Age) }

// settle says what a clash does to an op (M6): overwrite, reject, ask or skip.
func (d *draft) settle(op *Op, b baseline, clashes []clash) Policy {
	policy := d.policy(op)
	if policy != PolicyAuto {
		return policy
	}
	window := d.env.AutoWindow.Milliseconds()
	if b.byValue || d.age(op) >= d.env.AutoWindow {
		return PolicyAsk
	}
	for _, k := range clashes {
		if !near(d.now, k.from, window) || !near(d.now, k.upto, window) {
			return PolicyAsk
		}
	}
	return PolicyOverwrite
}

// near reports whether two moments are less than window apart, whichever of the two
// clocks is ahead.
func near(a, b, window int64) bool { return a-b < window && b-a < window }

// batchDocuments is how many times the limit on documents the parts of a batch may edit
// between them, each counted with all that it edits: a part costs as much as the widget
// that it changes is long, however little it changes (D5).
const batchDocuments = 8

// spend counts the paths that an op or part names, and the bytes of what it edits,
// against the limits on the op as a whole (D5).
func (d *draft) spend(paths int, edited Value) *Error {
	d.paths += paths
	d.edited += len(edited)
	limits := d.env.Limits
	switch {
	case d.paths > limits.Paths:
		d.exhausted = Errorf(CodeLimitExceeded, "the op names more than %d paths: send several", limits.Paths).Over(LimitPaths)
	case d.batch != nil && d.edited > batchDocuments*limits.DocumentBytes:
		d.exhausted = Errorf(CodeLimitExceeded, "the operations of the batch edit more than %d bytes of widgets and settings between them: send several batches, or one operation for each widget",
			batchDocuments*limits.DocumentBytes).Over(LimitBatchBytes)
	}
	return d.exhausted
}

// edits is editsOf, counted (D5). A whole value names no paths.
func (d *draft) edits(op *Op, current Value) (edits, *Error) {
	if err := d.spend(0, current); err != nil {
		return nil, err
	}
	e, err := editsOf(op, current)
	if err == nil && op.Value == "" {
		err = d.spend(len(e), "")
	}
	return e, err
}

// add takes a change of settings and widgets into the draft. In a batch the next
// part sees it; it is refused if that is over a limit (D5).
func (d *draft) add(c *Change) *Error {
	if d.batch == nil {
		d.only = c
		return nil
	}
	after := *d.seen
	after.apply(c, d.own)
	if err := d.overLimit(d.seen, &after); err != nil {
		return err
	}
	d.seen = &after
	d.changes = append(d.changes, c)
	return nil
}

// overLimit holds a state against D5 and the dashboard's own limits (P1). What is over a
// limit already may shrink.
func (d *draft) overLimit(before, after *State) *Error {
	limits := d.limitsFor(before, after)
	if n := after.widgets.len(); n > limits.Widgets && n > before.widgets.len() {
		return Errorf(CodeLimitExceeded, "a dashboard has at most %d widgets: delete one first", limits.Widgets).Over(LimitWidgets)
	}
	if n := after.layouts.len(); n > MaxBreakpoints && n > before.layouts.len() {
		return tooManyBreakpoints()
	}
	if n := after.Size(); n > limits.DocumentBytes && n > before.Size() {
		return Errorf(CodeTooLarge, "the dashboard would have %d bytes and may have %d: make it smaller", n, limits.DocumentBytes).Over(LimitDocumentBytes)
	}
	return nil
}

// skip notes what an op leaves out: a path as the op has it, in a batch with the
// number of the operation before it ("/2/title").
func (d *draft) skip(path Pointer) {
	if d.batch != nil {
		path = Pointer("/"+strconv.Itoa(d.index)) + path
	}
	d.report.Skipped = append(d.report.Skipped, string(path))
	d.inexact = true
}

// finish turns the draft into the decision: an entry, or unchanged (M7).
func (d *draft) finish(as Type) Decision {
	layouts, told := d.normalise()
	change := d.change()
	if layouts != nil {
		change.Layouts = layouts
	}
	if change.Empty() && !d.always {
		for i, r := range d.report.Results {
			if r.Status == resultApplied {
				d.report.Results[i].Status = resultUnchanged
			}
		}
		return Decision{Ack: &Ack{Version: d.head, Status: StatusUnchanged, Change: told, Report: d.report.orNil()}}
	}
	made := d.made
	if made == nil {
		made = &accepted{}
	}
	e, ack := &made.entry, &made.ack
	*e = Entry{
		Type: as, ID: d.op.ID, DashboardID: d.state.id,
		Epoch: d.epoch, Version: d.head + 1,
		Time: time.UnixMilli(d.now).UTC(), Author: d.op.Author,
		Change: change, Overwrote: d.overwrote, Blind: d.blind,
		Hash: d.op.Hash, Via: d.op.Via, Status: StatusApplied, Report: d.report.orNil(),
	}
	if d.stale {
		e.Status = StatusMerged
	}
	if d.epoch == "" {
		if d.env.NewEpoch == "" || d.env.NewEpoch == d.state.epoch {
			return refuse(Errorf(CodeInternal, "the dashboard needs a new epoch and the caller gave none"))
		}
		e.Epoch, e.Window = d.env.NewEpoch, d.env.Window
	}
	next, err := d.state.fold(e)
	if err != nil {
		return refuse(&Error{Code: CodeInternal, Message: "the change does not follow on the log", Cause: err})
	}
	if err := d.overLimit(d.state, next); err != nil {
		return refuse(err)
	}
	next.remember(e)
	*ack = Ack{Version: e.Version, Status: e.Status, Overwrote: e.Overwrote, Report: e.Report}
	if d.inexact {
		ack.Change = e.Change
	}
	return Decision{Entry: e, Next: next, Ack: ack}
}

// change gives the effect of all parts. What parts of a batch have done and undone
// again is no effect (M7): edits back to what was there, widgets made and deleted.
func (d *draft) change() *Change {
	if d.only != nil {
		return d.only
	}
	c := Compose(ComposeAll(d.changes), nil) // a copy that may be changed
	was, all := d.state, c.Widgets
	if c.Settings != nil {
		c.Settings = c.Settings.effectOn(was.settings.value)
	}
	c.Widgets = make([]WidgetChange, 0, len(all))
	for _, w := range all {
		old, there := was.widgets.get(w.ID)
		if w.Patch != nil {
			w.Patch = w.Patch.effectOn(old.value)
		}
		if w.Patch != nil || w.Value != "" || w.Deleted && there {
			c.Widgets = append(c.Widgets, w)
		}
	}
	return c
}

// effectOn gives the part of a patch that changes v, nil if nothing does.
func (p *Patch) effectOn(v Value) *Patch {
	out := &Patch{}
	find := newFinder(v, len(p.Set)+len(p.Unset))
	for _, a := range p.Set {
		if now, _ := find.get(a.Path); !now.Equal(a.Value) {
			out.Set = append(out.Set, a)
		}
	}
	for _, q := range p.Unset {
		_, there := find.get(q)
		_, parent := find.get(q.Parent())
		if there || !parent {
			out.Unset = append(out.Unset, q)
		}
	}
	if len(out.Set)+len(out.Unset) == 0 {
		return nil
	}
	return out
}

// lost describes what a change takes away from somebody else (M6).
func (d *draft) lost(widgetID string, path Pointer, value Value, by stamp) {
	o := Overwrote{WidgetID: widgetID, Path: path, Author: by.author, Version: by.version, Value: value}
	if len(value) > maxOverwritten {
		o.Value, o.Omitted = "", true
	}
	d.overwrote = append(d.overwrote, o)
}

// maxOverwritten is how long a value may be to stand in overwrote (M6).
const maxOverwritten = 4 << 10

// subject is how messages call a widget, or the settings.
func subject(widgetID string) string {
	if widgetID == "" {
		return "the settings"
	}
	return fmt.Sprintf("widget %q", widgetID)
}

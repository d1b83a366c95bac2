package board

import (
	"fmt"
	"iter"
	"slices"
	"time"
)

// DefaultWindow is how many versions clocks, tombstones and op ids reach back at
// least, unless the epoch says otherwise (M12).
const DefaultWindow = 10_000

// horizonStep is the distance between two horizons (M12).
const horizonStep = 1_000

// DefaultColumns is the width of a layout that nobody has given one.
const DefaultColumns = 24

// State is a dashboard as the fold of its log: the document and all that deciding
// needs of its past. It is immutable; Fold and Decide give new states that share
// structure with the old, so holding several of them is cheap.
type State struct {
	*frame
	version  uint64
	position uint64
	horizon  uint64

	widgets     pmap[part]
	widgetBytes int // of canonical JSON: members of "widgets" without commas
	committed   opIDs
}

// frame is what the many edits of widgets leave as it is. States share it: who changes it
// calls reframe before.
type frame struct {
	id     string
	epoch  string
	window uint64

	// deleted is true after TypeDashboardDelete until the next entry. The document is
	// empty then; epoch, version, op ids and tombstones stay for undelete and M8.
	deleted   bool
	deletedAt int64 // Unix milliseconds

	settings    part
	own         ownLimits // read from the settings
	layouts     pmap[*placement]
	layoutBytes int         // as widgetBytes
	tombstones  pmap[stamp] // by widget id (M9)
}

// reframe gives a new state a frame of its own, which may be changed.
func (s *State) reframe() {
	f := *s.frame
	s.frame = &f
}

// part is what clocks belong to: a widget or the settings.
type part struct {
	value  Value
	clocks clocks
}

// commit is what is kept of a committed op id (M8).
type commit struct {
	version uint64
	hash    [16]byte
}

// opKey is the key of an op id, which is unique per user. Op ids hold no NUL.
func opKey(userID, opID string) string { return userID + "\x00" + opID }

func appendOpKey(dst []byte, userID, opID string) []byte {
	return append(append(append(dst, userID...), 0), opID...)
}

// NewState gives the state of a dashboard that has no log yet: an empty document at
// version 0 with the epoch "" (R6).
func NewState(id string) *State {
	s := &State{frame: &frame{id: id}}
	s.clear()
	return s
}

// clear empties the document of a state with a frame of its own.
func (s *State) clear() {
	s.settings, s.own = part{value: "{}", clocks: newClocks(stamp{})}, ownLimits{}
	s.widgets, s.widgetBytes = pmap[part]{}, 0
	s.layouts, s.layoutBytes = pmap[*placement]{}, 0
	s.putLayout(MainBreakpoint, &placement{columns: DefaultColumns, compact: CompactVertical})
}

// ID is the dashboard's id.
func (s *State) ID() string { return s.id }

// Epoch is the epoch of the last entry, "" before the first. See Head for what a
// reader is told.
func (s *State) Epoch() string { return s.epoch }

// Version is the version of the last entry, also if that has deleted the dashboard.
func (s *State) Version() uint64 { return s.version }

// Head is the epoch and version that readers and writers see: "" and 0 for a
// dashboard that has no log or is deleted (R6, R9).
func (s *State) Head() (epoch string, version uint64) {
	if s.deleted {
		return "", 0
	}
	return s.epoch, s.version
}

// Position is the number of entries in the log so far, over all epochs.
func (s *State) Position() uint64 { return s.position }

// Window is the M12 window of the epoch, 0 before the first entry.
func (s *State) Window() uint64 { return s.window }

// Horizon is the version down to which clocks, tombstones and op ids reach (M12).
func (s *State) Horizon() uint64 {
	if s.deleted {
		return 0
	}
	return s.horizon
}

// Deleted tells whether the last entry has deleted the dashboard (R9).
func (s *State) Deleted() bool { return s.deleted }

// DeletedAt is when the dashboard was deleted, zero if it was not.
func (s *State) DeletedAt() time.Time {
	if !s.deleted {
		return time.Time{}
	}
	return time.UnixMilli(s.deletedAt).UTC()
}

// Size is the number of bytes of the document as AppendDocument writes it (D5).
func (s *State) Size() int {
	const frame = len(`{"layouts":{},"settings":,"widgets":{}}`)
	return frame + len(s.settings.value) +
		s.widgetBytes + max(s.widgets.len()-1, 0) +
		s.layoutBytes + max(s.layouts.len()-1, 0)
}

// Settings is the settings object.
func (s *State) Settings() Value { return s.settings.value }

// Widget gives one widget.
func (s *State) Widget(id string) (Value, bool) {
	w, ok := s.widgets.get(id)
	return w.value, ok
}

// WidgetCount is the number of widgets.
func (s *State) WidgetCount() int { return s.widgets.len() }

// Widgets yields the widgets in order of their ids.
func (s *State) Widgets() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for id, w := range s.widgets.all() {
			if !yield(id, w.value) {
				return
			}
		}
	}
}

// Layout gives one breakpoint, which it makes for the caller.
func (s *State) Layout(breakpoint string) (*Layout, bool) {
	p, ok := s.layouts.get(breakpoint)
	if !ok {
		return nil, false
	}
	return p.layout(), true
}

// Layouts yields the breakpoints in order of their names, each made for the caller.
func (s *State) Layouts() iter.Seq2[string, *Layout] {
	return func(yield func(string, *Layout) bool) {
		for name, p := range s.layouts.all() {
			if !yield(name, p.layout()) {
				return
			}
		}
	}
}

// Tombstone gives the version of the entry that deleted a widget, while it is kept (M9).
func (s *State) Tombstone(widgetID string) (version uint64, ok bool) {
	t, ok := s.tombstones.get(widgetID)
	return t.version, ok
}

// Document gives the whole document, which belongs to the caller.
func (s *State) Document() *Document {
	d := &Document{
		Settings: s.settings.value,
		Widgets:  make(map[string]Value, s.widgets.len()),
		Layouts:  make(map[string]*Layout, s.layouts.len()),
	}
	for id, w := range s.widgets.all() {
		d.Widgets[id] = w.value
	}
	for name, l := range s.layouts.all() {
		d.Layouts[name] = l.layout()
	}
	return d
}

// Fold gives the state after the next entry of the log. It fails if the entry is not
// the next one: another dashboard's, or a gap in the versions. An entry with version
// 1 and another epoch begins that epoch on an empty document.
func (s *State) Fold(e *Entry) (*State, error) {
	n, err := s.fold(e)
	if err == nil {
		n.remember(e)
	}
	return n, err
}

// fold is Fold before the new state remembers the op.
func (s *State) fold(e *Entry) (*State, error) {
	n := *s
	if s.deleted || e.Window > 0 || e.Type == TypeDashboardDelete {
		n.reframe()
	}
	switch {
	case e.DashboardID != s.id:
		return nil, fmt.Errorf("board: entry of dashboard %q cannot follow on %q", e.DashboardID, s.id)
	case e.Epoch == s.epoch && e.Epoch != "" && e.Version == s.version+1:
	case e.Epoch != s.epoch && e.Epoch != "" && e.Version == 1:
		n = State{frame: &frame{id: s.id, epoch: e.Epoch, window: DefaultWindow}, position: s.position}
		n.clear()
	default:
		return nil, fmt.Errorf("board: entry %q version %d cannot follow on %q version %d", e.Epoch, e.Version, s.epoch, s.version)
	}
	n.version = e.Version
	n.position++
	if n.deleted {
		n.deleted = false
	}
	if e.Window > 0 {
		n.window = e.Window
	}
	at := e.Time.UnixMilli()
	if e.Type == TypeDashboardDelete {
		n.clear()
		n.deleted, n.deletedAt = true, at
	}
	n.apply(e.Change, stamp{version: e.Version, at: at, author: e.Author})
	return &n, nil
}

// remember completes a new state that nobody else has seen.
func (s *State) remember(e *Entry) {
	s.committed = s.committed.with(e.Author.UserID, e.ID, commit{version: e.Version, hash: e.Hash})
	s.prune()
}

// prune moves the horizon and drops what lies at or before it (M12).
func (s *State) prune() {
	reached := s.version / horizonStep * horizonStep
	if reached < s.window || reached-s.window <= s.horizon {
		return
	}
	s.horizon = reached - s.window
	s.committed = s.committed.after(s.horizon)
	s.reframe()
	s.tombstones = s.tombstones.filter(func(t stamp) bool { return t.version > s.horizon })
	s.settings.clocks = s.settings.clocks.pruned(s.horizon)
	for id, w := range s.widgets.all() {
		if kept := w.clocks.pruned(s.horizon); len(kept) < len(w.clocks) {
			w.clocks = kept
			s.widgets = s.widgets.set(id, w)
		}
	}
}

// apply changes the document, its clocks and tombstones in place; s is not shared yet.
func (s *State) apply(c *Change, st stamp) {
	if c == nil {
		return
	}
	if c.reframes() {
		s.reframe()
	}
	if c.Settings != nil {
		s.settings.value = s.settings.value.patched(c.Settings)
		s.settings.clocks = s.settings.clocks.afterPatch(c.Settings, st)
		s.own = ownLimitsOf(s.settings.value)
	}
	for i := range c.Widgets {
		s.applyWidget(&c.Widgets[i], st)
	}
	for name, l := range c.Layouts {
		old, _ := s.layouts.get(name)
		if l != nil {
			s.putLayout(name, old.after(l))
		} else {
			s.putLayout(name, nil)
		}
	}
}

// reframes reports whether a change is of more than the members of widgets.
func (c *Change) reframes() bool {
	return c.Settings != nil || len(c.Layouts) > 0 ||
		slices.ContainsFunc(c.Widgets, func(w WidgetChange) bool { return w.Patch == nil })
}

func (s *State) applyWidget(c *WidgetChange, st stamp) {
	id := c.ID
	w, there := s.widgets.get(id)
	if there {
		s.widgetBytes -= memberSize(id, len(w.value))
	}
	switch {
	case c.Deleted:
		s.widgets = s.widgets.remove(id)
		s.tombstones = s.tombstones.set(id, st)
		return
	case c.Value != "":
		w = part{value: c.Value, clocks: newClocks(st)}
		s.tombstones = s.tombstones.remove(id)
	case !there:
		return // a patch of what is not there has no effect
	default:
		w.value = w.value.patched(c.Patch)
		w.clocks = w.clocks.afterPatch(c.Patch, st)
		s.widgetBytes += memberSize(id, len(w.value))
		s.widgets = s.widgets.replace(id, w)
		return
	}
	s.widgetBytes += memberSize(id, len(w.value))
	s.widgets = s.widgets.set(id, w)
}

// putLayout sets one breakpoint; nil removes it.
func (s *State) putLayout(name string, l *placement) {
	if old, ok := s.layouts.get(name); ok {
		s.layoutBytes -= memberSize(name, old.size())
	}
	if l == nil {
		s.layouts = s.layouts.remove(name)
		return
	}
	s.layoutBytes += memberSize(name, l.size())
	s.layouts = s.layouts.set(name, l)
}

// memberSize is the size of the member "id":value of an object; ids need no escapes.
func memberSize(id string, value int) int { return len(id) + len(`"":`) + value }

func sortedKeys[V any](m map[string]V) []string {
	if len(m) == 0 {
		return nil
	}
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

package board

import (
	"slices"
	"strings"
	"time"
)

// The numbers of the record layouts that this build writes and reads (R7).
const (
	Format = 1
	// formatVia is Format with the member via. Only records that have one carry it, so
	// that a build from before refuses these alone, as written by a newer one.
	formatVia = 2
)

// Entry is one committed operation: the effective change after merging and
// layout normalisation, so that folding never decides again.
type Entry struct {
	Type        Type
	ID          string // the op's id
	DashboardID string
	Epoch       string
	Version     uint64
	// Window is the M12 window of the epoch; it is set on version 1 and on entries
	// that change it, else 0.
	Window uint64
	// Time is the commit time by the deciding node's clock, in whole milliseconds.
	// It orders nothing (E1).
	Time      time.Time
	Author    Author
	Change    *Change
	Overwrote []Overwrote
	// Blind marks a write without baseVersion (M2).
	Blind bool

	// Stored, not sent:

	// Hash is the op's hash (M8).
	Hash [16]byte
	// Via names the credentials that the op came with (Op.Via).
	Via string
	// Status and Report are what a repeated op is answered with, beside version and change.
	Status Status
	Report *Report
}

// Report is what few answers tell.
type Report struct {
	Skipped []string // what PolicySkip left out (M6)
	Ignored []string // ids in a layout op that are not on the dashboard (L1)
	Results []Result // the fates of a batch's operations (M11)
}

// orNil is the report as entries and answers have it: nil if it says nothing.
func (r Report) orNil() *Report {
	if len(r.Skipped)+len(r.Ignored)+len(r.Results) == 0 {
		return nil
	}
	return new(r)
}

// Change is the effect of one entry, or of several composed (E7). It can be
// applied without thinking: no pointer in it leads through anything but objects.
type Change struct {
	Settings *Patch
	// Widgets are in order of their ids, each once.
	Widgets []WidgetChange
	// Layouts by breakpoint; a nil *LayoutChange removes the breakpoint.
	Layouts map[string]*LayoutChange
}

// Widget is what happens to one widget, nil if nothing does.
func (c *Change) Widget(id string) *WidgetChange {
	if i, ok := slices.BinarySearchFunc(c.Widgets, id, compareWidget); ok {
		return &c.Widgets[i]
	}
	return nil
}

func compareWidget(w WidgetChange, id string) int { return strings.Compare(w.ID, id) }

// Patch sets and unsets members. Both lists are sorted and disjoint.
type Patch struct {
	Set   []Assignment
	Unset []Pointer
}

// WidgetChange is what happens to the widget ID. Exactly one of these holds: Value
// is present (created or replaced whole), Patch is set, or Deleted.
type WidgetChange struct {
	ID      string
	Value   Value
	Patch   *Patch
	Deleted bool
}

// LayoutChange is what happens to one breakpoint. A nil rectangle removes the item.
type LayoutChange struct {
	Columns int     // 0 = as it is
	Compact Compact // "" = as it is
	Items   map[string]*Rect
}

// Overwrote tells what an op that won a clash has replaced (M6).
type Overwrote struct {
	WidgetID string // empty = settings
	Path     Pointer
	Author   Author
	Version  uint64
	// Value is what was lost, absent if nothing was there.
	Value Value
	// Omitted is true if the value was longer than 4 KiB and stands in history only.
	Omitted bool
}

// Status is the outcome of an acknowledged op.
type Status string

// The outcomes: applied on the version that the user saw, merged with what came
// since, or already there.
const (
	StatusApplied   Status = "applied"
	StatusMerged    Status = "merged"
	StatusUnchanged Status = "unchanged"
)

// Result is the fate of one operation in a batch (M11).
type Result struct {
	// Status is "applied", "unchanged", "refused" or "conflict".
	Status   string
	Code     Code
	Message  string
	Path     string
	Conflict *Conflict
}

// Ack is the content of a positive answer.
type Ack struct {
	Version uint64
	Status  Status
	// Change is set where the effect is not exactly what the op asked (E7).
	Change    *Change
	Overwrote []Overwrote
	Report    *Report // nil if it would say nothing
}

// ConflictKind tells what clashed.
type ConflictKind string

// The kinds of conflict (M9, M10).
const (
	KindField   ConflictKind = "field"
	KindDeleted ConflictKind = "deleted"
	KindChanged ConflictKind = "changed"
)

// Conflict is a true clash that goes to a person with both values.
type Conflict struct {
	// ID is the op's id: the server keeps no conflicts (M10).
	ID          string
	DashboardID string
	WidgetID    string // empty = settings
	Kind        ConflictKind
	Fields      []ConflictField
	// Version is the version that the conflict was decided on.
	Version uint64
}

// ConflictField is one clashing path with the values of both sides; an absent
// value means that the member is not there.
type ConflictField struct {
	Path          Pointer
	Base          Value
	Mine          Value
	Theirs        Value
	TheirsBy      Author
	TheirsVersion uint64
}

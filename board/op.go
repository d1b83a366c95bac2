package board

import "time"

// Type is the kind of an operation and of the entry that it becomes.
type Type string

// The operations of the protocol, and the two that only the REST interface and
// the Go API make: TypeReplace (import, restore, duplicate, undelete; it becomes
// a TypeBatch entry) and TypeDashboardDelete (R9).
const (
	TypeUpdate          Type = "WIDGET_UPDATE"
	TypeDelete          Type = "WIDGET_DELETE"
	TypeBatch           Type = "WIDGET_BATCH"
	TypeLayout          Type = "LAYOUT_UPDATE"
	TypeLayoutRestore   Type = "LAYOUT_RESTORE"
	TypeSettings        Type = "DASHBOARD_UPDATE"
	TypeResolved        Type = "CONFLICT_RESOLVED"
	TypeReplace         Type = "REPLACE"
	TypeDashboardDelete Type = "DASHBOARD_DELETE"
)

// Policy says what a clash does to an operation (M6). The zero value means: the
// dashboard's own settings.conflictPolicy, else PolicyAuto.
type Policy string

// The policies.
const (
	PolicyAuto      Policy = "auto"
	PolicyAsk       Policy = "ask"
	PolicyReject    Policy = "reject"
	PolicyOverwrite Policy = "overwrite"
	PolicySkip      Policy = "skip"
)

// known reports whether p is one of the five.
func (p Policy) known() bool {
	switch p {
	case PolicyAuto, PolicyAsk, PolicyReject, PolicyOverwrite, PolicySkip:
		return true
	}
	return false
}

// Author is the client that made a change: the pair of user and client (C6).
// The zero Author stands for nobody in particular.
type Author struct {
	UserID   string
	ClientID string
}

// Assignment sets the value at one pointer.
type Assignment struct {
	Path  Pointer
	Value Value
}

// Rect is the place of a widget on a grid, in cells. X grows to the right, Y
// downwards; a static widget is never moved by others.
type Rect struct {
	X, Y, W, H int
	Static     bool
}

// RectPatch is the part of a rectangle that a gesture changed (L1); nil = as it is.
type RectPatch struct {
	X, Y, W, H *int
	Static     *bool
}

// Compact names how a layout closes gaps.
type Compact string

// The compactions. CompactNone leaves gaps where they are.
const (
	CompactVertical Compact = "vertical"
	CompactNone     Compact = "none"
)

// Op is one change that a client asks for, decoded and checked: ids are valid,
// values canonical, pointers well formed and disjoint. An Op is not modified
// after it was made: the entry that becomes of it may share its memory.
type Op struct {
	Type        Type
	ID          string // unique per user (M8)
	DashboardID string
	Author      Author
	// Via names the credentials that the author has signed in with, such as token:b7c1
	// or key:cron-1, in valid UTF-8; "" = not known. It is for the record, decides
	// nothing and is not part of the content (M8).
	Via string

	// Base is the version that the user was looking at (M2); nil = a blind write.
	Base *uint64
	// Epoch is the epoch that Base counts in; nil = the present one.
	Epoch *string
	// IfMatch makes the op strict (H3): refused with CodeConflict unless Epoch
	// and Base are exactly the head.
	IfMatch bool
	Policy  Policy
	// Age is the time from the edit to this sending, 0 = unknown (M6).
	Age time.Duration
	// Hash is over the content: type and payload, not id, timestamp and age (M8).
	Hash [16]byte
	// Prev holds the value that the user saw at a path (M3, M12). For layout ops the
	// pointer is /{widgetId} and the value a rectangle.
	Prev map[Pointer]Value

	// WidgetID is the widget of TypeUpdate, TypeDelete and TypeResolved. Empty on
	// TypeResolved means the settings.
	WidgetID string
	// Set and Unset are sorted by path (as plain strings) and disjoint (E6).
	Set   []Assignment
	Unset []Pointer
	// Changes is an RFC 7396 merge patch, compiled to Set and Unset when the op is
	// decided. Absent ("") unless given; never together with Set or Unset.
	Changes Value
	// Value replaces the whole widget, creating it if need be (PUT over REST).
	Value  Value
	Layout *RectPatch // in the breakpoint main
	// Create makes the widget (M9) or the breakpoint (L7).
	Create bool
	// Restore brings a deleted widget back (M9); it needs History.
	Restore bool

	// Operations are the parts of a TypeBatch, in order, without ID, DashboardID,
	// Author and Hash.
	Operations []*Op
	// Atomic refuses the whole batch if one part is refused (M11).
	Atomic bool

	// Breakpoint is "main" if the client named none; empty on TypeLayoutRestore
	// means every breakpoint.
	Breakpoint string
	Moved      map[string]RectPatch
	Columns    *int
	Compact    Compact // "" = as it is
	ToVersion  uint64  // of TypeLayoutRestore

	// ConflictID and Choice are for the record (M10).
	ConflictID string
	Choice     string

	// Document is the outcome of a TypeReplace.
	Document *Document
	// Undelete lets a TypeReplace bring a deleted dashboard back (R9).
	Undelete bool

	// History is what the op needs from the past, read by the caller before the op
	// takes its place in line; see Decision.Need.
	History *History
}

// History is the past that LAYOUT_RESTORE and restore read from the log, and what may be
// the op itself.
type History struct {
	// Committed are the entries of Need.Committed, by version.
	Committed map[uint64]*Entry
	// Deleted is, by widget id, what was there just before the deletion.
	Deleted map[string]DeletedWidget
	// Layouts are the layouts at Version, for LAYOUT_RESTORE.
	Layouts map[string]*Layout
	Version uint64
	// Epoch is the epoch that was read.
	Epoch string
}

// DeletedWidget is a widget as it was when it was deleted.
type DeletedWidget struct {
	// Version is the version of the deleting entry.
	Version uint64
	Value   Value
	Places  map[string]Rect // by breakpoint
	// Gone is true if the log no longer has it (CodeGone).
	Gone bool
}

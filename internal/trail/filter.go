package trail

import (
	"slices"
	"strings"
	"time"

	"github.com/dashwire/dashwire/board"
)

// Filter picks entries; the zero value takes all.
type Filter struct {
	User   string
	Widget string
	// Path is a pointer within a widget, or within the settings where no Widget is given:
	// entries that changed it, something under it or something that holds it.
	Path  board.Pointer
	Types []board.Type
	// Since is the first moment, Until the first that is too late; zero = no bound.
	Since, Until time.Time
	// Blind takes those without baseVersion alone (M2), Overwrote those that have won over
	// a change of another (M6).
	Blind, Overwrote bool
}

// Match reports whether an entry is picked.
func (f *Filter) Match(e *board.Entry) bool {
	switch {
	case f.User != "" && e.Author.UserID != f.User,
		len(f.Types) > 0 && !slices.Contains(f.Types, e.Type),
		!f.Since.IsZero() && e.Time.Before(f.Since),
		!f.Until.IsZero() && !e.Time.Before(f.Until),
		f.Blind && !e.Blind,
		f.Overwrote && len(e.Overwrote) == 0:
		return false
	case f.Widget == "" && f.Path == "":
		return true
	}
	return e.Change != nil && f.touches(e.Change)
}

func (f *Filter) touches(c *board.Change) bool {
	if f.Widget == "" && patchTouches(c.Settings, f.Path) {
		return true
	}
	for i := range c.Widgets {
		w := &c.Widgets[i]
		if f.Widget != "" && w.ID != f.Widget {
			continue
		}
		if f.Path == "" || widgetTouches(w, f.Path) {
			return true
		}
	}
	if f.Path != "" {
		return false
	}
	for _, l := range c.Layouts {
		if l == nil {
			continue
		}
		if _, ok := l.Items[f.Widget]; ok {
			return true
		}
	}
	return false
}

func widgetTouches(w *board.WidgetChange, path board.Pointer) bool {
	switch {
	case w.Deleted:
		return true // whatever was there is gone
	case w.Patch != nil:
		return patchTouches(w.Patch, path)
	}
	_, there := w.Value.Get(path)
	return there
}

func patchTouches(p *board.Patch, path board.Pointer) bool {
	if p == nil {
		return false
	}
	return slices.ContainsFunc(p.Set, func(a board.Assignment) bool { return related(a.Path, path) }) ||
		slices.ContainsFunc(p.Unset, func(q board.Pointer) bool { return related(q, path) })
}

// related reports whether one pointer is the other or holds it.
func related(a, b board.Pointer) bool {
	return a == b || strings.HasPrefix(string(a), string(b)+"/") || strings.HasPrefix(string(b), string(a)+"/")
}

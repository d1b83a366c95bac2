package board

import (
	"slices"
	"strings"
)

// ParseChange reads a change as AppendChange writes it (E7). Unknown members are
// ignored.
func ParseChange(v Value) (*Change, *Error) {
	if !v.IsObject() {
		return nil, Errorf(CodeInvalidValue, "a change is an object of settings, widgets and layouts: send one")
	}
	c := &Change{}
	for key, v := range v.Members() {
		switch key {
		case "settings":
			patch, err := parsePatch(v)
			if err != nil {
				return nil, err.At("/settings" + err.Path)
			}
			c.Settings = patch
		case "widgets":
			for id, v := range v.Members() {
				w, err := parseWidgetChange(id, v)
				if err != nil {
					return nil, err.At("/widgets" + string(JoinPointer("", id)) + err.Path)
				}
				c.Widgets = append(c.Widgets, w)
			}
			sortWidgets(c.Widgets)
		case "layouts":
			c.Layouts = make(map[string]*LayoutChange)
			for name, v := range v.Members() {
				l, err := parseLayoutChange(v)
				if err != nil {
					return nil, err.At("/layouts" + string(JoinPointer("", name)) + err.Path)
				}
				c.Layouts[name] = l
			}
		}
	}
	return c, nil
}

func parseWidgetChange(id string, v Value) (WidgetChange, *Error) {
	if v == "null" {
		return WidgetChange{ID: id, Deleted: true}, nil
	}
	if whole, ok := v.member("value"); ok {
		if !whole.IsObject() {
			return WidgetChange{}, Errorf(CodeInvalidValue, "a widget is an object: send one").At("/value")
		}
		return WidgetChange{ID: id, Value: whole}, nil
	}
	patch, err := parsePatch(v)
	return WidgetChange{ID: id, Patch: patch}, err
}

func sortWidgets(list []WidgetChange) {
	slices.SortFunc(list, func(a, b WidgetChange) int { return strings.Compare(a.ID, b.ID) })
}

func parsePatch(v Value) (*Patch, *Error) {
	if !v.IsObject() {
		return nil, Errorf(CodeInvalidValue, "a patch is an object of set and unset: send one")
	}
	p := &Patch{}
	for key, v := range v.Members() {
		switch key {
		case "set":
			for path, value := range v.Members() {
				p.Set = append(p.Set, Assignment{Path: Pointer(path), Value: value})
			}
		case "unset":
			var r reader
			for _, path := range r.strings(key, v) {
				p.Unset = append(p.Unset, Pointer(path))
			}
			if r.err != nil {
				return nil, Errorf(CodeInvalidValue, "unset is an array of paths: send one").At("/unset")
			}
		}
	}
	sortAssignments(p.Set)
	slices.Sort(p.Unset)
	return p, nil
}

func sortAssignments(set []Assignment) {
	slices.SortFunc(set, func(a, b Assignment) int { return strings.Compare(string(a.Path), string(b.Path)) })
}

func parseLayoutChange(v Value) (*LayoutChange, *Error) {
	if v == "null" {
		return nil, nil
	}
	if !v.IsObject() {
		return nil, Errorf(CodeInvalidLayout, "a change of a layout is an object or null: send one")
	}
	l := &LayoutChange{}
	for key, v := range v.Members() {
		switch key {
		case "columns":
			n, ok := parseInteger(string(v))
			if v.Kind() != '0' || !ok || n < 1 {
				return nil, Errorf(CodeInvalidLayout, "columns is a whole number from 1: send one").At("/columns")
			}
			l.Columns = n
		case "compact":
			l.Compact = Compact(v.text())
		case "items":
			for id, v := range v.Members() {
				if v == "null" {
					l.put(id, nil)
					continue
				}
				r, err := ParsePlacedRect(v)
				if err != nil {
					return nil, err.At("/items" + string(JoinPointer("", id)) + err.Path)
				}
				l.put(id, &r)
			}
		}
	}
	return l, nil
}

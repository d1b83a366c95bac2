package client

import "github.com/dashwire/dashwire/board"

// effect works out what an op of this client did to a document when its ACK carries
// no change: exactly what it asked (E7). ok is false if that cannot be told without
// the server.
func effect(op *board.Op, doc *board.Document) (out *board.Document, ok bool) {
	if op.Type != board.TypeBatch {
		c, ok := asked(op, doc)
		if !ok {
			return nil, false
		}
		return c.ApplyTo(doc), true
	}
	for _, part := range op.Operations {
		c, ok := asked(part, doc)
		if !ok {
			return nil, false
		}
		doc = c.ApplyTo(doc)
	}
	return doc, true
}

// asked is what one op asks for as a change of the document.
func asked(op *board.Op, doc *board.Document) (c *board.Change, ok bool) {
	switch op.Type {
	case board.TypeUpdate, board.TypeResolved:
		if op.WidgetID == "" {
			return settingsChange(op, doc)
		}
		current, there := doc.Widgets[op.WidgetID]
		if !there || op.Create || op.Restore || op.Changes != "" || op.Value != "" {
			return nil, false
		}
		c = &board.Change{Widgets: []board.WidgetChange{{ID: op.WidgetID, Patch: patch(op, current)}}}
		if op.Layout != nil {
			return c, place(c, doc, board.MainBreakpoint, map[string]board.RectPatch{op.WidgetID: *op.Layout})
		}
		return c, true
	case board.TypeSettings:
		return settingsChange(op, doc)
	case board.TypeDelete:
		return &board.Change{Widgets: []board.WidgetChange{{ID: op.WidgetID, Deleted: true}}}, true
	case board.TypeLayout:
		if op.Create || op.Columns != nil || op.Compact != "" {
			return nil, false // may have moved anything
		}
		c = &board.Change{}
		return c, place(c, doc, op.Breakpoint, op.Moved)
	}
	return nil, false
}

func settingsChange(op *board.Op, doc *board.Document) (*board.Change, bool) {
	if op.Changes != "" {
		return nil, false
	}
	return &board.Change{Settings: patch(op, doc.Settings)}, true
}

// patch is the part of an op that makes a difference: an equal value leaves what is
// there as it was first written (D6), and unsetting what is not there does nothing, while
// a change would make its parents (E7).
func patch(op *board.Op, current board.Value) *board.Patch {
	p := &board.Patch{}
	for _, path := range op.Unset {
		if _, there := current.Get(path); there {
			p.Unset = append(p.Unset, path)
		}
	}
	for _, a := range op.Set {
		if now, there := current.Get(a.Path); !there || !now.Equal(a.Value) {
			p.Set = append(p.Set, a)
		}
	}
	return p
}

// place adds the rectangles that an op moved to a change.
func place(c *board.Change, doc *board.Document, breakpoint string, moved map[string]board.RectPatch) bool {
	layout, there := doc.Layouts[breakpoint]
	if !there {
		return false
	}
	items := make(map[string]*board.Rect, len(moved))
	for id, m := range moved {
		was, there := layout.Items[id]
		if !there {
			return false
		}
		now := m.On(was)
		items[id] = &now
	}
	c.Layouts = map[string]*board.LayoutChange{breakpoint: {Items: items}}
	return true
}

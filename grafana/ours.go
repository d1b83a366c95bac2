package grafana

import (
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// ours is the member dashwire of a panel: what Grafana has no place for.
type ours struct {
	// ID is the widget's, where it does not follow from the panel.
	ID string `json:"id,omitzero"`
	// Set and Unset, relative to the widget, are what differs from derive's widget.
	Set    map[string]jsontext.RawValue `json:"set,omitzero"`
	Unset  []string                     `json:"unset,omitzero"`
	Static bool                         `json:"static,omitzero"`
}

// member is the name of the JSON member that holds ours.
const member = "dashwire"

const memberPointer board.Pointer = "/" + member

// cutOurs takes our member off a panel. A member of that name that we did not write
// stays where it is.
func cutOurs(panel board.Value) (board.Value, ours, *board.Error) {
	v, ok := panel.Get(memberPointer)
	if !ok || !v.IsObject() || v == "{}" {
		return panel, ours{}, nil
	}
	var o ours
	if err := jsontext.Decode([]byte(v), &o, jsontext.RejectUnknown()); err != nil {
		return panel, ours{}, nil
	}
	if _, err := o.patch(); err != nil {
		return panel, ours{}, err.At(string(memberPointer) + err.Path)
	}
	return panel.Without(memberPointer), o, nil
}

// patch gives Set and Unset as a patch.
func (o ours) patch() (*board.Patch, *board.Error) { return readPatch(o.Set, o.Unset) }

// readPatch checks pointers from outside; the values are part of a canonical text.
func readPatch(set map[string]jsontext.RawValue, unset []string) (*board.Patch, *board.Error) {
	patch := &board.Patch{}
	for path, v := range set {
		p, err := board.ParsePointer(path)
		if err != nil {
			return nil, err.At("/set")
		}
		patch.Set = append(patch.Set, board.Assignment{Path: p, Value: board.Value(v)})
	}
	for _, path := range unset {
		p, err := board.ParsePointer(path)
		if err != nil {
			return nil, err.At("/unset")
		}
		patch.Unset = append(patch.Unset, p)
	}
	if err := board.CheckDisjoint(patch.Set, patch.Unset); err != nil {
		return nil, err.At("/set")
	}
	return patch, nil
}

// rawPatch turns a patch's parts into what is encoded; empty parts become nil.
func rawPatch(set []board.Assignment, unset []board.Pointer) (map[string]jsontext.RawValue, []string) {
	var values map[string]jsontext.RawValue
	for _, a := range set {
		if values == nil {
			values = map[string]jsontext.RawValue{}
		}
		values[string(a.Path)] = jsontext.RawValue(a.Value)
	}
	var gone []string
	for _, p := range unset {
		gone = append(gone, string(p))
	}
	return values, gone
}

// oursOfDashboard is the member dashwire of a dashboard.
type oursOfDashboard struct {
	Set   map[string]jsontext.RawValue `json:"set,omitzero"` // relative to the settings
	Unset []string                     `json:"unset,omitzero"`
	// Columns and Compact are those of main where they are not Grafana's own.
	Columns int           `json:"columns,omitzero"`
	Compact board.Compact `json:"compact,omitzero"`
	// Layouts are the other breakpoints, by name.
	Layouts map[string]jsontext.RawValue `json:"layouts,omitzero"`
}

// cutOursOfDashboard takes our member off a dashboard, as cutOurs does.
func cutOursOfDashboard(dashboard board.Value) (board.Value, oursOfDashboard) {
	v, ok := dashboard.Get(memberPointer)
	if !ok || !v.IsObject() || v == "{}" {
		return dashboard, oursOfDashboard{}
	}
	var o oursOfDashboard
	if err := jsontext.Decode([]byte(v), &o, jsontext.RejectUnknown()); err != nil {
		return dashboard, oursOfDashboard{}
	}
	return dashboard.Without(memberPointer), o
}

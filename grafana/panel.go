package grafana

import (
	"strconv"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// panel is one panel while it is being imported.
type panel struct {
	json board.Value // without the panels of a row, and without our member
	ours ours        // what our member said; zero if there was none
	path string      // where it stands in the body, for errors and notes
	pos  gridPos
	// index is the place in its array, of an old dashboard in its row's.
	index int
	// legacy is the row of an old dashboard that it belongs to, 1 for the first; 0 =
	// not an old dashboard.
	legacy int
	row    *panel   // the row that it stands in, nil at the top
	nested []*panel // of a row
	isRow  bool     // a row at the top, which begins a section
	id     string   // of its widget

	rect board.Rect // in the layout
	tile *tile      // what that means among rows
}

// name says which panel is meant, for people.
func (p *panel) name() string {
	if title := titleOf(p.json); title != "" {
		const most = 60
		if r := []rune(title); len(r) > most {
			title = string(r[:most]) + "…"
		}
		return "panel " + string(quote(title)) + " (" + p.path + ")"
	}
	return "the panel at " + p.path
}

// gridPos is a place in Grafana's grid as far as it is said.
type gridPos struct {
	x, y, w, h int
	known      bool
}

// The size of a panel that does not say its own, as Grafana has it.
const (
	usualWidth  = 6
	usualHeight = 3
)

// readPos reads gridPos. A row is always as wide as the grid and one cell high,
// whatever it says.
func readPos(panel board.Value, isRow bool) gridPos {
	p := gridPos{w: usualWidth, h: usualHeight}
	for key, into := range map[string]*int{"x": &p.x, "y": &p.y, "w": &p.w, "h": &p.h} {
		v, _ := panel.Get(board.Pointer("/gridPos/" + key))
		if n, ok := cells(v); ok {
			*into = n
			p.known = p.known || key == "y"
		}
	}
	p.w = min(max(p.w, 1), gridColumns)
	p.x = min(max(p.x, 0), gridColumns-p.w)
	p.h = min(max(p.h, 1), board.MaxHeight)
	if isRow {
		p.x, p.w, p.h = 0, gridColumns, 1
	}
	return p
}

// origin is what import made of a panel's place; it stands in the widget under
// /config/imported, so that export can tell what changed since.
type origin struct {
	H      int    `json:"h"`
	Head   bool   `json:"head,omitzero"` // of a section
	ID     string `json:"id"`
	Index  int    `json:"index"`
	Legacy int    `json:"legacy,omitzero"`
	Nested bool   `json:"nested,omitzero"`
	Row    string `json:"row,omitzero"` // the widget that begins the section
	W      int    `json:"w"`
	X      int    `json:"x"`
	// Y counts within the section or, of a row, among the folded rows; see frames.
	Y int `json:"y"`
}

// readOrigin reads what stands under /config/imported; false if the widget is no
// imported one, or a copy of one.
func readOrigin(id string, w board.Value) (origin, bool) {
	var o origin
	v, _ := w.Get("/config/imported")
	if !v.IsObject() || jsontext.Decode([]byte(v), &o) != nil || o.ID != id {
		return origin{}, false
	}
	return o, true
}

// slot is what an id depends on: a panel's place in the body and what it says.
type slot struct {
	path   string
	number board.Value // the panel's id
	wish   string      // the id that our member asks for, "" = none
}

// assignIDs gives each slot, in the order of the body, a widget id of its own: the
// one asked for, else panel-12 after the panel's number, else one after its place
// or with a count at the end. Equal slots give equal ids.
func assignIDs(slots []slot) []string {
	ids := make([]string, len(slots))
	used := make(map[string]bool, len(slots))
	take := func(i int, id string) bool {
		if used[id] || board.CheckID("widget", id) != nil {
			return false
		}
		ids[i], used[id] = id, true
		return true
	}
	for i, s := range slots {
		if s.wish != "" {
			take(i, s.wish)
		}
	}
	for i, s := range slots {
		if ids[i] == "" {
			if base := numbered(s.number); base != "" {
				take(i, base)
			}
		}
	}
	for i, s := range slots {
		if ids[i] != "" {
			continue
		}
		base := numbered(s.number)
		if base == "" {
			base = "panel-at" + placeName(s.path)
			if take(i, base) {
				continue
			}
		}
		for n := 2; !take(i, base+"-"+strconv.Itoa(n)); n++ {
		}
	}
	return ids
}

// numbered is the widget id after a panel's own id, "" if that will not do.
func numbered(id board.Value) string {
	name := string(id)
	if s, ok := text(id); ok {
		name = s
	} else if !isInteger(id) {
		return ""
	}
	// Leave room for a count at the end.
	if len(name) > board.MaxID/2 || board.CheckID("widget", "panel-"+name) != nil {
		return ""
	}
	return "panel-" + name
}

// placeName makes "-3-1" of "/panels/3/panels/1".
func placeName(path string) string {
	name := ""
	for token := range board.Pointer(path).Tokens() {
		if token != "panels" && token != "rows" {
			name += "-" + token
		}
	}
	return name
}

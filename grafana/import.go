package grafana

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// Options bound an import. The zero value has the usual limits.
type Options struct {
	// Limits are those of rule D5 that the dashboard will have; Operations does not
	// matter. A body may be twice as long as a document.
	Limits board.Limits
}

// The usual limits of D5.
const (
	usualDocumentBytes = 4 << 20
	usualWidgets       = 2_000
)

// Imported is a Grafana dashboard as a document of ours.
type Imported struct {
	Document *board.Document
	Title    string // never empty
	// SuggestedID is a valid dashboard id, from the uid or the title; it may be in use.
	SuggestedID string
	// Notes say in plain words what is not as it was, for the person who imports.
	Notes []string
	// Drawn and Kept count the panels, rows included, that pages draw and those that
	// are only kept for the way back.
	Drawn, Kept int
}

// importer is one import while it goes on.
type importer struct {
	limits    board.Limits
	base      string      // the pointer from the body to the dashboard
	dashboard board.Value // without its panels and our member
	ours      oursOfDashboard
	panels    []*panel // in the order of the body, a row before the panels in it
	notes     notes
	unfolded  int // lines that rows took which were folded up
}

// Import reads a dashboard as Grafana exports it, as its HTTP API wraps it, or as it
// was written before version 5. The body comes from outside: it is held against D4
// and D5, and an error names the panel.
func Import(data []byte, opts Options) (*Imported, *board.Error) {
	im := &importer{limits: opts.Limits}
	if im.limits.DocumentBytes == 0 {
		im.limits.DocumentBytes = usualDocumentBytes
	}
	if im.limits.Widgets == 0 {
		im.limits.Widgets = usualWidgets
	}
	if err := im.read(data); err != nil {
		return nil, err
	}
	if len(im.panels) > im.limits.Widgets {
		return nil, board.Errorf(board.CodeLimitExceeded, "the dashboard has %d panels and may have %d: split it", len(im.panels), im.limits.Widgets)
	}
	im.name()
	layout := im.place()

	doc := &board.Document{Widgets: make(map[string]board.Value, len(im.panels))}
	out := &Imported{Document: doc}
	for _, p := range im.panels {
		w, err := p.widget()
		if err != nil {
			return nil, err.At(im.base + err.Path)
		}
		doc.Widgets[p.id] = w
		if kind := textAt(w, "/type"); Drawn(kind) {
			out.Drawn++
		} else {
			out.Kept++
			im.notes.keep(kind)
		}
	}
	var err *board.Error
	if doc.Settings, err = im.settings(); err != nil {
		return nil, err
	}
	if doc.Layouts, err = im.layouts(layout); err != nil {
		return nil, err
	}
	if n := len(board.AppendDocument(nil, doc)); n > im.limits.DocumentBytes {
		return nil, board.Errorf(board.CodeTooLarge, "the dashboard would have %d bytes and may have %d: split it, or remove panels", n, im.limits.DocumentBytes)
	}
	out.Title = titleOf(im.dashboard)
	out.SuggestedID = suggestID(textAt(im.dashboard, "/uid"), out.Title)
	if out.Title == "" {
		out.Title = "Untitled dashboard"
	}
	out.Notes = im.notes.list()
	return out, nil
}

// deepest bounds the nesting of a body before anything walks it: what D4 allows a
// widget, and the way to it.
const deepest = 2 * board.MaxDepth

// read finds the dashboard in the body and its panels.
func (im *importer) read(data []byte) *board.Error {
	if most := 2 * im.limits.DocumentBytes; len(data) > most {
		return board.Errorf(board.CodeTooLarge, "the body has %d bytes and may have %d: split the dashboard", len(data), most)
	}
	if jsontext.Deeper(data, deepest) {
		return board.Errorf(board.CodeInvalidValue, "the JSON nests deeper than %d: this is no Grafana dashboard", deepest)
	}
	canonical, err := jsontext.Canonicalize(data)
	if err != nil {
		return invalid(err)
	}
	dashboard, refusal := im.unwrap(board.Value(canonical))
	if refusal != nil {
		return refusal
	}
	dashboard, im.ours = cutOursOfDashboard(dashboard)
	im.dashboard = dashboard
	panels, _ := dashboard.Get("/panels")
	rows, _ := dashboard.Get("/rows")
	if panels.Kind() == '[' && (panels != "[]" || rows.Kind() != '[') {
		im.dashboard = dashboard.With("/panels", "[]")
		return im.readPanels(elements(panels), "/panels", nil)
	}
	if rows.Kind() == '[' {
		return im.readRows(elements(rows))
	}
	return nil
}

func invalid(err error) *board.Error {
	e := &board.Error{Code: board.CodeInvalidValue, Message: "the body is no JSON", Cause: err}
	var bad *jsontext.Error
	if errors.As(err, &bad) {
		e.Message, e.Path, e.Cause = bad.Message, bad.Path, bad.Cause
	}
	return e
}

// unwrap gives the dashboard itself.
func (im *importer) unwrap(body board.Value) (board.Value, *board.Error) {
	if !body.IsObject() {
		return "", board.Errorf(board.CodeInvalidValue, "a Grafana dashboard is a JSON object: send what Grafana's export saves")
	}
	has := func(v board.Value, p board.Pointer) bool { _, ok := v.Get(p); return ok }
	dashboard := body
	if inner, ok := body.Get("/dashboard"); ok && inner.IsObject() && !has(body, "/panels") && !has(body, "/rows") {
		dashboard, im.base = inner, "/dashboard"
		im.notes.add("The body was wrapped as Grafana's HTTP API does it; what the wrapper said (folder, permissions) is not kept.")
	} else if inner, ok := body.Get("/spec"); ok && inner.IsObject() && has(body, "/kind") {
		dashboard, im.base = inner, "/spec"
		im.notes.add("The body was a Kubernetes-style resource; only the dashboard in it is kept.")
	}
	switch {
	case has(dashboard, "/elements") && has(dashboard, "/layout"):
		return "", board.Errorf(board.CodeInvalidValue, "this is a dashboard of Grafana's schema v2: export it as “Classic” JSON and import that")
	case has(dashboard, "/widgets") && has(dashboard, "/layouts"):
		return "", board.Errorf(board.CodeInvalidValue, "this is a Dashwire document, not Grafana's JSON: import it as Dashwire's own format")
	}
	for _, m := range []board.Pointer{"/panels", "/rows"} {
		v, ok := dashboard.Get(m)
		if ok && v != "null" && v.Kind() != '[' {
			return "", board.Errorf(board.CodeInvalidValue, "%s of a Grafana dashboard is an array", m[1:]).At(im.base + string(m))
		}
	}
	if !has(dashboard, "/panels") && !has(dashboard, "/rows") && !has(dashboard, "/schemaVersion") {
		return "", board.Errorf(board.CodeInvalidValue, "this is no Grafana dashboard: it has neither panels nor rows; send what Grafana's export saves")
	}
	return dashboard, nil
}

// readPanels takes in an array of panels, those of a row right after it.
func (im *importer) readPanels(all []board.Value, base string, row *panel) *board.Error {
	for i, v := range all {
		p := &panel{json: v, path: fmt.Sprintf("%s/%d", base, i), index: i, row: row}
		if err := im.take(p); err != nil {
			return err
		}
		if !p.isRow {
			continue
		}
		if inner, _ := v.Get("/panels"); inner.Kind() == '[' {
			p.json = p.json.With("/panels", "[]")
			if err := im.readPanels(elements(inner), p.path+"/panels", p); err != nil {
				return err
			}
		}
	}
	return nil
}

// take adds one panel.
func (im *importer) take(p *panel) *board.Error {
	if !p.json.IsObject() {
		return board.Errorf(board.CodeInvalidValue, "a panel is an object").At(im.base + p.path)
	}
	json, mine, err := cutOurs(p.json)
	if err != nil {
		return board.Errorf(err.Code, "%s: %s", p.name(), err.Message).At(im.base + p.path + err.Path)
	}
	p.json, p.ours = json, mine
	p.isRow = p.row == nil && textAt(p.json, "/type") == "row"
	p.pos = readPos(p.json, p.isRow)
	if p.row != nil {
		p.row.nested = append(p.row.nested, p)
	}
	im.panels = append(im.panels, p)
	return nil
}

// name gives every panel its widget id.
func (im *importer) name() {
	slots := make([]slot, len(im.panels))
	for i, p := range im.panels {
		number, _ := p.json.Get("/id")
		slots[i] = slot{path: p.path, number: number, wish: p.ours.ID}
	}
	for i, id := range assignIDs(slots) {
		p := im.panels[i]
		p.id = id
		usual := numbered(slots[i].number)
		switch {
		case id == usual || id == p.ours.ID:
		case usual == "":
			im.notes.add("%s has no usable id and is now the widget %s.", capital(p.name()), id)
		default:
			im.notes.add("%s has an id that another panel has too and is now the widget %s.", capital(p.name()), id)
		}
	}
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// widget makes the widget of a panel that has its place.
func (p *panel) widget() (board.Value, *board.Error) {
	w := derive(p.json)
	if patch, err := p.ours.patch(); err == nil {
		w = w.Apply(patch)
	}
	// A widget of ours may have a config that is no object; it has no room for these.
	w = w.With("/config/grafana", p.json).With("/config/imported", encode(p.origin()))
	checked, err := board.ParseValue([]byte(w))
	if err != nil {
		path := strings.Replace(err.Path, "/config/grafana", "", 1)
		return "", board.Errorf(err.Code, "%s cannot be stored: %s", p.name(), err.Message).At(p.path + path)
	}
	return checked, nil
}

// settings keeps the dashboard's JSON and what our pages show of it.
func (im *importer) settings() (board.Value, *board.Error) {
	s := deriveSettings(im.dashboard)
	patch, err := readPatch(im.ours.Set, im.ours.Unset)
	if err != nil {
		return "", err.At(im.base + string(memberPointer) + err.Path)
	}
	s = s.Apply(patch).With("/grafana", im.dashboard)
	checked, err := board.ParseValue([]byte(s))
	if err != nil {
		return "", board.Errorf(err.Code, "the dashboard's settings cannot be stored: %s", err.Message).At(im.base + strings.TrimPrefix(err.Path, "/grafana"))
	}
	return checked, nil
}

// deriveSettings gives the settings that a dashboard amounts to, without its JSON.
func deriveSettings(dashboard board.Value) board.Value {
	s := board.Value("{}")
	for _, p := range []board.Pointer{"/title", "/description"} {
		if v, _ := dashboard.Get(p); v.Kind() == '"' && (v != `""` || p == "/title") {
			s = s.With(p, v)
		}
	}
	if tags, _ := dashboard.Get("/tags"); tags.Kind() == '[' {
		for _, t := range elements(tags) {
			if t.Kind() != '"' {
				return s
			}
		}
		s = s.With("/tags", tags)
	}
	return s
}

// mostBreakpoints bounds the layouts that our member may bring: each has a place for
// every widget.
const mostBreakpoints = 32

// layouts adds the other breakpoints that a document of ours had.
func (im *importer) layouts(main *board.Layout) (map[string]*board.Layout, *board.Error) {
	if n := len(im.ours.Layouts); n > mostBreakpoints {
		return nil, board.Errorf(board.CodeLimitExceeded, "the dashboard has %d more layouts and may have %d: remove some", n, mostBreakpoints).At(im.base + string(memberPointer) + "/layouts")
	}
	ids := make([]string, len(im.panels))
	for i, p := range im.panels {
		ids[i] = p.id
	}
	all := map[string]*board.Layout{board.MainBreakpoint: main}
	for name, raw := range im.ours.Layouts {
		at := im.base + string(memberPointer) + "/layouts" + string(board.JoinPointer("", name))
		if name == board.MainBreakpoint {
			continue
		}
		if err := board.CheckID("breakpoint", name); err != nil {
			return nil, err.At(at)
		}
		l, err := board.ParseLayout(board.Value(raw))
		if err != nil {
			return nil, err.At(at + err.Path)
		}
		all[name] = complete(l, ids).Normalise(nil)
	}
	return all, nil
}

// complete gives the layout with exactly these items; new ones go below in the usual
// size (L5).
func complete(l *board.Layout, ids []string) *board.Layout {
	items := make(map[string]board.Rect, len(ids))
	var missing []string
	for _, id := range ids {
		if r, ok := l.Items[id]; ok {
			items[id] = r
		} else {
			missing = append(missing, id)
		}
	}
	n := &board.Layout{Columns: max(l.Columns, 1), Compact: l.Compact, Items: items}
	y := n.Bottom()
	for _, id := range missing {
		r := (&board.Layout{Columns: n.Columns}).WithNew(id).Items[id]
		r.Y = y
		items[id] = r
		y += r.H
	}
	return n
}

// suggestID makes a dashboard id of the uid or the title.
func suggestID(uid, title string) string {
	if board.CheckID("dashboard", uid) == nil {
		return uid
	}
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() == 64 {
			break
		}
	}
	id := strings.Trim(b.String(), "-")
	if board.CheckID("dashboard", id) != nil {
		return "dashboard"
	}
	return id
}

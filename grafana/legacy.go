package grafana

import (
	"math"
	"strconv"
	"strings"

	"github.com/dashwire/dashwire/board"
)

// Before version 5 a dashboard had rows with panels in them; a panel had a span of
// twelve columns, a row a height. Grafana turns these into places once; the same is
// done here. The rows themselves are kept in the settings, without their panels.

// readRows takes in the rows of an old dashboard.
func (im *importer) readRows(rows []board.Value) *board.Error {
	var bare []board.Value
	for _, r := range rows {
		if !r.IsObject() {
			return board.Errorf(board.CodeInvalidValue, "a row is an object").At(im.base + "/rows/" + strconv.Itoa(len(bare)))
		}
		if panels, ok := r.Get("/panels"); ok && panels.Kind() == '[' {
			r = r.With("/panels", "[]")
		}
		bare = append(bare, r)
	}
	im.dashboard = im.dashboard.With("/rows", array(bare))
	shown := showsRows(bare)
	line := 0
	for i, r := range rows {
		var head *panel
		if shown {
			head = &panel{
				json: rowOf(bare[i]), path: "/rows/" + strconv.Itoa(i), legacy: i + 1,
				isRow: true, ours: ours{ID: "row-" + strconv.Itoa(i+1)},
				pos: gridPos{y: line, w: gridColumns, h: 1, known: true},
			}
			im.panels = append(im.panels, head)
			line++
		}
		var err *board.Error
		if line, err = im.readRow(r, i, line, head); err != nil {
			return err
		}
	}
	if len(rows) > 0 {
		im.notes.add("This dashboard was written before Grafana 5; its rows and spans became places on the grid. If anything is moved, it is exported in today's form.")
	}
	return nil
}

// readRow takes in the panels of one row, from a line on, and returns the line after.
func (im *importer) readRow(r board.Value, row, line int, head *panel) (int, *board.Error) {
	height := gridHeight(r)
	inner, _ := r.Get("/panels")
	folded, _ := r.Get("/collapse")
	x, y, tallest := 0, line, 0
	for i, v := range elements(inner) {
		p := &panel{json: v, path: "/rows/" + strconv.Itoa(row) + "/panels/" + strconv.Itoa(i), index: i, legacy: row + 1}
		if head != nil && folded == "true" {
			p.row = head
		}
		if err := im.take(p); err != nil {
			return 0, err
		}
		p.isRow = false
		p.pos = gridPos{w: gridSpan(p.json), h: height, known: true}
		if _, ok := p.json.Get("/height"); ok {
			p.pos.h = gridHeight(p.json)
		}
		if x+p.pos.w > gridColumns {
			x, y, tallest = 0, y+tallest, 0
		}
		p.pos.x, p.pos.y = x, y
		x += p.pos.w
		tallest = max(tallest, p.pos.h)
	}
	if head != nil && folded == "true" {
		return line, nil
	}
	return y + tallest, nil
}

// showsRows reports whether an old dashboard showed its rows at all; it then has a
// widget for each.
func showsRows(rows []board.Value) bool {
	for _, r := range rows {
		folded, _ := r.Get("/collapse")
		titled, _ := r.Get("/showTitle")
		repeat, _ := r.Get("/repeat")
		if folded == "true" || titled == "true" || repeat.Kind() == '"' {
			return true
		}
	}
	return false
}

// rowOf is the row panel that an old row amounts to.
func rowOf(r board.Value) board.Value {
	p := board.Value(`{"collapsed":false,"panels":[],"type":"row"}`)
	if folded, _ := r.Get("/collapse"); folded == "true" {
		p = p.With("/collapsed", "true")
	}
	for _, key := range []board.Pointer{"/title", "/repeat"} {
		if v, ok := r.Get(key); ok {
			p = p.With(key, v)
		}
	}
	return p
}

// What Grafana takes when it makes places of pixels and spans.
const (
	cellHeight  = 30 + 8 // pixels of a cell and the gap below it
	leastHeight = 90     // pixels of the lowest panel
	usualPixels = 250
	usualSpan   = 4 // of 12
)

// gridHeight is the height in cells of an old row or panel: 250, "250px".
func gridHeight(v board.Value) int {
	h, _ := v.Get("/height")
	pixels, ok := cells(h)
	if s, isText := text(h); isText {
		n, err := strconv.Atoi(strings.TrimSuffix(s, "px"))
		pixels, ok = n, err == nil
	}
	if !ok || pixels <= 0 {
		pixels = usualPixels
	}
	pixels = min(max(pixels, leastHeight), board.MaxHeight*cellHeight)
	return int(math.Ceil(float64(pixels) / cellHeight))
}

// gridSpan is the width in cells of an old panel.
func gridSpan(panel board.Value) int {
	v, _ := panel.Get("/span")
	span := 0.0
	if v.Kind() == '0' {
		span, _ = strconv.ParseFloat(string(v), 64)
	}
	if !(span > 0) {
		span = usualSpan
	}
	return min(max(int(math.Floor(min(span, 12)))*2, 1), gridColumns)
}

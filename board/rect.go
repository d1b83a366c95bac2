package board

import "strconv"

// The largest rectangle that may be asked for (L2). Normalising may push an item
// further down.
const (
	MaxY      = 100_000
	MaxHeight = 1_000
)

// AppendRect appends r as a canonical JSON object.
func AppendRect(dst []byte, r Rect) []byte {
	dst = append(dst, `{"h":`...)
	dst = strconv.AppendInt(dst, int64(r.H), 10)
	dst = append(dst, `,"static":`...)
	dst = strconv.AppendBool(dst, r.Static)
	dst = append(dst, `,"w":`...)
	dst = strconv.AppendInt(dst, int64(r.W), 10)
	dst = append(dst, `,"x":`...)
	dst = strconv.AppendInt(dst, int64(r.X), 10)
	dst = append(dst, `,"y":`...)
	dst = strconv.AppendInt(dst, int64(r.Y), 10)
	return append(dst, '}')
}

// ParseRect reads a rectangle that somebody asks for: x, y, w and h must be there,
// static may be, other members are ignored. The bounds of L2 hold; the error is
// CodeInvalidLayout.
func ParseRect(v Value) (Rect, *Error) {
	p, err := ParseRectPatch(v)
	if err != nil {
		return Rect{}, err
	}
	return p.whole()
}

// maxPlaced bounds the y and h of a rectangle that is read back, so that no sum of them
// overflows.
const maxPlaced = 1 << 30

// ParsePlacedRect reads a rectangle that was normalised before, from an entry, a
// snapshot or another document: like ParseRect, but y and h may be up to 2^30, since
// normalising stacks items as far down as it takes.
func ParsePlacedRect(v Value) (Rect, *Error) {
	p, err := parseRectPatch(v)
	if err != nil {
		return Rect{}, err
	}
	r, err := p.whole()
	if err == nil && (r.Y > maxPlaced || r.H > maxPlaced) {
		return Rect{}, Errorf(CodeInvalidLayout, "y and h go up to %d: place the item higher up", maxPlaced)
	}
	return r, err
}

// ParseRectPatch reads what a gesture changed of a rectangle (L1). Whole numbers only,
// however they are written (4 or 4.0); w, x and a negative y are clamped later.
func ParseRectPatch(v Value) (RectPatch, *Error) {
	p, err := parseRectPatch(v)
	switch {
	case err != nil:
		return RectPatch{}, err
	case p.Y != nil && *p.Y > MaxY:
		return RectPatch{}, Errorf(CodeInvalidLayout, "y is over %d: place the item higher up", MaxY).At("/y")
	case p.H != nil && *p.H > MaxHeight:
		return RectPatch{}, Errorf(CodeInvalidLayout, "h is over %d: make the item lower", MaxHeight).At("/h")
	}
	return p, nil
}

func parseRectPatch(v Value) (RectPatch, *Error) {
	var p RectPatch
	if !v.IsObject() {
		return p, Errorf(CodeInvalidLayout, "a rectangle is an object of x, y, w, h and static: send one")
	}
	var numbers [4]int
	for key, value := range v.Members() {
		var field **int
		slot := 0
		switch key {
		case "x":
			field = &p.X
		case "y":
			field, slot = &p.Y, 1
		case "w":
			field, slot = &p.W, 2
		case "h":
			field, slot = &p.H, 3
		case "static":
			if value != "true" && value != "false" {
				return p, Errorf(CodeInvalidLayout, "static is true or false: send one of them").At("/static")
			}
			static := value == "true"
			p.Static = &static
			continue
		default:
			continue
		}
		n, ok := 0, value.Kind() == '0'
		if ok {
			n, ok = parseInteger(string(value))
		}
		if !ok {
			return p, Errorf(CodeInvalidLayout, "%s is not a whole number of cells: send an integer", key).At("/" + key)
		}
		numbers[slot] = n
		*field = &numbers[slot]
	}
	return p, nil
}

// whole makes a rectangle of a patch that has all four numbers.
func (p RectPatch) whole() (Rect, *Error) {
	if p.X == nil || p.Y == nil || p.W == nil || p.H == nil {
		return Rect{}, Errorf(CodeInvalidLayout, "a rectangle needs x, y, w and h: send all four")
	}
	return p.On(Rect{}), nil
}

// On gives r with the patch applied: what is not in the patch stays (L1).
func (p RectPatch) On(r Rect) Rect {
	if p.X != nil {
		r.X = *p.X
	}
	if p.Y != nil {
		r.Y = *p.Y
	}
	if p.W != nil {
		r.W = *p.W
	}
	if p.H != nil {
		r.H = *p.H
	}
	if p.Static != nil {
		r.Static = *p.Static
	}
	return r
}

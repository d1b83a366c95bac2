package wire

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// decoder reads the members of one object; at is its name in refusals.
type decoder struct {
	at     string
	limits *Limits
}

// given reports whether an optional member is there; null counts as absent.
func given(v board.Value) bool { return v != "" && v != "null" }

// field is the name of a member in refusals.
func (d *decoder) field(name string) string { return d.at + "." + name }

// inside puts the name of a field before the pointer of a refusal.
func (d *decoder) inside(name string, e *board.Error) *board.Error {
	return e.At(d.field(name) + e.Path)
}

func (d *decoder) refuse(name string, code board.Code, format string, args ...any) *board.Error {
	return board.Errorf(code, format, args...).At(d.field(name))
}

// text reads a string.
func (d *decoder) text(name string, v board.Value) (string, *board.Error) {
	if s, ok := textOf(v); ok {
		return s, nil
	}
	return "", d.noString(name)
}

func (d *decoder) noString(name string) *board.Error {
	return d.refuse(name, board.CodeInvalidValue, "%s is no string: send one", name)
}

// id reads an id (D2); kind is for the message.
func (d *decoder) id(name, kind string, v board.Value) (string, *board.Error) {
	s, err := d.idIn(name, kind, v)
	return strings.Clone(s), err
}

// idIn is id for who holds on to the message, or gives the id text of its own later.
func (d *decoder) idIn(name, kind string, v board.Value) (string, *board.Error) {
	if !given(v) {
		return "", d.refuse(name, board.CodeInvalidID, "%s is missing: send the %s's id", name, kind)
	}
	s, ok := textIn(v)
	if !ok {
		return "", d.refuse(name, board.CodeInvalidID, "%s is no string: send the %s's id", name, kind)
	}
	if err := board.CheckID(kind, s); err != nil {
		return "", err.At(d.field(name))
	}
	return s, nil
}

// flag reads a boolean; absent is false.
func (d *decoder) flag(name string, v board.Value) (bool, *board.Error) {
	switch v {
	case "true":
		return true, nil
	case "false", "", "null":
		return false, nil
	}
	return false, d.refuse(name, board.CodeInvalidValue, "%s is true or false: send one of them", name)
}

// version reads a version (M2).
func (d *decoder) version(name string, v board.Value) (uint64, *board.Error) {
	n, err := strconv.ParseUint(string(v), 10, 64)
	if err != nil || n > maxVersion {
		return 0, d.refuse(name, board.CodeBadVersion, "%s is a version: send a whole number from 0 to 2^53-1 without a fraction", name)
	}
	return n, nil
}

// epochIn reads an epoch: any short string, "" for a dashboard that is not there yet (R6).
// It is a part of v.
func (d *decoder) epochIn(name string, v board.Value) (string, *board.Error) {
	s, ok := textIn(v)
	if !ok || len(s) > board.MaxID {
		return "", d.refuse(name, board.CodeBadVersion, "%s is the epoch that the server told: send it back as it came", name)
	}
	return s, nil
}

// stored checks a value that is to be kept tokens deep in a widget or the settings
// (D4). The text is canonical already.
func (d *decoder) stored(name string, v board.Value, tokens int) *board.Error {
	switch v.Kind() {
	case '{', '[', '0':
		if v.Kind() != '0' && tokens >= board.MaxDepth {
			return d.refuse(name, board.CodeInvalidValue, "the nesting is deeper than %d: flatten it", board.MaxDepth).Over(board.LimitDepth)
		}
		if err := checkStored(v, board.MaxDepth-tokens); err != nil {
			return d.inside(name, err)
		}
	}
	return nil
}

// checkStored holds canonical text against D4.
func checkStored(v board.Value, depth int) *board.Error {
	if v.Kind() == '0' && len(v) <= 64 {
		return nil
	}
	err := jsontext.Check([]byte(v), jsontext.Limits{Depth: max(depth, 1)})
	if err == nil {
		return nil
	}
	bad := malformed(err)
	bad.Code = board.CodeInvalidValue
	if e, ok := err.(*jsontext.Error); ok {
		bad.Path = e.Path
	}
	return bad
}

// set reads the object from pointer to value, sorted by pointer (E6), into dst, which is
// empty.
func (d *decoder) set(name string, f *opFields, dst []board.Assignment) ([]board.Assignment, *board.Error) {
	if !given(f.set) {
		return nil, nil
	}
	if !f.set.IsObject() {
		return nil, d.refuse(name, board.CodeInvalidValue, "%s is an object from JSON Pointer to value: send {\"/title\": …}", name)
	}
	var err *board.Error
	if f.setParts != nil {
		for i := range f.setParts {
			m := &f.setParts[i]
			if dst, err = d.assign(dst, name, m.Key(f.text), board.Value(m.Value(f.text)), m); err != nil {
				return nil, err
			}
		}
	} else {
		for key, value := range f.set.Members() {
			if dst, err = d.assign(dst, name, key, value, nil); err != nil {
				return nil, err
			}
		}
	}
	if len(dst) == 0 {
		return nil, nil
	}
	for i := range dst[1:] { // the order of members is seldom another
		if dst[i].Path > dst[i+1].Path {
			slices.SortFunc(dst, func(a, b board.Assignment) int { return strings.Compare(string(a.Path), string(b.Path)) })
			break
		}
	}
	return dst, nil
}

// assign appends what one member of set says; m is nil unless set was taken apart.
func (d *decoder) assign(dst []board.Assignment, name, key string, value board.Value, m *jsontext.Member) ([]board.Assignment, *board.Error) {
	p, err := board.ParsePointer(key)
	if err != nil {
		return nil, d.inside(name, err)
	}
	if m == nil || !storable(m, p.Len()) {
		if err := d.stored(name+key, value, p.Len()); err != nil {
			return nil, err
		}
	}
	return append(dst, board.Assignment{Path: p, Value: value}), nil
}

// storable tells that rule D4 has nothing against a value that is to be kept tokens deep;
// if not, stored tells what.
func storable(m *jsontext.Member, tokens int) bool {
	depth, clean := m.Nests()
	return clean && tokens+depth <= board.MaxDepth
}

// unset reads the array of pointers, sorted (E6).
func (d *decoder) unset(name string, v board.Value) ([]board.Pointer, *board.Error) {
	if !given(v) {
		return nil, nil
	}
	elements := membersOf([]byte(v), '[')
	var unset []board.Pointer
	for raw, ok := elements.element(); ok; raw, ok = elements.element() {
		s, isText := unquote(raw)
		if !isText {
			return nil, d.refuse(name, board.CodeInvalidValue, "%s holds something that is no string: send JSON Pointers", name)
		}
		p, err := board.ParsePointer(s)
		if err != nil {
			return nil, d.inside(name, err)
		}
		unset = append(unset, p)
	}
	if elements.broken {
		return nil, d.refuse(name, board.CodeInvalidValue, "%s is an array of JSON Pointers: send [\"/title\"]", name)
	}
	slices.Sort(unset)
	return unset, nil
}

// prev reads the values that the user saw (M3, M12); "" is the whole widget, which a
// deletion is held against (M13). They are compared and never stored.
func (d *decoder) prev(name string, v board.Value) (map[board.Pointer]board.Value, *board.Error) {
	if !given(v) {
		return nil, nil
	}
	if !v.IsObject() {
		return nil, d.refuse(name, board.CodeInvalidValue, "%s is an object from JSON Pointer to the value seen: send {\"/title\": …}", name)
	}
	prev := make(map[board.Pointer]board.Value)
	for key, value := range v.Members() {
		if key == "" {
			prev[""] = value
			continue
		}
		p, err := board.ParsePointer(key)
		if err != nil {
			return nil, d.inside(name, err)
		}
		prev[p] = value
	}
	return prev, nil
}

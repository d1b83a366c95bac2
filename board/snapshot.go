package board

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The numbers of the snapshot layouts that this build reads. It writes the second.
const (
	formatListed = "1" // with the op ids themselves
	formatMarked = "2" // with marks of them
)

// AppendSnapshot appends the state as one canonical JSON object: the same bytes on
// every node that has folded the same log (D6). Of op ids it has marks. Authors stand
// once, in a list, and stamps name them by their place in it: [version, time, author],
// before it the path of a clock; -1 is nobody.
func (s *State) AppendSnapshot(dst []byte) []byte {
	authors := s.authors()
	dst = slices.Grow(dst, s.Size()+authors.clocks+markSize*int(s.version-s.horizon)+4096)
	dst = append(dst, `{"authors":[`...)
	for i, a := range authors.list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(append(dst, '['), a.UserID), ',')
		dst = append(appendQuoted(dst, a.ClientID), ']')
	}
	dst = s.committed.appendMarks(append(dst, `],"committed":"`...), s.horizon, s.version)
	dst = append(dst, '"')
	if s.deleted {
		dst = strconv.AppendInt(append(dst, `,"deleted":`...), s.deletedAt, 10)
	}
	dst = appendQuoted(append(dst, `,"epoch":`...), s.epoch)
	dst = append(dst, `,"format":`+formatMarked...)
	dst = strconv.AppendUint(append(dst, `,"horizon":`...), s.horizon, 10)
	dst = appendQuoted(append(dst, `,"id":`...), s.id)
	dst = append(dst, `,"layouts":{`...)
	comma := false
	for name, l := range s.layouts.all() {
		dst = l.append(appendKey(dst, &comma, name))
	}
	dst = strconv.AppendUint(append(dst, `},"position":`...), s.position, 10)
	dst = authors.appendPart(append(dst, `,"settings":`...), s.settings)
	dst = append(dst, `,"tombstones":{`...)
	comma = false
	for id, t := range s.tombstones.all() {
		dst = append(authors.appendStamp(append(appendKey(dst, &comma, id), '['), t), ']')
	}
	dst = strconv.AppendUint(append(dst, `},"version":`...), s.version, 10)
	dst = append(dst, `,"widgets":{`...)
	comma = false
	for id, w := range s.widgets.all() {
		dst = authors.appendPart(appendKey(dst, &comma, id), w)
	}
	dst = strconv.AppendUint(append(dst, `},"window":`...), s.window, 10)
	return append(dst, '}')
}

// authorList gives each author of a state a place, in the order of appearance.
type authorList struct {
	list  []Author
	place map[Author]int
	// clocks is about how many bytes the clocks and what is around them take.
	clocks int
}

func (s *State) authors() *authorList {
	l := &authorList{place: map[Author]int{{}: -1}}
	l.addAll(s.settings.clocks)
	for _, t := range s.tombstones.all() {
		l.add(t.author)
	}
	for _, w := range s.widgets.all() {
		l.addAll(w.clocks)
	}
	return l
}

func (l *authorList) addAll(c clocks) {
	const part, clock = len(`{"clocks":[],"value":}`), len(`["",,1700000000000,],`) + 16
	l.clocks += part
	for i := range c {
		l.clocks += clock + len(c[i].path)
		l.add(c[i].author)
	}
}

func (l *authorList) add(a Author) {
	if _, ok := l.place[a]; !ok {
		l.place[a] = len(l.list)
		l.list = append(l.list, a)
	}
}

func (l *authorList) appendStamp(dst []byte, s stamp) []byte {
	dst = append(strconv.AppendUint(dst, s.version, 10), ',')
	dst = append(strconv.AppendInt(dst, s.at, 10), ',')
	return strconv.AppendInt(dst, int64(l.place[s.author]), 10)
}

func (l *authorList) appendPart(dst []byte, p part) []byte {
	dst = append(dst, `{"clocks":[`...)
	for i := range p.clocks {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(append(dst, '['), string(p.clocks[i].path)), ',')
		dst = append(l.appendStamp(dst, p.clocks[i].stamp), ']')
	}
	dst = append(dst, `],"value":`...)
	dst = append(dst, p.value...)
	return append(dst, '}')
}

// ParseSnapshot reads what AppendSnapshot wrote. The error is ErrFormat, or says what
// is damaged.
func ParseSnapshot(data []byte) (*State, error) {
	r := snapshotReader{}
	s := r.state(data)
	switch {
	case r.format != "" && r.format != formatListed && r.format != formatMarked:
		return nil, fmt.Errorf("snapshot of format %.20s: %w", r.format, ErrFormat)
	case r.err == nil:
		r.complete(s)
	}
	switch {
	case r.err != nil:
		return nil, fmt.Errorf("board: damaged snapshot: %w", r.err)
	case s.id == "" || !s.settings.value.IsObject() || (s.epoch == "") != (s.version == 0):
		return nil, errors.New("board: damaged snapshot: it is not whole")
	}
	if main, ok := s.layouts.get(MainBreakpoint); !ok || main == nil {
		return nil, errors.New("board: damaged snapshot: it has no main layout")
	}
	return s, nil
}

type snapshotReader struct {
	reader
	format  Value // as it stands there
	authors []Author
	marks   string // of op ids; "" = there are none, or ids
}

// complete holds the op ids against the rest: there is one of each version after the
// horizon, else a repeated op could be taken for a new one.
func (r *snapshotReader) complete(s *State) {
	count, ok := uint64(0), true
	if r.format == formatListed {
		for _, run := range s.committed.runs {
			for _, b := range run.blocks {
				count += uint64(len(b.items))
				for i := range b.items {
					at := b.commit(i).version
					ok = ok && at > s.horizon && at <= s.version
				}
			}
		}
		ok = ok && r.marks == ""
	} else {
		count = uint64(len(r.marks) / markSize)
		s.committed.marks, ok = newMarks(r.marks, s.horizon)
		ok = ok && s.committed.runs == nil
	}
	if !ok || s.horizon > s.version || count != s.version-s.horizon {
		r.fail("committed", "is not of the versions after the horizon")
	}
}

// state reads member by member, each held against JSON's grammar before it is looked
// into: but for the op ids, where reading is checking.
func (r *snapshotReader) state(data []byte) *State {
	s := &State{frame: &frame{}}
	text, last := string(data), ""
	i := 0
	for sign := byte('{'); i < len(text) && text[i] == sign; sign = ',' {
		key, value, ok := memberAt(text, i+1)
		if !ok || text[value-1] != ':' {
			break
		}
		if key <= last {
			r.fail(key, "is not in order")
		}
		last = key
		end := -1
		if key == "committed" {
			end = r.committedAt(s, key, text, value)
		}
		if end < 0 {
			end = endOfValue(text, value)
			if err := checkStored(data[value:end]); err != nil {
				r.fail(key, "is damaged: "+err.Error())
			} else {
				r.member(s, key, Value(text[value:end]))
			}
		}
		i = end
	}
	if i != len(text)-1 || text[i] != '}' {
		r.fail(last, "does not end where it should")
	}
	return s
}

// committedAt reads the op ids, which begin at an index, and returns where they end, -1 if
// they are none. Marks are looked at when all is read.
func (r *snapshotReader) committedAt(s *State, key, text string, at int) (end int) {
	if at < len(text) && text[at] == '[' {
		s.committed, end = r.listedAt(key, text, at)
		return end
	}
	if at == len(text) || text[at] != '"' {
		r.fail(key, "is damaged")
		return -1
	}
	n := strings.IndexByte(text[at+1:], '"')
	if n < 0 {
		return -1
	}
	r.marks = text[at+1 : at+1+n]
	return at + n + 2
}

func (r *snapshotReader) member(s *State, key string, v Value) {
	switch key {
	case "authors":
		for item := range r.items(key, v) {
			if pair := r.strings(key, item); len(pair) == 2 {
				r.authors = append(r.authors, Author{UserID: pair[0], ClientID: pair[1]})
			} else {
				r.fail(key, "has no pair")
			}
		}
	case "deleted":
		s.deleted, s.deletedAt = true, r.int(key, v)
	case "epoch":
		s.epoch = r.string(key, v)
	case "format":
		r.format = v
	case "horizon":
		s.horizon = r.uint(key, v)
	case "id":
		s.id = r.string(key, v)
	case "layouts":
		for name, v := range v.Members() {
			l, err := ParseLayout(v)
			if err != nil {
				r.fail(key, "is damaged: "+err.Error())
				continue
			}
			s.putLayout(name, placementOf(l))
		}
	case "position":
		s.position = r.uint(key, v)
	case "settings":
		s.settings = r.part(key, v)
		s.own = ownLimitsOf(s.settings.value)
	case "tombstones":
		keys, stamps := []string(nil), []stamp(nil)
		for id, v := range v.Members() {
			var fields [3]Value
			r.tuple(key, v, fields[:])
			keys, stamps = append(keys, id), append(stamps, r.stamp(key, fields))
		}
		s.tombstones = r.sorted(key, keys, stamps)
	case "version":
		s.version = r.uint(key, v)
	case "widgets":
		r.widgets(v, s)
	case "window":
		s.window = r.uint(key, v)
	}
}

func (r *snapshotReader) widgets(v Value, s *State) {
	var ids []string
	var parts []part
	for id, v := range v.Members() {
		w := r.part(id, v)
		if !w.value.IsObject() {
			r.fail(id, "is no widget")
			return
		}
		ids, parts = append(ids, id), append(parts, w)
		s.widgetBytes += memberSize(id, len(w.value))
	}
	if !slices.IsSorted(ids) {
		r.fail("widgets", "is not in order")
	}
	s.widgets = pmapOf(ids, parts)
}

// sorted builds a map of stamps, which must come in order.
func (r *snapshotReader) sorted(key string, keys []string, stamps []stamp) pmap[stamp] {
	if !slices.IsSorted(keys) {
		r.fail(key, "is not in order")
	}
	return pmapOf(keys, stamps)
}

func (r *snapshotReader) part(key string, v Value) part {
	var p part
	for name, v := range v.Members() {
		switch name {
		case "clocks":
			for item := range r.items(key, v) {
				var fields [4]Value
				r.tuple(key, item, fields[:])
				p.clocks = append(p.clocks, clock{
					path:  Pointer(fields[0].text()),
					stamp: r.stamp(key, [3]Value(fields[1:])),
				})
			}
		case "value":
			p.value = v
		}
	}
	if len(p.clocks) == 0 || p.clocks[0].path != "" {
		r.fail(key, "has no creation clock")
	}
	return p
}

// stamp reads version, time and the author's place.
func (r *snapshotReader) stamp(key string, fields [3]Value) stamp {
	s := stamp{version: r.uint(key, fields[0]), at: r.int(key, fields[1])}
	switch i := r.int(key, fields[2]); {
	case i == -1:
	case i >= 0 && i < int64(len(r.authors)):
		s.author = r.authors[i]
	default:
		r.fail(key, "names no author")
	}
	return s
}

// tuple reads an array of exactly len(into) items.
func (r *snapshotReader) tuple(key string, v Value, into []Value) {
	n, i := 0, 1
	if v.Kind() == '[' {
		for ; n < len(into) && i < len(v) && v[i] != ']'; n++ {
			from := i
			i = endOfValue(string(v), from)
			into[n] = v[from:i]
			if i < len(v) && v[i] == ',' {
				i++
			}
		}
	}
	if n != len(into) || i != len(v)-1 {
		r.fail(key, "has a list of another length")
	}
}

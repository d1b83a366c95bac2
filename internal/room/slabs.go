package room

const (
	slabMin = 2 << 10
	slabMax = 64 << 10
)

// slabs are memory for pieces of text that come one by one and mostly leave in the same order:
// few large objects without pointers, where the pieces themselves would be many small ones for
// the collector of garbage to walk. A slab is only ever appended to, and left to the collector once
// all of its pieces are dropped, so a slice handed out stays valid.
type slabs struct {
	list  []slab // the newest last
	first uint32 // the number of list[0]
}

type slab struct {
	text []byte
	used int // pieces that are not dropped
}

// piece is where a text lies; the zero value is none.
type piece struct{ slab, start, end uint32 }

func (p piece) len() int { return int(p.end - p.start) }

// room returns the newest slab, which has room for at least need bytes more.
func (s *slabs) room(need int) []byte {
	last := len(s.list) - 1
	if last < 0 || cap(s.list[last].text)-len(s.list[last].text) < need {
		size := slabMin
		if last >= 0 {
			size = max(slabMin, min(slabMax, 2*cap(s.list[last].text)))
		}
		s.list = append(s.list, slab{text: make([]byte, 0, max(need, size))})
		last++
	}
	return s.list[last].text
}

// keep makes a piece of what was appended to the newest slab, which is text now.
func (s *slabs) keep(text []byte) piece {
	last := &s.list[len(s.list)-1]
	start := len(last.text)
	if len(text) == start {
		return piece{}
	}
	last.text = text
	last.used++
	return piece{slab: s.first + uint32(len(s.list)) - 1, start: uint32(start), end: uint32(len(text))}
}

// text is a piece that is not dropped.
func (s *slabs) text(p piece) []byte {
	if p == (piece{}) {
		return nil
	}
	return s.list[p.slab-s.first].text[p.start:p.end:p.end]
}

// span is all from the beginning of one piece to the end of another in the same slab.
func (s *slabs) span(from, to piece) []byte {
	return s.list[from.slab-s.first].text[from.start:to.end:to.end]
}

// precede puts other slabs before these, and returns what is to be added to the numbers in their pieces.
func (s *slabs) precede(before slabs) (shift uint32) {
	shift = s.first - uint32(len(before.list)) - before.first
	s.first -= uint32(len(before.list))
	s.list = append(before.list, s.list...)
	return shift
}

// drop forgets a piece.
func (s *slabs) drop(p piece) {
	if p == (piece{}) {
		return
	}
	at := p.slab - s.first
	if s.list[at].used--; s.list[at].used > 0 || int(at) == len(s.list)-1 {
		return
	}
	s.list[at].text = nil
	gone := 0
	for gone < len(s.list)-1 && s.list[gone].used == 0 {
		gone++
	}
	n := copy(s.list, s.list[gone:])
	clear(s.list[n:])
	s.list, s.first = s.list[:n], s.first+uint32(gone)
}

package board

import (
	"crypto/sha256"
	"encoding/base64"
)

// markSize is the length of a mark, 48 bits in base64.
const markSize = 8

// noMark stands where an op id is not known.
const noMark = "AAAAAAAA"

// opMarks are the op ids of successive versions as a snapshot tells them: a mark of each,
// which is a hash. A mark says as which version an op may have been committed, and the
// entry of that version whether it was (M8): so opening a dashboard reads no op ids. The
// text is a part of the snapshot's, and nothing changes.
type opMarks struct {
	text   string
	before uint64   // the first mark is of the version after this
	filter []uint64 // a Bloom filter of the marks
}

// newMarks takes over the marks of the versions after one, or reports that they are none.
func newMarks(text string, before uint64) (m *opMarks, ok bool) {
	if len(text)%markSize != 0 {
		return nil, false
	}
	m = &opMarks{text: text, before: before, filter: make([]uint64, len(text)/markSize/4+1)}
	bad := uint8(0)
	for ; text != ""; text = text[markSize:] {
		c := text[:markSize]
		bad |= noBase64[c[0]] | noBase64[c[1]] | noBase64[c[2]] | noBase64[c[3]] |
			noBase64[c[4]] | noBase64[c[5]] | noBase64[c[6]] | noBase64[c[7]]
		at, bits := place(m.filter, markHash(word(c, 0)))
		*at |= bits
	}
	return m, bad == 0
}

// noBase64 is not 0 for what no mark consists of.
var noBase64 = func() (set [256]uint8) {
	for c := range set {
		set[c] = 1
	}
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		set[c] = 0
	}
	return set
}()

func markHash(mark uint64) uint32 { return uint32(mark * 0x9E3779B97F4A7C15 >> 32) }

// last is the version of the last mark, 0 if there are none.
func (m *opMarks) last() uint64 {
	if m == nil {
		return 0
	}
	return m.before + uint64(len(m.text)/markSize)
}

// versions lists those after the horizon whose op may be this one, the newest first.
func (m *opMarks) versions(userID, opID string, horizon uint64) (list []uint64) {
	if m == nil {
		return nil
	}
	var buf [64]byte
	mark := markOf(appendOpKey(buf[:0], userID, opID))
	want := word(string(mark[:]), 0)
	if at, bits := place(m.filter, markHash(want)); *at&bits != bits {
		return nil
	}
	for i := len(m.text) - markSize; i >= 0; i -= markSize {
		version := m.before + uint64(i/markSize) + 1
		if version <= horizon {
			break
		}
		if word(m.text, i) == want {
			list = append(list, version)
		}
	}
	return list
}

// markOf hashes an opKey so that nobody can make many keys with one mark, of which each
// would have to be looked up in the log.
func markOf(key []byte) (mark [markSize]byte) {
	sum := sha256.Sum256(key)
	base64.RawURLEncoding.Encode(mark[:], sum[:markSize*6/8])
	return mark
}

// appendMarks appends the marks of the versions after the horizon up to the last.
func (m *opIDs) appendMarks(dst []byte, horizon, last uint64) []byte {
	from := len(dst)
	for range last - horizon {
		dst = append(dst, noMark...)
	}
	marks := dst[from:]
	if old := m.marks; old.last() > horizon {
		copy(marks, old.text[markSize*(horizon-old.before):])
	}
	var buf [64]byte
	for n := m.newest; n != nil; n = n.next {
		m.putMark(marks, horizon, appendOpKey(buf[:0], n.userID, n.opID), n.version)
	}
	for i := range m.runs {
		for _, b := range m.runs[i].blocks {
			for k := range b.items {
				m.putMark(marks, horizon, append(buf[:0], b.key(k)...), b.commit(k).version)
			}
		}
	}
	return dst
}

func (m *opIDs) putMark(marks []byte, horizon uint64, key []byte, version uint64) {
	if version > horizon {
		mark := markOf(key)
		copy(marks[markSize*(version-horizon-1):], mark[:])
	}
}

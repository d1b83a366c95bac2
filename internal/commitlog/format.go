package commitlog

import (
	"encoding/binary"
	"hash/crc32"
	"hash/fnv"
)

const (
	magic       = "DWlog1\r\n"
	segmentHead = 40
	frameHead   = 32

	// maxPayload is the most bytes of one commit.
	maxPayload = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// ownerMark is what stands for an owner's name in the segments.
func ownerMark(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	return h.Sum64()
}

func align(n int) int { return (n + 7) &^ 7 }

// head is how a segment begins.
type head struct {
	salt, first, owner uint64
}

func (h head) put(b []byte) {
	copy(b, magic)
	binary.LittleEndian.PutUint64(b[8:], h.salt)
	binary.LittleEndian.PutUint64(b[16:], h.first)
	binary.LittleEndian.PutUint64(b[24:], h.owner)
	binary.LittleEndian.PutUint32(b[32:], checksum(b[:32]))
	binary.LittleEndian.PutUint32(b[36:], 0)
}

// readHead reports false for a segment that was never used, or whose first use a crash
// has cut short.
func readHead(b []byte) (h head, ok bool) {
	if len(b) < segmentHead || string(b[:8]) != magic || checksum(b[:32]) != binary.LittleEndian.Uint32(b[32:]) {
		return head{}, false
	}
	h = head{
		salt:  binary.LittleEndian.Uint64(b[8:]),
		first: binary.LittleEndian.Uint64(b[16:]),
		owner: binary.LittleEndian.Uint64(b[24:]),
	}
	return h, h.first > 0
}

// putFrameHead writes the head of a frame before its payload: b is both.
func putFrameHead(b []byte, sequence, salt uint64) {
	payload := b[frameHead:]
	binary.LittleEndian.PutUint32(b[4:], checksum(payload))
	binary.LittleEndian.PutUint64(b[8:], sequence)
	binary.LittleEndian.PutUint64(b[16:], salt)
	binary.LittleEndian.PutUint32(b[24:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(b[28:], 0)
	binary.LittleEndian.PutUint32(b, checksum(b[4:frameHead]))
}

// frame is one that was read.
type frame struct {
	sequence uint64
	payload  []byte
	whole    bool // its checksum is right
	next     int  // where the next one begins
}

// readFrame reads the frame at an offset; ok is false where none of this use of the
// segment begins.
func readFrame(b []byte, at int, salt uint64) (f frame, ok bool) {
	if at+frameHead > len(b) {
		return frame{}, false
	}
	h := b[at : at+frameHead]
	n := int(binary.LittleEndian.Uint32(h[24:]))
	if binary.LittleEndian.Uint64(h[16:]) != salt || binary.LittleEndian.Uint32(h) != checksum(h[4:]) || n > len(b)-at-frameHead {
		return frame{}, false
	}
	f.sequence = binary.LittleEndian.Uint64(h[8:])
	f.payload = b[at+frameHead : at+frameHead+n : at+frameHead+n]
	f.whole = checksum(f.payload) == binary.LittleEndian.Uint32(h[4:])
	f.next = at + align(frameHead+n)
	return f, true
}

// later reports whether a frame after a sequence number begins at an offset or
// behind it.
func later(b []byte, at int, salt, after uint64) bool {
	for ; at+frameHead <= len(b); at += 8 {
		if f, ok := readFrame(b, at, salt); ok && f.whole && f.sequence > after {
			return true
		}
	}
	return false
}

// orphan returns the sequence number of a commit after another one in a segment whose head
// cannot be read, 0 if there is none. A head is written together with its first frame, which a
// torn write leaves no good either, and what an earlier use has left is released.
func orphan(b []byte, after uint64) uint64 {
	for at := segmentHead; at+frameHead <= len(b); at += 8 {
		if binary.LittleEndian.Uint64(b[at+8:]) <= after {
			continue // zeros, most of the time
		}
		if f, ok := readFrame(b, at, binary.LittleEndian.Uint64(b[at+16:])); ok && f.whole {
			return f.sequence
		}
	}
	return 0
}

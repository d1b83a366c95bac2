package wire

import (
	"bytes"
	"encoding/binary"
	"time"
)

// What is here writes SYNC_ENTRIES (R10): entries of one dashboard that follow each other
// in one message, which leaves out what an entry shares with the one before it. Entries
// come as their envelopes (E7), which board encodes with the members always in one order.

// AppendFollowing appends an entry as SYNC_ENTRIES has it behind the entry before it, from
// the comma on. It appends nothing if one of the envelopes has its members in another
// order, as one may that another build has written.
func AppendFollowing(dst, before, envelope []byte) []byte {
	b, ok := partsOf(before)
	if !ok {
		return dst
	}
	e, ok := partsOf(envelope)
	if !ok {
		return dst
	}
	return appendEntry(append(dst, ','), &e, &b)
}

// entriesHead is the room that BeginEntries leaves for the header of a frame. Its payload
// has more than 125 bytes, as that of every SYNC_ENTRIES, and at most 65,535.
const (
	entriesHead = 4
	entriesMax  = entriesHead + 0xffff
	entriesEnd  = "]}}"
)

// BeginEntries begins a frame with a SYNC_ENTRIES in dst, which is empty, up to its first
// entry, whose envelope is given. What AppendFollowing made of the next ones is appended
// to it, and EndEntries ends it. It reports false under the same condition.
func BeginEntries(dst []byte, dashboardID, epoch string, first []byte, now time.Time) ([]byte, bool) {
	e, ok := partsOf(first)
	if !ok {
		return dst, false
	}
	dst = append(dst, textFrame, 126, 0, 0)
	dst = open(dst, TypeSyncEntries, "", now)
	dst = stringMember(dst, "dashboardId", dashboardID)
	dst = stringMember(dst, "epoch", epoch)
	return appendEntry(append(member(dst, "entries"), '['), &e, &entryParts{}), true
}

// EntriesFit tells whether a frame that was begun, with so many bytes more before its end,
// takes at most maxBytes.
func EntriesFit(frame []byte, more, maxBytes int) bool {
	return len(frame)+more+len(entriesEnd) <= min(maxBytes, entriesMax)
}

// EndEntries ends a frame.
func EndEntries(frame []byte) []byte {
	frame = append(frame, entriesEnd...)
	binary.BigEndian.PutUint16(frame[2:], uint16(len(frame)-entriesHead))
	return frame
}

// entryParts are the members of an entry's envelope as text.
type entryParts struct {
	kind, id, timestamp, userID, version, clientID []byte
	// rest is what stands behind the author: from the comma before "change" to the
	// bracket that ends the payload.
	rest []byte
}

func appendEntry(dst []byte, e, before *entryParts) []byte {
	dst = append(append(dst, `{"version":`...), e.version...)
	dst = appendOther(dst, `,"type":`, e.kind, before.kind)
	dst = appendOther(dst, `,"timestamp":`, e.timestamp, before.timestamp)
	dst = appendOther(dst, `,"userId":`, e.userID, before.userID)
	dst = appendOther(dst, `,"clientId":`, e.clientID, before.clientID)
	dst = append(append(dst, `,"id":`...), e.id...)
	return append(dst, e.rest...)
}

func appendOther(dst []byte, key string, value, before []byte) []byte {
	if bytes.Equal(value, before) {
		return dst
	}
	return append(append(dst, key...), value...)
}

// partsOf takes an envelope apart.
func partsOf(envelope []byte) (p entryParts, ok bool) {
	t := taker{rest: envelope}
	p.kind = t.value(`{"type":`)
	p.id = t.value(`,"id":`)
	p.timestamp = t.value(`,"timestamp":`)
	p.userID = t.value(`,"userId":`)
	t.value(`,"payload":{"dashboardId":`)
	t.value(`,"epoch":`)
	p.version = t.value(`,"version":`)
	author := t.value(`,"author":{"userId":`)
	p.clientID = t.value(`,"clientId":`)
	if t.failed || !bytes.HasPrefix(t.rest, []byte(`},"change":`)) || !bytes.HasSuffix(t.rest, []byte("}}")) || !bytes.Equal(author, p.userID) {
		return p, false
	}
	p.rest = t.rest[1 : len(t.rest)-1]
	return p, true
}

// taker takes members of canonical JSON one after another.
type taker struct {
	rest   []byte
	failed bool
}

// value takes a key, with what stands before it, and its value: a string, a number or null.
func (t *taker) value(key string) []byte {
	if t.failed || len(t.rest) < len(key) || string(t.rest[:len(key)]) != key {
		t.failed = true
		return nil
	}
	end := skipValue(t.rest, len(key))
	if end <= len(key) {
		t.failed = true
		return nil
	}
	v := t.rest[len(key):end]
	t.rest = t.rest[end:]
	return v
}

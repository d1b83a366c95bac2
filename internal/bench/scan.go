package bench

import (
	"bytes"
	"strconv"
)

// What a reader looks for in a message. The server writes type first, and dashboardId,
// epoch, from and version first in the payload.
var (
	typeKey    = []byte(`{"type":"`)
	versionKey = []byte(`"version":`)
	fromKey    = []byte(`"from":`)
	idKey      = []byte(`"correlationId":"`)
	stampKey   = []byte(`"/sent":`)
	epochKey   = []byte(`"epoch":"`)
	deltaMode  = []byte(`"mode":"delta"`)
	// retryableKey is in a NACK of an op that may be sent again.
	retryableKey = []byte(`"retryable":true`)
	partKey      = []byte(`,"part":`)
	partsKey     = []byte(`,"parts":`)
	// documentKey begins the document of a SYNC_RESPONSE.
	documentKey = []byte(`,"document":`)
	// nextKey begins each entry of a SYNC_ENTRIES.
	nextKey = []byte(`{"version":`)
)

// kind tells messages apart as far as a load generator needs.
type kind int

const (
	otherKind  kind = iota
	entryKind       // one version
	joinedKind      // SYNC_ENTRIES
	rangeKind       // SYNC_UPDATE
	syncKind        // SYNC_RESPONSE
	ackKind
	nackKind
	conflictKind
	connectKind
	byeKind
	dataKind // WIDGET_DATA
)

func kindOf(message []byte) kind {
	if len(message) < len(typeKey)+4 || !bytes.Equal(message[:len(typeKey)], typeKey) {
		return otherKind
	}
	rest := message[len(typeKey):]
	switch rest[0] {
	case 'W', 'L', 'D':
		switch {
		case bytes.HasPrefix(rest, []byte(`WIDGET_DATA"`)):
			return dataKind
		case bytes.HasPrefix(rest, []byte(`DISCONNECT"`)):
			return byeKind
		}
		return entryKind
	case 'A':
		if bytes.HasPrefix(rest, []byte(`ACK"`)) {
			return ackKind
		}
	case 'N':
		return nackKind
	case 'S':
		switch {
		case bytes.HasPrefix(rest, []byte(`SYNC_UPDATE"`)):
			return rangeKind
		case bytes.HasPrefix(rest, []byte(`SYNC_ENTRIES"`)):
			return joinedKind
		}
		return syncKind
	case 'C':
		switch {
		case bytes.HasPrefix(rest, []byte(`CONNECT"`)):
			return connectKind
		case bytes.HasPrefix(rest, []byte(`CONFLICT_DETECTED"`)):
			return conflictKind
		}
		return entryKind // CONFLICT_RESOLVED
	}
	return otherKind
}

// NumberAfter reads the digits that stand right after the first key, or false if there
// are none.
func NumberAfter(message, key []byte) (uint64, bool) {
	i := bytes.Index(message, key)
	if i < 0 {
		return 0, false
	}
	n, digits := uint64(0), 0
	for _, c := range message[i+len(key):] {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + uint64(c-'0')
		digits++
	}
	return n, digits > 0
}

// textAfter is what stands between the first key, which ends with a quotation mark, and
// the next one.
func textAfter(message, key []byte) string {
	_, rest, _ := bytes.Cut(message, key)
	text, _, _ := bytes.Cut(rest, []byte{'"'})
	return string(text)
}

// cutEntry cuts the first entry off what is left of a SYNC_ENTRIES; it is empty if none is left.
func cutEntry(rest []byte) (entry, after []byte) {
	begin := bytes.Index(rest, nextKey)
	if begin < 0 {
		return nil, nil
	}
	if end := bytes.Index(rest[begin+1:], nextKey); end >= 0 {
		return rest[begin : begin+1+end], rest[begin+1+end:]
	}
	return rest[begin:], nil
}

// lastPart reports whether a SYNC_RESPONSE ends with this message (R8).
func lastPart(message []byte) bool {
	head, _, _ := bytes.Cut(message[:min(len(message), 1024)], documentKey) // they stand before it
	part, cut := NumberAfter(head, partKey)
	parts, _ := NumberAfter(head, partsKey)
	return !cut || part == parts
}

// serialOf is the number at the end of the op id that a message answers.
func serialOf(message []byte) (int, bool) {
	i := bytes.Index(message, idKey)
	if i < 0 {
		return 0, false
	}
	id, _, ok := bytes.Cut(message[i+len(idKey):], []byte{'"'})
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(string(id[bytes.LastIndexByte(id, '-')+1:]))
	return n, err == nil
}

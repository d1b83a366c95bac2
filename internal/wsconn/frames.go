package wsconn

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/dashwire/dashwire/internal/wire"
	"github.com/dashwire/dashwire/observe"
)

// The bounds of the frame reader that are no setting.
const (
	// dropBytes is how much of a message is read at all (E5).
	dropBytes = 16 << 20
	// maxFragments bounds the frames of one message.
	maxFragments = 64
	// prefixBytes is what is kept of a message that is dropped, to find its id (E5).
	prefixBytes = 512
	// maxControl is the longest payload of a control frame (RFC 6455 section 5.5).
	maxControl = 125
)

// The opcodes (RFC 6455 section 5.2).
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xa
)

// ending is why a connection ends.
type ending struct {
	code   wire.CloseCode
	reason string
	// peer is true if the client sent a close frame, false if the reader refuses to
	// go on.
	peer bool
	// limit is what the client was over, "" if the reason is another.
	limit observe.Limit
}

func refuse(code wire.CloseCode, reason string) *ending { return &ending{code: code, reason: reason} }

// over refuses for a limit.
func over(l observe.Limit, code wire.CloseCode, reason string) *ending {
	return &ending{code: code, reason: reason, limit: l}
}

// handler gets what frames carry. The bytes are valid during the call only. A
// returned ending stops the reading.
type handler interface {
	onMessage(text []byte) *ending
	onOversized(prefix []byte, size int)
	onPing(payload []byte) *ending
	onPong() *ending
}

// frames takes a client's bytes apart, in whatever pieces they come. It holds
// nothing beyond what has come of an unfinished message or control frame, and
// checks a header before it makes room for what is announced.
type frames struct {
	// limit is the longest message that is handed on, in bytes.
	limit int

	header [14]byte
	have   int // bytes of header

	inFrame bool
	op      byte
	fin     bool
	remain  int // bytes of the frame that are still to come
	mask    [4]byte
	pos     int // bytes of the frame that have come

	control []byte // of a control frame that came in pieces

	open      bool // between the first and the last frame of a message
	fragments int
	size      int    // announced so far for this message
	text      []byte // of a message that came in pieces
	dropping  bool   // the message is over the limit

	// begun is set when a message begins after nothing was open, and continued counts
	// frames that are no first ones; the owner clears them.
	begun     bool
	continued int
}

// idle reports whether nothing is unfinished.
func (f *frames) idle() bool { return f.have == 0 && !f.inFrame && !f.open }

// feed takes the next bytes, which it modifies.
func (f *frames) feed(b []byte, h handler) *ending {
	for len(b) > 0 {
		if !f.inFrame {
			n, end := f.readHeader(b)
			if end != nil {
				return end
			}
			b = b[n:]
			if !f.inFrame {
				return nil // the header is not whole yet
			}
		}
		n := min(f.remain, len(b))
		part := b[:n:n]
		b = b[n:]
		ws.Cipher(part, f.mask, f.pos)
		f.pos += n
		f.remain -= n
		if end := f.payload(part, h); end != nil {
			return end
		}
	}
	return nil
}

// readHeader takes header bytes and returns how many. Once the header is whole,
// inFrame is true.
func (f *frames) readHeader(b []byte) (taken int, end *ending) {
	if f.idle() {
		f.begun = true
	}
	for {
		need := 2
		if f.have >= 2 {
			need = headerSize(f.header[1])
		}
		n := copy(f.header[f.have:need], b[taken:])
		f.have += n
		taken += n
		if f.have < need {
			return taken, nil
		}
		if need == 2 {
			if end := f.checkBits(); end != nil {
				return taken, end
			}
			continue
		}
		f.have = 0
		return taken, f.enter()
	}
}

// headerSize is the size of a masked header by its second byte.
func headerSize(second byte) int {
	switch second & 0x7f {
	case 126:
		return 8
	case 127:
		return 14
	}
	return 6
}

// checkBits checks the first two bytes of a header.
func (f *frames) checkBits() *ending {
	first, second := f.header[0], f.header[1]
	f.fin, f.op = first&0x80 != 0, first&0x0f
	switch {
	case first&0x70 != 0:
		return refuse(wire.CloseProtocol, "reserved bits are set and no extension was agreed on")
	case second&0x80 == 0:
		return refuse(wire.CloseProtocol, "frames of a client must be masked")
	}
	switch f.op {
	case opText, opBinary:
		if f.open {
			return refuse(wire.CloseProtocol, "a message began within another")
		}
		if f.op == opBinary {
			return refuse(wire.CloseUnsupported, "messages are text")
		}
	case opContinuation:
		if !f.open {
			return refuse(wire.CloseProtocol, "a continuation without a message")
		}
	case opClose, opPing, opPong:
		if second&0x7f > maxControl {
			return refuse(wire.CloseProtocol, "a control frame is too long")
		}
		if !f.fin {
			return refuse(wire.CloseProtocol, "a control frame is fragmented")
		}
	default:
		return refuse(wire.CloseProtocol, "the opcode is reserved")
	}
	return nil
}

// enter begins the frame whose header is whole. Nothing is allocated for what it
// announces.
func (f *frames) enter() *ending {
	length := uint64(f.header[1] & 0x7f)
	rest := f.header[2:]
	switch length {
	case 126:
		length = uint64(binary.BigEndian.Uint16(rest))
		rest = rest[2:]
		if length <= 125 {
			return refuse(wire.CloseProtocol, "the length is not in its shortest form")
		}
	case 127:
		length = binary.BigEndian.Uint64(rest)
		rest = rest[8:]
		switch {
		case length>>63 != 0:
			return refuse(wire.CloseProtocol, "the length has its top bit set")
		case length <= 0xffff:
			return refuse(wire.CloseProtocol, "the length is not in its shortest form")
		case length > dropBytes:
			return over(observe.LimitDroppedBytes, wire.CloseTooLarge, "the message is far too large")
		}
	}
	copy(f.mask[:], rest)
	if f.op <= opText {
		if f.open {
			f.continued++
		}
		f.fragments++
		f.size += int(length)
		switch {
		case f.size > dropBytes:
			return over(observe.LimitDroppedBytes, wire.CloseTooLarge, "the message is far too large")
		case f.fragments > maxFragments:
			return over(observe.LimitFragments, wire.CloseTooLarge, "the message has too many fragments")
		case f.size > f.limit:
			f.drop()
		}
	}
	f.inFrame, f.remain, f.pos = true, int(length), 0
	return nil
}

// drop keeps only the front of the message under way.
func (f *frames) drop() {
	if !f.dropping {
		f.dropping = true
		f.text = append([]byte(nil), f.text[:min(len(f.text), prefixBytes)]...)
	}
}

// held is how many bytes are kept of the message under way, with the room that they have to
// grow into.
func (f *frames) held() int { return cap(f.text) }

// payload takes the next bytes of the frame, all of them if remain is 0.
func (f *frames) payload(part []byte, h handler) *ending {
	if f.op > opText {
		return f.controlPayload(part, h)
	}
	last := f.remain == 0 && f.fin
	switch {
	case f.dropping:
		f.text = append(f.text, part[:min(len(part), prefixBytes-len(f.text))]...)
	case last && len(f.text) == 0:
		f.text = part // in one piece: no copy
	default:
		f.text = append(f.text, part...)
	}
	if f.remain > 0 {
		return nil
	}
	f.inFrame = false
	if !f.fin {
		f.open = true
		return nil
	}
	text, dropping, size := f.text, f.dropping, f.size
	f.open, f.fragments, f.size, f.text, f.dropping = false, 0, 0, nil, false
	switch {
	case dropping:
		h.onOversized(text, size)
		return nil
	case !utf8.Valid(text):
		return refuse(wire.CloseInvalidUTF8, "the message is not valid UTF-8")
	}
	return h.onMessage(text)
}

func (f *frames) controlPayload(part []byte, h handler) *ending {
	if f.remain > 0 {
		f.control = append(f.control, part...)
		return nil
	}
	if len(f.control) > 0 {
		part = append(f.control, part...)
		f.control = nil
	}
	f.inFrame = false
	switch f.op {
	case opPing:
		return h.onPing(part)
	case opPong:
		return h.onPong()
	}
	return closeFrame(part)
}

// closeFrame reads what a client closes with (RFC 6455 section 7.4).
func closeFrame(payload []byte) *ending {
	if len(payload) == 0 {
		return &ending{code: wire.CloseNoStatus, peer: true}
	}
	if len(payload) == 1 {
		return refuse(wire.CloseProtocol, "the close code is cut off")
	}
	code := binary.BigEndian.Uint16(payload)
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014, code >= 3000 && code <= 4999:
	default:
		return refuse(wire.CloseProtocol, "the close code may not be sent")
	}
	if !utf8.Valid(payload[2:]) {
		return refuse(wire.CloseInvalidUTF8, "the close reason is not valid UTF-8")
	}
	return &ending{code: wire.CloseCode(code), reason: string(payload[2:]), peer: true}
}

// appendControl appends an unmasked control frame; payload is at most 125 bytes.
func appendControl(dst []byte, op byte, payload []byte) []byte {
	return append(append(dst, 0x80|op, byte(len(payload))), payload...)
}

// appendClose appends a close frame; a code that is never sent gives an empty one.
func appendClose(dst []byte, code wire.CloseCode, reason string) []byte {
	if code < 1000 || code == wire.CloseNoStatus || code == wire.CloseAbnormal {
		return appendControl(dst, opClose, nil)
	}
	if len(reason) > maxControl-2 {
		reason = reason[:maxControl-2]
		for !utf8.ValidString(reason) && len(reason) > maxControl-2-utf8.UTFMax {
			reason = reason[:len(reason)-1]
		}
	}
	payload := make([]byte, 2, maxControl)
	binary.BigEndian.PutUint16(payload, uint16(code))
	return appendControl(dst, opClose, append(payload, reason...))
}

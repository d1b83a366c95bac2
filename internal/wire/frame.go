package wire

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// textFrame is the first byte of a final, unfragmented text frame (RFC 6455
// section 5.2).
const textFrame = 0x81

// FrameHeaderMax is the most that AppendFrame adds to a payload, in bytes.
const FrameHeaderMax = 10

// AppendFrame appends payload as one unmasked, final text frame.
func AppendFrame(dst, payload []byte) []byte {
	return append(AppendFrameHeader(dst, len(payload)), payload...)
}

// AppendFrameHeader appends the header of a frame as AppendFrame makes it, for a
// payload of n bytes that the caller appends.
func AppendFrameHeader(dst []byte, n int) []byte {
	switch {
	case n <= 125:
		return append(dst, textFrame, byte(n))
	case n <= 0xffff:
		return append(dst, textFrame, 126, byte(n>>8), byte(n))
	default:
		dst = append(dst, textFrame, 127)
		return binary.BigEndian.AppendUint64(dst, uint64(n))
	}
}

// BeginFrame begins a frame in dst. Its payload is to be appended, and EndFrame ends it,
// told how long dst was.
func BeginFrame(dst []byte) []byte { return append(dst, textFrame, 126, 0, 0) }

// EndFrame ends the frame that was begun at from.
func EndFrame(dst []byte, from int) []byte {
	payload := from + 4
	n := len(dst) - payload
	if n > 125 && n <= 0xffff {
		binary.BigEndian.PutUint16(dst[from+2:], uint16(n))
		return dst
	}
	var header [FrameHeaderMax]byte
	return slices.Replace(dst, from, payload, AppendFrameHeader(header[:0], n)...)
}

// frameBehind makes a frame, as AppendFrame does, of a payload before which b has
// FrameHeaderMax bytes of room.
func frameBehind(b []byte) []byte {
	var header [FrameHeaderMax]byte
	h := AppendFrameHeader(header[:0], len(b)-FrameHeaderMax)
	framed := b[FrameHeaderMax-len(h):]
	copy(framed, h)
	return framed
}

// NextFrame takes the first frame off b, which holds whole frames as AppendFrame
// made them. Payload is nil if b holds none or only a part of one.
func NextFrame(b []byte) (payload, rest []byte) {
	if len(b) < 2 {
		return nil, b
	}
	header, n := 2, uint64(b[1]&0x7f)
	switch n {
	case 126:
		if len(b) < 4 {
			return nil, b
		}
		header, n = 4, uint64(binary.BigEndian.Uint16(b[2:]))
	case 127:
		if len(b) < 10 {
			return nil, b
		}
		header, n = 10, binary.BigEndian.Uint64(b[2:])
	}
	if bits.Len64(n) >= bits.UintSize || n > uint64(len(b)-header) {
		return nil, b
	}
	end := header + int(n)
	return b[header:end:end], b[end:]
}

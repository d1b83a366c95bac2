package wire

import (
	"bytes"
	"strings"
	"testing"
)

func TestFramesWalkBack(t *testing.T) {
	var payloads [][]byte
	var b []byte
	for _, n := range []int{0, 1, 125, 126, 127, 0xffff, 0x10000, 1 << 20} {
		p := []byte(strings.Repeat("x", n))
		payloads = append(payloads, p)
		before := len(b)
		b = AppendFrame(b, p)
		if added := len(b) - before - n; added > FrameHeaderMax {
			t.Fatalf("a header of %d bytes", added)
		}
	}
	for i, want := range payloads {
		var got []byte
		got, b = NextFrame(b)
		if got == nil || !bytes.Equal(got, want) {
			t.Fatalf("frame %d: got %d bytes, want %d", i, len(got), len(want))
		}
	}
	if len(b) != 0 {
		t.Errorf("%d bytes are left", len(b))
	}
}

func TestFramesThatAreBegunAreThoseThatAreAppended(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 0xffff, 0x10000} {
		before, payload := []byte("before"), []byte(strings.Repeat("x", n))
		framed := EndFrame(append(BeginFrame(bytes.Clone(before)), payload...), len(before))
		if !bytes.Equal(framed, AppendFrame(before, payload)) {
			t.Errorf("a frame of %d bytes is another: %.20q", n, framed)
		}
	}
}

func TestNextFrameOfAPartIsNone(t *testing.T) {
	for _, n := range []int{5, 200, 70_000} {
		whole := AppendFrame(nil, make([]byte, n))
		for _, cut := range []int{0, 1, 2, 3, 5, 9, len(whole) - 1} {
			if cut >= len(whole) {
				continue
			}
			part := whole[:cut]
			if payload, rest := NextFrame(part); payload != nil || len(rest) != cut {
				t.Errorf("%d of %d bytes gave a frame of %d", cut, len(whole), len(payload))
			}
		}
	}
	huge := []byte{0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3}
	if payload, _ := NextFrame(huge); payload != nil {
		t.Error("a length beyond the text gave a frame")
	}
}

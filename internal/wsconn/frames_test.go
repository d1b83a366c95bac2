package wsconn

import (
	"bytes"
	"testing"
	"unicode/utf8"
)

// log is a handler that keeps what it gets.
type log struct {
	messages [][]byte
	controls int
	dropped  int
}

func (l *log) onMessage(text []byte) *ending {
	l.messages = append(l.messages, bytes.Clone(text))
	return nil
}
func (l *log) onOversized([]byte, int) { l.dropped++ }
func (l *log) onPing([]byte) *ending   { l.controls++; return nil }
func (l *log) onPong() *ending         { l.controls++; return nil }
func (l *log) total() (n int)          { return len(l.messages) + l.controls + l.dropped }
func (l *log) same(other *log) bool {
	if len(l.messages) != len(other.messages) || l.controls != other.controls || l.dropped != other.dropped {
		return false
	}
	for i := range l.messages {
		if !bytes.Equal(l.messages[i], other.messages[i]) {
			return false
		}
	}
	return true
}

// read feeds data in pieces whose sizes come from cuts.
func read(t *testing.T, data, cuts []byte, limit int) (*log, *ending) {
	t.Helper()
	f, l := frames{limit: limit}, &log{}
	data = bytes.Clone(data)
	for i := 0; len(data) > 0; i++ {
		n := len(data)
		if len(cuts) > 0 {
			n = min(1+int(cuts[i%len(cuts)]), len(data))
		}
		end := f.feed(data[:n:n], l)
		if held := cap(f.text) + cap(f.control); held > 4*(len(data)+limit+prefixBytes)+64 {
			t.Fatalf("%d bytes are held", held)
		}
		if end != nil {
			return l, end
		}
		data = data[n:]
	}
	return l, nil
}

// Any bytes in any pieces: no panic, the same outcome however they are cut, and no
// memory for what was only announced.
func FuzzReadFrames(f *testing.F) {
	f.Add(text("hello"), []byte{0})
	f.Add(bytes.Join([][]byte{masked(opText, []byte("a")), masked(0x89, []byte("p")), masked(0x80, []byte("b"))}, nil), []byte{1, 3})
	f.Add([]byte{0x81, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4, 5}, []byte{2})
	f.Add(closing(1000, "bye"), []byte{4})
	f.Add(text(string(make([]byte, 400))), []byte{200})
	f.Fuzz(func(t *testing.T, data, cuts []byte) {
		if len(data) > 64<<10 {
			return
		}
		whole, end1 := read(t, data, nil, 300)
		parts, end2 := read(t, data, cuts, 300)
		if !whole.same(parts) {
			t.Fatalf("in one piece %d events, in many %d", whole.total(), parts.total())
		}
		if (end1 == nil) != (end2 == nil) || end1 != nil && *end1 != *end2 {
			t.Fatalf("in one piece %+v, in many %+v", end1, end2)
		}
		for _, m := range whole.messages {
			if len(m) > 300 || !utf8.Valid(m) {
				t.Fatalf("a message of %d bytes came through", len(m))
			}
		}
	})
}

// Row 14: a header alone makes no memory.
func TestE5_HeaderAllocatesNothing(t *testing.T) {
	header := []byte{0x81, 0xff, 0, 0, 0, 0, 0, 0x0f, 0, 0, 1, 2, 3, 4}
	l := &log{}
	b := make([]byte, len(header))
	if n := testing.AllocsPerRun(100, func() {
		f := frames{limit: 1 << 20}
		copy(b, header)
		if end := f.feed(b, l); end != nil || f.remain != 0x0f0000 {
			t.Fatal("the header was not taken")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Row 16: what is held grows with what has come, not with what was announced.
func TestE5_MemoryGrowsWithBytes(t *testing.T) {
	f, l := frames{limit: 1 << 20}, &log{}
	f.feed([]byte{0x81, 0xff, 0, 0, 0, 0, 0, 0x0f, 0, 0, 1, 2, 3, 4}, l)
	for range 1000 {
		f.feed([]byte{0}, l)
	}
	if len(f.text) != 1000 || cap(f.text) > 4000 {
		t.Errorf("%d bytes in %d", len(f.text), cap(f.text))
	}
}

func BenchmarkReadFrames(b *testing.B) {
	frame := text(`{"type":"WIDGET_UPDATE","id":"op-1","payload":{"dashboardId":"ops","widgetId":"cpu","baseVersion":42,"set":{"/title":"CPU"}}}`)
	buf := make([]byte, len(frame))
	f, h := frames{limit: 1 << 20}, nothing{}
	b.ReportAllocs()
	b.SetBytes(int64(len(frame)))
	for b.Loop() {
		copy(buf, frame)
		if end := f.feed(buf, h); end != nil {
			b.Fatal(end.reason)
		}
	}
}

type nothing struct{}

func (nothing) onMessage([]byte) *ending { return nil }
func (nothing) onOversized([]byte, int)  {}
func (nothing) onPing([]byte) *ending    { return nil }
func (nothing) onPong() *ending          { return nil }

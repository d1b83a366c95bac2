package attack

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// refusedFrames sends each of some bytes on a session of its own and holds the close
// against a code.
func refusedFrames(t *testing.T, code int, cases map[string][]byte) {
	t.Helper()
	x := besieged(t)
	who := token(t, "mallory", "arena*=owner")
	for name, bytes := range cases {
		s := x.signIn(who, "c")
		s.raw(bytes)
		s.closed(name, code)
		s.conn.Close() // so that the server need not wait for an answer
	}
	x.closes(code, len(cases))
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestAttack_11_UnmaskedFrames(t *testing.T) {
	refusedFrames(t, 1002, map[string][]byte{
		"text":       []byte("\x81\x02{}"),
		"empty":      []byte("\x81\x00"),
		"a ping":     []byte("\x89\x00"),
		"a goodbye":  []byte("\x88\x02\x03\xe8"),
		"the second": join(masked(opText, []byte("{")), []byte("\x80\x01}")),
	})
}

func TestAttack_12_ReservedBits(t *testing.T) {
	refusedFrames(t, 1002, map[string][]byte{
		"RSV1 on text":           masked(fin|rsv1|opText, []byte("{}")),
		"RSV2":                   masked(fin|0x20|opText, []byte("{}")),
		"RSV3":                   masked(fin|0x10|opText, []byte("{}")),
		"all three":              masked(fin|0x70|opText, []byte("{}")),
		"RSV1 on a ping":         masked(fin|rsv1|opPing, nil),
		"RSV1 on a goodbye":      masked(fin|rsv1|opClose, nil),
		"RSV1 on a continuation": join(masked(opText, []byte("{")), masked(fin|rsv1|opContinuation, []byte("}"))),
	})
}

func TestAttack_13_ReservedOpcodes(t *testing.T) {
	cases := map[string][]byte{}
	for _, op := range []byte{3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf} {
		cases[fmt.Sprintf("opcode %x", op)] = masked(fin|op, []byte("{}"))
	}
	refusedFrames(t, 1002, cases)
}

// TestAttack_14_LengthsThatLie: a length is judged before anything is allocated for it.
func TestAttack_14_LengthsThatLie(t *testing.T) {
	long := func(n uint64) []byte {
		return append(binary.BigEndian.AppendUint64([]byte{fin | opText, 0xff}, n), mask[:]...)
	}
	t.Run("top bit", func(t *testing.T) {
		refusedFrames(t, 1002, map[string][]byte{"alone": long(1 << 63), "all bits": long(1<<64 - 1)})
	})
	t.Run("too much", func(t *testing.T) {
		refusedFrames(t, 1009, map[string][]byte{
			"2^63-1":          long(1<<63 - 1),
			"2^32":            long(1 << 32),
			"a byte over":     long(16<<20 + 1),
			"in two frames":   join(masked(opText, []byte("x")), head(fin|opContinuation, 16<<20)),
			"wraps around":    join(masked(opText, []byte("x")), append([]byte{opContinuation}, long(1<<63 - 1)[1:]...)),
			"before sign-in?": join(masked(opText, []byte(strings.Repeat("x", 17<<10))), head(fin|opContinuation, 16<<20)),
		})
	})
	t.Run("nothing is held for it", func(t *testing.T) {
		x := besieged(t)
		before := heap()
		for range 100 { // 1 GiB in all
			s := x.open(bearer(token(t, "mallory", "arena*=owner")))
			s.read()
			s.raw(head(fin|opText, 10<<20))
			s.raw([]byte("x"))
			s.raw(masked(fin|opPing, nil)[:1])
		}
		eventually(t, "the heads to be read", func() bool { return x.metrics()["dashwire_sessions"] == 102 })
		if now := heap(); now > before+4<<20 {
			t.Errorf("%d KiB are held", (now-before)>>10)
		}
		x.counts(`dashwire_sessions_opened_total{transport="websocket"}`, 100)
	})
}

func TestAttack_15_LengthsInALongForm(t *testing.T) {
	form := func(first, second byte, length ...byte) []byte {
		return append(append([]byte{first, second}, length...), mask[:]...)
	}
	refusedFrames(t, 1002, map[string][]byte{
		"125 in 16 bits":   form(fin|opText, 0xfe, 0, 125),
		"0 in 16 bits":     form(fin|opText, 0xfe, 0, 0),
		"65535 in 64 bits": form(fin|opText, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff),
		"0 in 64 bits":     form(fin|opText, 0xff, 0, 0, 0, 0, 0, 0, 0, 0),
		"a ping":           form(fin|opPing, 0xfe, 0, 1),
	})
}

// TestAttack_16_SlowMessages: memory grows with what has come, and a message that takes
// over ten seconds ends its session (E5).
func TestAttack_16_SlowMessages(t *testing.T) {
	t.Parallel()
	x := besiegedProcess(t)
	who := token(t, "mallory", "arena*=owner")
	before := x.metrics()["go_memstats_heap_alloc_bytes"]
	const sockets = 40 // a user may have 50
	var all []*socket
	for i := range sockets {
		s := x.signIn(who, fmt.Sprint(i))
		s.raw(head(fin|opText, 1<<20))
		s.raw([]byte("{"))
		all = append(all, s)
	}
	// 40 MiB are announced. What is alive may be garbage as well: half of it is much.
	if now := x.metrics()["go_memstats_heap_alloc_bytes"]; now > before+20<<20 {
		t.Errorf("the heap has grown from %.0f to %.0f bytes", before, now)
	}
	var ended sync.WaitGroup
	for _, s := range all {
		ended.Go(func() {
			stop := make(chan struct{})
			defer close(stop)
			go func() { // a byte now and then does not help
				drip := time.NewTicker(time.Second)
				defer drip.Stop()
				for {
					select {
					case <-drip.C:
						s.raw([]byte(" "))
					case <-stop:
						return
					}
				}
			}()
			s.shut("a byte a second", 1008)
		})
	}
	ended.Wait()
	x.closes(1008, sockets)
}

// TestAttack_17_Fragments: a message has 64 fragments at most, empty ones too, and pings
// in between do not help.
func TestAttack_17_Fragments(t *testing.T) {
	single := masked(opText, []byte("{"))
	for range 1000 {
		single = append(single, masked(opContinuation, []byte(" "))...)
	}
	empty := masked(opText, nil)
	for range 1000 {
		empty = append(empty, masked(opContinuation, nil)...)
	}
	pinged := masked(opText, nil)
	for i := range 1000 {
		if i%50 == 0 {
			pinged = append(pinged, masked(fin|opPing, nil)...)
		}
		pinged = append(pinged, masked(opContinuation, nil)...)
	}
	refusedFrames(t, 1009, map[string][]byte{"of a byte": single, "empty": empty, "with pings": pinged})
}

func TestAttack_18_FragmentsOutOfOrder(t *testing.T) {
	refusedFrames(t, 1002, map[string][]byte{
		"text within a message":            join(masked(opText, []byte("{")), masked(fin|opText, []byte("{}"))),
		"a beginning within a message":     join(masked(opText, []byte("{")), masked(opText, []byte("}"))),
		"a continuation first":             masked(fin|opContinuation, []byte("{}")),
		"a continuation of what has ended": join(masked(fin|opText, []byte(`{"type":"PING","id":"1"}`)), masked(fin|opContinuation, []byte("{}"))),
	})
}

func TestAttack_19_ControlFrames(t *testing.T) {
	refusedFrames(t, 1002, map[string][]byte{
		"a ping of 126 bytes":    masked(fin|opPing, make([]byte, 126)),
		"a goodbye of 126 bytes": masked(fin|opClose, append([]byte{3, 0xe8}, make([]byte, 124)...)),
		"a ping of 64 KiB":       masked(fin|opPing, make([]byte, 64<<10)),
		"half a ping":            masked(opPing, []byte("x")),
		"half a goodbye":         masked(opClose, []byte{3, 0xe8}),
		"half a pong":            masked(opPong, nil),
	})
}

// TestAttack_20_ControlFloods: ten a second after a burst of 60, and one pong is due at
// most, however many pings have come and are not read (E5).
func TestAttack_20_ControlFloods(t *testing.T) {
	refusedFrames(t, 1008, map[string][]byte{
		"pings":           bytes.Repeat(masked(fin|opPing, make([]byte, 125)), 5000),
		"pongs":           bytes.Repeat(masked(fin|opPong, nil), 5000),
		"both":            bytes.Repeat(join(masked(fin|opPong, nil), masked(fin|opPing, nil)), 2500),
		"between a frame": join(masked(opText, []byte("{")), bytes.Repeat(masked(fin|opPing, nil), 5000)),
	})
}

func TestAttack_21_InvalidUTF8(t *testing.T) {
	bad := func(s string) []byte { return []byte(`{"type":"PING","id":"` + s + `"}`) }
	refusedFrames(t, 1007, map[string][]byte{
		"a lone byte":           masked(fin|opText, bad("\xff")),
		"too long a form":       masked(fin|opText, bad("\xc0\xaf")),
		"a surrogate":           masked(fin|opText, bad("\xed\xa0\x80")),
		"beyond Unicode":        masked(fin|opText, bad("\xf4\x90\x80\x80")),
		"cut off at the end":    masked(fin|opText, []byte("{}\xe2\x82")),
		"in the second frame":   join(masked(opText, []byte("{")), masked(fin|opContinuation, []byte("\xff}"))),
		"outside a string":      masked(fin|opText, []byte("\xfe\xff{}")),
		"a reason of a goodbye": goodbye(1000, "\xff\xfe"),
	})
	// Split over two frames it is none.
	x := besieged(t)
	s := x.signIn(token(t, "mallory", "arena*=owner"), "c")
	s.raw(join(masked(opText, []byte("{\"type\":\"PING\",\"id\":\"ok\",\"x\":\"\xe2\x82")), masked(fin|opContinuation, []byte("\xac\"}"))))
	s.reply("ok").is(t, "PONG")
}

func TestAttack_22_CloseCodes(t *testing.T) {
	cases := map[string][]byte{"one byte": masked(fin|opClose, []byte{3})}
	for _, code := range []uint16{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		cases[fmt.Sprint(code)] = goodbye(code, "")
	}
	refusedFrames(t, 1002, cases)
}

// TestAttack_23_AfterTheGoodbye: nothing is taken in any more, and the connection ends
// although the other side does not answer.
func TestAttack_23_AfterTheGoodbye(t *testing.T) {
	x := besieged(t)
	who := token(t, "mallory", "arena*=owner")
	s := x.signIn(who, "a")
	op := `{"type":"WIDGET_UPDATE","id":"late","payload":{"dashboardId":"arena","widgetId":"w","create":true,"set":{"/title":"late"}}}`
	s.raw(join(goodbye(1000, poison), masked(fin|opText, []byte(op)), bytes.Repeat(masked(fin|opPing, nil), 100)))
	s.shut("a goodbye", 1000)

	s = x.signIn(who, "b")
	s.raw(join(masked(fin|opBinary, nil), masked(fin|opText, []byte(op))))
	s.shut("refused, and no answer to it", 1003) // its end is the server's doing alone

	if m := x.signIn(who, "c").ask("SYNC_REQUEST", `{"dashboardId":"arena"}`); m.fields().Version != 0 {
		t.Errorf("something was taken in: %s", m.raw)
	}
	x.closes(1000, 1)
	x.closes(1003, 1)
}

func TestAttack_24_BinaryMessages(t *testing.T) {
	refusedFrames(t, 1003, map[string][]byte{
		"whole":    masked(fin|opBinary, []byte(`{"type":"PING","id":"1"}`)),
		"its head": head(fin|opBinary, 1<<20),
		"a piece":  masked(opBinary, nil),
	})
}

// deflated is what expands to n zeroes.
func deflated(t *testing.T, n int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(w, zeroes{}, n); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// TestAttack_25_InflationBombs: no compression is agreed on, before sign-in or after, so
// that nothing expands; bodies of requests are not unpacked either.
func TestAttack_25_InflationBombs(t *testing.T) {
	x := besieged(t)
	bomb := deflated(t, 64<<20)
	offer := "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover"
	who := bearer(token(t, "mallory", "arena*=owner"))
	before := heap()
	for name, lines := range map[string][]string{"signed in": {offer, who}, "before sign-in": {offer}} {
		res, s := x.say(x.handshake(lines...) + "\r\n")
		if got := res.Header.Get("Sec-WebSocket-Extensions"); res.StatusCode != 101 || got != "" {
			t.Errorf("status %s, agreed on %q", res.Status, got)
		}
		s.read()
		s.raw(masked(fin|rsv1|opText, bomb))
		s.shut(name, 1002)
	}
	for _, encoding := range []string{"gzip", "deflate", "br", "zstd", "x-gzip, identity"} {
		a := x.call("POST", "/api/realtime", string(bomb), who, "Content-Encoding: "+encoding)
		if a.status != 415 {
			t.Errorf("a body in %s: %d %s", encoding, a.status, a.body)
		}
	}
	if now := heap(); now > before+1<<20 {
		t.Errorf("%d KiB are held", (now-before)>>10)
	}
	x.closes(1002, 2)
	x.refuses("BAD_MESSAGE", 5)
}

func TestAttack_26_CorruptCompression(t *testing.T) {
	bomb := deflated(t, 1<<20)
	bomb[len(bomb)/2] ^= 0xff
	refusedFrames(t, 1002, map[string][]byte{
		"a stream with an error": masked(fin|rsv1|opText, bomb),
		"no stream":              masked(fin|rsv1|opText, []byte("\xff\xff\xff\xff")),
		"in two frames":          join(masked(rsv1|opText, bomb[:100]), masked(fin|opContinuation, bomb[100:])),
	})
}

package room

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

func entry(epoch string, version uint64) *board.Entry {
	return &board.Entry{Epoch: epoch, Version: version, ID: fmt.Sprint(epoch, version)}
}

// tailTo makes a tail that holds versions 1 to n, each envelope of size bytes.
func tailTo(n uint64, size, maxEntries, maxBytes int) *tail {
	t := newTail("", 0, maxEntries, maxBytes)
	for v := uint64(1); v <= n; v++ {
		t.add(entry("e", v), record(v, size))
	}
	t.publish()
	return t
}

// What a quick dashboard keeps is bounded by time, what a slow one keeps is not.
func TestTail_KeepsSecondsOfAQuickDashboard(t *testing.T) {
	for _, c := range []struct {
		every time.Duration
		want  int
	}{
		{time.Millisecond, 3001},
		{2 * time.Millisecond, 1501},
		{10 * time.Millisecond, 301},
		{20 * time.Millisecond, keepAlways},
		{time.Hour, keepAlways},
	} {
		tail := newTail("", 0, 4096, 1<<20)
		at := time.UnixMilli(1<<32 - 4500) // moments begin again at zero
		for v := uint64(1); v <= 5000; v++ {
			e := entry("e", v)
			e.Time = at
			tail.add(e, record(v, 20))
			at = at.Add(c.every)
		}
		if n := len(tail.kept()); n != c.want {
			t.Errorf("with an entry every %s, %d are kept, want %d", c.every, n, c.want)
		}
	}
	// What was read for somebody who comes back counts as new.
	tail := newTail("e", 1000, 4096, 1<<20)
	var missed []logged
	for v := uint64(701); v <= 1000; v++ {
		missed = append(missed, logged{version: v, envelope: envelope(v, 20)})
	}
	now := time.Now()
	tail.precede("e", missed, now)
	for v := uint64(1001); v <= 1010; v++ {
		e := entry("e", v)
		e.Time = now.Add(time.Second)
		tail.add(e, record(v, 20))
	}
	if n := len(tail.kept()); n != 310 {
		t.Errorf("%d are kept after 300 were read, and 10 came", n)
	}
}

func record(version uint64, size int) board.Record {
	head := fmt.Appendf(nil, `{"v":%d,"entry":`, version)
	data := append(append(head, envelope(version, size)...), '}')
	return board.Record{Data: data, Envelope: data[len(head) : len(data)-1]}
}

func envelope(version uint64, size int) []byte {
	return []byte(fmt.Sprintf("%08d", version) + strings.Repeat(".", size))
}

func TestR5_CursorsOnTheTail(t *testing.T) {
	tests := []struct {
		name string
		at   Cursors
		to   uint64
		ok   bool
		next uint64
	}{
		{"everything", Cursors{Epoch: "e", Sent: 90}, toHead, true, 100},
		{"up to a version", Cursors{Epoch: "e", Sent: 90}, 95, true, 95},
		{"beyond the head", Cursors{Epoch: "e", Sent: 90}, 105, true, 100},
		{"at the head", Cursors{Epoch: "e", Sent: 100}, toHead, true, 100},
		{"past what is asked", Cursors{Epoch: "e", Sent: 97}, 95, true, 97},
		{"the first kept", Cursors{Epoch: "e", Sent: 50}, toHead, true, 100},
		{"no longer kept", Cursors{Epoch: "e", Sent: 49}, toHead, false, 49},
		{"another epoch", Cursors{Epoch: "f", Sent: 90}, toHead, false, 90},
		{"an empty dashboard", Cursors{}, toHead, false, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tail := tailTo(100, 20, 50, 1<<20)
			at := test.at
			for { // a slab at a time
				frames, next, ok := tail.span(&at, test.to, 1<<20)
				for v := at.Sent + 1; v <= next; v++ {
					payload, rest := wire.NextFrame(frames)
					if !bytes.Equal(payload, envelope(v, 20)) {
						t.Fatalf("version %d is %q", v, payload)
					}
					frames = rest
				}
				if len(frames) > 0 {
					t.Fatalf("%d bytes too many", len(frames))
				}
				if next == at.Sent {
					if next != test.next || ok != test.ok {
						t.Errorf("ends at %d, %v", next, ok)
					}
					return
				}
				at.Sent = next
			}
		})
	}
}

const toHead = 1 << 62

// A cursor on an empty dashboard learns the epoch from the first entry; one of a lost
// epoch finds nothing.
func TestR6_TheFirstEntryBringsTheEpoch(t *testing.T) {
	tail := newTail("", 0, 10, 1<<20)
	var at Cursors
	if _, next, ok := tail.span(&at, toHead, 1<<20); next != 0 || !ok || at.Epoch != "" {
		t.Fatalf("empty: %d, %v, epoch %q", next, ok, at.Epoch)
	}
	tail.add(entry("e", 1), record(1, 5))
	if _, next, _ := tail.span(&at, toHead, 1<<20); next != 0 {
		t.Error("shown before it was published")
	}
	if _, next, ok := tail.span(&at, 1, 1<<20); next != 1 || !ok || at.Epoch != "e" {
		t.Errorf("who is told may go ahead: %d, %v, epoch %q", next, ok, at.Epoch)
	}
	tail.publish()
	at.Sent = 1
	tail.add(entry("f", 1), record(1, 5)) // the log was made anew under our feet
	tail.publish()
	if _, _, ok := tail.span(&at, toHead, 1<<20); ok {
		t.Error("a cursor of another epoch goes on")
	}
	if tail.record("e", 1) != nil || tail.record("f", 1) != nil {
		t.Error("an entry that does not follow is kept")
	}
	tail.add(entry("f", 2), record(2, 5))
	tail.publish()
	if _, next, ok := tail.span(&Cursors{Epoch: "f", Sent: 1}, toHead, 1<<20); next != 2 || !ok {
		t.Errorf("after that: %d, %v", next, ok)
	}
}

// At any moment, any cursor gets whole frames in order, in pieces of a bounded size,
// and what was handed out stays as it is.
func TestR5_RandomTails(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 2))
	tail := newTail("", 0, 64, 20_000)
	type piece struct{ bytes, copy []byte }
	var kept []piece
	for v := uint64(1); v <= 3000; v++ {
		size := random.IntN(600)
		if random.IntN(50) == 0 {
			size = random.IntN(90_000)
		}
		tail.add(entry("e", v), record(v, size))
		tail.publish()
		if n := len(tail.kept()); n > 64 || n > 1 && tail.bytes > 20_000 {
			t.Fatalf("%d entries of %d bytes are kept", n, tail.bytes)
		}
		if want := record(v, size); !bytes.Equal(tail.record("e", v), want.Data) {
			t.Fatalf("the record of version %d is %.40q", v, tail.record("e", v))
		}
		at := Cursors{Epoch: "e", Sent: v - min(v, uint64(random.IntN(70)))}
		limit := random.IntN(5000)
		frames, next, ok := tail.span(&at, toHead, limit)
		if !ok {
			continue
		}
		kept = append(kept, piece{frames, bytes.Clone(frames)})
		for n := at.Sent; len(frames) > 0; {
			payload, rest := wire.NextFrame(frames)
			if n++; payload == nil || !strings.HasPrefix(string(payload), fmt.Sprintf("%08d", n)) || n > next {
				t.Fatalf("version %d after %d is %.20q", n, at.Sent, payload)
			}
			frames = rest
		}
		if last := kept[len(kept)-1].bytes; len(last) > limit && next != at.Sent+1 && next != at.Sent {
			t.Fatalf("%d bytes for %d versions where %d were asked for", len(last), next-at.Sent, limit)
		}
	}
	for _, p := range kept {
		if !bytes.Equal(p.bytes, p.copy) {
			t.Fatal("frames that were handed out have changed")
		}
	}
}

func TestLaterIsInOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var l later
	begin := time.Unix(0, 0)
	last := begin
	for i := range 2000 {
		if len(l) == 0 || random.IntN(3) > 0 && i < 1500 {
			at := last.Add(time.Duration(random.IntN(100)))
			l.push(laterSweep{at: at})
			continue
		}
		next := l.pop()
		if next.at.Before(last) {
			t.Fatalf("%s after %s", next.at, last)
		}
		last = next.at
	}
}

package room

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/clock"
	"github.com/dashwire/dashwire/internal/wire"
)

// realTail makes a tail with entries as they are stored; text gives what an edit sets.
func realTail(n uint64, maxEntries int, text func(v uint64) string) (*Subscription, [][]byte) {
	t := newTail("", 0, maxEntries, 1<<20)
	var envelopes [][]byte
	for v := uint64(1); v <= n; v++ {
		e := &board.Entry{
			Type: board.TypeUpdate, ID: fmt.Sprint("op-", v), DashboardID: "ops", Epoch: "e", Version: v, Time: time.UnixMilli(int64(v / 7 * 4)),
			Author: board.Author{UserID: "ana", ClientID: fmt.Sprint("tab-", v%3)},
			Change: &board.Change{Widgets: []board.WidgetChange{{ID: "cpu", Patch: &board.Patch{Set: []board.Assignment{{Path: "/title", Value: board.Value(`"` + text(v) + `"`)}}}}}},
		}
		record := board.EncodeRecord(e)
		t.add(e, record)
		envelopes = append(envelopes, record.Envelope)
	}
	t.publish()
	return &Subscription{room: &Room{id: "ops", hub: &Hub{cfg: Config{Clock: clock.Real{}}}, tail: t}}, envelopes
}

// together is what a session asks for.
func (s *Subscription) together(j *Joiner, to uint64, maxBytes int) (frame []byte, next uint64, more bool) {
	want, ok := s.Several(to, maxBytes)
	if !ok {
		return nil, s.Sent, false
	}
	return s.NextTogether(j, want, time.Now())
}

// From each version on and up to each, with little place or much: together come the
// same entries that come singly, whatever was asked for before.
func TestR10_TogetherFromAnywhere(t *testing.T) {
	const n = 60
	sub, envelopes := realTail(n, 50, func(v uint64) string { return strings.Repeat("x", int(v*v)%400+1500*int(v%11/10)) })
	shared := &Joiner{}
	for from := uint64(0); from <= n; from++ {
		for _, to := range []uint64{from, from + 1, from + 2, from + 9, n, n + 10, toHead} {
			for _, maxBytes := range []int{300, 1000, 64 << 10} {
				sub.Cursors = Cursors{Sent: from, Epoch: "e"}
				frame, next, more := sub.together(shared, to, maxBytes)
				again, nextAgain, _ := sub.together(&Joiner{}, to, maxBytes)
				if len(again) != len(frame) || next != nextAgain {
					t.Fatalf("after %d up to %d: %d bytes to %d, and %d to %d", from, to, len(frame), next, len(again), nextAgain)
				}
				if len(frame) == 0 {
					if next != from {
						t.Fatalf("nothing after %d reaches %d", from, next)
					}
					continue
				}
				payload, rest := wire.NextFrame(frame)
				m, err := wire.DecodeServer(payload)
				if err != nil || len(rest) > 0 || len(frame) > maxBytes || more != (next < min(to, n)) || from < 10 || next > min(to, n) || len(m.Entries) < 2 || len(m.Entries) != int(next-from) {
					t.Fatalf("after %d up to %d: %d entries, %d bytes up to %d, %v", from, to, len(m.Entries), len(frame), next, err)
				}
				for i, e := range m.Entries {
					if got := board.EncodeRecord(e).Envelope; string(got) != string(envelopes[from+uint64(i)]) {
						t.Fatalf("got  %s\nwant %s", got, envelopes[from+uint64(i)])
					}
				}
			}
		}
	}
}

// A frame that others were given is not given for another log.
func TestR10_AFrameIsThatOfItsLog(t *testing.T) {
	one, _ := realTail(9, 50, func(uint64) string { return "one" })
	two, _ := realTail(9, 50, func(uint64) string { return "two" })
	j := &Joiner{}
	for _, test := range []struct {
		name string
		sub  *Subscription
		has  string
	}{{"one", one, `"one"`}, {"two", two, `"two"`}, {"one again", one, `"one"`}} {
		test.sub.Cursors = Cursors{}
		frame, next, _ := test.sub.together(j, toHead, 64<<10)
		if next != 9 || strings.Count(string(frame), test.has) != 9 || test.sub.Epoch != "e" {
			t.Errorf("%s: up to %d in epoch %q: %s", test.name, next, test.sub.Epoch, frame)
		}
	}
	one.room.tail.reset("f", 0)
	one.Cursors = Cursors{Epoch: "e"}
	if frame, next, _ := one.together(j, toHead, 64<<10); len(frame) > 0 || next != 0 {
		t.Errorf("of a log that is gone came %s", frame)
	}
}

// A frame is made in the place of the one before.
func TestR10_AFrameAllocatesNothing(t *testing.T) {
	sub, _ := realTail(40, 50, func(uint64) string { return "x" })
	j := &Joiner{}
	from := uint64(0)
	frames := 0
	allocs := testing.AllocsPerRun(100, func() {
		from = (from + 1) % 30
		sub.Cursors = Cursors{Sent: from, Epoch: "e"}
		for range 3 {
			if frame, next, _ := sub.together(j, toHead, 64<<10); len(frame) > 0 && next == 40 {
				frames++
			}
		}
	})
	if allocs != 0 || frames != 3*101 {
		t.Errorf("%v allocations, %d frames", allocs, frames)
	}
}

// What is kept in two forms counts twice towards what a room may keep; only what somebody has
// taken together is.
func TestR10_BothFormsCount(t *testing.T) {
	sub, _ := realTail(4000, 1<<20, func(uint64) string { return strings.Repeat("x", 300) })
	size := func() (bytes, following int) {
		for _, k := range sub.room.tail.kept() {
			bytes += k.frame.len() + k.following.len()
			following += k.following.len()
		}
		return bytes, following
	}
	if bytes, following := size(); bytes > 1<<20 || bytes < 1<<20-2<<10 || following > 0 {
		t.Errorf("%d bytes are kept, %d of them of the second form that nobody wants", bytes, following)
	}
	j := &Joiner{}
	frames := 0
	for sub.Cursors = (Cursors{Sent: sub.room.tail.first - 1, Epoch: "e"}); ; frames++ {
		frame, next, _ := sub.together(j, toHead, 64<<10)
		if len(frame) == 0 {
			break
		}
		sub.Sent = next
	}
	if bytes, following := size(); sub.Sent != 4000 || frames < 8 || bytes > 1<<20 || bytes < 1<<20-2<<10 || following < bytes/4 {
		t.Errorf("%d bytes are kept, %d of them of the second form, after %d frames up to version %d", bytes, following, frames, sub.Sent)
	}
}

package room

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/wire"
)

// TestR1_WhatManyMissedIsReadOnce: sessions that come to a dashboard which has only just
// been opened here get deltas, for which the log is read once and not for each.
func TestR1_WhatManyMissedIsReadOnce(t *testing.T) {
	gate := newGate()
	var reads atomic.Int64
	bubble(t, gate, nil, func(t *testing.T, n *node) {
		for i := range 20 {
			n.create(fmt.Sprint("w", i))
		}
		other := start(t, gate, nil)
		defer other.stop()
		state, bad := other.State(t.Context(), "ops") // opens it
		if bad != nil {
			t.Fatal(bad)
		}
		gate.countReads(&reads)
		var wg sync.WaitGroup
		for i := range 50 {
			from := uint64(12)
			if i%2 > 0 {
				from = 15
			}
			wg.Go(func() { expectDelta(t, other, &wire.Since{Epoch: state.Epoch(), Version: from}, 20) })
		}
		wg.Wait()
		if reads := reads.Load(); reads < 1 || reads > 2 {
			t.Errorf("the log was read %d times for those at two versions", reads)
		}
		n.create("later")
		after(aWhile)
		reads.Store(0)
		expectDelta(t, other, &wire.Since{Epoch: state.Epoch(), Version: 13}, 21)
		if reads := reads.Load(); reads != 0 {
			t.Errorf("what is kept was read again, %d times", reads)
		}
	})
}

// expectDelta subscribes and wants all versions after since up to one.
func expectDelta(t *testing.T, n *node, since *wire.Since, to uint64) {
	t.Helper()
	sub := &reader{hold: true}
	frames, at, bad := n.Subscribe(t.Context(), SubscribeRequest{DashboardID: "ops", Since: since, Role: auth.Owner}, sub, func(s *Subscription) {
		sub.mu.Lock()
		defer sub.mu.Unlock()
		sub.sub = s
	})
	if bad != nil || len(frames) != 1 || at.Sent != to {
		t.Errorf("%d frames up to version %d: %v", len(frames), at.Sent, bad)
		return
	}
	payload, _ := wire.NextFrame(frames[0])
	var m struct {
		Payload struct {
			Mode    string
			Entries []struct{ Payload struct{ Version uint64 } }
		}
	}
	if err := json.Unmarshal(payload, &m); err != nil || m.Payload.Mode != "delta" || uint64(len(m.Payload.Entries)) != to-since.Version {
		t.Errorf("%v: %d entries, want %d: %.200s", err, len(m.Payload.Entries), to-since.Version, payload)
		return
	}
	for i, e := range m.Payload.Entries {
		if e.Payload.Version != since.Version+uint64(i)+1 {
			t.Errorf("entry %d after %d is version %d", i, since.Version, e.Payload.Version)
		}
	}
}

// TestR1_WhatIsReadForTheTailFollowsOn: whatever is put before what is kept, it never has a
// gap and never holds more than it may.
func TestR1_WhatIsReadForTheTailFollowsOn(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 1))
	preceded := 0
	for range 2000 {
		const begins = 100
		tail := newTail("e", begins, 64, 10_000)
		head := begins + uint64(random.IntN(80))
		for v := uint64(begins + 1); v <= head; v++ {
			tail.add(entry("e", v), record(v, random.IntN(300)))
		}
		tail.publish()
		epoch := "e"
		if random.IntN(10) == 0 {
			epoch = "f"
		}
		from := uint64(60 + random.IntN(90))
		var list []logged
		for v := from + 1; v <= head-uint64(random.IntN(2)*random.IntN(3)); v++ {
			list = append(list, logged{version: v, head: fmt.Appendf(nil, `{"v":%d,"entry":`, v), envelope: envelope(v, random.IntN(300))})
		}
		first, size := tail.first, tail.bytes
		lacks := tail.lacks(epoch, from)
		tail.precede(epoch, list, time.Now())
		if n := len(tail.kept()); tail.first != first && (!lacks || tail.first != from+1 || n > 64 || tail.bytes > 10_000) {
			t.Fatalf("%d entries of %d bytes are kept from %d on, before %d; after %d was asked for", n, tail.bytes, tail.first, first, from)
		}
		if tail.first == first && tail.bytes != size {
			t.Fatalf("%d bytes are counted where nothing came to %d", tail.bytes, size)
		}
		if tail.first != first {
			preceded++
		}
		at := Cursors{Epoch: "e", Sent: tail.first - 1}
		for {
			frames, next, ok := tail.span(&at, toHead, 1<<20)
			if !ok {
				t.Fatalf("nothing after %d of %d", at.Sent, head)
			}
			if next == at.Sent {
				break
			}
			for at.Sent < next {
				payload, rest := wire.NextFrame(frames)
				if at.Sent++; !bytes.HasPrefix(payload, fmt.Appendf(nil, "%08d", at.Sent)) {
					t.Fatalf("version %d is %.20q", at.Sent, payload)
				}
				frames = rest
			}
		}
		if at.Sent != head {
			t.Fatalf("ends at %d of %d", at.Sent, head)
		}
		for v := tail.first; v <= head; v++ {
			if got := tail.record("e", v); !bytes.HasPrefix(got, fmt.Appendf(nil, `{"v":%d,"entry":%08d`, v, v)) {
				t.Fatalf("the record of version %d is %.40q", v, got)
			}
		}
	}
	if preceded < 200 {
		t.Errorf("only %d had something put before", preceded)
	}
}

// TestR1_WhatIsTooLongIsReadOnce: where all have missed more than the document is long, each
// gets a snapshot, and the log is read for the first of them alone.
func TestR1_WhatIsTooLongIsReadOnce(t *testing.T) {
	gate := newGate()
	var reads atomic.Int64
	bubble(t, gate, nil, func(t *testing.T, n *node) {
		n.create("a")
		for i := range 40 {
			if a := <-n.title("a", fmt.Sprint(i, strings.Repeat("x", 500))); a.Ack == nil {
				t.Fatal(a.Refusal)
			}
		}
		other := start(t, gate, nil)
		defer other.stop()
		state, bad := other.State(t.Context(), "ops")
		if bad != nil {
			t.Fatal(bad)
		}
		gate.countReads(&reads)
		for _, from := range []uint64{3, 3, 2, 3, 1} {
			sub := &reader{hold: true}
			frames, at, bad := other.Subscribe(t.Context(), SubscribeRequest{
				DashboardID: "ops", Since: &wire.Since{Epoch: state.Epoch(), Version: from}, Role: auth.Owner,
			}, sub, func(*Subscription) {})
			if bad != nil || at.Sent != 41 || len(frames) != 1 || !bytes.Contains(frames[0], []byte(`"mode":"snapshot"`)) {
				t.Errorf("after %d: %d frames up to version %d: %v", from, len(frames), at.Sent, bad)
			}
		}
		if reads := reads.Load(); reads != 1 {
			t.Errorf("the log was read %d times", reads)
		}
		expectDelta(t, other, &wire.Since{Epoch: state.Epoch(), Version: 39}, 41) // which is short
	})
}

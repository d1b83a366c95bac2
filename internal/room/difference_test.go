package room

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

// frozen is a subscriber whose connection takes nothing.
type frozen struct{}

func (frozen) Flush(time.Time, bool)            {}
func (frozen) Gone(*Subscription, string)       {}
func (frozen) Lost(*Subscription, *board.Error) {}

// TestR5_ManyWhoFellBehindShareTheWork: readers who stop at about the same place and come
// back at once, or one after another, are each brought to the head by one change, and the log is
// read for few of them.
func TestR5_ManyWhoFellBehindShareTheWork(t *testing.T) {
	t.Run("at once", func(t *testing.T) { fellBehind(t, true) })
	t.Run("one after another", func(t *testing.T) { fellBehind(t, false) })
}

func fellBehind(t *testing.T, atOnce bool) {
	const readers, widgets, missed = 40, 10, 2000
	j := newGate()
	bubble(t, j, func(c *Config) { c.TailEntries = 16 }, func(t *testing.T, n *node) {
		for i := range widgets {
			n.create(fmt.Sprint("w", i))
		}
		edit := func(i int) {
			if a := <-n.title(fmt.Sprint("w", i%widgets), fmt.Sprint(i, strings.Repeat("x", 500))); a.Ack == nil {
				t.Fatal(a.Refusal)
			}
		}
		for i := range 100 {
			edit(i)
		}
		// Where the readers stop: newest first, so that who comes later stands before.
		subs := make([]*Subscription, readers)
		docs := make([]*board.Document, readers)
		for i := range subs {
			frames, at, err := n.Subscribe(t.Context(), SubscribeRequest{DashboardID: "ops", Role: auth.Owner}, frozen{}, func(s *Subscription) { subs[i] = s })
			if err != nil || len(frames) != 1 {
				t.Fatal(frames, err)
			}
			defer subs[i].Cancel()
			subs[i].Cursors = at
			docs[i] = subs[i].room.head().Document()
			edit(100 + i)
		}
		for i := range missed {
			edit(i)
		}
		r := subs[0].room
		epoch, head := r.head().Head()
		want := string(board.AppendDocument(nil, r.head().Document()))
		records, inLine := 0, false
		j.set(func() {
			j.onRead = func(context.Context, int) error {
				for atOnce && !inLine { // all are before the first is served
					inLine = r.differences.waiting.Load() == readers
					runtime.Gosched()
				}
				records++
				return nil
			}
		})
		var served sync.WaitGroup
		frames := make([][][]byte, readers)
		after := make([]Cursors, readers)
		if atOnce {
			for i, s := range subs {
				served.Go(func() { frames[i], after[i] = s.CatchUp(context.Background(), s.Cursors, auth.Owner) })
			}
			served.Wait()
		} else {
			done := make([]func(), readers)
			for i, s := range subs {
				done[i] = s.Behind()
			}
			for i, s := range subs {
				frames[i], after[i] = s.CatchUp(context.Background(), s.Cursors, auth.Owner)
				done[i]()
			}
		}
		for i, s := range subs {
			if len(frames[i]) != 1 || after[i].Epoch != epoch || after[i].Sent != head {
				t.Fatalf("reader %d: %d frames up to %q %d", i, len(frames[i]), after[i].Epoch, after[i].Sent)
			}
			payload, _ := wire.NextFrame(frames[i][0])
			m, err := wire.DecodeServer(payload)
			if err != nil || m.Update == nil || m.Update.From != s.Sent || m.Update.To != head {
				t.Fatalf("reader %d, at %d: %.200s %v", i, s.Sent, payload, err)
			}
			if got := string(board.AppendDocument(nil, m.Update.Change.ApplyTo(docs[i]))); got != want {
				t.Fatalf("reader %d has\n%.300s\nand not\n%.300s", i, got, want)
			}
		}
		if records > 4*missed {
			t.Errorf("%d records were read for %d readers who missed %d each", records, readers, missed)
		}
		r.differences.mu.Lock()
		if r.differences.last.change != nil {
			t.Error("what was composed is kept although nobody waits for it")
		}
		r.differences.mu.Unlock()
	})
}

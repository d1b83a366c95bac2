package session

import (
	"fmt"
	"testing"
	"time"

	"github.com/dashwire/dashwire/internal/room"
)

// The fan-out of the design, counted: an entry is encoded once whatever the number of
// readers, the first one leaves at once, and what gathers meanwhile goes out in one
// write a session.
func TestR2_OneEncodeForAllReadersAndTwoWritesForAHundredEntries(t *testing.T) {
	const readers, n = 40, 100
	bubble(t, options{}, func(t *testing.T, node *node) {
		a := node.join("a")
		a.create("ops", "cpu")
		var all []*peer
		for i := range readers {
			p := node.join(fmt.Sprint("r", i))
			p.follow("ops")
			p.written()
			all = append(all, p)
		}
		after(aWhile)
		encoded := node.hub.Stats().Encoded
		begin := time.Now()
		a.fill("ops", "cpu", n, 100)
		if got := node.hub.Stats().Encoded - encoded; got != n {
			t.Errorf("%d entries were encoded %d times for %d readers", n, got, readers)
		}
		for i, p := range all {
			writes := p.written()
			frames := 0
			for _, w := range writes {
				frames += w.frames
			}
			if len(writes) > 2 || frames != n {
				t.Errorf("reader %d got %d entries in %d writes", i, frames, len(writes))
			}
			if writes[0].at != begin {
				t.Errorf("reader %d heard the first entry %s after it was made", i, writes[0].at.Sub(begin))
			}
		}
	})
}

func TestR2_NoSessionIsWrittenFasterThanThePace(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, node *node) {
		a := node.join("a")
		boards := []string{"one", "two", "three"}
		for _, id := range boards {
			a.create(id, "cpu")
		}
		b := node.join("b")
		for _, id := range boards {
			b.follow(id)
		}
		after(aWhile)
		b.written()
		for i := range 300 {
			a.title(fmt.Sprint("t", i), boards[i%len(boards)], "cpu", fmt.Sprint(i))
			<-time.After(997 * time.Microsecond)
		}
		after(aWhile)
		writes := b.written()
		for i := 1; i < len(writes); i++ {
			if apart := writes[i].at.Sub(writes[i-1].at); apart < node.hub.Pace() {
				t.Fatalf("two paced writes are %s apart", apart)
			}
		}
		if most := int(300*time.Millisecond/node.hub.Pace()) + 3; len(writes) > most || len(writes) < most/2 {
			t.Errorf("300 entries of three dashboards went out in %d writes", len(writes))
		}
	})
}

// An answer is not paced, and takes along everything that is due.
func TestR2_AnswersAreWrittenAtOnce(t *testing.T) {
	bubble(t, options{room: func(c *room.Config) { c.Pace = 5 * time.Second }}, func(t *testing.T, node *node) {
		a, b := node.join("a"), node.join("b")
		a.create("ops", "cpu")
		b.follow("ops")
		after(6 * time.Second)
		a.title("1", "ops", "cpu", "1")
		a.one("ACK")
		b.one("WIDGET_UPDATE")
		a.title("2", "ops", "cpu", "2") // waits for the pace
		a.one("ACK")
		if got := b.take(); len(got) != 0 {
			t.Fatalf("got %s", describe(got))
		}
		b.title("3", "ops", "cpu", "3")
		got := b.take()
		if len(got) != 2 || got[0].uint("version") != 3 || got[1].Type != "ACK" || got[1].uint("version") != 4 {
			t.Errorf("got %s", describe(got))
		}
	})
}

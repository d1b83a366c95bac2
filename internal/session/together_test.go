package session

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

// singly takes what has come as entries, each as its envelope, and in how many messages.
func (p *peer) singly() (entries []string, messages int) {
	p.t.Helper()
	for _, m := range p.take() {
		decoded, err := wire.DecodeServer(m.raw)
		if err != nil {
			p.t.Fatal(err)
		}
		list := decoded.Entries
		if decoded.Entry != nil {
			list = []*board.Entry{decoded.Entry}
		}
		if len(list) > 0 {
			messages++
		}
		for _, e := range list {
			entries = append(entries, string(board.EncodeRecord(e).Envelope))
		}
	}
	return entries, messages
}

// Who asks for it hears what the others hear, byte for byte, in fewer messages; the others
// hear each entry by itself.
func TestR10_TogetherForThoseWhoAsk(t *testing.T) {
	const n = 100
	bubble(t, options{}, func(t *testing.T, node *node) {
		a := node.join("a")
		a.create("ops", "cpu")
		alone, together, late := node.join("b"), node.joinTogether("c"), node.joinTogether("d")
		for _, p := range []*peer{alone, together, late} {
			p.follow("ops")
			p.written()
		}
		after(aWhile)
		a.fill("ops", "cpu", n, 20)
		late.block(100) // has a part of a frame by the time of the second write
		a.fill("ops", "cpu", n+1, 20)
		late.drink(-1)
		want, messages := alone.singly()
		if len(want) < 2*n || messages != len(want) {
			t.Fatalf("one heard %d entries in %d messages", len(want), messages)
		}
		for name, p := range map[string]*peer{"one": together, "one that was blocked": late} {
			got, messages := p.singly()
			if messages > 10 || strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("%s heard %d entries in %d messages, the others %d", name, len(got), messages, len(want))
			}
		}
	})
}

// A long entry is not kept in a second form: it comes first among those that go together, or alone.
func TestR10_ALongEntryFollowsNoOther(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, node *node) {
		a, b := node.join("a"), node.joinTogether("b")
		a.create("ops", "cpu")
		b.follow("ops")
		after(aWhile)
		a.title("0", "ops", "cpu", "0")
		after(time.Microsecond)
		for i, size := range []int{0, 0, 2000, 0, 2000} {
			a.title(fmt.Sprint("t", i), "ops", "cpu", fmt.Sprint("t", i)+strings.Repeat("x", size))
		}
		after(aWhile)
		var got []string
		for _, m := range b.take() {
			got = append(got, fmt.Sprint(m.Type, " ", bytes.Count(m.raw, []byte(`"version":`))))
		}
		want := "WIDGET_UPDATE 1, SYNC_ENTRIES 2, SYNC_ENTRIES 2, WIDGET_UPDATE 1"
		if strings.Join(got, ", ") != want {
			t.Errorf("got %s", strings.Join(got, ", "))
		}
	})
}

// Two dashboards of one write, and an answer between entries: nothing that waits to be
// written is another's.
func TestR10_SeveralInOneWrite(t *testing.T) {
	bubble(t, options{}, func(t *testing.T, node *node) {
		a, b := node.join("a"), node.joinTogether("b")
		for _, id := range []string{"one", "two"} {
			a.create(id, "cpu")
			b.follow(id)
		}
		after(aWhile)
		b.take()
		for i := range 40 {
			a.title(fmt.Sprint("t", i), []string{"one", "two"}[i%2], "cpu", fmt.Sprint(i))
		}
		b.title("own", "two", "cpu", "own")
		for i := range 40 {
			a.title(fmt.Sprint("u", i), []string{"one", "two"}[i%2], "cpu", fmt.Sprint("u", i))
		}
		after(aWhile)
		versions := map[string]uint64{"one": 1, "two": 1}
		together := 0
		for _, m := range b.take() {
			decoded, err := wire.DecodeServer(m.raw)
			if err != nil {
				t.Fatal(err)
			}
			list := decoded.Entries
			together += min(1, len(list))
			switch {
			case decoded.Entry != nil:
				list = []*board.Entry{decoded.Entry}
			case decoded.Ack != nil:
				list = []*board.Entry{{DashboardID: decoded.Ack.DashboardID, Version: decoded.Ack.Of.Version}}
			}
			for _, e := range list {
				if versions[e.DashboardID]++; e.Version != versions[e.DashboardID] {
					t.Fatalf("version %d of %s instead of %d", e.Version, e.DashboardID, versions[e.DashboardID])
				}
			}
		}
		if versions["one"] != 41 || versions["two"] != 42 || together < 3 {
			t.Errorf("heard up to %v, %d times together", versions, together)
		}
	})
}

package room

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/wire"
)

// watcher takes presence in as a client does.
type watcher struct {
	sub    *Subscription
	number uint64
	there  map[string]string // state by session
	count  int
	frames int
}

func watch(sub *Subscription) *watcher {
	w := &watcher{sub: sub, there: map[string]string{}}
	w.snapshot()
	return w
}

func (w *watcher) snapshot() {
	list, count, number := w.sub.room.presence.all()
	clear(w.there)
	for _, s := range list {
		w.there[s.SessionID] = string(s.State)
	}
	w.count, w.number = count, number
	if count == 0 {
		w.count = len(list)
	}
}

// look takes in what has changed and reports whether that was still known.
func (w *watcher) look(t *testing.T) bool {
	t.Helper()
	synctest.Wait()
	frame, next, ok := w.sub.room.presence.since(w.number)
	if !ok {
		return false
	}
	w.number = next
	if frame == nil {
		return true
	}
	w.frames++
	payload, _ := wire.NextFrame(frame)
	m, err := wire.DecodeServer(payload)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(m.Presence.Joined, m.Presence.Changed...) {
		w.there[s.SessionID] = string(s.State)
	}
	for _, id := range m.Presence.Left {
		delete(w.there, id)
	}
	w.count = m.Presence.Count
	return true
}

func state(session int, client, value string) wire.PresenceState {
	return wire.PresenceState{SessionID: fmt.Sprint("s", session), ClientID: client, UserID: "ana", State: board.Value(value)}
}

func (w *watcher) want(t *testing.T, sessions ...string) {
	t.Helper()
	w.look(t)
	var got []string
	for id := range w.there {
		got = append(got, id)
	}
	slices.Sort(got)
	if fmt.Sprint(got) != fmt.Sprint(sessions) {
		t.Errorf("there are %v, want %v", got, sessions)
	}
}

func TestW3_ComingAndGoing(t *testing.T) {
	bubble(t, nil, nil, func(t *testing.T, n *node) {
		n.create("cpu")
		sub := n.follow("ops").sub
		w := watch(sub)
		sub.Present(state(1, "a", "1"))
		sub.Present(state(2, "b", "1"))
		w.want(t) // nothing before 100 ms
		after(100 * time.Millisecond)
		w.want(t, "s1", "s2")

		// Subscribed anew within the five seconds: it stays.
		sub.Absent("s1", false)
		after(4 * time.Second)
		sub.Present(state(1, "a", "2"))
		after(10 * time.Second)
		w.want(t, "s1", "s2")
		if w.there["s1"] != "2" {
			t.Errorf("s1 is %s", w.there["s1"])
		}

		// The client is back as another session: the old one goes at once.
		sub.Absent("s1", false)
		sub.Present(state(3, "a", "3"))
		after(100 * time.Millisecond)
		w.want(t, "s2", "s3")

		sub.Absent("s2", false)
		after(4900 * time.Millisecond)
		w.want(t, "s2", "s3")
		after(300 * time.Millisecond)
		w.want(t, "s3")

		// Away and back between two looks is there.
		sub.Absent("s3", true)
		sub.Present(state(3, "a", "4"))
		after(100 * time.Millisecond)
		w.want(t, "s3")
		sub.Absent("s3", true)
		sub.Absent("nobody", true)
		after(100 * time.Millisecond)
		w.want(t)
	})
}

func TestW3_CountsFromTwoHundredAndOneOn(t *testing.T) {
	bubble(t, nil, nil, func(t *testing.T, n *node) {
		n.create("cpu")
		sub := n.follow("ops").sub
		w, lazy := watch(sub), watch(sub)
		for i := range 200 {
			sub.Present(state(1000+i, fmt.Sprint("c", i), "1"))
		}
		after(aWhile)
		w.look(t)
		lazy.look(t)
		if len(w.there) != 200 || w.count != 200 {
			t.Fatalf("%d listed, count %d", len(w.there), w.count)
		}
		sub.Present(state(2000, "x", "1"))
		after(aWhile)
		w.look(t)
		if len(w.there) != 200 || w.count != 201 {
			t.Errorf("%d listed, count %d", len(w.there), w.count)
		}
		frames := w.frames
		sub.Present(state(1000, "c0", "2")) // while there is no list, states are not told
		after(aWhile)
		w.look(t)
		if w.frames != frames {
			t.Error("a count was sent although it has not changed")
		}
		sub.Absent("s1001", true)
		sub.Absent("s1002", true)
		after(aWhile)
		w.look(t)
		lazy.look(t)
		for name, w := range map[string]*watcher{"looking all the time": w, "looking at the end": lazy} {
			if len(w.there) != 199 || w.count != 199 || w.there["s1000"] != "2" || w.there["s2000"] != "1" || w.there["s1001"] != "" {
				t.Errorf("%s: %d listed, count %d, s1000 is %s", name, len(w.there), w.count, w.there["s1000"])
			}
		}
	})
}

// Who has missed more departures than are remembered catches up, once.
func TestW3_TooManyDepartures(t *testing.T) {
	bubble(t, nil, nil, func(t *testing.T, n *node) {
		n.create("cpu")
		sub := n.follow("ops").sub
		slow := watch(sub)
		for i := range presenceLeft + 5 {
			sub.Present(state(i, fmt.Sprint("c", i), "1"))
			sub.Absent(fmt.Sprint("s", i), true)
		}
		after(aWhile)
		if slow.look(t) {
			t.Error("it was told changes that are forgotten")
		}
		frames, at := sub.CatchUp(t.Context(), Cursors{Epoch: "epoch-1", Sent: 1, Presence: slow.number}, 4)
		if len(frames) != 1 || at.Sent != 1 {
			t.Fatalf("%d frames, at %+v", len(frames), at)
		}
		payload, _ := wire.NextFrame(frames[0])
		m, err := wire.DecodeServer(payload)
		if err != nil || m.Sync.Mode != wire.ModeDelta || len(m.Sync.Entries) != 0 {
			t.Errorf("got %s, %v: the document has not changed and need not be sent", payload, err)
		}
		slow.number = at.Presence
		if !slow.look(t) {
			t.Error("it has to catch up again")
		}
	})
}

func TestA6_NoTimersAreLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, nil, nil)
		n.create("cpu")
		r := n.follow("ops")
		r.sub.Present(state(1, "a", "1"))
		r.sub.Absent("s1", false)
		p := r.sub.room.presence
		n.stop()
		after(time.Minute)
		if p.going != 0 || p.armed && !p.stopped {
			t.Errorf("%d wait for their return, armed: %v", p.going, p.armed)
		}
	})
}

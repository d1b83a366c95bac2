package room

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/memjournal"
)

// An op that comes in while the room reads what another node has appended is decided
// on what was read, not appended behind it as it was.
func TestA3_OpsThatComeWhileTheLogIsRead(t *testing.T) {
	g := newGate()
	g.bare = true
	bubble(t, g, nil, func(t *testing.T, n *node) {
		n.create("cpu")
		other := start(t, g.Journal, nil)
		defer other.stop()
		way, reading := make(chan struct{}), make(chan struct{}, 10)
		g.set(func() {
			g.onRead = func(ctx context.Context, i int) error {
				if i == 1 { // between two records of the other node
					reading <- struct{}{}
					return wait(ctx, way)
				}
				return nil
			}
		})
		other.ops = 100
		for i := range 3 {
			other.title("cpu", fmt.Sprint("other ", i))
		}
		after(aWhile)
		<-reading
		mine := n.title("cpu", "mine")
		if a := answered(mine); a != nil {
			t.Fatalf("answered while the log was read: %+v", a)
		}
		g.set(func() { g.onRead = nil })
		close(way)
		a := <-mine
		if a.Ack == nil || a.Ack.Version != 5 {
			t.Fatalf("got %+v, %v", a.Ack, a.Refusal)
		}
		if list := ids(t, g, "ops"); len(list) != 5 {
			t.Errorf("the log holds %v", list)
		}
		if strings.Contains(n.log.String(), "in line at") {
			t.Errorf("the last check had to help: %s", n.log)
		}
	})
}

// A delivery that comes while a dashboard is being opened is not lost.
func TestA4_AppendedWhileTheDashboardOpens(t *testing.T) {
	g := newGate()
	bubble(t, g, nil, func(t *testing.T, n *node) {
		other := start(t, g.Journal, nil)
		defer other.stop()
		other.create("cpu")
		after(5 * time.Second)
		way := make(chan struct{})
		g.set(func() {
			g.onRead = func(ctx context.Context, i int) error {
				if i == 1 { // all was read, and the room is not open yet
					return wait(ctx, way)
				}
				return nil
			}
		})
		opened := make(chan *reader, 1)
		go func() { opened <- n.follow("ops") }()
		after(time.Millisecond)
		other.title("cpu", "new")
		after(time.Millisecond)
		g.set(func() { g.onRead = nil })
		close(way)
		r := <-opened
		after(100 * time.Millisecond)
		state, _ := n.State(t.Context(), "ops")
		if state.Version() != 2 {
			t.Errorf("at version %d, want 2; heard %q", state.Version(), r.take())
		}
	})
}

// A log that cannot be read for a moment is read again by itself.
func TestA4_ReadingIsTriedAgain(t *testing.T) {
	g := newGate()
	g.bare = true
	bubble(t, g, nil, func(t *testing.T, n *node) {
		n.create("cpu")
		r := n.follow("ops")
		r.take()
		other := start(t, g.Journal, nil)
		defer other.stop()
		reads := 0
		g.set(func() {
			g.onRead = func(context.Context, int) error {
				reads++
				return errors.New("no connection")
			}
		})
		other.ops = 100
		other.title("cpu", "new")
		after(20 * time.Second)
		if got := r.take(); len(got) != 0 || reads < 3 || reads > 20 {
			t.Errorf("heard %q after %d reads", got, reads)
		}
		g.set(func() { g.onRead = nil })
		after(6 * time.Second)
		if got := r.take(); len(got) != 1 {
			t.Errorf("heard %q", got)
		}
		if lines := strings.Count(n.log.String(), "no connection"); lines > reads {
			t.Errorf("%d lines for %d reads", lines, reads)
		}
	})
}

// While the log cannot be read, ops are refused at once, and taken again afterwards.
func TestA2_OpsWhileTheLogCannotBeRead(t *testing.T) {
	g := newGate()
	g.bare = true
	bubble(t, g, nil, func(t *testing.T, n *node) {
		n.create("cpu")
		other := start(t, g.Journal, nil)
		defer other.stop()
		g.set(func() { g.onRead = func(context.Context, int) error { return journal.ErrUnavailable } })
		other.ops = 100
		other.title("cpu", "new")
		after(10 * time.Millisecond)
		a := answered(n.title("cpu", "mine"))
		if a == nil || a.Refusal == nil || a.Refusal.Code != board.CodeUnavailable {
			t.Fatalf("got %+v", a)
		}
		g.set(func() { g.onRead = nil })
		if a := <-n.title("cpu", "mine"); a.Ack == nil || a.Ack.Version != 3 {
			t.Errorf("got %+v", a)
		}
	})
}

// Follow may end; what was appended until it listens again is found by reading.
func TestA4_FollowBreaksOff(t *testing.T) {
	g := newGate()
	broken := errors.New("the stream broke")
	cut := make(chan error, 1)
	g.onFollow = func(ctx context.Context) error {
		select {
		case err := <-cut:
			return err
		default:
			return nil
		}
	}
	synctestBubble(t, func(t *testing.T) {
		cut <- broken // the first Follow fails at once
		n := start(t, g, nil)
		defer n.stop()
		n.create("cpu")
		r := n.follow("ops")
		r.take()
		// Another node appends while nobody listens.
		other := start(t, g.Journal, nil)
		defer other.stop()
		other.ops = 100
		if a := <-other.title("cpu", "unheard"); a.Ack == nil {
			t.Fatal(a.Refusal)
		}
		after(2 * time.Second)
		if got := r.take(); len(got) != 1 {
			t.Errorf("heard %q", got)
		}
	})
}

// The identical append is repeated until it is known, whatever the journal says in
// between; nothing is concluded from a read.
func TestA1_UnknownIsRepeatedUntilKnown(t *testing.T) {
	tests := []struct {
		name   string
		faults []memjournal.Fault
		after  time.Duration // until it is answered
	}{
		{"lost before", []memjournal.Fault{memjournal.LoseBefore}, time.Second},
		{"lost after", []memjournal.Fault{memjournal.LoseAfter}, time.Second},
		{"several", []memjournal.Fault{memjournal.LoseBefore, memjournal.LoseAfter, memjournal.LoseBefore}, time.Second},
		{"refused after unknown proves nothing", []memjournal.Fault{memjournal.LoseBefore, memjournal.Refuse, memjournal.Refuse}, time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var left []memjournal.Fault
			var seen []string
			j := memjournal.New(memjournal.Options{Fault: func(_ context.Context, a journal.Append) memjournal.Fault {
				seen = append(seen, fmt.Sprint(a.After, string(a.Records[0])))
				if len(left) == 0 {
					return memjournal.None
				}
				f := left[0]
				left = left[1:]
				return f
			}})
			bubble(t, j, nil, func(t *testing.T, n *node) {
				n.create("cpu")
				left, seen = test.faults, nil
				answers := n.title("cpu", "x")
				after(test.after)
				a := answered(answers)
				if a == nil || a.Ack == nil || a.Ack.Version != 2 || !a.Committed {
					t.Fatalf("got %+v", a)
				}
				if len(seen) != len(test.faults)+1 {
					t.Errorf("%d appends for %d faults", len(seen), len(test.faults))
				}
				for _, s := range seen {
					if s != seen[0] {
						t.Errorf("appended %s and then %s", seen[0], s)
					}
				}
				if list := ids(t, j, "ops"); len(list) != 2 {
					t.Errorf("the log holds %v", list)
				}
			})
		})
	}
}

// The five seconds count from when the op came in, not from when its append began.
func TestA1_FiveSecondsFromTheBeginning(t *testing.T) {
	g := newGate()
	bubble(t, g, nil, func(t *testing.T, n *node) {
		n.create("cpu")
		g.set(func() {
			g.onAppend = func(ctx context.Context) error {
				select {
				case <-time.After(3200 * time.Millisecond):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		})
		first := n.title("cpu", "1")
		after(time.Second)
		second := n.title("cpu", "2") // in line until 3.2 s, appended at 6.4 s
		after(time.Second)
		third := n.title("cpu", "3") // likewise
		after(1500 * time.Millisecond)
		if a := answered(first); a == nil || a.Ack == nil {
			t.Errorf("the first: %+v", a)
		}
		after(2400 * time.Millisecond) // 5.9 s
		if a := answered(second); a != nil {
			t.Errorf("the second before its five seconds: %+v", a)
		}
		after(200 * time.Millisecond) // 6.1 s
		if a := answered(second); a == nil || a.Refusal == nil || a.Refusal.Code != board.CodeUnavailable {
			t.Errorf("the second after five seconds: %+v", a)
		}
		after(time.Second)
		if a := answered(third); a == nil || a.Ack == nil || a.Ack.Version != 4 {
			t.Errorf("the third: %+v", a)
		}
	})
}

func TestA3_RacesAreGivenUpAfterTwoSeconds(t *testing.T) {
	j := memjournal.New(memjournal.Options{})
	thief := &thief{Journal: j}
	bubble(t, thief, nil, func(t *testing.T, n *node) {
		n.create("cpu")
		thief.steals = true
		begin := time.Now()
		a := <-n.title("cpu", "x")
		took := time.Since(begin)
		if a.Refusal == nil || a.Refusal.Code != board.CodeUnavailable || took < 2*time.Second || took > 2500*time.Millisecond {
			t.Errorf("got %+v after %s", a, took)
		}
		thief.steals = false
		if a := <-n.title("cpu", "y"); a.Ack == nil {
			t.Errorf("got %+v", a)
		}
		ids(t, j, "ops") // folds
	})
}

// thief is a journal on which somebody else is always first.
type thief struct {
	journal.Journal
	steals bool
	n      int
}

func (j *thief) Append(ctx context.Context, a journal.Append) (journal.Durability, error) {
	if !j.steals {
		return j.Journal.Append(ctx, a)
	}
	state := board.NewState(a.DashboardID)
	for rec, err := range j.Read(ctx, a.DashboardID, 0) {
		if err != nil {
			return "", err
		}
		if _, state, err = fold(state, rec); err != nil {
			return "", err
		}
	}
	j.n++
	e := &board.Entry{
		Type: board.TypeSettings, ID: fmt.Sprint("stolen-", j.n), DashboardID: a.DashboardID, Epoch: state.Epoch(),
		Version: state.Version() + 1, Time: time.Now().UTC().Truncate(time.Millisecond), Status: board.StatusApplied,
		Change: &board.Change{Settings: &board.Patch{Set: []board.Assignment{{Path: "/n", Value: board.Value(fmt.Sprint(j.n))}}}},
	}
	stolen := a
	stolen.After, stolen.Records = journal.Position(state.Position()), [][]byte{board.EncodeRecord(e).Data}
	if _, err := j.Journal.Append(ctx, stolen); err != nil {
		return "", err
	}
	return j.Journal.Append(ctx, a)
}

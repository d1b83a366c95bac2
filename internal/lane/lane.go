package lane

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dashwire/dashwire/internal/fifo"
)

// Patience is how long a turn keeps its place while others wait, where New is not told
// otherwise. What computes for longer loses nothing but the company of one more.
const Patience = 10 * time.Millisecond

// Work is done in a goroutine of the lane's.
type Work interface {
	// Run does it, during a turn.
	Run(t *Turn)
}

// Lane is a line and the places that it leads to. Its methods may be called by any number
// of goroutines at once.
type Lane struct {
	places   int
	patience time.Duration
	crowded  bool // Go runs on more threads than there are processors
	made     time.Time
	yielded  atomic.Int64 // when the thread was, after made

	mu    sync.Mutex
	turns []*Turn // that hold a place
	line  line
	timer *time.Timer // takes places away; set once somebody has waited
	armed bool
	// runners are the goroutines that work; the last one to end tells ended.
	runners int
	ended   sync.Cond
}

// Turn is a place in a lane, while it is held. It is used by one goroutine at a time; Leave
// may be called by any. Nil is the turn of what goes past the lane.
type Turn struct {
	lane  *Lane
	key   uint64
	began time.Time // under the lane's mu
	holds bool      // under the lane's mu
}

// New makes a lane with so many places, at least one; a turn keeps its place for patience
// while others wait.
func New(places int, patience time.Duration) *Lane {
	l := &Lane{
		places: max(places, 1), patience: patience, crowded: runtime.GOMAXPROCS(0) > runtime.NumCPU(), made: time.Now(),
		line: line{keys: make(map[uint64]*fifo.Queue[waiter])},
	}
	l.ended.L = &l.mu
	return l
}

// Shared makes a lane that leaves one of the processors that Go uses to others.
func Shared() *Lane { return New(runtime.GOMAXPROCS(0)-1, Patience) }

// Go has work done once it is its turn. It does not block. Keys take turns: many that wait
// under one key do not keep those of another from the next place.
func (l *Lane) Go(key uint64, work Work) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line.push(waiter{key: key, work: work})
	l.grantLocked()
}

// Turn makes one that holds no place yet: Return waits for it.
func (l *Lane) Turn(key uint64) *Turn { return &Turn{lane: l, key: key} }

// Enter waits for a turn.
func (l *Lane) Enter(key uint64) *Turn {
	t := l.Turn(key)
	t.Return()
	return t
}

// Continue waits for the turn that ctx carries, if that is one of this lane and of this
// key; it is lent then, and left by who has put it there. Else that one is left, and a turn
// of the key waited for.
func (l *Lane) Continue(ctx context.Context, key uint64) (t *Turn, lent bool) {
	t, _ = ctx.Value(turnKey{}).(*Turn)
	if t == nil || t.lane != l || t.key != key {
		t.Leave()
		return l.Enter(key), false
	}
	t.Return()
	return t, true
}

// turnKey finds a turn in a context.
type turnKey struct{}

// Context hands a turn on to who does a part of its work.
func (t *Turn) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, turnKey{}, t)
}

// Leave gives the place to the next in line, if the turn still has it. Nothing is wrong
// with leaving twice.
func (t *Turn) Leave() {
	if t == nil {
		return
	}
	l := t.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.holds {
		l.takeLocked(t)
		l.grantLocked()
	}
}

// Return waits for a place again after Leave.
func (t *Turn) Return() {
	if t == nil {
		return
	}
	l := t.lane
	l.mu.Lock()
	if t.holds {
		l.mu.Unlock()
		return
	}
	if len(l.turns) < l.places && l.line.n == 0 {
		l.giveLocked(t)
		l.mu.Unlock()
		return
	}
	told := make(chan struct{})
	l.line.push(waiter{key: t.key, turn: t, told: told})
	l.grantLocked()
	l.mu.Unlock()
	<-told
	// Who is told of a place runs at once, in what is left of the time of who left it: a
	// chain of short turns would keep what has become ready meanwhile waiting for all of it.
	l.yield()
}

// Wait returns once no work is being done.
func (l *Lane) Wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.runners > 0 {
		l.ended.Wait()
	}
}

func (l *Lane) giveLocked(t *Turn) {
	t.holds, t.began = true, time.Now()
	l.turns = append(l.turns, t)
}

func (l *Lane) takeLocked(t *Turn) {
	t.holds = false
	i := slices.Index(l.turns, t)
	l.turns = slices.Delete(l.turns, i, i+1)
}

// grantLocked gives free places to those who wait.
func (l *Lane) grantLocked() {
	for l.line.n > 0 && len(l.turns) < l.places {
		w := l.line.pop()
		if w.told != nil {
			l.giveLocked(w.turn)
			close(w.told)
			continue
		}
		t := &Turn{lane: l, key: w.key}
		l.giveLocked(t)
		l.runners++
		go l.run(t, w.work)
	}
	if l.line.n > 0 && !l.armed {
		l.armed = true
		if l.timer == nil {
			l.timer = time.AfterFunc(l.patience, l.look)
		} else {
			l.timer.Reset(l.patience)
		}
	}
}

// yieldEvery is how often the thread is yielded, at most: where another one is ready, that
// costs as much as a small request.
const yieldEvery = time.Millisecond

// yield lets what has become ready meanwhile go first: goroutines and, where these share
// processors, now and then threads.
func (l *Lane) yield() {
	if l.crowded {
		now := int64(time.Since(l.made))
		if last := l.yielded.Load(); now-last >= int64(yieldEvery) && l.yielded.CompareAndSwap(last, now) {
			yieldThread()
		}
	}
	runtime.Gosched()
}

// run does work, and then what is next in line.
func (l *Lane) run(t *Turn, work Work) {
	for work != nil {
		work.Run(t)
		l.yield()
		t, work = l.next(t)
	}
}

// next ends a turn and begins the next one, if work is next.
func (l *Lane) next(t *Turn) (*Turn, Work) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.holds {
		l.takeLocked(t)
	}
	for l.line.n > 0 && len(l.turns) < l.places {
		w := l.line.pop()
		if w.told == nil {
			t := &Turn{lane: l, key: w.key}
			l.giveLocked(t)
			return t, w.work
		}
		l.giveLocked(w.turn)
		close(w.told)
	}
	if l.runners--; l.runners == 0 {
		l.ended.Broadcast()
	}
	return nil, nil
}

// look takes the places of those away who had theirs for too long.
func (l *Lane) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.armed = false
	if l.line.n == 0 {
		return
	}
	now := time.Now()
	for _, t := range slices.Clone(l.turns) {
		if now.Sub(t.began) >= l.patience {
			l.takeLocked(t)
		}
	}
	l.grantLocked()
}
